// The contract that the kernels on given instances share: `witness`, `count` and `smallest`.
//
// An instance is a list of items and one or more targets. A sum is the sum of some of its items; the index set of these
// items is written as a mask, whose bit i stands for item i. If several index sets serve, the answer is the one whose mask,
// read as a binary number, is smallest.

import type { Contract } from "../kernel.ts";

/** The parameters of `witness`, `count` and `smallest`. */
export const instanceParams = [
  /** The number of instances, each with at least one target. */
  "instances",
  /** The number of items of all instances together. */
  "items",
  /** The number of targets of all instances together. */
  "targets",
  /** The number of words of all answers together. */
  "answers",
  /** The most items of one instance, 0..10,000. */
  "longest",
  /** The most sums that a table needs, 1..2^31: the largest `liveTo + 1` of the instances' frames (`frameOf`). */
  "sums",
  /** 1: answers end with a mask. 0: they have none, and tables keep no history to reconstruct it from. */
  "masks",
  /** 1: tables exceed fast memory, and one instance is enough work for a whole device. */
  "tiles",
  /** For `count`: 0 counts modulo 2^64, c modulo 2^62 - c, for c below 2^31. The other kernels ignore it. */
  "reduction",
] as const;

export type InstanceParam = (typeof instanceParams)[number];
export type InstanceInput = "items" | "starts" | "targets";

/** Words of one target: from, to, center, and the offset of its answer. */
export const TARGET_WORDS = 4;

/**
 * The buffers of every kernel on given instances.
 *
 * - `items` [items]: the items of instance 0, of instance 1, and so on. The magnitudes of one instance add up to less than
 *   2^31.
 * - `starts` [instances + 1][2]: the index of each instance's first item and of its first target; the last row is the end.
 * - `targets` [targets][4]: the least and the greatest sum that serve, `from` and `to`; the sum that would serve best,
 *   `center`; and the offset of the answer in `answers`, in words. from <= center <= to, and all three are between the
 *   least and the greatest sum of the instance.
 * - `answers` [answers]: an answer for each target. Answers do not overlap; their order is free.
 */
export const instanceBuffers: Contract<InstanceParam, InstanceInput, "answers">["buffers"] = {
  items: { type: "i32", access: "read", length: (params) => params.items },
  starts: { type: "u32", access: "read", length: (params) => 2 * (params.instances + 1) },
  targets: { type: "i32", access: "read", length: (params) => TARGET_WORDS * params.targets },
  answers: { type: "u32", access: "read_write", length: (params) => params.answers },
};

/** Words of a mask over n items. */
export const maskWords = (n: number): number => Math.ceil(n / 32);

/** One instance of a batch, as views of its buffers. */
export interface InstanceView {
  readonly items: Int32Array;
  readonly targets: readonly TargetView[];
  /** The sum of the magnitudes of the negative items, and the sum of the positive items: sums are -negative..positive. */
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

/** The sum of the magnitudes of the negative items, and the sum of the positive items. */
export function totalsOf(items: ArrayLike<number>): { negative: number; positive: number } {
  let [negative, positive] = [0, 0];
  for (let i = 0; i < items.length; i++) {
    negative += Math.max(-items[i]!, 0);
    positive += Math.max(items[i]!, 0);
  }
  return { negative, positive };
}

/** The frame of an instance: which bits of a row stand for its sums (docs/glossary.md draws it). */
export interface Frame {
  /** Items and targets change sign, so that fewer bits are below the highest target. Index sets stay the same. */
  readonly mirrored: boolean;
  /** The bit of the highest target. The bit of sum s is s + negative, or positive - s if mirrored. */
  readonly liveTo: number;
}

/** The frame for targets in low..high, which are between -negative and positive. */
export function frameOf(negative: number, positive: number, low: number, high: number): Frame {
  const mirrored = positive - low < high + negative;
  return { mirrored, liveTo: mirrored ? positive - low : high + negative };
}

/** Sets the bits of `indices` in the mask at offset `at`, whose words are 0. */
export function writeMask(answers: Int32Array | Uint32Array, at: number, indices: Iterable<number>): void {
  for (const i of indices) answers[at + (i >>> 5)]! |= 1 << (i & 31);
}
