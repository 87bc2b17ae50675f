// Faults planted in the shaders of `count`.

import type { Fault } from "./parity.ts";

export type CountProbe = "batch" | "1500 instances" | "9000 instances";

export const countFaults: readonly Fault<CountProbe>[] = [
  { variant: "thread", probe: "batch", replace: "= value", by: "= value & 0xffu" },
  {
    variant: "thread",
    probe: "batch",
    replace: "step(localIndex, k, i, 0u, 1u)",
    by: "step(localIndex, k, i, 0u, 2u)",
  },
  { variant: "storage", probe: "batch", replace: "u32(low < a.x)", by: "0u" },
  { variant: "storage", probe: "batch", replace: "bit >= entry.magnitude", by: "bit > entry.magnitude" },
  { variant: "tiles", probe: "batch", replace: "ways.y);", by: "0u);" },
  { variant: "workgroup", probe: "batch", replace: "by.y + u32(before + by.x < before)", by: "by.y" },
  // Workgroups and invocations that skip an instance after their first one.
  { variant: "storage", probe: "1500 instances", replace: "k += workgroups", by: "k += workgroups + 1u" },
  {
    variant: "thread",
    probe: "9000 instances",
    replace: "k += workgroups * WIDTH",
    by: "k += 2u * workgroups * WIDTH",
  },
  // An index past the end of the tables.
  {
    variant: "thread",
    probe: "batch",
    replace: "= WORDS * WIDTH;",
    by: "= WORDS * WIDTH / 4u;",
    watched: true,
  },
];
