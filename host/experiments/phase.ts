// The phase experiment on a runner: from a request to findings.

import { find, phaseConfig, plan, type PhaseConfig, type PhaseRequest } from "../../src/experiments/phase.ts";
import type { PhaseFinding } from "../../src/finding.ts";
import { provenanceOf, runnerOf, type Engine } from "../runner.ts";
import { schedule, type Progress } from "../schedule.ts";

export interface PhaseOptions {
  /** Stops after the batches in flight; the findings then tell fewer trials. */
  readonly signal?: AbortSignal;
  /** Called after every batch; `findings` makes the findings so far. */
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
  const provenance = provenanceOf(engine);
  const totals = await schedule(runnerOf(engine), plan(config), config.trials, {
    signal,
    onBatch: (progress, { trials, words }) =>
      onProgress?.(progress, () => find(config, trials, words, provenance)),
  });
  return totals.trials === 0 ? [] : find(config, totals.trials, totals.words, provenance);
}
