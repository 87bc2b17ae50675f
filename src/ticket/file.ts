// The file of a ticket: a safetensors file, so that any reader of those has its masks.
//
//   8 bytes    H, the length of the header, little-endian
//   H bytes    the header: JSON in ASCII, with spaces at its end so that 8 + H is a multiple of 8
//   the rest   mask.0, mask.1, ... one behind the other, up to the end of the file
//
// The header has the fields of a ticket in `__metadata__`, as texts (numbers, lists and booleans in JSON), and a tensor
// `mask.l` of dtype U8 and shape [ceil(places / 8)] for layer l of the random network, as it is in memory.
//
// A ticket has one file, byte for byte. A reader therefore needs no more than the metadata to know all that a file must hold,
// and refuses every other.

import * as z from "zod/mini";
import { RequestError } from "../errors.ts";
import { integer, parse } from "../check.ts";
import { quantizers, type Outline } from "../network.ts";
import { seedSchema } from "../random.ts";
import { maskBytes, type Mask } from "./mask.ts";
import { layersOf, placesOf, type Scheme } from "./scheme.ts";
import type { Ticket } from "./ticket.ts";

/** What the metadata of a ticket says its format is. */
export const FORMAT = "exacta.ticket";
const VERSION = "1";

/** Bytes of the length of a header, which data is aligned to as well. */
const WORD = 8;
/** The most bytes of a header: those of the most layers need less. */
const MAX_HEADER = 2 ** 20;
/** A header holds tensors, and they hold lists. */
const HEADER_LEVELS = 3;

/** What a ticket says beside its scheme and widths, which layersOf checks, and its masks. */
const fieldsSchema = z.object({
  seed: seedSchema,
  targetBits: integer(0, 20),
  quantizer: z.enum(quantizers, `one of ${quantizers.join(", ")}`),
  activationBits: integer(0, 20),
  clamp: z.boolean("true or false"),
  constant: z.boolean("true or false"),
  targetDigest: z
    .string("64 digits of 0-9 and a-f")
    .check(z.regex(/^[0-9a-f]{64}$/, "64 digits of 0-9 and a-f")),
});

/** All that a file holds but the bits themselves. */
interface Layout {
  /** The header, as an object and as the text that stands in the file. */
  readonly header: Readonly<Record<string, unknown>>;
  readonly text: string;
  /** Of every mask. */
  readonly places: readonly number[];
  /** Bytes of all masks. */
  readonly size: number;
}

/**
 * The file of a ticket, the same bytes for the same ticket. `digest` is the SHA-256 of its target as `digestOf`
 * has it, 64 hexadecimal digits in lower case.
 * Throws TypeError or RangeError for a ticket that has other masks than its scheme asks for, or no scheme.
 */
export function encodeTicket(ticket: Ticket, digest: string): Uint8Array<ArrayBuffer> {
  const { masks } = ticket;
  const { text, places, size } = layoutOf(ticket, digest);
  if (masks.length !== places.length) throw new RequestError("masks", String(places.length), masks.length);
  masks.forEach((mask, l) => checkMask(mask, places[l]!, l));
  let at = WORD + text.length;
  const bytes = new Uint8Array(at + size);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  for (let i = 0; i < text.length; i++) bytes[WORD + i] = text.charCodeAt(i);
  for (const mask of masks) {
    bytes.set(mask, at);
    at += mask.length;
  }
  return bytes;
}

/** Throws RangeError for a mask that has not the bytes of so many places, or bits behind the last. */
function checkMask(mask: Mask, places: number, l: number): void {
  if (mask.length !== maskBytes(places))
    throw new RequestError(`mask.${l}`, `${maskBytes(places)} bytes for ${places} places`, mask.length);
  const unused = places % 8 === 0 ? 0 : mask.at(-1)! >> (places % 8);
  if (unused !== 0) throw new RequestError(`mask.${l}, unused bits`, "0", unused);
}

/**
 * The ticket in a file, and the digest of its target. Only `verify` can say that it is one. Its masks are parts of `bytes`, and
 * its target has no more weights than they have places, whatever a header claims.
 * Throws TypeError or RangeError for bytes that encodeTicket does not write.
 */
export function decodeTicket(bytes: Uint8Array): { ticket: Ticket; digest: string } {
  const text = headerText(bytes);
  const header = readJson("header", text, HEADER_LEVELS);
  const { digest, ...ticket } = readFields(header);
  const layout = layoutOf(ticket, digest);
  demand("header", layout.header, header);
  // They say the same, but a name may be there twice, or anything written in another way.
  if (text !== layout.text) {
    const at = Array.from(layout.text).findIndex((character, i) => character !== text[i]);
    const from = at < 0 ? layout.text.length : at;
    const rest = layout.text.slice(from, from + 20);
    throw new RequestError(
      `header, byte ${from}`,
      `${rest ? JSON.stringify(rest) : "its end"}, as encodeTicket has it`,
      text.slice(from),
    );
  }
  let at = WORD + text.length;
  if (bytes.length - at !== layout.size)
    throw new RequestError("data", `${layout.size} bytes`, bytes.length - at);
  const masks = layout.places.map((places, l) => {
    const length = maskBytes(places);
    const mask = new Uint8Array(bytes.buffer, bytes.byteOffset + at, length);
    at += length;
    checkMask(mask, places, l);
    return mask;
  });
  return { ticket: { ...ticket, masks }, digest };
}

