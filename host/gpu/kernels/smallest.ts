// smallest on a GPU: two rows of sizes, and with masks one bit per sum and item that says whether the item is taken.

import type { WorkOf } from "../../../src/plan.ts";
import storage from "../../../shaders/smallest/storage.wesl?wgsl";
import thread from "../../../shaders/smallest/thread.wesl?wgsl";
import tiles from "../../../shaders/smallest/tiles.wesl?wgsl";
import workgroup from "../../../shaders/smallest/workgroup.wesl?wgsl";
import type { GpuKernel } from "../launch.ts";
import { rowTable, sharedVariants, suitableForRows, threadVariant, type Table } from "./instances.ts";
import { sampleInstance } from "./sample.ts";

function tablesOf({ params }: WorkOf<"smallest">): readonly [Table] {
  const { sums, longest, masks } = params;
  const words = Math.ceil(sums / 32);
  return [rowTable(2 * sums + masks * longest * words, words)];
}

export const smallest: GpuKernel<"smallest"> = {
  unitParam: "instances",
  tuningParams: ["longest", "sums", "masks"],
  variants: [threadVariant(thread, tablesOf), ...sharedVariants({ workgroup, storage, tiles }, tablesOf)],
  suitable: suitableForRows(tablesOf),
  sample: () => ({ kernel: "smallest", ...sampleInstance() }),
};
