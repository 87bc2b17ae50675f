// A draw like those of a point of a chart, as Sums shows it.

import { drawValue, ensembleKey, itemOf, lawOf } from "../../src/ensemble.ts";
import type { PhaseConfig } from "../../src/experiments/phase.ts";
import type { Subject } from "../../src/figures/phase.ts";

export interface Draw {
  readonly numbers: readonly number[];
  /** A subset sum. */
  readonly target: number;
}

/** Whether Sums takes the draws of a sweep: 1 to 24 numbers of three digits. */
export function fitsSums({ halfRange, items }: Pick<PhaseConfig, "halfRange" | "items">): boolean {
  return halfRange < 1000 && items.from >= 1 && items.to <= 24;
}

/** The trials among which a draw is looked for. */
const TRIES = 64;

/**
 * The first trial of a sweep with `items` items that makes its target, or the first that does not. It is undefined where none
 * of the first trials is one. Of all targets together it asks for the largest, or for a missing one.
 *
 * A signed sum of z is the subset sum (total + z) / 2 of its positive items. Trials whose total is odd where z is even, or even
 * where z is odd, are passed over: no subset sum asks for z.
 */
export function drawLike(
  { ensemble, halfRange, seed }: Pick<PhaseConfig, "ensemble" | "halfRange" | "seed">,
  items: number,
  subject: Subject,
  works: boolean,
): Draw | undefined {
  const law = lawOf(ensemble, halfRange);
  const key = ensembleKey(seed, ensemble, halfRange);
  for (let index = 0; index < TRIES; index++) {
    const numbers = Array.from({ length: items }, (_, i) => itemOf(law, drawValue(law.range, key, index, i)));
    const isSum = sumsOf(numbers);
    const target = targetOf(numbers, isSum);
    if (target !== undefined && isSum(target) === works) return { numbers, target };
  }
  return undefined;

  function targetOf(numbers: readonly number[], isSum: (sum: number) => boolean): number | undefined {
    const total = numbers.reduce((sum, item) => sum + item, 0);
    if (subject === "perfect") return Math.floor(total / 2);
    if (subject === "covered") return missing(isSum, halfRange) ?? halfRange;
    const sum = subject === "M" ? halfRange : subject === "-M" ? -halfRange : subject;
    if (ensemble !== "rnpp") return sum;
    return (total + sum) % 2 === 0 ? (total + sum) / 2 : undefined;
  }
}

/** The missing target of -M..M that is nearest to 0. */
function missing(isSum: (sum: number) => boolean, halfRange: number): number | undefined {
  for (let target = 1; target <= halfRange; target++)
    for (const signed of [target, -target]) if (!isSum(signed)) return signed;
  return undefined;
}

/** Whether a number is the sum of a subset of the numbers. */
function sumsOf(numbers: readonly number[]): (sum: number) => boolean {
  const low = numbers.reduce((sum, item) => sum + Math.min(item, 0), 0);
  // Bit s - low is set where s is a sum.
  let sums = 1n << BigInt(-low);
  for (const item of numbers) sums |= item > 0 ? sums << BigInt(item) : sums >> BigInt(-item);
  const bits = sums.toString(2);
  return (sum) => bits[bits.length - 1 - (sum - low)] === "1";
}
