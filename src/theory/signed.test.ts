// The exact law of signed sums, against enumeration and against the convolutions of the other theory.

import { describe, expect, test } from "vitest";
import { massAt, sumDistributions } from "./distribution.ts";
import { signedLaw } from "./signed.ts";

describe("Distribution of signed sums", () => {
  test("The distribution of signed sums is what enumeration counts", () => {
    for (const M of [1, 2, 3, 4]) {
      const law = signedLaw(M);
      const values = Array.from({ length: 2 * M + 1 }, (_, i) => i - M).filter((value) => value !== 0);
      let sums = [0];
      for (let n = 0; n <= 5; n++) {
        for (let z = -n * M - 1; z <= n * M + 1; z++)
          expect([M, n, z, law(n, z) * values.length ** n]).toEqual([
            M,
            n,
            z,
            expect.closeTo(sums.filter((sum) => sum === z).length, 9),
          ]);
        sums = sums.flatMap((sum) => values.map((value) => sum + value));
      }
    }
  });

  test("The distribution of signed sums agrees with convolution at larger sizes", () => {
    const M = 60;
    const sums = sumDistributions("rnpp", M, 40);
    const law = signedLaw(M);
    for (const n of [2, 7, 24, 40])
      for (const z of [0, 1, -5, M, 2 * M, n * M]) expect(law(n, z) / massAt(sums[n]!, z)).toBeCloseTo(1, 11);
    expect(law(40, 1) / massAt(sums[40]!, 0)).not.toBeCloseTo(1, 11);
  });

  test("The distribution of signed sums is right at half ranges beyond any table", () => {
    // The local limit theorem: 1 / (M sqrt(2 pi n c)), c near 1/3, with a correction near -0.15/n.
    const M = 2 ** 22 - 1;
    const asymptotic = 1 / (M * Math.sqrt((2 * Math.PI * 64) / 3));
    const relative = signedLaw(M)(64, 0) / asymptotic - 1;
    expect(relative * 64).toBeGreaterThan(-0.2);
    expect(relative * 64).toBeLessThan(-0.1);
  });
});
