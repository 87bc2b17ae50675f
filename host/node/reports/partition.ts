// Perfect partitions as a page.

import { partitionFigure } from "../../../src/figures/partition.ts";
import type { PartitionFinding } from "../../../src/finding.ts";
import {
  closed,
  documentHtml,
  drawn,
  escape,
  FILES,
  runHtml,
  sentences,
  tableHtml,
  type RunAbout,
} from "./page.ts";
import { MEANING, partitionRows } from "./partition-table.ts";

const text = ({ lambda, perfect }: PartitionFinding) => `${perfect.probability.toFixed(4)} at λ = ${lambda}`;

/** What a reader should know first: the measurement nearest to lambda = 0 at the most items, its limit, and the ends. */
function summary(findings: readonly PartitionFinding[]): string[] {
  const most = Math.max(...findings.map(({ items }) => items));
  const largest = findings.filter(({ items }) => items === most).toSorted((a, b) => a.lambda - b.lambda);
  const nearest = largest.reduce((a, b) => (Math.abs(b.lambda) < Math.abs(a.lambda) ? b : a));
  const [least, greatest] = [largest[0]!, largest.at(-1)!];
  // Far below lambda = 0 failures are rare, and common divisors cause many of them, which the prediction does not know.
  const errors = findings
    .filter(({ lambda }) => lambda >= -1)
    .map(
      ({ perfect, predicted, trials }) =>
        Math.abs(perfect.probability - predicted) / Math.sqrt((predicted * (1 - predicted)) / trials),
    );
  return [
    `${most} random numbers split perfectly with probability ${text(nearest)}; the limit of many numbers is ${nearest.limit.toFixed(4)}.`,
    `The probability of these numbers falls from ${text(least)} to ${text(greatest)}.`,
    ...(errors.length > 0
      ? [
          `From λ = -1 on, the measurements are at most ${Math.max(...errors).toFixed(1)} standard errors from the prediction at their n.`,
        ]
      : []),
  ];
}

/** A complete HTML document. */
export function partitionReport(findings: readonly PartitionFinding[], about: RunAbout): string {
  const [head, ...rows] = partitionRows(findings);
  return documentHtml(
    "Perfect partitions",
    `${about.stopped ? `<p class="note" role="note"><strong>This run was stopped early.</strong> The configurations that were finished are shown.</p>` : ""}
${findings.length > 0 ? sentences(summary(findings)) : ""}
<h2>Figures</h2>
<div class="figures">
${findings.length > 0 ? drawn([partitionFigure(findings)]) : ""}
</div>
${closed("What is shown", `<p>${escape(MEANING)}</p>`)}
<h2>Numbers</h2>
${FILES}
${closed(`${rows.length} configurations`, tableHtml("Perfect partitions", head!, rows))}
<h2>Run</h2>
${runHtml(
  about,
  ["n", "engine", "adapter", "exacta"],
  [...new Set(findings.map(({ items }) => items))].map((items) => {
    const { engine, adapter, version } = findings.find((finding) => finding.items === items)!;
    return [String(items), engine, adapter, version];
  }),
)}`,
  );
}
