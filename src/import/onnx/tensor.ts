// Constants of a graph, and the tensors of a model that hold their numbers, in the model or in a file beside it.

import { RequestError } from "../../errors.ts";
import {
  fixed,
  has,
  integers,
  manyBytes,
  oneBytes,
  oneInteger,
  oneText,
  readMessage,
  roundedIntegers,
  type Message,
} from "../protobuf.ts";
import { bytesOf, countOf, isInteger, valuesOf, type Dtype } from "../tensor.ts";
import { quoted } from "../text.ts";

/** A value that does not depend on the input. */
export interface Constant {
  readonly kind: "constant";
  /** The name of the tensor that its numbers come from. */
  readonly name: string;
  /** The number of its element type. */
  readonly type: number;
  readonly shape: readonly number[];
  /**
   * Its numbers in row-major order, which callers do not change. An integer that only the input fixes, such as the number of
   * samples, is NaN. Integers beyond 2^53 are rounded.
   */
  readonly values: () => Float64Array<ArrayBuffer>;
  /** Whether its numbers are integers because they were integers in the model, be their type a float by now. */
  readonly exact: boolean;
  /** Factors of its numbers, which are then exact: one, or one for every index of an axis. */
  readonly scales?: Scales | undefined;
}

export interface Scales {
  /** Undefined for one factor. */
  readonly axis: number | undefined;
  readonly values: Float64Array<ArrayBuffer>;
}

/**
 * Reads bytes of a file beside the model.
 * @param location Its path relative to the folder of the model, as the model states it.
 * @returns The `length` bytes from `offset`.
 */
export type ReadExternal = (location: string, offset: number, length: number) => Uint8Array;

interface ElementType {
  readonly name: string;
  /** Undefined for types whose numbers are not read. */
  readonly dtype?: Dtype;
  /** The field of a tensor that lists its numbers where they are not raw bytes. */
  readonly field: number;
  /** The range of an integer type whose results can be checked. */
  readonly range?: readonly [number, number];
}

const types: Readonly<Record<number, ElementType>> = {
  1: { name: "FLOAT", dtype: "F32", field: 4 },
  2: { name: "UINT8", dtype: "U8", field: 5, range: [0, 255] },
  3: { name: "INT8", dtype: "I8", field: 5, range: [-128, 127] },
  4: { name: "UINT16", dtype: "U16", field: 5, range: [0, 65535] },
  5: { name: "INT16", dtype: "I16", field: 5, range: [-32768, 32767] },
  6: { name: "INT32", dtype: "I32", field: 5, range: [-(2 ** 31), 2 ** 31 - 1] },
  7: { name: "INT64", dtype: "I64", field: 7, range: [-Infinity, Infinity] },
  9: { name: "BOOL", dtype: "U8", field: 5, range: [0, 1] },
  10: { name: "FLOAT16", dtype: "F16", field: 5 },
  11: { name: "DOUBLE", dtype: "F64", field: 10 },
  12: { name: "UINT32", dtype: "U32", field: 11, range: [0, 2 ** 32 - 1] },
  13: { name: "UINT64", field: 11, range: [0, Infinity] },
  16: { name: "BFLOAT16", dtype: "BF16", field: 5 },
  21: { name: "UINT4", field: 5, range: [0, 15] },
  22: { name: "INT4", field: 5, range: [-8, 7] },
};

export const FLOAT = 1;
export const INT64 = 7;

/** The name of an element type. */
export function typeName(type: number): string {
  return types[type]?.name ?? `type ${type}`;
}

/** The range of an integer type; undefined for floats and unknown types. */
export function rangeOf(type: number): readonly [number, number] | undefined {
  return types[type]?.range;
}

export function isFloat(type: number): boolean {
  return ["FLOAT", "FLOAT16", "DOUBLE", "BFLOAT16"].includes(typeName(type));
}

/** Rounds numbers as a type of floats holds them. */
export function roundedTo(type: number, values: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  if (typeName(type) === "FLOAT") return values.map(Math.fround);
  const bits = { FLOAT16: [11, -24, 65504] as const, BFLOAT16: [8, -133, 2 ** 127 * (2 - 2 ** -7)] as const }[
    typeName(type)
  ];
  if (!bits) return values;
  const [significant, least, most] = bits;
  return values.map((value) => {
    if (!Number.isFinite(value) || value === 0) return value;
    const unit = 2 ** Math.max(Math.floor(Math.log2(Math.abs(value))) - significant + 1, least);
    const rounded = roundedEven(value / unit) * unit;
    return Math.abs(rounded) > most ? Math.sign(value) * Infinity : rounded;
  });
}

/** The nearest integer, of two the even one. */
export function roundedEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 !== 0) ? below + 1 : below;
}

/**
 * A tensor of a model. Its numbers are decoded when `values` is called, every time.
 * @throws {RequestError} For a shape that is none. `values` throws for types that are not numbers, for more or fewer numbers
 * than the shape asks for, and for a file that cannot be read.
 */
