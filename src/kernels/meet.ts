// meet: meet in the middle (Horowitz & Sahni, 1974), for instances whose sums span too much for a table. All sums of the
// first half of the items are sorted; for each sum of the second half, a binary search finds its counterparts.

import type { Contract } from "../kernel.ts";
import type { InstanceInput } from "./instances.ts";

const meetParams = [
  /** The number of instances, each with at least one target. */
  "instances",
  /** The numbers of items, of targets and of words of answers, of all instances together. */
  "items",
  "targets",
  "answers",
  /** The most items of one instance, 0..48. */
  "longest",
  /**
   * Which index set is answered.
   *
   * - 0: the nearest sum with its smallest mask.
   * - 1: the nearest sum with the mask of the fewest items, of several the smallest.
   * - 2: the mask of the fewest items of any sum in from..to; of several the one of the nearest sum, and then the smallest.
   */
  "fewest",
] as const;

type MeetParam = (typeof meetParams)[number];

/** Words of one target: from, to and center of two words each, the offset of its answer, and a zero. */
export const WIDE_TARGET_WORDS = 8;
/** Words of an answer. */
export const MEET_WORDS = 7;

/**
 * The buffers are those of instances.ts, but items and targets are 64-bit integers in two's complement, low word first. Every
 * sum of an instance fits in 64 bits, and the numbers of a target are between the least and the greatest sum. An answer is:
 *
 * - 1 if the instance has a sum in from..to, or else 0, and then all other words are 0;
 * - the sum that is answered, in two words; of two sums equally near to `center` the lower one is nearest;
 * - the number of index sets with a sum in from..to, in two words;
 * - the mask that is answered, in two words.
 */
export const meet: Contract<MeetParam, InstanceInput, "answers"> = {
  name: "meet",
  params: meetParams,
  buffers: {
    items: { type: "u32", access: "read", length: (params) => 2 * params.items },
    starts: { type: "u32", access: "read", length: (params) => 2 * (params.instances + 1) },
    targets: { type: "u32", access: "read", length: (params) => WIDE_TARGET_WORDS * params.targets },
    answers: { type: "u32", access: "read_write", length: (params) => params.answers },
  },
  twin(params, { items, starts, targets, answers }) {
    answers.fill(0);
    const isBefore = params.fewest ? hasFewer : isSmaller;
    const sizeOf = (mask: bigint) => (params.fewest === 2 ? itemsIn(mask) : 0);
    for (let k = 0; k < params.instances; k++) {
      const [item, target, nextItem, nextTarget] = starts.subarray(2 * k, 2 * k + 4);
      const values = Array.from({ length: nextItem! - item! }, (_, i) => wide(items, 2 * (item! + i)));
      const half = values.length >> 1;
      const low = sumsOf(values.slice(0, half), isBefore);
      const high = sumsOf(values.slice(half), isBefore);
      for (let j = target!; j < nextTarget!; j++) {
        const at = WIDE_TARGET_WORDS * j;
        const [from, to, center] = [wide(targets, at), wide(targets, at + 2), wide(targets, at + 4)];
        const distance = (sum: bigint) => (sum < center ? center - sum : sum - center);
        let best: { sum: bigint; mask: bigint } | undefined;
        const isBetter = (sum: bigint, mask: bigint) => {
          if (!best) return true;
          const [more, further] = [sizeOf(mask) - sizeOf(best.mask), distance(sum) - distance(best.sum)];
          if (more !== 0) return more < 0;
          if (further !== 0n) return further < 0n;
          return sum === best.sum ? isBefore(mask, best.mask) : sum < best.sum;
        };
        let ways = 0n;
        for (const upper of high) {
          const [first, end] = [lowerBound(low, from - upper.sum), lowerBound(low, to - upper.sum + 1n)];
          if (first === end) continue;
          ways += upper.ways * (low[end - 1]!.cumulated - low[first]!.cumulated + low[first]!.ways);
          // The nearest sum is one of the two around the center.
          const middle = lowerBound(low, center - upper.sum);
          const served =
            params.fewest === 2 ? [first, end] : [Math.max(first, middle - 1), Math.min(end, middle + 1)];
          for (const lower of low.slice(...served)) {
            const [sum, mask] = [lower.sum + upper.sum, (upper.mask << BigInt(half)) | lower.mask];
            if (isBetter(sum, mask)) best = { sum, mask };
          }
        }
        if (!best) continue;
        const answerAt = targets[at + 6]!;
        answers[answerAt] = 1;
        [best.sum, ways, best.mask].forEach((value, i) => {
          answers[answerAt + 1 + 2 * i] = Number(BigInt.asUintN(32, value));
          answers[answerAt + 2 + 2 * i] = Number(BigInt.asUintN(32, value >> 32n));
        });
      }
    }
  },
};

const isSmaller = (a: bigint, b: bigint) => a < b;

/** Whether a mask has fewer items than another, or as many and is smaller. */
function hasFewer(a: bigint, b: bigint): boolean {
  const more = itemsIn(a) - itemsIn(b);
  return more < 0 || (more === 0 && a < b);
}

const itemsIn = (mask: bigint) => mask.toString(2).replaceAll("0", "").length;

/** Two words, low word first, as one 64-bit value in two's complement. */
function wide(words: Int32Array | Uint32Array, at: number): bigint {
  return (BigInt(words[at + 1]! | 0) << 32n) | BigInt(words[at]! >>> 0);
}

/** One sum of half of the items. */
interface HalfSum {
  readonly sum: bigint;
  /** The number of masks with this sum, and the first of them. */
  readonly ways: bigint;
  readonly mask: bigint;
  /** The number of masks with this sum or a smaller one. */
  readonly cumulated: bigint;
}

/** Every sum of some of the values, ascending. */
function sumsOf(values: readonly bigint[], isBefore: (mask: bigint, other: bigint) => boolean): HalfSum[] {
  let sums = new Map([[0n, { ways: 1n, mask: 0n }]]);
  values.forEach((value, i) => {
    const before = sums;
    sums = new Map(before);
    for (const [sum, taken] of before) {
      const without = sums.get(sum + value);
      const mask = taken.mask | (1n << BigInt(i));
      sums.set(sum + value, {
        ways: taken.ways + (without?.ways ?? 0n),
        mask: without && isBefore(without.mask, mask) ? without.mask : mask,
      });
    }
  });
  let cumulated = 0n;
  return [...sums]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([sum, { ways, mask }]) => ({ sum, ways, mask, cumulated: (cumulated += ways) }));
}

/** The index of the first half sum that is at least `sum`. */
function lowerBound(halves: readonly HalfSum[], sum: bigint): number {
  let [low, high] = [0, halves.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (halves[middle]!.sum < sum) low = middle + 1;
    else high = middle;
  }
  return low;
}
