// The required experiment on a runner: a scan of every target, then fresh trials for the worst of them.

import { version } from "../../package.json";
import {
  candidates,
  findRequired,
  measuredPools,
  requiredConfig,
  requiredPlan,
  scanTargets,
  type RequiredRequest,
} from "../../src/experiments/required.ts";
import type { RequiredFinding } from "../../src/finding.ts";
import { runnerOf, type Engine } from "../runner.ts";
import { schedule } from "../schedule.ts";

export interface RequiredOptions {
  /** Stops after the batches in flight, and leaves out the pool in work. */
  readonly signal?: AbortSignal;
  /** Called after every batch with the trials done and asked, scans included. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Finds how many items the worst target needs, for uniform items and, where M is a square, for products and for products
 * rejected to their support; findings go by pool, then by failure in the order asked.
 * Throws TypeError or RangeError for a request that cannot be met, before anything runs.
 */
export async function measureRequired(
  engine: Engine,
  request: RequiredRequest,
  { signal, onProgress }: RequiredOptions = {},
): Promise<RequiredFinding[]> {
  const config = requiredConfig(request);
  const provenance = { engine: engine.engine, adapter: engine.adapter, version };
  const pools = measuredPools(config);
  const total = pools.length * (config.scanTrials + config.trials);
  const runner = runnerOf(engine);
  const findings: RequiredFinding[] = [];
  let before = 0;
  const run = async (plan: Parameters<typeof schedule>[1], trials: number) => {
    const totals = await schedule(runner, plan, trials, {
      signal,
      onBatch: ({ done }) => onProgress?.(before + done, total),
    });
    before += totals.trials;
    return totals;
  };
  for (const pool of pools) {
    const scan = requiredPlan(config, pool, scanTargets(config), 0);
    const scanned = await run(scan, config.scanTrials);
    if (signal?.aborted) break;
    const targets = candidates(config, scan, scanned.words);
    const plan = requiredPlan(config, pool, targets, 1);
    const { trials, words } = await run(plan, config.trials);
    if (signal?.aborted) break;
    findings.push(...findRequired(config, pool, plan, targets, trials, words, provenance));
  }
  return findings;
}
