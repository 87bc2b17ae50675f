// Faults planted in the shaders of `meet`.

import type { Fault } from "./parity.ts";

export const meetFaults: readonly Fault<"batch" | "fewest" | "windows" | "many masks">[] = [
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
  { variant: "tiles", probe: "batch", replace: "max(middle, 1u) - 1u", by: "middle" },
  { variant: "storage", probe: "fewest", replace: "countOneBits(mask) * oneWhereFewest()", by: "0u" },
  { variant: "tiles", probe: "fewest", replace: "if (a.size != b.size)", by: "if (a.size == b.size)" },
  { variant: "workgroup", probe: "fewest", replace: "size + oneWhereFewest() + 1u", by: "size + 1u" },
  {
    variant: "workgroup",
    probe: "windows",
    replace: "isSizeFirst() && a.size",
    by: "a.size == 64u && a.size",
  },
  { variant: "storage", probe: "windows", replace: "to, isSizeFirst());", by: "to - 1u, isSizeFirst());" },
  { variant: "tiles", probe: "windows", replace: "size += sizeOf(wordOf", by: "size = sizeOf(wordOf" },
  {
    variant: "tiles",
    probe: "many masks",
    replace: "setWord(table, at + ENTRY_WORDS, found[0].size)",
    by: "setWord(table, at + ENTRY_WORDS, 64u - found[0].size)",
  },
];
