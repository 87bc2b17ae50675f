// Worker threads in the browser, started from text so that any bundler and any server will do.

import type { Reply, StartThread } from "../cpu/runner.ts";

export const startThread: StartThread = (script, { reply, failure }) => {
  const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  // Deno has no other kind of worker.
  const worker = new Worker(url, { type: "module" });
  worker.addEventListener("message", ({ data }: MessageEvent<Reply>) => reply(data));
  worker.addEventListener("error", (event) =>
    failure(new Error(`worker: ${event.message || "did not start"}`)),
  );
  return {
    post: (message) => worker.postMessage(message),
    close: () => {
      worker.terminate();
      URL.revokeObjectURL(url);
    },
  };
};

export const hardwareThreads = () => navigator.hardwareConcurrency || 1;
