import { expect, test } from "vitest";
import { dyadicCount, isDyadic } from "./ranges.ts";

test("Dyadic ranges of a unit of 4 are those of 4 * 2^j trials at a multiple of them, and beginnings of a unit", () => {
  const dyadic = [];
  for (let first = 0; first < 16; first++)
    for (let count = -1; count <= 16; count++) if (isDyadic(4, { first, count })) dyadic.push([first, count]);
  expect(dyadic).toEqual(
    [0, 4, 8, 12].flatMap((first) =>
      [1, 2, 3, 4, 8, 16].filter((count) => count < 8 || first % count === 0).map((count) => [first, count]),
    ),
  );
  expect(isDyadic(2 ** 20, { first: 2 ** 47, count: 2 ** 47 })).toBe(true);
  expect(isDyadic(4, { first: 0.5, count: 2 })).toBe(false);
  expect(isDyadic(4, { first: 0, count: 1.5 })).toBe(false);
  expect(isDyadic(4, { first: 2 ** 53, count: 4 })).toBe(false);
});

test("The longest dyadic ranges cover any trials without a gap", () => {
  for (let end = 1; end < 200; end++) {
    const cut = [];
    for (let first = 8; first < end; first += cut.at(-1)!) {
      const count = dyadicCount(8, first, end);
      expect(isDyadic(8, { first, count })).toBe(true);
      cut.push(count);
    }
    expect(cut.reduce((sum, count) => sum + count, 0)).toBe(Math.max(0, end - 8));
  }
  expect(dyadicCount(2 ** 20, 2 ** 45, 2 ** 46)).toBe(2 ** 45);
  expect(dyadicCount(8, 16, 64)).toBe(16);
});
