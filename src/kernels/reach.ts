// reach: draws trials and counts, for every number of items of a range, the trials that fail to reach a target.
//
// Failures rather than successes are counted: they stop by themselves once a trial reaches everything, the same
// counts serve the signed sums of `rnpp`, where more items can undo a success, and no engine has to remember
// when a target was first reached.

import { drawValue, itemOf } from "../ensemble.ts";
import type { Contract } from "../kernel.ts";

const reachParams = [
  /** Index of the first trial: low 32 and high 16 bits. */
  "firstLow",
  "firstHigh",
  /** Trials of the batch, 0..2^31 - 1. */
  "count",
  /** Threefry key of the ensemble: low and high 32 bits. */
  "keyLow",
  "keyHigh",
  /** 1: trial t is enumerated and not drawn: its items are the digits of t in base `range`, item 0 the lowest digit. */
  "enumerate",
  /** The law of the items and the slicing of random words that it asks for (`Law` and `Slicing` of ensemble.ts). */
  "range",
  "factor",
  "half",
  "gap",
  "signed",
  "listed",
  "bits",
  "threshold",
  /** M, 1..2^22 - 1. */
  "halfRange",
  /** The range A..B of the number of items, 0 <= A <= B <= 64. */
  "itemsFrom",
  "itemsTo",
  /** The number of targets in `targets`. */
  "targets",
  /** An upper bound of |t|, over the targets of -M..M and the targets in `targets` that some sum can attain. */
  "extent",
] as const;

export type ReachParam = (typeof reachParams)[number];
export type ReachParams = Readonly<Record<ReachParam, number>>;

/** Offsets of the counts in the tally, in words; `j` is the number of items minus A, `t` the index of a target. */
export interface ReachTally {
  /** The number of trials counted, which equals `count`. */
  readonly trials: number;
  /** [B - A + 1] Uncovered trials: those that miss a target of -M..M; for signed sums, those without a sum of -1..1. */
  readonly uncovered: (j: number) => number;
  /** [B - A + 1] Missing targets of -M..M, summed over all trials, as 64 bits: low word, then high word. */
  readonly missing: (j: number) => number;
  /** [targets][B - A + 1] Trials that miss target t. */
  readonly unsolved: (t: number, j: number) => number;
  /** The words of the tally. */
  readonly length: number;
}

export function reachTally(params: Pick<ReachParams, "itemsFrom" | "itemsTo" | "targets">): ReachTally {
  const sizes = params.itemsTo - params.itemsFrom + 1;
  return {
    trials: 0,
    uncovered: (j) => 1 + j,
    missing: (j) => 1 + sizes + 2 * j,
    unsolved: (t, j) => 1 + (3 + t) * sizes + j,
    length: 1 + (3 + params.targets) * sizes,
  };
}

/**
 * The bits that the bitset of one trial needs when its items enter by magnitude. The sums of n items are then 0..n M, and
 * target t is the bit t + (sum of the negative magnitudes), which is at most half of all sums after mirroring. For signed
 * sums it is the bit (t + sum) / 2. Bits above the highest target cannot decide one.
 */
export function reachCapacity(
  params: Pick<ReachParams, "itemsTo" | "halfRange" | "signed" | "extent">,
): number {
  const highestSum = params.itemsTo * params.halfRange;
  const highestTarget = params.signed ? (highestSum + params.extent) >> 1 : (highestSum >> 1) + params.extent;
  return Math.min(highestSum, highestTarget) + 1;
}

/** Items of a prefix beyond log2 M, and the items that a trial must have beyond its prefix for the prefix to pay. */
const PREFIX_EXTRA = 8;
const MIN_ITEMS_BEYOND_PREFIX = 2;

