// count on a GPU: two rows of 64-bit counts, one for each sum.

import type { WorkOf } from "../../../src/plan.ts";
import storage from "../../../shaders/count/storage.wesl?wgsl";
import thread from "../../../shaders/count/thread.wesl?wgsl";
import tiles from "../../../shaders/count/tiles.wesl?wgsl";
import workgroup from "../../../shaders/count/workgroup.wesl?wgsl";
import type { GpuKernel } from "../launch.ts";
import {
  NOTHING,
  rowTable,
  sharedVariants,
  suitableForRows,
  threadVariant,
  type Table,
} from "./instances.ts";
import { sampleInstance } from "./sample.ts";

/** A step reads two counts of two words and writes one. A scan reads one. */
const STEP = { operations: 20, accesses: 6 };
const SCAN = { operations: 8, accesses: 2 };

/** Two rows of two words for each sum. */
const tablesOf = ({ params: { sums, longest } }: WorkOf<"count">): readonly [Table] => [
  rowTable(4 * sums, longest, {
    step: { cells: sums, ...STEP },
    scan: { cells: sums, ...SCAN },
    finish: NOTHING,
  }),
];

export const count: GpuKernel<"count"> = {
  unitParam: "instances",
  tuningParams: ["longest", "sums"],
  variants: [threadVariant(thread, tablesOf), ...sharedVariants({ workgroup, storage, tiles }, tablesOf)],
  suitable: suitableForRows(tablesOf),
  sample: () => ({ kernel: "count", ...sampleInstance() }),
};
