// Theory in figures: which numbers are drawn as what.

import { expect, it } from "vitest";
import { computeTheory } from "../experiments/theory.ts";
import type { Ensemble } from "../ensemble.ts";
import type { PhaseFinding, TheoryFinding } from "../finding.ts";
import { certainty, estimate } from "../statistics.ts";
import { lambdaOf, predictFailure } from "../theory/window.ts";
import type { Figure } from "./figure.ts";
import { phaseFigures } from "./phase.ts";
import { boundFigures, collapseFigures, limitLaw, residualFigures } from "./theory.ts";

const TRIALS = 5000;
const ITEMS = [1, 2, 3, 4, 5, 6, 7];

interface Sample {
  ensemble?: Ensemble;
  bits: number;
  targets?: readonly number[];
  exact?: boolean;
}

/** Findings whose counts differ for every item, target and precision, so that a swap shows. */
function sweep({ ensemble = "rssp", bits, targets = [1, 2 ** bits], exact }: Sample): PhaseFinding[] {
  const count = exact ? certainty : estimate;
  return ITEMS.map((items) => ({
    kind: "phase",
    ensemble,
    bits,
    halfRange: 2 ** bits,
    items,
    trials: TRIALS,
    ...(exact ? {} : { seed: "1" }),
    interval: exact ? "exact" : "clopper-pearson",
    targets: targets.map((target) => ({ target, ...count(items * 97 + bits * 31 + target * 5, TRIALS) })),
    [ensemble === "rnpp" ? "perfect" : "covered"]: count(items + bits, TRIALS),
    meanCovered: items,
    engine: "cpu",
    adapter: "none",
    version: "0",
  }));
}

const says = ({ ensemble = "rssp", bits, targets = [1, 2 ** bits] }: Sample) =>
  computeTheory({ ensemble, bits, items: { from: 1, to: ITEMS.length }, targets }, "0");

const samples: Sample[] = [{ bits: 3 }, { bits: 4 }];
const findings = samples.flatMap(sweep);
const laws = samples.flatMap(says);
const signed: Sample = { ensemble: "rnpp", bits: 4, targets: [0, 1] };

const titled = (figures: readonly Figure[], title: string) =>
  figures.find((figure) => figure.title.startsWith(title))!;
const at = (said: readonly TheoryFinding[], bits: number) => said.filter((law) => law.bits === bits);

it("draws the window law through the measurements, each in the series it is of", () => {
  const figures = phaseFigures(findings, laws);
  const end = titled(figures, "Target M");
  samples.forEach(({ bits }, s) => {
    const expected = at(laws, bits).map(({ items, targets }) => ({
      x: items,
      y: targets[1]!.predictions.find(({ name }) => name === "window")!.value,
    }));
    expect(end.series[s]!.lines).toEqual([
      { kind: "prediction", name: "predicted by the window law", points: expected },
    ]);
    expect(end.series[s]!.points.map(({ y }) => y)).toEqual(
      findings.filter((finding) => finding.bits === bits).map(({ targets }) => targets[1]!.probability),
    );
  });
  expect(titled(figures, "All targets").series.every(({ lines }) => lines.length === 0)).toBe(true);
});

it("draws bounds as bounds only, on their sides, in panels", () => {
  const figures = boundFigures(findings, laws);
  expect(figures.map(({ title, panels }) => [title, panels])).toEqual([
    ["Target 1", true],
    ["Target M, the largest a weight can ask", true],
    ["All targets of −M..M at once", true],
  ]);
  samples.forEach(({ bits }, s) => {
    const said = at(laws, bits);
    expect(figures[0]!.series[s]!.lines).toEqual([
      {
        kind: "bound",
        side: "lower",
        name: "proven: cannot lie below",
        points: said.map(({ items, targets }) => ({ x: items, y: targets[0]!.lower.value })),
      },
      {
        kind: "bound",
        side: "upper",
        name: "proven: cannot lie above",
        points: said.map(({ items, targets }) => ({ x: items, y: targets[0]!.upper.value })),
      },
    ]);
    expect(figures[2]!.series[s]!.lines).toEqual([
      {
        kind: "bound",
        side: "upper",
        name: "proven: cannot lie above",
        points: said.map(({ items, covered }) => ({ x: items, y: covered!.upper })),
      },
    ]);
  });
});

it("never draws a bound among predictions or a prediction among bounds", () => {
  const [both, said] = [
    [...findings, ...sweep(signed)],
    [...laws, ...says(signed)],
  ];
  const kinds = (figures: readonly Figure[]) =>
    new Set(
      figures
        .flatMap(({ series, lines = [] }) => [...series.flatMap((one) => one.lines), ...lines])
        .map(({ kind }) => kind),
    );
  expect(kinds(phaseFigures(both, said))).toEqual(new Set(["prediction"]));
  expect(kinds(collapseFigures(both, said))).toEqual(new Set(["prediction"]));
  expect(kinds(boundFigures(both, said))).toEqual(new Set(["bound"]));
  expect(kinds(residualFigures(both, said))).toEqual(new Set());
});

