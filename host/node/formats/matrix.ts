// Reads and writes matrices: .npy, the format of numpy, and text. Integers are exact or refused; real numbers are rounded where
// the caller says so. The memory is proportional to the length of a file, whatever sizes its header claims.

import { isUtf8 } from "node:buffer";
import { endianness } from "node:os";
import { parse as parseCsv } from "csv-parse/sync";
import * as z from "zod/mini";
import { RequestError, type Remedy } from "../../../src/errors.ts";
import { integer, parse } from "../../../src/check.ts";
import { decimalText, NumberFault, readInteger, readNumber } from "../../../src/numbers.ts";

/** The first six bytes of every .npy file: 0x93, then NUMPY. The version follows. */
const MAGIC = Buffer.from("\x93NUMPY", "latin1");
/** The longest header, in bytes, that numpy reads by default. */
const MAX_HEADER = 10_000;
/** The most integers of a .npy file, and the most bytes of text. */
const MAX_SIZE = 2 ** 28;
/** The most dimensions of an array in numpy. */
const MAX_DIMENSIONS = 64;
/** The alignment of data in numpy, in bytes. */
const ALIGNMENT = 64;

const FIELDS = "descr, fortran_order and shape";
const DTYPES = "<i4 or another of integers, booleans or floats";

/** The header of a .npy file: these three fields and no others. */
const headerSchema = z.strictObject(
  {
    descr: z.string(DTYPES).check(z.regex(/^([<>|][iub]1|[<>]([iu][248]|f[248]))$/, DTYPES)),
    fortran_order: z.boolean("True or False"),
    shape: z
      .array(integer(0, Number.MAX_SAFE_INTEGER), "lengths")
      .check(z.maxLength(MAX_DIMENSIONS, `at most ${MAX_DIMENSIONS} lengths`)),
  },
  FIELDS,
);

/** What the inputs of a network are. */
export interface InputForm {
  /** The numbers of each input. */
  readonly columns: number;
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
  const { header, start } = headerOf(bytes);
  const { descr, fortran_order: fortran, shape } = parse(headerSchema, header, "header");
  const rows = shape.length === 1 ? 1 : (shape[0] ?? 0);
  const lengths = shape.slice(shape.length === 1 ? 0 : 1);
  if (shape.length === 0 || lengths.reduce((product, length) => product * length, 1) !== columns)
    throw new RequestError("shape", `n inputs of ${columns} values`, `(${shape.join(", ")})`);
  if (rows * columns > MAX_SIZE)
    throw new RequestError("shape", `at most ${MAX_SIZE} values`, rows * columns);
  const size = Number(descr.at(-1)) * rows * columns;
  if (bytes.length - start !== size)
    throw new RequestError("data", `${size} bytes, as its shape asks for`, bytes.length - start);
  const numbers = numbersOf(descr, bytes.subarray(start));
  const offsets = fortran
    ? fortranOffsets(rows, lengths)
    : Uint32Array.from({ length: columns }, (_, i) => i);
  const step = fortran ? 1 : columns;
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

/** The header of a .npy file, and the offset of its data. */
function headerOf(bytes: Uint8Array): { header: unknown; start: number } {
  const [major = 0, minor = 0] = bytes.subarray(MAGIC.length);
  if (major < 1 || major > 3 || minor !== 0)
    throw new RequestError("version", "1.0, 2.0 or 3.0", `${major}.${minor}`);
  const at = MAGIC.length + 2;
  const digits = major === 1 ? 2 : 4;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < at + digits)
    throw new RequestError("header", "its length before the end of the file", bytes.length);
  const length = major === 1 ? view.getUint16(at, true) : view.getUint32(at, true);
  const start = at + digits + length;
  if (length > MAX_HEADER || start > bytes.length)
    throw new RequestError("header", `at most ${MAX_HEADER} bytes before the end of the file`, length);
  const text = Buffer.from(bytes.subarray(at + digits, start)).toString();
  // A Python dictionary becomes JSON. No valid name or dtype contains any of the replaced characters.
  const json = text
    .replaceAll("'", '"')
    .replaceAll("(", "[")
    .replaceAll(")", "]")
    .replaceAll(/,\s*(?=[\]}])/g, "")
    .replaceAll(/\bTrue\b/g, "true")
    .replaceAll(/\bFalse\b/g, "false");
  try {
    return { header: JSON.parse(json), start };
  } catch {
    throw new RequestError("header", FIELDS, text);
  }
}

