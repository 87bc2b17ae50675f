// The work of a trial, counted: what rates of different sizes and shapes have in common.

import { drawValue, itemOf } from "../../../../src/ensemble.ts";
import type { Plan } from "../../../../src/plan.ts";

/** Trials that a mean is taken over: it is known to about 1 %. */
const SAMPLE = 1000;

/** The items of trial `trial` of a plan, in draw order. */
export function itemsOf({ params, inputs }: Plan, trial: number): number[] {
  const key = [params.keyLow, params.keyHigh] as const;
  return Array.from({ length: params.itemsTo }, (_, item) =>
    itemOf(params, drawValue(params.range, key, trial, item), inputs.magnitudes),
  );
}

/**
 * Words of 32 bits that one trial of `reach` updates, the mean of a sample. In the positive frame, with N the magnitudes of
 * the negative items or of the positive ones, whichever weigh less, and S all of them, a sum matters after items that add
 * up to `done` where it lies in max(0, done - (S - N + M)) .. min(done, N + M). Items enter in draw order, and each updates
 * every word that holds such a sum. Kernels that reorder items, or stop early, need fewer: then the rate says so.
 */
export function updatesOf(plan: Plan): number {
  const { halfRange: M } = plan.params;
  let updates = 0;
  for (let trial = 0; trial < SAMPLE; trial++) {
    const items = itemsOf(plan, trial);
    const sum = items.reduce((total, x) => total + Math.abs(x), 0);
    const below = items.reduce((total, x) => total + Math.max(-x, 0), 0);
    const negative = Math.min(below, sum - below);
    let done = 0;
    for (const item of items) {
      done += Math.abs(item);
      updates += 1 + (Math.min(done, negative + M) >> 5) - (Math.max(0, done - (sum - negative + M)) >> 5);
    }
  }
  return updates / SAMPLE;
}
