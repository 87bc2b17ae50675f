// Measurements against theory: within what is proven, how far from what is predicted, and all on the axis of the window.

import { ensembles, isProduct, type Ensemble } from "../ensemble.ts";
import type { PhaseFinding, TheoryFinding } from "../finding.ts";
import type { Prediction } from "../theory/envelope.ts";
import { perfectLimit, windowFailure } from "../theory/window.ts";
import type { Figure, FigureLine, FigurePoint } from "./figure.ts";
import {
  bandText,
  dotsText,
  ITEMS,
  lawsOf,
  legendOf,
  measuredPoint,
  phaseEvents,
  predictedOf,
  predictionText,
  type PhaseEvent,
  type Sighting,
} from "./phase.ts";

/** A figure for each event that has proven bounds, a panel for each configuration: they would hide each other in one. */
export function boundFigures(findings: readonly PhaseFinding[], theory: readonly TheoryFinding[]): Figure[] {
  return phaseEvents(findings, theory).flatMap(({ title, meaning, label, sweeps, sightings }): Figure[] => {
    const series = sweeps.map(({ label }, s) => {
      const lines = [boundOf(sightings[s]!, "lower"), boundOf(sightings[s]!, "upper")].filter(
        ({ points }) => points.length > 0,
      );
      // Measurements alone have no panel.
      return { name: label, points: lines.length > 0 ? sightings[s]!.map(measuredPoint) : [], lines };
    });
    if (series.every(({ lines }) => lines.length === 0)) return [];
    return [
      {
        title,
        caption: `How often ${meaning}, and where that cannot lie.`,
        x: ITEMS,
        y: { label, domain: [0, 1], ticks: [0, 0.5, 1] },
        legend: legendOf(sweeps),
        dots: dotsText(sweeps),
        panels: true,
        series,
      },
    ];
  });
}

function boundOf(sightings: readonly Sighting[], side: "lower" | "upper"): FigureLine {
  return {
    kind: "bound",
    side,
    name: side === "lower" ? "proven: cannot lie below" : "proven: cannot lie above",
    points: sightings.flatMap(({ finding, said }) => {
      const bound = said?.[side];
      return bound ? [{ x: finding.items, y: bound.value }] : [];
    }),
  };
}

/**
 * How far a measurement is from what a law predicts, in standard errors: those of a count whose probability is the predicted
 * one, at least one trial, so that predictions of 0 and 1 leave room for rounding. Undefined where the law says nothing, and
 * where every instance was counted and nothing is left to chance.
 */
function residual(seen: Sighting, law: Prediction["name"]): number | undefined {
  const predicted = predictedOf(seen, law);
  const { trials, interval } = seen.finding;
  if (predicted === undefined || interval === "exact") return undefined;
  return (
    (seen.estimate.probability - predicted) / Math.sqrt((predicted * (1 - predicted) + 1 / trials) / trials)
  );
}

const LEVELS = [-5, -2, 0, 2, 5];
/** Numbers of the axis far from 0. */
const FAR = [20, 100, 1000, 1e4, 1e5, 1e6, 1e7];

/** A figure for each event and law: the residuals against n, on a scale that compresses what is far from 0. */
export function residualFigures(
  findings: readonly PhaseFinding[],
  theory: readonly TheoryFinding[],
): Figure[] {
  return phaseEvents(findings, theory).flatMap((event) =>
    lawsOf(event).flatMap((law) => residualsOf(event, law)),
  );
}

