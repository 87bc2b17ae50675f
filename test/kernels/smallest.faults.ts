// Faults planted in the shaders of `smallest`.

import type { Fault } from "./parity.ts";

export const smallestFaults: readonly Fault<"batch">[] = [
  {
    variant: "thread",
    probe: "batch",
    replace: "t < firstTarget(k + 1u); t += workers",
    by: "t <= firstTarget(k); t += workers",
  },
  { variant: "storage", probe: "batch", replace: "min(sizes.without, sizes.with_)", by: "sizes.without" },
  {
    variant: "storage",
    probe: "batch",
    replace: "sizes.with_ < sizes.without",
    by: "sizes.with_ <= sizes.without",
  },
  { variant: "tiles", probe: "batch", replace: "taken != (item < 0)", by: "taken" },
  {
    variant: "workgroup",
    probe: "batch",
    replace: "select(before + 1u, NO_SIZE, before == NO_SIZE)",
    by: "before + 1u",
  },
];
