// The tail experiment on an engine.

import {
  addTrials,
  emptySums,
  findTail,
  tailConfig,
  tailRuns,
  type TailConfig,
  type TailRequest,
  type TailRun,
  type TailSums,
} from "../../src/experiments/tail.ts";
import type { TailFinding } from "../../src/finding.ts";
import type { Batch } from "../../src/plan.ts";
import { pump } from "../pump.ts";
import { provenanceOf, runnerOf, type Engine } from "../runner.ts";
import type { Progress } from "../schedule.ts";

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
  options: TailOptions = {},
): Promise<TailFinding[]> {
  return tailOf(engine, tailConfig(request), options);
}

/** The number of trials of a configuration. */
export function tailTrials(config: TailConfig): number {
  return config.method === "exact" ? 0 : tailRuns(config).reduce((sum, { trials }) => sum + trials, 0);
}

function* batchesOf(runs: readonly TailRun[]): Generator<{ run: TailRun; batch: Batch }> {
  for (const run of runs)
    for (let first = 0; first < run.trials; first += run.batch)
      yield { run, batch: { first, count: Math.min(run.batch, run.trials - first) } };
}

/** Runs the trials of some runs. `onTrials` is called after every batch with its trials. */
export async function runTrials(
  engine: Engine,
  runs: readonly TailRun[],
  { signal, onTrials }: { signal?: AbortSignal | undefined; onTrials?: (count: number) => void },
): Promise<(readonly [TailRun, TailSums])[]> {
  const runner = runnerOf(engine);
  const sums = new Map(runs.map((run) => [run, emptySums(run)]));
  const answers = pump(
    batchesOf(runs),
    async ({ run, batch }) => {
      const work = run.work(batch);
      return { run, work, words: (await runner.run(work)).words };
    },
    { depth: runner.queueDepth, ordered: true, signal },
  );
  for await (const { run, work, words } of answers) {
    addTrials(run, sums.get(run)!, work, words);
    onTrials?.(work.params.count);
  }
  return [...sums];
}

/** Runs the experiment of a configuration. */
export async function tailOf(
  engine: Engine,
  config: TailConfig,
  { signal, onProgress }: TailOptions = {},
): Promise<TailFinding[]> {
  const runs = config.method === "exact" ? [] : tailRuns(config);
  const total = runs.reduce((sum, { trials }) => sum + trials, 0);
  let done = 0;
  const onTrials = (count: number) => onProgress?.({ done: (done += count), total });
  return findTail(config, await runTrials(engine, runs, { signal, onTrials }), provenanceOf(engine));
}
