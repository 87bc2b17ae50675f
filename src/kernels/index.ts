// Every kernel there is; tests and runners walk this list.

import type { Kernel } from "../kernel.ts";
import { count } from "./count.ts";
import { forward } from "./forward.ts";
import { meet } from "./meet.ts";
import { prune } from "./prune.ts";
import { reach } from "./reach.ts";
import { smallest } from "./smallest.ts";
import { witness } from "./witness.ts";

const list = { reach, witness, count, smallest, meet, prune, forward } as const;

export type KernelName = keyof typeof list;
export const kernelNames = Object.keys(list) as KernelName[];
export const kernels: Readonly<Record<KernelName, Kernel>> = list;
