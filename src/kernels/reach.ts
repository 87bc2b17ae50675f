// reach: draws trials and counts, for every number of items of a range, the trials that fail to reach a target.
//
// Failures rather than successes are counted: they stop by themselves once a trial reaches everything, the same
// counts serve the signed sums of `rnpp`, where more items can undo a success, and no engine has to remember
// when a target was first reached.

import { drawValue, itemOf } from "../ensemble.ts";
import type { Contract } from "../kernel.ts";

const reachParams = [
  /** First trial, low 32 and high 16 bits. */
  "firstLow",
  "firstHigh",
  /** Trials of the batch, 0..2^31 - 1. */
  "count",
  /** Threefry key of the ensemble. */
  "keyLow",
  "keyHigh",
  /** 1: trial t is not drawn, its items are the digits of t in base `range`, item 0 the lowest. */
  "enumerate",
  /** The law of the items (ensemble.ts) and the slicing of random words it asks for. */
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
  /** Number of asked targets. */
  "targets",
  /** No asked target that any sum can attain, and no target of -M..M, is larger in magnitude. */
  "extent",
] as const;

export type ReachParam = (typeof reachParams)[number];
export type ReachParams = Readonly<Record<ReachParam, number>>;

/** Where each count stands in the tally; `j` is the number of items less A, `t` the index of a target. */
export interface ReachTally {
  /** Word 0: trials counted, which must equal the batch. */
  readonly trials: number;
  /** Trials that miss some target of -M..M; for signed sums, trials without a sum of magnitude 0 or 1. */
  readonly uncovered: (j: number) => number;
  /** Targets of -M..M missed, over all trials: low word, then high word. */
  readonly missing: (j: number) => number;
  /** Trials that miss target t. */
  readonly unsolved: (t: number, j: number) => number;
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
 * The bits a device needs for one trial in the positive frame. Items enter by magnitude, so the sums of n items are
 * 0..n M; target t stands at t + (sum of the negatives' magnitudes), after mirroring at most half of all, and for
 * signed sums at (t + sum) / 2. Nothing above the highest target matters.
 */
export function reachCapacity(
  params: Pick<ReachParams, "itemsTo" | "halfRange" | "signed" | "extent">,
): number {
  const sum = params.itemsTo * params.halfRange;
  const top = params.signed ? (sum + params.extent) >> 1 : (sum >> 1) + params.extent;
  return Math.min(sum, top) + 1;
}

function countOnes(bits: bigint): number {
  let ones = 0;
  for (const digit of bits.toString(16))
    ones += [0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4][parseInt(digit, 16)]!;
  return ones;
}

/** What it reads: the targets asked for, and the magnitudes of a listed law (one word otherwise, which nobody reads). */
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
    const place = reachTally(params);
    const key = [params.keyLow, params.keyHigh] as const;
    const largest = params.itemsTo * params.halfRange;
    const M = params.halfRange;
    const window = (1n << BigInt(2 * M + 1)) - 1n;
    const missing = new Array<number>(params.itemsTo - params.itemsFrom + 1).fill(0);
    tally.fill(0);
    for (let t = 0; t < params.count; t++) {
      const trial = params.firstHigh * 2 ** 32 + params.firstLow + t;
      let sums = 1n << BigInt(largest); // bit s + largest: some choice of the items so far sums to s
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
        const misses = 2 * M + 1 - countOnes(largest < M ? sums : (sums >> BigInt(largest - M)) & window);
        const uncovered = params.signed ? !reached(0) && !reached(1) : misses > 0;
        tally[place.uncovered(j)]! += Number(uncovered);
        missing[j]! += misses;
        for (let i = 0; i < params.targets; i++)
          tally[place.unsolved(i, j)]! += Number(!reached(targets[i]!));
      }
    }
    tally[place.trials] = params.count;
    missing.forEach((sum, j) => {
      tally[place.missing(j)] = sum % 2 ** 32;
      tally[place.missing(j) + 1] = Math.floor(sum / 2 ** 32);
    });
  },
};
