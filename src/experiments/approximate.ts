// The approximation experiment of Pensia et al. ("Optimal lottery tickets via subset sum", arXiv 2006.07990, section 4): every
// real weight of a network as a subset sum of random numbers, within a tolerance.
//
// All numbers are integers: multiples of 2^-24. A candidate is uniform on -2^24..2^24 - 1, and a weight and the tolerance are
// rounded to the grid first. Subsets are found by meeting in the middle (kernel `meet`).

import * as z from "zod/mini";
import { RequestError } from "../errors.ts";
import { integer, parse } from "../check.ts";
import { realWeights, type GivenLayer } from "../import/given.ts";
import { MEET_WORDS, WIDE_TARGET_WORDS } from "../kernels/meet.ts";
import type { WorkOf } from "../plan.ts";
import { seedSchema, streamKey, threefry2x32 } from "../random.ts";

/** The grid has this many steps in 1. */
export const GRID = 2 ** 24;
const MAX_CANDIDATES = 40;
/** Windows are narrow, so that few sums of a list are in one. */
const MAX_TOLERANCE = 1 / 16;
/** The largest weight that the grid takes; far beyond what 40 candidates reach. */
const MAX_WEIGHT = 2 ** 10;
/** The streams of the layers of a seed. */
const STREAM = 2 ** 21;

/** `weight`: each weight has candidates of its own. `row`: all weights of a row have the same ones. */
export type Sharing = "weight" | "row";
const sharing = ["weight", "row"] as const satisfies readonly Sharing[];

/** The request of `approximateNetwork`. */
export interface ApproximateRequest {
  /** The number of candidates that a weight has, 1..40. Default 21. */
  items?: number;
  /** The largest distance of a weight from its subset sum, 0..1/16. Default 0.01. */
  tolerance?: number;
  /** Which weights have the same candidates. Default `weight`: none. */
  candidates?: Sharing;
  /** Keeps the fewest candidates within the tolerance, instead of those whose sum is nearest to the weight. Default false. */
  sparse?: boolean;
  /** 0..2^64 - 1; a string is read as a decimal. Default 1. */
  seed?: bigint | number | string;
}

export interface ApproximateConfig {
  readonly items: number;
  /** In steps of the grid. */
  readonly tolerance: number;
  readonly candidates: Sharing;
  readonly sparse: boolean;
  readonly seed: bigint;
}

const schema = z.strictObject({
  items: z._default(integer(1, MAX_CANDIDATES), 21),
  tolerance: z._default(
    z
      .number(`a number in 0..${MAX_TOLERANCE}`)
      .check(z.refine((value) => value >= 0 && value <= MAX_TOLERANCE, `a number in 0..${MAX_TOLERANCE}`)),
    0.01,
  ),
  candidates: z._default(z.enum(sharing, `one of ${sharing.join(", ")}`), "weight"),
  sparse: z._default(z.boolean("true or false"), false),
  seed: z._default(seedSchema, 1n),
});

/**
 * Fills in the defaults of a request and checks it.
 * @throws {RequestError} Names the field that is wrong.
 */
export function approximateConfig(request: ApproximateRequest): ApproximateConfig {
  const asked = parse(schema, request);
  return { ...asked, tolerance: Math.floor(asked.tolerance * GRID) };
}

/** A layer whose weights are rounded to the grid. Biases are a last column: weights of an input that is always 1. */
export interface GridLayer {
  readonly rows: number;
  readonly columns: number;
  /** Shape [rows, columns], row by row, in steps of the grid. */
  readonly weights: Float64Array;
}

/** @throws {RequestError} For a weight that is beyond the grid. */
export function gridLayer(layer: GivenLayer): GridLayer {
  const { name, rows, columns, biases } = layer;
  const real = realWeights(layer);
  const width = columns + Number(biases !== undefined);
  const weights = new Float64Array(rows * width);
  for (let row = 0; row < rows; row++) {
    weights.set(real.subarray(row * columns, (row + 1) * columns), row * width);
    if (biases) weights[row * width + columns] = biases[row]!;
  }
  const wrong = weights.find((weight) => Math.abs(weight) > MAX_WEIGHT);
  if (wrong !== undefined) throw new RequestError(name, `weights of -${MAX_WEIGHT}..${MAX_WEIGHT}`, wrong);
  return { rows, columns: width, weights: weights.map((weight) => Math.round(weight * GRID)) };
}

/** A piece of work: the weights first..first + count - 1 of a layer. */
export interface ApproximatePiece {
  readonly layer: number;
  readonly first: number;
  readonly count: number;
}

/** The most weights of a piece, unless a row that shares candidates is longer. */
const PIECE_WEIGHTS = 2 ** 12;

/** The pieces of layers, in the order of their weights. Rows that share candidates are not cut. */
export function* approximatePieces(
  layers: readonly GridLayer[],
  { candidates }: ApproximateConfig,
): Generator<ApproximatePiece, void, undefined> {
  for (const [layer, { columns, weights }] of layers.entries()) {
    const step =
      candidates === "row" ? Math.max(1, Math.floor(PIECE_WEIGHTS / columns)) * columns : PIECE_WEIGHTS;
    for (let first = 0; first < weights.length; first += step)
      yield { layer, first, count: Math.min(step, weights.length - first) };
  }
}

