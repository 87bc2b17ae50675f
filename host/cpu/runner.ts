// The CPU runner: the WebAssembly kernels in worker threads that share nothing.

import { CapacityError } from "../../src/errors.ts";
import type { Work } from "../../src/plan.ts";
import { MAX_PIECES, Pool, type PoolOptions, type Thread, type ThreadHandlers } from "../pool.ts";
import type { Answer, Runner } from "../runner.ts";
import { limitMilliseconds } from "./cost.ts";
import { callOf } from "./kernels.ts";
import { kernelModule } from "./module.ts";
import script from "./worker.js?raw";

/** The reply of a thread to one piece of work: its output, or the reason why there is none. */
export interface Reply {
  /** The number of the piece of work; 0 where the thread says that it has started and takes messages. */
  readonly id: number;
  readonly output?: Uint32Array;
  readonly error?: string;
  /** The thread was out of memory. */
  readonly exhausted?: boolean;
}

/** Starts a thread that runs a script given as text. */
export type StartThread = (script: string, handlers: ThreadHandlers<Reply>) => Thread;

export interface CpuOptions extends PoolOptions {
  /** The milliseconds after which a thread that has not answered some work is taken to hang (host/cpu/cost.ts). */
  readonly limitMilliseconds?: (work: Work) => number;
}

/** Milliseconds that a piece of work should take. */
const TARGET_MS = 40;

/**
 * Opens `threads` threads, 1 or more. Work goes to the thread that has the fewest pieces. A thread that ends, hangs or does not
 * start is replaced, and its work is run again. Threads keep the process alive only while work is unanswered.
 */
export async function cpuRunner(
  threads: number,
  startThread: StartThread,
  options: CpuOptions = {},
): Promise<Runner> {
  const tasks = {
    start: (handlers: ThreadHandlers<Reply>) => startThread(script, handlers),
    greeting: await kernelModule(),
    messageOf: callOf,
    answerOf(work: Work, { output, error, exhausted }: Reply): Answer {
      if (output) return { words: output };
      throw exhausted ? capacityError(work) : new Error(`WebAssembly: ${error}`);
    },
    limitMilliseconds: options.limitMilliseconds ?? limitMilliseconds,
  };
  const pool = new Pool(threads, tasks, options);
  return {
    engine: "cpu",
    adapter: `WebAssembly SIMD, ${threads} ${threads === 1 ? "thread" : "threads"}`,
    queueDepth: MAX_PIECES * threads,
    parallelism: threads,
    targetMilliseconds: TARGET_MS,
    async prepare() {},
    run: (work) => pool.run(work),
    close: () => pool.close(new Error("the CPU runner was closed")),
  };
}

function capacityError({ kernel, params }: Work): CapacityError {
  return new CapacityError(
    kernel,
    "tables that the memory of a thread can hold",
    params,
    "use fewer threads",
  );
}
