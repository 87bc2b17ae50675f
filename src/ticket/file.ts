// The file of a ticket. It is a safetensors file, so that every safetensors reader can load its masks.
//
//   8 bytes    H, the length of the header, little-endian
//   H bytes    the header: JSON in ASCII, with spaces at its end so that 8 + H is a multiple of 8
//   the rest   mask.0, mask.1, ... without gaps, up to the end of the file
//
// The header has the fields of a ticket in `__metadata__`, as strings (numbers, lists and booleans in JSON), and a tensor
// `mask.l` of dtype U8 and shape [ceil(weights / 8)] for layer l of the random network, the mask as it is in memory. Version 1
// has a field for each number of the outline and of the scheme; version 2, for graphs, has the JSON of each of them.
//
// A ticket has exactly one file, byte for byte. So the metadata determine the whole header and the size of every mask, and the
// reader refuses any file that differs.

import * as z from "zod/mini";
import { RequestError } from "../errors.ts";
import { firstDifference, integer, parse } from "../check.ts";
import { quantizers, type Outline } from "../network.ts";
import { seedSchema } from "../random.ts";
import { maskBytes, type Mask } from "./mask.ts";
import { outlineText } from "../graph/outline.ts";
import { readOutline } from "../graph/read-outline.ts";
import { ticketLayers, weightCount, type GraphScheme, type Scheme } from "./scheme.ts";
import type { GraphTicket, Ticket } from "./ticket.ts";

/** The `format` field in the metadata of a ticket. */
export const FORMAT = "exacta.ticket";
/** The versions of the files of networks and of graphs. */
const VERSION = "1";
const GRAPH_VERSION = "2";

/** The bytes of the header's length. The masks start at a multiple of it too. */
const LENGTH_BYTES = 8;
/** The most bytes of a header; a ticket with the most layers (1000 layers or nodes of a target) needs fewer. */
const MAX_HEADER_BYTES = 2 ** 20;
/** How deep objects and lists are nested in a header: the header, its tensors, and their lists. */
const HEADER_LEVELS = 3;
/** How deep they are nested in an outline: the outline, its nodes, a node, its window, and its lists. */
const OUTLINE_LEVELS = 5;
const SCHEME_LEVELS = 2;

const digestSchema = z
  .string("64 digits of 0-9 and a-f")
  .check(z.regex(/^[0-9a-f]{64}$/, "64 digits of 0-9 and a-f"));
/** The fields of any ticket that `ticketLayers` does not check, and those of a network's outline. */
const fieldsSchema = z.object({ seed: seedSchema, targetDigest: digestSchema });
const outlineSchema = z.object({
  targetBits: integer(0, 20),
  quantizer: z.enum(quantizers, `one of ${quantizers.join(", ")}`),
  activationBits: integer(0, 20),
  clamp: z.boolean("true or false"),
  constant: z.boolean("true or false"),
});

/** A ticket without its masks. */
type Unmasked = Omit<Ticket, "masks"> | Omit<GraphTicket, "masks">;

/** The contents of a file except for the bits of the masks. */
interface Layout {
  /** The header as an object, and as the padded JSON text in the file. */
  readonly header: Readonly<Record<string, unknown>>;
  readonly text: string;
  /** The number of weights that each mask covers. */
  readonly weights: readonly number[];
  /** The bytes of all masks together. */
  readonly bytes: number;
}

/**
 * Encodes a ticket as the bytes of its file; equal tickets give equal bytes.
 * @param digest The SHA-256 of the target as `targetDigest` computes it: 64 hexadecimal digits in lower case.
 * @throws {RequestError} For a scheme that cannot represent the target, and for masks that do not fit the scheme.
 * @example
 * ```ts
 * import { openEngine } from "exacta";
 * import { encodeTicket, pruneToTicket, readNetwork, schemeFor, targetDigest } from "exacta/ticket";
 *
 * const { network, bits } = readNetwork({ bits: 1, activationBits: 1, layers: [{ weights: [[2, -1]] }] });
 * const { scheme } = schemeFor(network, bits);
 * const engine = await openEngine({ engine: "cpu" });
 * const { ticket } = await pruneToTicket(engine, { network, bits, scheme });
 * engine.close();
 * const bytes = encodeTicket(ticket, await targetDigest(network, bits));
 * console.log(new TextDecoder().decode(bytes.subarray(8, 49))); // {"__metadata__":{"format":"exacta.ticket"
 * ```
 */
