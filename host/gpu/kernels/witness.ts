// witness on a GPU: two rows of bits, and with masks a history of rows from which the index set is read backwards.

import type { WorkOf } from "../../../src/plan.ts";
import storage from "../../../shaders/witness/storage.wesl?wgsl";
import thread from "../../../shaders/witness/thread.wesl?wgsl";
import tiles from "../../../shaders/witness/tiles.wesl?wgsl";
import workgroup from "../../../shaders/witness/workgroup.wesl?wgsl";
import type { GpuKernel } from "../launch.ts";
import { rowTable, sharedVariants, suitableForRows, threadVariant, type Table } from "./instances.ts";
import { sampleInstance } from "./sample.ts";

/** Rows of a table, and bits of the prefix that a table with masks has for each bit of a row. */
const ROWS = 2;
const PREFIX_BITS = 16;

function tablesOf({ params }: WorkOf<"witness">): readonly [Table] {
  const words = Math.ceil(params.sums / 32);
  return [rowTable((params.masks ? ROWS + PREFIX_BITS : ROWS) * words, words)];
}

export const witness: GpuKernel<"witness"> = {
  unitParam: "instances",
  tuningParams: ["longest", "sums", "masks"],
  variants: [threadVariant(thread, tablesOf), ...sharedVariants({ workgroup, storage, tiles }, tablesOf)],
  suitable: suitableForRows(tablesOf),
  sample: () => ({ kernel: "witness", ...sampleInstance() }),
};
