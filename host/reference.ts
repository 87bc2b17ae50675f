// The runner of the definitions: it runs the TypeScript twin of each kernel in the caller's thread.

import { kernels } from "../src/kernels/index.ts";
import { outputOf } from "../src/plan.ts";
import type { Runner } from "./runner.ts";

export function referenceRunner(): Runner {
  return {
    engine: "reference",
    adapter: "TypeScript",
    queueDepth: 1,
    parallelism: 1,
    targetMilliseconds: 50,
    async prepare() {},
    async run(work) {
      // Yields to the event loop, so that timers, signals and the page's drawing are served between two pieces of work.
      await new Promise((resolve) => setTimeout(resolve));
      const { name, length } = outputOf(work);
      const output = new Uint32Array(length);
      kernels[work.kernel].twin(work.params, { ...work.inputs, [name]: output });
      return { words: output };
    },
    close() {},
  };
}
