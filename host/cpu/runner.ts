// The CPU runner: the WebAssembly kernels in worker threads that share nothing.

import { CapacityError } from "../../src/errors.ts";
import { packParams } from "../../src/kernel.ts";
import { kernels } from "../../src/kernels/index.ts";
import { inputsOf, outputOf, type Work } from "../../src/plan.ts";
import type { Answer, Runner } from "../runner.ts";
import base64 from "./wasm/index.ts?wasm";
import script from "./worker.js?raw";

/** One worker thread, as Node and the browser both can offer it. */
interface Thread {
  post(message: unknown): void;
  close(): void;
}

/** The message of a thread about one piece of work. */
export interface Reply {
  readonly id: number;
  readonly output?: Uint32Array;
  readonly error?: string;
  /** There was not memory enough. */
  readonly exhausted?: boolean;
}

/** Starts a thread that runs a script's text. */
export type StartThread = (
  script: string,
  handlers: { reply: (reply: Reply) => void; failure: (error: Error) => void },
) => Thread;

interface Pending {
  readonly work: Work;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

function noRoom({ kernel, params }: Work): CapacityError {
  return new CapacityError(
    kernel,
    "tables that the memory of a thread can hold",
    params,
    "use fewer threads",
  );
}

/** Opens `threads` threads, 1 or more. Work goes to the thread with the least of it waiting. */
export async function cpuRunner(threads: number, startThread: StartThread): Promise<Runner> {
  const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  const module = await WebAssembly.compile(bytes);
  let id = 0;
  const pool = Array.from({ length: threads }, () => {
    const pending = new Map<number, Pending>();
    const worker: { broken: Error | undefined } = { broken: undefined };
    const fail = (error: Error) => {
      worker.broken ??= error;
      for (const { reject } of pending.values()) reject(error);
      pending.clear();
    };
    const thread = startThread(script, {
      reply({ id, output, error, exhausted }) {
        const waiting = pending.get(id);
        pending.delete(id);
        if (output) waiting?.resolve({ words: output });
        else waiting?.reject(exhausted ? noRoom(waiting.work) : new Error(`WebAssembly: ${error}`));
      },
      failure: fail,
    });
    thread.post(module);
    return { worker, thread, pending, fail };
  });

  return {
    engine: "cpu",
    adapter: `WebAssembly SIMD, ${threads} ${threads === 1 ? "thread" : "threads"}`,
    queueDepth: 2 * threads,
    parallelism: threads,
    targetMilliseconds: 40,
    async prepare() {},
    run(work) {
      const kernel = kernels[work.kernel];
      const alive = pool.filter(({ worker }) => !worker.broken);
      // A thread that ended, or was never allowed to start, takes no more work.
      if (alive.length === 0) return Promise.reject(pool[0]!.worker.broken!);
      const { thread, pending } = alive.reduce((a, b) => (b.pending.size < a.pending.size ? b : a));
      return new Promise((resolve, reject) => {
        pending.set(++id, { work, resolve, reject });
        thread.post({
          id,
          kernel: kernel.name,
          params: packParams(kernel, work.params),
          inputs: inputsOf(work),
          length: outputOf(work).length,
        });
      });
    },
    close() {
      for (const { thread, fail } of pool) {
        thread.close();
        fail(new Error("the CPU runner was closed"));
      }
    },
  };
}
