// Figures of width findings: curves against the hidden units, a figure for each size of layers; and the cost of precision.

import type { WidthFinding } from "../finding.ts";
import type { Figure, FigurePoint } from "./figure.ts";
import { failureFigure } from "./phase.ts";

/** The most dots of one curve. */
const MAX_DOTS = 40;
const MEASURED = "measured, with 95 % interval";
const PREDICTED = "predicted, with outputs independent given their numbers of units";

/** `one layer of 4 inputs and outputs`, `3 layers of 4 inputs and outputs`. */
export function layersText({ width, depth }: Pick<WidthFinding, "width" | "depth">): string {
  const size = width === 1 ? "1 input and output" : `${width} inputs and outputs`;
  return depth === 1 ? `one layer of ${size}` : `${depth} layers of ${size}`;
}

/** Whether the layers of all findings have twice the bits of their random weights. */
const areTied = (all: readonly WidthFinding[]) =>
  all.every(({ bits, targetBits }) => targetBits === 2 * bits);

export function precisionText({ bits, targetBits }: WidthFinding, all: readonly WidthFinding[]): string {
  return `k = ${bits}${areTied(all) ? "" : `, k_t = ${targetBits}`}`;
}

/** How random weights are drawn, as far as findings differ in it. */
function weightsText({ weightQuantizer, initialBits }: WidthFinding, all: readonly WidthFinding[]): string[] {
  const differ = (valueOf: (finding: WidthFinding) => unknown) => new Set(all.map(valueOf)).size > 1;
  return [
    ...(differ((one) => one.weightQuantizer) ? [weightQuantizer] : []),
    ...(differ((one) => one.initialBits) && differ((one) => one.initialBits - one.bits)
      ? [`from ${initialBits} bits`]
      : []),
  ];
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return [...groups.values()];
}

/**
 * A figure for each size of layers with a curve for each precision. Where random weights are drawn in several ways: a figure for
 * each size and precision with a curve for each way. Last, for several precisions, a figure of the units they need.
 */
export function widthFigures(findings: readonly WidthFinding[]): Figure[] {
  const ways = new Set(findings.map((finding) => weightsText(finding, findings).join())).size;
  const titleOf = (finding: WidthFinding) =>
    [layersText(finding), ...(ways > 1 ? [precisionText(finding, findings)] : [])].join(", ");
  const curves = groupBy(findings, titleOf).map((group): Figure => ({
    title: `A random network contains ${titleOf(group[0]!)}`,
    caption: "How often some mask leaves exactly the layers asked for; bands are exact 95 % intervals.",
    x: { label: "h, the hidden units of each input", symbol: "h" },
    y: { label: "P(contained)", domain: [0, 1] },
    legend: ways > 1 ? "Random weights" : "Precision",
    dots: MEASURED,
    series: group.map((finding) => ({
      name: ways > 1 ? weightsText(finding, findings).join(", ") : precisionText(finding, findings),
      bits: finding.bits,
      points: dotsOf(finding),
      lines: [
        {
          kind: "prediction" as const,
          name: PREDICTED,
          points: finding.curve.map(({ units, predicted }) => ({ x: units, y: predicted })),
        },
      ],
    })),
  }));
  return new Set(findings.map(({ targetBits }) => targetBits)).size > 1
    ? [...curves, ...costFigures(findings)]
    : curves;
}

/**
 * For each precision with layers of several sizes, a figure of the networks that do not contain them, on a logarithmic axis, with
 * a curve for each size. None where random weights are drawn in several ways.
 */
export function sizeFigures(findings: readonly WidthFinding[]): Figure[] {
  if (new Set(findings.map((finding) => weightsText(finding, findings).join())).size > 1) return [];
  return groupBy(findings, (finding) => precisionText(finding, findings))
    .filter((group) => group.length > 1)
    .map((group) => {
      const isExact = group.every(({ bits, targetBits }) => bits === 0 && targetBits === 0);
      return failureFigure({
        title: `Depth and width, ${precisionText(group[0]!, findings)}`,
        caption: "How often no mask leaves exactly the layers asked for; bands are exact 95 % intervals.",
        x: { label: "h, the hidden units of each input", symbol: "h" },
        y: { label: "P(contained)", domain: [0, 1] },
        legend: "d inputs and outputs, l layers",
        dots: MEASURED,
        series: group
          .toSorted((a, b) => a.depth * a.width ** 2 - b.depth * b.width ** 2)
          .map((finding) => ({
            name: `d = ${finding.width}, l = ${finding.depth}`,
            points: dotsOf(finding),
            lines: [
              {
                kind: "prediction" as const,
                name: isExact ? "exact" : PREDICTED,
                points: finding.curve.map(({ units, predicted }) => ({ x: units, y: predicted })),
              },
            ],
          })),
      });
    });
}

/** Points of the rising part of a curve, in even steps. */
function dotsOf({ curve }: WidthFinding): FigurePoint[] {
  const rising = curve.filter(({ units, probability }) => {
    const before = curve[units - 1]?.probability ?? 0;
    return probability > 0 && before < 1;
  });
  const step = Math.ceil(rising.length / MAX_DOTS);
  return rising
    .filter(({ units }) => units % step === 0)
    .map(({ units, probability, low, high }) => ({ x: units, y: probability, low, high }));
}

/** The figure of the units for a probability of 1/2 against the precision of the layers' weights. */
function costFigures(findings: readonly WidthFinding[]): Figure[] {
  const nameOf = (finding: WidthFinding) =>
    [
      layersText(finding),
      ...(areTied(findings) ? [] : [`k = ${finding.bits}`]),
      ...weightsText(finding, findings),
    ].join(", ");
  const series = groupBy(findings, nameOf)
    .filter((group) => group.length > 1)
    .map((group) => {
      const sorted = group.toSorted((a, b) => a.targetBits - b.targetBits);
      return {
        name: nameOf(group[0]!),
        points: sorted.flatMap(halfway),
        lines: [
          {
            kind: "prediction" as const,
            name: PREDICTED,
            points: sorted.flatMap(({ targetBits, required: [half] }) =>
              half?.predicted === undefined ? [] : [{ x: targetBits, y: half.predicted }],
            ),
          },
          {
            kind: "bound" as const,
            side: "lower" as const,
            name: "Theorem 3: fewer have too few masks",
            points: sorted.flatMap(({ targetBits, required: [half], gap }) =>
              half?.units === undefined || !gap ? [] : [{ x: targetBits, y: half.units / gap.structured }],
            ),
          },
        ],
      };
    })
    .filter(({ points }) => points.length > 1);
  if (series.length === 0) return [];
  const most = Math.max(...series.flatMap(({ points }) => points.map(({ high }) => high)));
  return [
    {
      title: "Hidden units against precision",
      caption:
        "The fewest hidden units of each input with which half of the random networks contain the layers, against k_t, the bits of the layers' weights.",
      x: { label: "bits of the layers' weights", symbol: "k_t" },
      y: { label: "hidden units", domain: [0, Math.ceil(most * 1.05)] },
      legend: "Layers",
      dots: MEASURED,
      panels: true,
      series,
    },
  ];
}

/** The units at which a curve reaches 1/2, and those at which the ends of its interval do. */
function halfway({ targetBits, curve }: WidthFinding): FigurePoint[] {
  const [y, low, high] = (["probability", "high", "low"] as const).map(
    (side) => curve.find((point) => point[side] >= 0.5)?.units,
  );
  return y === undefined || low === undefined || high === undefined ? [] : [{ x: targetBits, y, low, high }];
}