export function readTensor(
  tensor: Message,
  external: ReadExternal | undefined,
  name = oneText(tensor, 8, "name"),
): Constant {
  const message = { ...tensor, what: name ? `tensor ${quoted(name)}` : tensor.what };
  const shape = integers(message, 1, "dims");
  const count = countOf(name || tensor.what, shape);
  const type = oneInteger(message, 2, "data_type") ?? 0;
  return {
    kind: "constant",
    name,
    type,
    shape,
    exact: rangeOf(type) !== undefined,
    values: () => decode(message, type, count, external),
  };
}

function decode(
  message: Message,
  type: number,
  count: number,
  external: ReadExternal | undefined,
): Float64Array<ArrayBuffer> {
  const { what } = message;
  if (has(message, 3)) throw new RequestError(what, "a whole tensor", "a segment");
  const known = Object.hasOwn(types, type) ? types[type] : undefined;
  if (!known)
    throw new RequestError(`${what}, data_type`, `one of ${Object.keys(types).join(", ")}, numbers`, type);
  const { name, dtype, field } = known;
  const isOutside = has(message, 13) || (oneInteger(message, 14, "data_location") ?? 0) !== 0;
  const bits = dtype ? 8 * bytesOf(dtype) : name === "UINT64" ? 64 : 4;
  const length = Math.ceil((count * bits) / 8);
  const checkCount = (got: number) => {
    if (got !== count) throw new RequestError(what, `${count} numbers, as its shape asks for`, got);
  };
  const raw = isOutside ? readOutside(message, length, external) : oneBytes(message, 9, "raw_data");
  if (raw && has(message, field)) throw new RequestError(what, "its numbers once", "raw_data and others");
  if (raw || (dtype && ["F32", "F64"].includes(dtype))) {
    const bytes = raw ?? fixed(message, field, "data", bits / 8);
    checkCount(bytes.length === length ? count : (bytes.length * 8) / bits);
    return valuesOfType(what, known, bytes, count);
  }
  const given = roundedIntegers(message, field, "data");
  // Two numbers of 4 bits share an element.
  if (bits === 4) {
    checkCount(given.length === length ? count : 2 * given.length);
    return valuesOfType(what, known, Uint8Array.from(given), count);
  }
  checkCount(given.length);
  if (!dtype || isInteger(dtype)) return given;
  // Numbers of type F16 and BF16 are listed as integers, by their 16 bits.
  return valuesOf(what, dtype, new Uint8Array(Uint16Array.from(given).buffer));
}

function valuesOfType(
  what: string,
  { name, dtype }: ElementType,
  bytes: Uint8Array,
  count: number,
): Float64Array<ArrayBuffer> {
  if (dtype && dtype !== "I64") return valuesOf(what, dtype, bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = new Float64Array(count);
  for (let i = 0; i < count; i++)
    values[i] =
      name === "INT64"
        ? Number(view.getBigInt64(8 * i, true))
        : name === "UINT64"
          ? Number(view.getBigUint64(8 * i, true))
          : nibble(bytes, i, name === "INT4");
  return values;
}

/** Number i of 4 bits; the first of two is in the low bits. */
function nibble(bytes: Uint8Array, i: number, signed: boolean): number {
  const value = (bytes[i >> 1]! >> (4 * (i & 1))) & 15;
  return signed && value > 7 ? value - 16 : value;
}

/** The numbers of a tensor that are in a file beside the model. */
function readOutside(message: Message, length: number, external: ReadExternal | undefined): Uint8Array {
  const { what } = message;
  const entries = new Map(
    manyBytes(message, 13, "external_data").map((bytes) => {
      const entry = readMessage(`${what}, external_data`, bytes);
      return [oneText(entry, 1, "key"), oneText(entry, 2, "value")];
    }),
  );
  const location = entries.get("location") ?? "";
  const size = (key: string, otherwise: number) => {
    const text = entries.get(key) ?? String(otherwise);
    const value = /^\d+$/.test(text) ? Number(text) : NaN;
    if (!Number.isSafeInteger(value))
      throw new RequestError(`${what}, ${key}`, "an integer of 0 or more", text);
    return value;
  };
  if (!location) throw new RequestError(`${what}, location`, "the name of a file", location);
  const offset = size("offset", 0);
  const stated = size("length", length);
  if (stated !== length)
    throw new RequestError(`${what}, length`, `${length} bytes, as its shape asks for`, stated);
  if (!external)
    throw new RequestError(
      what,
      "its numbers in this file",
      `external data, ${location}`,
      'store the model as one file, by onnx.save(onnx.load("model.onnx"), "whole.onnx") in Python, or give the option external',
    );
  const bytes = external(location, offset, length);
  if (bytes.length !== length)
    throw new RequestError(
      what,
      `${length} bytes from byte ${offset} of ${quoted(location)}`,
      bytes.length,
      "the file is not the one that belongs to this model, or it is cut off",
    );
  return bytes;
}