/** Draws the candidates of groups first..first + count of a layer: shape [groups, items], in steps of the grid. */
function drawCandidates(
  { items, candidates, seed }: ApproximateConfig,
  layer: number,
  first: number,
  count: number,
): Int32Array {
  const key = streamKey(seed, [STREAM + layer, sharing.indexOf(candidates)]);
  const drawn = new Int32Array(count * items);
  for (let group = 0, at = 0; group < count; group++)
    for (let i = 0; i < items; i += 2) {
      const [x, y] = threefry2x32(key, [first + group, i / 2]);
      drawn[at++] = (x >>> 7) - GRID;
      if (i + 1 < items) drawn[at++] = (y >>> 7) - GRID;
    }
  return drawn;
}

/** What is kept for the weights of a piece. */
export interface Approximations {
  /** Shape [count]: the sums, in steps of the grid; where no sum is within the tolerance, the nearest sum. */
  readonly sums: Float64Array;
  /** Shape [count]: the kept candidates, bit i for candidate i. */
  readonly masks: BigUint64Array;
  /** The number of subsets within the tolerance, of all weights together. */
  readonly subsets: number;
  /** The weights of which no subset is within the tolerance, as indices in the layer. */
  readonly failures: readonly number[];
}

/** A weight that is asked about, and the window for its sum. */
interface Asked {
  readonly index: number;
  readonly from: number;
  readonly to: number;
}

/**
 * Finds the subsets of the weights of a piece. A weight without a subset within the tolerance is asked about again, for the
 * nearest sum of all.
 * @param run Runs work of the kernel `meet`, and resolves to its answers.
 */
export async function approximatePiece(
  config: ApproximateConfig,
  { columns, weights }: GridLayer,
  { layer, first, count }: ApproximatePiece,
  run: (work: WorkOf<"meet">) => Promise<Uint32Array>,
): Promise<Approximations> {
  const { items, tolerance, candidates, sparse } = config;
  const isShared = candidates === "row";
  const groups = isShared ? count / columns : count;
  const drawn = drawCandidates(config, layer, isShared ? first / columns : first, groups);
  const [least, greatest] = [new Float64Array(groups), new Float64Array(groups)];
  drawn.forEach((item, i) => {
    const sums = item < 0 ? least : greatest;
    sums[Math.floor(i / items)]! += item;
  });
  const groupOf = (index: number) => (isShared ? Math.floor(index / columns) : index);
  const sums = new Float64Array(count);
  const masks = new BigUint64Array(count);
  let subsets = 0;

  /** Answers the asked weights, which ascend, and returns those without a subset in their window. */
  async function ask(asked: readonly Asked[], fewest: number): Promise<number[]> {
    if (asked.length === 0) return [];
    const work = meetWork(
      drawn,
      items,
      asked,
      groupOf,
      (index) => {
        const group = groupOf(index);
        return Math.min(Math.max(weights[first + index]!, least[group]!), greatest[group]!);
      },
      fewest,
    );
    const answers = new DataView((await run(work)).slice().buffer);
    const failed: number[] = [];
    asked.forEach(({ index }, k) => {
      const at = 4 * MEET_WORDS * k;
      if (answers.getUint32(at, true) === 0) {
        failed.push(index);
        return;
      }
      sums[index] = Number(answers.getBigInt64(at + 4, true));
      subsets += Number(answers.getBigUint64(at + 12, true));
      masks[index] = answers.getBigUint64(at + 20, true);
    });
    return failed;
  }

  const failures: number[] = [];
  const asked: Asked[] = [];
  for (let index = 0; index < count; index++) {
    const [weight, group] = [weights[first + index]!, groupOf(index)];
    const from = Math.max(weight - tolerance, least[group]!);
    const to = Math.min(weight + tolerance, greatest[group]!);
    if (from <= to) asked.push({ index, from, to });
    else failures.push(index);
  }
  failures.push(...(await ask(asked, sparse ? 2 : 0)));
  failures.sort((a, b) => a - b);
  const within = subsets;
  await ask(
    failures.map((index) => ({ index, from: least[groupOf(index)]!, to: greatest[groupOf(index)]! })),
    Number(sparse),
  );
  return { sums, masks, subsets: within, failures: failures.map((index) => first + index) };
}

/** The work of asked weights: an instance for each group that has any. */
function meetWork(
  drawn: Int32Array,
  items: number,
  asked: readonly Asked[],
  groupOf: (index: number) => number,
  centerOf: (index: number) => number,
  fewest: number,
): WorkOf<"meet"> {
  const groups = [...new Set(asked.map(({ index }) => groupOf(index)))];
  const values = new Uint32Array(2 * items * groups.length);
  groups.forEach((group, k) => {
    for (let i = 0; i < items; i++) {
      const [item, at] = [drawn[group * items + i]!, 2 * (k * items + i)];
      values[at] = item;
      values[at + 1] = item >> 31;
    }
  });
  const targets = new BigInt64Array((WIDE_TARGET_WORDS / 2) * asked.length);
  const starts = new Uint32Array(2 * (groups.length + 1));
  let instance = -1;
  asked.forEach(({ index, from, to }, k) => {
    if (groups[instance] !== groupOf(index)) {
      instance++;
      starts[2 * instance] = instance * items;
      starts[2 * instance + 1] = k;
    }
    const at = (WIDE_TARGET_WORDS / 2) * k;
    targets[at] = BigInt(from);
    targets[at + 1] = BigInt(to);
    targets[at + 2] = BigInt(centerOf(index));
    targets[at + 3] = BigInt(MEET_WORDS * k);
  });
  starts.set([groups.length * items, asked.length], 2 * groups.length);
  return {
    kernel: "meet",
    params: {
      instances: groups.length,
      items: groups.length * items,
      targets: asked.length,
      answers: MEET_WORDS * asked.length,
      longest: items,
      fewest,
    },
    inputs: { items: values, starts, targets: new Uint32Array(targets.buffer) },
  };
}
