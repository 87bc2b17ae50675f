// Faults planted in the shaders of `smallest`.

import type { Fault } from "./parity.ts";

export const smallestFaults: readonly Fault<"batch">[] = [
  {
    variant: "thread",
    probe: "batch",
    replace: "t < firstTarget(k + 1u)",
    by: "t <= firstTarget(k)",
  },
  { variant: "storage", probe: "batch", replace: "min(without, with_)", by: "without" },
  { variant: "storage", probe: "batch", replace: "with_ < without", by: "with_ <= without" },
  { variant: "tiles", probe: "batch", replace: "taken != (item < 0)", by: "taken" },
  {
    variant: "workgroup",
    probe: "batch",
    replace: "select(before + 1u, NO_SIZE, before == NO_SIZE)",
    by: "before + 1u",
  },
];
