// Passes: how a task of this thread, or work on an engine, is measured.

import { batchWork, type Plan, type Work } from "../../../../src/plan.ts";
import { pump } from "../../../pump.ts";
import type { Answer, Runner } from "../../../runner.ts";
import { cpuSeconds, repeated, timed, type Pass } from "./measure.ts";

/** A pass of a task in this thread, which does `units` units of work, in CPU time. */
export const taskPass = (units: number, run: () => void): Pass =>
  repeated(units, (times) =>
    cpuSeconds(() => {
      for (let k = 0; k < times; k++) run();
    }),
  );

/** The seconds of a pass: longer on a GPU, which is polled every few milliseconds. Undefined: as `repeated` has it. */
const longOf = ({ engine }: Runner) => (engine === "gpu" ? 0.15 : undefined);

/** The seconds that works take: device time where the engine tells it, as for its ceilings, else time by the clock. */
async function worked(run: () => Promise<readonly Answer[]>): Promise<number> {
  let answers: readonly Answer[] = [];
  const seconds = await timed(async () => void (answers = await run()));
  const device =
    answers.reduce((sum, { deviceMilliseconds = Infinity }) => sum + deviceMilliseconds, 0) / 1000;
  // Where a device overlaps works, the clock shows less than the sum of their device times.
  return Math.min(seconds, device);
}

/** Trials of the smallest batch. The overhead of a batch shows in passes of the smallest sizes alone. */
const BATCH_TRIALS = 64;

/** A pass of trials on an engine, with `queueDepth` batches in flight as under the scheduler. Its unit is a trial. */
export const trialsPass = (runner: Runner, plan: Plan): Pass =>
  repeated(
    runner.queueDepth * BATCH_TRIALS,
    (times) => {
      const count = BATCH_TRIALS * times;
      const works = Array.from({ length: runner.queueDepth }, (_, i) =>
        batchWork(plan, { first: i * count, count }),
      );
      return worked(() => Promise.all(works.map((work) => runner.run(work))));
    },
    longOf(runner),
  );

/** A pass of works on an engine, which have `units` units together. */
export const worksPass = (runner: Runner, units: number, works: readonly Work[]): Pass =>
  repeated(
    units,
    (times) =>
      worked(async () => {
        const all = Array.from({ length: times }, () => works).flat();
        const answers: Answer[] = [];
        const answered = pump(all, (work) => runner.run(work), { depth: runner.queueDepth });
        for await (const answer of answered) answers.push(answer);
        return answers;
      }),
    longOf(runner),
  );

export const threadsText = (threads: number) => (threads === 1 ? "one thread" : `${threads} threads`);
export const sizeText = (bits: number) => `M = 2^${bits}, n = ${bits + 6}`;
