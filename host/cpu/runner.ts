// The CPU runner: the WebAssembly kernels in worker threads that share nothing.

import { CapacityError } from "../../src/errors.ts";
import { packParams } from "../../src/kernel.ts";
import { kernels } from "../../src/kernels/index.ts";
import { inputsOf, outputOf, type Work } from "../../src/plan.ts";
import type { Answer, Runner } from "../runner.ts";
import base64 from "./wasm/index.ts?wasm";
import script from "./worker.js?raw";

/** One worker thread, as far as Node and browsers both offer it. */
interface Thread {
  post(message: unknown): void;
  close(): void;
}

/** The reply of a thread to one piece of work: its output, or the reason why there is none. */
export interface Reply {
  readonly id: number;
  readonly output?: Uint32Array;
  readonly error?: string;
  /** The thread was out of memory. */
  readonly exhausted?: boolean;
}

/** Starts a thread that runs a script given as text. `failure` is called when it cannot start or ends by itself. */
export type StartThread = (
  script: string,
  handlers: { reply: (reply: Reply) => void; failure: (error: Error) => void },
) => Thread;

interface Pending {
  readonly work: Work;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

/** Milliseconds that a piece of work should take. */
const TARGET_MS = 40;

/** Opens `threads` threads, 1 or more. Work goes to the thread that has the fewest pieces pending. */
export async function cpuRunner(threads: number, startThread: StartThread): Promise<Runner> {
  const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  const module = await WebAssembly.compile(bytes);
  const pool = Array.from({ length: threads }, () => new Worker(module, startThread));

  return {
    engine: "cpu",
    adapter: `WebAssembly SIMD, ${threads} ${threads === 1 ? "thread" : "threads"}`,
    // One piece is ready for each thread when another ends.
    queueDepth: 2 * threads,
    parallelism: threads,
    targetMilliseconds: TARGET_MS,
    async prepare() {},
    run(work) {
      const alive = pool.filter(({ failure }) => !failure);
      if (alive.length === 0) return Promise.reject(pool[0]!.failure!);
      return alive.reduce((best, worker) => (worker.load < best.load ? worker : best)).run(work);
    },
    close() {
      for (const worker of pool) worker.close(new Error("the CPU runner was closed"));
    },
  };
}

/** A thread and the work that it has not answered yet. */
class Worker {
  /** The reason why the thread takes no more work. */
  failure: Error | undefined;
  readonly #thread: Thread;
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;

  constructor(module: WebAssembly.Module, startThread: StartThread) {
    this.#thread = startThread(script, {
      reply: (reply) => this.#settle(reply),
      failure: (error) => this.#fail(error),
    });
    this.#thread.post(module);
  }

  /** The number of pieces of work that are not answered yet. */
  get load(): number {
    return this.#pending.size;
  }

  run(work: Work): Promise<Answer> {
    const kernel = kernels[work.kernel];
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { work, resolve, reject });
      this.#thread.post({
        id,
        kernel: kernel.name,
        params: packParams(kernel, work.params),
        inputs: inputsOf(work),
        length: outputOf(work).length,
      });
    });
  }

  /** Ends the thread; its pending work fails with `error`. */
  close(error: Error): void {
    this.#thread.close();
    this.#fail(error);
  }

  #settle({ id, output, error, exhausted }: Reply): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (output) pending?.resolve({ words: output });
    else pending?.reject(exhausted ? capacityError(pending.work) : new Error(`WebAssembly: ${error}`));
  }

  #fail(error: Error): void {
    this.failure ??= error;
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }
}

function capacityError({ kernel, params }: Work): CapacityError {
  return new CapacityError(
    kernel,
    "tables that the memory of a thread can hold",
    params,
    "use fewer threads",
  );
}
