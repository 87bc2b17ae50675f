// Work as data. A plan says what is to be computed for any range of trials, a batch names the range, and both together
// are work: one call of one kernel, which every runner answers with the same words.

import { kernels, type InputsOf, type KernelName, type ParamsOf } from "./kernels/index.ts";
import type { Words } from "./kernel.ts";
import type { ReachInput, ReachParams } from "./kernels/reach.ts";

/** One call of the kernel `K` with everything that it reads. */
export interface WorkOf<K extends KernelName> {
  readonly kernel: K;
  readonly params: ParamsOf<K>;
  /** Work that shares this object shares one copy of the inputs on a device. */
  readonly inputs: InputsOf<K>;
}

/** One call of any kernel. `work.kernel` tells the types of its parameters and inputs. */
export type Work = { [K in KernelName]: WorkOf<K> }[KernelName];

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
export function batchWork(plan: Plan, { first, count }: Batch): WorkOf<"reach"> {
  const params: ReachParams = {
    ...plan.params,
    firstLow: first % 2 ** 32,
    firstHigh: Math.floor(first / 2 ** 32),
    count,
  };
  return { kernel: plan.kernel, params, inputs: plan.inputs };
}

/** What a kernel reads, in the order of its contract. */
export function inputsOf(work: Work): Words[] {
  const inputs: Readonly<Record<string, Words>> = work.inputs;
  return Object.keys(kernels[work.kernel].buffers).flatMap((name) => inputs[name] ?? []);
}

/** The name and the length in words of what a kernel writes. */
export function outputOf({ kernel, params }: Work): { readonly name: string; readonly length: number } {
  const [name, contract] = Object.entries(kernels[kernel].buffers).find(
    ([, { access }]) => access === "read_write",
  )!;
  return { name, length: contract.length(params) };
}
