// The demands of a target in chunks, each of them work for the kernel `prune`, and the masks that its answers set.

import { RequestError } from "../errors.ts";
import { slicingOf } from "../ensemble.ts";
import { DEMAND_WORDS, pruneWords, type PruneInput, type PruneParams } from "../kernels/prune.ts";
import type { Work } from "../plan.ts";
import { keepWeight, type Mask } from "./mask.ts";
import {
  askedWeights,
  demandCount,
  drawnWeights,
  lawAt,
  layerKey,
  reducedWeights,
  skipSlot,
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

type ChunkDemand = Pick<Demand, "row" | "slot" | "input" | "sign" | "sum">;

/** Consecutive demands of one layer, numbered row by row, slot by slot, sign by sign; those of random skips follow the others. */
export interface DemandChunk {
  /** The index of the layer in the random network. */
  readonly index: number;
  readonly first: number;
  readonly count: number;
  /** The demands that belong together: 1, or those of all signs with the random skip cut, and then those with it kept. */
  readonly together: number;
  /** Demand k of the chunk, from 0. */
  readonly demandAt: (k: number) => ChunkDemand;
  readonly work: Work & {
    readonly params: PruneParams;
    readonly inputs: Readonly<Record<PruneInput, Int32Array<ArrayBuffer>>>;
  };
}

/**
 * All demands of a target in their order, one chunk at a time, so that memory does not grow with the target.
 * Layers whose hidden units are not rectified are left out: kernel `prune` knows the units of one sign.
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
  const matrices = askedWeights(target, layers);
  for (const [index, layer] of layers.entries()) {
    const { kind, group } = layer;
    if (kind === "hidden" || !layer.rectified) continue;
    const law = lawAt(scheme, index);
    const values = reducedWeights(law);
    const [hiddenLow, hiddenHigh] = layerKey(scheme, seed, index - 1);
    const [weightsLow, weightsHigh] = layerKey(scheme, seed, index);
    const largest = 2 ** (kind === "pooled" ? 2 * law.bits : law.bits);
    const sums = Math.floor((group * largest) / 2) + 1;
    const updates = group * sums * (sparse ? SPARSE_COST : 1);
    const size = Math.min(Math.max(Math.floor(MAX_CHUNK_UPDATES / updates), 1), MAX_CHUNK_DEMANDS);
    const drawn = drawnWeights(scheme, seed)(index - 1);
    for (const { total, together, at } of seriesOf(matrices[layer.layer]!, layer, drawn)) {
      const step = Math.max(size - (size % together), together);
      for (let first = 0; first < total; first += step) {
        const count = Math.min(step, total - first);
        const demandAt = (k: number) => at(first + k);
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
        const work = { kernel: "prune", params, inputs: { values, demands } } as const;
        yield { index, first, count, together, demandAt, work };
      }
    }
  }
}

/** Demands of a layer by their numbers. */
interface Series {
  readonly total: number;
  readonly together: number;
  readonly at: (number: number) => ChunkDemand;
}

/** The demands of a layer: row by row, slot by slot, sign by sign, and then those on the diagonal of random skips. */
function seriesOf(weights: Int32Array, layer: RandomLayer, hiddenAt: (index: number) => number): Series[] {
  const { rows, copies, inputs, group, slots, scaleBits, signed, skip } = layer;
  const signs = signed ? 2 : 1;
  const signOf = (number: number): 1 | -1 => (number % signs === 0 ? 1 : -1);
  const together = 2 * signs;
  const edges = skip?.edge ? rows * together : 0;
  const rest = demandCount(layer) - edges;
  const perRow = rest / rows;
  let [output, all] = [0, slotsOf(layer, 0)];
  const demandOf = (row: number, slot: number, sign: 1 | -1, edge = 0): ChunkDemand => {
    if (Math.floor(row / copies) !== output) all = slotsOf(layer, (output = Math.floor(row / copies)));
    const sum = weights[output * slots + slot]! * 2 ** scaleBits - edge;
    return { row, slot, input: all[slot]!.input, sign, sum };
  };
  const series: Series = {
    total: rest,
    together: 1,
    at(number) {
      const row = Math.floor(number / perRow);
      const slot = Math.floor((number % perRow) / signs);
      const passed = edges > 0 && slot >= skipSlot(layer, row)! ? 1 : 0;
      return demandOf(row, slot + passed, signOf(number % perRow));
    },
  };
  if (!edges) return [series];
  const at = (number: number) => {
    const row = Math.floor(number / together);
    const edge = number % together < signs ? 0 : hiddenAt(inputs * group + row) * skip!.edge;
    return demandOf(row, skipSlot(layer, row)!, signOf(number), edge);
  };
  return [series, { total: edges, together, at }];
}

/**
 * Keeps the items of the subsets that answer a chunk, and the hidden units that they are products with. A random skip is kept
 * where the subsets of an output exist with it and do not without it. Returns the weights that have no subset.
 */
export function keepAnswers(
  layers: readonly RandomLayer[],
  masks: readonly Mask[],
  { index, count, together, demandAt, work }: DemandChunk,
  answers: Uint32Array,
): Deviation[] {
  const { demands } = work.inputs;
  const words = pruneWords(work.params.group);
  const { kind, inputs, group } = layers[index]!;
  const isMet = (k: number) => answers[k * words] !== 0;
  const failures: Deviation[] = [];
  const keepOne = (k: number) => {
    const [from, to] = [k * words, (k + 1) * words];
    keep(masks[index]!, demands[DEMAND_WORDS * k + 1]! >>> 0, answers, from + 1, to);
    if (kind === "pooled") keep(masks[index - 1]!, demands[DEMAND_WORDS * k]! >>> 0, answers, from + 1, to);
  };
  const signs = Math.max(1, together / 2);
  for (let first = 0; first < count; first += together) {
    const cut = Array.from({ length: signs }, (_, i) => first + i);
    const kept = together > 1 ? cut.map((k) => k + signs) : [];
    if (cut.every(isMet)) cut.forEach(keepOne);
    else if (kept.length > 0 && kept.every(isMet)) {
      kept.forEach(keepOne);
      keepWeight(masks[index - 1]!, inputs * group + demandAt(first).row);
    } else
      for (const k of cut)
        if (!isMet(k)) failures.push(deviationOf(layers, { index, ...demandAt(k) }, undefined));
  }
  return failures;
}
