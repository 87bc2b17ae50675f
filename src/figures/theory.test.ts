// Figures of measurements beside theory: which numbers are drawn as points, predictions and bounds.

import { expect, it } from "vitest";
import { phaseConfig } from "../experiments/phase.ts";
import type { MeasuredSweep } from "../experiments/sweep.ts";
import { withTheory } from "../experiments/theory.ts";
import type { Ensemble } from "../ensemble.ts";
import type { PhaseFinding } from "../finding.ts";
import { certainty, estimate } from "../statistics.ts";
import { lambdaOf, predictFailure } from "../theory/window.ts";
import type { Figure } from "./figure.ts";
import { phaseEvents, phaseFigures } from "./phase.ts";
import { boundFigures, collapseFigures, limitLaw, residualFigures } from "./theory.ts";

const TRIALS = 5000;
const ITEMS = [1, 2, 3, 4, 5, 6, 7];

interface Sample {
  ensemble?: Ensemble;
  bits: number;
  targets?: readonly number[];
  exact?: boolean;
}

/** A sweep whose counts differ for every number of items, target and precision, so that a swap shows. */
function measured({
  ensemble = "rssp",
  bits,
  targets = [1, 2 ** bits],
  exact = false,
}: Sample): MeasuredSweep {
  const count = exact ? certainty : estimate;
  const config = {
    ...phaseConfig({ ensemble, bits, items: { from: 1, to: ITEMS.length }, targets, trials: TRIALS }),
    enumerate: exact,
  };
  const findings = ITEMS.map((items): PhaseFinding => ({
    kind: "phase",
    ensemble,
    bits,
    halfRange: 2 ** bits,
    items,
    trials: TRIALS,
    asked: TRIALS,
    complete: true,
    ...(exact ? {} : { seed: "1" }),
    interval: exact ? "exact" : "clopper-pearson",
    targets: targets.map((target) => ({ target, ...count(items * 97 + bits * 31 + target * 5, TRIALS) })),
    [ensemble === "rnpp" ? "perfect" : "covered"]: count(items + bits, TRIALS),
    meanCovered: items,
    engine: "cpu",
    adapter: "none",
    version: "0",
  }));
  return { config, findings, theory: [] };
}

const explained = (sample: Sample) => withTheory(measured(sample));

const sweeps = [{ bits: 3 }, { bits: 4 }].map(explained);
const events = phaseEvents(sweeps);
const signed = explained({ ensemble: "rnpp", bits: 4, targets: [0, 1] });

const titled = (figures: readonly Figure[], title: string) =>
  figures.find((figure) => figure.title.startsWith(title))!;

it("The window law is drawn in the series of the measurements that it predicts", () => {
  const figures = phaseFigures(events);
  const end = titled(figures, "Target M");
  sweeps.forEach(({ findings, theory }, s) => {
    const expected = theory.map(({ items, targets }) => ({
      x: items,
      y: targets[1]!.predictions.find(({ name }) => name === "window")!.value,
    }));
    expect(end.series[s]!.lines).toEqual([
      { kind: "prediction", name: "predicted by the window law", points: expected },
    ]);
    expect(end.series[s]!.points.map(({ y }) => y)).toEqual(
      findings.map(({ targets }) => targets[1]!.probability),
    );
  });
  expect(titled(figures, "Every target").series.every(({ lines }) => lines.length === 0)).toBe(true);
});

it("Bounds are drawn in panels, each on its side", () => {
  const figures = boundFigures(events);
  expect(figures.map(({ title, panels }) => [title, panels])).toEqual([
    ["Target 1", true],
    ["Target M, the largest", true],
    ["Every target from −M to M", true],
  ]);
  sweeps.forEach(({ theory }, s) => {
    expect(figures[0]!.series[s]!.lines).toEqual([
      {
        kind: "bound",
        side: "lower",
        name: "proven: cannot be below",
        points: theory.map(({ items, targets }) => ({ x: items, y: targets[0]!.lower.value })),
      },
      {
        kind: "bound",
        side: "upper",
        name: "proven: cannot be above",
        points: theory.map(({ items, targets }) => ({ x: items, y: targets[0]!.upper.value })),
      },
    ]);
    expect(figures[2]!.series[s]!.lines).toEqual([
      {
        kind: "bound",
        side: "upper",
        name: "proven: cannot be above",
        points: theory.map(({ items, covered }) => ({ x: items, y: covered!.upper })),
      },
    ]);
  });
});

it("No figure has both bounds and predictions", () => {
  const all = phaseEvents([...sweeps, signed]);
  const kinds = (figures: readonly Figure[]) =>
    new Set(
      figures
        .flatMap(({ series, lines = [] }) => [...series.flatMap((one) => one.lines), ...lines])
        .map(({ kind }) => kind),
    );
  expect(kinds(phaseFigures(all))).toEqual(new Set(["prediction"]));
  expect(kinds(collapseFigures(all))).toEqual(new Set(["prediction"]));
  expect(kinds(boundFigures(all))).toEqual(new Set(["bound"]));
  expect(kinds(residualFigures(all))).toEqual(new Set());
});

