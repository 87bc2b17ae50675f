// The construction of a single weight, exactly: Lemma 5 of Kumar & Natale, "Quantization vs Pruning: Insights from the
// Strong Lottery Ticket Hypothesis", arXiv 2508.11020. Of the hidden units v max(0, u x), those with u > 0 are active for x > 0
// and those with u < 0 for x < 0. Pruning can leave w x if the target is a subset sum of the products u v of both pools. Nothing
// here subtracts: success and failure are summed separately, so that each keeps its digits where it is small.

import * as z from "zod/mini";
import { RequestError } from "../errors.ts";
import { integer, parse } from "../check.ts";

/** The largest N, and the most products. For N = 8, six products already have 1.5 million sets of subset sums. */
const MAX_FACTOR = 4;
const MAX_PRODUCTS = 64;

/** The probabilities that a target T of -N^2..N^2 is a subset sum and that it is not, both at index |T|. */
export interface Chances {
  readonly success: Float64Array;
  readonly failure: Float64Array;
}

/**
 * The state of n products: for each set S of subset sums of their magnitudes, as a bitset, the law of the sum p of the
 * negative products' magnitudes, at index p in 0..max S. The subset sums of the products are S - p. S is a palindrome, so its
 * binary digits can be read from either end.
 */
type States = Map<bigint, Float64Array>;

/** The law of u v, with u and v uniform on 1..N. */
function magnitudesOf(factor: number): Map<number, number> {
  const shares = new Map<number, number>();
  for (let u = 1; u <= factor; u++)
    for (let v = 1; v <= factor; v++) shares.set(u * v, (shares.get(u * v) ?? 0) + 1 / factor ** 2);
  return shares;
}

/** The states after one more product, with a fair sign. */
function addProduct(states: States, magnitudes: ReadonlyMap<number, number>): States {
  const next: States = new Map();
  for (const [sums, law] of states)
    for (const [magnitude, share] of magnitudes) {
      const out = lawAt(next, sums | (sums << BigInt(magnitude)), law.length + magnitude);
      for (let p = 0; p < law.length; p++) {
        const mass = (share / 2) * law[p]!;
        out[p]! += mass;
        out[p + magnitude]! += mass;
      }
    }
  return next;
}

function lawAt(states: States, sums: bigint, length: number): Float64Array {
  let law = states.get(sums);
  if (!law) states.set(sums, (law = new Float64Array(length)));
  return law;
}

/**
 * Shortens the periodic middle of every S. For N = 4 the number of states then stays near 2,000; without it, every product
 * adds 1,200.
 *
 * Let S hold every x of L..max S - L that agrees mod g with one of its elements. Later products, each at most M = N^2, meet T
 * where those of some choice have a sum y with T + p - y in S. Of any g products some have a sum divisible by g, so that a
 * choice can be thinned out, in steps of at most g M, to fewer than g products, while T + p - y keeps its residue. On its
 * way from a position at or above L to within (g - 1) M of T + p it stops in L..L + 2 g M if p < L + g M. Such p need no more of
 * S, nor do their mirror images; and between these only p mod g matters.
 */
function shorten(states: States, halfRange: number): States {
  const next: States = new Map();
  for (const [sums, law] of states) {
    const top = law.length - 1;
    const { period, left } = repetition(sums.toString(2), halfRange);
    const cut = Math.max(0, Math.floor((top - 2 * left + 1) / period - 1)) * period;
    const low = BigInt(left);
    const kept = (sums & ((1n << low) - 1n)) | ((sums >> (low + BigInt(cut))) << low);
    const out = lawAt(next, kept, law.length - cut);
    for (let p = 0; p <= top; p++) {
      const isMiddle = p >= left && p <= top - left;
      out[cut === 0 || p < left ? p : isMiddle ? left + ((p - left) % period) : p - cut]! += law[p]!;
    }
  }
  return next;
}

/** The least period g of a middle of S longer than 2 g M, and `left` = L + g M. Without a period, nothing is in the middle. */
function repetition(sums: string, halfRange: number): { period: number; left: number } {
  const top = sums.length - 1;
  for (let period = 1; 2 * period * halfRange <= top; period++) {
    const residues = new Uint8Array(period);
    for (let s = 0; s <= top; s++) if (sums[s] === "1") residues[s % period] = 1;
    let start = top >> 1;
    while (start >= 0 && Number(sums[start]) === residues[start % period]) start--;
    const left = start + 1 + period * halfRange;
    if (2 * left <= top) return { period, left };
  }
  return { period: 1, left: top };
}

function chancesOf(states: States, halfRange: number): Chances {
  const success = new Float64Array(halfRange + 1);
  const failure = new Float64Array(halfRange + 1);
  for (const [sums, law] of states) {
    const digits = sums.toString(2);
    for (let p = 0; p < law.length; p++)
      for (let T = 0; T <= halfRange; T++) (digits[p + T] === "1" ? success : failure)[T]! += law[p]!;
  }
  return { success, failure };
}

