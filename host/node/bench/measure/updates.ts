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

/** The orders in which items of one number of items enter: as drawn, as on the GPU, and as on the CPU. */
export type Order = "drawn" | "gpu" | "cpu";

/** The half range from which on the CPU arranges items, and the items that then enter first (host/cpu/wasm/arrange.ts). */
const MIN_ARRANGED_HALF_RANGE = 512;
const FRONT = 8;

/** The items of a trial in the order in which they enter. */
function ordered(items: readonly number[], order: Order, M: number): readonly number[] {
  if (order === "gpu") {
    // Items up to M/2 enter first.
    const isSmall = (x: number) => Math.abs(x) <= M >> 1;
    return [...items.filter(isSmall), ...items.filter((x) => !isSmall(x))];
  }
  if (order === "drawn" || M < MIN_ARRANGED_HALF_RANGE) return items;
  // The smallest enter first; of the others every second one enters from the end backwards.
  const ascending = items.toSorted((a, b) => Math.abs(a) - Math.abs(b));
  const rest = ascending.slice(FRONT);
  const middle = rest.filter((_, i) => i % 2 === 0);
  const end = rest.filter((_, i) => i % 2 === 1);
  return [...ascending.slice(0, FRONT), ...middle, ...end.toReversed()];
}

/**
 * Counts the words of 32 bits that a trial of `reach` updates, the mean over a sample: those of the live window, for every item,
 * items entering in an order. Let S be the sum of all magnitudes and N that of the negative items or of the positive ones,
 * whichever is less. At prefix sum P the live window is max(0, P - (S - N + M)) .. min(P, N + M).
 */
export function updatesOf(plan: Plan, order: Order = "drawn"): number {
  const { halfRange: M } = plan.params;
  let updates = 0;
  for (let trial = 0; trial < SAMPLE_TRIALS; trial++) {
    const items = ordered(itemsOf(plan, trial), order, M);
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
