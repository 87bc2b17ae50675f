// Every kernel there is; tests and runners walk this list.

import type { Kernel } from "../kernel.ts";
import { reach } from "./reach.ts";

const list = { reach } as const;

export type KernelName = keyof typeof list;
export const kernels: Readonly<Record<KernelName, Kernel>> = list;
