// Work of the kernel `tail` for tests.

import { slicingOf } from "../../src/ensemble.ts";
import { residueParams } from "../../src/kernels/tail.ts";
import type { WorkOf } from "../../src/plan.ts";

export interface Asked {
  /** The magnitudes of each class. */
  readonly classes: readonly (readonly number[])[];
  /** A class, and how many first items are of it; the others are of the next class. */
  readonly strata: readonly (readonly [first: number, items: number])[];
  readonly items: number;
  readonly halfRange: number;
  readonly targets: readonly number[];
  readonly divisors?: readonly number[];
  readonly first?: number;
  readonly count?: number;
}

/** 1..most. */
export const upTo = (most: number) => Array.from({ length: most }, (_, i) => i + 1);

/** Work of a few trials. */
export function workOf(asked: Asked): WorkOf<"tail"> {
  const { strata, items, halfRange, targets, divisors = [2, 3], first = 0, count = 9 } = asked;
  const words: number[] = [];
  const listed: number[] = [];
  for (const [c, magnitudes] of asked.classes.entries()) {
    const { range, bits, threshold } = slicingOf(magnitudes.length);
    words.push(7 + c, 0x89abcdef, range, bits, threshold, listed.length);
    listed.push(...magnitudes);
  }
  return {
    kernel: "tail",
    params: {
      firstLow: first % 2 ** 32,
      firstHigh: Math.floor(first / 2 ** 32),
      count,
      classes: asked.classes.length,
      strata: strata.length,
      items,
      halfRange,
      listed: listed.length,
      divisors: divisors.length,
      targets: targets.length,
      ...residueParams(items),
    },
    inputs: {
      classes: Uint32Array.from(words),
      strata: Uint32Array.from(strata.flat()),
      magnitudes: Uint32Array.from(listed),
      divisors: Uint32Array.from(divisors),
      targets: Uint32Array.from(targets),
    },
  };
}

/** Items of one class, uniform on 1..M. */
export const uniform = (items: number, halfRange: number, more: Partial<Asked> = {}): WorkOf<"tail"> =>
  workOf({
    classes: [upTo(halfRange)],
    strata: [[0, items]],
    items,
    halfRange,
    targets: [1, halfRange],
    ...more,
  });

/** Strata of all magnitudes, and of given numbers of odd ones beside even ones. M is at least 2. */
export const parities = (
  items: number,
  odd: readonly number[],
  halfRange: number,
  more: Partial<Asked> = {},
) =>
  workOf({
    classes: [
      upTo(halfRange),
      upTo(halfRange).filter((a) => a % 2 === 1),
      upTo(halfRange).filter((a) => a % 2 === 0),
    ],
    strata: [[0, items], ...odd.map((count) => [1, count] as const)],
    items,
    halfRange,
    targets: [1, 2, halfRange],
    ...more,
  });
