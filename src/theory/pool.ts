// How often a pool of random items misses the subset sums that a layer asks for. Items are the reduced weights of a scheme, or
// products of two of them. Their law can be any: most quantizers make reduced weights neither uniform nor symmetric.

import { reachProbabilities } from "./construction.ts";
import { failureOf, windowFailure } from "./window.ts";

/** The items that hidden units or copies offer a weight, for inputs of one sign. */
export interface Pool {
  /** P(a unit serves inputs of that sign), and P(its item is not 0 | it serves them). */
  readonly serving: number;
  readonly alive: number;
  /** The law of an item that is not 0, at index item + half for items of -half..half. */
  readonly half: number;
  readonly law: Float64Array;
  /** Whether items are products u v of two weights. */
  readonly product: boolean;
}

/** The share of equally likely values of -half..half that meet a condition, and the law of those values. */
function lawOfValues(values: Int32Array, half: number, condition: (value: number) => boolean) {
  const law = new Float64Array(2 * half + 1);
  let matching = 0;
  for (const value of values)
    if (condition(value)) {
      law[value + half]! += 1;
      matching++;
    }
  return { share: matching / values.length, law: law.map((count) => count / Math.max(matching, 1)) };
}

/** The pool of single weights, where every copy serves. The `weights` are equally likely, in -half..half. */
export function directPool(weights: Int32Array, half: number): Pool {
  const { share: alive, law } = lawOfValues(weights, half, (value) => value !== 0);
  return { serving: 1, alive, half, law, product: false };
}

/**
 * The pool of products u v for inputs of one sign, which the units serve whose u has that sign. Sign 0: for all inputs, which all
 * units serve whose u is not 0.
 */
export function productPool(weights: Int32Array, half: number, sign: 1 | -1 | 0): Pool {
  const serves = (u: number) => u !== 0 && (sign === 0 || Math.sign(u) === sign);
  const first = lawOfValues(weights, half, serves);
  const second = lawOfValues(weights, half, (value) => value !== 0);
  const law = new Float64Array(2 * half ** 2 + 1);
  for (let u = -half; u <= half; u++)
    for (let v = -half; v <= half; v++)
      law[u * v + half ** 2]! += first.law[u + half]! * second.law[v + half]!;
  return { serving: first.share, alive: second.share, half: half ** 2, law, product: true };
}

/** The pool whose products z are accepted with probability 1 / ways[|z|]. */
export function accepted(pool: Pool, ways: ArrayLike<number>): Pool {
  const law = pool.law.map((share, i) => share / Math.max(1, ways[Math.abs(i - pool.half)]!));
  const rate = law.reduce((a, b) => a + b);
  return { ...pool, alive: pool.alive * rate, law: law.map((share) => share / rate) };
}

/** Whether an item and its opposite are equally likely. */
export function isSymmetric({ law }: Pool): boolean {
  return law.every((share, i) => Math.abs(share - law[law.length - 1 - i]!) < 1e-12);
}

/**
 * P(an input fails) for a number of units or copies: the mean of `fails` over the numbers of units that serve each sign.
 * @param pools One pool for each sign of the input.
 * @param fails P(an input fails | n units serve the first sign, `other` units the second).
 * @param negligible The least likely numbers, together less probable than this, count as failures and are not computed.
 */
export function inputFailure(
  units: number,
  pools: readonly Pool[],
  fails: (n: number, other?: number) => number,
  negligible = 0,
): number {
  const [first, second] = pools;
  const leastShare = negligible / (units + 1) ** pools.length;
  let failure = 0;
  binomialLaw(units, first!.serving).forEach((share, n) => {
    if (share <= leastShare) failure += share;
    else if (!second) failure += share * fails(n);
    else
      binomialLaw(units - n, second.serving / (1 - first!.serving)).forEach((part, other) => {
        failure += share * part <= leastShare ? share * part : share * part * fails(n, other);
      });
  });
  return Math.min(1, failure);
}

/** P(no subset of n items of a pool has the sum), by n, for each sum of a list. Items may be 0. */
export type Misses = (n: number) => Float64Array;

