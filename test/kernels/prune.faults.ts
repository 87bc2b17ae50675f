// Faults planted in the shaders of `prune`.

import type { Fault } from "./parity.ts";

export type PruneProbe = "any subset" | "smallest subset" | "1500 demands";

export const pruneFaults: readonly Fault<PruneProbe>[] = [
  { variant: "storage", probe: "any subset", replace: "(31u - bits)", by: "(30u - bits)" },
  { variant: "storage", probe: "any subset", replace: "position % MAX_ITEMS", by: "position % 32u" },
  { variant: "storage", probe: "any subset", replace: "(word & 1u) == 1u", by: "(word & 1u) == 0u" },
  {
    variant: "storage",
    probe: "any subset",
    replace: "BLOCKS_PER_ATTEMPT * attempt + i",
    by: "BLOCKS_PER_ATTEMPT * attempt",
  },
  { variant: "storage", probe: "any subset", replace: "sign(unit) == side", by: "sign(unit) == 1" },
  {
    variant: "storage",
    probe: "smallest subset",
    replace: "max(found.size, 1u) - 1u",
    by: "found.size",
  },
  {
    variant: "storage",
    probe: "any subset",
    replace: "zeroBit += max(-entering, 0)",
    by: "zeroBit += max(entering, 0)",
  },
  {
    variant: "storage",
    probe: "any subset",
    replace: "liveTo(frame, after)",
    by: "liveTo(frame, prefixSum)",
  },
  { variant: "workgroup", probe: "any subset", replace: "w - words - 1u", by: "w - words" },
  { variant: "workgroup", probe: "any subset", replace: "hidden + q)", by: "hidden)" },
  { variant: "workgroup", probe: "any subset", replace: "sum -= found.item;", by: "" },
  { variant: "workgroup", probe: "any subset", replace: "u32(toLow < toHigh)", by: "1" },
  {
    variant: "workgroup",
    probe: "any subset",
    replace: "count = found.count - 1u",
    by: "count = found.count",
  },
  {
    variant: "workgroup",
    probe: "any subset",
    replace: "-down <= sum && sum <= up",
    by: "-down < sum && sum < up",
  },
  {
    variant: "storage",
    probe: "smallest subset",
    replace: "select(stays, moves, negative)",
    by: "stays",
  },
  { variant: "storage", probe: "smallest subset", replace: "before == NO_SIZE)", by: "before > 2u)" },
  {
    variant: "workgroup",
    probe: "smallest subset",
    replace: "step.size < found.size",
    by: "step.size <= found.size",
  },
  { variant: "workgroup", probe: "smallest subset", replace: "var enough = 1u", by: "var enough = 2u" },
  // Workgroups that skip a demand after their first one.
  { variant: "storage", probe: "1500 demands", replace: "k += workgroups", by: "k += workgroups + 1u" },
  // An index past the end of the tables.
  {
    variant: "workgroup",
    probe: "any subset",
    replace: "array<u32, WORDS>",
    by: "array<u32, WORDS / 2u>",
    watched: true,
  },
];
