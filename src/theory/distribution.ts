// The laws of sums of items, as tables of probabilities. Nothing here subtracts: every entry is a sum of products of
// nonnegative numbers, so that the tails have the same relative accuracy as the middle.

import * as z from "zod/mini";
import { RequestError } from "../errors.ts";
import { integer, parse } from "../check.ts";
import { ensembles, isProduct, lawOf, MAX_ITEMS, maxHalfRange, type Ensemble } from "../ensemble.ts";

/** The largest half range for which the laws of sums are tabulated. */
const MAX_TABLE_HALF_RANGE = 2 ** 12;

/** The largest half range for which theory is computed: signed sums need no tables. */
export function maxTheoryHalfRange(ensemble: Ensemble): number {
  return ensemble === "rnpp" ? maxHalfRange(ensemble) : MAX_TABLE_HALF_RANGE;
}

/** Weights on the integers `offset`, `offset` + 1, ...: nonnegative, and probabilities unless said otherwise. */
export interface Distribution {
  readonly offset: number;
  readonly mass: Float64Array;
}

/** The weight at an integer, 0 outside the table. */
export function massAt({ offset, mass }: Distribution, value: number): number {
  return mass[value - offset] ?? 0;
}

/** The law of one summand: `total` equally likely values, of which `zeros` are 0 and the others u v, u in 1..factor, |v| in 1..half. */
export interface Step {
  readonly total: number;
  readonly zeros: number;
  readonly factor: number;
  readonly half: number;
  /** Whether v takes both signs or is positive only. */
  readonly negative: boolean;
}

/** The step that adds one item, for `rnpp` with a fair sign. Arguments as for `lawOf`. */
export function stepOf(ensemble: Ensemble, halfRange: number): Step {
  const { factor, half, gap, range, signed } = lawOf(ensemble, halfRange);
  return signed
    ? { total: 2 * halfRange, zeros: 0, factor: 1, half: halfRange, negative: true }
    : { total: range, zeros: gap ? 0 : factor, factor, half, negative: true };
}

/** The step that adds max(X, 0) instead of X. */
export function positivePart(step: Step): Step {
  return { ...step, zeros: step.zeros + step.factor * step.half, negative: false };
}

/** The law of the sum of no items, which is 0. */
export const nothing: Distribution = { offset: 0, mass: Float64Array.of(1) };

/**
 * The distribution after one more step.
 *
 * For every u the values u v, v = 1..half, select a window of `half` entries at distance u. Entries are cut into blocks of
 * u half; a window is the end of one block and the beginning of the next, so running sums within blocks give each window
 * with one addition (van Herk 1992, Gil & Werman 1993, there for maxima). The time is O(factor (length + factor half)),
 * whatever `half`, and rounding adds at most (half + 2 factor + 4) 2^-53 to the relative error of an entry.
 */
export function addStep(
  { offset, mass }: Distribution,
  { total, zeros, factor, half, negative }: Step,
): Distribution {
  const length = mass.length;
  const below = negative ? factor * half : 0;
  const out = new Float64Array(below + length + factor * half);
  for (let i = 0; i < length; i++) out[i + below] = zeros * mass[i]!;
  /** Sums at distance u: from an entry to the end of its block, and from the start of the next block to an entry there. */
  const behind = new Float64Array(factor * half);
  const ahead = new Float64Array(factor * half);
  for (let stride = 1; stride <= factor; stride++) {
    const block = stride * half;
    behind.fill(0, 0, block);
    for (let start = -block; start < length; start += block) {
      const next = start + block;
      const used = Math.min(block, length - start);
      const filled = Math.max(0, Math.min(block, length - next));
      for (let j = 0; j < Math.min(stride, filled); j++) ahead[j] = mass[next + j]!;
      for (let j = stride; j < filled; j++) ahead[j] = ahead[j - stride]! + mass[next + j]!;
      for (let j = filled; j < block; j++) ahead[j] = j < stride ? 0 : ahead[j - stride]!;
      // The window that begins at start + j is behind[j] + ahead[j - stride]. It is added `half` strides above, for positive
      // v, and one stride below, for negative v.
      const on = next + below;
      const back = start + below - stride;
      // In the block before the first entry, windows that begin within one stride are empty, and their target is outside.
      if (start >= 0)
        for (let j = 0; j < Math.min(stride, used); j++) {
          out[on + j]! += behind[j]!;
          if (negative) out[back + j]! += behind[j]!;
        }
      if (negative)
        for (let j = stride; j < used; j++) {
          const window = behind[j]! + ahead[j - stride]!;
          out[on + j]! += window;
          out[back + j]! += window;
        }
      else for (let j = stride; j < used; j++) out[on + j]! += behind[j]! + ahead[j - stride]!;
      behind.fill(0, filled, block);
      for (let j = Math.max(0, block - stride); j < filled; j++) behind[j] = mass[next + j]!;
      for (let j = Math.min(block - stride, filled) - 1; j >= 0; j--)
        behind[j] = behind[j + stride]! + mass[next + j]!;
    }
  }
  const scale = 1 / total;
  for (let i = 0; i < out.length; i++) out[i]! *= scale;
  return { offset: offset - below, mass: out };
}

/**
 * The laws of the sums of m = 0, 1, ..., `items` items (with fair signs for `rnpp`), each on its whole support -m M..m M.
 * Each law sums to 1 within rounding. The relative error of every entry is below 2^-34 (measured 1.4e-14 at M = 4096 and 64
 * items).
 * @throws {RequestError} Where `checkTheory` does, and for M above 2^12.
 */
export function sumDistributions(ensemble: Ensemble, halfRange: number, items: number): Distribution[] {
  checkTheory(ensemble, halfRange, { from: 0, to: items });
  parse(integer(1, MAX_TABLE_HALF_RANGE), halfRange, "halfRange");
  const step = stepOf(ensemble, halfRange);
  const sums = [nothing];
  while (sums.length <= items) sums.push(addStep(sums.at(-1)!, step));
  return sums;
}

/**
 * The law of one item, with a fair sign for `rnpp`, on -M..M.
 * @throws {RequestError} Where `sumDistributions` does.
 */
export function itemDistribution(ensemble: Ensemble, halfRange: number): Distribution {
  return sumDistributions(ensemble, halfRange, 1)[1]!;
}

/** A range of numbers of items, both ends included. */
export interface ItemRange {
  readonly from: number;
  readonly to: number;
}

const itemsSchema = integer(0, MAX_ITEMS);
const ensembleSchema = z.enum(ensembles, `one of ${ensembles.join(", ")}`);
const requestSchema = z.object({
  items: z.object({ from: itemsSchema, to: itemsSchema }),
  targets: z.array(integer(-(2 ** 31), 2 ** 31 - 1)),
});

/**
 * Checks that theory can be computed. Half ranges are 1..2^12, for products perfect squares, for `rnpp` 1..2^22 - 1. Numbers of
 * items are 0..64, targets are integers of 32 bits.
 * @throws {RequestError} Names the argument that is out of range.
 */
export function checkTheory(
  ensemble: Ensemble,
  halfRange: number,
  items: ItemRange,
  targets: readonly number[] = [],
): void {
  parse(ensembleSchema, ensemble, "ensemble");
  parse(integer(1, maxTheoryHalfRange(ensemble)), halfRange, "halfRange");
  parse(requestSchema, { items, targets });
  if (isProduct(ensemble) && !Number.isInteger(Math.sqrt(halfRange)))
    throw new RequestError("halfRange", `a perfect square for ${ensemble}`, halfRange);
  if (items.from > items.to) throw new RequestError("items", "A..B with A not above B", items);
}
