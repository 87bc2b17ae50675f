// From the bytes of an input to the bytes of its findings: blocks of lines are read, cut into pieces, solved and written, several
// of them at a time, and all of it comes out in the order of the input.

import { RequestError } from "../../../src/errors.ts";
import {
  MIN_RUN,
  piecesOf,
  poseColumns,
  type InstanceRange,
  type PosedInstances,
} from "../../../src/solve/columns.ts";
import type { SolveFinding } from "../../../src/finding.ts";
import type { SolveConfig } from "../../../src/solve/problem.ts";
import { answerPlain } from "../../experiments/columns.ts";
import { posedChunks, solveOrRefuse, type Posed } from "../../experiments/solve.ts";
import { pump } from "../../pump.ts";
import { provenanceOf, type Runner } from "../../runner.ts";
import type { CheckedInput, InputChunk } from "../formats/checked-input.ts";
import { errorOf, type ReadInstance } from "../formats/instances/block.ts";
import type { LineBlock, LongLine } from "../formats/instances/lines.ts";
import { settledBlocks, type SettledBlock } from "../formats/instances/settled.ts";
import type { SettleOptions } from "../formats/instances/settings.ts";
import { answerBytes, type ArrayAnswer } from "../formats/answers.ts";
import { textOf } from "../formats/finding-text.ts";
import { asWritten } from "../formats/written.ts";
import type { PlainBlock } from "./block.ts";
import { CHUNK_BYTES, gathered } from "./chunks.ts";
import { Pages } from "./pages.ts";
import { answeredBlock, type PrintSettings } from "./print.ts";
import type { ReadPart } from "./read.ts";
import { countReachable, type SolvedBlock } from "./tasks.ts";
import type { TextThreads } from "./threads.ts";

/** What is done with an input. */
export interface Pipeline {
  readonly runner: Runner;
  readonly threads: Pick<TextThreads, "read" | "print" | "solve" | "release">;
  readonly config: SolveConfig;
  readonly reading: SettleOptions;
  readonly csv: boolean;
  /** One answer is wanted, as numbers of an array instead of lines. */
  readonly answer?: ArrayAnswer | undefined;
  readonly signal: AbortSignal;
  /** Called for a line that is malformed or cannot be solved, which is then left out. Without it, its error ends everything. */
  readonly onRefused: ((error: RequestError) => void) | undefined;
  /** The index of the first instance that is solved; those before it are read and checked. */
  readonly first: number;
  /** The input of an earlier run, whose findings are in a file; without it, nothing is written to a file. */
  readonly checked: CheckedInput | undefined;
}

/** The findings of consecutive instances. */
export interface SolvedPiece {
  readonly printed: string | Uint8Array;
  readonly stored: string | Uint8Array;
  readonly instances: number;
  readonly findings: number;
  readonly reachable: number;
  /** The index behind that of the last instance; undefined where more of its findings follow. */
  readonly next: number | undefined;
  /** The line of the last instance, and the chunk in which it ends. */
  readonly line: number;
  readonly chunk: InputChunk | undefined;
  /** Called when the findings are written. */
  readonly release?: () => void;
}

/** Blocks of an input that are read at a time ahead of the engine, for each piece that keeps the engine busy. */
const BLOCKS_AHEAD = 2;
/** Pieces in work at a time besides those that keep the engine busy: they are being written. */
const PIECES_WRITTEN = 4;

/**
 * Solves the instances of an input.
 * @throws {RequestError} for a line that is malformed or cannot be solved, after the findings of all instances before it.
 * @throws The reason of the signal.
 */
export async function* solveInThreads(
  input: AsyncIterable<Uint8Array>,
  pipeline: Pipeline,
): AsyncGenerator<SolvedPiece, void, undefined> {
  const { runner, signal } = pipeline;
  const forecast = new Forecast(runner.engine === "cpu");
  const pages = new Pages(CHUNK_BYTES);
  const blocks = pump(
    placedBlocks(gathered(input, pages), pipeline),
    (block) => readBlock(block, pipeline, forecast),
    {
      depth: BLOCKS_AHEAD * runner.queueDepth,
      ordered: true,
      signal,
    },
  );
  const pieces = pump(cut(blocks, pipeline, forecast, pages), (piece) => solvePiece(piece, pipeline), {
    depth: runner.queueDepth + PIECES_WRITTEN,
    ordered: true,
    signal,
  });
  for await (const { solved, refusal } of pieces) {
    yield* solved;
    if (refusal) throw refusal;
  }
  signal.throwIfAborted();
}

