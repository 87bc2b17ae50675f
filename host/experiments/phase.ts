// The phase experiment on a runner: from a request to findings.

import { find, phaseConfig, plan, type PhaseConfig, type PhaseRequest } from "../../src/experiments/phase.ts";
import type { PhaseFinding } from "../../src/finding.ts";
import { runnerOf, type Engine } from "../runner.ts";
import { schedule, type Progress, type Totals } from "../schedule.ts";
import { version } from "../../package.json";

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
 * Runs a request on an engine and returns one finding for each number of items, in ascending order; none where it was
 * stopped before the first batch ended. The numbers depend on the request alone, not on the engine.
 * Throws TypeError or RangeError for a request that cannot be met, before anything runs.
 */
export async function measurePhase(
  engine: Engine,
  request: PhaseRequest,
  options: PhaseOptions = {},
): Promise<PhaseFinding[]> {
  return measurePhaseConfig(engine, phaseConfig(request), options);
}

/** The same for a configuration. */
export async function measurePhaseConfig(
  engine: Engine,
  config: PhaseConfig,
  { signal, onProgress }: PhaseOptions = {},
): Promise<PhaseFinding[]> {
  const provenance = { engine: engine.engine, adapter: engine.adapter, version };
  const findingsOf = ({ trials, words }: Totals) => find(config, trials, words, provenance);
  let latest: Totals;
  const totals = await schedule(runnerOf(engine), plan(config), config.trials, {
    signal,
    onBatch: (progress, soFar) => {
      latest = soFar;
      // The words are those of the latest batch, whenever the caller asks.
      onProgress?.(progress, () => findingsOf(latest));
    },
  });
  if (totals.trials < config.trials) signal?.throwIfAborted();
  return findingsOf(totals);
}
