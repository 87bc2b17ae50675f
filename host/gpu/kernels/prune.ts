// prune on a GPU: one demand per workgroup, its table in workgroup memory or in scratch memory.

import type { WorkOf } from "../../../src/plan.ts";
import storage from "../../../shaders/prune/storage.wesl?wgsl";
import workgroup from "../../../shaders/prune/workgroup.wesl?wgsl";
import { BARRIER_OPERATIONS, operationsOf, type Cost } from "../cost.ts";
import {
  inScratchMemory,
  inWorkgroupMemory,
  rangeDispatches,
  workgroupSize,
  type DeviceProfile,
  type GpuKernel,
  type Launch,
  type Placement,
} from "../launch.ts";
import { sampleDemand } from "./sample.ts";

/** Words of a row of the table, and of everything that a demand needs: its items and two rows. */
function tableOf({ params }: WorkOf<"prune">): { rowWords: number; words: number } {
  const { group, sparse, sums } = params;
  const rowWords = sparse ? sums : Math.ceil(sums / 32);
  return { rowWords, words: group + 2 * rowWords };
}

/** A step reads three words of a row and writes one, and looks up the sum; a row of sizes has a word for each sum. */
const STEP = { operations: 28, accesses: 4 };
/** An item that is drawn: two values. */
const DRAW_OPERATIONS = 400;
/**
 * Searches of a demand, as long as the first. Later ones end at an item of the subset that was found: with smallest subsets, of
 * few items, that is anywhere; otherwise it is in the short prefix that first attains the sum.
 */
const SPARSE_SEARCHES = 3;
const SEARCHES = 1.25;

function costOf(
  { params }: WorkOf<"prune">,
  { variant, workgroups }: Placement,
  size: number,
  demands: number,
): Cost {
  const { group, sparse, sums } = params;
  const cells = sparse ? sums : Math.ceil(sums / 32);
  const step = Math.ceil(cells / size) * operationsOf(STEP, variant === "storage") + 2 * BARRIER_OPERATIONS;
  const chain =
    Math.ceil(group / size) * DRAW_OPERATIONS + (sparse ? SPARSE_SEARCHES : SEARCHES) * group * step;
  return {
    operations: demands * size * chain,
    chain: Math.ceil(demands / Math.max(workgroups, 1)) * chain,
  };
}

function launchAt(
  work: WorkOf<"prune">,
  device: DeviceProfile,
  placement: Placement | undefined,
  source: string,
): Launch[] {
  if (!placement) return [];
  const { words, ...rest } = placement;
  const size = workgroupSize(tableOf(work).rowWords, device);
  return [
    {
      ...rest,
      source,
      constants: { WIDTH: size, WORDS: words },
      ...rangeDispatches(device, work.params.demands, (demands) => costOf(work, placement, size, demands)),
    },
  ];
}

export const prune: GpuKernel<"prune"> = {
  unitParam: "demands",
  tuningParams: ["group", "sums", "sparse"],
  variants: [
    {
      name: "workgroup",
      launches: (work, device) => {
        const placement = inWorkgroupMemory(tableOf(work).words, work.params.demands, device);
        return launchAt(work, device, placement, workgroup);
      },
    },
    {
      name: "storage",
      lastResort: true,
      launches: (work, device) => {
        const placement = inScratchMemory(tableOf(work).words, work.params.demands, device);
        return launchAt(work, device, placement, storage);
      },
    },
  ],
  sample: sampleDemand,
};
