// Width findings as text: the table for the terminal and the CSV for spreadsheets.

import type { WidthFinding } from "../../../src/finding.ts";
import { csvField } from "../formats/csv-field.ts";
import { columns, grouped, wrap } from "./table.ts";

/** A heading, then a row for each finding. */
export function requiredRows(findings: readonly WidthFinding[]): string[][] {
  const several = quantizersOf(findings).length > 1;
  return [
    [
      "k",
      "k_t",
      "d",
      "l",
      ...(several ? ["reduced"] : []),
      ...(findings[0]?.required ?? []).map(({ probability }) => `h(${probability})`),
      "Theorem 3",
      "parameters",
      "gap",
      "dense",
    ],
    ...findings.map((finding) => {
      const { bits, targetBits, width, depth, maxUnits, required, lowerBound, parameters, gap } = finding;
      return [
        ...[bits, targetBits, width, depth].map(String),
        ...(several ? [finding.weightQuantizer] : []),
        ...required.map(({ units, predicted }) => `${units ?? `> ${maxUnits}`} (${predicted ?? "?"})`),
        grouped(Math.ceil(lowerBound)),
        parameters ? grouped(Math.round(parameters.structured)) : "",
        gap ? `${gap.structured.toFixed(1)}x` : "",
        gap ? `${gap.dense.toFixed(1)}x` : "",
      ];
    }),
  ];
}

/** The quantizers that reduce random weights; none where weights are not reduced. */
function quantizersOf(findings: readonly WidthFinding[]): string[] {
  const reduced = findings.filter(({ bits, initialBits }) => initialBits > bits);
  return [...new Set(reduced.map(({ weightQuantizer }) => weightQuantizer))];
}

/** How the random weights of a finding are drawn, in words. */
export function lawText({ bits, initialBits, weightQuantizer, zero }: WidthFinding): string {
  const reduced = initialBits > bits ? ` from ${initialBits} bits, ${weightQuantizer}` : "";
  return `${zero ? "with 0" : "without 0"}${reduced}`;
}

/** The table for the terminal, at most 100 columns wide: a line for each finding. */
export function widthTable(findings: readonly WidthFinding[]): string {
  const [{ trials, seed, engine, adapter, zero, initialBits }] = findings as [WidthFinding];
  const quantizers = quantizersOf(findings);
  const meaning = wrap(
    "Random networks with weights of k bits that contain l random layers of d inputs and d outputs with weights of k_t bits. h(P): " +
      "the fewest hidden units of each input with which a network contains the layers with probability P, in brackets the predicted number. " +
      "Theorem 3: fewer nonzero parameters do not have a mask for half of the choices of the layers' weights. parameters: the mean number of nonzero ones with h(0.5). gap: their ratio to the bound; dense: the same for dense layers.",
  );
  const run = wrap(
    `${grouped(trials)} networks each, weights ${zero ? "with" : "without"} 0${quantizers.length > 0 ? `, drawn with ${initialBits} bits and reduced: ${quantizers.join(", ")}` : ""}, seed ${seed}, on ${engine} (${adapter})`,
  );
  return `${[meaning, columns(requiredRows(findings)), run].map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

const CONFIG_FIELDS = [
  "bits",
  "targetBits",
  "width",
  "depth",
  "initialBits",
  "weightQuantizer",
  "zero",
  "trials",
  "asked",
  "complete",
  "seed",
] as const;
const POINT_FIELDS = ["units", "solved", "probability", "low", "high", "predicted"] as const;

/** CSV by RFC 4180: one row for each point of a curve, numbers with all their digits. */
export function widthCsv(findings: readonly WidthFinding[]): string {
  const rows = findings.flatMap((finding) =>
    finding.curve.map((point) =>
      [...CONFIG_FIELDS.map((name) => finding[name]), ...POINT_FIELDS.map((name) => point[name])]
        .map(csvField)
        .join(","),
    ),
  );
  const header = [...CONFIG_FIELDS, ...POINT_FIELDS].join(",");
  return [header, ...rows].map((line) => `${line}\r\n`).join("");
}
