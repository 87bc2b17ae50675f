// Confidence intervals for counted successes.

import quantile from "@stdlib/stats-base-dists-beta-quantile";

/** A measured probability with its 95 % confidence interval low..high, all in 0..1. */
export interface Estimate {
  /** The number of successes. */
  readonly solved: number;
  readonly probability: number;
  readonly low: number;
  readonly high: number;
}

/**
 * The exact (Clopper-Pearson) confidence limits of a probability, of which each one is wrong with probability `tail` at most.
 * The lower limit of no successes is 0, the upper limit of all successes is 1.
 * @param tail Above 0, below 1/2.
 */
export function limits(solved: number, trials: number, tail: number): { low: number; high: number } {
  return {
    low: solved === 0 ? 0 : quantile(tail, solved, trials - solved + 1),
    high: solved === trials ? 1 : quantile(1 - tail, solved + 1, trials - solved),
  };
}

/**
 * The estimate of a probability from `solved` successes in `trials`, 0 <= solved <= trials, trials > 0. The interval contains
 * the true probability in at least 95 % of all experiments, whatever it is, also where no trial or every trial succeeds.
 * Source: Clopper & Pearson, Biometrika 26 (1934).
 */
export function estimate(solved: number, trials: number): Estimate {
  return { solved, probability: solved / trials, ...limits(solved, trials, 0.025) };
}

/** A probability known exactly because every instance was counted: low = probability = high. */
export function certainty(solved: number, instances: number): Estimate {
  const probability = solved / instances;
  return { solved, probability, low: probability, high: probability };
}
