// The findings as a table.

import type { PhaseFinding } from "../src/finding.ts";
import type { Estimate } from "../src/statistics.ts";

/** One row for each finding. The targets of different k line up by their place, as `M` differs between them. */
export function numbersTable(findings: readonly PhaseFinding[]): HTMLTableElement {
  const table = document.createElement("table");
  const [first] = findings;
  if (!first) return table;
  // A configuration whose targets coincide has fewer of them.
  const places = Math.max(...findings.map(({ targets }) => targets.length));
  const whole = first.perfect ? "P(perfect)" : "P(all covered)";
  const head = table.createTHead().insertRow();
  for (const text of [
    "k",
    "M",
    "n",
    "trials",
    ...Array.from({ length: places }, () => ["z", "P(z reached)"]).flat(),
    whole,
    "mean covered",
  ]) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = text;
    head.append(cell);
  }
  const body = table.createTBody();
  for (const finding of findings) {
    const row = body.insertRow();
    const cells = [
      String(finding.bits ?? ""),
      grouped(finding.halfRange),
      String(finding.items),
      grouped(finding.trials),
      ...Array.from({ length: places }, (_, t) => finding.targets[t]).flatMap((target) =>
        target ? [grouped(target.target), estimateText(target)] : ["", ""],
      ),
      estimateText((finding.covered ?? finding.perfect)!),
      `${finding.meanCovered.toFixed(2)} of ${grouped(2 * finding.halfRange + 1)}`,
    ];
    for (const text of cells) row.insertCell().textContent = text;
  }
  return table;
}

function estimateText({ probability, low, high }: Estimate): string {
  return `${probability.toFixed(5)} (${low.toFixed(5)} to ${high.toFixed(5)})`;
}

function grouped(value: number): string {
  return value.toLocaleString("en");
}