/** Whole lines, or a line that is too long, with the chunk in which they end. */
type PlacedBlock = (SettledBlock | LongLine) & { readonly chunk: InputChunk | undefined };

async function* placedBlocks(
  pages: AsyncIterable<Uint8Array>,
  { reading, checked }: Pipeline,
): AsyncGenerator<PlacedBlock, void, undefined> {
  for await (const block of settledBlocks(checked?.read(pages) ?? pages, reading))
    yield { ...block, chunk: checked?.chunk };
}

/** The most blocks in succession whose findings are thrown away because of a wrong forecast. */
const MAX_MISSES = 16;

/**
 * Foretells the index of the first instance of a block while the blocks before it are still being read, by taking every line
 * for an instance. So a thread can read, solve and write a block in one go; where the index turns out to be another, its findings
 * are thrown away.
 */
class Forecast {
  /** Whether threads solve what they read. */
  isOn: boolean;
  /** The index of the first instance from a line on. */
  #index = 0;
  #line = 1;
  #misses = 0;

  constructor(isOn: boolean) {
    this.isOn = isOn;
  }

  indexAt(line: number): number {
    return this.#index + line - this.#line;
  }

  /** Learns the index of the first instance behind a line. */
  learn(index: number, line: number): void {
    this.#index = index;
    this.#line = line + 1;
  }

