// witness on a GPU: two rows of bits, and with masks a history of rows from which the index set is read backwards.

import type { WorkOf } from "../../../src/plan.ts";
import instances from "../../../shaders/instances.wgsl?raw";
import source from "../../../shaders/witness.wgsl?raw";
import type { GpuKernel } from "../launch.ts";
import { rowTable, sharedVariants, suitableForRows, threadVariant, type Table } from "./instances.ts";

/** Rows of a table without masks, and with them: 16 rows of history more. */
const ROWS = 2;
const ROWS_WITH_HISTORY = 18;

function tablesOf({ params }: WorkOf<"witness">): readonly [Table] {
  const words = Math.ceil(params.sums / 32);
  return [rowTable((params.masks ? ROWS_WITH_HISTORY : ROWS) * words, words)];
}

export const witness: GpuKernel<"witness"> = {
  unitParam: "instances",
  tuningParams: ["longest", "sums", "masks"],
  variants: [threadVariant(instances + source, tablesOf), ...sharedVariants(instances + source, tablesOf)],
  suitable: suitableForRows(tablesOf),
};
