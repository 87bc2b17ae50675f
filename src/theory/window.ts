// Limit laws: the probability of failure as a function of how far n is from the threshold log2 M + (1/2) log2 n. They
// predict, within the errors noted beside them, and bound nothing, except the two obstructions, which are rigorous.

import * as z from "zod/mini";
import { RequestError } from "../errors.ts";
import { integer, parse } from "../check.ts";
import { ensembles, isProduct, itemOf, lawOf, maxHalfRange, type Ensemble } from "../ensemble.ts";
import { secondMoment } from "./paper.ts";

/** The laws of subset sums; `rnpp` has signed sums. */
export type SubsetEnsemble = Exclude<Ensemble, "rnpp">;

const subsetEnsembles = ensembles.filter((name): name is SubsetEnsemble => name !== "rnpp");
const ensembleSchema = z.enum(subsetEnsembles, `one of ${subsetEnsembles.join(", ")}`);
const halfRanges = integer(1, maxHalfRange("rssp"));
const counts = integer(0, 2 ** 16);
const positive = integer(1, Number.MAX_SAFE_INTEGER);
const number = z.number("a number");
const RATE = "a number from 0, or Infinity";
const rates = z.union([z.literal(Infinity), z.number().check(z.refine((value) => value >= 0, RATE))], RATE);
const targets = integer(-Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);

/** The weight of the range obstruction in `predictFailure` is (1 - F)^30: it fades where F itself exceeds about .03. */
const FADE = 30;
/** The most cells of the grid on which the law of sums of positive items is computed. */
const MAX_CELLS = 1024;

/**
 * Computes lambda = log2 M - n + (1/2) log2 n, the position in the scaling window: instances are solvable below it and not
 * above. M and n are integers from 1 up.
 * @throws {RequestError} An argument is out of range.
 * @example
 * ```ts
 * import { lambdaOf } from "exacta/theory";
 *
 * console.log(lambdaOf(64, 9)); // -1.415037499278844
 * ```
 */
export function lambdaOf(halfRange: number, items: number): number {
  parse(positive, halfRange, "halfRange");
  parse(positive, items, "items");
  return Math.log2(halfRange) - items + Math.log2(items) / 2;
}

/**
 * The limit of P(some signed sum of n items of 1..M is -1, 0 or 1) at fixed lambda: 1 - q (1 + q) / 2 with
 * q = exp(-sqrt(3 / (2 pi)) 2^-lambda). Even totals leave pairs of signs Poisson(mu), odd ones Poisson(2 mu).
 * The truth is about 0.1/n below near lambda = 0 (measured, n = 16..28); deep in the easy phase it ignores gcds.
 * Source: Borgs, Chayes & Pittel, "Phase transition and finite-size scaling for the integer partitioning problem", 2001.
 * @throws {RequestError} An argument is out of range.
 * @example
 * ```ts
 * import { perfectLimit } from "exacta/theory";
 *
 * console.log(perfectLimit(-2).toFixed(4)); // 0.9665
 * ```
 */
export function perfectLimit(lambda: number): number {
  parse(number, lambda, "lambda");
  const rate = Math.sqrt(3 / (2 * Math.PI)) * 2 ** -lambda;
  // 1 - q (1 + q) / 2 = ((1 - q) + (1 - q^2)) / 2, which keeps its digits for a small rate.
  return -(Math.expm1(-rate) + Math.expm1(-2 * rate)) / 2;
}

/**
 * P(an even or an odd total, which has a share of all instances, and no solution), for Poisson solutions of this mean over all
 * instances.
 */
const missed = (share: number, solutions: number) => (share > 0 ? share * Math.exp(-solutions / share) : 0);

/** The most sums for which the characteristic function is added up exactly; else it is integrated to where it is small. */
const MAX_EXACT_SUMS = 2 ** 18;
const INTEGRAL_STEP = 1 / 16;
const INTEGRAL_END = 2 ** 12;

/**
 * A prediction of P(some signed sum of n items of 1..M is -1, 0 or 1) at finite n: the limit law with the exact means of the
 * numbers of solutions, given an even and given an odd total, in the place of mu and 2 mu. Half of the limit's error remains near
 * lambda = 0 (measured, n = 16..28); far below, common divisors cause more failures than it predicts. M is 1..2^53, n 1 or more;
 * for fewer than 8 items beyond 2^18 sums the means are off by up to 1e-4 of them.
 * @throws {RequestError} An argument is out of range.
 * @example
 * ```ts
 * import { partitionPrediction } from "exacta/theory";
 *
 * console.log(partitionPrediction(2 ** 14, 16).toFixed(5)); // 0.62062
 * ```
 */
