// The phase experiment on a runner: from a request to findings.

import { find, phaseConfig, type PhaseRequest } from "../../src/experiments/phase.ts";
import { planSweep, type Sweep } from "../../src/experiments/sweep.ts";
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
  const { findings } = await measureSweep(engine, planSweep(phaseConfig(request)), options);
  return [...findings];
}

/** The sweep with its findings, measured on an engine; without findings where it was stopped before the first batch ended. */
export async function measureSweep(
  engine: Engine,
  sweep: Sweep,
  { signal, onProgress }: PhaseOptions = {},
): Promise<Sweep> {
  const { config, plan } = sweep;
  const provenance = provenanceOf(engine);
  const totals = await schedule(runnerOf(engine), plan, config.trials, {
    signal,
    onBatch: (progress, soFar) => onProgress?.(progress, () => find(sweep, soFar, provenance)),
  });
  return { ...sweep, findings: totals.trials === 0 ? [] : find(sweep, totals, provenance) };
}
