// How often a pool of random items misses the sums that a layer asks of it. Items are weights as a scheme makes them, or
// products of two, of any law: reduction by most quantizers leaves neither uniform nor symmetric ones.

import { reachProbabilities } from "./construction.ts";
import { failureOf, windowFailure } from "./window.ts";

/** What a hidden unit, or a copy, may add to a weight, for inputs of one sign. */
export interface Pool {
  /** P(a unit serves inputs of that sign), and P(its item is not 0 when it does). */
  readonly serving: number;
  readonly alive: number;
  /** The law of an item that is not 0, on -half..half. */
  readonly half: number;
  readonly law: Float64Array;
  /** Whether items are products u v of two weights. */
  readonly product: boolean;
}

/** The shares of -half..half among integers that are equally likely, and of those that `keeps`. */
function sharesOf(values: Int32Array, half: number, keeps: (value: number) => boolean) {
  const law = new Float64Array(2 * half + 1);
  let kept = 0;
  for (const value of values)
    if (keeps(value)) {
      law[value + half]! += 1;
      kept++;
    }
  return { share: kept / values.length, law: law.map((count) => count / Math.max(kept, 1)) };
}

/** The pool of weights themselves: every copy serves. `weights` are equally likely, in -half..half. */
export function directPool(weights: Int32Array, half: number): Pool {
  const { share: alive, law } = sharesOf(weights, half, (value) => value !== 0);
  return { serving: 1, alive, half, law, product: false };
}

/** The pool of products u v for inputs of a sign: units serve whose u has it. */
export function productPool(weights: Int32Array, half: number, sign: 1 | -1): Pool {
  const first = sharesOf(weights, half, (value) => Math.sign(value) === sign);
  const second = sharesOf(weights, half, (value) => value !== 0);
  const law = new Float64Array(2 * half ** 2 + 1);
  for (let u = sign; Math.abs(u) <= half; u += sign)
    for (let v = -half; v <= half; v++)
      law[u * v + half ** 2]! += first.law[u + half]! * second.law[v + half]!;
  return { serving: first.share, alive: second.share, half: half ** 2, law, product: true };
}

/** The pool of the products z of another one that are accepted, each with a probability of 1 / `ways` at |z|. */
export function accepted(pool: Pool, ways: ArrayLike<number>): Pool {
  const law = pool.law.map((share, i) => share / Math.max(1, ways[Math.abs(i - pool.half)]!));
  const rate = law.reduce((a, b) => a + b);
  return { ...pool, alive: pool.alive * rate, law: law.map((share) => share / rate) };
}

/** Whether an item and its opposite are equally likely, and every sign is served alike. */
export function isSymmetric({ law }: Pool): boolean {
  return law.every((share, i) => Math.abs(share - law[law.length - 1 - i]!) < 1e-12);
}

/**
 * P(an input fails) with so many units, or copies: the average of `fails` over how many of them serve each sign for which
 * there is a pool. The rarest of those numbers, together less likely than `negligible`, count as failures.
 */
export function inputFailure(
  units: number,
  pools: readonly Pool[],
  fails: (n: number, other?: number) => number,
  negligible = 0,
): number {
  const [right, left] = pools;
  const least = negligible / (units + 1) ** pools.length;
  let failure = 0;
  binomialLaw(units, right!.serving).forEach((share, n) => {
    if (share <= least) failure += share;
    else if (!left) failure += share * fails(n);
    else
      binomialLaw(units - n, left.serving / (1 - right!.serving)).forEach((part, other) => {
        failure += share * part <= least ? share * part : share * part * fails(n, other);
      });
  });
  return Math.min(1, failure);
}

/** P(no subset of n items of a pool, zeros included, has the sum), for each of some sums. */
export type Misses = (n: number) => Float64Array;

/** Items up to which probabilities are exact where N = 2; beyond, each one more multiplies failure by the last ratio. */
const EXACT_ITEMS = 64;

/**
 * Predicts how often n items miss each of some sums. Exact for items of -1, 0 and 1, and for products of uniform weights of
 * +-1 and +-2; otherwise the laws of window.ts with the moments, the reach and the parity of the items' own law.
 */
export function missesOf(pool: Pool, sums: readonly number[]): Misses {
  if (pool.half === 1) return cached(fallingShort(pool, sums));
  return cached(thinned(pool.alive, cached(aliveMisses(pool, sums))));
}

/** Mean numbers of solutions beyond which the window law's failure, about their inverse, is nothing. */
const SURE = 1e60;