export function partitionPrediction(halfRange: number, items: number): number {
  parse(positive, halfRange, "halfRange");
  parse(positive, items, "items");
  // The characteristic function of a signed item is (sin((M + 1/2) x) / sin(x / 2) - 1) / (2 M).
  const power = (x: number) => {
    const one = x === 0 ? 1 : (Math.sin((halfRange + 0.5) * x) / Math.sin(x / 2) - 1) / (2 * halfRange);
    return one ** items;
  };
  // P(sum = 0) and P(sum = 1) are integrals of the power, and of the power times the cosine, over -pi..pi, divided by 2 pi.
  let [zero, one] = [0, 0];
  const add = (x: number, weight: number) => {
    const value = weight * power(x);
    zero += value;
    one += value * Math.cos(x);
  };
  if (items * halfRange <= MAX_EXACT_SUMS) {
    // The mean over equidistant points is exact, since no sum reaches the number of points.
    const points = items * halfRange + 2;
    for (let k = 0; k < points; k++) add((2 * Math.PI * k) / points, 1 / points);
  } else {
    const step = INTEGRAL_STEP / halfRange;
    for (let k = 0; k * INTEGRAL_STEP < INTEGRAL_END; k++)
      add(k * step, ((k === 0 ? 1 : 2) * step) / (2 * Math.PI));
  }
  const even = (1 + (halfRange % 2 === 1 ? (-1 / halfRange) ** items : 0)) / 2;
  // Signs and their opposites are one solution: with an even total the sum 0 counts each twice, with an odd one 1 counts it once.
  return 1 - missed(even, (2 ** items * zero) / 2) - missed(1 - even, 2 ** items * one);
}

/**
 * F(mu, tau) = E exp(-2 mu exp(-(g - 2 tau)^2 / 2)), g standard normal: the limit of P(no subset has sum t), t != 0.
 * Given the total Lambda, standard deviation sigma = sqrt(n s2), the solutions are Poisson with mean
 * 2 mu exp(-(Lambda - 2 t)^2 / (2 sigma^2)); tau = t / sigma, and Lambda / sigma is near normal.
 * mu: 0..Infinity, tau: finite. Relative error below 1e-12 against 30-digit quadrature for mu in 1e-6..1e12, tau in 0..5.
 *
 * The trapezoidal rule on the whole line, whose error falls like exp(-2 pi a / step) for an integrand that is tame at
 * distance a from the real line. Around the edges h = +-sqrt(2 ln(2 mu)), where the inner exponential passes 1, a is
 * about 1 / edge, and so is the step.
 * @throws {RequestError} An argument is out of range.
 * @example
 * ```ts
 * import { windowFailure } from "exacta/theory";
 *
 * console.log(windowFailure(4, 0.5).toFixed(4)); // 0.1395
 * ```
 */
export function windowFailure(mu: number, tau: number): number {
  parse(rates, mu, "mu");
  parse(number, tau, "tau");
  if (mu === Infinity) return 0;
  const logRate = Math.LN2 + Math.log(mu);
  const edge = Math.sqrt(2 * Math.max(0, logRate));
  const step = 1 / (8 * Math.max(1, edge));
  const shift = 2 * Math.abs(tau);
  // The rate is below 1e-200 wherever g is likely.
  if (shift > edge + 40) return 1;
  // Farther than 9 from the outermost peak, the integrand adds less than 1e-18 of the whole.
  const from = -Math.max(edge, shift) - 9;
  const steps = Math.ceil((edge + 9 - from) / step);
  // Between -inner and inner, where the inner exponential is above 746, the integrand is below the smallest double: it is 0.
  const inner = Math.sqrt(2 * Math.max(0, logRate - Math.log(746)));
  const left = Math.floor((-inner - from) / step);
  const right = Math.max(left + 1, Math.floor((inner - from) / step));
  let sum = 0;
  const add = (h: number) => {
    sum += Math.exp(-((h + shift) ** 2) / 2 - Math.exp(logRate - h ** 2 / 2));
  };
  for (let i = 0; i <= left; i++) add(from + i * step);
  // For h > 0 the factor exp(-(h + shift)^2 / 2) falls, and it bounds the term. Once it is below e^-38 < 2^-54 of the sum so far,
  // no later term changes the sum.
  const least = Math.log(sum) - 38;
  for (let i = right; i <= steps; i++) {
    const h = from + i * step;
    if (-((h + shift) ** 2) / 2 < least) break;
    add(h);
  }
  return Math.min(1, (sum * step) / Math.sqrt(2 * Math.PI));
}

