// Findings of instances in columns as bytes: what `textOf` makes of each of them as an object.

import type { Provenance } from "../../../src/finding.ts";
import type { InstanceRange, PlainAnswers, PosedInstances } from "../../../src/solve/columns.ts";
import type { SolveConfig } from "../../../src/solve/problem.ts";
import { columnBytes, type ArrayAnswer } from "../formats/answers.ts";
import { csvField } from "../formats/csv-field.ts";
import { COLUMNS, PROVENANCE } from "../formats/finding-text.ts";
import type { PlainBlock } from "./block.ts";
import { LineMemory } from "./memory.ts";

/** Consecutive instances of a block with their answers. */
export interface AnsweredBlock extends Pick<PlainBlock, "ids" | "targets"> {
  /** The index of the first instance in the input. */
  readonly firstInstance: number;
  readonly lines: Uint32Array<ArrayBuffer>;
  /** By instance: where its name, its items and its queries begin in their columns; the last entry is the end. */
  readonly idOffsets: Uint32Array<ArrayBuffer>;
  readonly offsets: Uint32Array<ArrayBuffer>;
  readonly queryOffsets: Uint32Array<ArrayBuffer>;
  /** For a partition, the total of the items of each instance. */
  readonly totals: Int32Array<ArrayBuffer>;
  /** Entry k is that of the query queryOffsets[0] + k. */
  readonly answers: PlainAnswers;
}

/**
 * A range of a block with its answers.
 * @param index The index of the first instance of the block in the input.
 */
export function answeredBlock(
  { partition }: SolveConfig,
  posed: Pick<PosedInstances, "offsets" | "targets" | "queryOffsets" | "positive" | "negative">,
  { first, end }: InstanceRange,
  { lines, ids, idOffsets }: PlainBlock,
  index: number,
  answers: PlainAnswers,
): AnsweredBlock {
  const { offsets, targets, queryOffsets, positive, negative } = posed;
  const totals = new Int32Array(partition ? end - first : 0);
  for (let k = 0; k < totals.length; k++) totals[k] = positive[first + k]! - negative[first + k]!;
  return {
    firstInstance: index + first,
    lines: lines.subarray(first, end),
    ids,
    idOffsets: idOffsets.subarray(first, end + 1),
    offsets: offsets.subarray(first, end + 1),
    queryOffsets: queryOffsets.subarray(first, end + 1),
    targets,
    totals,
    answers,
  };
}

/** How findings are written. */
export interface PrintSettings {
  readonly config: SolveConfig;
  readonly provenance: Provenance;
  readonly csv: boolean;
  /** One answer is wanted, as numbers of an array instead of lines. */
  readonly answer?: ArrayAnswer | undefined;
  /** Whether a file gets them as well. */
  readonly stores: boolean;
}

