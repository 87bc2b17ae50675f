// A runner with a stand-in, which answers the work that the runner has no memory or no time for, and all work after its loss.

import { CapacityError } from "../src/errors.ts";
import type { Work } from "../src/plan.ts";
import { DeviceLostError } from "./gpu/device.ts";
import type { Runner } from "./runner.ts";

/**
 * Answers as `first` does. Work that `first` refuses with a CapacityError goes to a second runner, which `open` opens at the
 * first such work. After a DeviceLostError all work goes to it. The adapter then names both, and `notice` is called once for
 * each kernel and reason, and once for the loss.
 */
export function withStandIn(
  first: Runner,
  open: () => Promise<Runner>,
  notice: (sentence: string) => void,
): Runner {
  let opening: Promise<Runner> | undefined;
  let standIn: Runner | undefined;
  const noticed = new Set<string>();
  /** Answers all work: `first` until it is lost. */
  let current = first;
  let isClosed = false;

  function noticeOnce(sentence: string): void {
    if (!noticed.has(sentence)) notice(sentence);
    noticed.add(sentence);
  }

  /** The stand-in for work that `first` failed at. Throws errors of another kind, and those of the stand-in. */
  async function insteadAfter(failed: Runner, error: unknown, { kernel }: Work): Promise<Runner> {
    const isLost = error instanceof DeviceLostError;
    if (isClosed || failed !== first || !(isLost || error instanceof CapacityError)) throw error;
    standIn = await (opening ??= open());
    const instead = `${standIn.adapter} answers instead of ${first.adapter}`;
    if (!isLost) noticeOnce(`kernel ${kernel} exceeds ${error.expected}: ${instead}`);
    else if (current === first) {
      current = standIn;
      noticeOnce(`${error.message}; from now on ${instead}`);
      first.close();
    }
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
      const runner = current;
      try {
        await runner.prepare(work);
      } catch (error) {
        await (await insteadAfter(runner, error, work)).prepare(work);
      }
    },
    async run(work) {
      const runner = current;
      try {
        return await runner.run(work);
      } catch (error) {
        return (await insteadAfter(runner, error, work)).run(work);
      }
    },
    close() {
      isClosed = true;
      first.close();
      opening?.then(
        (runner) => runner.close(),
        () => {},
      );
    },
  };
}
