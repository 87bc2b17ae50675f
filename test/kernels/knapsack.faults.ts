// Faults planted in the shaders of `knapsack`.

import type { Fault } from "./parity.ts";

export const knapsackFaults: readonly Fault<"batch" | "1500 instances">[] = [
  { variant: "thread", probe: "batch", replace: "lessWide(best, with_)", by: "!lessWide(with_, best)" },
  { variant: "workgroup", probe: "batch", replace: "capacity >= weight", by: "capacity > weight" },
  { variant: "storage", probe: "batch", replace: "u32(low < a.x)", by: "0u" },
  {
    variant: "tiles",
    probe: "batch",
    replace: "setWord(table, at + params.sums, best.y)",
    by: "setWord(table, at + params.sums, 0u)",
  },
  {
    variant: "tiles",
    probe: "batch",
    replace: "capacity -= items[starts[2u * k] + i - 1u]",
    by: "capacity -= items[i - 1u]",
  },
  { variant: "storage", probe: "1500 instances", replace: "k += workgroups", by: "k += workgroups + 1u" },
  // A table that begins with the words of earlier work.
  {
    variant: "storage",
    probe: "batch",
    replace: "if (i == 0u) {\n    return vec2u(0u);",
    by: "if (i == 1000u) {\n    return vec2u(0u);",
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
