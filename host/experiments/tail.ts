// The tail experiment on an engine.

import { sumsLayout, sumsOf } from "../../src/experiments/tail-sums.ts";
import {
  findTail,
  tailConfig,
  tailCount,
  wordsOfRun,
  type TailRequest,
  type TailRun,
  type TailWork,
} from "../../src/experiments/tail.ts";
import type { TailFinding } from "../../src/finding.ts";
import type { Batch } from "../../src/plan.ts";
import { addTally } from "../../src/tally.ts";
import { pump } from "../pump.ts";
import { provenanceOf, runnerOf, type Engine } from "../runner.ts";
import { countEachUnit, type Progress, type UnitsOptions } from "../schedule.ts";

/** How `measureTail` is stopped and watched. */
export interface TailOptions {
  /** Stops the experiment. */
  readonly signal?: AbortSignal;
  /** Called after every batch with the trials done. */
  readonly onProgress?: (progress: Progress) => void;
}

/**
 * Measures how often targets of -M..M are missed, however rare that is: exactly where M is small, otherwise by trials that draw
 * magnitudes alone and sum over all signs, so that a failure of 1e-15 takes no more trials than one of 1e-3.
 *
 * The numbers depend on the request alone, not on the engine.
 * @returns A finding for each number of items.
 * @throws {RequestError} A field of the request is missing or out of range; nothing has run then.
 * @throws The reason of `options.signal`, if it aborts before the last trial.
 * @example
 * ```ts
 * import { openEngine } from "exacta";
 * import { measureTail } from "exacta/experiments";
 *
 * const engine = await openEngine({ engine: "cpu" });
 * const [finding] = await measureTail(engine, { halfRange: 6, items: 64 });
 * const { method, covered, law } = finding!;
 * console.log(method, covered.failure.toExponential(6), law!.toExponential(6)); // exact 6.478708e-16 6.478148e-16
 * engine.close();
 * ```
 */
export async function measureTail(
  engine: Engine,
  request: TailRequest,
  { signal, onProgress }: TailOptions = {},
): Promise<TailFinding[]> {
  const config = tailConfig(request);
  const { trials, workOf } = tailCount(config);
  const work = workOf();
  const total = "runs" in work ? work.runs.length * trials : trials;
  let done = 0;
  const onTrials = (count: number) => onProgress?.({ done: (done += count), total });
  const words = await countTail(engine, work, { first: 0, count: trials }, { signal, onTrials });
  return findTail(config, words, provenanceOf(engine));
}

/** How counting is stopped and watched. */
interface CountOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called after every batch of a run with its trials. */
  readonly onTrials?: ((count: number) => void) | undefined;
}

/** Counts a range of the trials of some runs, which begins and ends at a group of four: the tallies one after another. */
async function countRuns(
  engine: Engine,
  runs: readonly TailRun[],
  { first, count }: Batch,
  { signal, onTrials }: CountOptions,
): Promise<Float64Array> {
  const runner = runnerOf(engine);
  const events = runs.reduce((sum, { known }) => sum + known.length, 0);
  const words = new Float64Array(sumsLayout(events).length);
  function* batches() {
    for (const [index, run] of runs.entries())
      for (let at = first; at < first + count; at += run.batch)
        yield { index, run, work: run.work({ first: at, count: Math.min(run.batch, first + count - at) }) };
  }
  const answers = pump(
    batches(),
    async ({ index, run, work }) => ({ index, run, work, answer: await runner.run(work) }),
    { depth: runner.queueDepth, signal },
  );
  for await (const { index, run, work, answer } of answers) {
    addTally(sumsLayout(run.known.length), wordsOfRun(words, run, index), sumsOf(run, work, answer.words));
    onTrials?.(work.params.count);
  }
  return words;
}

/** Takes all steps of a computation. Between them, signals and timers of the process have their turn. */
async function inSteps<T>(steps: Generator<void, T>, { signal, onTrials }: CountOptions): Promise<T> {
  for (;;) {
    signal?.throwIfAborted();
    const { done, value } = steps.next();
    if (done) {
      onTrials?.(1);
      return value;
    }
    await new Promise((resolve) => setTimeout(resolve));
  }
}

/** Counts a range of the trials of a count. */
export function countTail(
  engine: Engine,
  work: TailWork,
  range: Batch,
  options: CountOptions,
): Promise<Float64Array> {
  return "steps" in work ? inSteps(work.steps, options) : countRuns(engine, work.runs, range, options);
}

/** Counts ranges of the trials of a count unit by unit. */
export function countTailUnits(
  engine: Engine,
  work: TailWork,
  ranges: Iterable<Batch>,
  options: UnitsOptions,
): Promise<void> {
  return countEachUnit(ranges, options, async (range) => {
    const words = await countTail(engine, work, range, options);
    options.onBatch(range.count);
    return words;
  });
}
