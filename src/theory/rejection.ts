// Rejection sampling of products: how close the product of two grid weights can come to a uniform law (Lemma 5).

import { integer, parse } from "../check.ts";

/** The law of u v for u uniform on 1..N and v uniform on +-1..+-N, against the uniform law on +-1..+-M, M = N^2. */
export interface Rejection {
  readonly factor: number;
  readonly halfRange: number;
  /** |D_N|: the number of distinct products in the multiplication table 1..N x 1..N. */
  readonly distinct: number;
  /** |D_N| / M. */
  readonly density: number;
  /** The number of integers of 1..M that are not a product, and the first of them (undefined for N = 1). */
  readonly missing: number;
  readonly firstMissing: number | undefined;
  /** The most factorizations a b of a number, with a, b in 1..N. */
  readonly mostWays: number;
  /** The largest acceptance rate of a rejection to the uniform law on +-1..+-M: 1 for N = 1, otherwise 0. */
  readonly acceptanceToUniform: number;
  /** The same for the uniform law on the products, where z is accepted with probability 1 / (number of its factorizations). */
  readonly acceptanceToSupport: number;
  /**
   * P(u > 0) and P(v = 0) for u and v uniform on -N..N, and the mean number of accepted products of a hidden unit for inputs of
   * one sign.
   */
  readonly positive: number;
  readonly zero: number;
  readonly yield: number;
  /** The yield where u and v are uniform on -N..N without 0. */
  readonly yieldWithoutZero: number;
  /** E[(u v)^2] / M^2, and E[X^2] / M^2 for X uniform on +-1..+-M. */
  readonly secondMoment: number;
  readonly uniformSecondMoment: number;
  /** P(u v odd). */
  readonly odd: number;
}

/** D_N: the distinct products a b with a, b in 1..N, ascending. O(N^2) time and bytes. N: 1..4096. */
export function products(factor: number): Int32Array<ArrayBuffer> {
  const N = parse(integer(1, 4096), factor, "factor");
  const found = new Uint8Array(N * N + 1);
  for (let a = 1; a <= N; a++) for (let product = a; product <= a * N; product += a) found[product] = 1;
  return Int32Array.from(found.keys()).filter((value) => found[value] === 1);
}

/** r(z): the number of factorizations z = a b with a, b in 1..N, at index z = 0..N^2. O(N^2) time, 2 N^2 bytes. N: 1..4096. */
export function productWays(factor: number): Uint16Array<ArrayBuffer> {
  const N = parse(integer(1, 4096), factor, "factor");
  const ways = new Uint16Array(N * N + 1);
  for (let a = 1; a <= N; a++) for (let product = a; product <= a * N; product += a) ways[product]!++;
  return ways;
}

/**
 * The rates at which products of two weights of half range N can be rejected to uniform laws, which Lemma 5 of Kumar & Natale
 * asks for. For N > 1 a prime of N + 1..N^2 is not a product, so that no rejection reaches the uniform law on +-1..+-M. The
 * uniform law on the distinct products is reached at the rate |D_N| / N^2.
 * Counts are exact. Takes O(N^2) time and 2 N^2 bytes.
 * @param factor N, 1..4096.
 * @throws {RequestError} An argument is out of range.
 * @example
 * ```ts
 * import { rejection } from "exacta/theory";
 *
 * const { distinct, firstMissing, acceptanceToSupport } = rejection(16);
 * console.log(distinct, firstMissing, acceptanceToSupport.toFixed(3)); // 97 17 0.379
 * ```
 */
export function rejection(factor: number): Rejection {
  const N = parse(integer(1, 4096), factor, "factor");
  const M = N * N;
  const ways = productWays(N);
  let [distinct, mostWays, firstMissing] = [0, 0, 0];
  for (let value = 1; value <= M; value++) {
    const count = ways[value]!;
    if (count > 0) distinct++;
    else if (firstMissing === 0) firstMissing = value;
    if (count > mostWays) mostWays = count;
  }
  const all = 2 * N + 1;
  const acceptance = distinct / M;
  const square = ((N + 1) * (2 * N + 1)) / (6 * N * N);
  return {
    factor: N,
    halfRange: M,
    distinct,
    density: acceptance,
    missing: M - distinct,
    firstMissing: firstMissing || undefined,
    mostWays,
    acceptanceToUniform: distinct === M ? 1 : 0,
    acceptanceToSupport: acceptance,
    positive: N / all,
    zero: 1 / all,
    yield: ((N * 2 * N) / all ** 2) * acceptance,
    yieldWithoutZero: acceptance / 2,
    secondMoment: square ** 2,
    uniformSecondMoment: ((M + 1) * (2 * M + 1)) / (6 * M * M),
    odd: (Math.ceil(N / 2) / N) ** 2,
  };
}
