// The shapes of `prune`: one demand to a workgroup.

import type { PruneParams } from "../../../src/kernels/prune.ts";
import type { Work } from "../../../src/plan.ts";
import storage from "../../../shaders/prune/storage.wesl?wgsl";
import workgroup from "../../../shaders/prune/workgroup.wesl?wgsl";
import { GROUP_BYTES, groupWidth, once, roomy, SLAB_BYTES, SLAB_GROUPS, type Fits } from "../launch.ts";

/** Words of a row, and of all that a demand needs. */
function wordsOf({ params }: Work): { row: number; words: number } {
  const { group, sparse, sums } = params as PruneParams;
  const row = sparse ? sums : Math.ceil(sums / 32);
  return { row, words: group + 2 * row };
}

export const pruneFits: Fits = {
  workgroup(work, { limits, subgroup }) {
    const { row, words } = wordsOf(work);
    const most = Math.floor((limits.maxComputeWorkgroupStorageSize - GROUP_BYTES) / 4);
    if (words > most) return undefined;
    return {
      name: "workgroup",
      source: workgroup,
      constants: { WIDTH: groupWidth(row, subgroup, limits), WORDS: Math.min(roomy(words), most) },
      groups: Math.min(work.params.demands!, limits.maxComputeWorkgroupsPerDimension),
      rows: 1,
      slabBytes: 0,
      phases: once,
    };
  },
  storage(work, { limits, subgroup }) {
    const { row, words } = wordsOf(work);
    const most = Math.floor(
      Math.min(SLAB_BYTES, limits.maxStorageBufferBindingSize, limits.maxBufferSize) / 4,
    );
    if (words > most) return undefined;
    const slab = Math.min(roomy(words), most);
    const groups = Math.min(work.params.demands!, Math.floor(most / slab), SLAB_GROUPS);
    return {
      name: "storage",
      source: storage,
      constants: { WIDTH: groupWidth(row, subgroup, limits), WORDS: slab },
      groups,
      rows: 1,
      slabBytes: 4 * slab * Math.max(groups, 1),
      phases: once,
    };
  },
};
