// Reads inputs from .npy files and text, and writes outputs as text. Integers are exact or refused; real numbers are rounded
// where the caller says so. The memory is proportional to the length of a file, whatever sizes its header claims.

import { isUtf8 } from "node:buffer";
import { parse as parseCsv } from "csv-parse/sync";
import { RequestError, type Remedy } from "../../../src/errors.ts";
import { decimalText, NumberFault, readInteger, readNumber } from "../../../src/numbers.ts";
import { MAGIC, numbersOf, readNpyHeader } from "./npy.ts";

/** The most integers of a .npy file, and the most bytes of text. */
const MAX_SIZE = 2 ** 28;

/** What the inputs of a network are. */
export interface InputForm {
  /** The numbers of each input. */
  readonly columns: number;
  /** The shape of an input that is an image, [channels, height, width]. */
  readonly shape?: readonly number[] | undefined;
  /** Inputs are integers of -most..most. */
  readonly most: number;
  /** For real numbers: the largest one, and the integer of one that is not larger. Without it, integers are read. */
  readonly real?: { readonly largest: number; readonly integerOf: (value: number) => number } | undefined;
  /** Whether the first line of text has names; without it, names are recognized, and 0,1,2,... is refused. */
  readonly hasHeader?: boolean | undefined;
  /** What to do about a fraction where integers are read. */
  readonly fractions?: Remedy | undefined;
}

/**
 * Decodes the inputs of a network, row by row.
 *
 * A .npy file (versions 1 to 3) has the shape [inputs, columns], or [inputs, ...] with as many values, or [columns] for a single
 * input. Its numbers are integers, booleans or floats. Text has a row on each line, separated by semicolons, tabs, commas or
 * blanks, whichever of these the first line has; a first line of names is skipped, and so are comments, which start with #.
 * @throws {RequestError} for any other content. It names the row and column, from 1, of a wrong number.
 */
export function decodeInputs(bytes: Uint8Array, form: InputForm): Int32Array {
  if (MAGIC.equals(bytes.subarray(0, MAGIC.length))) return fromNpy(bytes, form);
  if (bytes.length === 0 || !isUtf8(bytes))
    throw new RequestError(
      "inputs",
      "a .npy file or text",
      Buffer.from(bytes.subarray(0, 20)).toString("latin1"),
    );
  return fromText(bytes, form);
}

function fromNpy(bytes: Uint8Array, form: InputForm): Int32Array {
  const { columns, hasHeader } = form;
  if (hasHeader !== undefined)
    throw new RequestError("header", "none for a .npy file, which has no line of names", hasHeader);
  const { descr, isFortran, shape, start } = readNpyHeader(bytes);
  const rows = shape.length === 1 ? 1 : (shape[0] ?? 0);
  const lengths = shape.slice(shape.length === 1 ? 0 : 1);
  const got = `(${shape.join(", ")})`;
  if (shape.length === 0 || lengths.reduce((product, length) => product * length, 1) !== columns)
    throw new RequestError(
      "shape",
      `n inputs of ${columns} values`,
      got,
      shape.length > 1 && shape.reduce((product, length) => product * length, 1) === columns
        ? "a single input needs an axis of length 1 before the others: x[None] in NumPy"
        : undefined,
    );
  if (form.shape && lengths.length > 1 && axes(lengths) !== axes(form.shape))
    throw new RequestError(
      "shape",
      `(n, ${form.shape.join(", ")}), or a row of ${columns} values for each input`,
      got,
      "channels come before height and width: x.transpose(0, 3, 1, 2) in NumPy moves them",
    );
  if (rows * columns > MAX_SIZE)
    throw new RequestError("shape", `at most ${MAX_SIZE} values`, rows * columns);
  const size = Number(descr.at(-1)) * rows * columns;
  if (bytes.length - start !== size)
    throw new RequestError("data", `${size} bytes, as its shape asks for`, bytes.length - start);
  const numbers = numbersOf(descr, bytes.subarray(start));
  const offsets = isFortran
    ? fortranOffsets(rows, lengths)
    : Uint32Array.from({ length: columns }, (_, i) => i);
  const step = isFortran ? 1 : columns;
  const inputs = new Int32Array(rows * columns);
  for (let row = 0, at = 0; row < rows; row++)
    for (let column = 0; column < columns; column++, at++) {
      const number = numbers[row * step + offsets[column]!]!;
      const input = inputOf(Number(number), form);
      if (input === undefined) throw refusal(row, column, number, Number(number), form);
      inputs[at] = input;
    }
  return inputs;
}

/** The lengths of axes. Those of length 1 may be left out. */
const axes = (lengths: readonly number[]): string => lengths.filter((length) => length !== 1).join();

/** The offsets of the values of row 0, in C order, in an array in Fortran order. */
function fortranOffsets(rows: number, lengths: readonly number[]): Uint32Array {
  let offsets = [0];
  let stride = rows;
  for (const length of lengths) {
    offsets = offsets.flatMap((offset) => Array.from({ length }, (_, i) => offset + i * stride));
    stride *= length;
  }
  return Uint32Array.from(offsets);
}

