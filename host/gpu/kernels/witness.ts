// witness on a GPU: two rows of bits, and with masks a history of rows from which the index set is read backwards.

import type { WorkOf } from "../../../src/plan.ts";
import storage from "../../../shaders/witness/storage.wesl?wgsl";
import thread from "../../../shaders/witness/thread.wesl?wgsl";
import tiles from "../../../shaders/witness/tiles.wesl?wgsl";
import workgroup from "../../../shaders/witness/workgroup.wesl?wgsl";
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

/** Rows of a table, and bits of the prefix that a table with masks has for each bit of a row. */
const ROWS = 2;
const PREFIX_BITS = 16;

/** A step reads two words of a row and writes one. A scan reads a word. */
const STEP = { operations: 24, accesses: 3 };
const SCAN = { operations: 16, accesses: 1 };
/** Bits that are new set their prefixes, at most 32 of a word. */
const PREFIXES = { operations: 32 * 12, accesses: 3 * PREFIX_BITS };
/** An item of a mask that is read backwards: a word anywhere in the table. */
const MASK_ITEM = { operations: 16, accesses: 2 };

function tablesOf({ params }: WorkOf<"witness">): readonly [Table] {
  const { sums, masks, longest } = params;
  const cells = Math.ceil(sums / 32);
  return [
    rowTable((masks ? ROWS + PREFIX_BITS : ROWS) * cells, longest, {
      step: { cells, ...STEP },
      ...(masks && { once: PREFIXES }),
      scan: { cells, ...SCAN },
      finish: masks ? timesCost(longest, MASK_ITEM) : NOTHING,
    }),
  ];
}

export const witness: GpuKernel<"witness"> = {
  unitParam: "instances",
  tuningParams: ["longest", "sums", "masks"],
  variants: [threadVariant(thread, tablesOf), ...sharedVariants({ workgroup, storage, tiles }, tablesOf)],
  suitable: suitableForRows(tablesOf),
  sample: () => ({ kernel: "witness", ...sampleInstance() }),
};
