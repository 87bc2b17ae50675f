// Findings of given instances as lines of JSON and rows of CSV. Threads write them, so that this module imports little.

import type { SolveFinding } from "../../../src/finding.ts";
import { csvField } from "./csv-field.ts";
import { printable } from "./printable.ts";
import type { WrittenFinding, WrittenSubset } from "./written.ts";

/** What a line is made of. */
export type WrittenRecord = WrittenFinding | WrittenSubset;

/** The text of a record on stdout, and in a file: there without its provenance, so that every engine writes the same bytes. */
export interface SolutionText {
  readonly printed: string;
  readonly stored: string;
}

/** A record as a line of JSON or a row of CSV. */
export const textOf = (
  record: WrittenRecord,
  csv: boolean,
  columns: readonly Column[] = COLUMNS,
): SolutionText => (csv ? csvRow(record, columns) : jsonLine(record));

function jsonLine(record: WrittenRecord): SolutionText {
  const text = JSON.stringify(record);
  // Only ids and labels are texts of the input. Testing every line takes time.
  const isNamed =
    typeof record.id === "string" ||
    (record.kind === "subset" ? record.subsetLabels : record.witnessLabels || record.smallestWitnessLabels);
  const json = isNamed ? printable(text) : text;
  if (record.kind === "subset") return { printed: `${json}\n`, stored: `${json}\n` };
  // The provenance comes last. Cutting it off takes less time than making the text of a copy without it.
  return { printed: `${json}\n`, stored: `${json.slice(0, json.lastIndexOf(',"engine":'))}}\n` };
}

export const COLUMNS = [
  "instance",
  "id",
  "line",
  "items",
  "target",
  "size",
  "atMostSize",
  "tolerance",
  "atMost",
  "partition",
  "signed",
  "reachable",
  "sum",
  "profit",
  "difference",
  "count",
  "unique",
  "witness",
  "smallest",
  "smallestWitness",
  "witnessLabels",
  "smallestWitnessLabels",
  "method",
] as const satisfies readonly (keyof WrittenFinding)[];

/** Columns of the index sets of a list, one a row. */
export const LIST_COLUMNS = [
  "rank",
  "subset",
  "subsetLabels",
] as const satisfies readonly (keyof WrittenSubset)[];

export const PROVENANCE = ["engine", "adapter"] as const satisfies readonly (keyof SolveFinding)[];

export type Column = (typeof COLUMNS)[number] | (typeof LIST_COLUMNS)[number] | (typeof PROVENANCE)[number];

type Field = WrittenFinding[keyof WrittenFinding] | WrittenSubset[keyof WrittenSubset];

export const headerOf = (names: readonly string[]) => `${names.join(",")}\r\n`;

/**
 * A row of CSV by RFC 4180: indices are separated by blanks, labels are a list of JSON, and a field without an answer is empty.
 */
function csvRow(record: WrittenRecord, columns: readonly Column[]): SolutionText {
  const values: Partial<{ readonly [Name in Column]: Field }> = record;
  const fieldOf = (name: Column) => {
    const value = values[name];
    if (name.endsWith("Labels")) return csvField(value ? JSON.stringify(value) : undefined);
    return csvField(typeof value === "object" ? value?.join(" ") : value);
  };
  const row = columns.map(fieldOf).join(",");
  return { printed: `${row},${PROVENANCE.map(fieldOf).join(",")}\r\n`, stored: `${row}\r\n` };
}
