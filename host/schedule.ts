// Cuts a run of trials into batches, keeps a runner busy with them and adds up the tallies.

import { reachCapacity } from "../src/kernels/reach.ts";
import { batchWork, type Batch, type Plan } from "../src/plan.ts";
import { dyadicCount } from "../src/ranges.ts";
import { tallyLayout } from "../src/reach-plan.ts";
import { addTally } from "../src/tally.ts";
import { pump } from "./pump.ts";
import type { Runner } from "./runner.ts";

/** How far a call has come, in the unit that the call names: trials, subset sums or multiplications. */
export interface Progress {
  readonly done: number;
  readonly total: number;
}

export interface Totals {
  /** The number of trials counted, 0..trials asked for. */
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

export interface UnitsOptions {
  /** Stops after the batches in flight. Units that are not complete then are not counted. */
  readonly signal?: AbortSignal | undefined;
  /** The trials of a unit. */
  readonly unit: number;
  /** Whether the unit of this index must be counted by itself. Default: none. */
  readonly isApart?: (index: number) => boolean;
  /** Called after every batch with its number of trials. */
  readonly onBatch: (trials: number) => void;
  /** Called with the tally of each unit when it is complete, or of a dyadic range of units (src/ranges.ts). */
  readonly onUnits: (range: Batch, words: Float64Array) => void;
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
  const layout = tallyLayout(plan);
  let done = 0;
  let totals = new Float64Array(0);
  function* whole(size: BatchSize): Generator<Batch> {
    for (let first = 0, count = 0; first < trials && !signal?.aborted; first += count) {
      count = Math.min(size.trials, trials - first, MAX_BATCH_TRIALS);
      yield { first, count };
    }
  }
  for await (const { words, batch } of tallies(runner, plan, whole)) {
    if (totals.length === 0) totals = new Float64Array(layout.length);
    addTally(layout, totals, words);
    done += batch.count;
    onBatch?.({ done, total: trials }, { trials: done, words: totals });
  }
  return { trials: done, words: totals };
}

/**
 * Counts ranges of trials unit by unit, for experiments that have no plan; `countUnits` does it for a plan.
 * @param countUnit Counts the trials of a unit, or of the rest of a range; it rejects with the reason of the signal where that
 * aborts, and the unit is then not counted.
 */
export async function countEachUnit(
  ranges: Iterable<Batch>,
  { signal, unit, onUnits }: UnitsOptions,
  countUnit: (range: Batch) => Promise<Float64Array>,
): Promise<void> {
  for (const { first, count } of ranges)
    for (let at = first; at < first + count; at += unit) {
      const range = { first: at, count: Math.min(unit, first + count - at) };
      try {
        onUnits(range, await countUnit(range));
      } catch (error) {
        if (error === signal?.reason) return;
        throw error;
      }
    }
}

/**
 * Counts ranges of a plan's trials unit by unit. Every range starts at a unit, and ends at one or at the last trial of all.
 * @throws The runner's error, when every batch in flight has ended. Units that were complete before have been handed over.
 */
export async function countUnits(
  runner: Runner,
  plan: Plan,
  ranges: Iterable<Batch>,
  { signal, unit, isApart = () => false, onBatch, onUnits }: UnitsOptions,
): Promise<void> {
  const layout = tallyLayout(plan);
  /** The sums of units of which some batches are counted, by the first trial of the unit. */
  const open = new Map<number, { readonly range: Batch; readonly words: Float64Array; missing: number }>();

  /** Batches that are part of one unit, or several whole units. */
  function* batches(size: BatchSize): Generator<Batch & { readonly range: Batch }> {
    for (const { first, count } of ranges)
      for (let at = first; at < first + count;) {
        const range = { first: at, count: rangeTrials(at, first + count, size.trials) };
        for (let done = 0, count = 0; done < range.count; done += count) {
          if (signal?.aborted) return;
          const most = range.count > unit ? range.count : size.trials;
          count = Math.min(most, range.count - done);
          yield { first: at + done, count, range };
        }
        at += range.count;
      }
  }
  /** The trials of one unit, or of as many whole units as a batch of this size takes. */
  function rangeTrials(first: number, end: number, size: number): number {
    const most = Math.max(unit, Math.min(size, MAX_BATCH_TRIALS));
    let count = dyadicCount(unit, first, Math.min(end, first + most));
    const hasApart = () => Array.from({ length: count / unit }, (_, i) => first / unit + i).some(isApart);
    while (count > unit && hasApart()) count /= 2;
    return count;
  }

  for await (const { batch, words } of tallies(runner, plan, batches)) {
    const { range } = batch;
    const sum = open.get(range.first) ?? {
      range,
      words: new Float64Array(layout.length),
      missing: range.count,
    };
    open.set(range.first, sum);
    addTally(layout, sum.words, words);
    sum.missing -= batch.count;
    onBatch(batch.count);
    if (sum.missing > 0) continue;
    open.delete(range.first);
    onUnits(range, sum.words);
  }
}

/** Runs batches of a plan, several at a time, and yields each with its tally. */
async function* tallies<B extends Batch>(
  runner: Runner,
  plan: Plan,
  batches: (size: BatchSize) => Iterable<B>,
): AsyncGenerator<{ readonly batch: B; readonly words: Uint32Array }, void, undefined> {
  await runner.prepare(batchWork(plan, { first: 0, count: 1 }));
  const size = new BatchSize(runner, firstBatchTrials(plan));
  async function run(batch: B) {
    const submitted = performance.now();
    const { words, deviceMilliseconds } = await runner.run(batchWork(plan, batch));
    if (words[0] !== batch.count)
      throw new Error(
        `${runner.adapter}: counted ${words[0]} trials of a batch of ${batch.count}; its results are not kept`,
      );
    size.adapt(batch.count, submitted, deviceMilliseconds);
    return { batch, words };
  }
  yield* pump(batches(size), run, { depth: runner.queueDepth });
}

/** The number of trials of the first batch of a plan. */
export function firstBatchTrials({ params }: Plan): number {
  const updates = Math.max(1, params.itemsTo) * Math.ceil(reachCapacity(params) / 32);
  return Math.max(1, Math.floor(FIRST_BATCH_UPDATES / updates));
}

/** The number of trials of the next batch, which follows the measured speed of the runner. */
export class BatchSize {
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
