// The demands of a target in chunks, each of them work for the kernel `prune`, and the masks that its answers set.

import { RequestError } from "../errors.ts";
import { slicingOf } from "../ensemble.ts";
import { DEMAND_WORDS, pruneWords, type PruneInput, type PruneParams } from "../kernels/prune.ts";
import type { Work } from "../plan.ts";
import type { Mask } from "./mask.ts";
import {
  demandCount,
  lawAt,
  layerKey,
  matricesOf,
  reducedWeights,
  slotsOf,
  type Demand,
  type GraphScheme,
  type RandomLayer,
  type Scheme,
  type Target,
} from "./scheme.ts";
import { deviationOf, keep, type Deviation } from "./ticket.ts";

/** The most demands of a chunk, and the most table updates (items times sums) that they may take. */
const MAX_CHUNK_DEMANDS = 2 ** 11;
const MAX_CHUNK_UPDATES = 2 ** 34;
/** An update of a table of smallest subsets, a number for each sum, counts as this many updates of a bitset. */
const SPARSE_COST = 8;

/** Consecutive demands of one layer, numbered row by row, slot by slot, sign by sign. */
export interface DemandChunk {
  /** The index of the layer in the random network. */
  readonly index: number;
  readonly first: number;
  readonly count: number;
  /** Demand k of the chunk, from 0. */
  readonly demandAt: (k: number) => Omit<Demand, "index" | "firstWeight" | "items" | "members">;
  readonly work: Work & {
    readonly params: PruneParams;
    readonly inputs: Readonly<Record<PruneInput, Int32Array<ArrayBuffer>>>;
  };
}

/**
 * All demands of a target in their order, one chunk at a time, so that memory does not grow with the target.
 * @param sparse Whether the smallest subsets are kept instead of the witnesses.
 * @throws {RequestError} At once, where the sums of a layer's items could reach 2^31.
 */
export function demandChunks(
  target: Target,
  layers: readonly RandomLayer[],
  scheme: Scheme | GraphScheme,
  seed: bigint,
  sparse: boolean,
): Iterable<DemandChunk> {
  for (const [index, { kind, group }] of layers.entries()) {
    const { bits } = lawAt(scheme, index);
    const most = Math.ceil(2 ** 31 / 4 ** bits) - 1;
    if (kind === "pooled" && group > most)
      throw new RequestError("units", `at most ${most} for ${bits} bits`, group);
  }
  return makeChunks(target, layers, scheme, seed, sparse);
}

/** A generator would check its arguments at the first `next` only, so that the check above is a function of its own. */
function* makeChunks(
  target: Target,
  layers: readonly RandomLayer[],
  scheme: Scheme | GraphScheme,
  seed: bigint,
  sparse: boolean,
): Generator<DemandChunk, void, undefined> {
  const matrices = matricesOf(target);
  for (const [index, layer] of layers.entries()) {
    const { kind, group } = layer;
    if (kind === "hidden") continue;
    const law = lawAt(scheme, index);
    const values = reducedWeights(law);
    const [hiddenLow, hiddenHigh] = layerKey(scheme, seed, index - 1);
    const [weightsLow, weightsHigh] = layerKey(scheme, seed, index);
    const largest = 2 ** (kind === "pooled" ? 2 * law.bits : law.bits);
    const sums = Math.floor((group * largest) / 2) + 1;
    const updates = group * sums * (sparse ? SPARSE_COST : 1);
    const size = Math.min(Math.max(Math.floor(MAX_CHUNK_UPDATES / updates), 1), MAX_CHUNK_DEMANDS);
    const total = demandCount(layer);
    const numbered = demandsAt(matrices, layer);
    for (let first = 0; first < total; first += size) {
      const count = Math.min(size, total - first);
      const demandAt = (k: number) => numbered(first + k);
      const demands = new Int32Array(DEMAND_WORDS * count);
      for (let k = 0; k < count; k++) {
        const { row, slot, input, sign, sum } = demandAt(k);
        const offset = DEMAND_WORDS * k;
        demands[offset] = input * group;
        demands[offset + 1] = row * layer.columns + slot * group;
        demands[offset + 2] = sum;
        demands[offset + 3] = kind === "direct" ? 0 : sign;
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
      yield { index, first, count, demandAt, work: { kernel: "prune", params, inputs: { values, demands } } };
    }
  }
}

/** The demands of a layer by their numbers: row by row, slot by slot, sign by sign. */
function demandsAt(matrices: readonly Int32Array[], layer: RandomLayer) {
  const { rows, copies, slots, scaleBits, signed } = layer;
  const weights = matrices[layer.layer]!;
  const perRow = demandCount(layer) / rows;
  const signs = signed ? 2 : 1;
  let [output, all] = [0, slotsOf(layer, 0)];
  return (number: number) => {
    const row = Math.floor(number / perRow);
    if (Math.floor(row / copies) !== output) all = slotsOf(layer, (output = Math.floor(row / copies)));
    const slot = Math.floor((number % perRow) / signs);
    const sign: 1 | -1 = (number % perRow) % signs === 0 ? 1 : -1;
    const sum = weights[output * slots + slot]! * 2 ** scaleBits;
    return { row, slot, input: all[slot]!.input, sign, sum };
  };
}

/**
 * Keeps the items of the subsets that answer a chunk, and the hidden units that they are products with. Returns the weights
 * that have no subset.
 */
export function keepAnswers(
  layers: readonly RandomLayer[],
  masks: readonly Mask[],
  { index, count, demandAt, work }: DemandChunk,
  answers: Uint32Array,
): Deviation[] {
  const { demands } = work.inputs;
  const words = pruneWords(work.params.group);
  const failures: Deviation[] = [];
  for (let k = 0; k < count; k++) {
    const [from, to] = [k * words, (k + 1) * words];
    if (answers[from] === 0) {
      failures.push(deviationOf(layers, { index, ...demandAt(k) }, undefined));
      continue;
    }
    keep(masks[index]!, demands[DEMAND_WORDS * k + 1]! >>> 0, answers, from + 1, to);
    if (layers[index]!.kind === "pooled")
      keep(masks[index - 1]!, demands[DEMAND_WORDS * k]! >>> 0, answers, from + 1, to);
  }
  return failures;
}