it("Distances are in standard errors of a count under the law", () => {
  const figures = residualFigures(events);
  expect(figures).toHaveLength(2);
  sweeps.forEach(({ config: { halfRange }, findings }, s) => {
    const expected = findings.map(({ items, targets }) => {
      const { failure } = predictFailure("rssp", halfRange, items, halfRange);
      const mean = TRIALS * (1 - failure);
      return (targets[1]!.solved - mean) / Math.sqrt(mean * failure + 1);
    });
    const { series, y, levels } = titled(figures, "Target M");
    expect(levels).toEqual([-5, -2, 0, 2, 5]);
    series[s]!.points.forEach((point, i) => {
      expect(point.x).toBe(ITEMS[i]);
      expect(point.y).toBeCloseTo(expected[i]!, 9);
      // The domain contains every point.
      expect(point.y).toBeGreaterThan(y.domain[0]);
      expect(point.y).toBeLessThan(y.domain[1]);
    });
    expect(series[s]!.points).toHaveLength(ITEMS.length);
  });
});

it("Exact counts have no distance in standard errors", () => {
  const exact = explained({ bits: 3, exact: true });
  expect(residualFigures(phaseEvents([exact]))).toEqual([]);
  const mixed = residualFigures(phaseEvents([exact, explained({ bits: 4 })]));
  expect(mixed[0]!.series.map(({ points }) => points.length)).toEqual([0, ITEMS.length]);
});

it("Perfect partitions are compared with the exact mean and with the limit law", () => {
  const alone = phaseEvents([signed]);
  const perfect = signed.theory.map(({ perfect }) => perfect!);
  const [line] = titled(phaseFigures(alone), "Perfect").series[0]!.lines;
  expect(line).toMatchObject({ kind: "prediction", name: "predicted from the exact mean count" });
  expect(line!.points.map(({ y }) => y)).toEqual(perfect.map(({ predictions }) => predictions[0]!.value));
  expect(residualFigures(alone).map(({ title }) => title)).toEqual([
    "Signed sum 0",
    "Signed sum 1",
    "Perfect partition",
    "Perfect partition",
  ]);
  const [lower, upper] = titled(boundFigures(alone), "Perfect").series[0]!.lines;
  expect(lower!.points.map(({ y }) => y)).toEqual(perfect.map(({ lower }) => lower));
  expect(upper!.points.map(({ y }) => y)).toEqual(perfect.map(({ upper }) => upper));
});

it("Every precision is drawn at its lambdas", () => {
  const figures = collapseFigures(phaseEvents([...sweeps, signed]));
  expect(figures.map(({ title }) => title)).toEqual(["Target 1", "Perfect partition"]);
  sweeps.forEach(({ config: { halfRange }, findings }, s) => {
    const { points } = figures[0]!.series[s]!;
    // Lambda falls as n rises, so the points begin with the largest n.
    expect(points.map(({ x }) => x)).toEqual(
      ITEMS.map((n) => expect.closeTo(Math.log2(halfRange) - n + Math.log2(n) / 2, 12)).toReversed(),
    );
    expect(points.map(({ y }) => y)).toEqual(
      findings.map(({ targets }) => targets[0]!.probability).toReversed(),
    );
  });
  const [curve] = figures[0]!.lines!;
  expect(curve!.points[0]!.x).toBeCloseTo(3 - 7 + Math.log2(7) / 2, 12);
  expect(curve!.points.at(-1)!.x).toBeCloseTo(3, 12);
  for (const { x, y } of curve!.points) expect(y).toBe(limitLaw("rssp")(x));
});

it("Each ensemble has its own figure on the axis lambda, with the colors of the other figures", () => {
  const other = explained({ ensemble: "rssp0", bits: 3 });
  const figures = collapseFigures(phaseEvents([...sweeps, other]));
  expect(figures.map(({ title, series }) => [title, series.map(({ points }) => points.length)])).toEqual([
    ["Target 1, rssp", [7, 7, 0]],
    ["Target 1, rssp0", [0, 0, 7]],
  ]);
});

it("The window law approaches the limit as M grows, for every ensemble", () => {
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

it("A sweep without theory has neither lines, nor panels, nor points on the axis lambda", () => {
  const alone = phaseEvents([measured({ bits: 3 })]);
  expect(phaseFigures(alone).flatMap(({ series }) => series.flatMap(({ lines }) => lines))).toEqual([]);
  expect([...boundFigures(alone), ...residualFigures(alone), ...collapseFigures(alone)]).toEqual([]);
  const [figure] = boundFigures(phaseEvents([measured({ bits: 3 }), sweeps[1]!]));
  expect(figure!.series.map(({ points, lines }) => [points.length, lines.length])).toEqual([
    [0, 0],
    [7, 2],
  ]);
});
