// Multiplication tables against counts made elsewhere.

import { expect, test } from "vitest";
import fixtures from "../../test/fixtures/theory.json";
import { refusal } from "../../test/refusal.ts";
import { rejection } from "./rejection.ts";

test("Tables of up to 4096 x 4096 are those of an independent program", () => {
  expect(fixtures.rejection).toHaveLength(13);
  fixtures.rejection.forEach((row, k) => {
    const got: Record<string, number | undefined> = { ...rejection(2 ** k) };
    fixtures.rejectionColumns.forEach((name, i) => {
      const wanted = row[i] ?? undefined;
      // Counts are equal; quotients may be rounded in another order.
      const relative = Number.isInteger(wanted) ? 0 : 2e-16;
      const same = wanted === got[name] || Math.abs(got[name]! / wanted! - 1) <= relative;
      if (!same && !(name === "uniformSecondMoment" && k === 0))
        expect([k, name, got[name]]).toEqual([k, name, wanted]);
    });
  });
  expect(rejection(1).uniformSecondMoment).toBe(1);
});

test("Tables of other sizes are those of a set of products", () => {
  for (const N of [3, 5, 6, 7, 30]) {
    const range = Array.from({ length: N }, (_, i) => i + 1);
    const products = range.flatMap((a) => range.map((b) => a * b));
    const signed = range.flatMap((a) => [...range, ...range.map((b) => -b)].map((b) => a * b));
    const first = Array.from({ length: N * N }, (_, i) => i + 1).find((value) => !products.includes(value));
    expect(rejection(N)).toMatchObject({
      distinct: new Set(products).size,
      firstMissing: first,
      mostWays: Math.max(...products.map((value) => products.filter((other) => other === value).length)),
    });
    expect(rejection(N).odd).toBeCloseTo(products.filter((value) => value % 2 === 1).length / N ** 2, 14);
    expect(rejection(N).secondMoment).toBeCloseTo(
      signed.reduce((sum, x) => sum + x * x, 0) / signed.length / N ** 4,
      14,
    );
  }
});

test("A number that is not a half range of weights is refused", () => {
  expect(() => rejection(0)).toThrow(refusal("factor: expected an integer in 1..4096, got 0"));
  expect(() => rejection(8192)).toThrow(refusal("factor: expected an integer in 1..4096, got 8192"));
});
