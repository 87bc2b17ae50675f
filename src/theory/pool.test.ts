// How often pools miss sums, against exact probabilities, and against the laws of window.ts for uniform items.

import { describe, expect, test } from "vitest";
import fixtures from "../../test/fixtures/lemma5.json";
import { quantizers } from "../network.ts";
import { reducedWeights } from "../ticket/scheme.ts";
import { binomialLaw, directPool, inputFailure, isSymmetric, missesOf, productPool } from "./pool.ts";
import { predictFailure } from "./window.ts";

const uniform = (bits: number, zero: boolean) =>
  reducedWeights({ initialBits: bits, bits, weightQuantizer: "away", zero });
const sumsTo = (most: number) => Array.from({ length: most + 1 }, (_, sum) => sum);

/** The largest difference between the fixture's probabilities for networks of some bits and those of pools. */
function discrepancy(bits: number, change = (weights: Int32Array) => weights): number {
  const half = 2 ** bits;
  let largest = 0;
  for (const { zero, units, pooled, nonnegative } of fixtures.rows.filter((row) => row.bits === bits)) {
    const pools = ([1, -1] as const).map((sign) => productPool(change(uniform(bits, zero)), half, sign));
    const misses = pools.map((pool) => missesOf(pool, sumsTo(half ** 2)));
    for (const [wanted, serving] of [
      [pooled, pools],
      [nonnegative, pools.slice(0, 1)],
    ] as const)
      wanted.forEach((success, T) => {
        const failure = inputFailure(units, serving, (n, other) => {
          const [right, left] = [misses[0]!(n)[T]!, other === undefined ? 0 : misses[1]!(other)[T]!];
          return right + left - right * left;
        });
        largest = Math.max(largest, Math.abs(1 - failure - success));
      });
  }
  return largest;
}

describe("Pool of one weight", () => {
  test("A pool fails with the probability of an independent program: exactly for N = 1 and 2, nearly for N = 4", () => {
    expect(discrepancy(0)).toBeLessThan(1e-11);
    expect(discrepancy(1)).toBeLessThan(1e-11);
    expect(discrepancy(2)).toBeLessThan(0.13);
    // Weights of another law have other probabilities.
    const skewed = (weights: Int32Array) => Int32Array.from([...weights, 1, 1, -1, -1]);
    expect(discrepancy(1, skewed)).toBeGreaterThan(0.05);
  });
});

describe("Pool of uniform items", () => {
  test.each([
    ["rssp", 4, false, 12],
    ["rssp", 8, false, 18],
    ["products", 3, false, 20],
    ["products", 4, false, 45],
  ] as const)(
    "The targets %s of %i bits are missed with the probability of the window law",
    (ensemble, bits, zero, n) => {
      const half = 2 ** bits;
      const pool =
        ensemble === "rssp"
          ? directPool(uniform(bits, zero), half)
          : productPool(uniform(bits, zero), half, 1);
      const sums = sumsTo(pool.half);
      const misses = missesOf(pool, sums)(n);
      for (const sum of [0, 1, 2, 3, 8, pool.half - 1, pool.half]) {
        const { failure } = predictFailure(ensemble, pool.half, n, sum);
        // Interpolated, and free of the rounding of 1 - P.
        expect(misses[sum]! / (failure || 1)).toBeCloseTo(sum === 0 ? 0 : 1, 2);
      }
    },
  );

  test("Items of -1, 0 and 1 miss a sum where too few have its sign", () => {
    const weights = Int32Array.of(-1, 0, 1, 1);
    const misses = missesOf(directPool(weights, 1), [0, 3, -5, 7]);
    for (const n of [0, 4, 11, 40]) {
      const fewer = (probability: number, most: number) =>
        binomialLaw(n, probability)
          .subarray(0, most)
          .reduce((a, b) => a + b, 0);
      const wanted = [0, fewer(1 / 2, 3), fewer(1 / 4, 5), fewer(1 / 2, 7)];
      misses(n).forEach((miss, i) => expect(miss).toBeCloseTo(wanted[i]!, 12));
    }
  });
});

test("Distributions are symmetric except for weights that are rounded down", () => {
  for (const weightQuantizer of quantizers) {
    const weights = reducedWeights({ initialBits: 5, bits: 2, weightQuantizer, zero: true });
    const pool = productPool(weights, 4, 1);
    expect([weightQuantizer, isSymmetric(pool)]).toEqual([weightQuantizer, weightQuantizer !== "floor"]);
    expect(pool.law.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
  }
});

test("Negligible probability counts as failure", () => {
  const pool = productPool(uniform(2, true), 4, 1);
  const misses = missesOf(pool, [15]);
  const failure = (negligible: number) => inputFailure(60, [pool], (n) => misses(n)[0]!, negligible);
  expect(failure(1e-6)).toBeGreaterThanOrEqual(failure(0));
  expect(failure(1e-6) - failure(0)).toBeLessThanOrEqual(1e-6);
});
