// The width experiment on an engine: every weight of every trial is a given instance.

import { version } from "../../package.json";
import {
  demandsPerTrial,
  findWidth,
  trialDemands,
  unitsServing,
  widthConfig,
  type WidthConfig,
  type WidthRequest,
} from "../../src/experiments/width.ts";
import type { WidthFinding } from "../../src/finding.ts";
import type { Instance } from "../../src/solve/problem.ts";
import type { Demand } from "../../src/ticket/scheme.ts";
import type { Engine } from "../runner.ts";
import type { Progress } from "../schedule.ts";
import { solve } from "./solve.ts";

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
 * Runs a request on an engine; no finding where it was stopped before the first trial ended. The numbers depend on the
 * request alone, not on the engine.
 * Throws TypeError or RangeError for a request that cannot be met, before anything runs.
 */
export async function measureWidth(
  engine: Engine,
  request: WidthRequest,
  options: WidthOptions = {},
): Promise<WidthFinding> {
  return widthOf(engine, widthConfig(request), options);
}

/** The same for a configuration. */
export async function widthOf(
  engine: Engine,
  config: WidthConfig,
  { signal, onProgress }: WidthOptions = {},
): Promise<WidthFinding> {
  const provenance = { engine: engine.engine, adapter: engine.adapter, version };
  const finding = () => findWidth(config, fewest, provenance);
  // Instances are taken ahead of their findings, which come in the same order; those of some trials wait, one list each.
  const waiting: Demand[][] = [];
  function* instances(): Generator<Instance> {
    for (let trial = 0; trial < config.trials; trial++) {
      const asked: Demand[] = [];
      waiting.push(asked);
      for (const demand of trialDemands(config, trial)) {
        asked.push(demand);
        yield { items: demand.items, target: demand.sum };
      }
    }
  }
  const demands = demandsPerTrial(config);
  const fewest: number[] = [];
  let [units, answered] = [0, 0];
  for await (const { witness } of solve(engine, instances(), { ask: ["witness"] }, { signal })) {
    units = Math.max(units, unitsServing(waiting[0]![answered]!, witness));
    if (++answered < demands) continue;
    waiting.shift();
    fewest.push(units);
    [units, answered] = [0, 0];
    onProgress?.({ done: fewest.length, total: config.trials }, finding);
  }
  return finding();
}