/** Whether bytes begin as the file of a ticket does: what is no ticket then is a damaged one. */
export function isTicket(bytes: Uint8Array): boolean {
  const begin = `{"__metadata__":{"format":"${FORMAT}"`;
  return String.fromCharCode(...bytes.subarray(WORD, WORD + begin.length)) === begin;
}

/** The layout of a ticket's file. Throws TypeError or RangeError for fields that no ticket has. */
function layoutOf({ scheme, seed, target }: Omit<Ticket, "masks">, digest: string): Layout {
  const { widths, bits: targetBits, quantizer, activationBits, clamp, constant } = target;
  const fields = parse(
    fieldsSchema,
    { seed, targetBits, quantizer, activationBits, clamp, constant, targetDigest: digest },
    "ticket",
  );
  const places = layersOf(widths, fields.targetBits, scheme).map(placesOf);
  const { theorem, initialBits, bits, weightQuantizer, zero, pools, support, units, copies } = scheme;
  const metadata = {
    format: FORMAT,
    version: VERSION,
    seed: String(fields.seed),
    widths: JSON.stringify(widths),
    targetBits: JSON.stringify(targetBits),
    quantizer,
    activationBits: JSON.stringify(activationBits),
    clamp: JSON.stringify(clamp),
    constant: JSON.stringify(constant),
    theorem: JSON.stringify(theorem),
    initialBits: JSON.stringify(initialBits),
    bits: JSON.stringify(bits),
    weightQuantizer,
    zero: JSON.stringify(zero),
    pools,
    support: JSON.stringify(support),
    units: JSON.stringify(units),
    copies: JSON.stringify(copies),
    targetDigest: fields.targetDigest,
  };
  let size = 0;
  const tensors = places.map((count, l) => {
    const length = maskBytes(count);
    return [`mask.${l}`, { dtype: "U8", shape: [length], data_offsets: [size, (size += length)] }] as const;
  });
  const header = { __metadata__: metadata, ...Object.fromEntries(tensors) };
  const text = JSON.stringify(header);
  return { header, text: text.padEnd(Math.ceil(text.length / WORD) * WORD), places, size };
}

/** The text of a header. Throws TypeError or RangeError where a file does not have all of it, or it is not ASCII. */
function headerText(bytes: Uint8Array): string {
  if (bytes.length < WORD) throw new RequestError("file", `at least ${WORD} bytes`, bytes.length);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (length > MAX_HEADER)
    throw new RequestError("header", `at most ${MAX_HEADER} bytes, as in an exacta ticket`, length);
  const header = bytes.subarray(WORD, WORD + Number(length));
  if (header.length < length)
    throw new RequestError("header", `${length} bytes before the end of the file`, header.length);
  let text = "";
  for (const byte of header) {
    if (byte > 0x7f)
      throw new RequestError(`header, byte ${text.length}`, "ASCII, as in an exacta ticket", byte);
    text += String.fromCharCode(byte);
  }
  return text;
}

/**
 * The fields in a header, which layoutOf has to check.
 * Throws TypeError or RangeError for a header of another format or version, and for fields that cannot be read.
 */
function readFields(header: unknown): Omit<Ticket, "masks"> & { digest: string } {
  if (!isRecord(header)) throw new RequestError("header", "an object", header);
  const { __metadata__: metadata } = header;
  const { format, version } = isRecord(metadata) ? metadata : {};
  if (format !== FORMAT) throw new RequestError("file", "an exacta ticket", format);
  if (version !== VERSION) throw new RequestError("version", VERSION, version);
  const texts = parse(z.record(z.string(), z.string("a text")), metadata, "metadata");
  const json = (name: string) => readJson(name, texts[name], 1);
  const scheme = {
    theorem: json("theorem"),
    initialBits: json("initialBits"),
    bits: json("bits"),
    weightQuantizer: texts["weightQuantizer"],
    zero: json("zero"),
    pools: texts["pools"],
    support: json("support"),
    units: json("units"),
    copies: json("copies"),
  };
  const target = {
    widths: json("widths"),
    bits: json("targetBits"),
    quantizer: texts["quantizer"],
    activationBits: json("activationBits"),
    clamp: json("clamp"),
    constant: json("constant"),
  };
  return {
    scheme: scheme as Scheme,
    seed: parse(seedSchema, texts["seed"], "seed"),
    target: target as Outline,
    digest: texts["targetDigest"]!,
  };
}

/**
 * A value in JSON whose lists and objects are at most `levels` deep, so that an error can show it.
 * Throws TypeError for any other text.
 */
function readJson(what: string, text: string | undefined, levels: number): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text!);
  } catch {
    throw new RequestError(what, "JSON", text);
  }
  if (!nests(value, levels)) throw new RequestError(what, `JSON at most ${levels} deep`, text);
  return value;
}

/** Whether a value has at most some levels of lists and objects. */
function nests(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return levels > 0 && Object.values(value).every((inner) => nests(inner, levels - 1));
}

/** Throws RangeError at the first difference of two values. */
function demand(what: string, wanted: unknown, got: unknown): void {
  if (isRecord(wanted) && isRecord(got))
    for (const name of new Set([...Object.keys(wanted), ...Object.keys(got)]))
      demand(`${what}.${name}`, wanted[name], got[name]);
  else if (JSON.stringify(wanted) !== JSON.stringify(got))
    throw new RequestError(what, JSON.stringify(wanted) ?? "nothing", got);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
