// Figures of tails: failures on a logarithmic axis, beside the laws and bounds of them.

import { isProduct } from "../ensemble.ts";
import type { TailFinding } from "../finding.ts";
import { leastKappa } from "../theory/tail.ts";
import type { Figure, FigureLine, FigureSeries } from "./figure.ts";
import { powerBelow, rangeText } from "./phase.ts";

type Sweep = readonly TailFinding[];

const MEASURED = "P(some target of -M..M is missed), exact or with 95 % interval";

/** The lower end of an axis of failures. */
function floorOf(sweeps: readonly Sweep[]): number {
  return powerBelow(sweeps.flat().flatMap(({ covered }) => (covered.failure > 0 ? [covered.failure] : [])));
}

/** A line of a value of each finding, without what is below the axis. */
function pointsOf(findings: Sweep, floor: number, valueOf: (finding: TailFinding) => number | undefined) {
  return findings.flatMap((finding) => {
    const y = valueOf(finding);
    return y === undefined || y < floor ? [] : [{ x: finding.items, y: Math.min(y, 1) }];
  });
}

/** The law of uniform items; for products what the range and the divisors of the items decide. */
function laws(findings: Sweep, floor: number): FigureLine[] {
  const lines = [
    { name: "2 R_n(M), found to be approached", points: pointsOf(findings, floor, ({ law }) => law) },
    ...(findings[0]!.law === undefined
      ? [
          {
            name: "2 R_n(M) of the products",
            points: pointsOf(findings, floor, ({ shortfall }) => 2 * shortfall),
          },
          {
            name: "all items have a common divisor",
            points: pointsOf(findings, floor, ({ divisors }) => divisors),
          },
        ]
      : []),
  ];
  return lines.filter(({ points }) => points.length > 0).map((line) => ({ kind: "prediction", ...line }));
}

function otherLines(findings: Sweep, floor: number): FigureLine[] {
  const [{ halfRange }] = findings as [TailFinding];
  const fit = leastKappa(
    halfRange,
    findings.map(({ items, covered }) => ({ items, failure: covered.failure })),
  );
  return [
    {
      kind: "bound",
      side: "lower",
      name: "proven lower bound",
      points: pointsOf(findings, floor, ({ bound }) => bound),
    },
    {
      kind: "prediction",
      name: "the trivial ticket: one item for each weight",
      points: pointsOf(findings, floor, ({ trivial }) => trivial),
    },
    ...(fit
      ? [
          {
            kind: "prediction" as const,
            name: `fitted form of the follow-up paper, kappa = ${fit.kappa.toFixed(3)}`,
            points: pointsOf(findings, floor, ({ items }) => {
              const excess = items - fit.c * Math.log(halfRange + 1);
              return excess > 0 ? 2 * Math.exp(-(excess ** 2) / (fit.kappa * items)) : undefined;
            }),
          },
        ]
      : []),
  ];
}

function seriesOf(findings: Sweep, lines: readonly FigureLine[]): FigureSeries {
  const [first] = findings as [TailFinding];
  return {
    name: rangeText(first),
    bits: first.bits ?? Math.log2(first.halfRange) / (isProduct(first.ensemble) ? 2 : 1),
    points: findings.flatMap(({ items, covered: { failure, low, high } }) =>
      failure > 0 ? [{ x: items, y: failure, low, high }] : [],
    ),
    lines,
  };
}

const frameOf = (floor: number) => ({
  x: { label: "n, the number of items", symbol: "n" },
  y: { label: "P(some target is missed)", domain: [floor, 1] as const, scale: "log" as const },
  legend: "Half range",
  dots: MEASURED,
});

/** For each ensemble, a figure of all half ranges with their laws, and one of each half range with its bounds as well. */
export function tailFigures(sweeps: readonly Sweep[]): Figure[] {
  const ensembles = [...new Set(sweeps.map(([first]) => first!.ensemble))];
  return ensembles.flatMap((ensemble) => {
    const mine = sweeps.filter(([first]) => first!.ensemble === ensemble);
    const floor = floorOf(mine);
    const all: Figure = {
      title: `How failure decays: ${ensemble}`,
      caption:
        "The probability that some target of -M..M is no subset sum of n random items, on a logarithmic axis.",
      ...frameOf(floor),
      series: mine.map((findings) => seriesOf(findings, laws(findings, floor))),
    };
    const each = mine.map((findings): Figure => {
      const floor = floorOf([findings]);
      return {
        title: `${ensemble}, ${rangeText(findings[0]!)}`,
        caption: "The same probability beside the law that it approaches, a proven bound, and other tickets.",
        ...frameOf(floor),
        series: [seriesOf(findings, [...laws(findings, floor), ...otherLines(findings, floor)])],
      };
    });
    return mine.length > 1 ? [all, ...each] : each;
  });
}