/**
 * A bound: P(no subset has sum t) is at least the probability that the positive items together do not reach |t|.
 * For `rssp` and 1 <= |t| <= M + 1 it is 2^-n sum_j C(n,j) C(|t|-1,j) M^-j, exact; also for `rssp0`, with
 * the share of positive items in place of 1/2. Otherwise items are rounded up to a grid of 1024 cells: exact while
 * |t| <= 1024, 1 % too small at M = 2^16 (measured), never too large. 0 for t = 0. n in 0..2^16.
 * @throws {RequestError} An argument is out of range.
 * @example
 * ```ts
 * import { rangeObstruction } from "exacta/theory";
 *
 * console.log(rangeObstruction("rssp", 1, 2, 1)); // 0.25
 * ```
 */
export function rangeObstruction(
  ensemble: SubsetEnsemble,
  halfRange: number,
  items: number,
  target: number,
): number {
  checkLaw(ensemble, halfRange, items, target);
  const most = Math.abs(target) - 1;
  if (most < 0) return 0;
  if (most >= items * halfRange) return 1;
  return isProduct(ensemble) || most > halfRange
    ? cappedSums(ensemble, halfRange, items, most)
    : cappedUniformSums(
        ensemble === "rssp" ? 1 / 2 : halfRange / (2 * halfRange + 1),
        halfRange,
        items,
        most,
      );
}

/** P(sum <= most) where each item is uniform on 1..M with probability `share` and otherwise 0; most <= M. */
function cappedUniformSums(share: number, halfRange: number, items: number, most: number): number {
  let log = items * Math.log1p(-share);
  const logs = [log];
  for (let j = 0; j < Math.min(items, most); j++) {
    log += Math.log((((items - j) * share) / ((j + 1) * (1 - share))) * ((most - j) / ((j + 1) * halfRange)));
    logs.push(log);
  }
  const top = logs.reduce((a, b) => Math.max(a, b));
  return Math.min(1, Math.exp(top) * logs.reduce((sum, log) => sum + Math.exp(log - top), 0));
}

/** P(sum of the positive items <= most), the items rounded up to multiples of most / 1024 where that exceeds 1. */
function cappedSums(ensemble: SubsetEnsemble, halfRange: number, items: number, most: number): number {
  const law = lawOf(ensemble, halfRange);
  const cell = Math.max(1, Math.ceil(most / MAX_CELLS));
  const cells = Math.floor(most / cell);
  let power = new Float64Array(cells + 1);
  for (let value = 0; value < law.range; value++) {
    const index = Math.ceil(Math.max(0, itemOf(law, value)) / cell);
    if (index <= cells) power[index]! += 1 / law.range;
  }
  let sums = new Float64Array(cells + 1);
  sums[0] = 1;
  for (let bits = items; bits > 0; bits >>= 1) {
    if (bits & 1) sums = convolve(sums, power);
    if (bits > 1) power = convolve(power, power);
  }
  return Math.min(
    1,
    sums.reduce((a, b) => a + b, 0),
  );
}

/** The law of the sum of two independent variables, truncated to the length of `a`. */
function convolve(a: Float64Array<ArrayBuffer>, b: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const out = new Float64Array(a.length);
  for (let i = 0; i < a.length; i++) {
    const weight = a[i]!;
    if (weight > 0) for (let j = 0; i + j < a.length; j++) out[i + j]! += weight * b[j]!;
  }
  return out;
}

/**
 * A bound: where 2^j is the power of 2 in t, P(no subset has sum t) is at least P(2^(j+1) divides X)^n. For products with
 * even N and odd t it is (3/4)^n, for products0 (1 - N / (2 (2 N + 1)))^n. 0 for t = 0. n in 0..2^16.
 * @throws {RequestError} An argument is out of range.
 * @example
 * ```ts
 * import { parityObstruction } from "exacta/theory";
 *
 * console.log(parityObstruction("products", 16, 2, 1)); // 0.5625
 * ```
 */
export function parityObstruction(
  ensemble: SubsetEnsemble,
  halfRange: number,
  items: number,
  target: number,
): number {
  checkLaw(ensemble, halfRange, items, target);
  if (target === 0) return 0;
  let power = 2;
  while (target % power === 0) power *= 2;
  const { factor, half, gap } = lawOf(ensemble, halfRange);
  const signed = (divisor: number) => (2 * Math.floor(half / divisor) + 1 - gap) / (2 * half + 1 - gap);
  const unsigned = (divisor: number) => Math.floor(factor / divisor) / factor;
  let divisible = unsigned(power);
  for (let part = 1; part < power; part *= 2)
    divisible += (unsigned(part) - unsigned(2 * part)) * signed(power / part);
  return divisible ** items;
}

