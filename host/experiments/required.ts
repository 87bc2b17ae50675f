// The required experiment on an engine: a scan of every target, then fresh trials of the worst ones.

import {
  measuredPools,
  requiredConfig,
  requiredFindings,
  type RequiredConfig,
  type RequiredCount,
  type RequiredRequest,
} from "../../src/experiments/required.ts";
import { mostSearchTrials, requiredTailFindings } from "../../src/experiments/required-tail.ts";
import type { TailCount } from "../../src/experiments/tail.ts";
import type { RequiredFinding } from "../../src/finding.ts";
import { provenanceOf, runnerOf, type Engine } from "../runner.ts";
import { schedule, type Progress, type Totals } from "../schedule.ts";
import { countTail } from "./tail.ts";

/** How `measureRequired` is stopped and watched. */
export interface RequiredOptions {
  /** Stops the experiment after the batches in flight. */
  readonly signal?: AbortSignal;
  /** Called after every batch with the trials done, scans included. `findings()` are those of the pools that are finished. */
  readonly onProgress?: (progress: Progress, findings: () => RequiredFinding[]) => void;
}

/** Finds the fewest items of a configuration of the method `tail`. */
async function requiredByTail(
  engine: Engine,
  config: RequiredConfig,
  { signal, onProgress }: RequiredOptions,
): Promise<RequiredFinding[]> {
  const findings: RequiredFinding[] = [];
  const total = mostSearchTrials(config);
  let done = 0;
  const onTrials = (count: number) => onProgress?.({ done: (done += count), total }, () => [...findings]);
  const measure = async ({ trials, workOf }: TailCount) =>
    countTail(engine, workOf(), { first: 0, count: trials }, { signal, onTrials });
  for await (const found of requiredTailFindings(config, measure, () => provenanceOf(engine)))
    findings.push(...found);
  return findings;
}

/**
 * Finds how many items it takes until the worst target of -M..M fails at most as often as asked: for uniform items and,
 * where M is a square, for products and for products rejected until uniform on the distinct ones.
 *
 * A scan of every target finds the candidates for the worst one; fresh trials then measure the candidates alone. Failures below
 * 1e-6 are found by the tail (`measureTail`).
 * @returns The findings by pool, then by failure in the order asked.
 * @throws {RequestError} A field of the request is missing or out of range; nothing has run then.
 * @throws The reason of `options.signal`, if it aborts before the last trial. `onProgress` hands out the findings of the
 * pools that are finished.
 * @example
 * ```ts
 * import { openEngine } from "exacta";
 * import { measureRequired } from "exacta/experiments";
 *
 * const engine = await openEngine({ engine: "cpu" });
 * const request = { bits: 3, failures: [0.5, 0.1], trials: 1e5 };
 * for (const { pool, failure, items } of await measureRequired(engine, request))
 *   console.log(pool, failure, items); // uniform 0.5 5
 *   // uniform 0.1 9
 * engine.close();
 * ```
 */
export async function measureRequired(
  engine: Engine,
  request: RequiredRequest,
  options: RequiredOptions = {},
): Promise<RequiredFinding[]> {
  const config = requiredConfig(request);
  if (config.method === "tail") return requiredByTail(engine, config, options);
  const { signal, onProgress } = options;
  const total = measuredPools(config).length * (config.scanTrials + config.trials);
  const findings: RequiredFinding[] = [];
  let before = 0;
  async function count({ plan, trials }: RequiredCount): Promise<Totals> {
    const totals = await schedule(runnerOf(engine), plan, trials, {
      signal,
      onBatch: ({ done }) => onProgress?.({ done: before + done, total }, () => [...findings]),
    });
    signal?.throwIfAborted();
    before += totals.trials;
    return totals;
  }
  for await (const found of requiredFindings(config, count, () => provenanceOf(engine)))
    findings.push(...found);
  return findings;
}
