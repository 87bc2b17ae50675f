// meet: meet in the middle (Horowitz & Sahni, 1974), for instances whose sums span too much for a table: the sums of the
// first half of the items meet those of the second.

import type { Contract } from "../kernel.ts";
import type { InstanceInput } from "./instances.ts";

const meetParams = [
  /** Instances, each with at least one target; the items, the targets and the words of the answers of all of them. */
  "instances",
  "items",
  "targets",
  "answers",
  /** The most items of one instance, 0..48. */
  "longest",
] as const;

type MeetParam = (typeof meetParams)[number];

/** Words of one target: from, to and center, each of 64 bits, low word first; where its answer is; and a zero. */
export const WIDE_TARGET_WORDS = 8;
/** Words of an answer. */
export const MEET_WORDS = 7;

/**
 * As the kernels of instances.ts, but for values of 64 bits in two's complement, low word first: every sum of an instance
 * must fit. An answer is: 1 or 0 for whether from..to holds a sum; the one nearest to `center`, the lower of two, in two
 * words; how many index sets have a sum of from..to, in two words; the smallest mask of the nearest sum, in two words.
 * All 0 where there is none.
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
    for (let k = 0; k < params.instances; k++) {
      const [item, target, nextItem, nextTarget] = starts.subarray(2 * k, 2 * k + 4);
      const values = Array.from({ length: nextItem! - item! }, (_, i) => wide(items, 2 * (item! + i)));
      const half = values.length >> 1;
      const low = sumsOf(values.slice(0, half));
      const high = sumsOf(values.slice(half));
      for (let j = target!; j < nextTarget!; j++) {
        const at = WIDE_TARGET_WORDS * j;
        const [from, to, center] = [wide(targets, at), wide(targets, at + 2), wide(targets, at + 4)];
        const distance = (sum: bigint) => (sum < center ? center - sum : sum - center);
        let best: { sum: bigint; mask: bigint } | undefined;
        let ways = 0n;
        for (const upper of high) {
          const [first, last] = [placeOf(low, from - upper.sum), placeOf(low, to - upper.sum + 1n)];
          if (first === last) continue;
          ways += upper.ways * (low[last - 1]!.through - low[first]!.through + low[first]!.ways);
          const middle = placeOf(low, center - upper.sum);
          for (const lower of low.slice(Math.max(first, middle - 1), Math.min(last, middle + 1))) {
            const found = { sum: lower.sum + upper.sum, mask: (upper.mask << BigInt(half)) | lower.mask };
            const closer = best ? distance(found.sum) - distance(best.sum) : -1n;
            if (closer < 0n || (closer === 0n && found.sum < best!.sum)) best = found;
            else if (found.sum === best!.sum && found.mask < best!.mask) best = found;
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

/** Two words as one value of 64 bits. */
function wide(words: Int32Array | Uint32Array, at: number): bigint {
  return (BigInt(words[at + 1]! | 0) << 32n) | BigInt(words[at]! >>> 0);
}

interface Half {
  readonly sum: bigint;
  /** How many masks have this sum, and the smallest of them. */
  readonly ways: bigint;
  readonly mask: bigint;
  /** The masks of this sum and of all smaller ones. */
  readonly through: bigint;
}

/** Every sum of some values, ascending. */
function sumsOf(values: readonly bigint[]): Half[] {
  let sums = new Map([[0n, { ways: 1n, mask: 0n }]]);
  values.forEach((value, i) => {
    const before = sums;
    sums = new Map(before);
    for (const [sum, taken] of before) {
      const without = sums.get(sum + value);
      sums.set(sum + value, {
        ways: taken.ways + (without?.ways ?? 0n),
        mask: without?.mask ?? taken.mask | (1n << BigInt(i)),
      });
    }
  });
  let through = 0n;
  return [...sums]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([sum, { ways, mask }]) => ({ sum, ways, mask, through: (through += ways) }));
}

/** The place of the first half whose sum is at least `sum`. */
function placeOf(halves: readonly Half[], sum: bigint): number {
  let [low, high] = [0, halves.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (halves[middle]!.sum < sum) low = middle + 1;
    else high = middle;
  }
  return low;
}
