// Instances from a file or a pipe: JSON Lines, plain text or CSV, one instance a line, in constant memory. Numbers are
// exact or refused, never rounded, and what is wrong with a line is said with its number.

import { isUtf8 } from "node:buffer";
import { extname } from "node:path";
import { parse as parseCsv } from "csv-parse/sync";
import { isSafeNumber, parse as parseExactJson } from "lossless-json";
import { RequestError } from "../../../src/errors.ts";
import { checkInstance, MAX_ITEM, type Instance } from "../../../src/solve/problem.ts";

export const formats = ["jsonl", "text", "csv"] as const;
export type Format = (typeof formats)[number];

export interface ReadOptions {
  /** Default: JSON Lines where the first line that is not blank starts with a brace, otherwise text. */
  readonly format?: Format | undefined;
  /** Instances need no target. */
  readonly partition?: boolean | undefined;
  /** Called for every malformed line, which is then left out; without it the first one ends everything. */
  readonly onMalformed?: ((error: RequestError) => void) | undefined;
}

/** More bytes than 10,000 items and as many targets take in any format. */
const MAX_LINE = 2 ** 24;

/** The format that a file's name stands for. */
export function formatOf(file: string): Format | undefined {
  const byExtension: Partial<Record<string, Format>> = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".txt": "text",
    ".csv": "csv",
  };
  return byExtension[extname(file).toLowerCase()];
}

/**
 * Reads instances from a stream of bytes. Throws TypeError or RangeError that names the line, after every instance before
 * it; a header of CSV that is wrong is thrown in any case, since no line after it can be understood.
 */
export async function* readInstances(
  stream: AsyncIterable<Uint8Array>,
  { format, partition = false, onMalformed }: ReadOptions = {},
): AsyncGenerator<Instance, void, undefined> {
  let number = 0;
  let read: ((line: string) => unknown) | undefined;
  for await (const lines of linesOf(stream))
    for (const line of lines) {
      number++;
      let instance: Instance;
      try {
        if (typeof line !== "string") throw line;
        // This takes a byte order mark with it.
        const text = line.trim();
        if (text === "") continue;
        format ??= text.startsWith("{") ? "jsonl" : "text";
        if (format === "csv" && !read) {
          read = csvReader(text, partition);
          continue;
        }
        read ??= format === "jsonl" ? fromJson : fromText;
        const fields = read(text);
        if (fields === undefined) continue;
        checkInstance(fields, partition);
        const { items, target, targets, id } = fields;
        // What else stands in a line is not kept.
        instance = { items, target, targets, id, line: number };
      } catch (error) {
        const refusal = refusalOf(error, number, line, format);
        if (!onMalformed || (format === "csv" && !read)) throw refusal;
        onMalformed(refusal);
        continue;
      }
      yield instance;
    }
}

type Line = string | RangeError;

/** Lines of a stream, those together that one chunk brings. One that is too long or no text is an error in its place. */
async function* linesOf(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Line[], void, undefined> {
  // What has come of a line that has not ended; of one that is too long nothing is kept.
  let parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream) {
    const lines: Line[] = [];
    const take = (part: Uint8Array) => {
      if (length <= MAX_LINE && length + part.length > MAX_LINE) {
        lines.push(new RequestError("length", `at most ${MAX_LINE} bytes`, length + part.length));
        parts = [];
      }
      length += part.length;
      if (length <= MAX_LINE && part.length > 0) parts.push(part);
    };
    let start = 0;
    for (let end; (end = chunk.indexOf(LINE_FEED, start)) >= 0; start = end + 1) {
      take(chunk.subarray(start, end));
      if (length <= MAX_LINE) lines.push(decode(parts));
      parts = [];
      length = 0;
    }
    take(chunk.subarray(start));
    if (lines.length > 0) yield lines;
  }
  if (parts.length > 0) yield [decode(parts)];
}

const LINE_FEED = 10;

function decode(parts: readonly Uint8Array[]): Line {
  const [first] = parts;
  const bytes =
    first && parts.length === 1
      ? Buffer.from(first.buffer, first.byteOffset, first.length)
      : Buffer.concat(parts);
  return isUtf8(bytes)
    ? bytes.toString()
    : new RequestError("text", "UTF-8", bytes.toString("latin1", 0, 100));
}