/**
 * The probabilities that T is a subset sum of n products u v, for n = 0..most, u uniform on 1..N and v on +-1..+-N. Exact up to
 * a relative rounding error of 1e-11.
 * @param factor N, 1..4.
 * @param most 0..64. For N = 4, 16 products take about 1 s and 64 about 10 s.
 * @throws {RequestError} An argument is out of range.
 * @example
 * ```ts
 * import { reachProbabilities } from "exacta/theory";
 *
 * console.log(reachProbabilities(1, 2).map(({ success }) => success[1])); // [ 0, 0.5, 0.75 ]
 * ```
 */
export function reachProbabilities(factor: number, most: number): Chances[] {
  parse(integer(1, MAX_FACTOR), factor, "factor");
  parse(integer(0, MAX_PRODUCTS), most, "most");
  const halfRange = factor ** 2;
  const magnitudes = magnitudesOf(factor);
  let states: States = new Map([[1n, Float64Array.of(1)]]);
  const chances = [chancesOf(states, halfRange)];
  while (chances.length <= most) {
    states = shorten(addProduct(states, magnitudes), halfRange);
    chances.push(chancesOf(states, halfRange));
  }
  return chances;
}

/**
 * The ways in which hidden units serve inputs:
 * - `pooled`: inputs of both signs; every unit serves the inputs of the sign of its u
 * - `nonnegative`: inputs from 0 up, as after another layer, so that only units with u > 0 count
 * - `split`: the paper's scheme for inputs of both signs; one half of the units serves x > 0, the other x < 0
 * @example
 * ```ts
 * import { lemma5Schemes } from "exacta/theory";
 *
 * console.log(lemma5Schemes.join(" ")); // pooled nonnegative split
 * ```
 */
export const lemma5Schemes = ["pooled", "nonnegative", "split"] as const;
/** The name of a way in which hidden units serve inputs. */
export type Lemma5Scheme = (typeof lemma5Schemes)[number];

/** The hidden units of `lemma5`. */
export interface Construction {
  /** h, the number of hidden units; even for `split`. */
  readonly units: number;
  /** Whether u and v are uniform on -N..N, or on that without 0. */
  readonly zero: boolean;
  readonly scheme: Lemma5Scheme;
}

/** The binomial laws of 0, 1, ..., `most` independent trials. */
function binomialLaws(most: number, probability: number): Float64Array[] {
  const laws = [Float64Array.of(1)];
  while (laws.length <= most) {
    const last = laws.at(-1)!;
    laws.push(
      Float64Array.from(
        { length: laws.length + 1 },
        (_, i) => (1 - probability) * (last[i] ?? 0) + probability * (last[i - 1] ?? 0),
      ),
    );
  }
  return laws;
}

/** The chances of a mixture of cases; weights[i] is the probability of case i. */
function mixture(weights: Float64Array, cases: readonly Chances[]): Chances {
  const sum = (name: keyof Chances) =>
    cases[0]![name].map((_, T) =>
      weights.reduce((total, weight, i) => total + weight * cases[i]![name][T]!, 0),
    );
  return { success: sum("success"), failure: sum("failure") };
}

/** The chances that the target is a subset sum of both of two independent pools. */
function both(one: Chances, other: Chances): Chances {
  return {
    success: one.success.map((success, T) => success * other.success[T]!),
    failure: one.failure.map((failure, T) => failure + one.success[T]! * other.failure[T]!),
  };
}

/**
 * The chances that h hidden units represent one target weight T / N^2, T at index 0..N^2: Lemma 5, without its rejection
 * sampling, at finite h. A unit serves inputs of one sign with probability a = 2 N^2 / (2 N + 1)^2, or 1/2 without zeros; the
 * rest is a mixture over the sizes of the pools.
 * @param pools The chances of 0, 1, ... products, as of `reachProbabilities`; up to h of them, for `split` h / 2.
 * @throws {RequestError} An argument is out of range.
 * @example
 * ```ts
 * import { lemma5, reachProbabilities } from "exacta/theory";
 *
 * const { success } = lemma5(reachProbabilities(2, 12), { units: 12, zero: false, scheme: "pooled" });
 * console.log(success[4]!.toFixed(4)); // 0.6182
 * ```
 */
export function lemma5(pools: readonly Chances[], { units, zero, scheme }: Construction): Chances {
  const most = pools.length - 1;
  parse(z.enum(lemma5Schemes, `one of ${lemma5Schemes.join(", ")}`), scheme, "scheme");
  parse(integer(0, scheme === "split" ? 2 * most : most), units, "units");
  if (scheme === "split" && units % 2 !== 0)
    throw new RequestError("units", "an even number for split", units);
  const halfRange = pools[0]!.success.length - 1;
  const serving = zero ? (2 * halfRange) / (2 * Math.sqrt(halfRange) + 1) ** 2 : 1 / 2;
  const sizes = (n: number) => binomialLaws(n, serving)[n]!;
  if (scheme === "nonnegative") return mixture(sizes(units), pools);
  if (scheme === "split") {
    const half = mixture(sizes(units / 2), pools);
    return both(half, half);
  }
  // The number of units that serve the other sign, among those that do not serve the first.
  const others = binomialLaws(units, serving / (1 - serving));
  return mixture(
    sizes(units),
    others.map((_, i) => both(pools[i]!, mixture(others[units - i]!, pools))),
  );
}
