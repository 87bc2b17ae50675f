// Perfect partitions as text: the table for the terminal, and the CSV for spreadsheets.

import type { PartitionFinding } from "../../../src/finding.ts";
import { csvField } from "../formats/csv-field.ts";
import { columns, grouped, wrap } from "./table.ts";

/** A heading, then a row for each finding. */
export function partitionRows(findings: readonly PartitionFinding[]): string[][] {
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

/** What the columns mean. */
export const MEANING =
  "P(perfect): the share of trials in which n random numbers of 1..M split into two groups whose totals differ by at most 1. " +
  "±: the longer side of the exact 95 % interval. M is the integer nearest to 2^(n - (log2 n) / 2 + lambda). predicted: the limit law with the exact mean number of solutions at n. " +
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
