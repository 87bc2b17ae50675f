// Cuts a run of trials into batches, keeps a runner busy with them and adds up the tallies.

import { reachCapacity } from "../src/kernels/reach.ts";
import { batchWork, type Batch, type Plan } from "../src/plan.ts";
import { pump } from "./pump.ts";
import type { Runner } from "./runner.ts";

/** How far a call has come, in the unit that the call names: trials, subset sums or multiplications. */
export interface Progress {
  readonly done: number;
  readonly total: number;
}

export interface Totals {
  /** The number of trials counted, 0..trials asked for; they are always the first ones. */
  readonly trials: number;
  /** The words of the tally, each summed over all batches; empty if no batch ended. */
  readonly words: Float64Array;
}

export interface ScheduleOptions {
  /** Stops after the batches in flight, which are still counted. */
  readonly signal?: AbortSignal | undefined;
  /** Called after every batch with the totals so far; `words` is changed by the next batch. */
  readonly onBatch?: ((progress: Progress, totals: Totals) => void) | undefined;
}

/** The factor by which the batch size changes at most from one batch to the next, so that a single bad estimate does no harm. */
const MAX_BATCH_GROWTH = 4;
/** Updates of 32-bit words in the first batch: it is small because the speed is not known before it ends. */
const FIRST_BATCH_UPDATES = 2 ** 16;
const MAX_BATCH_TRIALS = 2 ** 31 - 1;
/** The shortest time of a batch that is believed: clocks of browsers are coarse. */
const MIN_BATCH_MS = 0.01;

/**
 * Runs `trials` trials of a plan, and returns the totals of fewer if stopped. The totals do not depend on how the trials
 * are cut into batches.
 * @throws The runner's error, when every batch in flight has ended.
 */
export async function schedule(
  runner: Runner,
  plan: Plan,
  trials: number,
  { signal, onBatch }: ScheduleOptions = {},
): Promise<Totals> {
  await runner.prepare(batchWork(plan, { first: 0, count: 1 }));
  const size = new BatchSize(runner, firstBatchTrials(plan));

  function* batches(): Generator<Batch> {
    for (let first = 0, count = 0; first < trials && !signal?.aborted; first += count) {
      count = Math.min(size.trials, trials - first, MAX_BATCH_TRIALS);
      yield { first, count };
    }
  }
  async function run(batch: Batch): Promise<Uint32Array> {
    const submitted = performance.now();
    const { words, deviceMilliseconds } = await runner.run(batchWork(plan, batch));
    if (words[0] !== batch.count)
      throw new Error(
        `${runner.adapter}: counted ${words[0]} trials of a batch of ${batch.count}; its results are not kept`,
      );
    size.adapt(batch.count, submitted, deviceMilliseconds);
    return words;
  }

  let done = 0;
  let totals = new Float64Array(0);
  for await (const tally of pump(batches(), run, { depth: runner.queueDepth })) {
    if (totals.length === 0) totals = new Float64Array(tally.length);
    tally.forEach((word, i) => (totals[i]! += word));
    done += tally[0]!;
    onBatch?.({ done, total: trials }, { trials: done, words: totals });
  }
  return { trials: done, words: totals };
}

function firstBatchTrials({ params }: Plan): number {
  const updates = Math.max(1, params.itemsTo) * Math.ceil(reachCapacity(params) / 32);
  return Math.max(1, Math.floor(FIRST_BATCH_UPDATES / updates));
}

/** The number of trials of the next batch, which follows the measured speed of the runner. */
class BatchSize {
  trials: number;
  readonly #targetMilliseconds: number;
  /** For each batch that the runner can process at a time, when the latest one ended. */
  readonly #ends: number[];

  constructor({ parallelism, targetMilliseconds }: Runner, firstTrials: number) {
    this.trials = firstTrials;
    this.#targetMilliseconds = targetMilliseconds;
    this.#ends = new Array<number>(parallelism).fill(performance.now());
  }

  /** Adapts the size to a batch that ends now. */
  adapt(count: number, submitted: number, deviceMilliseconds: number | undefined): void {
    const now = performance.now();
    // A batch starts when it is submitted and one of those being processed has ended: time in the queue is not counted.
    this.#ends.sort((a, b) => a - b);
    const started = Math.max(submitted, this.#ends[0]!);
    this.#ends[0] = now;
    // A batch of a smaller size, such as the last one, says little of the speed.
    if (count < this.trials) return;
    const milliseconds = Math.max(deviceMilliseconds ?? now - started, MIN_BATCH_MS);
    const wanted = (count * this.#targetMilliseconds) / milliseconds;
    const [least, most] = [this.trials / MAX_BATCH_GROWTH, this.trials * MAX_BATCH_GROWTH];
    this.trials = Math.ceil(Math.min(Math.max(wanted, least), most));
  }
}