/**
 * The number of items by which an engine decides a trial first, or 0 where that does not pay. More items never undo a subset sum:
 * a trial that reaches every target with its first items adds nothing to the tally of any larger size. Only trials that are
 * still open enter all items. Signed sums have no prefix.
 *
 * A trial of `rssp` misses a target of -M..M with probability 0.11 after log2 M + 8 items, for M = 2^8 to 2^10, and each further
 * item multiplies that by 0.56 (exact conditional Monte Carlo: 0.1056, 0.0110, 0.0011 at M = 2^8 and 16, 20, 24 items). The highest
 * target needs a sum of positive items beyond it. Their mean sum is p m / 2 for p items of mean magnitude m, so p is at least
 * 4 extent / m. The mean magnitude is M / 2 for uniform items and about M / 4 for products.
 */
export function reachPrefix(
  params: Pick<ReachParams, "itemsFrom" | "halfRange" | "signed" | "factor" | "enumerate" | "extent">,
): number {
  const { itemsFrom, halfRange: M, signed, factor, enumerate, extent } = params;
  if (signed || enumerate) return 0;
  const prefix = Math.max(
    Math.ceil(Math.log2(M)) + PREFIX_EXTRA,
    Math.ceil(((factor > 1 ? 16 : 8) * extent) / M),
  );
  return prefix + MIN_ITEMS_BEYOND_PREFIX <= itemsFrom ? prefix : 0;
}

/** The number of 1 bits of a non-negative integer. */
const countOnes = (bits: bigint): number => bits.toString(2).replaceAll("0", "").length;

/** `targets`: the targets asked for. `magnitudes`: those of a listed law; one unused word for any other law. */
export type ReachInput = "targets" | "magnitudes";

export const reach: Contract<ReachParam, ReachInput, "tally"> = {
  name: "reach",
  params: reachParams,
  buffers: {
    targets: { type: "i32", access: "read", length: (params) => params.targets },
    magnitudes: { type: "i32", access: "read", length: (params) => (params.listed ? params.half : 1) },
    tally: { type: "u32", access: "read_write", length: (params) => reachTally(params).length },
  },
  twin(params, { targets, magnitudes, tally }) {
    const offsets = reachTally(params);
    const key = [params.keyLow, params.keyHigh] as const;
    const M = params.halfRange;
    /** No sum is larger in magnitude. */
    const largest = params.itemsTo * M;
    const allTargets = (1n << BigInt(2 * M + 1)) - 1n;
    // Kept as numbers: a word of the tally would wrap.
    const missing = new Array<number>(params.itemsTo - params.itemsFrom + 1).fill(0);
    tally.fill(0);
    for (let t = 0; t < params.count; t++) {
      const trial = params.firstHigh * 2 ** 32 + params.firstLow + t;
      // Bit s + largest is set if the items so far have the sum s.
      let sums = 1n << BigInt(largest);
      const reached = (s: number) => Math.abs(s) <= largest && ((sums >> BigInt(s + largest)) & 1n) === 1n;
      for (let n = 0; n <= params.itemsTo; n++) {
        if (n > 0) {
          const value = params.enumerate
            ? Math.floor(trial / params.range ** (n - 1)) % params.range
            : drawValue(params.range, key, trial, n - 1);
          const item = BigInt(itemOf(params, value, magnitudes));
          sums = params.signed ? (sums << item) | (sums >> item) : sums | (sums << item);
        }
        const j = n - params.itemsFrom;
        if (j < 0) continue;
        const attained = largest < M ? sums : (sums >> BigInt(largest - M)) & allTargets;
        const misses = 2 * M + 1 - countOnes(attained);
        const uncovered = params.signed ? !reached(0) && !reached(1) : misses > 0;
        tally[offsets.uncovered(j)]! += Number(uncovered);
        missing[j]! += misses;
        for (let i = 0; i < params.targets; i++)
          tally[offsets.unsolved(i, j)]! += Number(!reached(targets[i]!));
      }
    }
    tally[offsets.trials] = params.count;
    missing.forEach((sum, j) => {
      tally[offsets.missing(j)] = sum % 2 ** 32;
      tally[offsets.missing(j) + 1] = Math.floor(sum / 2 ** 32);
    });
  },
};