it("measures distance in standard errors of a count under the law", () => {
  const figures = residualFigures(findings, laws);
  expect(figures).toHaveLength(2);
  samples.forEach(({ bits }, s) => {
    const expected = findings
      .filter((finding) => finding.bits === bits)
      .map(({ items, targets }) => {
        const { failure } = predictFailure("rssp", 2 ** bits, items, 2 ** bits);
        const mean = TRIALS * (1 - failure);
        return (targets[1]!.solved - mean) / Math.sqrt(mean * failure + 1);
      });
    const { series, y, levels } = titled(figures, "Target M");
    expect(levels).toEqual([-5, -2, 0, 2, 5]);
    series[s]!.points.forEach((point, i) => {
      expect(point.x).toBe(ITEMS[i]);
      expect(point.y).toBeCloseTo(expected[i]!, 9);
      // Nothing is cut off.
      expect(point.y).toBeGreaterThan(y.domain[0]);
      expect(point.y).toBeLessThan(y.domain[1]);
    });
    expect(series[s]!.points).toHaveLength(ITEMS.length);
  });
});

it("has no distances where nothing is left to chance", () => {
  const exact = { bits: 3, exact: true };
  expect(residualFigures(sweep(exact), says(exact))).toEqual([]);
  const mixed = residualFigures(
    [...sweep(exact), ...sweep({ bits: 4 })],
    [...says(exact), ...says({ bits: 4 })],
  );
  expect(mixed[0]!.series.map(({ points }) => points.length)).toEqual([0, ITEMS.length]);
});

it("holds perfect partitions against exact moments and against the limit", () => {
  const [measured, said] = [sweep(signed), says(signed)];
  const perfect = said.map(({ perfect }) => perfect!);
  const [line] = titled(phaseFigures(measured, said), "Perfect").series[0]!.lines;
  expect(line).toMatchObject({ kind: "prediction", name: "predicted from the exact mean count" });
  expect(line!.points.map(({ y }) => y)).toEqual(perfect.map(({ predictions }) => predictions[0]!.value));
  expect(residualFigures(measured, said).map(({ title }) => title)).toEqual([
    "Signed sum 0",
    "Signed sum 1",
    "Perfect partition",
    "Perfect partition",
  ]);
  const [lower, upper] = titled(boundFigures(measured, said), "Perfect").series[0]!.lines;
  expect(lower!.points.map(({ y }) => y)).toEqual(perfect.map(({ lower }) => lower));
  expect(upper!.points.map(({ y }) => y)).toEqual(perfect.map(({ upper }) => upper));
});

it("places every precision on the axis lambda", () => {
  const figures = collapseFigures([...findings, ...sweep(signed)], [...laws, ...says(signed)]);
  expect(figures.map(({ title }) => title)).toEqual(["Target 1", "Perfect partition"]);
  samples.forEach(({ bits }, s) => {
    const { points } = figures[0]!.series[s]!;
    // From the easy end: n falls along the axis.
    expect(points.map(({ x }) => x)).toEqual(
      ITEMS.map((n) => expect.closeTo(bits - n + Math.log2(n) / 2, 12)).toReversed(),
    );
    expect(points.map(({ y }) => y)).toEqual(
      findings
        .filter((finding) => finding.bits === bits)
        .map(({ targets }) => targets[0]!.probability)
        .toReversed(),
    );
  });
  const [curve] = figures[0]!.lines!;
  expect(curve!.points[0]!.x).toBeCloseTo(3 - 7 + Math.log2(7) / 2, 12);
  expect(curve!.points.at(-1)!.x).toBeCloseTo(3, 12);
  for (const { x, y } of curve!.points) expect(y).toBe(limitLaw("rssp")(x));
});

it("keeps ensembles apart on the axis lambda, in the colours they have elsewhere", () => {
  const other: Sample = { ensemble: "rssp0", bits: 3 };
  const figures = collapseFigures([...findings, ...sweep(other)], [...laws, ...says(other)]);
  expect(figures.map(({ title, series }) => [title, series.map(({ points }) => points.length)])).toEqual([
    ["Target 1, rssp", [7, 7, 0]],
    ["Target 1, rssp0", [0, 0, 7]],
  ]);
});

it("approaches the limit as M grows, for every ensemble", () => {
  for (const ensemble of ["rssp", "rssp0", "products", "products0"] as const)
    for (const items of [16, 19, 22]) {
      const { window } = predictFailure(ensemble, 2 ** 20, items, 1);
      // The mean square of a factor is still 1.5 / N from its limit.
      expect(limitLaw(ensemble)(lambdaOf(2 ** 20, items)), `${ensemble} ${items}`).toBeCloseTo(1 - window, 2);
    }
  // Borgs, Chayes & Pittel at lambda = 0 and -1.
  expect(limitLaw("rnpp")(0)).toBeCloseTo(0.62392, 5);
  expect(limitLaw("rnpp")(-1)).toBeCloseTo(0.84294, 5);
});

it("uses no theory of another ensemble, half range or number of items", () => {
  const measured = sweep({ bits: 3 });
  const none = [...says({ ensemble: "rssp0", bits: 3 }), ...says({ bits: 4 })];
  const lines = (said: readonly TheoryFinding[]) =>
    phaseFigures(measured, said).flatMap(({ series }) => series.flatMap((one) => one.lines));
  expect(lines(none)).toEqual([]);
  expect([
    ...boundFigures(measured, none),
    ...residualFigures(measured, none),
    ...collapseFigures(measured, none),
  ]).toEqual([]);
  expect(
    lines(says({ bits: 3 }).filter(({ items }) => items === 4)).map(({ points }) => points.map(({ x }) => x)),
  ).toEqual([[4], [4]]);
});

it("gives no panel to what has no bound", () => {
  const [figure] = boundFigures(findings, says({ bits: 4 }));
  expect(figure!.series.map(({ points, lines }) => [points.length, lines.length])).toEqual([
    [0, 0],
    [7, 2],
  ]);
});
