// The partition experiment: how often n random numbers of 1..M split into two groups whose totals differ by at most 1, for M at a
// given lambda = log2 M - n + (log2 n) / 2. M may have far more bits than a bitset has sums, so each trial meets in the middle.

import * as z from "zod/mini";
import { RequestError } from "../errors.ts";
import { integer, parse } from "../check.ts";
import type { PartitionFinding, Provenance } from "../finding.ts";
import { MEET_WORDS, WIDE_TARGET_WORDS } from "../kernels/meet.ts";
import type { Batch, WorkOf } from "../plan.ts";
import { seedSchema, streamKey, threefry2x32 } from "../random.ts";
import { estimate } from "../statistics.ts";
import type { TallyLayout } from "../tally.ts";
import { partitionPrediction, perfectLimit } from "../theory/window.ts";

/** The most numbers of a trial: half of them have 2^20 subset sums. */
const MAX_PARTITION_ITEMS = 40;
const MAX_LAMBDA = 20;
/** The largest M, so that the total of all numbers is exact in a double. */
const MAX_PARTITION_HALF_RANGE = 2 ** 45;
const STREAM = 2 ** 22;
/** A drawn number is the remainder of this many random bits, unless they are in the last, incomplete range. */
const DRAWN_BITS = 53;

/** The request of `measurePartition`. */
export interface PartitionRequest {
  /** n, 1..40. */
  items: number;
  /** -20..20; M is the integer nearest to 2^(n - (log2 n) / 2 + lambda), from 1 to 2^45. */
  lambda: number;
  /** 1..2^32 - 1. Default 20,000. */
  trials?: number;
  /** 0..2^64 - 1; a string is read as a decimal. Default 1. */
  seed?: bigint | number | string;
}

export interface PartitionConfig {
  readonly items: number;
  readonly lambda: number;
  readonly halfRange: number;
  readonly trials: number;
  readonly seed: bigint;
}

const LAMBDA = `a number in -${MAX_LAMBDA}..${MAX_LAMBDA}`;
const schema = z.strictObject({
  items: integer(1, MAX_PARTITION_ITEMS),
  lambda: z.number(LAMBDA).check(z.refine((lambda) => Math.abs(lambda) <= MAX_LAMBDA, LAMBDA)),
  trials: z._default(integer(1, 2 ** 32 - 1), 20_000),
  seed: z._default(seedSchema, 1n),
});

/**
 * Fills in the defaults of a request and checks it.
 * @throws {RequestError} Names the field that is wrong.
 */
export function partitionConfig(request: PartitionRequest): PartitionConfig {
  const asked = parse(schema, request);
  const { items, lambda } = asked;
  const halfRange = Math.round(2 ** (items - Math.log2(items) / 2 + lambda));
  if (halfRange < 1 || halfRange > MAX_PARTITION_HALF_RANGE)
    throw new RequestError(
      "lambda",
      `one for which M = 2^(n - (log2 n) / 2 + lambda) is in 1..2^45 with n = ${items}`,
      lambda,
    );
  return { ...asked, halfRange };
}

/** A tally has one word: the trials without a perfect partition. */
export const partitionLayout: TallyLayout = { length: 1, pairs: [] };

/**
 * The nanoseconds of a trial on one thread: about 40 for each subset sum of half of the numbers. The formula must never change.
 */
const trialNanoseconds = (items: number) => 1000 + 40 * 2 ** (items / 2);

/** The trials of a unit: a power of two that takes one thread about a second. It depends on n alone. */
export function partitionUnit({ items }: PartitionConfig): number {
  return 2 ** Math.round(Math.log2(1e9 / trialNanoseconds(items)));
}

/** The numbers of a trial: uniform on 1..M, each of the first 53 bits that are not in the last, incomplete range. */
export function partitionItems({ items, halfRange, seed }: PartitionConfig, trial: number): number[] {
  const key = streamKey(seed, [STREAM + items + 64 * Math.floor(halfRange / 2 ** 32), halfRange % 2 ** 32]);
  const end = 2 ** DRAWN_BITS - (2 ** DRAWN_BITS % halfRange);
  return Array.from({ length: items }, (_, i) => {
    for (let attempt = 0; ; attempt++) {
      const [x, y] = threefry2x32(key, [trial, i + MAX_PARTITION_ITEMS * attempt]);
      const bits = (x >>> 11) * 2 ** 32 + y;
      if (bits < end) return 1 + (bits % halfRange);
    }
  });
}

/** The work of a range of trials: for each, whether some of its numbers add up to half of all, up to 1/2. */
export function partitionWork(config: PartitionConfig, { first, count }: Batch): WorkOf<"meet"> {
  const n = config.items;
  const items = new BigInt64Array(n * count);
  const targets = new BigInt64Array((WIDE_TARGET_WORDS / 2) * count);
  const starts = new Uint32Array(2 * (count + 1));
  for (let k = 0; k < count; k++) {
    const drawn = partitionItems(config, first + k);
    drawn.forEach((item, i) => (items[n * k + i] = BigInt(item)));
    const total = drawn.reduce((sum, item) => sum + item, 0);
    const from = BigInt(Math.floor(total / 2));
    targets.set(
      [from, BigInt(Math.ceil(total / 2)), from, BigInt(MEET_WORDS * k)],
      (WIDE_TARGET_WORDS / 2) * k,
    );
    starts.set([n * (k + 1), k + 1], 2 * (k + 1));
  }
  return {
    kernel: "meet",
    params: {
      instances: count,
      items: n * count,
      targets: count,
      answers: MEET_WORDS * count,
      longest: n,
      fewest: 0,
    },
    inputs: { items: new Uint32Array(items.buffer), starts, targets: new Uint32Array(targets.buffer) },
  };
}

/** The trials without a perfect partition, from the answers to their work. */
export function partitionFailures(answers: Uint32Array): number {
  let failures = 0;
  for (let at = 0; at < answers.length; at += MEET_WORDS) failures += Number(answers[at] === 0);
  return failures;
}

/** The finding of the counted trials. */
export function findPartition(
  { items, lambda, halfRange, seed, trials: asked }: PartitionConfig,
  { trials, words }: { readonly trials: number; readonly words: ArrayLike<number> },
  provenance: Provenance,
): PartitionFinding {
  return {
    kind: "partition",
    ensemble: "rnpp",
    lambda,
    halfRange,
    items,
    trials,
    asked,
    complete: trials >= asked,
    seed: String(seed),
    perfect: estimate(trials - words[0]!, trials),
    limit: perfectLimit(lambda),
    predicted: partitionPrediction(halfRange, items),
    ...provenance,
  };
}

/** The fields of a configuration that decide its numbers: all but the trials. */
export function partitionFields({ items, lambda, seed }: PartitionConfig) {
  return { items, lambda, seed: String(seed) };
}
