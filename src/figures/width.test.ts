// Figures of width findings: which curves share a figure, their names, and their dots.

import { describe, expect, test } from "vitest";
import { findWidth, widthConfig, type WidthRequest } from "../experiments/width.ts";
import type { FigureSeries } from "./figure.ts";
import { sizeFigures, widthFigures } from "./width.ts";

/** A finding of 100 trials, of which trial i needs i units more than `from`. */
function findingOf(from: number, request: WidthRequest) {
  const config = widthConfig({ ...request, maxUnits: 150 });
  const words = new Array<number>(152).fill(0).fill(1, from, from + 100);
  return findWidth(config, { trials: 100, words }, { engine: "reference", adapter: "none", version: "0" });
}

describe("Figures of width", () => {
  const findings = [1, 2].flatMap((width) =>
    [1, 2].map((bits) => findingOf(5 * bits * width, { bits, width })),
  );
  const [one, two, cost, ...rest] = widthFigures(findings);

  test("There is a figure for each size of layers with a curve for each precision, and one of the cost", () => {
    expect(rest).toEqual([]);
    expect([one!.title, two!.title]).toEqual([
      "A random network contains one layer of 1 input and output",
      "A random network contains one layer of 2 inputs and outputs",
    ]);
    for (const { series } of [one!, two!]) expect(series.map(({ name }) => name)).toEqual(["k = 1", "k = 2"]);
    expect(cost!.series.map(({ name }) => name)).toEqual([
      "one layer of 1 input and output",
      "one layer of 2 inputs and outputs",
    ]);
  });

  test("A curve has dots where it rises, and its prediction everywhere", () => {
    const [{ points, lines }] = one!.series as [FigureSeries];
    expect(points.length).toBeGreaterThan(20);
    expect(points.length).toBeLessThanOrEqual(40);
    for (const { x, y, low, high } of points) {
      expect(y).toBeCloseTo((x - 4) / 100, 12);
      expect(low < y && y <= high).toBe(true);
    }
    expect(lines.map(({ kind, points }) => [kind, points.length])).toEqual([["prediction", 151]]);
  });

  test("The cost is the units for a probability of 1/2, inside their interval and above the bound", () => {
    const [{ points, lines }] = cost!.series as [FigureSeries];
    expect(points.map(({ x, y }) => [x, y])).toEqual([
      [2, 54],
      [4, 59],
    ]);
    for (const { y, low, high } of points) expect(low < y && y < high).toBe(true);
    const bound = lines.find(({ kind }) => kind === "bound")!;
    // Theorem 3's number over the two weights of a hidden unit.
    expect(bound.points[1]!.y).toBeCloseTo((Math.log2(33) - 1) / 2, 12);
  });

  test("Layers of several sizes share a figure of failures for each precision, the fewest weights first", () => {
    const sizes = [2, 1].flatMap((depth) =>
      [1, 2].map((width) => findingOf(5, { bits: 0, targetBits: 0, width, depth })),
    );
    const [figure, ...others] = sizeFigures(sizes);
    expect(others).toEqual([]);
    expect(figure!.y.scale).toBe("log");
    expect(figure!.series.map(({ name }) => name)).toEqual([
      "d = 1, l = 1",
      "d = 1, l = 2",
      "d = 2, l = 1",
      "d = 2, l = 2",
    ]);
    const [{ points, lines }] = figure!.series as [FigureSeries];
    expect(points.find(({ x }) => x === 54)!.y).toBeCloseTo(0.5, 12);
    expect(lines[0]!.name).toBe("exact");
    expect(sizeFigures(sizes.slice(0, 1))).toEqual([]);
  });

  test("Names have the fields that differ, and only these", () => {
    const [figure] = widthFigures(
      (["away", "floor"] as const).map((weightQuantizer) =>
        findingOf(5, { bits: 1, targetBits: 1, initialBits: 3, weightQuantizer }),
      ),
    );
    expect(figure!.title).toMatch(/1 input and output, k = 1, k_t = 1$/);
    expect(figure!.series.map(({ name }) => name)).toEqual(["away", "floor"]);
  });

  test("The figure of the cost has one curve for each precision of random weights", () => {
    const cost = widthFigures([3, 4].map((targetBits) => findingOf(5, { bits: 2, targetBits }))).at(-1)!;
    expect(cost.series.map(({ name, points }) => [name, points.length])).toEqual([
      ["one layer of 1 input and output, k = 2", 2],
    ]);
  });
});
