// Two runners on the same batches, every word compared.

import type { Runner } from "./runner.ts";

/** Thrown where two runners differ. */
export class DifferenceError extends Error {
  override readonly name = "DifferenceError";
}

/** Answers with the first runner's words after comparing each with the second's; the first difference is an error. */
export function shadowRunner(first: Runner, second: Runner): Runner {
  return {
    engine: "shadow",
    adapter: `${first.adapter} against ${second.adapter}`,
    depth: Math.min(first.depth, second.depth),
    lanes: Math.min(first.lanes, second.lanes),
    pace: Math.min(first.pace, second.pace),
    async prepare(plan) {
      await Promise.all([first.prepare(plan), second.prepare(plan)]);
    },
    async run(plan, batch) {
      const [ours, theirs] = await Promise.all([first.run(plan, batch), second.run(plan, batch)]);
      const index = ours.findIndex((word, i) => word !== theirs[i]);
      if (index >= 0 || ours.length !== theirs.length)
        throw new DifferenceError(
          `kernel ${plan.kernel}, buffer tally, word ${index} of ${ours.length}, trials ${batch.first} to ` +
            `${batch.first + batch.count - 1}: ${first.engine} says ${ours[index]}, ${second.engine} says ${theirs[index]}`,
        );
      return ours;
    },
    close() {
      first.close();
      second.close();
    },
  };
}
