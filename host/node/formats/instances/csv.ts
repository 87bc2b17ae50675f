// CSV: a header, and in each record below it an instance, or an item. Commas, semicolons or tabs separate the fields.

import { RequestError } from "../../../../src/errors.ts";
import { NumberFault, readNumber } from "../../../../src/numbers.ts";
import { ITEM, TARGET } from "../../../../src/solve/problem.ts";
import type { Parsed } from "./instance.ts";
import { PlacedError } from "./refusal.ts";
import { partsOf, numberOf, type Piece, type Reading } from "./values.ts";

const separators = { commas: ",", semicolons: ";", tabs: "\t" } as const;
type Separator = (typeof separators)[keyof typeof separators];

/** What a header says, as plain data. Columns are given by their indices from 0. */
export interface Header {
  readonly separator: Separator;
  readonly names: readonly string[];
  /** The names as errors show them. */
  readonly quoted: readonly string[];
  /** The column of all items. Without it, each of the columns `single` has an item. */
  readonly items?: number | undefined;
  readonly target?: number | undefined;
  readonly targets?: number | undefined;
  readonly id?: number | undefined;
  /** The column of all profits; where every record has an item, that of its profit. */
  readonly profits?: number | undefined;
  readonly single: readonly number[];
  /** Where every record has an item: the columns of the values and of the labels that were chosen by name. */
  readonly value?: number | undefined;
  readonly label?: number | undefined;
}

export interface HeaderOptions {
  /** Tabs separate fields; otherwise the header tells what does. */
  readonly tabs: boolean;
  /** The first line has names, even where they look like numbers. */
  readonly header: boolean;
  /** Every record has an item; the names of the columns of values and labels. */
  readonly rows: boolean;
  readonly value?: string | undefined;
  readonly label?: string | undefined;
  /** The records have targets. */
  readonly hasTargets: boolean;
}

/**
 * What a header says.
 * @throws {RequestError} where the line may be no header, or where it is in doubt what its columns hold.
 */
export function readHeader(line: string, options: HeaderOptions): Header {
  const separator = options.tabs ? separators.tabs : separatorOf(line);
  const fields = splitRecord({ text: line, at: 0 }, separator);
  const names = fields.map(({ text }) => text);
  const quoted = names.map((name) => JSON.stringify(name));
  const lower = names.map((name) => name.toLowerCase());
  const number = fields.find(({ text }) => !(readNumber(text, "plain") instanceof NumberFault));
  if (number && !options.header && !KNOWN.some((name) => lower.includes(name)))
    throw new PlacedError(
      number.at,
      "header",
      "names of columns",
      number.text,
      "--header says that these are names",
    );
  const indexOf = (name: (typeof KNOWN)[number]) => {
    const column = lower.indexOf(name);
    if (column >= 0 && lower.includes(name, column + 1))
      throw new PlacedError(fields[lower.lastIndexOf(name)]!.at, "header", `one column ${name}`, line.trim());
    return column < 0 ? undefined : column;
  };
  const chosen = (option: "value" | "label") => {
    const name = options[option];
    if (name === undefined) return indexOf(option);
    const column = names.indexOf(name);
    if (column < 0) throw new RequestError(option, `one of the columns ${names.join(", ")}`, name);
    return column;
  };
  if (options.rows)
    return {
      separator,
      names,
      quoted,
      single: [],
      value: chosen("value"),
      label: chosen("label"),
      profits: indexOf("profit"),
    };
  const [items, target, targets, id, profits] = (
    ["items", "target", "targets", "id", "profits"] as const
  ).map(indexOf);
  if (options.hasTargets && target === undefined && targets === undefined)
    throw new RequestError("header", "a column target or targets", line.trim(), {
      option: "target",
      value: "T",
      because: "for all instances",
    });
  const known = new Set([items, target, targets, id, profits]);
  const single = items === undefined ? [...names.keys()].filter((column) => !known.has(column)) : [];
  // The index of a table that pandas writes has no name. It would be taken for an item.
  const unnamed = single.find((column) => names[column] === "");
  if (unnamed !== undefined)
    throw new PlacedError(
      fields[unnamed]!.at,
      "header",
      "a name for every column",
      "",
      "name it id, or leave it out",
    );
  if (items === undefined && single.length === 0)
    throw new RequestError("header", "a column items, or a column for each item", line.trim());
  return { separator, names, quoted, items, target, targets, id, profits, single };
}

/** Names in lower case that make a line a header beyond doubt, and that say what a column holds. */
const KNOWN = ["items", "target", "targets", "id", "profits", "profit", "value", "label"] as const;