/** For N = 2, probabilities are exact up to this number of items. Each further item multiplies them by the last ratio. */
const EXACT_ITEMS = 64;

/**
 * Predicts how often n items miss each sum of a list. The prediction is exact for items of -1, 0 and 1, and up to 64 products of
 * uniform weights of +-1 and +-2. Otherwise it combines the laws of window.ts with the moments and obstructions of the items'
 * law.
 */
export function missesOf(pool: Pool, sums: readonly number[]): Misses {
  if (pool.half === 1) return cached(fallingShort(pool, sums));
  return cached(thinned(pool.alive, cached(aliveMisses(pool, sums))));
}

/** The mean number of solutions from which the failure of the window law, about its inverse, counts as 0. */
const SURE_SOLUTIONS = 1e60;

/** The misses of items that are not 0. */
function aliveMisses(pool: Pool, sums: readonly number[]): Misses {
  if (pool.product && pool.half === 4 && isUniform(pool) && sums.every((sum) => Math.abs(sum) <= 4))
    return exactMisses(sums);
  const { half, law } = pool;
  const [rangeMisses, parity] = [fallingShort({ ...pool, alive: 1 }, sums), paritiesOf(pool, sums)];
  let [mean, square] = [0, 0];
  law.forEach((share, i) => {
    mean += share * (i - half);
    square += share * (i - half) ** 2;
  });
  return (n) => {
    const short = rangeMisses(n);
    if (n === 0) return short;
    const mu = Math.exp(n * Math.LN2 - Math.log(2 * Math.PI * n * square) / 2);
    // The subset sums are symmetric about half of the total, whose mean is n mean / 2.
    const tau = (sum: number) => (sum - (n * mean) / 2) / Math.sqrt(n * square);
    const window =
      mu < SURE_SOLUTIONS
        ? interpolated(sums, (sum) => windowFailure(mu, tau(sum)))
        : new Float64Array(sums.length);
    return Float64Array.from(sums, (sum, i) =>
      sum === 0 ? 0 : failureOf(window[i]!, short[i]!, parity[i]! ** n),
    );
  };
}

/** Whether a law is that of products of two uniform weights of +-1 and +-2. */
function isUniform({ half, law }: Pool): boolean {
  // Of the products 1, 2 and 4 only 2 has two factorizations.
  const shares = [4, 2, 1, -1, -2, -4].map((value) => law[value + half]! * 8);
  return shares.every((share, i) => Math.abs(share - [1, 2, 1, 1, 2, 1][i]!) < 1e-9);
}

/** The misses of products of two uniform weights of +-1 and +-2. */
function exactMisses(sums: readonly number[]): Misses {
  const exact = reachProbabilities(2, EXACT_ITEMS).map(({ failure }) => failure);
  const last = exact.at(-1)!;
  const ratio = last.map((failure, i) => failure / exact.at(-2)![i]!);
  return (n) =>
    Float64Array.from(sums, (sum) => {
      const t = Math.abs(sum);
      if (t === 0) return 0;
      return n <= EXACT_ITEMS ? exact[n]![t]! : last[t]! * ratio[t]! ** (n - EXACT_ITEMS);
    });
}

/** The most cells of the grid on which the law of sums of items of one sign is computed. */
const MAX_CELLS = 1024;

/**
 * P(the items of a sum's sign together fall short of it). Where sums exceed 1024 in magnitude, items are rounded up to a grid of
 * 1024 cells, which makes the probability smaller, never larger.
 */
