// The findings as a table.

import type { PhaseFinding } from "../src/finding.ts";
import type { Estimate } from "../src/statistics.ts";

/** A table with a row for each finding. Targets share a column by their index, since `M` differs between findings. */
export function numbersTable(findings: readonly PhaseFinding[]): HTMLTableElement {
  const table = document.createElement("table");
  const [first] = findings;
  if (!first) return table;
  // Targets that coincide, such as 1 and M = 1, are one target, so findings may differ in their number of targets.
  const targetColumns = Math.max(...findings.map(({ targets }) => targets.length));
  const lastProbability = first.perfect ? "P(perfect)" : "P(all covered)";
  const head = table.createTHead().insertRow();
  for (const text of [
    "k",
    "M",
    "n",
    "trials",
    ...Array.from({ length: targetColumns }, () => ["z", "P(z reached)"]).flat(),
    lastProbability,
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
      ...Array.from({ length: targetColumns }, (_, t) => finding.targets[t]).flatMap((target) =>
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
