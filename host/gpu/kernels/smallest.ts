// smallest on a GPU: two rows of sizes, and with masks one bit per sum and item that says whether the item is taken.

import type { WorkOf } from "../../../src/plan.ts";
import instances from "../../../shaders/instances.wgsl?raw";
import smallestSource from "../../../shaders/smallest.wgsl?raw";
import type { GpuKernel } from "../launch.ts";
import { rowTable, sharedVariants, suitableForRows, threadVariant, type Table } from "./instances.ts";

const source = instances + smallestSource;

function tablesOf({ params }: WorkOf<"smallest">): readonly [Table] {
  const { sums, longest, masks } = params;
  const words = Math.ceil(sums / 32);
  return [rowTable(2 * sums + masks * longest * words, words)];
}

export const smallest: GpuKernel<"smallest"> = {
  unitParam: "instances",
  tuningParams: ["longest", "sums", "masks"],
  variants: [threadVariant(source, tablesOf), ...sharedVariants(source, tablesOf)],
  suitable: suitableForRows(tablesOf),
};
