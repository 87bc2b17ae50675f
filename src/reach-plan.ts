// The plan of counting, for every number of items, the trials that do not reach their targets. The experiments `phase` and
// `required` share it.

import { slicingOf, type Law } from "./ensemble.ts";
import { reachCapacity, reachTally } from "./kernels/reach.ts";
import type { Plan } from "./plan.ts";
import type { WordPair } from "./random.ts";
import type { TallyLayout } from "./tally.ts";

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

/**
 * The nanoseconds of a trial on one thread of the CPU engine. It is a fit to measurements, which were within a factor of 2, and
 * up to 8 times lower where a prefix decides most trials. The formula must never change: the units of a sweep follow from it.
 */
function trialNanoseconds({ itemsFrom, itemsTo, targets, ...params }: Plan["params"]): number {
  const sizes = itemsTo - itemsFrom + 1;
  const words = Math.ceil(reachCapacity({ itemsTo, ...params }) / 32);
  return 30 + 5 * itemsTo + 8 * sizes + 1.5 * targets * sizes + 0.05 * itemsTo * words;
}

const UNIT_NANOSECONDS = 1e9;
const MAX_UNIT_TRIALS = 2 ** 30;

/** The trials of a unit: a power of two that takes one thread about a second. It depends on the configuration alone. */
export function unitTrials({ params }: Plan): number {
  const trials = 2 ** Math.round(Math.log2(UNIT_NANOSECONDS / trialNanoseconds(params)));
  return Math.min(Math.max(trials, 1), MAX_UNIT_TRIALS);
}

/** The layout of the tally of a plan. */
export function tallyLayout({ params }: Pick<Plan, "params">): TallyLayout {
  const { missing, length } = reachTally(params);
  const pairs = Array.from({ length: params.itemsTo - params.itemsFrom + 1 }, (_, j) => missing(j));
  return { length, pairs };
}
