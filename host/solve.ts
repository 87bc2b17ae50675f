// The solve experiment on a runner: from a stream of instances to a stream of findings.

import type { Instance, SolveRequest } from "../src/experiments/solve.ts";
import type { SolveFinding } from "../src/finding.ts";
import type { Runner } from "./runner.ts";

export interface SolveOptions {
  /** Stops: no more instances are taken, and those in work are given up. */
  readonly signal?: AbortSignal;
}

/**
 * Answers a request for every instance of a stream, one finding for each target, in the order of the input. Instances are
 * taken as they are needed, so a stream of any length needs the same memory.
 * Throws TypeError or RangeError for a request that cannot be met before anything runs, and for an instance that cannot
 * be, when its turn comes; findings of the instances before it have come by then.
 */
export async function* solve(
  engine: Runner,
  instances: Iterable<Instance> | AsyncIterable<Instance>,
  request: SolveRequest = {},
  options: SolveOptions = {},
): AsyncGenerator<SolveFinding, void, undefined> {
  throw new Error(`not yet: ${engine.engine} ${instances} ${request.size} ${options.signal}`);
}
