// Faults planted in the shaders of `witness`.

import type { Fault } from "./parity.ts";

export const witnessFaults: readonly Fault<"batch">[] = [
  {
    variant: "thread",
    probe: "batch",
    replace: "k < params.instances",
    by: "k + 1u < params.instances",
  },
  { variant: "storage", probe: "batch", replace: "(31u - shift)", by: "(30u - shift)" },
  { variant: "storage", probe: "batch", replace: "firstLeadingBit(below)", by: "firstTrailingBit(below)" },
  { variant: "storage", probe: "batch", replace: "u32(above && place", by: "u32(!above && place" },
  {
    variant: "workgroup",
    probe: "batch",
    replace: "isReached(slab, frame, left, i - 1u)",
    by: "isReached(slab, frame, left, i)",
  },
  { variant: "tiles", probe: "batch", replace: "min(done + size, frame.top)", by: "min(done, frame.top)" },
  { variant: "tiles", probe: "batch", replace: "phase.first + slab", by: "phase.first + 2u * slab" },
];
