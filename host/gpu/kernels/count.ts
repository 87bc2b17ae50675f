// count on a GPU: two rows of 64-bit counts, one for each sum.

import type { WorkOf } from "../../../src/plan.ts";
import storage from "../../../shaders/count/storage.wesl?wgsl";
import thread from "../../../shaders/count/thread.wesl?wgsl";
import tiles from "../../../shaders/count/tiles.wesl?wgsl";
import workgroup from "../../../shaders/count/workgroup.wesl?wgsl";
import type { GpuKernel } from "../launch.ts";
import { rowTable, sharedVariants, suitableForRows, threadVariant, type Table } from "./instances.ts";
import { sampleInstance } from "./sample.ts";

/** Two rows of two words for each sum. */
const tablesOf = ({ params }: WorkOf<"count">): readonly [Table] => [rowTable(4 * params.sums, params.sums)];

export const count: GpuKernel<"count"> = {
  unitParam: "instances",
  tuningParams: ["longest", "sums"],
  variants: [threadVariant(thread, tablesOf), ...sharedVariants({ workgroup, storage, tiles }, tablesOf)],
  suitable: suitableForRows(tablesOf),
  sample: () => ({ kernel: "count", ...sampleInstance() }),
};
