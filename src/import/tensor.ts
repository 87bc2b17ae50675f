// Tensors as files hold them: numbers of some type, one behind the other, little-endian, the last dimension fastest.

import { RequestError } from "../errors.ts";
import { quoted } from "./text.ts";

/** Types of numbers. */
export const dtypes = ["F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U32", "U16", "U8"] as const;
export type Dtype = (typeof dtypes)[number];

export interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** Of integers, not of real numbers. */
  readonly integer: boolean;
  /** All numbers, decoded by each call. Throws RangeError for an integer beyond 2^53. */
  readonly values: () => Float64Array<ArrayBuffer>;
}

/** Bytes of one number. */
export function bytesOf(dtype: Dtype): number {
  return Number(/\d+/.exec(dtype)![0]) / 8;
}

export function isInteger(dtype: Dtype): boolean {
  return !dtype.includes("F");
}

/**
 * How many numbers a shape has; none for a shape that no array could have.
 * Throws RangeError for dimensions that are no integers of 1 or more.
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
};

/** The numbers in bytes that hold nothing else. */
export function valuesOf(name: string, dtype: Dtype, bytes: Uint8Array): Float64Array<ArrayBuffer> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = bytesOf(dtype);
  const read = readers[dtype];
  const values = new Float64Array(bytes.byteLength / size);
  for (let i = 0; i < values.length; i++) values[i] = read(view, i * size);
  const wrong = dtype === "I64" ? values.find((value) => !Number.isSafeInteger(value)) : undefined;
  if (wrong !== undefined) throw new RequestError(quoted(name), "integers within 2^53", wrong);
  return values;
}

/** The number in 16 bits: a sign, an exponent, and so many bits of a fraction. */
function shortFloat(bits: number, fractionBits: number): number {
  const most = 2 ** (15 - fractionBits) - 1;
  const sign = bits >>> 15 ? -1 : 1;
  const exponent = (bits >>> fractionBits) & most;
  const fraction = (bits & (2 ** fractionBits - 1)) / 2 ** fractionBits;
  if (exponent === most) return fraction ? NaN : sign * Infinity;
  const bias = (most - 1) / 2;
  return sign * (exponent ? (1 + fraction) * 2 ** (exponent - bias) : fraction * 2 ** (1 - bias));
}
