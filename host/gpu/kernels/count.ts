// count on a GPU: two rows of 64-bit counts, one for each sum.

import type { WorkOf } from "../../../src/plan.ts";
import count_ from "../../../shaders/count.wgsl?raw";
import instances from "../../../shaders/instances.wgsl?raw";
import answers from "../../../shaders/lib/answers.wgsl?raw";
import wide from "../../../shaders/lib/wide.wgsl?raw";
import type { GpuKernel } from "../launch.ts";
import { rowTable, sharedVariants, suitableForRows, threadVariant, type Table } from "./instances.ts";

const source = wide + answers + instances + count_;

/** Two rows of two words for each sum. */
const tablesOf = ({ params }: WorkOf<"count">): readonly [Table] => [rowTable(4 * params.sums, params.sums)];

export const count: GpuKernel<"count"> = {
  unitParam: "instances",
  tuningParams: ["longest", "sums"],
  variants: [threadVariant(source, tablesOf), ...sharedVariants(source, tablesOf)],
  suitable: suitableForRows(tablesOf),
};
