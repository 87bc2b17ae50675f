// How failure decays: exact probabilities far beyond what trials can count, and the laws and bounds beside them. tau is the first
// n at which every target of -M..M is reached, so that P(tau > n) is the probability that some target is missed.

import * as z from "zod/mini";
import { RequestError } from "../errors.ts";
import { integer, parse } from "../check.ts";
import { isProduct, type Ensemble } from "../ensemble.ts";
import { addStep, nothing, positivePart, stepOf, type Distribution, type Step } from "./distribution.ts";
import { exactFailures, failuresByItems, resultOf, type ExactFailures } from "./states.ts";
import type { SubsetEnsemble } from "./window.ts";

/** The most items of the tail. */
export const MAX_TAIL_ITEMS = 160;
/** The largest half ranges of the exact method, for uniform items and for products, and of all methods. */
const MAX_EXACT_HALF_RANGE = 12;
const MAX_EXACT_PRODUCTS = 16;
export const MAX_TAIL_HALF_RANGE = 2 ** 12;

export const tailEnsembles = ["rssp", "rssp0", "products", "products0"] as const;
const ensembleSchema = z.enum(tailEnsembles);

/** The largest half range for which `exactTail` answers. */
export const maxExactHalfRange = (ensemble: SubsetEnsemble): number =>
  isProduct(ensemble) ? MAX_EXACT_PRODUCTS : MAX_EXACT_HALF_RANGE;

/**
 * Checks the arguments of a tail.
 * @throws {RequestError} Names the argument that is out of range. Signed sums have no tail: the magnitudes decide them alone.
 */
export function checkTail(
  ensemble: Ensemble,
  halfRange: number,
  items: number,
  targets: readonly number[],
  mostHalfRange = MAX_TAIL_HALF_RANGE,
): asserts ensemble is SubsetEnsemble {
  if (ensemble === "rnpp")
    throw new RequestError(
      "ensemble",
      "rssp, rssp0, products or products0: a tail sums over the signs of the items exactly, and the items of rnpp have none",
      ensemble,
      "the phase experiment counts its perfect partitions",
    );
  parse(ensembleSchema, ensemble, "ensemble");
  parse(integer(1, mostHalfRange), halfRange, "halfRange");
  if (isProduct(ensemble) && !Number.isInteger(Math.sqrt(halfRange)))
    throw new RequestError("halfRange", `a perfect square for ${ensemble}`, halfRange);
  parse(integer(0, MAX_TAIL_ITEMS), items, "items");
  for (const target of targets) parse(integer(-halfRange, halfRange), target, "targets");
}

/** The probability that an item is 0. */
function zeroShare(ensemble: SubsetEnsemble, halfRange: number): number {
  const { zeros, total } = stepOf(ensemble, halfRange);
  return zeros / total;
}

/** The magnitudes of an item that is not 0, each equally likely; those of products are there once for each pair of factors. */
export function magnitudesOf(ensemble: SubsetEnsemble, halfRange: number): number[] {
  const { factor, half } = stepOf(ensemble, halfRange);
  return Array.from({ length: factor * half }, (_, i) => (1 + (i % factor)) * (1 + Math.floor(i / factor)));
}

/** The shares of the magnitudes 0..M in a list. */
function sharesOf(magnitudes: readonly number[], halfRange: number): Float64Array {
  const shares = new Float64Array(halfRange + 1);
  for (const a of magnitudes) shares[a]! += 1 / magnitudes.length;
  return shares;
}

/** The probabilities of 0..n successes in n = 0, 1, ... trials: a row for each n. Nothing subtracts. */
function* binomialRows(share: number): Generator<Float64Array, never, undefined> {
  let row = Float64Array.of(1);
  for (;;) {
    yield row;
    const next = new Float64Array(row.length + 1);
    for (let j = 0; j < row.length; j++) {
      next[j]! += row[j]! * (1 - share);
      next[j + 1]! += row[j]! * share;
    }
    row = next;
  }
}

/** The probabilities that j = 0..n of n items are not 0, a row for each n in 0..`items`. */
export function nonzeroRows(ensemble: SubsetEnsemble, halfRange: number, items: number): Float64Array[] {
  const rows = binomialRows(1 - zeroShare(ensemble, halfRange));
  return Array.from({ length: items + 1 }, () => rows.next().value);
}

/** The probabilities of 0..n successes in n trials. */
export function binomialRow(items: number, share: number): Float64Array {
  const rows = binomialRows(share);
  for (let n = 0; n < items; n++) rows.next();
  return rows.next().value;
}

/** The mean of values by the number of items that are not 0, one mean for each row. */
const mixed = (rows: readonly Float64Array[], values: Float64Array): Float64Array =>
  Float64Array.from(rows, (row) => row.reduce((sum, weight, j) => sum + weight * values[j]!, 0));

