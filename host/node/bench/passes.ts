// Passes of the same work in this thread and on an engine.

import { batchWork, type Plan, type Work } from "../../../src/plan.ts";
import { inFlight } from "../../flight.ts";
import type { Runner } from "../../runner.ts";
import { burned, repeated, timed, type Pass } from "./measure.ts";

/** What a task in this thread costs for each of the `units` that it does, in CPU time. */
export const task = (units: number, run: () => void): Pass =>
  repeated(units, (times) =>
    burned(() => {
      for (let k = 0; k < times; k++) run();
    }),
  );

/** Trials of the smallest batch; only passes of the smallest sizes see much of what a batch costs. */
const BATCH = 64;

/** What a trial costs on an engine that has as many batches in flight as the scheduler gives it. */
export const trialsPass = (runner: Runner, plan: Plan, batch = BATCH): Pass =>
  repeated(runner.depth * batch, (times) => {
    const count = batch * times;
    const works = Array.from({ length: runner.depth }, (_, i) =>
      batchWork(plan, { first: i * count, count }),
    );
    return timed(() => Promise.all(works.map((work) => runner.run(work))));
  });

/** What each of the `units` of some work costs on an engine. */
export const worksPass = (runner: Runner, units: number, works: readonly Work[]): Pass =>
  repeated(units, (times) =>
    timed(() => {
      const all = Array.from({ length: times }, () => works).flat();
      return inFlight(runner.depth, all, async (work) => void (await runner.run(work)));
    }),
  );

export const threadsText = (threads: number) => (threads === 1 ? "one thread" : `${threads} threads`);
export const sizeText = (bits: number) => `M = 2^${bits}, n = ${bits + 6}`;