/** What a line is refused for. Parsers have errors of their own, and a very deep line ends in a stack overflow. */
function refusalOf(error: unknown, number: number, line: Line, format: Format | undefined): RequestError {
  const forms = { jsonl: "a JSON object", text: "items : targets", csv: "a CSV record" };
  const refusal =
    error instanceof RequestError
      ? error
      : new RequestError(
          "instance",
          forms[format ?? "text"],
          String(line).slice(0, 100),
          error instanceof SyntaxError ? error.message : undefined,
        );
  return refusal.at(`line ${number}`);
}

/** The fields of a JSON object. What JSON.parse could round goes through a parser that sees every digit, ten times slower. */
function fromJson(line: string): unknown {
  if (!/\d[.eE]|\d{16}/.test(line)) return JSON.parse(line) as unknown;
  return parseExactJson(line, null, {
    parseNumber: (text) => (isSafeNumber(text) ? Number(text) : integerOf(text)),
    // The last one holds, as with JSON.parse.
    onDuplicateKey: ({ newValue }) => newValue,
  });
}

/** `3 5 -8 : 10 11`; nothing of a comment. */
function fromText(line: string): unknown {
  if (line.startsWith("#")) return undefined;
  const [items = "", targets = "", ...rest] = line.split(":");
  if (rest.length > 0) throw new RequestError("instance", "items : targets", line);
  return { items: integersOf(items), targets: filled(targets.trim(), integersOf) };
}

/** Reads the records below a header: items in one column or in all that have no other meaning. */
function csvReader(header: string, partition: boolean): (line: string) => unknown {
  const names = fieldsOf(header).map((name) => name.trim());
  const known = ["items", "target", "targets", "id"].map((name) => names.indexOf(name));
  const twice = known.find((column) => column >= 0 && names.includes(names[column]!, column + 1));
  if (twice !== undefined) throw new RequestError("header", `one column ${names[twice]}`, header);
  const [items, target, targets, id] = known as [number, number, number, number];
  if (!partition && target < 0 && targets < 0)
    throw new RequestError("header", "a column target or targets", header);
  return (line) => {
    const fields = fieldsOf(line);
    if (fields.length !== names.length)
      throw new RequestError("record", `${names.length} fields`, fields.length);
    return {
      items:
        items < 0
          ? fields.filter((field, column) => !known.includes(column) && field !== "").map(integerOf)
          : integersOf(fields[items]!),
      // Of a list in a column that is meant for one integer the check sees the text.
      target: target < 0 ? undefined : filled(fields[target]!, integerOf),
      targets: targets < 0 ? undefined : filled(fields[targets]!, integersOf),
      id: id < 0 ? undefined : filled(fields[id]!, String),
    };
  };
}

/** The fields of one record by RFC 4180, without blanks around them. */
export function fieldsOf(record: string): string[] {
  if (!record.includes('"')) return record.split(",").map((field) => field.trim());
  try {
    // A line is a record, whatever stands in it.
    return parseCsv(record, { record_delimiter: "\n", trim: true })[0]!;
  } catch {
    throw new RequestError("record", "quotes around whole fields, doubled inside", record);
  }
}

function filled<T>(field: string, read: (field: string) => T): T | undefined {
  return field === "" ? undefined : read(field);
}

/** Integers between blanks, commas or semicolons. */
function integersOf(text: string): unknown[] {
  const list = text.trim();
  return list === "" ? [] : list.split(/\s*[,;]\s*|\s+/).map(integerOf);
}

/** An integer, exactly; other text stays as it is, for the check to show it. */
function integerOf(text: string): number | bigint | string {
  // No integer in range has more digits, and reading millions of them would take long.
  if (!/^[+-]?\d{1,40}$/.test(text)) return text;
  const number = Number(text);
  if (Number.isSafeInteger(number)) return number;
  // 2^53 is exact as well, but so looks 2^53 + 1.
  const exact = BigInt(text);
  return Math.abs(number) === MAX_ITEM && BigInt(number) === exact ? number : exact;
}
