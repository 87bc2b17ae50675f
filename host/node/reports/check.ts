// What `phase --check` says of measurements held against theory.

import type { Gap, Violation } from "../../../src/experiments/theory.ts";
import { instanceKey, type PhaseFinding, type TheoryFinding } from "../../../src/finding.ts";
import { columns, significant } from "./table.ts";

/** Perfect partitions measured, beside the prediction from exact moments and the limit law; empty for other findings. */
export function perfectTable(measured: readonly PhaseFinding[], said: readonly TheoryFinding[]): string {
  const laws = new Map(said.map((law) => [instanceKey(law), law]));
  const rows = measured.flatMap((finding) => {
    const { halfRange, items, perfect } = finding;
    const law = laws.get(instanceKey(finding));
    if (!perfect || !law?.perfect) return [];
    const { probability, low, high } = perfect;
    const beside = ["poisson", "window"].flatMap((name) => {
      const value = law.perfect!.predictions.find((prediction) => prediction.name === name)?.value;
      return value === undefined ? ["", ""] : [value.toFixed(5), (probability - value).toFixed(5)];
    });
    return [
      [
        String(halfRange),
        String(items),
        law.lambda?.toFixed(3) ?? "",
        probability.toFixed(5),
        finding.interval === "exact" ? "exact" : `${low.toFixed(5)}..${high.toFixed(5)}`,
        ...beside,
      ],
    ];
  });
  if (rows.length === 0) return "";
  const head = ["M", "n", "lambda", "P(perfect)", "95 %", "exact moments", "off by", "limit", "off by"];
  return `${columns([head, ...rows]).join("\n")}\n\n`;
}

function place({ ensemble, halfRange, items, event, measured }: Violation | Gap): string {
  return `  ${ensemble}, M = ${halfRange}, n = ${items}, ${event}: measured ${measured}`;
}

/** The verdict on `done` of `asked` configurations. */
export function checkText(
  { violations, gaps }: { violations: readonly Violation[]; gaps: readonly Gap[] },
  tolerance: number,
  done: number,
  asked: number,
): string {
  const lines = [
    ...(done < asked ? [`check: only ${done} of ${asked} configurations were measured`] : []),
    violations.length === 0
      ? "check: no measured probability breaks a proven bound by more than 5 standard errors"
      : "check: measured probabilities break proven bounds, which should never be",
    ...violations.map((violation) => `${place(violation)}, ${violation.bound} ${violation.value}`),
    gaps.length === 0
      ? `check: no prediction is off by more than ${tolerance}`
      : `check: predictions off by more than ${tolerance}`,
    ...gaps.map((gap) => `${place(gap)}, ${gap.prediction} says ${significant(gap.value)}`),
  ];
  return `${lines.join("\n")}\n`;
}
