// The script of a thread that works on text.

import { parentPort } from "node:worker_threads";
import { BlockSolver, buffersOf, printTask, readTask, type TextTask } from "./tasks.ts";

const port = parentPort!;
let solver: BlockSolver | undefined;

/** The first message is the compiled module of the kernels, every other one a task. */
port.on("message", (message: WebAssembly.Module | (TextTask & { readonly id: number })) => {
  if (message instanceof WebAssembly.Module) solver = new BlockSolver(message);
  else void answer(message.id, message);
});
port.postMessage({ id: 0 });

async function answer(id: number, task: TextTask): Promise<void> {
  const page = task.kind === "solve" ? task.page : undefined;
  try {
    const answer =
      task.kind === "read"
        ? readTask(task)
        : task.kind === "print"
          ? printTask(task)
          : await solver!.solve(task);
    port.postMessage({ id, answer, page }, buffersOf(answer));
  } catch (error) {
    port.postMessage({ id, error, page });
  }
}
