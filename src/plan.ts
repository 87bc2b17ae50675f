// Work as data: a plan says what is to be computed for any range of trials, a batch names the range.

import { kernels } from "./kernels/index.ts";
import type { ReachInput, ReachParams } from "./kernels/reach.ts";

/** A contiguous range of trials. `first` is 48-bit, `count` below 2^31. */
export interface Batch {
  readonly first: number;
  readonly count: number;
}

/** One kernel over trials: the same for every batch but for the batch itself. */
export interface Plan {
  readonly kernel: "reach";
  readonly params: Omit<ReachParams, "firstLow" | "firstHigh" | "count">;
  /** What the kernel reads, by the names of its contract. */
  readonly inputs: Readonly<Record<ReachInput, Int32Array<ArrayBuffer>>>;
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

/** What a plan's kernel reads, in the order of its contract. */
export function inputsOf(plan: Plan): Int32Array<ArrayBuffer>[] {
  const { buffers } = kernels[plan.kernel];
  return Object.keys(buffers).flatMap((name) => (name in plan.inputs ? plan.inputs[name as ReachInput] : []));
}
