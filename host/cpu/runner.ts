// The CPU runner: the WebAssembly kernels in worker threads that share nothing.

import { CapacityError } from "../../src/errors.ts";
import type { Work } from "../../src/plan.ts";
import { MAX_PIECES, Pool, type PoolOptions, type Thread, type ThreadHandlers } from "../pool.ts";
import type { Answer, Runner } from "../runner.ts";
import { limitMilliseconds } from "./cost.ts";
import { callOf } from "./kernels.ts";
import { kernelModule } from "./module.ts";
import { plainCall, plainRequest, type PlainCall } from "./plain.ts";
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

/** The milliseconds after which a thread that has not answered a range of small instances is taken to hang. */
const PLAIN_LIMIT_MS = 600_000;
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
    messageOf: (task: Work | PlainCall) => (isPlain(task) ? task : callOf(task)),
    answerOf(task: Work | PlainCall, { output, error, exhausted }: Reply): Answer {
      if (output) return { words: output };
      throw exhausted ? capacityError(task) : new Error(`WebAssembly: ${error}`);
    },
    limitMilliseconds: (task: Work | PlainCall) =>
      isPlain(task) ? PLAIN_LIMIT_MS : (options.limitMilliseconds ?? limitMilliseconds)(task),
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
    async solvePlain(config, instances) {
      const request = plainRequest(config);
      if (!request) return undefined;
      const { call, answersOf } = plainCall(request, instances);
      const { words } = await pool.run(call);
      return answersOf(words as Uint32Array<ArrayBuffer>);
    },
    close: () => pool.close(new Error("the CPU runner was closed")),
  };
}

function isPlain(task: Work | PlainCall): task is PlainCall {
  return task.kernel === "answerColumns";
}

function capacityError({ kernel, params }: Work | PlainCall): CapacityError {
  return new CapacityError(
    kernel === "answerColumns" ? "witness" : kernel,
    "tables that the memory of a thread can hold",
    params,
    "use fewer threads",
  );
}