const arrays = {
  i1: Int8Array,
  u1: Uint8Array,
  b1: Uint8Array,
  i2: Int16Array,
  u2: Uint16Array,
  i4: Int32Array,
  u4: Uint32Array,
  i8: BigInt64Array,
  u8: BigUint64Array,
  f4: Float32Array,
  f8: Float64Array,
};

const ours = endianness() === "LE" ? "<" : ">";

/** The numbers of the data; `descr` is their byte order and type. */
function numbersOf(descr: string, data: Uint8Array): ArrayLike<number | bigint> {
  const [order, kind] = [descr[0], descr.slice(1)];
  // A copy is aligned for every type.
  const { buffer } = new Uint8Array(data);
  const bytes = Buffer.from(buffer);
  const swap = { 1: () => bytes, 2: () => bytes.swap16(), 4: () => bytes.swap32(), 8: () => bytes.swap64() };
  if (order !== ours) swap[Number(kind[1]) as 1 | 2 | 4 | 8]();
  if (kind !== "f2") return new arrays[kind as keyof typeof arrays](buffer);
  const halves = Float64Array.from({ length: 2 ** 16 }, (_, bits) => half(bits));
  const words = new Uint16Array(buffer);
  const numbers = new Float64Array(words.length);
  for (let i = 0; i < words.length; i++) numbers[i] = halves[words[i]!]!;
  return numbers;
}

/** The value of a 16-bit float: sign, 5 bits of exponent, 10 bits of fraction. */
function half(bits: number): number {
  const sign = bits >> 15 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? (1024 + fraction) * 2 ** (exponent - 25) : fraction * 2 ** -24);
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

/** Exact integers as 64-bit integers, little-endian. */
export function int64Bytes(values: Float64Array): Buffer {
  const words = new Int32Array(2 * values.length);
  for (let i = 0; i < values.length; i++) {
    // An Int32Array stores the lowest 32 bits of a number.
    words[2 * i] = values[i]!;
    words[2 * i + 1] = Math.floor(values[i]! / 2 ** 32);
  }
  return littleEndian(words);
}

function floatBytes(values: Float64Array): Buffer {
  const bytes = Buffer.from(Float64Array.from(values).buffer);
  return ours === "<" ? bytes : bytes.swap64();
}

function littleEndian(words: Int32Array<ArrayBuffer>): Buffer {
  const bytes = Buffer.from(words.buffer);
  return ours === "<" ? bytes : bytes.swap32();
}

/**
 * A .npy file of version 1.0.
 * @param isReal Whether values are written as float64; otherwise as 32-bit integers where all fit, or as 64-bit integers.
 */
export function encodeNpy(values: Float64Array, shape: readonly number[], isReal = false): Buffer {
  const narrow = !isReal && values.every((value) => value === (value | 0));
  const lengths = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const descr = isReal ? "<f8" : narrow ? "<i4" : "<i8";
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${lengths}), }`;
  const start = Math.ceil((MAGIC.length + 4 + text.length + 1) / ALIGNMENT) * ALIGNMENT;
  const header = Buffer.alloc(start, " ");
  MAGIC.copy(header);
  header.writeUInt16LE(1, MAGIC.length);
  header.writeUInt16LE(start - MAGIC.length - 4, MAGIC.length + 2);
  header.write(text, MAGIC.length + 4);
  header.write("\n", start - 1);
  const data = isReal
    ? floatBytes(values)
    : narrow
      ? littleEndian(Int32Array.from(values))
      : int64Bytes(values);
  return Buffer.concat([header, data]);
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
