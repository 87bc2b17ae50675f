// knapsack on a GPU: two rows of 64-bit profits, and one bit for each item and capacity that says whether the item is taken.

import type { WorkOf } from "../../../src/plan.ts";
import storage from "../../../shaders/knapsack/storage.wesl?wgsl";
import thread from "../../../shaders/knapsack/thread.wesl?wgsl";
import tiles from "../../../shaders/knapsack/tiles.wesl?wgsl";
import workgroup from "../../../shaders/knapsack/workgroup.wesl?wgsl";
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

/** A step reads two profits and writes one, of two words each, for each bit of a word, and writes the word of the bits. */
const STEP = { operations: 32 * 28, accesses: 32 * 6 + 1 };
/** An item of a mask that is read backwards: a word anywhere in the table. */
const MASK_ITEM = { operations: 24, accesses: 2 };

function tablesOf({ params: { sums, longest } }: WorkOf<"knapsack">): readonly [Table] {
  const cells = Math.ceil(sums / 32);
  return [
    rowTable(4 * sums + longest * cells, longest, {
      step: { cells, ...STEP },
      scan: { cells, ...NOTHING },
      finish: timesCost(longest, MASK_ITEM),
    }),
  ];
}

export const knapsack: GpuKernel<"knapsack"> = {
  unitParam: "instances",
  tuningParams: ["longest", "sums"],
  variants: [threadVariant(thread, tablesOf), ...sharedVariants({ workgroup, storage, tiles }, tablesOf)],
  suitable: suitableForRows(tablesOf),
  sample: () => ({
    kernel: "knapsack",
    params: { instances: 1, items: 2, targets: 1, answers: 3, longest: 2, sums: 5, tiles: 0 },
    inputs: {
      items: Uint32Array.of(3, 2),
      profits: Uint32Array.of(5, 0, 4, 0),
      starts: Uint32Array.of(0, 0, 2, 1),
      targets: Uint32Array.of(4, 0),
    },
  }),
};