function fromText(bytes: Uint8Array, form: InputForm): Int32Array {
  const { columns, real } = form;
  if (bytes.length > MAX_SIZE)
    throw new RequestError("text", `at most ${MAX_SIZE} bytes`, bytes.length, "a .npy file takes more");
  const numberOf = real ? realOf : integerOf;
  // A number takes at least two bytes: a digit and a separator.
  const inputs = new Int32Array(Math.ceil((bytes.length + 1) / 2));
  let row = 0;
  let separator: Separator | undefined;
  for (const line of Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString().split("\n")) {
    // trim() removes a byte order mark as well.
    const text = line.trim();
    if (text === "" || text.startsWith("#")) continue;
    const isFirst = separator === undefined;
    separator ??= separatorOf(line);
    const fields = fieldsOf(separator === "\t" ? line : text, separator);
    if (isFirst && isHeader(fields, form)) continue;
    if (fields.length !== columns)
      throw new RequestError(`row ${row + 1}`, `${columns} ${real ? "numbers" : "integers"}`, fields.length);
    for (let column = 0; column < columns; column++) {
      const field = fields[column]!;
      const number = numberOf(field);
      const input = inputOf(number, form);
      if (input === undefined) throw refusal(row, column, field, realOf(field), form);
      inputs[row * columns + column] = input;
    }
    row++;
  }
  return inputs.slice(0, row * columns);
}

/** What is between the fields of a line; blanks are one space or more. */
type Separator = ";" | "\t" | "," | " ";

/** The separator of a file, by its first line. Text in quotes does not count. */
function separatorOf(line: string): Separator {
  const bare = line.replace(/"[^"]*"/g, "").replace(/[\r\n]+$/, "");
  return ([";", "\t", ","] as const).find((separator) => bare.includes(separator)) ?? " ";
}

/** The fields of one line by RFC 4180, trimmed. */
function fieldsOf(line: string, separator: Separator): string[] {
  const text = separator === " " ? line.replace(/\s+/g, " ") : line;
  if (!text.includes('"')) return text.split(separator).map((field) => field.trim());
  try {
    // Every line is one record, even with an open quote.
    return parseCsv(text, { record_delimiter: "\n", delimiter: separator, trim: true, bom: true })[0]!;
  } catch {
    throw new RequestError("record", "quotes around whole fields, doubled inside", line);
  }
}

/**
 * Whether the first line has names instead of numbers.
 * @throws {RequestError} For names that are not one for each column, and for 0,1,2,..., which may be either.
 */
function isHeader(fields: readonly string[], { columns, hasHeader }: InputForm): boolean {
  const areNames = hasHeader ?? fields.every(isName);
  if (areNames) {
    const isUnnamed = fields.some((field) => field === "");
    if (fields.length !== columns || isUnnamed)
      throw new RequestError(
        "header",
        `${columns} names, one for each input of the network`,
        fields.join(","),
        isUnnamed ? "leave out row numbers, as pandas does with index=False" : undefined,
      );
    return true;
  }
  // pandas names columns so by default.
  if (hasHeader === undefined && fields.length === columns && fields.every((field, i) => realOf(field) === i))
    throw new RequestError(
      "first line",
      "numbers, or names that do not count the columns",
      fields.join(","),
      [
        { option: "header", value: "yes", because: "if these are names" },
        { option: "header", value: "no", because: "if these are numbers" },
      ],
    );
  return false;
}

/** Whether a field of the first line is a name: neither a number, nor a value of another kind, nor missing. */
function isName(field: string): boolean {
  return /^[^\d.+\-\u2212]/.test(field) && !/^(nan|inf|infinity|true|false|null|none|na|n\/a)$/i.test(field);
}

/** The integer in a field, in any form: 12, +5, 12.0, 1e3, 1_000 or 0x1F; NaN where there is none. */
function integerOf(field: string): number {
  // The common form, which takes the reader of all forms far longer.
  if (/^-?\d{1,15}$/.test(field)) return Number(field);
  const integer = readInteger(field, "plain");
  return typeof integer === "number" ? integer : NaN;
}

/** The real number in a field, as the nearest float64; NaN where there is none. */
function realOf(field: string): number {
  if (/^-?\d+(\.\d+)?$/.test(field)) return Number(field);
  const number = readNumber(field, "plain");
  return number instanceof NumberFault ? NaN : Number(decimalText(number.digits, number.places));
}

/** The integer that a number is to the network; undefined for a number that it does not take. */
function inputOf(number: number, { most, real }: InputForm): number | undefined {
  if (real) return Math.abs(number) <= real.largest ? real.integerOf(number) : undefined;
  return Number.isInteger(number) && Math.abs(number) <= most ? number : undefined;
}

/** @param got The number as it is written. @param value Its value; NaN where it is none. */
function refusal(
  row: number,
  column: number,
  got: unknown,
  value: number,
  { most, real, fractions, hasHeader }: InputForm,
): RequestError {
  const range = real ? `a number in ${-real.largest}..${real.largest}` : `an integer in ${-most}..${most}`;
  let remedy: Remedy | undefined;
  if (Number.isFinite(value)) {
    if (real) remedy = { option: "inputScale", because: "the largest input" };
    else if (!Number.isInteger(value)) remedy = fractions;
  } else if (typeof got === "string" && /^[+-]?\d+,\d+$/.test(got)) remedy = "write decimals with a point";
  else if (typeof got === "string" && row === 0 && hasHeader === undefined && isName(got))
    remedy = { option: "header", value: "yes", because: "if the first line has names" };
  return new RequestError(`row ${row + 1}, column ${column + 1}`, range, got, remedy);
}

/** Rows of one piece of text. */
const BATCH_ROWS = 1024;

/** CSV with `columns` numbers on each line, in pieces of many lines; a real number in the fewest digits that give it back. */
export function* csvOf(values: Float64Array, columns: number): Generator<string, void, undefined> {
  const step = BATCH_ROWS * columns;
  for (let first = 0; first < values.length; first += step) {
    let text = "";
    for (let at = first; at < Math.min(first + step, values.length); at += columns)
      text += `${values.subarray(at, at + columns).join(",")}\n`;
    yield text;
  }
}