/** The bytes for stdout, and those for a file, without provenance. */
export interface PrintedBlock {
  readonly printed: Uint8Array;
  readonly stored: Uint8Array<ArrayBuffer>;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The fields of a finding that are written from columns, in the order of both forms. */
type WrittenField =
  | "instance"
  | "id"
  | "line"
  | "items"
  | "target"
  | "reachable"
  | "sum"
  | "difference"
  | "count"
  | "witness"
  | "smallest"
  | "smallestWitness";

/** Whether findings have a field. */
function fieldsOf({ asked, tolerance, atMost, partition }: SolveConfig) {
  return {
    target: !partition,
    sum: tolerance !== undefined || atMost || partition,
    difference: partition,
    count: asked.has("count"),
    witness: asked.has("witness"),
    smallest: asked.has("smallest"),
  };
}

/** The constant texts of findings as lines of JSON, in the order of `Text` in wasm/lines.ts. */
function jsonTexts({ config: { tolerance, atMost, partition }, provenance }: PrintSettings): string[] {
  const conditions =
    (tolerance === undefined ? "" : `,"tolerance":${tolerance}`) +
    `${atMost ? ',"atMost":true' : ""}${partition ? ',"partition":true' : ""}`;
  return [
    '{"kind":"solve","instance":',
    ',"id":',
    ',"line":',
    ',"items":',
    ',"target":',
    `${conditions},"reachable":true`,
    `${conditions},"reachable":false`,
    ',"sum":',
    ',"difference":',
    ',"count":"',
    '"',
    ',"witness":',
    ',"smallest":',
    ',"smallestWitness":',
    "null",
    ',"method":"bitset"',
    `,${JSON.stringify(provenance).slice(1)}\n`,
    "}\n",
  ];
}

/** The constant texts of findings as rows of CSV, in the same order. */
function csvTexts({ config, provenance }: PrintSettings): string[] {
  const { tolerance, atMost, partition } = config;
  const fields: Partial<Record<string, boolean>> = fieldsOf(config);
  const constants: Partial<Record<string, string>> = {
    tolerance: tolerance === undefined ? "" : String(tolerance),
    atMost: atMost ? "true" : "",
    partition: partition ? "true" : "",
    method: "bitset",
  };
  // The text before a field has the commas of all fields without a value between it and the one before.
  const before: Partial<Record<WrittenField, string>> = {};
  let text = "";
  for (const name of COLUMNS) {
    const isWritten =
      ["instance", "id", "line", "items", "reachable"].includes(name) ||
      fields[name === "smallestWitness" ? "smallest" : name];
    if (isWritten) before[name as WrittenField] = text;
    text = isWritten ? "," : `${text}${constants[name] ?? ""},`;
  }
  const of = (name: WrittenField) => before[name] ?? "";
  return [
    of("instance"),
    of("id"),
    of("line"),
    of("items"),
    of("target"),
    `${of("reachable")}true`,
    `${of("reachable")}false`,
    of("sum"),
    of("difference"),
    of("count"),
    "",
    of("witness"),
    of("smallest"),
    of("smallestWitness"),
    "",
    text.slice(0, -1),
    `,${PROVENANCE.map((name) => csvField(provenance[name])).join(",")}\r\n`,
    "\r\n",
  ];
}

/** The names of a block as fields of CSV. */
function csvNames({ ids, idOffsets }: AnsweredBlock): Pick<AnsweredBlock, "ids" | "idOffsets"> {
  const offsets = new Uint32Array(idOffsets.length);
  let names = "";
  let end = 0;
  for (let k = 0; k + 1 < idOffsets.length; k++) {
    const id = decoder.decode(ids.subarray(idOffsets[k], idOffsets[k + 1]));
    const name = id === "" ? "" : csvField(JSON.parse(id) as string | number);
    names += name;
    offsets[k + 1] = end += Buffer.byteLength(name);
  }
  return { ids: encoder.encode(names), idOffsets: offsets };
}

/** Bytes of the numbers of a line: eight of at most 20 digits, of which most have at most 11; and `null` twice again. */
const LINE_BYTES = 128;
/** Bytes of an index in a list: at most four digits and a comma. */
const INDEX_BYTES = 5;

/** Instances whose lines may take more bytes are written in two halves. */
const MAX_LINES_BYTES = 2 ** 27;

let ownMemory: LineMemory | undefined;

/** A range of the instances of a block. */
function rangeOf(block: AnsweredBlock, first: number, end: number): AnsweredBlock {
  const { lines, idOffsets, offsets, queryOffsets, totals, answers } = block;
  const from = queryOffsets[first]! - queryOffsets[0]!;
  return {
    ...block,
    firstInstance: block.firstInstance + first,
    lines: lines.subarray(first, end),
    idOffsets: idOffsets.subarray(first, end + 1),
    offsets: offsets.subarray(first, end + 1),
    queryOffsets: queryOffsets.subarray(first, end + 1),
    totals: totals.subarray(first),
    answers: {
      ...answers,
      reachable: answers.reachable.subarray(from),
      sums: answers.sums.subarray(from),
      counts: answers.counts.subarray(2 * from),
      maskOffsets: answers.maskOffsets.subarray(from),
      sizes: answers.sizes.subarray(from),
    },
  };
}

/**
 * The lines of the findings of a block.
 * @param page Memory for the lines on stdout, if they fit.
 * @param lent The memory in which columns of the block lie. Views of it end.
 */
export function printBlock(
  block: AnsweredBlock,
  settings: PrintSettings,
  page?: SharedArrayBuffer,
  lent?: LineMemory,
): PrintedBlock {
  const { config, csv, stores, answer } = settings;
  if (answer) return { printed: columnBytes(answer, block.answers), stored: new Uint8Array(0) };
  const { lines, offsets, totals, queryOffsets, targets, answers } = block;
  const isNamed = block.idOffsets.at(-1)! > block.idOffsets[0]!;
  const { ids, idOffsets } = csv && isNamed ? csvNames(block) : block;
  const { asked } = config;
  const texts = (csv ? csvTexts : jsonTexts)(settings).map((text) => encoder.encode(text));
  const fields = [...Object.values(fieldsOf(config)), csv].reduce(
    (bits, has, i) => bits | (Number(has) << i),
    0,
  );
  const hasSets = asked.has("witness") || asked.has("smallest");
  const constant = texts.reduce((bytes, text) => bytes + text.length, 0);
  let most = (LINE_BYTES + constant) * (queryOffsets.at(-1)! - queryOffsets[0]!);
  for (let k = 0; (isNamed || hasSets) && k < lines.length; k++) {
    const name = idOffsets[k + 1]! - idOffsets[k]!;
    const sets = hasSets ? 2 * INDEX_BYTES * (offsets[k + 1]! - offsets[k]!) : 0;
    most += (name + sets) * (queryOffsets[k + 1]! - queryOffsets[k]!);
  }
  const { reachable, sums, counts, maskOffsets, witnesses, sizes, smallest } = answers;
  const columns = [
    lines,
    offsets,
    totals,
    queryOffsets,
    idOffsets,
    ids,
    targets,
    reachable,
    sums,
    counts,
    maskOffsets,
    witnesses,
    sizes,
    smallest,
  ];
  if (most > MAX_LINES_BYTES && lines.length > 1) {
    const middle = lines.length >> 1;
    const halves = [rangeOf(block, 0, middle), rangeOf(block, middle, lines.length)].map((half) =>
      printBlock(half, settings),
    );
    return {
      printed: Buffer.concat(halves.map(({ printed }) => printed)),
      stored: new Uint8Array(Buffer.concat(halves.map(({ stored }) => stored))),
    };
  }
  if (!lent) (ownMemory ??= new LineMemory()).reset(0, 0);
  const memory = lent ?? ownMemory!;
  // Views of the memory end where it grows.
  const count = lines.length;
  const places = columns.map((column) => memory.addressOf(column));
  const copied = [...columns.filter((_, i) => places[i] === undefined), ...texts];
  const bytes = copied.reduce((sum, { byteLength }) => sum + byteLength, (stores ? 2 : 1) * most);
  memory.reserve(bytes + 8 * texts.length + 4 * WRITER_WORDS, copied.length + 4);
  const addresses = places.map((place, i) => place ?? memory.copyOf(columns[i]!));
  const table = memory.copyOf(Uint32Array.from(texts.flatMap((text) => [memory.copyOf(text), text.length])));
  const printedAt = memory.allocate(most);
  const storedAt = stores ? memory.allocate(most) : 0;
  const words = Uint32Array.of(count, ...addresses, fields, printedAt, storedAt, table);
  const writer = memory.copyOf(words);
  memory.wasm.writeFindings(writer, block.firstInstance);
  const [printedEnd, storedEnd] = new Uint32Array(memory.buffer, writer + ENDS, 2);
  const printed = new Uint8Array(memory.buffer, printedAt, printedEnd! - printedAt);
  return {
    printed: inPage(printed, page),
    stored: new Uint8Array(memory.buffer, storedAt, storedEnd! - storedAt).slice(),
  };
}

/** The words that the writer takes: those of `Findings` in wasm/lines.ts. */
const WRITER_WORDS = 19;
/** The byte from which on the writer leaves the ends of its lines. */
const ENDS = 64;

/** A copy of bytes, in a page where they fit into it. */
function inPage(bytes: Uint8Array, page: SharedArrayBuffer | undefined): Uint8Array {
  if (!page || bytes.length > page.byteLength) return bytes.slice();
  const copy = new Uint8Array(page, 0, bytes.length);
  copy.set(bytes);
  return copy;
}
