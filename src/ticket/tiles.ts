// What a target asks of a random network as work of the kernel `prune`, and what its answers keep.

import { RequestError } from "../errors.ts";
import { slicingOf } from "../ensemble.ts";
import { DEMAND_WORDS, pruneWords, type PruneInput, type PruneParams } from "../kernels/prune.ts";
import type { Network } from "../network.ts";
import type { Work } from "../plan.ts";
import type { Mask } from "./mask.ts";
import { layerKey, reducedWeights, type RandomLayer, type Scheme } from "./scheme.ts";
import { deviationOf, keep, type Deviation } from "./ticket.ts";

/** Demands that are one piece of work: so many at most, and fewer where they take more steps of so many sums. */
const TILE_DEMANDS = 2 ** 11;
const TILE_SUMS = 2 ** 34;
/** Sums of which only the size of a set is known take so many times as long. */
const SIZE_COST = 8;

/** Some demands of a layer, which are numbered in the order of `demandsOf`. */
export interface Tile {
  /** The layer of the random network. */
  readonly index: number;
  readonly first: number;
  readonly count: number;
  readonly work: Work & {
    readonly params: PruneParams;
    readonly inputs: Readonly<Record<PruneInput, Int32Array<ArrayBuffer>>>;
  };
}

/**
 * All demands of a target in their order, made as they are needed.
 * Throws RangeError at once where a layer has more units than any engine has tables for.
 */
export function tilesOf(
  target: Network,
  layers: readonly RandomLayer[],
  scheme: Scheme,
  seed: bigint,
  sparse: boolean,
): Iterable<Tile> {
  const most = Math.ceil(2 ** 31 / 4 ** scheme.bits) - 1;
  for (const { kind, group } of layers)
    if (kind === "pooled" && group > most)
      throw new RequestError("units", `at most ${most} for ${scheme.bits} bits`, group);
  return makeTiles(target, layers, scheme, seed, sparse);
}

function* makeTiles(
  target: Network,
  layers: readonly RandomLayer[],
  scheme: Scheme,
  seed: bigint,
  sparse: boolean,
): Generator<Tile, void, undefined> {
  const values = reducedWeights(scheme);
  for (const [index, layer] of layers.entries()) {
    const { kind, rows, inputs, group, signed } = layer;
    if (kind === "hidden") continue;
    const [hiddenLow, hiddenHigh] = layerKey(scheme, seed, index - 1);
    const [weightsLow, weightsHigh] = layerKey(scheme, seed, index);
    const largest = 2 ** (kind === "pooled" ? 2 * scheme.bits : scheme.bits);
    const sums = Math.floor((group * largest) / 2) + 1;
    const steps = group * sums * (sparse ? SIZE_COST : 1);
    const size = Math.min(Math.max(Math.floor(TILE_SUMS / steps), 1), TILE_DEMANDS);
    const total = rows * inputs * (signed ? 2 : 1);
    for (let first = 0; first < total; first += size) {
      const count = Math.min(size, total - first);
      const demands = new Int32Array(DEMAND_WORDS * count);
      for (let k = 0; k < count; k++) {
        const { row, input, sign, sum } = demandAt(target, layer, first + k);
        const at = DEMAND_WORDS * k;
        demands[at] = input * group;
        demands[at + 1] = row * layer.columns + input * group;
        demands[at + 2] = sum;
        demands[at + 3] = kind === "direct" ? 0 : sign;
      }
      const params = {
        demands: count,
        group,
        hiddenLow,
        hiddenHigh,
        weightsLow,
        weightsHigh,
        ...slicingOf(values.length),
        sparse: Number(sparse),
        sums,
      };
      yield { index, first, count, work: { kernel: "prune", params, inputs: { values, demands } } };
    }
  }
}

/** A demand of a layer by its number: row by row, input by input, sign by sign. */
function demandAt(target: Network, { layer, inputs, copies, lift, signed }: RandomLayer, number: number) {
  const signs = signed ? 2 : 1;
  const input = Math.floor(number / signs) % inputs;
  const row = Math.floor(number / (signs * inputs));
  const sign: 1 | -1 = number % signs === 0 ? 1 : -1;
  const weight = target.layers[layer]!.weights[Math.floor(row / copies) * inputs + input]!;
  return { row, input, sign, sum: weight * 2 ** lift };
}

/** Keeps the items that a tile was answered with, and the hidden units behind them; returns the weights without. */
export function keepAnswers(
  target: Network,
  layers: readonly RandomLayer[],
  masks: readonly Mask[],
  { index, first, count, work }: Tile,
  answers: Uint32Array,
): Deviation[] {
  const layer = layers[index]!;
  const { demands } = work.inputs;
  const words = pruneWords(work.params.group);
  const failures: Deviation[] = [];
  for (let k = 0; k < count; k++) {
    const [at, end] = [k * words, (k + 1) * words];
    if (answers[at] === 0) {
      failures.push(deviationOf(layers, { index, ...demandAt(target, layer, first + k) }, undefined));
      continue;
    }
    keep(masks[index]!, demands[DEMAND_WORDS * k + 1]! >>> 0, answers, at + 1, end);
    if (layer.kind === "pooled")
      keep(masks[index - 1]!, demands[DEMAND_WORDS * k]! >>> 0, answers, at + 1, end);
  }
  return failures;
}
