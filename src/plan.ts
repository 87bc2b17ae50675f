// Work as data: a plan says what is to be computed for any range of trials, a batch names the range.

import type { ReachParams } from "./kernels/reach.ts";

/** A contiguous range of trials. `first` is 48-bit, `count` below 2^31. */
export interface Batch {
  readonly first: number;
  readonly count: number;
}

/** One kernel over trials: the same for every batch but for the batch itself. */
export interface Plan {
  readonly kernel: "reach";
  readonly params: Omit<ReachParams, "firstLow" | "firstHigh" | "count">;
  readonly targets: Int32Array<ArrayBuffer>;
}

/** The parameters of a plan's kernel for one batch. */
export function batchParams(plan: Plan, batch: Batch): ReachParams {
  return {
    ...plan.params,
    firstLow: batch.first % 2 ** 32,
    firstHigh: Math.floor(batch.first / 2 ** 32),
    count: batch.count,
  };
}
