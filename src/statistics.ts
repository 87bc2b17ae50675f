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
 * The limits between which the truth lies unless a count of `solved` in `trials` was, to either side, as unlikely as
 * `tail`, 0 < tail < 1/2; exact (Clopper-Pearson), and 0 or 1 itself where nothing or everything was counted.
 */
export function limits(solved: number, trials: number, tail: number): { low: number; high: number } {
  return {
    low: solved === 0 ? 0 : quantile(tail, solved, trials - solved + 1),
    high: solved === trials ? 1 : quantile(1 - tail, solved + 1, trials - solved),
  };
}

/**
 * The exact (Clopper-Pearson) 95 % interval for `solved` successes in `trials`, 0 <= solved <= trials, trials > 0.
 * It covers the truth at least 95 % of the time whatever the truth is, also at 0 and at all successes.
 * Source: Clopper & Pearson, Biometrika 26 (1934).
 */
export function estimate(solved: number, trials: number): Estimate {
  return { solved, probability: solved / trials, ...limits(solved, trials, 0.025) };
}

/** A probability found by counting every instance: nothing is uncertain. */
export function certainty(solved: number, instances: number): Estimate {
  const probability = solved / instances;
  return { solved, probability, low: probability, high: probability };
}
