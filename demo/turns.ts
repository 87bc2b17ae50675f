// Several experiments on one engine.

import type { Runner } from "../host/runner.ts";

/** The same engine, on which all callers together have no more work in flight than keep it busy; first come, first served. */
export function takingTurns(runner: Runner): Runner {
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
