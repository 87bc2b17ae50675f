// Arrays in .npy, the format of numpy: headers, numbers, and files that are written.

import { endianness } from "node:os";
import * as z from "zod/mini";
import { integer, parse } from "../../../src/check.ts";
import { RequestError } from "../../../src/errors.ts";

/** The first six bytes of every .npy file: 0x93, then NUMPY. The version follows. */
export const MAGIC = Buffer.from("\x93NUMPY", "latin1");
/** The longest header, in bytes, that numpy reads by default. */
const MAX_HEADER = 10_000;
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

/** What a .npy file says of itself. */
export interface NpyHeader {
  /** The byte order and type of the numbers, such as <i4. */
  readonly descr: string;
  /** Whether the first index runs fastest. */
  readonly isFortran: boolean;
  readonly shape: readonly number[];
  /** The offset of the data in bytes. */
  readonly start: number;
}

/** The first bytes of a file that have its header, if it is no longer than numpy reads. */
export const HEADER_BYTES = MAGIC.length + 6 + MAX_HEADER;

/**
 * Reads the header of a .npy file of version 1.0, 2.0 or 3.0.
 * @param bytes The file, or its first `HEADER_BYTES` bytes.
 * @throws {RequestError} The header is damaged, or the numbers are neither integers, booleans nor floats.
 */
export function readNpyHeader(bytes: Uint8Array): NpyHeader {
  const { header, start } = headerOf(bytes);
  const { descr, fortran_order: isFortran, shape } = parse(headerSchema, header, "header");
  return { descr, isFortran, shape, start };
}

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

/** The numbers of data, of which a copy is made; `descr` is their byte order and type. */
export function numbersOf(descr: string, data: Uint8Array): ArrayLike<number | bigint> {
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

/** A .npy file of version 1.0 with these data, in C order. */
export function npyFile(descr: string, shape: readonly number[], data: Uint8Array): Buffer {
  const lengths = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${lengths}), }`;
  const start = Math.ceil((MAGIC.length + 4 + text.length + 1) / ALIGNMENT) * ALIGNMENT;
  const header = Buffer.alloc(start, " ");
  MAGIC.copy(header);
  header.writeUInt16LE(1, MAGIC.length);
  header.writeUInt16LE(start - MAGIC.length - 4, MAGIC.length + 2);
  header.write(text, MAGIC.length + 4);
  header.write("\n", start - 1);
  return Buffer.concat([header, data]);
}

/**
 * A .npy file of numbers.
 * @param isReal Whether values are written as float64; otherwise as 32-bit integers where all fit, or as 64-bit integers.
 */
export function encodeNpy(values: Float64Array, shape: readonly number[], isReal = false): Buffer {
  const narrow = !isReal && values.every((value) => value === (value | 0));
  const data = isReal
    ? floatBytes(values)
    : narrow
      ? littleEndian(Int32Array.from(values))
      : int64Bytes(values);
  return npyFile(isReal ? "<f8" : narrow ? "<i4" : "<i8", shape, data);
}
