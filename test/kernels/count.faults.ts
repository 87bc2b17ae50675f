// Faults planted in the shaders of `count`.

import type { Fault } from "./parity.ts";

export type CountProbe = "batch" | "reduced" | "1500 instances" | "9000 instances";

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
  { variant: "workgroup", probe: "batch", replace: "u32(low + by.x < low)", by: "0u" },
  { variant: "storage", probe: "reduced", replace: "return subtractWide(sum, modulus);", by: "return sum;" },
  { variant: "tiles", probe: "reduced", replace: "vec2u(reduction, 0u)", by: "vec2u(57u, 1u)" },
  {
    variant: "thread",
    probe: "reduced",
    replace: "carries += u32(lessWide(total, ways))",
    by: "carries += 0u",
  },
  { variant: "storage", probe: "reduced", replace: "u32(before + middle < before)", by: "0u" },
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
