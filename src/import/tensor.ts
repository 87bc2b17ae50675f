// Tensors as files hold them: numbers of one type without gaps, little-endian, in row-major order.

import { RequestError } from "../errors.ts";
import { quoted } from "./text.ts";

/** Number types, by the names of safetensors. */
export const dtypes = [
  "F64",
  "F32",
  "F16",
  "BF16",
  "I64",
  "I32",
  "I16",
  "I8",
  "U32",
  "U16",
  "U8",
  "BOOL",
] as const;
export type Dtype = (typeof dtypes)[number];

export interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** Whether its numbers are integers. */
  readonly integer: boolean;
  /**
   * Decodes all numbers; every call does so again.
   * @throws {RequestError} For an integer beyond 2^53 - 1 in magnitude.
   */
  readonly values: () => Float64Array<ArrayBuffer>;
}

/** The bytes of one number. */
export function bytesOf(dtype: Dtype): number {
  return dtype === "BOOL" ? 1 : Number(/\d+/.exec(dtype)![0]) / 8;
}

export function isInteger(dtype: Dtype): boolean {
  return !dtype.includes("F");
}

/**
 * The number of elements of a shape; rounded, or Infinity, for a shape beyond 2^53 elements.
 * @throws {RequestError} For dimensions that are not integers of 1 or more.
 */
export function countOf(name: string, shape: readonly number[]): number {
  let count = 1;
  for (const size of shape) {
    if (!Number.isSafeInteger(size) || size < 1)
      throw new RequestError(`shape of ${quoted(name)}`, "integers of 1 or more", shape);
    count *= size;
  }
  return count;
}

const readers: Readonly<Record<Dtype, (view: DataView, at: number) => number>> = {
  F64: (view, at) => view.getFloat64(at, true),
  F32: (view, at) => view.getFloat32(at, true),
  F16: (view, at) => shortFloat(view.getUint16(at, true), 10),
  BF16: (view, at) => shortFloat(view.getUint16(at, true), 7),
  I64: (view, at) => Number(view.getBigInt64(at, true)),
  I32: (view, at) => view.getInt32(at, true),
  I16: (view, at) => view.getInt16(at, true),
  I8: (view, at) => view.getInt8(at),
  U32: (view, at) => view.getUint32(at, true),
  U16: (view, at) => view.getUint16(at, true),
  U8: (view, at) => view.getUint8(at),
  BOOL: (view, at) => view.getUint8(at),
};

/**
 * Decodes bytes as numbers of a type.
 * @throws {RequestError} For an integer beyond 2^53 - 1 in magnitude, and a truth value that is neither 0 nor 1.
 */
export function valuesOf(name: string, dtype: Dtype, bytes: Uint8Array): Float64Array<ArrayBuffer> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = bytesOf(dtype);
  const read = readers[dtype];
  const values = new Float64Array(bytes.byteLength / size);
  for (let i = 0; i < values.length; i++) values[i] = read(view, i * size);
  const wrong = dtype === "I64" ? values.find((value) => !Number.isSafeInteger(value)) : undefined;
  if (wrong !== undefined) throw new RequestError(quoted(name), "integers within 2^53", wrong);
  const untrue = dtype === "BOOL" ? values.find((value) => value > 1) : undefined;
  if (untrue !== undefined) throw new RequestError(quoted(name), "truth values 0 and 1", untrue);
  return values;
}

/** Decodes a float of 16 bits: a sign bit, the exponent, and `fractionBits` bits of fraction (10 for F16, 7 for BF16). */
function shortFloat(bits: number, fractionBits: number): number {
  const maxExponent = 2 ** (15 - fractionBits) - 1;
  const sign = bits >>> 15 ? -1 : 1;
  const exponent = (bits >>> fractionBits) & maxExponent;
  const fraction = (bits & (2 ** fractionBits - 1)) / 2 ** fractionBits;
  if (exponent === maxExponent) return fraction ? NaN : sign * Infinity;
  const bias = (maxExponent - 1) / 2;
  return sign * (exponent ? (1 + fraction) * 2 ** (exponent - bias) : fraction * 2 ** (1 - bias));
}
