// prune on a GPU: one demand per workgroup, its table in workgroup memory or in scratch memory.

import type { WorkOf } from "../../../src/plan.ts";
import storage from "../../../shaders/prune/storage.wesl?wgsl";
import workgroup from "../../../shaders/prune/workgroup.wesl?wgsl";
import {
  inScratchMemory,
  inWorkgroupMemory,
  oneDispatch,
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

function launchAt(
  work: WorkOf<"prune">,
  device: DeviceProfile,
  placement: Placement | undefined,
  source: string,
): Launch[] {
  if (!placement) return [];
  const { words, ...rest } = placement;
  const { rowWords } = tableOf(work);
  return [
    {
      ...rest,
      source,
      constants: { WIDTH: workgroupSize(rowWords, device), WORDS: words },
      dispatches: oneDispatch,
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
