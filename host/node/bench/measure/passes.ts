// Passes of the same work in this thread and on an engine.

import { batchWork, type Plan, type Work } from "../../../../src/plan.ts";
import { inFlight } from "../../../flight.ts";
import type { Runner } from "../../../runner.ts";
import { burned, repeated, timed, type Pass } from "./measure.ts";

/** What a task in this thread costs for each of the `units` that it does, in CPU time. */
export const task = (units: number, run: () => void): Pass =>
  repeated(units, (times) =>
    burned(() => {
      for (let k = 0; k < times; k++) run();
    }),
  );

/** A GPU is asked every few milliseconds whether it is done, so its passes take longer, in seconds. */
const longOf = ({ engine }: Runner) => (engine === "gpu" ? 0.15 : undefined);

/** The seconds that works take: the device's own where it can tell, as for its ceilings, otherwise those of the clock. */
async function worked(runner: Runner, run: () => Promise<readonly Uint32Array[]>): Promise<number> {
  let answers: readonly Uint32Array[] = [];
  const seconds = await timed(async () => void (answers = await run()));
  const device = answers.reduce((sum, words) => sum + (runner.took?.(words) ?? Infinity), 0) / 1000;
  // Pieces of work that a device overlaps take less time than their sum.
  return Math.min(seconds, device);
}

/** Trials of the smallest batch; only passes of the smallest sizes see much of what a batch costs. */
const BATCH = 64;

/** What a trial costs on an engine that has as many batches in flight as the scheduler gives it. */
export const trialsPass = (runner: Runner, plan: Plan): Pass =>
  repeated(
    runner.queueDepth * BATCH,
    (times) => {
      const count = BATCH * times;
      const works = Array.from({ length: runner.queueDepth }, (_, i) =>
        batchWork(plan, { first: i * count, count }),
      );
      return worked(runner, () => Promise.all(works.map((work) => runner.run(work))));
    },
    longOf(runner),
  );

/** What each of the `units` of some work costs on an engine. */
export const worksPass = (runner: Runner, units: number, works: readonly Work[]): Pass =>
  repeated(
    units,
    (times) =>
      worked(runner, async () => {
        const all = Array.from({ length: times }, () => works).flat();
        const answers: Uint32Array[] = [];
        await inFlight(runner.queueDepth, all, async (work) => void answers.push(await runner.run(work)));
        return answers;
      }),
    longOf(runner),
  );

export const threadsText = (threads: number) => (threads === 1 ? "one thread" : `${threads} threads`);
export const sizeText = (bits: number) => `M = 2^${bits}, n = ${bits + 6}`;
