// What `phase --check` says of measurements held against theory.

import type { Gap, Violation } from "../../src/experiments/theory.ts";
import type { PhaseFinding, TheoryFinding } from "../../src/finding.ts";
import { columns, significant } from "./table.ts";

/** Perfect partitions measured, beside the prediction from exact moments and the limit law; empty for other findings. */
export function perfectTable(measured: readonly PhaseFinding[], said: readonly TheoryFinding[]): string {
  const rows = measured.flatMap(({ ensemble, halfRange, items, trials, perfect }) => {
    const law = said.find(
      (finding) =>
        finding.ensemble === ensemble && finding.halfRange === halfRange && finding.items === items,
    );
    if (!perfect || !law?.perfect) return [];
    const [poisson, limit] = ["poisson", "window"].map(
      (name) => law.perfect!.predictions.find((prediction) => prediction.name === name)?.value,
    );
    const { probability } = perfect;
    const error = Math.sqrt((probability * (1 - probability)) / trials);
    const gap = (value: number | undefined) => (value === undefined ? "" : (probability - value).toFixed(5));
    return [
      [
        String(halfRange),
        String(items),
        law.lambda?.toFixed(3) ?? "",
        probability.toFixed(5),
        error.toFixed(5),
        poisson?.toFixed(5) ?? "",
        gap(poisson),
        limit?.toFixed(5) ?? "",
        gap(limit),
      ],
    ];
  });
  if (rows.length === 0) return "";
  const head = ["M", "n", "lambda", "P(perfect)", "std error", "exact moments", "off by", "limit", "off by"];
  return `${columns([head, ...rows]).join("\n")}\n`;
}

/** What `--check` found. */
export function checkText(
  { violations, gaps }: { violations: readonly Violation[]; gaps: readonly Gap[] },
  tolerance: number,
): string {
  const lines = [
    violations.length === 0
      ? "check: no measured probability breaks a proven bound by more than 5 standard errors"
      : "check: measured probabilities break proven bounds, which should never be",
    ...violations.map(
      ({ ensemble, halfRange, items, event, measured, bound, value, errors }) =>
        `  ${ensemble}, M = ${halfRange}, n = ${items}, ${event}: measured ${measured}, ${bound} ${value}, ${errors.toFixed(1)} standard errors`,
    ),
    gaps.length === 0
      ? `check: no prediction is off by more than ${tolerance}`
      : `check: predictions off by more than ${tolerance}`,
    ...gaps.map(
      ({ ensemble, halfRange, items, event, measured, prediction, value }) =>
        `  ${ensemble}, M = ${halfRange}, n = ${items}, ${event}: measured ${measured}, ${prediction} says ${significant(value)}`,
    ),
  ];
  return `${lines.join("\n")}\n`;
}
