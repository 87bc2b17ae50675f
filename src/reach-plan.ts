// The plan of counting, for every number of items, the trials that do not reach their targets. The experiments `phase` and
// `required` share it.

import { slicingOf, type Law } from "./ensemble.ts";
import type { Plan } from "./plan.ts";
import type { WordPair } from "./random.ts";

/** Where trials come from, and the targets that are asked of each. */
export interface TrialSource {
  readonly law: Law;
  /** The Threefry key from which items are drawn. */
  readonly key: WordPair;
  /** The magnitudes of a law that draws from a table, all within 1..halfRange. */
  readonly magnitudes?: Int32Array<ArrayBuffer>;
  readonly halfRange: number;
  /** Numbers of items, both ends included. */
  readonly items: { readonly from: number; readonly to: number };
  readonly targets: readonly number[];
  /** Whether trial i is the i-th instance of all, instead of one that is drawn. */
  readonly enumerate: boolean;
}

/** The work of counting trials, for any range of them. */
export function reachPlan({ law, key, magnitudes, halfRange, items, targets, enumerate }: TrialSource): Plan {
  const largestSum = items.to * halfRange;
  return {
    kernel: "reach",
    params: {
      keyLow: key[0],
      keyHigh: key[1],
      enumerate: Number(enumerate),
      ...law,
      ...slicingOf(law.range),
      halfRange,
      itemsFrom: items.from,
      itemsTo: items.to,
      targets: targets.length,
      // Targets beyond all sums need no bits: they are never reached.
      extent: targets.reduce(
        (extent, target) => (Math.abs(target) > largestSum ? extent : Math.max(extent, Math.abs(target))),
        halfRange,
      ),
    },
    inputs: { targets: Int32Array.from(targets), magnitudes: magnitudes ?? new Int32Array(1) },
  };
}
