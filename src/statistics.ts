// Intervals for counted successes.

import quantile from "@stdlib/stats-base-dists-beta-quantile";

/** A probability with its 95 % interval, all in 0..1. */
export interface Estimate {
  readonly solved: number;
  readonly probability: number;
  readonly low: number;
  readonly high: number;
}

/**
 * The exact (Clopper-Pearson) 95 % interval for `solved` successes in `trials`, 0 <= solved <= trials, trials > 0.
 * It covers the truth at least 95 % of the time whatever the truth is, also at 0 and at all successes.
 * Source: Clopper & Pearson, Biometrika 26 (1934).
 */
export function estimate(solved: number, trials: number): Estimate {
  const tail = 0.025;
  return {
    solved,
    probability: solved / trials,
    low: solved === 0 ? 0 : quantile(tail, solved, trials - solved + 1),
    high: solved === trials ? 1 : quantile(1 - tail, solved + 1, trials - solved),
  };
}

/** A probability found by counting every instance: nothing is uncertain. */
export function certainty(solved: number, instances: number): Estimate {
  const probability = solved / instances;
  return { solved, probability, low: probability, high: probability };
}
