// Cuts a run of trials into batches, keeps the runner busy, adds up what comes back and stops when told.

import { reachCapacity } from "../src/kernels/reach.ts";
import { batchWork, type Plan } from "../src/plan.ts";
import type { Runner } from "./runner.ts";

/** How far a call has come, in the unit that the call names: trials, subset sums or multiplications. */
export interface Progress {
  readonly done: number;
  readonly total: number;
}

export interface Totals {
  /** Trials counted: 0..trials asked, always the first of them. */
  readonly trials: number;
  /** The tally's words, each summed over batches. */
  readonly words: Float64Array;
}

export interface ScheduleOptions {
  /** Stops after the batches in flight; what they counted is kept. */
  readonly signal?: AbortSignal | undefined;
  /** Called after every batch with the totals so far, which must not be kept or changed. */
  readonly onBatch?: ((progress: Progress, totals: Totals) => void) | undefined;
}

/** Batches grow or shrink at most this much from one to the next, so that one bad estimate does no harm. */
const GROWTH = 4;
/** Word updates of the first batch, before anything is known of the engine: little for each of them. */
const FIRST_BATCH_WORK = 2 ** 16;
const MAX_BATCH = 2 ** 31 - 1;

/**
 * Runs `trials` trials of a plan. The result does not depend on how they were cut.
 * Rejects with the runner's error, after every batch in flight has ended.
 */
export async function schedule(
  runner: Runner,
  plan: Plan,
  trials: number,
  { signal, onBatch }: ScheduleOptions = {},
): Promise<Totals> {
  const work = Math.max(1, plan.params.itemsTo) * Math.ceil(reachCapacity(plan.params) / 32);
  let size = Math.max(1, Math.floor(FIRST_BATCH_WORK / work));
  await runner.prepare(batchWork(plan, { first: 0, count: 1 }));
  let issued = 0;
  let done = 0;
  let words = new Float64Array(0);
  const ended = new Array<number>(runner.parallelism).fill(performance.now());

  async function lane(): Promise<void> {
    while (issued < trials && !signal?.aborted) {
      const batch = { first: issued, count: Math.min(size, trials - issued, MAX_BATCH) };
      issued += batch.count;
      const submitted = performance.now();
      const tally = await runner.run(batchWork(plan, batch));
      if (tally[0] !== batch.count)
        throw new Error(
          `${runner.adapter}: counted ${tally[0]} trials of a batch of ${batch.count}; its results are not kept`,
        );
      // A batch starts when it is submitted and a lane is free, so waiting in the queue is not taken for work.
      ended.sort((a, b) => a - b);
      const now = performance.now();
      const took = Math.max(runner.took?.(tally) ?? now - Math.max(submitted, ended[0]!), 0.01);
      ended[0] = now;
      if (batch.count >= size)
        size = Math.ceil(
          Math.min(Math.max((batch.count * runner.targetMilliseconds) / took, size / GROWTH), size * GROWTH),
        );
      if (words.length === 0) words = new Float64Array(tally.length);
      tally.forEach((word, i) => (words[i]! += word));
      done += batch.count;
      onBatch?.({ done, total: trials }, { trials: done, words });
    }
  }

  // A failed lane stops the others from issuing more, and all are waited for before the error is passed on.
  const results = await Promise.allSettled(
    Array.from({ length: runner.queueDepth }, () =>
      lane().catch((error: unknown) => ((issued = trials), Promise.reject(error))),
    ),
  );
  const failure = results.find((result) => result.status === "rejected");
  if (failure) throw failure.reason;
  return { trials: done, words };
}
