// The threads of `exacta solve`, which read, solve and write text. They start with the first task that is worth it.

import { kernelModule } from "../../cpu/module.ts";
import { Pool, type NumberedReply, type PoolOptions, type ThreadHandlers } from "../../pool.ts";
import { startFile } from "../platform/threads.ts";
import { Pages } from "./pages.ts";
import type { PrintedBlock } from "./print.ts";
import type { ReadParts } from "./read.ts";
import {
  printTask,
  readTask,
  type PrintTask,
  type ReadTask,
  type SolvedBlock,
  type SolveTask,
  type TextAnswer,
  type TextTask,
} from "./tasks.ts";

interface TextReply extends NumberedReply {
  readonly answer?: TextAnswer;
  /** The page of the task. */
  readonly page?: SharedArrayBuffer;
  readonly error?: Error;
}

/** A task with fewer bytes or findings is done at once: a thread would not gain what starting it and posting to it take. */
const MIN_BYTES = 2 ** 17;
const MIN_FINDINGS = 2 ** 10;
/** Bytes for the findings of a block: more than three times those of its lines. */
const PAGE_BYTES = 2 ** 20;
/** The limit of a task: seconds, and more than any thread takes for its bytes. */
const SHORTEST_LIMIT_MS = 20_000;
const BYTES_PER_MS = 1000;

/** The bytes of a task, or an estimate of them. */
const bytesOf = (task: TextTask): number =>
  task.kind === "print" ? 2 ** 9 * task.block.answers.reachable.length : task.bytes.length;

/** Threads that start when they are needed, and what is done without them. */
export class TextThreads {
  readonly #threads: number;
  readonly #options: PoolOptions;
  readonly #pages = new Pages(PAGE_BYTES);
  #pool: Promise<Pool<TextTask, TextAnswer, TextReply>> | undefined;

  /** @param threads How many threads, 1 or more. */
  constructor(threads: number, options: PoolOptions) {
    this.#threads = threads;
    this.#options = options;
  }

  async read(task: ReadTask): Promise<ReadParts> {
    if (task.bytes.length < MIN_BYTES) return readTask(task);
    return (await this.#run({ kind: "read", ...task })) as ReadParts;
  }

  async print(task: PrintTask): Promise<PrintedBlock> {
    if (task.block.answers.reachable.length < MIN_FINDINGS) return printTask(task);
    return (await this.#run({ kind: "print", ...task })) as PrintedBlock;
  }

  /** Reads lines, and solves them where that is worth it. Whoever has written what is printed gives its memory back. */
  async solve(task: SolveTask): Promise<SolvedBlock | ReadParts> {
    // The last block of an input may be small. Were it read here, the threads of the engine would start for it.
    if (task.bytes.length < MIN_BYTES && !this.#pool) return readTask(task);
    return (await this.#run({ kind: "solve", ...task })) as SolvedBlock | ReadParts;
  }

  /** Takes back the memory of findings that are written. */
  release({ printed }: PrintedBlock): void {
    if (printed.buffer instanceof SharedArrayBuffer) this.#pages.give(printed.buffer);
  }

  async close(): Promise<void> {
    (await this.#pool)?.close(new Error("the threads were closed"));
  }

  async #run(task: TextTask): Promise<TextAnswer> {
    this.#pool ??= this.#open();
    return (await this.#pool).run(task);
  }

  async #open() {
    const tasks = {
      start: (handlers: ThreadHandlers<TextReply>) =>
        startFile(new URL("solve-thread.js", import.meta.url), handlers),
      greeting: await kernelModule(),
      // A thread that hangs may still write into the page that it got, so that another thread gets another one.
      messageOf: (task: TextTask) => (task.kind === "solve" ? { ...task, page: this.#pages.take() } : task),
      answerOf: (_: TextTask, { answer, error, page }: TextReply): TextAnswer => {
        if (page && !(answer && "printed" in answer && answer.printed.buffer instanceof SharedArrayBuffer))
          this.#pages.give(page);
        if (answer) return answer;
        throw error!;
      },
      limitMilliseconds: (task: TextTask) => SHORTEST_LIMIT_MS + bytesOf(task) / BYTES_PER_MS,
    };
    return new Pool(this.#threads, tasks, this.#options);
  }
}