/**
 * The exact probabilities of failure for 0..`items` items, to about 1e-14 of each, however small: by a dynamic program over the
 * sets of subset sums that magnitudes can have. M is at most 12, for products 16; n at most 160. M = 8 takes about a second, each
 * further 2 five times as long. Items of 0 add no sum, so that `rssp0` is the binomial mixture of `rssp` over the other items.
 * @param targets Integers of -M..M.
 * @returns P(some target of -M..M is missed) and P(target missed) for each target, by n.
 * @throws {RequestError} An argument is out of range, or the ensemble is `rnpp`.
 * @example
 * ```ts
 * import { exactTail } from "exacta/theory";
 *
 * console.log(exactTail("rssp", 2, 64).covered[64]); // 3.63207727782644e-18
 * ```
 */
export function exactTail(
  ensemble: SubsetEnsemble,
  halfRange: number,
  items: number,
  targets: readonly number[] = [],
): ExactFailures {
  return resultOf(exactTailSteps(ensemble, halfRange, items, targets));
}

/** `exactTail` in steps, one for each number of items, so that a caller may stop between them. */
export function* exactTailSteps(
  ensemble: SubsetEnsemble,
  halfRange: number,
  items: number,
  targets: readonly number[],
): Generator<void, ExactFailures, undefined> {
  checkTail(ensemble, halfRange, items, targets, maxExactHalfRange(ensemble));
  const shares = sharesOf(magnitudesOf(ensemble, halfRange), halfRange);
  const exact = yield* exactFailures(shares, items, targets);
  if (zeroShare(ensemble, halfRange) === 0) return exact;
  const rows = nonzeroRows(ensemble, halfRange, items);
  return { covered: mixed(rows, exact.covered), targets: exact.targets.map((values) => mixed(rows, values)) };
}

/**
 * The exact probabilities of failure with 0, 1, ... items, whose magnitudes are drawn from a list, each entry as likely as the
 * others: that of some target of -M..M, and then that of each target.
 */
export const tailByItems = (
  magnitudes: readonly number[],
  halfRange: number,
  targets: readonly number[],
): Generator<number[], never, undefined> => failuresByItems(sharesOf(magnitudes, halfRange), targets);

/** Laws and bounds of P(some target of -M..M is missed) for one number of items. */
export interface TailTerms {
  /** R_n(M), the probability that the positive items add up to less than M. */
  readonly shortfall: number;
  /** The probability that all items have a common divisor above 1, or that all are 0. */
  readonly divisors: number;
  /**
   * 2 R_n(M), at most 1, for `rssp` and `rssp0`: the law that P(some target is missed) was found to approach as n grows. It was
   * found by computing both, and is not proven. The ratio at M = 8 is 1.10, 1.02, 1.002 and 1.0001 for 16, 24, 40 and 64 items.
   */
  readonly law?: number;
  /**
   * A proven lower bound: 2 R_n(M) - P(all magnitudes add up to 2 M - 2 at most), since M or -M is missed where the positive or
   * the negative items add up to less than M, and both happen only where all magnitudes are that small; or `divisors`.
   */
  readonly bound: number;
  /** The probability that some target of +-1..+-M is no item itself: the ticket that keeps one item for a weight. */
  readonly trivial: number;
}

/**
 * The laws and bounds of a tail for 0..`items` items. M in 1..2^12, for products a perfect square; n at most 160.
 * @throws {RequestError} An argument is out of range, or the ensemble is `rnpp`.
 * @example
 * ```ts
 * import { tailTerms } from "exacta/theory";
 *
 * const { law, bound } = tailTerms("rssp", 8, 24)[24]!;
 * console.log(law!.toExponential(4), bound.toExponential(4)); // 4.4432e-5 4.4432e-5
 * ```
 */
export function tailTerms(ensemble: SubsetEnsemble, halfRange: number, items: number): TailTerms[] {
  checkTail(ensemble, halfRange, items, []);
  const step = stepOf(ensemble, halfRange);
  const shortfall = cappedSums(positivePart(step), items, halfRange - 1);
  // Both signs of a magnitude are one value.
  const magnitude = { ...step, total: step.total / 2, zeros: step.zeros / 2, negative: false };
  const short = cappedSums(magnitude, items, 2 * halfRange - 2);
  const failure = divisorFailure(magnitudesOf(ensemble, halfRange), halfRange, 1);
  const nonzero = Float64Array.from({ length: items + 1 }, (_, n) => failure(n));
  const hasZeros = zeroShare(ensemble, halfRange) > 0;
  const divisors = hasZeros ? mixed(nonzeroRows(ensemble, halfRange, items), nonzero) : nonzero;
  const trivial = isProduct(ensemble) && halfRange > 1 ? [] : couponFailures(step, items);
  return shortfall.map((value, n) => ({
    shortfall: value,
    divisors: divisors[n]!,
    ...(isProduct(ensemble) ? {} : { law: Math.min(1, 2 * value) }),
    bound: Math.max(0, 2 * value - short[n]!, divisors[n]!),
    trivial: trivial[n] ?? 1,
  }));
}