function aliveMisses(pool: Pool, sums: readonly number[]): Misses {
  if (pool.product && pool.half === 4 && isUniform(pool)) return exactMisses(sums);
  const { half, law } = pool;
  const [range, parity] = [fallingShort({ ...pool, alive: 1 }, sums), paritiesOf(pool, sums)];
  let [mean, square] = [0, 0];
  law.forEach((share, i) => {
    mean += share * (i - half);
    square += share * (i - half) ** 2;
  });
  return (n) => {
    const short = range(n);
    if (n === 0) return short;
    const mu = Math.exp(n * Math.LN2 - Math.log(2 * Math.PI * n * square) / 2);
    // Half the total is in the middle of the subset sums.
    const tau = (sum: number) => (sum - (n * mean) / 2) / Math.sqrt(n * square);
    const window =
      mu < SURE ? interpolated(sums, (sum) => windowFailure(mu, tau(sum))) : new Float64Array(sums.length);
    return Float64Array.from(sums, (sum, i) =>
      sum === 0 ? 0 : failureOf(window[i]!, short[i]!, parity[i]! ** n),
    );
  };
}

function isUniform({ half, law }: Pool): boolean {
  // Of the products of two weights of +-1 and +-2 only 2 comes in two ways.
  const shares = [4, 2, 1, -1, -2, -4].map((value) => law[value + half]! * 8);
  return shares.every((share, i) => Math.abs(share - [1, 2, 1, 1, 2, 1][i]!) < 1e-9);
}

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

/** The most cells on which sums of items of one sign are followed. */
const CELLS = 1024;

/** P(the items of a sum's sign do not add up to it); items are rounded up to a grid where sums exceed 1024. */
function fallingShort({ alive, half, law }: Pool, sums: readonly number[]): Misses {
  const sides = ([1, -1] as const).map((sign) => {
    const most = sums.reduce((a, sum) => Math.max(a, sum * sign), 0);
    const cell = Math.max(1, Math.ceil(most / CELLS));
    const length = Math.max(Math.ceil(most / cell), 1);
    const step = new Float64Array(length);
    step[0] = 1 - alive;
    law.forEach((share, i) => {
      const place = Math.max(0, Math.ceil(((i - half) * sign) / cell));
      if (place < length) step[place]! += alive * share;
    });
    const atoms = Array.from(step.keys()).filter((place) => step[place]! > 0);
    let items = 0;
    let now = new Float64Array(length);
    now[0] = 1;
    const cumulative = [now.map(() => 1)];
    const upTo = (n: number): Float64Array => {
      for (; items < n; items++) {
        const next = new Float64Array(length);
        for (const atom of atoms) {
          const weight = step[atom]!;
          for (let i = atom; i < length; i++) next[i]! += weight * now[i - atom]!;
        }
        now = next;
        let total = 0;
        cumulative.push(now.map((mass) => (total += mass)));
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

/** For each sum the share of items that are divisible by twice the power of 2 in it; 0 where items are no products. */
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

/** Chebyshev nodes; the logarithm of the window law is smooth. */
const NODES = 8;

/** The values of a positive smooth function at some places, by interpolation where there are many. */
function interpolated(places: readonly number[], of: (place: number) => number): ArrayLike<number> {
  if (places.length <= NODES) return places.map(of);
  const low = places.reduce((a, b) => Math.min(a, b));
  const high = places.reduce((a, b) => Math.max(a, b));
  const angles = Array.from({ length: NODES }, (_, i) => ((i + 0.5) * Math.PI) / NODES);
  const nodes = angles.map((angle) => (low + high + (high - low) * Math.cos(angle)) / 2);
  const logs = nodes.map((node) => Math.log(of(node)));
  const weights = angles.map((angle, i) => (i % 2 === 0 ? 1 : -1) * Math.sin(angle));
  return places.map((place) => {
    let [above, below] = [0, 0];
    for (let i = 0; i < NODES; i++) {
      const distance = place - nodes[i]!;
      if (distance === 0) return Math.exp(logs[i]!);
      above += (weights[i]! / distance) * logs[i]!;
      below += weights[i]! / distance;
    }
    return Math.min(1, Math.exp(above / below));
  });
}

/** The misses of n items each of which is not 0 with a probability. */
function thinned(alive: number, misses: Misses): Misses {
  if (alive === 1) return misses;
  return (n) => {
    const out = misses(0).map(() => 0);
    binomialLaw(n, alive).forEach((share, m) => misses(m).forEach((miss, i) => (out[i]! += share * miss)));
    return out;
  };
}

/** The law of the number of successes in n trials, each with a probability in 0..1. */
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
  const known: Float64Array[] = [];
  return (n) => (known[n] ??= misses(n));
}
