// The text of `phase --check`: measurements compared with theory.

import type { MeasuredSweep } from "../../../src/experiments/sweep.ts";
import type { Gap, Violation } from "../../../src/experiments/theory.ts";
import type { PhaseFinding, TheoryFinding } from "../../../src/finding.ts";
import { columns, significant } from "./table.ts";

/** Perfect partitions measured, beside the predictions from exact moments and of the limit law; empty for other sweeps. */
export function perfectTable(sweeps: readonly MeasuredSweep[]): string {
  const rows = sweeps.flatMap(({ findings, theory }) =>
    findings.flatMap((finding, i) => perfectRow(finding, theory[i])),
  );
  if (rows.length === 0) return "";
  const head = ["M", "n", "lambda", "P(perfect)", "95 %", "exact moments", "off by", "limit", "off by"];
  return `${columns([head, ...rows]).join("\n")}\n\n`;
}

/** A row of the table, or none. */
function perfectRow(
  { halfRange, items, interval, perfect }: PhaseFinding,
  theory: TheoryFinding | undefined,
): string[][] {
  if (!perfect || !theory?.perfect) return [];
  const { predictions } = theory.perfect;
  const { probability, low, high } = perfect;
  const compared = ["poisson", "window"].flatMap((name) => {
    const value = predictions.find((prediction) => prediction.name === name)?.value;
    return value === undefined ? ["", ""] : [value.toFixed(5), (probability - value).toFixed(5)];
  });
  return [
    [
      String(halfRange),
      String(items),
      theory.lambda?.toFixed(3) ?? "",
      probability.toFixed(5),
      interval === "exact" ? "exact" : `${low.toFixed(5)}..${high.toFixed(5)}`,
      ...compared,
    ],
  ];
}

function eventText({ ensemble, halfRange, items, event, measured }: Violation | Gap): string {
  return `  ${ensemble}, M = ${halfRange}, n = ${items}, ${event}: measured ${measured}`;
}

/** The verdict on the `measured` configurations of `asked`. */
export function checkText(
  { violations, gaps }: { violations: readonly Violation[]; gaps: readonly Gap[] },
  tolerance: number,
  { measured, asked }: { readonly measured: number; readonly asked: number },
): string {
  const lines = [
    ...(measured < asked ? [`check: only ${measured} of ${asked} configurations were measured`] : []),
    violations.length === 0
      ? "check: no measured probability breaks a proven bound by more than 5 standard errors"
      : "check: measured probabilities break proven bounds, so the program or a proof is wrong",
    ...violations.map((violation) => `${eventText(violation)}, ${violation.bound} ${violation.value}`),
    gaps.length === 0
      ? `check: no prediction is off by more than ${tolerance}`
      : `check: predictions off by more than ${tolerance}`,
    ...gaps.map((gap) => `${eventText(gap)}, ${gap.prediction} predicts ${significant(gap.value)}`),
  ];
  return `${lines.join("\n")}\n`;
}
