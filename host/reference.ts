// The runner of the definitions: every kernel's TypeScript twin, in the caller's thread.

import { kernels } from "../src/kernels/index.ts";
import { batchParams } from "../src/plan.ts";
import type { Runner } from "./runner.ts";

export function referenceRunner(): Runner {
  return {
    engine: "reference",
    adapter: "TypeScript",
    depth: 1,
    lanes: 1,
    pace: 50,
    async prepare() {},
    async run(plan, batch) {
      // A turn of the event loop, so that timers, signals and drawing get theirs between batches.
      await new Promise((resolve) => setTimeout(resolve));
      const kernel = kernels[plan.kernel];
      const params = batchParams(plan, batch);
      const tally = new Uint32Array(kernel.buffers.tally.length(params));
      kernel.twin(params, { ...plan.inputs, tally });
      return tally;
    },
    close() {},
  };
}
