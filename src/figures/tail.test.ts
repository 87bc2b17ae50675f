// Figures of tails: what they draw, on a logarithmic axis.

import { expect, test } from "vitest";
import type { TailConfig } from "../experiments/tail.ts";
import { exactWords, findTail } from "../experiments/tail.ts";
import { resultOf } from "../theory/states.ts";
import { tailFigures } from "./tail.ts";

const provenance = { engine: "cpu", adapter: "test", version: "0" };
const findings = (halfRange: number, ensemble: TailConfig["ensemble"] = "rssp") => {
  const items = { from: 0, to: 30 };
  const common = { ensemble, halfRange, items, targets: [1], trials: 1000, seed: 1n } as const;
  const config: TailConfig = { ...common, method: "exact" };
  return findTail(config, resultOf(exactWords(config)), provenance);
};

test("A figure of several half ranges is followed by one of each, and each axis begins below its smallest failure", () => {
  const figures = tailFigures([findings(2), findings(4)]);
  expect(figures.map(({ series }) => series.length)).toEqual([2, 1, 1]);
  for (const { y, series } of figures) {
    const least = Math.min(...series.flatMap(({ points }) => points.map((point) => point.y)));
    expect(y.scale).toBe("log");
    expect(y.domain[0]).toBeLessThanOrEqual(least);
    expect(y.domain[0]).toBeGreaterThan(least / 10);
    for (const { lines } of series)
      for (const { points } of lines)
        for (const point of points) {
          expect(point.y).toBeGreaterThanOrEqual(y.domain[0]);
          expect(point.y).toBeLessThanOrEqual(1);
        }
  }
});

test("The figure of a half range has the law, the bound, the trivial ticket and the fitted form, which is nowhere below a point", () => {
  const [figure] = tailFigures([findings(4)]);
  const [{ points, lines }] = figure!.series as [(typeof figure & object)["series"][0]];
  expect(lines.map(({ kind, name }) => [kind, name.split(/[:,]/)[0]])).toEqual([
    ["prediction", "2 R_n(M)"],
    ["bound", "proven lower bound"],
    ["prediction", "the trivial ticket"],
    ["prediction", "fitted form of the follow-up paper"],
  ]);
  const lineOf = (i: number) => new Map(lines[i]!.points.map(({ x, y }) => [x, y]));
  const [bound, fitted] = [lineOf(1), lineOf(3)];
  for (const { x, y } of points) {
    expect(bound.get(x) ?? 0).toBeLessThanOrEqual(y * (1 + 1e-12));
    expect(fitted.get(x) ?? 1).toBeGreaterThanOrEqual(y * (1 - 1e-12));
  }
  const products = tailFigures([findings(4, "products")])[0]!.series[0]!.lines;
  expect(products.map(({ name }) => name)).toContain("all items have a common divisor");
});
