// Laws of sums against exact counts in BigInt, in the tails as closely as in the middle.

import { describe, expect, test } from "vitest";
import { RequestError } from "../errors.ts";
import { oraclePool } from "../../test/oracle.ts";
import { ensembles, type Ensemble } from "../ensemble.ts";
import { itemDistribution, massAt, sumDistributions } from "./distribution.ts";

/** In how many ways `items` values of a pool have each sum. */
function countSums(pool: readonly number[], items: number): Map<number, bigint> {
  const ways = new Map<number, bigint>();
  for (const value of pool) ways.set(value, (ways.get(value) ?? 0n) + 1n);
  let counts = new Map([[0, 1n]]);
  for (let n = 0; n < items; n++) {
    const next = new Map<number, bigint>();
    for (const [sum, count] of counts)
      for (const [value, times] of ways) next.set(sum + value, (next.get(sum + value) ?? 0n) + count * times);
    counts = next;
  }
  return counts;
}

/** A quotient of positive integers to 15 digits, however small. */
function quotient(numerator: bigint, denominator: bigint): number {
  const shift = BigInt(Math.max(0, denominator.toString(2).length - numerator.toString(2).length + 64));
  return Number((numerator << shift) / denominator) / 2 ** Number(shift);
}

/** The largest relative error of a table of probabilities against counts; infinite where one of them is 0 alone. */
function worst(mass: Float64Array, offset: number, counts: Map<number, bigint>, instances: bigint): number {
  return mass.reduce((error, got, i) => {
    const count = counts.get(i + offset) ?? 0n;
    if (count === 0n) return got === 0 ? error : Infinity;
    return Math.max(error, Math.abs(got / quotient(count, instances) - 1));
  }, 0);
}

/** The items as they enter a sum. */
function entering(ensemble: Ensemble, halfRange: number): number[] {
  const pool = oraclePool(ensemble, halfRange);
  return ensemble === "rnpp" ? pool.flatMap((value) => [-value, value]) : pool;
}

describe("Distribution of sums", () => {
  test.each(ensembles)(
    "The distributions of %s are exact to a relative 1e-14 up to both ends",
    (ensemble) => {
      const product = ensemble.startsWith("products");
      for (const [halfRange, items] of product
        ? [
            [1, 20],
            [4, 20],
            [9, 12],
            [36, 7],
            [64, 5],
          ]
        : [
            [1, 64],
            [2, 40],
            [3, 24],
            [17, 16],
            [100, 6],
          ]) {
        const pool = entering(ensemble, halfRange!);
        const sums = sumDistributions(ensemble, halfRange!, items!);
        expect(sums).toHaveLength(items! + 1);
        for (const n of [0, 1, 2, 3, items!]) {
          const { offset, mass } = sums[n]!;
          expect([offset, mass.length]).toEqual([n === 0 ? 0 : -n * halfRange!, 2 * n * halfRange! + 1]);
          expect(worst(mass, offset, countSums(pool, n), BigInt(pool.length) ** BigInt(n))).toBeLessThan(
            1e-14,
          );
        }
      }
    },
  );

  test("Distributions keep their digits where probabilities are near 1e-250", () => {
    const { offset, mass } = sumDistributions("rssp", 4096, 64)[64]!;
    expect(mass[0]! / 2 ** -832).toBeCloseTo(1, 12);
    // Two steps short of the end: 64 values one short twice, or one two short.
    expect(mass[2]! / ((64 * 63) / 2 + 64) / 2 ** -832).toBeCloseTo(1, 12);
    expect(offset).toBe(-64 * 4096);
  });

  test("A fault in one entry of a distribution is noticed", () => {
    const pool = oraclePool("rssp", 5);
    const { offset, mass } = sumDistributions("rssp", 5, 4)[4]!;
    const counts = countSums(pool, 4);
    expect(worst(mass, offset, counts, 10n ** 4n)).toBeLessThan(1e-14);
    mass[1]! *= 1 + 1e-12;
    expect(worst(mass, offset, counts, 10n ** 4n)).toBeGreaterThan(1e-13);
  });

  test("One item has the distribution of its ensemble, with a fair sign for rnpp", () => {
    expect(itemDistribution("rssp", 2)).toEqual({
      offset: -2,
      mass: Float64Array.of(0.25, 0.25, 0, 0.25, 0.25),
    });
    expect(itemDistribution("rnpp", 2)).toEqual(itemDistribution("rssp", 2));
    expect(itemDistribution("products", 4)).toEqual({
      offset: -4,
      mass: Float64Array.of(0.125, 0, 0.25, 0.125, 0, 0.125, 0.25, 0, 0.125),
    });
    expect(massAt(itemDistribution("rssp0", 1), 0)).toBeCloseTo(1 / 3, 15);
    expect(massAt(itemDistribution("rssp0", 1), 2)).toBe(0);
  });
});

describe("Refused distributions", () => {
  test.each([
    [
      () => sumDistributions("rssp", 4097, 4),
      RequestError,
      "halfRange: expected an integer in 1..4096, got 4097",
    ],
    [() => sumDistributions("rssp", 0, 4), RequestError, "halfRange: expected an integer in 1..4096, got 0"],
    [
      () => sumDistributions("rssp", 2.5, 4),
      RequestError,
      "halfRange: expected an integer in 1..4096, got 2.5",
    ],
    [
      () => sumDistributions("rssp", "4" as never, 4),
      RequestError,
      'halfRange: expected an integer in 1..4096, got "4"',
    ],
    [
      () => sumDistributions("products", 8, 4),
      RequestError,
      "halfRange: expected a perfect square for products, got 8",
    ],
    [() => sumDistributions("rssp", 4, 65), RequestError, "items.to: expected an integer in 0..64, got 65"],
  ])("Case %# is refused", (ask, Kind, message) => {
    expect(ask).toThrow(Kind);
    expect(ask).toThrow(message);
  });
});
