// Word updates: the unit in which rates of `reach` at different sizes can be compared.

import { drawValue, itemOf } from "../../../../src/ensemble.ts";
import type { Plan } from "../../../../src/plan.ts";

/** Trials of the sample, whose mean is known to about 1 %. */
const SAMPLE_TRIALS = 1000;

/** The items of trial `trial` of a plan, in draw order. */
export function itemsOf({ params, inputs }: Plan, trial: number): number[] {
  const key = [params.keyLow, params.keyHigh] as const;
  return Array.from({ length: params.itemsTo }, (_, item) =>
    itemOf(params, drawValue(params.range, key, trial, item), inputs.magnitudes),
  );
}

/**
 * Counts the words of 32 bits that a trial of `reach` updates, the mean over a sample: those of the live window, for every item,
 * items entering in draw order. Let S be the sum of all magnitudes and N that of the negative items or of the positive ones,
 * whichever is less. At prefix sum P the live window is max(0, P - (S - N + M)) .. min(P, N + M). A kernel that reorders items or
 * stops early updates fewer words; its rate in these units is then higher.
 */
export function updatesOf(plan: Plan): number {
  const { halfRange: M } = plan.params;
  let updates = 0;
  for (let trial = 0; trial < SAMPLE_TRIALS; trial++) {
    const items = itemsOf(plan, trial);
    const sum = items.reduce((total, x) => total + Math.abs(x), 0);
    const negative = items.reduce((total, x) => total + Math.max(-x, 0), 0);
    const lesser = Math.min(negative, sum - negative);
    let prefixSum = 0;
    for (const item of items) {
      prefixSum += Math.abs(item);
      updates +=
        1 + (Math.min(prefixSum, lesser + M) >> 5) - (Math.max(0, prefixSum - (sum - lesser + M)) >> 5);
    }
  }
  return updates / SAMPLE_TRIALS;
}
