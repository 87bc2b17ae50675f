// pool on a GPU: one output per invocation.

import thread from "../../../shaders/pool/thread.wesl?wgsl";
import wide from "../../../shaders/pool/wide.wesl?wgsl";
import { rangeDispatches, type GpuKernel } from "../launch.ts";
import { samplePool } from "./sample.ts";

/** Invocations of a workgroup. */
const WIDTH = 64;
/** Operations of a number that is read and added, and of a quotient; of one word, and of two. */
const NUMBER_OPERATIONS = [140, 270] as const;
const QUOTIENT_OPERATIONS = [64, 256] as const;

export const pool: GpuKernel<"pool"> = {
  unitParam: "samples",
  tuningParams: ["taps", "wide"],
  variants: [
    {
      name: "thread",
      launches({ params }, device) {
        const { samples, points, channels, taps } = params;
        const words = params.wide as 0 | 1;
        const blocks = Math.ceil((samples * points * channels) / WIDTH);
        const workgroups = Math.min(blocks, device.limits.maxComputeWorkgroupsPerDimension);
        const output = taps * NUMBER_OPERATIONS[words] + QUOTIENT_OPERATIONS[words];
        return [
          {
            variant: "thread",
            source: words ? wide : thread,
            constants: { WIDTH },
            workgroups,
            workgroupRows: 1,
            scratchBytes: 0,
            ...rangeDispatches(device, blocks, (count) => ({
              operations: count * WIDTH * output,
              chain: Math.ceil(count / Math.max(workgroups, 1)) * output,
            })),
          },
        ];
      },
    },
  ],
  sample: samplePool,
};