  /** Counts what was foretold rightly or wrongly. */
  count(isRight: boolean): void {
    this.#misses = isRight ? 0 : this.#misses + 1;
    if (this.#misses === MAX_MISSES) this.isOn = false;
  }
}

/** The instances of a block, and its refused lines. */
interface Read {
  readonly block: PlacedBlock;
  /** The findings of all instances, instead of parts. */
  readonly solved?: SolvedBlock | undefined;
  readonly parts: readonly ReadPart[];
  /** In order, each with the number of instances of the block before it. */
  readonly refusals: readonly { readonly before: number; readonly error: RequestError }[];
}

async function readBlock(block: PlacedBlock, pipeline: Pipeline, forecast: Forecast): Promise<Read> {
  if ("error" in block) return { block, parts: [], refusals: [{ before: 0, error: block.error }] };
  const { settings, bytes, firstLine } = block;
  const { threads, first, onRefused } = pipeline;
  const lines = { settings, bytes, firstLine, goesOn: onRefused !== undefined };
  const firstInstance = forecast.indexAt(Math.max(firstLine, settings.start));
  const read =
    forecast.isOn && !settings.isWhole && firstInstance >= first
      ? await threads.solve({ ...lines, firstInstance, print: printSettings(pipeline) })
      : await threads.read(lines);
  if (!("parts" in read)) return { block, solved: read, parts: [], refusals: [] };
  const refusals = read.refusals.map((refusal) => ({ before: refusal.before, error: errorOf(refusal) }));
  return { block, parts: read.parts, refusals };
}

const printSettings = ({ runner, config, csv, answer, checked }: Pipeline): PrintSettings => ({
  config,
  provenance: provenanceOf(runner),
  csv,
  answer,
  stores: checked !== undefined,
});

/** Posed instances in columns, the first of which has the index `index`, or in objects. */
type Piece = { readonly chunk: InputChunk | undefined } & (
  | {
      readonly posed: PosedInstances;
      readonly range: InstanceRange;
      readonly plain: PlainBlock;
      readonly index: number;
    }
  | { readonly objects: readonly Posed<ReadInstance>[] }
  | { readonly solved: SolvedBlock }
);

/** Cuts blocks into pieces that are worth a call of a kernel. */
async function* cut(
  blocks: AsyncIterable<Read>,
  pipeline: Pipeline,
  forecast: Forecast,
  pages: Pages,
): AsyncGenerator<Piece, void, undefined> {
  const { config, first, onRefused, threads } = pipeline;
  let index = 0;
  for await (const read of blocks) {
    const { block, solved } = read;
    const { chunk } = block;
    if (solved) {
      const isRight = solved.firstInstance === index;
      forecast.count(isRight);
      if (isRight) {
        index += solved.instances;
        forecast.learn(index, solved.line);
        giveBack(pages, block);
        yield { solved, chunk };
        continue;
      }
      threads.release(solved);
    }
    const { parts, refusals } = solved ? await readBlock(block, pipeline, new Forecast(false)) : read;
    giveBack(pages, block);
    const start = index;
    let refused = 0;
    /** Reports the malformed lines before an instance, so that refusals are reported in the order of the input. */
    const report = (instance: number) => {
      for (; refused < refusals.length && start + refusals[refused]!.before <= instance; refused++) {
        const { error } = refusals[refused]!;
        if (!onRefused) throw error;
        onRefused(error);
      }
    };
    function* pose(instances: readonly ReadInstance[]): Generator<Piece, void, undefined> {
      const from = index;
      const left = Math.max(0, first - index);
      index += instances.length;
      const refuse =
        onRefused &&
        ((at: number, error: RequestError) => {
          report(at);
          onRefused(error);
        });
      for (const objects of posedChunks(config, instances.slice(left), from + left, refuse))
        yield { objects, chunk };
    }
    for (const part of mergedParts(parts)) {
      if ("instances" in part) {
        yield* pose(part.instances);
        continue;
      }
      const { plain } = part;
      const from = index;
      const end = index + plain.lines.length;
      if (end > first) {
        const posed = poseColumns(config, plain);
        for (const { isPlain, ...range } of piecesOf(posed, Math.max(0, first - from))) {
          index = from + range.first;
          if (isPlain) yield { posed, range, plain, index: from, chunk };
          else yield* pose(instancesOf(plain, range));
        }
      }
      index = end;
    }
    report(Infinity);
    forecast.learn(index, lastLineOf(parts) ?? lineBefore(block));
  }
}

/** The parts of a block, in which few instances in columns join those in objects around them. */
function mergedParts(parts: readonly ReadPart[]): readonly ReadPart[] {
  if (parts.length === 1) return parts;
  const merged: ReadPart[] = [];
  for (const part of parts) {
    if ("plain" in part && part.plain.lines.length >= MIN_RUN) {
      merged.push(part);
      continue;
    }
    const instances = objectsOf(part);
    const last = merged.at(-1);
    if (last && "instances" in last)
      merged[merged.length - 1] = { instances: [...last.instances, ...instances] };
    else merged.push({ instances });
  }
  return merged;
}

/** The instances of a part as objects. */
export const objectsOf = (part: ReadPart): readonly ReadInstance[] =>
  "plain" in part ? instancesOf(part.plain, { first: 0, end: part.plain.lines.length }) : part.instances;

/** Gives back the page of a block that is read, unless it is still to be compared with that of an earlier run. */
function giveBack(pages: Pages, block: PlacedBlock): void {
  if ("error" in block || block.chunk) return;
  const { bytes } = block;
  if (bytes.buffer instanceof SharedArrayBuffer) pages.give(bytes.buffer);
}

const lineBefore = (block: LineBlock | LongLine): number =>
  ("error" in block ? block.line : block.firstLine) - 1;

/** The line of the last instance of a block. */
function lastLineOf(parts: readonly ReadPart[]): number | undefined {
  const last = parts.at(-1);
  return last && ("plain" in last ? last.plain.lines.at(-1) : last.instances.at(-1)!.line);
}

const decoder = new TextDecoder();

/** A range of a block as objects. */
function instancesOf(plain: PlainBlock, { first, end }: InstanceRange): ReadInstance[] {
  const { items, offsets, targets, targetOffsets, ids, idOffsets, lines } = plain;
  return Array.from({ length: end - first }, (_, i) => {
    const k = first + i;
    const asked = [...targets.subarray(targetOffsets[k], targetOffsets[k + 1])];
    const id = decoder.decode(ids.subarray(idOffsets[k], idOffsets[k + 1]));
    return {
      items: [...items.subarray(offsets[k], offsets[k + 1])],
      targets: asked.length > 0 ? asked : undefined,
      id: id === "" ? undefined : (JSON.parse(id) as string | number),
      line: lines[k]!,
    };
  });
}

/** The findings of a piece: all of them, or those before an instance that the engine refused. */
interface Solved {
  readonly solved: Iterable<SolvedPiece>;
  readonly refusal?: RequestError | undefined;
}

async function solvePiece(piece: Piece, pipeline: Pipeline): Promise<Solved> {
  if ("solved" in piece) {
    const { chunk, solved } = piece;
    const { firstInstance, instances, ...rest } = solved;
    const release = () => pipeline.threads.release(solved);
    return { solved: [{ ...rest, instances, next: firstInstance + instances, chunk, release }] };
  }
  if ("objects" in piece) return solveObjects(piece.objects, piece.chunk, pipeline);
  const { posed, range, plain, index, chunk } = piece;
  const { runner, config, threads } = pipeline;
  const answers = await answerPlain(runner, config, posed, range);
  if (!answers) return solveAsObjects(instancesOf(plain, range), index + range.first, chunk, pipeline);
  const settings = printSettings(pipeline);
  const block = answeredBlock(config, posed, range, plain, index, answers);
  return {
    solved: [
      {
        ...(await threads.print({ block, settings })),
        instances: range.end - range.first,
        findings: answers.reachable.length,
        reachable: countReachable(answers),
        next: index + range.end,
        line: plain.lines[range.end - 1]!,
        chunk,
      },
    ],
  };
}

/** Solves a range that does not fit the engine at once. */
async function solveAsObjects(
  instances: readonly ReadInstance[],
  index: number,
  chunk: InputChunk | undefined,
  pipeline: Pipeline,
): Promise<Solved> {
  const all: Iterable<SolvedPiece>[] = [];
  for (const objects of posedChunks(pipeline.config, instances, index)) {
    const { solved, refusal } = await solveObjects(objects, chunk, pipeline);
    all.push(solved);
    if (refusal) return { solved: chained(all), refusal };
  }
  return { solved: chained(all) };
}

function* chained<T>(lists: readonly Iterable<T>[]): Generator<T, void, undefined> {
  for (const list of lists) yield* list;
}

async function solveObjects(
  objects: readonly Posed<ReadInstance>[],
  chunk: InputChunk | undefined,
  { runner, config, csv, answer, onRefused, checked }: Pipeline,
): Promise<Solved> {
  const refuse = onRefused && ((_: number, error: RequestError) => onRefused(error));
  const { solved, refusal } = await solveOrRefuse(runner, config, objects, refuse);
  return {
    solved: answer ? answerPieces(solved, answer) : textPieces(solved, chunk, csv, checked !== undefined),
    refusal,
  };
}

/** An answer to each finding as numbers. */
function* answerPieces(
  solved: readonly { readonly instance: ReadInstance; readonly finding: SolveFinding }[],
  answer: ArrayAnswer,
): Generator<SolvedPiece, void, undefined> {
  for (const [i, { instance, finding }] of solved.entries()) {
    const isLast = solved[i + 1]?.finding.instance !== finding.instance;
    yield {
      printed: answerBytes(answer, finding),
      stored: "",
      instances: Number(isLast),
      findings: 1,
      reachable: Number(finding.reachable),
      next: isLast ? finding.instance + 1 : undefined,
      line: instance.line,
      chunk: undefined,
    };
  }
}

/** Characters of findings that are worth a piece. */
const PIECE_CHARACTERS = 2 ** 16;

/** The findings of whole instances in pieces of text, made as they are written: an instance may have a million targets. */
function* textPieces(
  solved: readonly { readonly instance: ReadInstance; readonly finding: SolveFinding }[],
  chunk: InputChunk | undefined,
  csv: boolean,
  stores: boolean,
): Generator<SolvedPiece, void, undefined> {
  let [printed, stored, instances, findings, reachable] = ["", "", 0, 0, 0];
  for (const [i, { instance, finding }] of solved.entries()) {
    const text = textOf(asWritten(finding, instance.written), csv);
    printed += text.printed;
    if (stores) stored += text.stored;
    findings++;
    if (finding.reachable) reachable++;
    const isLast = solved[i + 1]?.finding.instance !== finding.instance;
    if (isLast) instances++;
    if (printed.length < PIECE_CHARACTERS && i + 1 < solved.length) continue;
    const next = isLast ? finding.instance + 1 : undefined;
    const line = instance.written?.lastLine ?? instance.line;
    yield { printed, stored, instances, findings, reachable, next, line, chunk };
    [printed, stored, instances, findings, reachable] = ["", "", 0, 0, 0];
  }
}
