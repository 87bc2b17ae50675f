// Reads instances from a file or a pipe: JSON Lines, plain text or CSV, one instance a line, in constant memory. Numbers are
// exact or refused, never rounded. An error names its line.

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
  /** Called for every malformed line, which is then left out. Without it the first malformed line is thrown as an error. */
  readonly onMalformed?: ((error: RequestError) => void) | undefined;
}

/** More than 10,000 items and as many targets take in any format. */
const MAX_LINE_BYTES = 2 ** 24;

/** The format that a file's extension names; undefined for other extensions. */
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
 * Reads instances from a stream of bytes.
 * @throws {RequestError} that names a malformed line, after all instances before it. A wrong header of CSV is thrown even with
 * `onMalformed`, since no line after it can be understood.
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
        // trim() removes a byte order mark as well.
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
        // Other fields are dropped, so that they take no memory.
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

/** Lines of a stream, in lists of those that a chunk completes. A line that is too long or not UTF-8 is replaced by its error. */
async function* linesOf(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Line[], void, undefined> {
  // The beginning of a line that has not ended yet; nothing of a line that is too long.
  let parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream) {
    const lines: Line[] = [];
    const take = (part: Uint8Array) => {
      if (length <= MAX_LINE_BYTES && length + part.length > MAX_LINE_BYTES) {
        lines.push(new RequestError("length", `at most ${MAX_LINE_BYTES} bytes`, length + part.length));
        parts = [];
      }
      length += part.length;
      if (length <= MAX_LINE_BYTES && part.length > 0) parts.push(part);
    };
    let start = 0;
    for (let end; (end = chunk.indexOf(LINE_FEED, start)) >= 0; start = end + 1) {
      take(chunk.subarray(start, end));
      if (length <= MAX_LINE_BYTES) lines.push(decode(parts));
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

/** The refusal of a line. Errors of the parsers, and the stack overflow of a deeply nested line, become refusals as well. */
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

/** The fields of a JSON object. JSON.parse could round some numbers; their lines go through an exact but slower parser. */
function fromJson(line: string): unknown {
  if (!/\d[.eE]|\d{16}/.test(line)) return JSON.parse(line) as unknown;
  return parseExactJson(line, null, {
    parseNumber: (text) => (isSafeNumber(text) ? Number(text) : integerOf(text)),
    // The last one counts, as in JSON.parse.
    onDuplicateKey: ({ newValue }) => newValue,
  });
}

/** The fields of `3 5 -8 : 10 11`; undefined for a comment. */
function fromText(line: string): unknown {
  if (line.startsWith("#")) return undefined;
  const [items = "", targets = "", ...rest] = line.split(":");
  if (rest.length > 0) throw new RequestError("instance", "items : targets", line);
  return { items: integersOf(items), targets: filled(targets.trim(), integersOf) };
}

/** A reader for the records below a header. Items are in one column, or in all columns without another meaning. */
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
      // A list in the column of a single integer stays text, which the check refuses.
      target: target < 0 ? undefined : filled(fields[target]!, integerOf),
      targets: targets < 0 ? undefined : filled(fields[targets]!, integersOf),
      id: id < 0 ? undefined : filled(fields[id]!, String),
    };
  };
}

/** The fields of one record by RFC 4180, trimmed. */
export function fieldsOf(record: string): string[] {
  if (!record.includes('"')) return record.split(",").map((field) => field.trim());
  try {
    // Every line is one record, even with an open quote.
    return parseCsv(record, { record_delimiter: "\n", trim: true })[0]!;
  } catch {
    throw new RequestError("record", "quotes around whole fields, doubled inside", record);
  }
}

function filled<T>(field: string, read: (field: string) => T): T | undefined {
  return field === "" ? undefined : read(field);
}

/** Integers separated by blanks, commas or semicolons. */
function integersOf(text: string): unknown[] {
  const list = text.trim();
  return list === "" ? [] : list.split(/\s*[,;]\s*|\s+/).map(integerOf);
}

/** An exact integer. Other text stays as it is, so that the check can show it. */
function integerOf(text: string): number | bigint | string {
  // No integer in range has more digits, and BigInt takes quadratic time in their number.
  if (!/^[+-]?\d{1,40}$/.test(text)) return text;
  const number = Number(text);
  if (Number.isSafeInteger(number)) return number;
  // 2^53 is exact as a number as well, but 2^53 + 1 rounds to it.
  const exact = BigInt(text);
  return Math.abs(number) === MAX_ITEM && BigInt(number) === exact ? number : exact;
}
