// The phase experiment with a distance or a fixed size, on an engine.

import { constrainedBatch, constrainedTally, constrainedWork } from "../../src/experiments/constrained.ts";
import { planSweep } from "../../src/experiments/sweep.ts";
import type { PhaseConfig } from "../../src/experiments/phase.ts";
import type { Batch } from "../../src/plan.ts";
import { tallyLayout } from "../../src/reach-plan.ts";
import { addTally } from "../../src/tally.ts";
import { pump } from "../pump.ts";
import { runnerOf, type Engine } from "../runner.ts";
import { countEachUnit, type UnitsOptions } from "../schedule.ts";

/** Yields the tally of each batch of a range, with its trials. */
export async function* constrainedTallies(
  engine: Engine,
  config: PhaseConfig,
  { first, count }: Batch,
  signal: AbortSignal | undefined,
): AsyncGenerator<{ readonly trials: number; readonly words: Float64Array }, void, undefined> {
  const runner = runnerOf(engine);
  const most = constrainedBatch(config);
  function* batches(): Generator<Batch> {
    for (let at = first; at < first + count; at += most)
      yield { first: at, count: Math.min(most, first + count - at) };
  }
  yield* pump(
    batches(),
    async (batch) => {
      const { words } = await runner.run(constrainedWork(config, batch));
      return { trials: batch.count, words: constrainedTally(config, batch.count, words) };
    },
    { depth: runner.queueDepth, signal },
  );
}

/** Counts ranges of an experiment's trials unit by unit. */
export function countConstrainedUnits(
  engine: Engine,
  config: PhaseConfig,
  ranges: Iterable<Batch>,
  options: UnitsOptions,
): Promise<void> {
  const layout = tallyLayout(planSweep(config).plan);
  return countEachUnit(ranges, options, async (range) => {
    const sum = new Float64Array(layout.length);
    for await (const { trials, words } of constrainedTallies(engine, config, range, options.signal)) {
      addTally(layout, sum, words);
      options.onBatch(trials);
    }
    return sum;
  });
}