export function encodeTicket(ticket: Ticket | GraphTicket, digest: string): Uint8Array<ArrayBuffer> {
  const { masks } = ticket;
  const layout = layoutOf(ticket, digest);
  const { text, weights } = layout;
  if (masks.length !== weights.length) throw new RequestError("masks", String(weights.length), masks.length);
  masks.forEach((mask, l) => checkMask(mask, weights[l]!, l));
  let offset = LENGTH_BYTES + text.length;
  const bytes = new Uint8Array(offset + layout.bytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  for (let i = 0; i < text.length; i++) bytes[LENGTH_BYTES + i] = text.charCodeAt(i);
  for (const mask of masks) {
    bytes.set(mask, offset);
    offset += mask.length;
  }
  return bytes;
}

/** @throws {RequestError} For a mask of the wrong length, or with bits after its last weight. */
function checkMask(mask: Mask, weights: number, l: number): void {
  if (mask.length !== maskBytes(weights))
    throw new RequestError(`mask.${l}`, `${maskBytes(weights)} bytes for ${weights} weights`, mask.length);
  const unused = weights % 8 === 0 ? 0 : mask.at(-1)! >> (weights % 8);
  if (unused !== 0) throw new RequestError(`mask.${l}, unused bits`, "0", unused);
}

/**
 * Decodes the file of a ticket. Whether the ticket equals its target, only `verifyTicket` can tell.
 * @returns The ticket, whose masks are views of `bytes`, and the digest of its target. The target has at most as many weights
 * as the masks have bits, so that a short file cannot ask for a large network.
 * @throws {RequestError} For bytes that `encodeTicket` does not write.
 * @example
 * ```ts
 * import { openEngine } from "exacta";
 * import { decodeTicket, encodeTicket, pruneToTicket, readNetwork, schemeFor, targetDigest } from "exacta/ticket";
 *
 * const { network, bits } = readNetwork({ bits: 1, activationBits: 1, layers: [{ weights: [[2, -1]] }] });
 * const { scheme } = schemeFor(network, bits);
 * const engine = await openEngine({ engine: "cpu" });
 * const { ticket } = await pruneToTicket(engine, { network, bits, scheme });
 * engine.close();
 * const bytes = encodeTicket(ticket, await targetDigest(network, bits));
 * const { target } = decodeTicket(bytes).ticket;
 * if ("widths" in target) console.log(target.widths); // [ 2, 1 ]
 * ```
 */
export function decodeTicket(bytes: Uint8Array): { ticket: Ticket | GraphTicket; digest: string } {
  const text = headerText(bytes);
  const header = readJson("header", text, HEADER_LEVELS);
  const { digest, ...ticket } = readFields(header);
  const layout = layoutOf(ticket, digest);
  const different = firstDifference("header", layout.header, header);
  if (different)
    throw new RequestError(different.path, JSON.stringify(different.wanted) ?? "nothing", different.got);
  requireSameText(layout.text, text);
  let offset = LENGTH_BYTES + text.length;
  if (bytes.length - offset !== layout.bytes)
    throw new RequestError("data", `${layout.bytes} bytes`, bytes.length - offset);
  const masks = layout.weights.map((weights, l) => {
    const length = maskBytes(weights);
    const mask = new Uint8Array(bytes.buffer, bytes.byteOffset + offset, length);
    offset += length;
    checkMask(mask, weights, l);
    return mask;
  });
  return { ticket: { ...ticket, masks }, digest };
}

/**
 * Compares two headers that are equal as JSON: a name may occur twice in the text, or a value may be spelled differently.
 * @throws {RequestError} Names the first byte that differs.
 */
function requireSameText(wanted: string, text: string): void {
  if (text === wanted) return;
  const differing = Array.from(wanted).findIndex((character, i) => character !== text[i]);
  const from = differing < 0 ? wanted.length : differing;
  const next = wanted.slice(from, from + 20);
  throw new RequestError(
    `header, byte ${from}`,
    `${next ? JSON.stringify(next) : "its end"}, as encodeTicket writes it`,
    text.slice(from),
  );
}

/** Whether bytes begin as the file of a ticket does. If they do and cannot be decoded, they are a damaged ticket. */
export function isTicket(bytes: Uint8Array): boolean {
  const start = `{"__metadata__":{"format":"${FORMAT}"`;
  return String.fromCharCode(...bytes.subarray(LENGTH_BYTES, LENGTH_BYTES + start.length)) === start;
}

/**
 * The layout of a ticket's file.
 * @throws {RequestError} For fields that no ticket has.
 */
function layoutOf(ticket: Unmasked, digest: string): Layout {
  const { seed, targetDigest } = parse(fieldsSchema, { seed: ticket.seed, targetDigest: digest }, "ticket");
  const weights = ticketLayers(ticket).map(weightCount);
  const metadata = {
    format: FORMAT,
    ...("nodes" in ticket.target
      ? graphFields(ticket as GraphTicket, String(seed))
      : networkFields(ticket as Ticket, String(seed))),
    targetDigest,
  };
  let bytes = 0;
  const tensors = weights.map((count, l) => {
    const length = maskBytes(count);
    return [`mask.${l}`, { dtype: "U8", shape: [length], data_offsets: [bytes, (bytes += length)] }] as const;
  });
  const header = { __metadata__: metadata, ...Object.fromEntries(tensors) };
  const text = JSON.stringify(header);
  const padded = text.padEnd(Math.ceil(text.length / LENGTH_BYTES) * LENGTH_BYTES);
  return { header, text: padded, weights, bytes };
}

function networkFields({ scheme, target }: Ticket, seed: string): Record<string, string> {
  const { widths, bits: targetBits, quantizer, activationBits, clamp, constant } = target;
  parse(outlineSchema, { targetBits, quantizer, activationBits, clamp, constant }, "ticket");
  const { theorem, initialBits, bits, weightQuantizer, zero, pools, support, units, copies } = scheme;
  return {
    version: VERSION,
    seed,
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
  };
}

function graphFields({ scheme, target }: GraphTicket, seed: string): Record<string, string> {
  const { theorem, initialBits, bits, weightQuantizer, zero, pools, support, units, skip, copies } = scheme;
  return {
    version: GRAPH_VERSION,
    seed,
    target: outlineText(readOutline(target)),
    scheme: JSON.stringify({
      theorem,
      initialBits,
      bits,
      weightQuantizer,
      zero,
      pools,
      support,
      units,
      skip,
      copies,
    }),
  };
}

/**
 * The text of a header.
 * @throws {RequestError} For a file that ends within its header, and for a header that is not ASCII.
 */
function headerText(bytes: Uint8Array): string {
  if (bytes.length < LENGTH_BYTES)
    throw new RequestError("file", `at least ${LENGTH_BYTES} bytes`, bytes.length);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (length > MAX_HEADER_BYTES)
    throw new RequestError("header", `at most ${MAX_HEADER_BYTES} bytes, as in an exacta ticket`, length);
  const header = bytes.subarray(LENGTH_BYTES, LENGTH_BYTES + Number(length));
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
 * The fields in a header, not checked yet: `layoutOf` does that.
 * @throws {RequestError} For a header of another format or version, and for fields that are not JSON.
 */
function readFields(header: unknown): Unmasked & { readonly digest: string } {
  if (!isRecord(header)) throw new RequestError("header", "an object", header);
  const { __metadata__: metadata } = header;
  const { format, version } = isRecord(metadata) ? metadata : {};
  if (format !== FORMAT) throw new RequestError("file", "an exacta ticket", format);
  if (version !== VERSION && version !== GRAPH_VERSION)
    throw new RequestError("version", `${VERSION} or ${GRAPH_VERSION}`, version);
  const texts = parse(z.record(z.string(), z.string("a text")), metadata, "metadata");
  const json = (name: string, levels = 1) => readJson(name, texts[name], levels);
  const seed = () => parse(seedSchema, texts["seed"], "seed");
  const digest = texts["targetDigest"]!;
  if (version === GRAPH_VERSION)
    return {
      scheme: json("scheme", SCHEME_LEVELS) as GraphScheme,
      seed: seed(),
      target: readOutline(json("target", OUTLINE_LEVELS)),
      digest,
    };
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
    seed: seed(),
    target: target as Outline,
    digest,
  };
}

/**
 * Parses JSON whose lists and objects are nested at most `levels` deep, since comparing and showing it is recursive.
 * @throws {RequestError} For any other text.
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

/** Whether the lists and objects of a value are nested at most `levels` deep. */
function nests(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return levels > 0 && Object.values(value).every((inner) => nests(inner, levels - 1));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