/** P(sum of n steps <= most) for n = 0..`items`, without subtraction. */
function cappedSums(step: Step, items: number, most: number): number[] {
  let sums: Distribution = nothing;
  return Array.from({ length: items + 1 }, (_, n) => {
    if (n > 0) {
      const { mass } = addStep(sums, step);
      sums = { offset: 0, mass: mass.subarray(0, most + 1) };
    }
    return Math.min(
      1,
      sums.mass.reduce((sum, value) => sum + value, 0),
    );
  });
}

/** P(not every value of +-1..+-M is among n items), n = 0..`items`, by the number of values that are: the coupon collector. */
function couponFailures({ total, zeros }: Step, items: number): number[] {
  const coupons = total - zeros;
  let missing = new Float64Array(Math.min(items, coupons - 1) + 1);
  missing[0] = 1;
  return Array.from({ length: items + 1 }, (_, n) => {
    if (n > 0) {
      const next = new Float64Array(missing.length);
      for (let k = 0; k < missing.length; k++) {
        next[k]! += (missing[k]! * (k + zeros)) / total;
        if (k + 1 < missing.length) next[k + 1]! += (missing[k]! * (coupons - k)) / total;
      }
      missing = next;
    }
    return Math.min(1, n < coupons ? 1 : missing.reduce((sum, value) => sum + value, 0));
  });
}

/**
 * P(the greatest common divisor of n items does not divide a target), as a function of n: no signs reach the target then. The
 * target 1 stands for all of -M..M together. No items have no divisor, and reach no target but 0.
 * @param magnitudes The equally likely magnitudes of an item, all in 1..M.
 * @param target An integer other than 0.
 */
export function divisorFailure(
  magnitudes: readonly number[],
  halfRange: number,
  target: number,
): (items: number) => number {
  const terms = obstructions(Math.abs(target), halfRange).map(({ divisor, sign }) => ({
    sign,
    share: multiplesShare(magnitudes, divisor),
  }));
  return (items) => {
    if (items === 0) return 1;
    const failure = terms.reduce((sum, { sign, share }) => sum + sign * share ** items, 0);
    return Math.min(1, Math.max(0, failure));
  };
}

/** The share of some magnitudes that are multiples of a divisor. */
export const multiplesShare = (magnitudes: readonly number[], divisor: number): number =>
  magnitudes.filter((a) => a % divisor === 0).length / magnitudes.length;

/**
 * The divisors 2..M whose multiples alone do not reach a target, with the signs of inclusion and exclusion: the least powers of
 * primes that do not divide it, and the products of several of them.
 */
function obstructions(target: number, halfRange: number): { divisor: number; sign: 1 | -1 }[] {
  let found: { divisor: number; sign: 1 | -1 }[] = [];
  const composite = new Uint8Array(halfRange + 1);
  for (let prime = 2; prime <= halfRange; prime++) {
    if (composite[prime]) continue;
    for (let multiple = prime; multiple <= halfRange; multiple += prime) composite[multiple] = 1;
    let power = prime;
    while (target % power === 0) power *= prime;
    const joined = found.map(({ divisor, sign }) => ({ divisor: divisor * power, sign: -sign as 1 | -1 }));
    found = [...found, { divisor: power, sign: 1 as const }, ...joined].filter(
      ({ divisor }) => divisor <= halfRange,
    );
  }
  return found;
}

/** The least kappa with which the form of the follow-up paper holds for some probabilities of failure. */
export interface LeastKappa {
  readonly c: number;
  readonly kappa: number;
  /** The number of items that asks for it. */
  readonly items: number;
}

/**
 * Fits the form 2 exp(-(n - C ln(M + 1))^2 / (kappa n)) of the follow-up paper (`paper.followUp`): the least kappa for a given C
 * with which it is at least the probability of failure at every n given; undefined where it says nothing at any of them.
 * @param failures The probabilities P(some target of -M..M is missed), with their n.
 * @example
 * ```ts
 * import { exactTail, leastKappa } from "exacta/theory";
 *
 * const failures = [...exactTail("rssp", 2, 160).covered].map((failure, items) => ({ items, failure }));
 * console.log(leastKappa(2, failures)!.kappa.toFixed(3)); // 1.463
 * ```
 */
export function leastKappa(
  halfRange: number,
  failures: readonly { readonly items: number; readonly failure: number }[],
  c = 2,
): LeastKappa | undefined {
  let least: LeastKappa | undefined;
  for (const { items, failure } of failures) {
    const excess = items - c * Math.log(halfRange + 1);
    if (excess <= 0 || failure <= 0) continue;
    const kappa = excess ** 2 / (items * Math.log(2 / failure));
    if (!least || kappa > least.kappa) least = { c, kappa, items };
  }
  return least;
}
