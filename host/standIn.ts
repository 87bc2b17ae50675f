// A runner with a stand-in, which answers the work that the runner has no memory or no time for.

import { CapacityError } from "../src/errors.ts";
import type { Work } from "../src/plan.ts";
import type { Runner } from "./runner.ts";

/**
 * Answers as `first` does. Work that `first` refuses with a CapacityError goes to a second runner, which `open` opens at the
 * first such work. The adapter then names both, and `notice` is called once for each kernel and reason.
 */
export function withStandIn(
  first: Runner,
  open: () => Promise<Runner>,
  notice: (sentence: string) => void,
): Runner {
  let opening: Promise<Runner> | undefined;
  let standIn: Runner | undefined;
  const noticed = new Set<string>();

  /** The stand-in for work that `first` failed at. Throws errors of another kind. */
  async function insteadAfter(error: unknown, { kernel }: Work): Promise<Runner> {
    if (!(error instanceof CapacityError)) throw error;
    standIn = await (opening ??= open());
    const sentence = `kernel ${kernel} exceeds ${error.expected}: ${standIn.adapter} answers instead of ${first.adapter}`;
    if (!noticed.has(sentence)) notice(sentence);
    noticed.add(sentence);
    return standIn;
  }

  return {
    engine: first.engine,
    targetMilliseconds: first.targetMilliseconds,
    get adapter() {
      return standIn ? `${first.adapter}, and ${standIn.adapter}` : first.adapter;
    },
    // Whoever prepares work before it reads these keeps the stand-in busy as well.
    get queueDepth() {
      return Math.max(first.queueDepth, standIn?.queueDepth ?? 0);
    },
    get parallelism() {
      return Math.max(first.parallelism, standIn?.parallelism ?? 0);
    },
    async prepare(work) {
      try {
        await first.prepare(work);
      } catch (error) {
        await (await insteadAfter(error, work)).prepare(work);
      }
    },
    async run(work) {
      try {
        return await first.run(work);
      } catch (error) {
        return (await insteadAfter(error, work)).run(work);
      }
    },
    close() {
      first.close();
      opening?.then(
        (runner) => runner.close(),
        () => {},
      );
    },
  };
}
