// Worker threads in Node.

import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { Reply, StartThread } from "../../cpu/runner.ts";

/** Defines the two globals of a web worker that the script of a thread uses. */
const PRELUDE = `
const { parentPort } = require("node:worker_threads");
globalThis.postMessage = (message, transfer) => parentPort.postMessage(message, transfer);
globalThis.onmessage = undefined;
parentPort.on("message", (data) => globalThis.onmessage({ data }));
`;

export const startThread: StartThread = (script, { reply, failure }) => {
  const worker = new Worker(PRELUDE + script, { eval: true });
  worker.on("message", (message: Reply) => reply(message));
  worker.on("error", failure);
  worker.on("exit", (code) => failure(new Error(`a worker thread ended with status ${code}`)));
  return { post: (message) => worker.postMessage(message), close: () => void worker.terminate() };
};

export const hardwareThreads = availableParallelism;
