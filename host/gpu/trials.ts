// The shapes of `reach`: one trial to an invocation or to a workgroup.

import { reachCapacity, reachTally, type ReachParams } from "../../src/kernels/reach.ts";
import draw from "../../shaders/lib/random.wgsl?raw";
import sumsStorage from "../../shaders/lib/sums.storage.wgsl?raw";
import sumsWorkgroup from "../../shaders/lib/sums.workgroup.wgsl?raw";
import reach from "../../shaders/reach.wgsl?raw";
import group from "../../shaders/reach.group.wgsl?raw";
import thread from "../../shaders/reach.thread.wgsl?raw";
import { GROUP_BYTES, groupWidth, once, SLAB_BYTES, SLAB_GROUPS, type Fits } from "./shape.ts";

export const trials: Fits = {
  thread(work, { limits, subgroup }) {
    const params = work.params as ReachParams;
    const words = Math.ceil(reachCapacity(params) / 32);
    const length = reachTally(params).length;
    const memory = limits.maxComputeWorkgroupStorageSize;
    const most = Math.min(
      2 * subgroup,
      limits.maxComputeInvocationsPerWorkgroup,
      limits.maxComputeWorkgroupSizeX,
    );
    // A workgroup narrower than a subgroup would leave lanes idle.
    for (let width = most; width >= Math.min(subgroup, most); width /= 2) {
      const left = memory - 4 * words * width;
      if (left < 16) continue;
      return {
        name: "thread",
        source: draw + reach + thread,
        constants: { WIDTH: width, WORDS: words, TALLY: 4 * length <= left - 12 ? length : 1 },
        groups: Math.min(Math.ceil(params.count / width), limits.maxComputeWorkgroupsPerDimension),
        rows: 1,
        slabBytes: 0,
        phases: once,
      };
    }
    return undefined;
  },
  workgroup(work, { limits, subgroup }) {
    const params = work.params as ReachParams;
    const words = Math.ceil(reachCapacity(params) / 32);
    if (4 * words + GROUP_BYTES > limits.maxComputeWorkgroupStorageSize) return undefined;
    return {
      name: "workgroup",
      source: draw + reach + sumsWorkgroup + group,
      constants: { WIDTH: groupWidth(words, subgroup, limits), WORDS: words },
      groups: Math.min(params.count, limits.maxComputeWorkgroupsPerDimension),
      rows: 1,
      slabBytes: 0,
      phases: once,
    };
  },
  storage(work, { limits, subgroup }) {
    const params = work.params as ReachParams;
    const words = Math.ceil(reachCapacity(params) / 32);
    const bytes = Math.min(SLAB_BYTES, limits.maxStorageBufferBindingSize, limits.maxBufferSize);
    const most = Math.min(Math.floor(bytes / (4 * words)), SLAB_GROUPS);
    if (most === 0) return undefined;
    const groups = Math.min(params.count, most);
    return {
      name: "storage",
      source: draw + reach + sumsStorage + group,
      constants: { WIDTH: groupWidth(words, subgroup, limits), WORDS: words },
      groups,
      rows: 1,
      slabBytes: 4 * words * Math.max(groups, 1),
      phases: once,
    };
  },
};
