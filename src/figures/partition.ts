// The figure of perfect partitions: all numbers of items on one axis lambda, beside their limit.

import type { PartitionFinding } from "../finding.ts";
import { perfectLimit } from "../theory/window.ts";
import type { Figure } from "./figure.ts";

/** Steps of the limit's curve. */
const STEPS = 160;

export function partitionFigure(findings: readonly PartitionFinding[]): Figure {
  const sizes = [...new Set(findings.map(({ items }) => items))];
  const lambdas = findings.map(({ lambda }) => lambda);
  const [from, to] = [Math.min(...lambdas), Math.max(...lambdas)];
  return {
    title: "Perfect partitions at fixed λ",
    caption:
      "How often n random numbers of 1..M split into two groups whose totals differ by at most 1. On the left there are more numbers than the precision requires.",
    x: { label: "λ = log₂ M − n + ½ log₂ n", symbol: "λ", real: true },
    y: { label: "P(the totals differ by at most 1)", domain: [0, 1] },
    legend: "Numbers",
    dots: "measured, with 95 % interval",
    series: sizes.map((items) => ({
      name: `n = ${items}`,
      points: findings
        .filter((finding) => finding.items === items)
        .toSorted((a, b) => a.lambda - b.lambda)
        .map(({ lambda, halfRange, perfect: { probability, low, high } }) => ({
          x: lambda,
          y: probability,
          low,
          high,
          note: `n = ${items}, M = ${halfRange.toLocaleString("en-US")}`,
        })),
      lines: [],
    })),
    lines: [
      {
        kind: "prediction",
        name: "limit of many items",
        points: Array.from({ length: STEPS + 1 }, (_, i) => {
          const x = from + ((to - from) * i) / STEPS;
          return { x, y: perfectLimit(x) };
        }),
      },
    ],
  };
}
