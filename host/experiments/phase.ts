// The phase experiment on an engine: from a request to findings.

import { isConstrained } from "../../src/experiments/constrained.ts";
import { find, phaseConfig, type PhaseRequest } from "../../src/experiments/phase.ts";
import { planSweep } from "../../src/experiments/sweep.ts";
import type { PhaseFinding } from "../../src/finding.ts";
import { tallyLayout } from "../../src/reach-plan.ts";
import { addTally } from "../../src/tally.ts";
import { provenanceOf, runnerOf, type Engine } from "../runner.ts";
import { constrainedTallies } from "./constrained.ts";
import { schedule, type Progress, type Totals } from "../schedule.ts";

/** How `measurePhase` is stopped and watched. */
export interface PhaseOptions {
  /** Stops the experiment after the batches in flight, which still report their progress. */
  readonly signal?: AbortSignal;
  /**
   * Called after every batch with the trials done. `findings()` computes the findings of those trials, so that a caller
   * who stops the experiment can keep them.
   */
  readonly onProgress?: (progress: Progress, findings: () => PhaseFinding[]) => void;
}

/**
 * Draws random instances and counts how often their first n items reach each target, and every target of -M..M. With `within`, a
 * sum at most that far away reaches a target; with `size`, only subsets of that size have sums.
 *
 * The counts depend on the request alone, not on the engine, its threads or its batches.
 * @returns One finding for each number of items, in ascending order. Probabilities are in 0..1, with 95 % intervals
 * (Clopper-Pearson), or exact for `trials: "all"`.
 * @throws {RequestError} A field of the request is missing or out of range; nothing has run then.
 * @throws {DifferenceError} The engine is `shadow`, and its two engines differ.
 * @throws The reason of `options.signal`, if it aborts before all trials are done. `onProgress` hands out the findings of
 * the trials done.
 * @example
 * ```ts
 * import { openEngine } from "exacta";
 * import { measurePhase } from "exacta/experiments";
 *
 * const engine = await openEngine({ engine: "cpu" });
 * const [finding] = await measurePhase(engine, { bits: 6, items: 12, trials: 1e5 });
 * console.log(finding!.covered!.probability); // 0.73452
 * engine.close();
 * ```
 */
export async function measurePhase(
  engine: Engine,
  request: PhaseRequest,
  { signal, onProgress }: PhaseOptions = {},
): Promise<PhaseFinding[]> {
  const planned = planSweep(phaseConfig(request));
  const { config, plan } = planned;
  // The adapter is read after the work: it names the CPU too if that stood in.
  const measured = (totals: Totals) => find(planned, totals, provenanceOf(engine));
  let latest: Totals;
  if (isConstrained(config)) {
    const layout = tallyLayout(plan);
    const words = new Float64Array(layout.length);
    let trials = 0;
    for await (const batch of constrainedTallies(
      engine,
      config,
      { first: 0, count: config.trials },
      signal,
    )) {
      addTally(layout, words, batch.words);
      trials += batch.trials;
      latest = { trials, words };
      onProgress?.({ done: trials, total: config.trials }, () => measured(latest));
    }
    return measured({ trials, words });
  }
  const totals = await schedule(runnerOf(engine), plan, config.trials, {
    signal,
    onBatch: (progress, soFar) => {
      latest = soFar;
      // The totals are those of the latest batch, whenever the caller asks.
      onProgress?.(progress, () => measured(latest));
    },
  });
  if (totals.trials < config.trials) signal?.throwIfAborted();
  return measured(totals);
}