/** The separator of a header: the only one of the three that stands in it outside of quotes. */
function separatorOf(line: string): Separator {
  const bare = line.replace(/"[^"]*"/g, "");
  const found = Object.values(separators).filter((separator) => bare.includes(separator));
  if (found.length <= 1) return found[0] ?? separators.commas;
  throw new RequestError("header", "one of commas, semicolons and tabs between names", line.trim(), [
    "write names that contain another one in quotes",
    { option: "input", value: "tsv", because: "where tabs separate" },
  ]);
}

/** What a record below a header gives for an instance. */
export function readRecord(header: Header, line: string, reading: Reading): Parsed {
  const { names, quoted, items, target, targets, id, profits, single } = header;
  const fields = fieldsBelow(header, { text: line, at: 0 });
  const filled = (column: number | undefined) =>
    column === undefined || fields[column]!.text === "" ? undefined : fields[column];
  const nameOf = (column: number | undefined) => quoted[column!]!;
  const numberIn = (column: number, range: string) =>
    numberOf(fields[column]!, reading, { field: nameOf(column), range });
  const listIn = (column: number, range: string, form = reading) => {
    const role = { field: nameOf(column), range };
    return partsOf(fields[column]!, form, role).pieces.map((piece) => numberOf(piece, form, role));
  };
  // The places of the cells that are not blank, among the columns of items.
  const places = [...single.keys()].filter((place) => filled(single[place]));
  return {
    items: items === undefined ? places.map((place) => numberIn(single[place]!, ITEM)) : listIn(items, ITEM),
    target: filled(target) && numberIn(target!, TARGET),
    targets: filled(targets) && listIn(targets!, TARGET),
    profits: filled(profits) && listIn(profits!, ITEM, { ...reading, decimals: false }),
    id: filled(id)?.text,
    columns: places.length < single.length ? places : undefined,
    labels: items === undefined ? places.map((place) => names[single[place]!]!) : undefined,
    nameOf: (list, index) =>
      nameOf({ items: items ?? single[places[index] ?? 0], target, targets, profits }[list]),
    targetPlace: "write it in a column target",
  };
}

/**
 * The fields of a record below a header.
 * @throws {PlacedError} where they are not as many as the header has.
 */
export function fieldsBelow({ names, separator }: Header, record: Piece): Piece[] {
  const fields = splitRecord(record, separator);
  if (fields.length !== names.length)
    throw new PlacedError(
      record.at,
      "record",
      `${names.length} fields, as in the header`,
      fields.length,
      "write a field that contains a separator in quotes",
    );
  return fields;
}

/** The fields of a record, each with its place. A record is one line, and blanks around fields do not count. */
function splitRecord({ text: record, at: start }: Piece, separator: Separator): Piece[] {
  const fields: Piece[] = [];
  if (!record.includes('"')) {
    let at = start;
    for (const field of record.split(separator)) {
      const text = field.trim();
      fields.push({ text, at: at + (field === text ? 0 : field.indexOf(text)) });
      at += field.length + 1;
    }
    return fields;
  }
  const misquoted = (at: number) =>
    new PlacedError(start + at, "record", "quotes around whole fields, doubled inside", record.trim());
  for (let at = 0; ; at++) {
    while (isBlank(record[at], separator)) at++;
    const isQuoted = record[at] === '"';
    const field = isQuoted ? quotedField(record, at) : bareField(record, at, separator);
    if (!field) throw misquoted(at);
    fields.push({ text: field.text.trim(), at: start + at + (isQuoted ? 1 : 0) });
    at = field.end;
    while (isBlank(record[at], separator)) at++;
    if (at >= record.length) return fields;
    if (record[at] !== separator) throw misquoted(at);
  }
}

const isBlank = (character: string | undefined, separator: Separator) =>
  character !== undefined && character !== separator && /[\s\ufeff]/.test(character);

interface Field {
  readonly text: string;
  /** The index behind it. */
  readonly end: number;
}

/** A field without quotes; undefined where it has one. */
function bareField(record: string, at: number, separator: Separator): Field | undefined {
  const next = record.indexOf(separator, at);
  const end = next < 0 ? record.length : next;
  const text = record.slice(at, end);
  return text.includes('"') ? undefined : { text, end };
}

/** A field in quotes, which are doubled inside; undefined where it does not end. */
function quotedField(record: string, at: number): Field | undefined {
  let text = "";
  for (let from = at + 1; ;) {
    const quote = record.indexOf('"', from);
    if (quote < 0) return undefined;
    text += record.slice(from, quote);
    if (record[quote + 1] !== '"') return { text, end: quote + 1 };
    text += '"';
    from = quote + 2;
  }
}