/** A prediction for one target by the window law and the two obstructions. It is not a bound. */
export interface WindowPrediction {
  readonly holds: "as n grows";
  /** mu = 2^m / sqrt(2 pi n s2), m the mean number of items that are not 0. */
  readonly mu: number;
  /** tau = |t| / sqrt(n s2). */
  readonly tau: number;
  /** F(mu, tau), best where failures are common. */
  readonly window: number;
  /** The range obstruction, a lower bound. */
  readonly range: number;
  /** The parity obstruction, a lower bound; 0 unless items are products. */
  readonly parity: number;
  /** P(no subset has sum t), from all three. */
  readonly failure: number;
}

/**
 * Predicts P(no subset of n items has sum t): F, plus the range obstruction R where F is small, and independently the parity
 * obstruction of products. M in 1..2^20, for products a perfect square; n in 0..2^16; t any integer, 0 never fails.
 *
 * Items of 0 double the number of solutions without adding any, so rssp0 and products0 count 2^m with m the mean number
 * of other items. F + R is up to twice too large where the failure exceeds .05 (measured), hence the fading of R.
 *
 * Measured for |t| in 1..M at 2e5 and 1e6 trials, largest distance from the probability, then ratio to the failure where
 * that was 1e-3..0.05 (n >= 6). rssp, M = 8..1024: .0443 for n = 6 and 7, .0131 for 8..15, .0036 for n >= 16; .68..2.26.
 * rssp0, M = 8..64: .050, .0137, .0011; .93..1.98. products, M = 16..256: .093, .076, .030; .45..1.78. products0,
 * M = 16..256: .102, .083, .037; .30..1.52. Smaller M, and n < 6, are off by up to .2.
 * @throws {RequestError} An argument is out of range.
 * @example
 * ```ts
 * import { predictFailure } from "exacta/theory";
 *
 * console.log(predictFailure("rssp", 64, 12, 1).failure.toFixed(4)); // 0.0121
 * ```
 */
export function predictFailure(
  ensemble: SubsetEnsemble,
  halfRange: number,
  items: number,
  target: number,
): WindowPrediction {
  checkLaw(ensemble, halfRange, items, target);
  const range = rangeObstruction(ensemble, halfRange, items, target);
  const parity = isProduct(ensemble) ? parityObstruction(ensemble, halfRange, items, target) : 0;
  const variance = items * secondMoment(ensemble, halfRange);
  const { half, gap } = lawOf(ensemble, halfRange);
  const nonzero = items * (gap === 1 ? 1 : (2 * half) / (2 * half + 1));
  const mu = Math.exp(nonzero * Math.LN2 - Math.log(2 * Math.PI * variance) / 2);
  const tau = target === 0 ? 0 : Math.abs(target) / Math.sqrt(variance);
  const certain = target === 0 ? 0 : range === 1 ? 1 : undefined;
  const window = certain ?? windowFailure(mu, tau);
  return {
    holds: "as n grows",
    mu,
    tau,
    window,
    range,
    parity,
    failure: certain ?? failureOf(window, range, parity),
  };
}

/** P(no subset has sum t) from the window law and the two obstructions, as `predictFailure` combines them. */
export function failureOf(window: number, range: number, parity: number): number {
  const missed = Math.min(1, Math.max(range, window + range * (1 - window) ** FADE));
  return missed + parity * (1 - missed);
}

function checkLaw(ensemble: SubsetEnsemble, halfRange: number, items: number, target: number): void {
  parse(ensembleSchema, ensemble, "ensemble");
  parse(halfRanges, halfRange, "halfRange");
  if (isProduct(ensemble) && !Number.isInteger(Math.sqrt(halfRange)))
    throw new RequestError("halfRange", `a perfect square for ${ensemble}`, halfRange);
  parse(counts, items, "items");
  parse(targets, target, "target");
}

/** A rule of thumb: the fewest items for which the worst target of -M..M fails with a given probability at most. */
export interface DesignRule {
  readonly ensemble: Ensemble;
  /** n = log2 M + extra. */
  readonly rows: readonly { readonly failure: number; readonly extra: number }[];
  /** The largest error of n. */
  readonly within: number;
  readonly provenance: string;
}

/**
 * The rule of thumb for `rssp`, with its rows by failure of the worst target.
 * @example
 * ```ts
 * import { designRule } from "exacta/theory";
 *
 * const { extra } = designRule.rows.find(({ failure }) => failure === 0.01)!;
 * console.log(`n = log2 M + ${extra}`); // n = log2 M + 10
 * ```
 */
export const designRule: DesignRule = {
  ensemble: "rssp",
  rows: [
    { failure: 0.5, extra: 2 },
    { failure: 0.1, extra: 6 },
    { failure: 0.01, extra: 10 },
    { failure: 0.001, extra: 14 },
  ],
  within: 1,
  provenance: "measured by Monte Carlo for M = 16, 64, 256, 1024, every target of -M..M",
};
