// The lines of a journal. Each is a JSON object that ends with the checksum of the line, which continues that of the line
// before. So a line that is changed, missing, doubled or moved is found.

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import * as z from "zod/mini";
import { integer, parse } from "../../../src/check.ts";
import { Described, RequestError } from "../../../src/errors.ts";
import { isDyadic, type TrialRange } from "../../../src/ranges.ts";
import type { TallyLayout } from "../../../src/tally.ts";
import { configurationDigest, type Json } from "./configuration.ts";

/** What the ranges of a part look like. */
export interface Part {
  /** Trials of a unit, a power of two. */
  readonly unit: number;
  /** The words of the tally. */
  readonly layout: TallyLayout;
}

/** The parts of a sweep by their names. */
export type Parts = Readonly<Record<string, Part>>;

/** The tally of a range of trials of a part. */
export interface PartRange extends TrialRange {
  readonly part: string;
  readonly words: Float64Array<ArrayBuffer>;
}

/** A sentence about what happened in an attempt, such as a retry or another engine. */
export interface JournalEvent {
  readonly event: string;
  /** An ISO time. */
  readonly at: string;
}

/** What an attempt says of itself. */
export interface AttemptDescription {
  /** The same for all shards, engines and numbers of trials of a sweep. */
  readonly configuration: Json;
  /** The version of exacta. */
  readonly version: string;
  readonly engine: string;
  readonly adapter: string;
  /** The share of the sweep as `index/count`, `0/1` for all of it. */
  readonly shard: string;
  /** The number of trials that is asked of each part, those that the attempt adds included. */
  readonly asked: Readonly<Record<string, number>>;
  /** Trials that the attempt adds to those that were asked for before. */
  readonly extend?: number | undefined;
  /** The attempt ends where every interval is narrower than this. */
  readonly until?: number | undefined;
}

/** The first line of a journal. */
export interface JournalHeader extends AttemptDescription {
  readonly kind: "journal";
  readonly schema: typeof SCHEMA;
  /** The SHA-256 of the configuration in canonical form. */
  readonly digest: string;
  /** The name of the machine. */
  readonly host: string;
  /** An ISO time. */
  readonly started: string;
}

export const SCHEMA = 1;

/** The folder of a results folder in which its journals are. */
export const JOURNAL_FOLDER = "journal";

const MAX_TRIALS = 2 ** 48;
const text = () => z.string("a string");

const headerSchema = z.object({
  kind: z.literal("journal", `"journal"`),
  schema: z.literal(SCHEMA, String(SCHEMA)),
  configuration: z.custom<Json>((value) => value !== undefined, "a configuration"),
  digest: text(),
  version: text(),
  host: text(),
  engine: text(),
  adapter: text(),
  shard: z.string("index/count").check(z.regex(/^\d+\/\d+$/, "index/count")),
  asked: z.record(z.string(), integer(0, MAX_TRIALS)),
  extend: z.optional(integer(1, MAX_TRIALS)),
  until: z.optional(z.number("a number")),
  started: text(),
});

const eventSchema = z.object({ event: text(), at: text() });

/** The characters of a checksum: 64 bits of a SHA-256. */
const CHECKSUM_DIGITS = 16;
/** The end of a line, with its checksum: `,"checksum":"0123456789abcdef"}`. */
const tailOf = (checksum: string) => `,"checksum":"${checksum}"}`;
const TAIL_BYTES = tailOf("").length + CHECKSUM_DIGITS;
const NEWLINE = 10;

/** The checksum of the line before the first. */
export const FIRST_CHECKSUM = "";

function checksumOf(before: string, body: Uint8Array): string {
  return createHash("sha256").update(before).update(body).digest("hex").slice(0, CHECKSUM_DIGITS);
}

/** A line with its newline, and the checksum that the next line continues. */
export interface Line {
  readonly bytes: Buffer;
  readonly checksum: string;
}

/** The line of a header or an event after a line with the checksum `before`. */
export function lineOf(before: string, value: JournalHeader | JournalEvent): Line {
  return seal(before, Buffer.from(JSON.stringify(value).slice(0, -1)));
}

/** The line of a range after a line with the checksum `before`. */
export function rangeLineOf(before: string, { part, first, count, words }: PartRange): Line {
  const start = `${JSON.stringify({ part, first, count }).slice(0, -1)},"words":[`;
  return seal(before, Buffer.concat([Buffer.from(start), decimals(words), Buffer.from("]")]));
}

/** @param body The JSON of an object without its closing brace. */
function seal(before: string, body: Buffer): Line {
  const checksum = checksumOf(before, body);
  return { bytes: Buffer.concat([body, Buffer.from(`${tailOf(checksum)}\n`)]), checksum };
}

const [ZERO, COMMA] = Buffer.from("0,");
/** The digits and the comma of the longest word. */
const MAX_WORD_BYTES = String(Number.MAX_SAFE_INTEGER).length + 1;

/** Words as decimals with commas between them, in a quarter of the time that JSON.stringify takes for 2^21 words. */
function decimals(words: ArrayLike<number>): Buffer {
  const bytes = Buffer.allocUnsafe(words.length * MAX_WORD_BYTES);
  // From the back, since the last digit of a number is the first that a division gives.
  let at = bytes.length;
  for (let i = words.length - 1; i >= 0; i--) {
    bytes[--at] = COMMA!;
    let rest = words[i]!;
    do {
      const tens = Math.floor(rest / 10);
      bytes[--at] = rest - 10 * tens + ZERO!;
      rest = tens;
    } while (rest > 0);
  }
  return bytes.subarray(at, -1);
}

