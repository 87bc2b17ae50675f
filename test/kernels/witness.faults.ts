// Faults planted in the shaders of `witness`.

import type { Fault } from "./parity.ts";

export const witnessFaults: readonly Fault<"batch">[] = [
  {
    variant: "thread",
    probe: "batch",
    replace: "k < params.instances",
    by: "k + 1u < params.instances",
  },
  { variant: "storage", probe: "batch", replace: "(31u - bits)", by: "(30u - bits)" },
  { variant: "storage", probe: "batch", replace: "firstLeadingBit(below)", by: "firstTrailingBit(below)" },
  { variant: "storage", probe: "batch", replace: "u32(above && bit", by: "u32(!above && bit" },
  {
    variant: "workgroup",
    probe: "batch",
    replace: "isReached(table, frame, without, i - 1u)",
    by: "isReached(table, frame, without, i)",
  },
  {
    variant: "tiles",
    probe: "batch",
    replace: "liveTo(frame, i32(after))",
    by: "liveTo(frame, i32(prefixSum))",
  },
  { variant: "tiles", probe: "batch", replace: "phase.first + table", by: "phase.first + 2u * table" },
];
