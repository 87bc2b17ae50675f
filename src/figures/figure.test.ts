// Names at the ends of curves.

import fc from "fast-check";
import { expect, test } from "vitest";
import { endHeights, endText, probabilityText } from "./figure.ts";

test("Names at the ends of curves do not overlap, stay in the chart, and are at their ends where they have room", () => {
  const ends = fc.array(fc.double({ min: 10, max: 290, noNaN: true }), { maxLength: 20 });
  fc.assert(
    fc.property(ends, (ends) => {
      const heights = endHeights(ends, 10, 290)!;
      const sorted = heights.toSorted((a, b) => a - b);
      for (const [i, height] of sorted.entries()) {
        expect(height).toBeGreaterThanOrEqual(10 - 1e-9);
        expect(height).toBeLessThanOrEqual(290 + 1e-9);
        if (i > 0) expect(height - sorted[i - 1]!).toBeGreaterThanOrEqual(14 - 1e-9);
      }
    }),
    { seed: 5 },
  );
  expect(endHeights([200, 40, 100], 10, 290)).toEqual([200, 40, 100]);
  expect(endHeights([12, 11.5, 11.2, 12.5], 10, 290)).toEqual([12, 26, 40, 54]);
  expect(endHeights([100, 97, 94], 10, 290)).toEqual([122, 108, 94]);
  expect(endHeights([290, 289], 10, 290)).toEqual([276, 290]);
  expect(endHeights(Array(22).fill(50), 10, 290)).toBeUndefined();
});

test("The probabilities of one list have one notation", () => {
  const written = (...all: number[]) => all.map(probabilityText(all));
  expect(written(1, 0.1, 0.01)).toEqual(["1", "0.1", "0.01"]);
  expect(written(1, 0.1, 0.01, 1e-3)).toEqual(["1", "1e-1", "1e-2", "1e-3"]);
  expect(written(0.5, 2.5e-7, 1e-12)).toEqual(["5e-1", "2.5e-7", "1e-12"]);
});

test("The name at an end leaves out the half range beside k", () => {
  expect(
    ["k = 6 (M = 64)", "rssp, k = 6 (M = 64), seed 2", "M = 100"].map((name) => endText({ name })),
  ).toEqual(["k = 6", "rssp, k = 6, seed 2", "M = 100"]);
});
