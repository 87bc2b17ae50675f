// Drawn instances as if they were given, for the kernels that solve instances.

import { drawValue } from "../../../../src/ensemble.ts";
import { streamKey } from "../../../../src/random.ts";
import type { Instance } from "../../../../src/solve/problem.ts";

/** Instances of n items of +-1..M, each with a target of +-1..M. */
export function instancesOf(count: number, n: number, M: number): Instance[] {
  const key = streamKey(1n, [1001, n]);
  const item = (trial: number, i: number) => {
    const value = drawValue(2 * M, key, trial, i) - M;
    return value < 0 ? value : value + 1;
  };
  return Array.from({ length: count }, (_, trial) => ({
    items: Array.from({ length: n }, (_, i) => item(trial, i)),
    target: item(trial, n),
  }));
}
