// The wire format of protocol buffers (https://protobuf.dev/programming-guides/encoding). A message is split into its fields, and
// a field is decoded only when a function below asks for it. Nested messages stay bytes until then, so that reading a message
// never recurses.

import { RequestError } from "../errors.ts";
import { textOf } from "./text.ts";

/** Wire types. The deprecated groups, 3 and 4, are refused. */
const wires = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

interface Field {
  readonly wire: number;
  /** The content, without tag and length. */
  readonly bytes: Uint8Array;
}

/** The fields of a message by number, repeated ones in their order. */
export interface Message {
  /** How errors name the message. */
  readonly what: string;
  readonly fields: ReadonlyMap<number, readonly Field[]>;
}

/** The most bytes of a varint: 64 bits, 7 a byte. */
const MAX_VARINT_BYTES = 10;
/** The most fields of one message, since a field takes far more memory than its bytes. Long lists are packed in one field. */
const MAX_FIELDS = 2 ** 16;

/**
 * Splits the bytes of a message into its fields.
 * @throws {RequestError} For bytes that are not a message; names the byte.
 */
export function readMessage(what: string, bytes: Uint8Array): Message {
  const fields = new Map<number, Field[]>();
  let at = 0;
  let read = 0;
  const take = (length: number) => {
    if (length > bytes.length - at)
      throw new RequestError(`${what}, byte ${at}`, `${length} bytes before its end`, bytes.length - at);
    return bytes.subarray(at, (at += length));
  };
  const varint = () => take(varintLength(what, bytes, at));
  while (at < bytes.length) {
    if (++read > MAX_FIELDS) throw new RequestError(what, `at most ${MAX_FIELDS} fields`, "more");
    const from = at;
    const tag = magnitudeOf(varint());
    const number = Math.floor(tag / 8);
    const wire = tag % 8;
    const content =
      wire === wires.varint
        ? varint()
        : wire === wires.fixed64
          ? take(8)
          : wire === wires.bytes
            ? take(magnitudeOf(varint()))
            : wire === wires.fixed32
              ? take(4)
              : undefined;
    if (!content || number < 1 || number >= 2 ** 29)
      throw new RequestError(
        `${what}, byte ${from}`,
        "a field of a protocol buffer",
        `wire type ${wire}, number ${number}`,
      );
    const field = { wire, bytes: content };
    const same = fields.get(number);
    if (same) same.push(field);
    else fields.set(number, [field]);
  }
  return { what, fields };
}

/** The contents of every occurrence of a field. */
function contents({ what, fields }: Message, number: number, name: string, wire: number): Uint8Array[] {
  return (fields.get(number) ?? []).map((field) => {
    if (field.wire !== wire) throw new RequestError(`${what}, ${name}`, `wire type ${wire}`, field.wire);
    return field.bytes;
  });
}

/** The only value of a field, undefined where the field is absent. */
function single<T>({ what }: Message, name: string, values: readonly T[]): T | undefined {
  if (values.length > 1) throw new RequestError(`${what}, ${name}`, "at most one", values.length);
  return values[0];
}

export function has({ fields }: Message, number: number): boolean {
  return fields.has(number);
}

export function manyBytes(message: Message, number: number, name: string): Uint8Array[] {
  return contents(message, number, name, wires.bytes);
}

export function oneBytes(message: Message, number: number, name: string): Uint8Array | undefined {
  return single(message, name, manyBytes(message, number, name));
}

export function manyTexts(message: Message, number: number, name: string): string[] {
  return manyBytes(message, number, name).map((bytes) => textOf(`${message.what}, ${name}`, bytes));
}

/** The text of a field, empty where the field is absent. */
export function oneText(message: Message, number: number, name: string): string {
  return single(message, name, manyTexts(message, number, name)) ?? "";
}

export function oneInteger(message: Message, number: number, name: string): number | undefined {
  return single(
    message,
    name,
    contents(message, number, name, wires.varint).flatMap((bytes) => integersIn(message, name, bytes)),
  );
}

export function oneFloat(message: Message, number: number, name: string): number | undefined {
  const bytes = single(message, name, contents(message, number, name, wires.fixed32));
  return bytes && new DataView(bytes.buffer, bytes.byteOffset).getFloat32(0, true);
}

/** The integers of a repeated field, packed or one by one. */
export function integers(message: Message, number: number, name: string): number[] {
  return integersIn(message, name, packed(message, number, name, wires.varint));
}

/** The same as 64-bit floats, rounded beyond 2^53. */
export function roundedIntegers(message: Message, number: number, name: string): Float64Array<ArrayBuffer> {
  const { what } = message;
  const bytes = packed(message, number, name, wires.varint);
  const values: number[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = varintLength(`${what}, ${name}`, bytes, at);
    values.push(valueOf(bytes.subarray(at, (at += length))));
  }
  return Float64Array.from(values);
}

/** The bytes of a repeated field of numbers of `size` bytes, 4 or 8, packed or one by one. */
export function fixed(message: Message, number: number, name: string, size: number): Uint8Array {
  return packed(message, number, name, size === 4 ? wires.fixed32 : wires.fixed64);
}

/** The concatenated bytes of a repeated field, whose elements may be fields of their own or packed into one. */
function packed({ what, fields }: Message, number: number, name: string, wire: number): Uint8Array {
  const parts = fields.get(number) ?? [];
  const wrong = parts.find((part) => part.wire !== wire && part.wire !== wires.bytes);
  if (wrong) throw new RequestError(`${what}, ${name}`, `wire type ${wire} or 2`, wrong.wire);
  if (parts.length === 1) return parts[0]!.bytes;
  const all = new Uint8Array(parts.reduce((sum, { bytes }) => sum + bytes.length, 0));
  let at = 0;
  for (const { bytes } of parts) {
    all.set(bytes, at);
    at += bytes.length;
  }
  return all;
}

/**
 * Decodes varints as i64.
 * @throws {RequestError} For an integer beyond 2^53 - 1 in magnitude.
 */
function integersIn({ what }: Message, name: string, bytes: Uint8Array): number[] {
  const values: number[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = varintLength(`${what}, ${name}`, bytes, at);
    const value = valueOf(bytes.subarray(at, (at += length)));
    if (!Number.isSafeInteger(value))
      throw new RequestError(`${what}, ${name}`, "integers within 2^53", value);
    values.push(value);
  }
  return values;
}

/** The number of bytes of the varint at `from`: the last byte is the first one below 128. */
function varintLength(what: string, bytes: Uint8Array, from: number): number {
  for (let length = 1; length <= MAX_VARINT_BYTES && from + length <= bytes.length; length++)
    if (bytes[from + length - 1]! < 0x80) return length;
  throw new RequestError(
    `${what}, byte ${from}`,
    `a number of at most ${MAX_VARINT_BYTES} bytes before its end`,
    "none",
  );
}

/** The value of a varint as an i64, rounded beyond 2^53. A varint of 10 bytes has the sign bit. */
function valueOf(varint: Uint8Array): number {
  return varint.length < MAX_VARINT_BYTES ? magnitudeOf(varint) : signedOf(varint);
}

/** The value of a varint as an unsigned integer, rounded beyond 2^53. */
function magnitudeOf(varint: Uint8Array): number {
  return varint.reduceRight((value, byte) => value * 128 + (byte & 127), 0);
}

/** The value of a varint as an i64, rounded beyond 2^53. */
function signedOf(varint: Uint8Array): number {
  return Number(
    BigInt.asIntN(
      64,
      varint.reduceRight((value, byte) => (value << 7n) | BigInt(byte & 127), 0n),
    ),
  );
}
