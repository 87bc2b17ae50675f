// Two runners on the same work, every word compared.

import { outputOf } from "../src/plan.ts";
import type { Runner } from "./runner.ts";

/**
 * Thrown by the engine `shadow` where its two engines differ. The message names the kernel, the buffer, the first word that
 * differs and both values.
 * @example
 * ```ts
 * import { DifferenceError, openEngine } from "exacta";
 * import { measurePhase } from "exacta/experiments";
 *
 * const engine = await openEngine({ engine: "shadow", threads: 1 });
 * try {
 *   const [finding] = await measurePhase(engine, { bits: 2, items: 5, trials: 1000 });
 *   console.log(finding!.engine, finding!.trials); // shadow 1000
 * } catch (error) {
 *   if (error instanceof DifferenceError) console.error(error.message);
 * }
 * engine.close();
 * ```
 */
export class DifferenceError extends Error {
  override readonly name = "DifferenceError";
}

/** Answers with the first runner's words after comparing each with the second's; the first difference is an error. */
export function shadowRunner(first: Runner, second: Runner): Runner {
  return {
    engine: "shadow",
    adapter: `${first.adapter} against ${second.adapter}`,
    queueDepth: Math.min(first.queueDepth, second.queueDepth),
    parallelism: Math.min(first.parallelism, second.parallelism),
    targetMilliseconds: Math.min(first.targetMilliseconds, second.targetMilliseconds),
    async prepare(work) {
      await Promise.all([first.prepare(work), second.prepare(work)]);
    },
    async run(work) {
      const [answer, other] = await Promise.all([first.run(work), second.run(work)]);
      const [ours, theirs] = [answer.words, other.words];
      const index = ours.findIndex((word, i) => word !== theirs[i]);
      if (index >= 0 || ours.length !== theirs.length)
        throw new DifferenceError(
          `kernel ${work.kernel}, buffer ${outputOf(work).name}, word ${index} of ${ours.length}: ` +
            `${first.engine} says ${ours[index]}, ${second.engine} says ${theirs[index]} (${JSON.stringify(work.params)})`,
        );
      return answer;
    },
    close() {
      first.close();
      second.close();
    },
  };
}
