// Figures of required findings: their curves, and the items that intervals allow for.

import { expect, test } from "vitest";
import type { RequiredFinding } from "../finding.ts";
import { requiredFigures } from "./required.ts";

const finding = (
  bits: number,
  failure: number,
  items: number | undefined,
  decided = true,
): RequiredFinding => ({
  kind: "required",
  method: "counts",
  pool: "uniform",
  bits,
  halfRange: 2 ** bits,
  failure,
  ...(items !== undefined && { items, decided }),
  itemsTo: 64,
  information: Math.log2(2 ** (bits + 1) + 1),
  cost: 1,
  engine: "reference",
  adapter: "none",
  version: "0",
});

const findings = [2, 4].flatMap((bits) =>
  [0.5, 0.1, 0.01].map((failure, i) => finding(bits, failure, bits + 4 * i, failure !== 0.01)),
);

test("A pool has a figure against k with a curve for each failure, and one against the failure", () => {
  const [precision, failure, ...rest] = requiredFigures(findings);
  expect(rest).toEqual([]);
  expect(precision!.series.map(({ name, points }) => [name, points.map(({ x, y }) => [x, y])])).toEqual([
    [
      "0.5",
      [
        [2, 2],
        [4, 4],
      ],
    ],
    [
      "0.1",
      [
        [2, 6],
        [4, 8],
      ],
    ],
    [
      "0.01",
      [
        [2, 10],
        [4, 12],
      ],
    ],
  ]);
  expect(precision!.lines![0]!.points).toEqual([
    { x: 2, y: Math.log2(9 / 2) },
    { x: 4, y: Math.log2(33 / 2) },
  ]);
  expect(failure!.series.map(({ name, bits }) => [name, bits])).toEqual([
    ["k = 2", 2],
    ["k = 4", 4],
  ]);
  expect(failure!.series[0]!.points.map(({ x }) => x.toFixed(3))).toEqual(["0.301", "1.000", "2.000"]);
});

test("Items that intervals do not decide have a band of one item, and those that were not found no point", () => {
  const [precision] = requiredFigures([...findings, finding(6, 0.01, undefined)]);
  const [, , rare] = precision!.series;
  expect(rare!.points.map(({ low, high }) => [low, high])).toEqual([
    [9, 11],
    [11, 13],
  ]);
  expect(precision!.series[0]!.points.map(({ low, high }) => high - low)).toEqual([0, 0]);
});
