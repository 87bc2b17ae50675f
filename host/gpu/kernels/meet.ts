// meet on a GPU: the sorted list of sums of the lower items in a table, which the sums of the upper items search.

import type { WorkOf } from "../../../src/plan.ts";
import storage from "../../../shaders/meet/storage.wesl?wgsl";
import tiles from "../../../shaders/meet/tiles.wesl?wgsl";
import workgroup from "../../../shaders/meet/workgroup.wesl?wgsl";
import type { CellCost } from "../cost.ts";
import type { GpuKernel } from "../launch.ts";
import { HEADER_WORDS, NOTHING, sharedVariants, type Table } from "./instances.ts";
import { sampleWideInstance } from "./sample.ts";

/** The most upper items: their mask is one word. */
const MAX_UPPER_ITEMS = 31;
/** The most items for which one workgroup is fast enough; more are spread over a device. */
const MAX_WORKGROUP_ITEMS = 32;
/** Words of one sum of the list: two of value, one of mask. Sorting by merging needs half as many words again. */
const ENTRY_WORDS = 3;
/** Words of a partial result for each target: two of distance or sum, one of mask, one of size. */
const RESULT_WORDS = 4;
/** Bytes that an invocation keeps in workgroup memory for the reduction. */
const REDUCTION_BYTES = 16;
/** A probe of a binary search. The first probes find their entries in the caches, the others read a line of memory each. */
const PROBE_OPERATIONS = 24;
const CACHED_ENTRIES = 2 ** 16;
const LINE_WORDS = 16;
/** Lists that are searched at the same time and share the caches. */
const SHARING_LISTS = 2 ** 7;

/** `count` binary searches in one of some lists of 2^log2 entries. */
function searches(count: number, log2: number, lists: number): CellCost {
  const cached = Math.log2(CACHED_ENTRIES / Math.min(Math.max(lists, 1), SHARING_LISTS));
  return {
    operations: count * PROBE_OPERATIONS * (log2 + 1),
    accesses: count * LINE_WORDS * Math.max(log2 - cached, 0),
  };
}

/** Tables for every split of the items, the largest list first; shorter lists are searched by more sums. */
function tablesOf(work: WorkOf<"meet">): readonly [Table, ...Table[]] {
  const { longest, instances, fewest } = work.params;
  const tableFor = (lower: number): Table => {
    const listWords = ENTRY_WORDS * 2 ** lower;
    const upper = longest - lower;
    // A step places every entry twice. A scan adds up the upper items of a mask, and searches for both ends and the center; with
    // `fewest` also for the first masks of two sums.
    const placed = searches(2, Math.max(lower - 1, 0), instances);
    const searched = searches(3 + 2 * fewest, lower, instances);
    return {
      words: HEADER_WORDS + listWords + Math.floor(listWords / 2),
      resultWords: RESULT_WORDS,
      invocationBytes: REDUCTION_BYTES,
      constants: { LOWER: lower },
      step: {
        cells: 2 ** Math.max(lower - 1, 0),
        operations: placed.operations + 40,
        accesses: placed.accesses + 3 * ENTRY_WORDS,
      },
      // Each step is twice as long as the one before.
      steps: 2,
      once: NOTHING,
      scan: {
        cells: 2 ** upper,
        operations: searched.operations + 6 * upper + 80,
        accesses: searched.accesses,
      },
      finish: searches(1, lower, instances),
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
  tuningParams: ["longest", "fewest"],
  variants: sharedVariants({ workgroup, storage, tiles }, tablesOf),
  suitable: ({ params }) =>
    params.longest > MAX_WORKGROUP_ITEMS ? ["tiles"] : ["workgroup", "storage", "tiles"],
  sample: sampleWideInstance,
};
