// Work as data. A plan says what is to be computed for any range of trials, a batch names the range, and both together
// are work: one call of one kernel, which every runner answers with the same words.

import { kernels, type KernelName } from "./kernels/index.ts";
import type { ReachInput, ReachParams } from "./kernels/reach.ts";

/** One call of a kernel with everything it reads. */
export interface Work {
  readonly kernel: KernelName;
  readonly params: Readonly<Record<string, number>>;
  /** What the kernel reads, by the names of its contract. Work that shares this object shares one copy on a device. */
  readonly inputs: Readonly<Record<string, Int32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>>>;
}

/** A contiguous range of trials. `first` is 48-bit, `count` below 2^31. */
export interface Batch {
  readonly first: number;
  readonly count: number;
}

/** Trials of `reach`: the same for every batch but for the batch itself. */
export interface Plan {
  readonly kernel: "reach";
  readonly params: Omit<ReachParams, "firstLow" | "firstHigh" | "count">;
  readonly inputs: Readonly<Record<ReachInput, Int32Array<ArrayBuffer>>>;
}

/** The work of a plan for one batch of its trials. */
export function batchWork(plan: Plan, { first, count }: Batch): Work {
  const params: ReachParams = {
    ...plan.params,
    firstLow: first % 2 ** 32,
    firstHigh: Math.floor(first / 2 ** 32),
    count,
  };
  return { kernel: plan.kernel, params, inputs: plan.inputs };
}

/** What a kernel reads, in the order of its contract. */
export function inputsOf({ kernel, inputs }: Work): (Int32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>)[] {
  return Object.keys(kernels[kernel].buffers).flatMap((name) => inputs[name] ?? []);
}

/** The name and the length in words of what a kernel writes. */
export function outputOf({ kernel, params }: Work): { readonly name: string; readonly length: number } {
  const [name, { length }] = Object.entries(kernels[kernel].buffers).find(
    ([, { access }]) => access === "read_write",
  )!;
  return { name, length: length(params) };
}
