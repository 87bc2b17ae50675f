// Figures of measurements beside theory: proven bounds, distances from predictions, and all sweeps on the axis lambda.

import { ensembles, isProduct, type Ensemble } from "../ensemble.ts";
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
  predictedProbability,
  predictionText,
  seriesOf,
  type Observation,
  type PhaseEvent,
} from "./phase.ts";

/** A figure for each event with proven bounds, a panel for each sweep, since the bounds of several would overlap. */
export function boundFigures(events: readonly PhaseEvent[]): Figure[] {
  return events.flatMap(({ title, meaning, label, sweeps, observations }): Figure[] => {
    const series = sweeps.map((sweep, s) => {
      const list = observations[s]!;
      const lines = [boundLine(list, "lower"), boundLine(list, "upper")].filter(
        ({ points }) => points.length > 0,
      );
      // A panel without bounds would show nothing new.
      return { ...seriesOf(sweep), points: lines.length > 0 ? list.map(measuredPoint) : [], lines };
    });
    if (series.every(({ lines }) => lines.length === 0)) return [];
    return [
      {
        title,
        caption: `How often ${meaning}, between the proven bounds.`,
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

function boundLine(list: readonly Observation[], side: "lower" | "upper"): FigureLine {
  return {
    kind: "bound",
    side,
    name: side === "lower" ? "proven: cannot be below" : "proven: cannot be above",
    points: list.flatMap(({ finding, theory }) => {
      const bound = theory?.[side];
      return bound ? [{ x: finding.items, y: bound.value }] : [];
    }),
  };
}

/**
 * The distance of a measurement from the prediction of a law, in standard errors. The standard error is that of a count
 * whose probability is the predicted one, but at least one trial, so that predictions of 0 and 1 allow for rounding.
 * Undefined without a prediction, and where instances were counted in their order, since such a count has no standard error.
 */
function residual(observed: Observation, law: Prediction["name"]): number | undefined {
  const predicted = predictedProbability(observed, law);
  const { trials, interval } = observed.finding;
  if (predicted === undefined || interval !== "clopper-pearson") return undefined;
  return (
    (observed.estimate.probability - predicted) /
    Math.sqrt((predicted * (1 - predicted) + 1 / trials) / trials)
  );
}

/** Distances with a line across the figure, in standard errors. */
const LEVELS = [-5, -2, 0, 2, 5];
/** Ticks beyond the levels, on both sides of 0. */
const FAR_TICKS = [20, 100, 1000, 1e4, 1e5, 1e6, 1e7];

/** A figure for each event and law: the residuals against n, on a scale that compresses large distances. */
export function residualFigures(events: readonly PhaseEvent[]): Figure[] {
  return events.flatMap((event) => lawsOf(event).flatMap((law) => residualsOf(event, law)));
}

function residualsOf(
  { subject, title, sweeps, observations }: PhaseEvent,
  law: Prediction["name"],
): Figure[] {
  const points = observations.map((list) =>
    list.flatMap((observed): FigurePoint[] => {
      const y = residual(observed, law);
      if (y === undefined) return [];
      const predicted = predictedProbability(observed, law)!;
      const note = `measured ${digits(observed.estimate.probability)}, predicted ${digits(predicted)}`;
      return [{ x: observed.finding.items, y, low: y, high: y, note }];
    }),
  );
  const heights = points.flat().map(({ y }) => y);
  if (heights.length === 0) return [];
  const domain = [Math.min(-8, ...heights) * 1.15, Math.max(8, ...heights) * 1.15] as const;
  // A long scale has no room for the numbers 2 and 5 beside each other; their lines stay.
  const nearTicks = domain[1] - domain[0] > 150 ? [-5, 0, 5] : LEVELS;
  return [
    {
      title,
      caption: `The difference between the measured probability and the one ${predictionText(law, subject)}; lines at 2 and 5 standard errors.`,
      x: ITEMS,
      y: {
        label: "standard errors",
        domain,
        scale: "symlog",
        ticks: [...FAR_TICKS.map((tick) => -tick), ...nearTicks, ...FAR_TICKS]
          .filter((tick) => tick >= domain[0] && tick <= domain[1])
          .toSorted((a, b) => a - b),
      },
      legend: legendOf(sweeps),
      levels: LEVELS,
      series: sweeps.map((sweep, s) => ({ ...seriesOf(sweep), points: points[s]!, lines: [] })),
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

/** A figure for each ensemble with target 1 (`rnpp`: perfect partitions): every sweep on the common axis lambda. */
export function collapseFigures(events: readonly PhaseEvent[]): Figure[] {
  const candidates = events.filter(({ subject }) => subject === 1 || subject === "perfect");
  return ensembles.flatMap((ensemble): Figure[] => {
    const event = candidates.find(
      ({ subject, sweeps }) =>
        (subject === "perfect") === (ensemble === "rnpp") &&
        sweeps.some(({ config }) => config.ensemble === ensemble),
    );
    return event ? collapseOf(event, ensemble) : [];
  });
}

function collapseOf(
  { subject, meaning, label, sweeps, observations }: PhaseEvent,
  ensemble: Ensemble,
): Figure[] {
  const points = observations.map((list) =>
    list
      .flatMap((observed): FigurePoint[] => {
        const lambda = observed.theory?.lambda;
        if (observed.finding.ensemble !== ensemble || lambda === undefined) return [];
        return [{ ...measuredPoint(observed), x: lambda, note: `n = ${observed.finding.items}` }];
      })
      .toSorted((a, b) => a.x - b.x),
  );
  const lambdas = points.flat().map(({ x }) => x);
  if (lambdas.length === 0) return [];
  const from = Math.min(...lambdas);
  const to = Math.max(...lambdas);
  const limit = limitLaw(ensemble);
  const several = new Set(sweeps.map(({ config }) => config.ensemble)).size > 1;
  return [
    {
      title: `${subject === "perfect" ? "Perfect partition" : "Target 1"}${several ? `, ${ensemble}` : ""}`,
      caption: `How often ${meaning}; ${bandText(sweeps)}. On the left there are more items than the precision requires.`,
      x: { label: "λ = log₂ M − n + ½ log₂ n", symbol: "λ", real: true },
      y: { label, domain: [0, 1] },
      legend: legendOf(sweeps),
      dots: dotsText(sweeps),
      series: sweeps.map((sweep, s) => ({ ...seriesOf(sweep), points: points[s]!, lines: [] })),
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