/** What takes the ranges of one attempt. */
export interface Receiver {
  readonly parts: Parts;
  readonly add: (range: PartRange) => void;
}

/** What a journal says of its attempt. */
export interface AttemptRecord {
  readonly file: string;
  readonly header: JournalHeader;
  readonly events: readonly JournalEvent[];
}

/**
 * Reads a journal line by line. A last line without its end is what a killed attempt leaves, and is not read.
 * @param begin Takes the header before anything else is read, and answers what takes the ranges.
 * @returns undefined where the header is not complete.
 * @throws {RequestError} The file cannot be read, is damaged or has an unknown schema.
 */
export async function readAttempt(
  file: string,
  begin: (header: JournalHeader) => Receiver,
): Promise<AttemptRecord | undefined> {
  let header: JournalHeader | undefined;
  let receiver: Receiver | undefined;
  const events: JournalEvent[] = [];
  let [checksum, line, offset] = [FIRST_CHECKSUM, 0, 0];
  for await (const bytes of wholeLines(file)) {
    line++;
    try {
      if (line === 1) checkSchema(bytes);
      const body = bytes.subarray(0, -TAIL_BYTES);
      checksum = checksumOf(checksum, body);
      if (!bytes.subarray(-TAIL_BYTES).equals(Buffer.from(tailOf(checksum))))
        throw damage(
          "checksum",
          `a line that ends with ${tailOf(checksum)}`,
          quoted(bytes.subarray(-TAIL_BYTES)),
        );
      const value = JSON.parse(`${body.toString()}}`) as Record<string, unknown>;
      if (!receiver) {
        header = readHeader(value);
        receiver = begin(header);
      } else if ("event" in value) events.push(parse(eventSchema, value));
      else receiver.add(readRange(value, receiver.parts));
    } catch (error) {
      throw error instanceof RequestError ? error.at(`line ${line} at byte ${offset}`).at(file) : error;
    }
    offset += bytes.length + 1;
  }
  return header && { file, header, events };
}

/** The header of a journal as it is; undefined where it is not complete, or damaged. */
export async function readHeaderOf(file: string): Promise<JournalHeader | undefined> {
  for await (const line of wholeLines(file))
    try {
      return JSON.parse(line.toString()) as JournalHeader;
    } catch {
      return undefined;
    }
  return undefined;
}

/** The lines of a file that end with a newline, without it. */
async function* wholeLines(file: string): AsyncGenerator<Buffer> {
  let pieces: Buffer[] = [];
  try {
    for await (const chunk of createReadStream(file, { highWaterMark: 2 ** 18 }) as AsyncIterable<Buffer>) {
      let start = 0;
      for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
        yield Buffer.concat([...pieces, chunk.subarray(start, end)]);
        pieces = [];
        start = end + 1;
      }
      pieces.push(chunk.subarray(start));
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new RequestError("journal", "a file that can be read", new Described(code)).at(file);
  }
}

/** An error about a line that is not as it was written. */
function damage(field: string, expected: string, received: unknown): RequestError {
  return new RequestError(field, expected, received, DAMAGE_REMEDY);
}

const DAMAGE_REMEDY = "the file is damaged: remove it, and its ranges are counted again by the next run";

const quoted = (bytes: Buffer) => new Described(bytes.toString("latin1"));

/** Refuses a later schema before anything else is expected of the line, since it may be sealed in another way. */
function checkSchema(bytes: Buffer): void {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString());
  } catch {
    return;
  }
  if (typeof value !== "object" || value === null || !("schema" in value) || value.schema === SCHEMA) return;
  const version = "version" in value ? ` (this one: ${String(value.version)})` : "";
  throw new RequestError(
    "schema",
    `${SCHEMA}`,
    value.schema,
    `read it with the version of exacta that wrote it${version}`,
  );
}

function readHeader(value: unknown): JournalHeader {
  const header = parse(headerSchema, value, "header");
  const digest = configurationDigest(header.configuration);
  if (header.digest !== digest) throw damage("digest", digest, header.digest);
  return header;
}

function readRange({ part, first, count, words }: Record<string, unknown>, parts: Parts): PartRange {
  if (typeof part !== "string" || !Object.hasOwn(parts, part))
    throw damage("part", `one of ${Object.keys(parts).join(", ")}`, part);
  const { unit, layout } = parts[part]!;
  const range = { first: first as number, count: count as number };
  if (!isDyadic(unit, range)) throw damage("range", `${unit} * 2^j trials at a multiple of them`, range);
  if (!Array.isArray(words) || words.length !== layout.length)
    throw damage("words", `${layout.length} words`, words);
  const wrong = words.findIndex((word) => !Number.isSafeInteger(word) || word < 0);
  if (wrong >= 0) throw damage(`words.${wrong}`, "an integer in 0..2^53 - 1", words[wrong]);
  const wide = layout.pairs.find((low) => words[low] >= 2 ** 32);
  if (wide !== undefined) throw damage(`words.${wide}`, "a low word in 0..2^32 - 1", words[wide]);
  return { part, ...range, words: Float64Array.from(words as number[]) };
}
