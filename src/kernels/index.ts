// Every kernel there is; tests and runners walk this list.

import type { Kernel, Values, Words } from "../kernel.ts";
import { count } from "./count.ts";
import { forward } from "./forward.ts";
import { knapsack } from "./knapsack.ts";
import { meet } from "./meet.ts";
import { pool } from "./pool.ts";
import { prune } from "./prune.ts";
import { reach } from "./reach.ts";
import { smallest } from "./smallest.ts";
import { tail } from "./tail.ts";
import { witness } from "./witness.ts";

const list = { reach, witness, count, smallest, knapsack, meet, prune, forward, pool, tail } as const;

export type KernelName = keyof typeof list;
export const kernelNames = Object.keys(list) as KernelName[];
export const kernels: Readonly<Record<KernelName, Kernel>> = list;

type BuffersOf<K extends KernelName> = (typeof list)[K]["buffers"];
type InputOf<K extends KernelName> = {
  [Name in keyof BuffersOf<K>]: BuffersOf<K>[Name] extends { access: "read" } ? Name : never;
}[keyof BuffersOf<K>];

// Indexed mapped types, so that a union of kernels has a union of parameters and not one record with the names of all.

/** The parameters of a kernel, as its contract names them. */
export type ParamsOf<K extends KernelName> = {
  readonly [N in KernelName]: Values<(typeof list)[N]["params"][number]>;
}[K];
/** The buffers that a kernel reads, as its contract names them. */
export type InputsOf<K extends KernelName> = {
  readonly [N in KernelName]: Readonly<Record<InputOf<N>, Words>>;
}[K];