function residualsOf({ of, title, sweeps, sightings }: PhaseEvent, law: Prediction["name"]): Figure[] {
  const points = sightings.map((list) =>
    list.flatMap((seen): FigurePoint[] => {
      const y = residual(seen, law);
      if (y === undefined) return [];
      const note = `measured ${digits(seen.estimate.probability)}, predicted ${digits(predictedOf(seen, law)!)}`;
      return [{ x: seen.finding.items, y, low: y, high: y, note }];
    }),
  );
  const heights = points.flat().map(({ y }) => y);
  if (heights.length === 0) return [];
  const domain = [Math.min(-8, ...heights) * 1.15, Math.max(8, ...heights) * 1.15] as const;
  // Where the scale is long, 2 and 5 have no room for a number each; their lines stay.
  const near = domain[1] - domain[0] > 150 ? [-5, 0, 5] : LEVELS;
  return [
    {
      title,
      caption: `How far the measured share is from the one ${predictionText(law, of)}; lines at 2 and 5 standard errors.`,
      x: ITEMS,
      y: {
        label: "standard errors",
        domain,
        scale: "symlog",
        ticks: [...FAR.map((tick) => -tick), ...near, ...FAR]
          .filter((tick) => tick >= domain[0] && tick <= domain[1])
          .toSorted((a, b) => a - b),
      },
      legend: legendOf(sweeps),
      levels: LEVELS,
      series: sweeps.map(({ label }, s) => ({ name: label, points: points[s]!, lines: [] })),
    },
  ];
}

/**
 * P(target 1 is reached) at fixed lambda in the limit of many items, for `rnpp` P(perfect). The rate of solutions is
 * mu = 2^n / sqrt(2 pi n c M^2) = 2^-lambda / sqrt(2 pi c) with c M^2 the mean square of an item in the limit: c is 1/3,
 * and 1/9 for products. Zeros among the items vanish in the limit, as do tau = 1 / sqrt(n c M^2) and the parity of products.
 */
export function limitLaw(ensemble: Ensemble): (lambda: number) => number {
  if (ensemble === "rnpp") return perfectLimit;
  const rate = Math.sqrt((isProduct(ensemble) ? 9 : 3) / (2 * Math.PI));
  return (lambda) => 1 - windowFailure(rate * 2 ** -lambda, 0);
}

/** Steps of the limit law's curve. */
const STEPS = 160;

/** A figure for each ensemble with target 1 (`rnpp`: perfect partitions): every configuration on the one axis lambda. */
export function collapseFigures(
  findings: readonly PhaseFinding[],
  theory: readonly TheoryFinding[],
): Figure[] {
  const events = phaseEvents(findings, theory).filter(({ of }) => of === 1 || of === "perfect");
  return ensembles.flatMap((ensemble): Figure[] => {
    const event = events.find(
      ({ of, sweeps }) =>
        (of === "perfect") === (ensemble === "rnpp") &&
        sweeps.some(({ findings: [first] }) => first.ensemble === ensemble),
    );
    return event ? collapseOf(event, ensemble) : [];
  });
}

function collapseOf({ of, meaning, label, sweeps, sightings }: PhaseEvent, ensemble: Ensemble): Figure[] {
  const points = sightings.map((list) =>
    list
      .flatMap((seen): FigurePoint[] => {
        const lambda = seen.said?.lambda;
        if (seen.finding.ensemble !== ensemble || lambda === undefined) return [];
        return [{ ...measuredPoint(seen), x: lambda, note: `n = ${seen.finding.items}` }];
      })
      .toSorted((a, b) => a.x - b.x),
  );
  const places = points.flat().map(({ x }) => x);
  if (places.length === 0) return [];
  const from = Math.min(...places);
  const to = Math.max(...places);
  const limit = limitLaw(ensemble);
  const several = new Set(sweeps.map(({ findings: [first] }) => first.ensemble)).size > 1;
  return [
    {
      title: `${of === "perfect" ? "Perfect partition" : "Target 1"}${several ? `, ${ensemble}` : ""}`,
      caption: `How often ${meaning}; ${bandText(sweeps)}. To the left there are more items than the precision asks for.`,
      x: { label: "λ = log₂ M − n + ½ log₂ n", symbol: "λ", real: true },
      y: { label, domain: [0, 1] },
      legend: legendOf(sweeps),
      dots: dotsText(sweeps),
      series: sweeps.map(({ label }, s) => ({ name: label, points: points[s]!, lines: [] })),
      lines: [
        {
          kind: "prediction",
          name: "predicted in the limit of many items",
          points: Array.from({ length: STEPS + 1 }, (_, i) => {
            const x = from + ((to - from) * i) / STEPS;
            return { x, y: limit(x) };
          }),
        },
      ],
    },
  ];
}

function digits(value: number): string {
  return String(Number(value.toPrecision(6)));
}
