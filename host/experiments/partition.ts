// The partition experiment on an engine.

import {
  findPartition,
  partitionConfig,
  partitionFailures,
  partitionWork,
  type PartitionConfig,
  type PartitionRequest,
} from "../../src/experiments/partition.ts";
import type { PartitionFinding } from "../../src/finding.ts";
import type { Batch } from "../../src/plan.ts";
import { pump } from "../pump.ts";
import { provenanceOf, runnerOf, type Engine } from "../runner.ts";
import { countEachUnit, type Progress, type UnitsOptions } from "../schedule.ts";

/** How `measurePartition` is stopped and watched. */
export interface PartitionOptions {
  readonly signal?: AbortSignal;
  /** Called after every batch with the trials done. */
  readonly onProgress?: (progress: Progress) => void;
}

/** The most subset sums of the halves of a batch, and the most trials. */
const BATCH_SUMS = 2 ** 20;
const MAX_BATCH_TRIALS = 2 ** 12;

/** The batches of a range of trials. */
function* batchesOf({ items }: PartitionConfig, { first, count }: Batch): Generator<Batch> {
  const most = Math.max(1, Math.min(MAX_BATCH_TRIALS, Math.floor(BATCH_SUMS / 2 ** (items / 2))));
  for (let at = first; at < first + count; at += most)
    yield { first: at, count: Math.min(most, first + count - at) };
}

/** Yields the trials and the failures of each batch of a range. */
async function* failuresOf(
  engine: Engine,
  config: PartitionConfig,
  range: Batch,
  signal: AbortSignal | undefined,
) {
  const runner = runnerOf(engine);
  yield* pump(
    batchesOf(config, range),
    async (batch) => {
      const { words } = await runner.run(partitionWork(config, batch));
      return { trials: batch.count, failures: partitionFailures(words) };
    },
    { depth: runner.queueDepth, signal },
  );
}

/**
 * Draws n numbers of 1..M and decides whether they split into two groups whose totals differ by at most 1, at a given
 * lambda = log2 M - n + (log2 n) / 2 (Borgs, Chayes & Pittel, 2001).
 *
 * The counts depend on the request alone, not on the engine.
 * @throws {RequestError} A field of the request is missing or out of range; nothing has run then.
 * @throws The reason of `options.signal`, if it aborts before the last trial.
 * @example
 * ```ts
 * import { openEngine } from "exacta";
 * import { measurePartition } from "exacta/experiments";
 *
 * const engine = await openEngine({ engine: "cpu" });
 * const { halfRange, perfect } = await measurePartition(engine, { items: 16, lambda: 0, trials: 2000 });
 * console.log(halfRange, perfect.probability); // 16384 0.638
 * engine.close();
 * ```
 */
export async function measurePartition(
  engine: Engine,
  request: PartitionRequest,
  { signal, onProgress }: PartitionOptions = {},
): Promise<PartitionFinding> {
  const config = partitionConfig(request);
  const total = config.trials;
  let [done, misses] = [0, 0];
  for await (const { trials, failures } of failuresOf(engine, config, { first: 0, count: total }, signal)) {
    done += trials;
    misses += failures;
    onProgress?.({ done, total });
  }
  return findPartition(config, { trials: done, words: [misses] }, provenanceOf(engine));
}

/** Counts ranges of an experiment's trials unit by unit. */
export function countPartitionUnits(
  engine: Engine,
  config: PartitionConfig,
  ranges: Iterable<Batch>,
  options: UnitsOptions,
): Promise<void> {
  return countEachUnit(ranges, options, async (range) => {
    let misses = 0;
    for await (const { trials, failures } of failuresOf(engine, config, range, options.signal)) {
      misses += failures;
      options.onBatch(trials);
    }
    return Float64Array.of(misses);
  });
}
