// Worker threads in Node.

import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { StartThread } from "../../cpu/runner.ts";
import type { NumberedReply, Thread, ThreadHandlers } from "../../pool.ts";
import { usableThreads } from "./cores.ts";

/** Defines the two globals of a web worker that the script of a thread uses. */
const PRELUDE = `
const { parentPort } = require("node:worker_threads");
globalThis.postMessage = (message, transfer) => parentPort.postMessage(message, transfer);
globalThis.onmessage = undefined;
parentPort.on("message", (data) => globalThis.onmessage({ data }));
`;

/** Starts a thread that runs a script given as text. */
export const startThread: StartThread = (script, handlers) => started(PRELUDE + script, true, handlers);

/** Starts a thread that runs a file. */
export const startFile = <R extends NumberedReply>(file: URL, handlers: ThreadHandlers<R>): Thread =>
  started(file, false, handlers);

function started<R extends NumberedReply>(
  script: string | URL,
  isText: boolean,
  { reply, failure }: ThreadHandlers<R>,
): Thread {
  // With the options of the process, `--input-type=module` would make a text a module, which has no `require`.
  const worker = new Worker(script, { eval: isText, execArgv: [] });
  worker.on("message", (message: R) => reply(message));
  worker.on("error", failure);
  worker.on("exit", (code) => failure(new Error(`a worker thread ended with status ${code}`)));
  return {
    post: (message) => worker.postMessage(message),
    close: () => void worker.terminate(),
    hold: (isHolding) => (isHolding ? worker.ref() : worker.unref()),
  };
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** The hardware threads that this process may keep busy. */
export const hardwareThreads = (): number =>
  usableThreads(availableParallelism(), process.env["SLURM_CPUS_PER_TASK"], readText);
