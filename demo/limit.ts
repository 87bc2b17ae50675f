// Shares an engine between experiments that run at the same time.

import type { Runner } from "../host/runner.ts";

/**
 * Limits the work in flight of all callers together to the queue depth of the runner, in the order of the calls. Without the
 * limit, each experiment would fill the queue by itself.
 */
export function limitInFlight(runner: Runner): Runner {
  let free = runner.queueDepth;
  const waiting: (() => void)[] = [];
  return {
    ...runner,
    async run(work) {
      if (free > 0) free--;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      try {
        return await runner.run(work);
      } finally {
        const next = waiting.shift();
        if (next) next();
        else free++;
      }
    },
  };
}
