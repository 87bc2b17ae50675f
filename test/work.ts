import type { Values } from "../src/kernel.ts";
import type { Work } from "../src/plan.ts";

/** A parameter of work of any kernel; 0 where the kernel has no such parameter. */
export function paramOf(work: Work, name: string): number {
  const params: Values<string> = work.params;
  return params[name] ?? 0;
}
