// The width experiment on an engine: each weight of each trial is a given instance.

import {
  demandsPerTrial,
  findWidth,
  tallyIndex,
  trialDemands,
  unitsServing,
  widthConfig,
  widthLayout,
  type WidthConfig,
  type WidthRequest,
} from "../../src/experiments/width.ts";
import type { WidthFinding } from "../../src/finding.ts";
import type { Batch } from "../../src/plan.ts";
import type { Instance } from "../../src/solve/problem.ts";
import type { Demand } from "../../src/ticket/scheme.ts";
import { provenanceOf, type Engine } from "../runner.ts";
import { countEachUnit, type Progress, type UnitsOptions } from "../schedule.ts";
import { solveEach } from "./solve.ts";

/** How `measureWidth` is stopped and watched. */
export interface WidthOptions {
  /** Stops the experiment. */
  readonly signal?: AbortSignal;
  /**
   * Called after every trial with the trials done. `finding()` computes the finding of those trials, so that a caller who
   * stops the experiment can keep it.
   */
  readonly onProgress?: (progress: Progress, finding: () => WidthFinding) => void;
}

/**
 * Measures how many hidden units each input needs until a random network contains `depth` random layers of `width` inputs
 * and outputs (Theorem 1).
 *
 * The numbers depend on the request alone, not on the engine.
 * @returns One finding, with the probability of success for 0, 1, ..., `maxUnits` hidden units beside theory, and the number of
 * Theorem 3: the nonzero parameters of a network with a mask for half of the choices of the layers' weights.
 * @throws {RequestError} A field of the request is missing or out of range; nothing has run then.
 * @throws The reason of `options.signal`, if it aborts before the last trial. `onProgress` hands out the finding of the
 * trials done.
 * @example
 * ```ts
 * import { openEngine } from "exacta";
 * import { measureWidth } from "exacta/experiments";
 *
 * const engine = await openEngine({ engine: "cpu" });
 * const { required } = await measureWidth(engine, { bits: 2, width: 2, trials: 100 });
 * console.log(required[0]); // { probability: 0.5, units: 23, predicted: 22 }
 * engine.close();
 * ```
 */
export async function measureWidth(
  engine: Engine,
  request: WidthRequest,
  options: WidthOptions = {},
): Promise<WidthFinding> {
  return widthOf(engine, widthConfig(request), options);
}

/** The instance of a demand: which items of its pool add up to the weight? */
interface DemandInstance extends Instance {
  readonly demand: Demand;
}

/** Runs the experiment of a configuration. */
export async function widthOf(
  engine: Engine,
  config: WidthConfig,
  { signal, onProgress }: WidthOptions = {},
): Promise<WidthFinding> {
  const words = new Float64Array(widthLayout(config).length);
  const total = config.trials;
  let done = 0;
  const soFar = () => findWidth(config, { trials: done, words }, provenanceOf(engine));
  for await (const units of fewestUnitsOf(engine, config, { first: 0, count: total }, signal)) {
    words[tallyIndex(config, units)]!++;
    done++;
    onProgress?.({ done, total }, soFar);
  }
  return soFar();
}

/** Counts ranges of an experiment's trials unit by unit. */
export function countWidthUnits(
  engine: Engine,
  config: WidthConfig,
  ranges: Iterable<Batch>,
  options: UnitsOptions,
): Promise<void> {
  return countEachUnit(ranges, options, async (range) => {
    const words = new Float64Array(widthLayout(config).length);
    for await (const units of fewestUnitsOf(engine, config, range, options.signal)) {
      words[tallyIndex(config, units)]!++;
      options.onBatch(1);
    }
    return words;
  });
}

/** Yields the fewest units of each trial of a range, in order; Infinity where `maxUnits` are not enough. */
async function* fewestUnitsOf(
  engine: Engine,
  config: WidthConfig,
  { first, count }: Batch,
  signal: AbortSignal | undefined,
): AsyncGenerator<number, void, undefined> {
  function* instances(): Generator<DemandInstance> {
    for (let trial = first; trial < first + count; trial++)
      for (const demand of trialDemands(config, trial))
        yield { items: demand.items, target: demand.sum, demand };
  }
  const demands = demandsPerTrial(config);
  let [units, answered] = [0, 0];
  const answers = solveEach(engine, instances(), { ask: ["witness"] }, { signal });
  for await (const { instance, finding } of answers) {
    units = Math.max(units, unitsServing(instance.demand, finding.witness));
    if (++answered < demands) continue;
    yield units;
    [units, answered] = [0, 0];
  }
}
