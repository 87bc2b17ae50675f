// Faults planted in the shaders of `meet`.

import type { Fault } from "./parity.ts";

export const meetFaults: readonly Fault<"batch" | "fewest" | "many masks">[] = [
  { variant: "storage", probe: "batch", replace: "a.upper < b.upper", by: "a.upper > b.upper" },
  { variant: "storage", probe: "batch", replace: "mask | (1u << i)", by: "mask" },
  {
    variant: "tiles",
    probe: "batch",
    replace: "lessWide(other, offset) || (all(other == offset)",
    by: "lessWide(other, offset) || (any(other != offset)",
  },
  {
    variant: "workgroup",
    probe: "batch",
    replace: "lessWide(a.offset, b.offset)",
    by: "lessWide(b.offset, a.offset)",
  },
  { variant: "tiles", probe: "batch", replace: "side < 2u", by: "side < 1u" },
  { variant: "storage", probe: "fewest", replace: "countOneBits(mask) * params.fewest", by: "0u" },
  { variant: "tiles", probe: "fewest", replace: "a.size < b.size", by: "a.size > b.size" },
  { variant: "workgroup", probe: "fewest", replace: "size + params.fewest + 1u", by: "size + 1u" },
  {
    variant: "tiles",
    probe: "many masks",
    replace: "setWord(table, at + ENTRY_WORDS, found[0].size)",
    by: "setWord(table, at + ENTRY_WORDS, 64u - found[0].size)",
  },
];
