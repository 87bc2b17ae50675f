// Faults planted in the shaders of `tail`.

import type { Fault } from "./parity.ts";

export type TailProbe = "few items" | "strata" | "many items" | "over 64 items";

export const tailFaults: readonly Fault<TailProbe>[] = [
  { variant: "workgroup", probe: "few items", replace: "select(2u, 1u, isMiddle)", by: "2u" },
  { variant: "workgroup", probe: "few items", replace: "if (p < target_) {", by: "if (p <= target_) {" },
  { variant: "workgroup", probe: "few items", replace: "holesEnd + params.halfRange", by: "holesEnd + 1u" },
  { variant: "workgroup", probe: "few items", replace: "source - 1u", by: "source" },
  {
    variant: "workgroup",
    probe: "few items",
    replace: "end = wordOf(trial.table, trial.notes + w - 1u);",
    by: "",
  },
  { variant: "workgroup", probe: "few items", replace: "p - a), reduction);", by: "p), reduction);" },
  { variant: "workgroup", probe: "strata", replace: "i -= first;", by: "" },
  { variant: "workgroup", probe: "strata", replace: "classes[at + 5u] + ", by: "" },
  { variant: "workgroup", probe: "strata", replace: "let rest = divisor % b;", by: "let rest = 0u;" },
  { variant: "workgroup", probe: "strata", replace: "trial.x >> 2u", by: "trial.x >> 1u" },
  { variant: "workgroup", probe: "strata", replace: "(trial.y << 30u)", by: "0u" },
  { variant: "workgroup", probe: "strata", replace: "(high % params.strata) * wrapped + ", by: "" },
  { variant: "workgroup", probe: "strata", replace: "% divisor > 0u)", by: "% divisor > 1u)" },
  { variant: "storage", probe: "many items", replace: "u32(before + signs.x < before)", by: "0u" },
  { variant: "storage", probe: "many items", replace: "u32(low < a.x)", by: "0u" },
  { variant: "storage", probe: "many items", replace: "& 1u) * rowWords()", by: "& 1u)" },
  { variant: "storage", probe: "few items", replace: "+ u32(low < t)", by: "" },
  { variant: "workgroup", probe: "over 64 items", replace: " ^ (i / ITEMS_OF_KEY)", by: "" },
  { variant: "workgroup", probe: "over 64 items", replace: "i = i % ITEMS_OF_KEY;", by: "" },
  {
    variant: "workgroup",
    probe: "over 64 items",
    replace: "params.reduction1, residue == 1u",
    by: "params.reduction2, residue == 1u",
  },
  { variant: "workgroup", probe: "over 64 items", replace: "4u * atomicLoad(&signsCarries)", by: "0u" },
  { variant: "workgroup", probe: "over 64 items", replace: "sum.y >> 30u", by: "0u" },
  { variant: "storage", probe: "over 64 items", replace: " && highBefore + high < highBefore", by: "" },
];
