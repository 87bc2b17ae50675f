// Work of the kernel `tail` for tests.

import { slicingOf } from "../../src/ensemble.ts";
import type { WorkOf } from "../../src/plan.ts";

export interface Asked {
  /** The number of items of each class, with their magnitudes. */
  readonly classes: readonly { readonly items: number; readonly magnitudes: readonly number[] }[];
  readonly halfRange: number;
  readonly targets: readonly number[];
  readonly first?: number;
  readonly count?: number;
}

/** 1..most. */
export const upTo = (most: number) => Array.from({ length: most }, (_, i) => i + 1);

/** Work of a few trials. */
export function workOf({ classes, halfRange, targets, first = 0, count = 9 }: Asked): WorkOf<"tail"> {
  const words: number[] = [];
  const listed: number[] = [];
  for (const [c, { items, magnitudes }] of classes.entries()) {
    const { range, bits, threshold } = slicingOf(magnitudes.length);
    words.push(items, 7 + c, 0x89abcdef, range, bits, threshold, listed.length);
    listed.push(...magnitudes);
  }
  return {
    kernel: "tail",
    params: {
      firstLow: first % 2 ** 32,
      firstHigh: Math.floor(first / 2 ** 32),
      count,
      classes: classes.length,
      items: classes.reduce((sum, { items }) => sum + items, 0),
      halfRange,
      listed: listed.length,
      targets: targets.length,
    },
    inputs: {
      classes: Uint32Array.from(words),
      magnitudes: Uint32Array.from(listed),
      targets: Uint32Array.from(targets),
    },
  };
}

/** Items of one class, uniform on 1..M. */
export const uniform = (items: number, halfRange: number, more: Partial<Asked> = {}): WorkOf<"tail"> =>
  workOf({
    classes: [{ items, magnitudes: upTo(halfRange) }],
    halfRange,
    targets: [1, halfRange],
    ...more,
  });

/** Odd and even magnitudes, of which each class has its own key and slicing. */
export const parities = (odd: number, even: number, halfRange: number, more: Partial<Asked> = {}) =>
  workOf({
    classes: [
      { items: odd, magnitudes: upTo(halfRange).filter((a) => a % 2 === 1) },
      { items: even, magnitudes: upTo(halfRange).filter((a) => a % 2 === 0) },
    ].filter(({ items }) => items > 0),
    halfRange,
    targets: [1, 2, halfRange],
    ...more,
  });
