// What a thread can do with text: read a block of lines, write the findings of one, or do both and solve in between.

import { LocalKernels } from "../../cpu/kernels.ts";
import {
  answerColumns,
  PIECE_COST_NS,
  poseColumns,
  type InstanceRange,
  type PlainAnswers,
  type PosedInstances,
} from "../../../src/solve/columns.ts";
import type { SolveConfig } from "../../../src/solve/problem.ts";
import { BlockReader } from "./block.ts";
import type { Settings } from "../formats/instances/settings.ts";
import {
  answeredBlock,
  printBlock,
  type AnsweredBlock,
  type PrintedBlock,
  type PrintSettings,
} from "./print.ts";
import { readParts, type ReadParts } from "./read.ts";

/** Whole lines to read. */
export interface ReadTask {
  readonly settings: Settings;
  readonly bytes: Uint8Array;
  readonly firstLine: number;
  /** Whether lines behind one that is refused are wanted. */
  readonly goesOn: boolean;
}

/** Answers to write. */
export interface PrintTask {
  readonly block: AnsweredBlock;
  readonly settings: PrintSettings;
}

/** Whole lines to read and to solve on the CPU, if all their instances are small. */
export interface SolveTask extends ReadTask {
  readonly print: PrintSettings;
  /** The index that the first instance is expected to have. */
  readonly firstInstance: number;
  /** Memory for the lines on stdout. */
  readonly page?: SharedArrayBuffer | undefined;
}

export type TextTask =
  | ({ readonly kind: "read" } & ReadTask)
  | ({ readonly kind: "print" } & PrintTask)
  | ({ readonly kind: "solve" } & SolveTask);

/** The findings of all instances of a block. */
export interface SolvedBlock extends PrintedBlock {
  readonly firstInstance: number;
  readonly instances: number;
  readonly findings: number;
  readonly reachable: number;
  /** The line of the last instance. */
  readonly line: number;
}

export type TextAnswer = ReadParts | PrintedBlock | SolvedBlock;

export const readTask = ({ settings, bytes, firstLine, goesOn }: ReadTask): ReadParts =>
  readParts(settings, bytes, firstLine, goesOn);

export const printTask = ({ block, settings }: PrintTask): PrintedBlock => printBlock(block, settings);

/** Small instances of a block together cost at most this, by estimate. */
const MAX_COST_NS = 10 * PIECE_COST_NS;

/** Solves blocks in this thread. */
export class BlockSolver {
  readonly #kernels: LocalKernels;
  readonly #reader: BlockReader;

  constructor(module: WebAssembly.Module) {
    this.#kernels = new LocalKernels(module);
    this.#reader = new BlockReader(module);
  }

  /** The findings of a block of small instances; what was read where it holds anything else. */
  async solve(task: SolveTask): Promise<SolvedBlock | ReadParts> {
    const { settings, bytes, firstLine, goesOn, print, firstInstance, page } = task;
    const read = readParts(settings, bytes, firstLine, goesOn, this.#reader);
    const [part] = read.parts;
    if (read.parts.length !== 1 || read.refusals.length > 0 || !part || !("plain" in part))
      return readTask(task);
    const range = { first: 0, end: this.#reader.lent.lines.length };
    const { config } = print;
    let answers = this.#reader.answer(config);
    // Views of the memory end where it has grown.
    const plain = this.#reader.lent;
    let posed: Parameters<typeof answeredBlock>[1] = {
      ...plain,
      queryOffsets: plain.targetOffsets,
      positive: NONE,
      negative: NONE,
    };
    if (!answers) {
      const all = poseColumns(config, plain);
      posed = all;
      answers = await this.#answer(config, all, range);
      if (!answers) return readTask(task);
    }
    const solved = {
      firstInstance,
      instances: range.end,
      findings: answers.reachable.length,
      reachable: countReachable(answers),
      line: plain.lines[range.end - 1]!,
    };
    const answered = answeredBlock(config, posed, range, plain, firstInstance, answers);
    return { ...printBlock(answered, print, page, this.#reader.memory), ...solved };
  }

  /** The answers of the kernels; undefined where the engine has to solve the instances in parts, or in other ways. */
  async #answer(
    config: SolveConfig,
    posed: PosedInstances,
    range: InstanceRange,
  ): Promise<PlainAnswers | undefined> {
    let cost = 0;
    for (const one of posed.costs) cost += one < 0 ? Infinity : one;
    if (cost > MAX_COST_NS) return undefined;
    try {
      return await answerColumns(config, posed, range, async (work) => this.#kernels.run(work));
    } catch (error) {
      if (error instanceof RangeError) return undefined;
      throw error;
    }
  }
}

const NONE = new Int32Array(0);

/** The findings with a subset. A loop takes a tenth of the time of a call for each of them. */
export function countReachable({ reachable }: PlainAnswers): number {
  let count = 0;
  for (let q = 0; q < reachable.length; q++) count += reachable[q]!;
  return count;
}

/** The buffers of an answer, which a thread gives away instead of copying them. */
export function buffersOf(answer: TextAnswer): ArrayBuffer[] {
  const columns =
    "parts" in answer
      ? answer.parts.flatMap((part) => ("plain" in part ? Object.values(part.plain) : []))
      : [answer.printed, answer.stored];
  return columns.flatMap(({ buffer }) => (buffer instanceof ArrayBuffer ? buffer : []));
}
