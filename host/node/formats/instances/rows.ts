// A table in which every record is an item of one instance.

import { RequestError } from "../../../../src/errors.ts";
import { ITEM } from "../../../../src/solve/problem.ts";
import { fieldsBelow, type Header } from "./csv.ts";
import type { Parsed } from "./instance.ts";
import { PlacedError } from "./refusal.ts";
import { numberOf, type Piece, type Reading } from "./values.ts";

/**
 * The instance whose items are the records below a header.
 * @throws {RequestError} where the column of the values is in doubt.
 */
export function readRows(header: Header, lines: readonly Piece[], reading: Reading): Parsed {
  const { names } = header;
  const records = lines.map((line) => fieldsBelow(header, line));
  const value = header.value ?? valueColumn(header, records, reading);
  const { profits } = header;
  const others = [...names.keys()].filter((column) => column !== value && column !== profits);
  const label = header.label ?? (others.length === 1 ? others[0] : undefined);
  // The numbers of the records whose value is not blank.
  const rows = [...records.keys()].filter((row) => records[row]![value]!.text !== "");
  const field = header.quoted[value]!;
  const profit = { field: header.quoted[profits ?? value]!, range: ITEM };
  return {
    items: rows.map((row) => numberOf(records[row]![value]!, reading, { field, range: ITEM })),
    columns: rows.length < records.length ? rows : undefined,
    labels: label === undefined ? undefined : rows.map((row) => records[row]![label]!.text || null),
    profits:
      profits === undefined
        ? undefined
        : rows.map((row) => numberOf(records[row]![profits]!, { ...reading, decimals: false }, profit)),
    nameOf: (list) => ({ items: field, profits: profit.field })[list as string] ?? "target",
    targetPlace: "all records of this input are one instance",
  };
}

/** The only column of numbers. */
function valueColumn(
  { names, profits }: Header,
  records: readonly (readonly Piece[])[],
  reading: Reading,
): number {
  const columns = [...names.keys()].filter((column) => column !== profits);
  const found =
    columns.length === 1 ? columns : columns.filter((column) => isNumeric(records, column, reading));
  if (found.length === 1) return found[0]!;
  throw new RequestError(
    "value",
    "one column of numbers, or one that is named",
    found.length === 0 ? undefined : found.map((column) => names[column]),
    {
      option: "value",
      value: "NAME",
      because: `for one of the columns ${columns.map((column) => names[column]).join(", ")}`,
    },
  );
}

/** Whether all cells of a column that are not blank are numbers. */
function isNumeric(records: readonly (readonly Piece[])[], column: number, reading: Reading): boolean {
  try {
    const cells = records.map((record) => record[column]!).filter(({ text }) => text !== "");
    for (const cell of cells) numberOf(cell, reading, { field: "", range: ITEM });
    return cells.length > 0;
  } catch (error) {
    if (error instanceof PlacedError) return false;
    throw error;
  }
}
