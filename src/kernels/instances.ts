// What the kernels on given instances have in common: how a ragged batch lies in its buffers.
//
// An instance is a list of items and one or more targets. A sum is that of some of its items, each taken or left; an
// index set is written as a mask, bit i of which says that item i is taken. Where several index sets serve, the answer is
// the one whose mask, read as a number, is smallest: later items are left out where that is possible.

import type { Contract } from "../kernel.ts";

/** The parameters of `witness`, `count` and `smallest`. */
export const instanceParams = [
  /** Instances, each with at least one target. */
  "instances",
  /** Items of all instances. */
  "items",
  /** Targets of all instances. */
  "targets",
  /** Words of all answers. */
  "answers",
  /** The most items of one instance, 0..10,000. */
  "longest",
  /** The most sums that a table needs, 1..2^31: the largest `top + 1` of an instance's frame (`frameOf`). */
  "sums",
  /** 1: answers end with a mask. 0: they do not, and nothing needs to be remembered for it. */
  "masks",
  /** 1: tables are too large for fast memory, and one instance is work enough for all of a device. */
  "tiles",
] as const;

export type InstanceParam = (typeof instanceParams)[number];
export type InstanceInput = "items" | "starts" | "targets";

/** Words of one target: the least and the greatest sum that serve, the one that would serve best, and where its answer is. */
export const TARGET_WORDS = 4;

/**
 * What every kernel on instances is bound to.
 *
 * `items`: the items of instance 0, then those of instance 1, and so on; the magnitudes of one instance sum up to less
 * than 2^31. `starts`: for every instance, and for one more behind the last, its first item and its first target.
 * `targets`: rows of from, to, center and the place of the answer in `answers`, in words; from <= center <= to, all of
 * them between the least and the greatest sum of the instance. `answers`: no two of them overlap, in no order.
 */
export const instanceBuffers: Contract<InstanceParam, InstanceInput, "answers">["buffers"] = {
  items: { type: "i32", access: "read", length: (params) => params.items },
  starts: { type: "u32", access: "read", length: (params) => 2 * (params.instances + 1) },
  targets: { type: "i32", access: "read", length: (params) => TARGET_WORDS * params.targets },
  answers: { type: "u32", access: "read_write", length: (params) => params.answers },
};

/** Words of a mask over n items. */
export const maskWords = (n: number): number => Math.ceil(n / 32);

/** One instance of a batch, in the words of its buffers. */
export interface InstanceView {
  readonly items: Int32Array;
  readonly targets: readonly TargetView[];
  /** The magnitudes of the negative items, and the positive ones, summed up: sums go from -negative to positive. */
  readonly negative: number;
  readonly positive: number;
}

interface TargetView {
  readonly from: number;
  readonly to: number;
  readonly center: number;
  readonly answerAt: number;
}

/** The instances of a batch one by one. */
export function* instancesOf(
  { instances }: Pick<Record<InstanceParam, number>, "instances">,
  buffers: Readonly<Record<InstanceInput, Int32Array | Uint32Array>>,
): Generator<InstanceView> {
  for (let k = 0; k < instances; k++) {
    const [item, target, nextItem, nextTarget] = buffers.starts.subarray(2 * k, 2 * k + 4);
    const items = (buffers.items as Int32Array).subarray(item, nextItem);
    const targets = Array.from({ length: nextTarget! - target! }, (_, j) => {
      const [from, to, center, answerAt] = buffers.targets.subarray(TARGET_WORDS * (target! + j));
      return { from: from!, to: to!, center: center!, answerAt: answerAt! };
    });
    yield { items, targets, ...totalsOf(items) };
  }
}

/** The magnitudes of the negative items, and the positive ones, summed up. */
export function totalsOf(items: ArrayLike<number>): { negative: number; positive: number } {
  let [negative, positive] = [0, 0];
  for (let i = 0; i < items.length; i++) {
    negative += Math.max(-items[i]!, 0);
    positive += Math.max(items[i]!, 0);
  }
  return { negative, positive };
}

/** The positive frame of an instance: where tables put its sums. */
export interface Frame {
  /** Items and targets change sign, so that fewer sums lie below the targets. Index sets stay what they are. */
  readonly mirrored: boolean;
  /** The place of the highest target; sum s stands at s + negative, mirrored at positive - s. */
  readonly top: number;
}

/** The frame for targets from `low` to `high`, between -negative and positive. */
export function frameOf(negative: number, positive: number, low: number, high: number): Frame {
  const mirrored = positive - low < high + negative;
  return { mirrored, top: mirrored ? positive - low : high + negative };
}

/** Writes a mask of the items at `indices`. */
export function writeMask(answers: Int32Array | Uint32Array, at: number, indices: Iterable<number>): void {
  for (const i of indices) answers[at + (i >>> 5)]! |= 1 << (i & 31);
}