function fallingShort({ alive, half, law }: Pool, sums: readonly number[]): Misses {
  const sides = ([1, -1] as const).map((sign) => {
    const most = sums.reduce((a, sum) => Math.max(a, sum * sign), 0);
    const cell = Math.max(1, Math.ceil(most / MAX_CELLS));
    const length = Math.max(Math.ceil(most / cell), 1);
    const step = new Float64Array(length);
    step[0] = 1 - alive;
    law.forEach((share, i) => {
      const index = Math.max(0, Math.ceil(((i - half) * sign) / cell));
      if (index < length) step[index]! += alive * share;
    });
    const atoms = Array.from(step.keys()).filter((index) => step[index]! > 0);
    let items = 0;
    let sumLaw = new Float64Array(length);
    sumLaw[0] = 1;
    const cumulative = [sumLaw.map(() => 1)];
    const upTo = (n: number): Float64Array => {
      for (; items < n; items++) {
        const next = new Float64Array(length);
        for (const atom of atoms) {
          const weight = step[atom]!;
          for (let i = atom; i < length; i++) next[i]! += weight * sumLaw[i - atom]!;
        }
        sumLaw = next;
        let total = 0;
        cumulative.push(sumLaw.map((mass) => (total += mass)));
      }
      return cumulative[n]!;
    };
    return { cell, upTo };
  });
  return (n) =>
    Float64Array.from(sums, (sum) => {
      const { cell, upTo } = sides[sum > 0 ? 0 : 1]!;
      return sum === 0 ? 0 : Math.min(1, upTo(n)[Math.floor((Math.abs(sum) - 1) / cell)]!);
    });
}

/**
 * For each sum s = 2^j times an odd number, P(2^(j+1) divides an item): if it divides all items, no subset has sum s. 0 unless
 * items are products.
 */
function paritiesOf({ product, half, law }: Pool, sums: readonly number[]): number[] {
  const shares = new Map<number, number>();
  const divisible = (power: number) => {
    let share = 0;
    for (let i = half % power; i < law.length; i += power) share += law[i]!;
    return share;
  };
  return sums.map((sum) => {
    if (!product || sum === 0) return 0;
    const power = 2 * 2 ** Math.log2(Math.abs(sum) & -Math.abs(sum));
    if (!shares.has(power)) shares.set(power, divisible(power));
    return shares.get(power)!;
  });
}

/** The number of Chebyshev nodes. */
const NODES = 8;

/** The values of a positive smooth function at points; beyond 8 points by barycentric interpolation of its logarithm. */
function interpolated(points: readonly number[], valueAt: (point: number) => number): ArrayLike<number> {
  if (points.length <= NODES) return points.map(valueAt);
  const low = points.reduce((a, b) => Math.min(a, b));
  const high = points.reduce((a, b) => Math.max(a, b));
  const angles = Array.from({ length: NODES }, (_, i) => ((i + 0.5) * Math.PI) / NODES);
  const nodes = angles.map((angle) => (low + high + (high - low) * Math.cos(angle)) / 2);
  const logs = nodes.map((node) => Math.log(valueAt(node)));
  const weights = angles.map((angle, i) => (i % 2 === 0 ? 1 : -1) * Math.sin(angle));
  return points.map((point) => {
    let [numerator, denominator] = [0, 0];
    for (let i = 0; i < NODES; i++) {
      const distance = point - nodes[i]!;
      if (distance === 0) return Math.exp(logs[i]!);
      numerator += (weights[i]! / distance) * logs[i]!;
      denominator += weights[i]! / distance;
    }
    return Math.min(1, Math.exp(numerator / denominator));
  });
}

/** The misses of n items, of which each is not 0 with probability `alive`. */
function thinned(alive: number, misses: Misses): Misses {
  if (alive === 1) return misses;
  return (n) => {
    const out = misses(0).map(() => 0);
    binomialLaw(n, alive).forEach((share, m) => misses(m).forEach((miss, i) => (out[i]! += share * miss)));
    return out;
  };
}

/** The binomial law of n trials with a success probability in 0..1. */
export function binomialLaw(n: number, probability: number): Float64Array {
  if (probability === 0 || probability === 1)
    return Float64Array.from({ length: n + 1 }, (_, i) => Number(i === n * probability));
  let log = n * Math.log1p(-probability);
  const odds = probability / (1 - probability);
  return Float64Array.from({ length: n + 1 }, (_, i) => {
    const share = Math.exp(log);
    log += Math.log((odds * (n - i)) / (i + 1));
    return share;
  });
}

function cached(misses: Misses): Misses {
  const cache: Float64Array[] = [];
  return (n) => (cache[n] ??= misses(n));
}
