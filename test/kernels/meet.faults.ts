// Faults planted in the shaders of `meet`.

import type { Fault } from "./parity.ts";

export const meetFaults: readonly Fault<"batch">[] = [
  { variant: "storage", probe: "batch", replace: "a.upper < b.upper", by: "a.upper > b.upper" },
  { variant: "storage", probe: "batch", replace: "mask | (1u << i)", by: "mask" },
  {
    variant: "tiles",
    probe: "batch",
    replace: "orEqual && all(other == offset)",
    by: "all(other == offset)",
  },
  {
    variant: "workgroup",
    probe: "batch",
    replace: "lessWide(a.offset, b.offset)",
    by: "lessWide(b.offset, a.offset)",
  },
  { variant: "tiles", probe: "batch", replace: "side < 2u", by: "side < 1u" },
];
