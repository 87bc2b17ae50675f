// meet on a GPU: the sorted list of sums of the lower items in a table, which the sums of the upper items search.

import type { WorkOf } from "../../../src/plan.ts";
import storage from "../../../shaders/meet/storage.wesl?wgsl";
import tiles from "../../../shaders/meet/tiles.wesl?wgsl";
import workgroup from "../../../shaders/meet/workgroup.wesl?wgsl";
import type { GpuKernel } from "../launch.ts";
import { HEADER_WORDS, maxTargets, sharedVariants, type Table } from "./instances.ts";
import { sampleWideInstance } from "./sample.ts";

/** Sums of the upper items that a dispatch searches for. */
const UPPER_SUMS_PER_DISPATCH = 2 ** 21;
/** The most upper items: their mask is one word. */
const MAX_UPPER_ITEMS = 31;
/** The most items for which one workgroup is fast enough; more are spread over a device. */
const MAX_WORKGROUP_ITEMS = 32;
/** Words of one sum of the list: two of value, one of mask. Sorting by merging needs half as many words again. */
const ENTRY_WORDS = 3;
/** Words of a partial result for each target: two of distance or sum, one of mask. */
const RESULT_WORDS = 3;
/** Bytes that an invocation keeps in workgroup memory for the reduction. */
const REDUCTION_BYTES = 16;

/** Tables for every split of the items, the largest list first; shorter lists are searched by more sums. */
function tablesOf(work: WorkOf<"meet">): readonly [Table, ...Table[]] {
  const { longest } = work.params;
  const scanWords = RESULT_WORDS * maxTargets(work);
  const tableFor = (lower: number): Table => {
    const listWords = ENTRY_WORDS * 2 ** lower;
    const uppers = 2 ** (longest - lower);
    return {
      words: HEADER_WORDS + listWords + Math.floor(listWords / 2),
      scanWords,
      invocationBytes: REDUCTION_BYTES,
      cells: Math.min(uppers, UPPER_SUMS_PER_DISPATCH),
      parts: Math.ceil(uppers / UPPER_SUMS_PER_DISPATCH),
      constants: { LOWER: lower },
    };
  };
  const largest = longest >> 1;
  const tables: [Table, ...Table[]] = [tableFor(largest)];
  for (let lower = largest - 1; lower >= 0 && longest - lower <= MAX_UPPER_ITEMS; lower--)
    tables.push(tableFor(lower));
  return tables;
}

export const meet: GpuKernel<"meet"> = {
  unitParam: "instances",
  tuningParams: ["longest"],
  variants: sharedVariants({ workgroup, storage, tiles }, tablesOf),
  suitable: ({ params }) =>
    params.longest > MAX_WORKGROUP_ITEMS ? ["tiles"] : ["workgroup", "storage", "tiles"],
  sample: sampleWideInstance,
};
