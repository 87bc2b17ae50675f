// Perfect partitions as text, CSV and a page.

import { parseHTML } from "linkedom";
import { partitionFigure } from "../../../src/figures/partition.ts";
import type { PartitionFinding } from "../../../src/finding.ts";
import { renderFigure } from "../../figure.ts";
import { csvField } from "../formats/csv-field.ts";
import { documentHtml, escape, FIGURE_WIDTH, runHtml, tableHtml, type RunAbout } from "./page.ts";
import { columns, grouped, wrap } from "./table.ts";

/** A heading, then a row for each finding. */
function partitionRows(findings: readonly PartitionFinding[]): string[][] {
  return [
    ["lambda", "n", "M", "P(perfect)", "predicted", "limit"],
    ...findings.map(({ lambda, items, halfRange, perfect, predicted, limit }) => [
      String(lambda),
      String(items),
      grouped(halfRange),
      `${perfect.probability.toFixed(4)} ±${Math.max(perfect.high - perfect.probability, perfect.probability - perfect.low).toFixed(4)}`,
      predicted.toFixed(4),
      limit.toFixed(4),
    ]),
  ];
}

const MEANING =
  "P(perfect): the share of trials in which n random numbers of 1..M split into two groups whose totals differ by at most 1. " +
  "M is the integer nearest to 2^(n - (log2 n) / 2 + lambda). predicted: the limit law with the exact mean number of solutions at n. " +
  "limit: the law of Borgs, Chayes and Pittel as n grows.";

export function partitionTable(findings: readonly PartitionFinding[]): string {
  const [{ seed, engine, adapter }] = findings as [PartitionFinding];
  const trials = [...new Set(findings.map((finding) => finding.trials))];
  const counts = trials.length === 1 ? grouped(trials[0]!) : "different numbers of";
  return [
    ...wrap(MEANING),
    "",
    ...columns(partitionRows(findings)),
    "",
    ...wrap(`${counts} trials each, seed ${seed}, on ${engine} (${adapter})`),
    "",
  ].join("\n");
}

const CSV_FIELDS = ["ensemble", "lambda", "items", "halfRange", "trials", "seed"] as const;

export function partitionCsv(findings: readonly PartitionFinding[]): string {
  const head = [
    ...CSV_FIELDS,
    "probability",
    "low",
    "high",
    "predicted",
    "limit",
    "engine",
    "adapter",
    "version",
  ];
  const rows = findings.map((finding) => {
    const { perfect, predicted, limit, engine, adapter, version } = finding;
    return [
      ...CSV_FIELDS.map((field) => finding[field]),
      perfect.probability,
      perfect.low,
      perfect.high,
      predicted,
      limit,
      engine,
      adapter,
      version,
    ];
  });
  return [head, ...rows]
    .map((row) => `${row.map((field) => csvField(String(field))).join(",")}\r\n`)
    .join("");
}

/** A complete HTML document. */
export function partitionReport(findings: readonly PartitionFinding[], about: RunAbout): string {
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  const [head, ...rows] = partitionRows(findings);
  const nearest = findings.reduce((a, b) => (Math.abs(b.lambda) < Math.abs(a.lambda) ? b : a));
  const { lambda, items, perfect, limit } = nearest;
  return documentHtml(
    "Perfect partitions",
    `${about.stopped ? `<p class="note" role="note"><strong>This run was stopped early.</strong> The configurations that were finished are shown.</p>` : ""}
<p>At lambda = ${lambda}, ${items} random numbers split perfectly with probability ${perfect.probability.toFixed(4)}; as the numbers become more
at this lambda, the probability tends to ${limit.toFixed(4)}.</p>
<div class="figures">
${renderFigure(partitionFigure(findings), document, FIGURE_WIDTH).outerHTML}
</div>
<details><summary>What is shown</summary>
<p>${escape(MEANING)}</p>
</details>
<h2>Numbers</h2>
<p><a href="results.jsonl">results.jsonl</a> and <a href="results.csv">results.csv</a> have them with all digits.</p>
<details><summary>${rows.length} configurations</summary>
${tableHtml("Perfect partitions", head!, rows)}
</details>
<h2>Run</h2>
${runHtml(
  about,
  ["n", "lambda", "engine", "adapter", "exacta"],
  findings.map(({ items, lambda, engine, adapter, version }) => [
    String(items),
    String(lambda),
    engine,
    adapter,
    version,
  ]),
)}`,
  );
}
