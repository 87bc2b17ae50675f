// Findings of instances in columns as lines of bytes: what `textOf` makes of each of them as an object.

import type { Provenance, SolveFinding } from "../../../src/finding.ts";
import type { InstanceRange, PlainAnswers, PosedInstances } from "../../../src/solve/columns.ts";
import type { SolveConfig } from "../../../src/solve/problem.ts";
import { textOf, type SolutionText } from "../formats/finding-text.ts";
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
  /** Whether a file gets them as well. */
  readonly stores: boolean;
}

/** The bytes for stdout, and those for a file, without provenance. */
export interface PrintedBlock {
  readonly printed: Uint8Array;
  readonly stored: Uint8Array<ArrayBuffer>;
}

/**
 * The lines of the findings of a block.
 * @param page Memory for the lines on stdout, if they fit.
 * @param memory The memory in which columns of the block lie. Views of it end.
 */
export function printBlock(
  block: AnsweredBlock,
  settings: PrintSettings,
  page?: SharedArrayBuffer,
  memory?: LineMemory,
): PrintedBlock {
  if (!settings.csv) return printJson(block, settings, page, memory);
  let [printed, stored] = ["", ""];
  for (const finding of findingsOf(block, settings)) {
    const text: SolutionText = textOf(finding, true);
    printed += text.printed;
    stored += text.stored;
  }
  return { printed: encoder.encode(printed), stored: encoder.encode(settings.stores ? stored : "") };
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The findings of a block as objects, as the library yields them. */
function* findingsOf(
  block: AnsweredBlock,
  { config, provenance }: Pick<PrintSettings, "config" | "provenance">,
): Generator<SolveFinding, void, undefined> {
  const { firstInstance, lines, offsets, totals, queryOffsets, targets, answers } = block;
  const { reachable, sums, sizes } = answers;
  const { asked, tolerance, atMost, partition } = config;
  const firstQuery = queryOffsets[0]!;
  for (let k = 0; k < lines.length; k++)
    for (let q = queryOffsets[k]! - firstQuery; q < queryOffsets[k + 1]! - firstQuery; q++) {
      const isReachable = reachable[q] === 1;
      const finding: { -readonly [Field in keyof SolveFinding]?: SolveFinding[Field] } = {
        kind: "solve",
        instance: firstInstance + k,
      };
      const id = decoder.decode(block.ids.subarray(block.idOffsets[k], block.idOffsets[k + 1]));
      if (id !== "") finding.id = JSON.parse(id) as string | number;
      finding.line = lines[k]!;
      finding.items = offsets[k + 1]! - offsets[k]!;
      if (!partition) finding.target = targets[firstQuery + q]! + 0;
      if (tolerance !== undefined) finding.tolerance = tolerance;
      if (atMost) finding.atMost = true;
      if (partition) finding.partition = true;
      finding.reachable = isReachable;
      if (tolerance !== undefined || atMost || partition) finding.sum = isReachable ? sums[q]! : null;
      if (partition) finding.difference = Math.abs(totals[k]! - 2 * sums[q]!);
      if (asked.has("count")) finding.count = String(countOf(answers, q));
      if (asked.has("witness"))
        finding.witness = isReachable ? [...indicesOf(answers, answers.witnesses, q)] : null;
      if (asked.has("smallest")) {
        finding.smallest = isReachable ? sizes[q]! : null;
        finding.smallestWitness = isReachable ? [...indicesOf(answers, answers.smallest, q)] : null;
      }
      finding.method = "bitset";
      yield Object.assign(finding, provenance) as SolveFinding;
    }
}

const countOf = ({ counts }: PlainAnswers, q: number): bigint =>
  (BigInt(counts[2 * q + 1]!) << 32n) | BigInt(counts[2 * q]!);

function* indicesOf({ maskOffsets }: PlainAnswers, masks: Uint32Array, q: number): Generator<number> {
  for (let word = maskOffsets[q]!; word < maskOffsets[q + 1]!; word++)
    for (let bits = masks[word]!; bits !== 0; bits &= bits - 1)
      yield 32 * (word - maskOffsets[q]!) + 31 - Math.clz32(bits & -bits);
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

function printJson(
  block: AnsweredBlock,
  { config, provenance, stores }: PrintSettings,
  page?: SharedArrayBuffer,
  lent?: LineMemory,
): PrintedBlock {
  const { lines, ids, idOffsets, offsets, totals, queryOffsets, targets, answers } = block;
  const { asked, tolerance, atMost, partition } = config;
  const conditions =
    (tolerance === undefined ? "" : `,"tolerance":${tolerance}`) +
    `${atMost ? ',"atMost":true' : ""}${partition ? ',"partition":true' : ""}`;
  const texts = [
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
  ].map((text) => encoder.encode(text));
  const fields = [
    !partition,
    tolerance !== undefined || atMost || partition,
    partition,
    asked.has("count"),
    asked.has("witness"),
    asked.has("smallest"),
  ].reduce((bits, has, i) => bits | (Number(has) << i), 0);
  const hasSets = asked.has("witness") || asked.has("smallest");
  const constant = texts.reduce((bytes, text) => bytes + text.length, 0);
  let most = (LINE_BYTES + constant) * (queryOffsets.at(-1)! - queryOffsets[0]!);
  const hasNames = idOffsets.at(-1)! > idOffsets[0]!;
  for (let k = 0; (hasNames || hasSets) && k < lines.length; k++) {
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
    const settings = { config, provenance, csv: false, stores };
    const halves = [rangeOf(block, 0, middle), rangeOf(block, middle, lines.length)].map((half) =>
      printJson(half, settings),
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
  memory.wasm.writeJson(writer, block.firstInstance);
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
