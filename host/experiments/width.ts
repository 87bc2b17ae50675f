// The width experiment on an engine: every weight of every trial is a given instance.

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
import { provenanceOf, type Engine } from "../runner.ts";
import { solveEach } from "./solve.ts";

export interface WidthOptions {
  /** Stops; the finding then tells of the trials that were done. */
  readonly signal?: AbortSignal;
  /** Called after every trial with the number of trials done. */
  readonly onProgress?: (done: number) => void;
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
): Promise<WidthFinding | undefined> {
  return widthOf(engine, widthConfig(request), options);
}

/** The instance of a demand: which items of its pool add up to the weight? */
interface DemandInstance extends Instance {
  readonly demand: Demand;
}

/** The same for a configuration. */
export async function widthOf(
  engine: Engine,
  config: WidthConfig,
  { signal, onProgress }: WidthOptions = {},
): Promise<WidthFinding | undefined> {
  function* instances(): Generator<DemandInstance> {
    for (let trial = 0; trial < config.trials; trial++)
      for (const demand of trialDemands(config, trial))
        yield { items: demand.items, target: demand.sum, demand };
  }
  const demands = demandsPerTrial(config);
  const fewest: number[] = [];
  let [units, answered] = [0, 0];
  const answers = solveEach(engine, instances(), { ask: ["witness"] }, { signal });
  for await (const { instance, finding } of answers) {
    units = Math.max(units, unitsServing(instance.demand, finding.witness));
    if (++answered < demands) continue;
    fewest.push(units);
    [units, answered] = [0, 0];
    onProgress?.(fewest.length);
  }
  if (fewest.length === 0) return undefined;
  return findWidth(config, fewest, provenanceOf(engine));
}
