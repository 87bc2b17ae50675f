// Required findings as text: the table for the terminal, and the CSV for spreadsheets.

import { probabilityText } from "../../../src/figures/figure.ts";
import type { RequiredFinding } from "../../../src/finding.ts";
import { csvField } from "../formats/csv-field.ts";
import { columns, grouped, wrap } from "./table.ts";

const POOLS: Record<RequiredFinding["pool"], string> = {
  uniform: "uniform on ±1..±M",
  products: "products u v of ±1..±N and 1..N, M = N^2",
  support: "products rejected until uniform on the distinct ones (in brackets: raw products needed)",
};

/** The table: a line for each pool and precision, a column for each probability of failure. */
export function requiredTable(findings: readonly RequiredFinding[]): string {
  const meaning = wrap(
    "n(P): the fewest random items with which the worst target of -M..M is missed with probability at most P. ~: the 95 % " +
      "intervals allow for one item more or less; a..b: what they allow for. bound: log2 (2M + 1); with fewer items no instance reaches all targets.",
  );
  const failures = [...new Set(findings.map(({ failure }) => failure))];
  const textOf = probabilityText(failures);
  const blocks = Object.entries(POOLS).flatMap(([pool, name]) => {
    const mine = findings.filter((finding) => finding.pool === pool);
    if (mine.length === 0) return [];
    const rows = [...new Set(mine.map(({ bits }) => bits))].map((bits) => {
      const row = mine.filter((finding) => finding.bits === bits);
      return [
        String(bits),
        String(2 ** bits),
        row[0]!.information.toFixed(2),
        ...failures.map((failure) => requiredCell(row.find((finding) => finding.failure === failure))),
      ];
    });
    return [
      [
        name,
        "",
        ...columns([["k", "M", "bound", ...failures.map((failure) => `n(${textOf(failure)})`)], ...rows]),
      ].join("\n"),
    ];
  });
  const { engine, adapter } = findings[0]!;
  const methods = [...new Set(findings.map(methodText))];
  const run = wrap(`${methods.join("; ")}, on ${engine} (${adapter})`);
  return `${[meaning.join("\n"), ...blocks, run.join("\n")].join("\n\n")}\n`;
}

/** How a finding was made. */
export function methodText({ method, trials, seed }: RequiredFinding): string {
  if (method === "exact") return "exact";
  const drawn = `${grouped(trials!)} trials${method === "counts" ? "" : " of each number of items"}, seed ${seed}`;
  return method === "counts" ? drawn : `${method}, ${drawn}`;
}

function requiredCell(finding: RequiredFinding | undefined): string {
  if (!finding) return "";
  const { items, decided, cost, itemsLow, itemsHigh } = finding;
  if (items === undefined) return `> ${finding.itemsTo}`;
  if (itemsLow !== undefined && !decided) return `${itemsLow}..${itemsHigh ?? ""}`;
  return `${decided ? "" : "~"}${items}${cost > 1 ? ` (${Math.ceil(items * cost)})` : ""}`;
}

const FIELDS = [
  "pool",
  "bits",
  "halfRange",
  "failure",
  "items",
  "itemsTo",
  "decided",
  "target",
  "cost",
] as const;
const ESTIMATES = ["measured", "before"] as const;
const ESTIMATE_FIELDS = ["solved", "probability", "low", "high"] as const;

/** CSV by RFC 4180: one row for each finding, numbers with all their digits. */
export function requiredCsv(findings: readonly RequiredFinding[]): string {
  const names = ESTIMATES.flatMap((estimate) => ESTIMATE_FIELDS.map((field) => `${estimate}_${field}`));
  const rows = findings.map((finding) =>
    [
      ...FIELDS.map((field) => finding[field]),
      ...ESTIMATES.flatMap((estimate) => ESTIMATE_FIELDS.map((field) => finding[estimate]?.[field])),
      finding.trials,
      finding.seed,
      finding.method,
      finding.itemsLow,
      finding.itemsHigh,
    ]
      .map(csvField)
      .join(","),
  );
  return [[...FIELDS, ...names, "trials", "seed", "method", "itemsLow", "itemsHigh"].join(","), ...rows]
    .map((line) => `${line}\r\n`)
    .join("");
}
