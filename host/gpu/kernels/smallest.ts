// smallest on a GPU: two rows of sizes, and with masks one bit per sum and item that says whether the item is taken.

import type { WorkOf } from "../../../src/plan.ts";
import storage from "../../../shaders/smallest/storage.wesl?wgsl";
import thread from "../../../shaders/smallest/thread.wesl?wgsl";
import tiles from "../../../shaders/smallest/tiles.wesl?wgsl";
import workgroup from "../../../shaders/smallest/workgroup.wesl?wgsl";
import type { GpuKernel } from "../launch.ts";
import { timesCost } from "../cost.ts";
import {
  NOTHING,
  rowTable,
  sharedVariants,
  suitableForRows,
  threadVariant,
  type Table,
} from "./instances.ts";
import { sampleInstance } from "./sample.ts";

/** A step reads two sizes and writes one for each bit of a word, and writes the word of the bits that are taken. */
const STEP = { operations: 32 * 20, accesses: 32 * 3 + 1 };
/** An item of a mask that is read backwards: a word anywhere in the table. */
const MASK_ITEM = { operations: 24, accesses: 2 };

function tablesOf({ params }: WorkOf<"smallest">): readonly [Table] {
  const { sums, longest, masks } = params;
  const cells = Math.ceil(sums / 32);
  return [
    rowTable(2 * sums + masks * longest * cells, longest, {
      step: { cells, ...STEP },
      scan: { cells, ...NOTHING },
      finish: masks ? timesCost(longest, MASK_ITEM) : NOTHING,
    }),
  ];
}

export const smallest: GpuKernel<"smallest"> = {
  unitParam: "instances",
  tuningParams: ["longest", "sums", "masks"],
  variants: [threadVariant(thread, tablesOf), ...sharedVariants({ workgroup, storage, tiles }, tablesOf)],
  suitable: suitableForRows(tablesOf),
  sample: () => ({ kernel: "smallest", ...sampleInstance() }),
};
