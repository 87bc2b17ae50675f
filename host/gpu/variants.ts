// The shapes in which a GPU can run a kernel, smallest bitset first, and where each fits.

import { reachCapacity, reachTally, type ReachParams } from "../../src/kernels/reach.ts";
import type { Work } from "../../src/plan.ts";
import draw from "../../shaders/lib/random.wgsl?raw";
import sumsStorage from "../../shaders/lib/sums.storage.wgsl?raw";
import sumsWorkgroup from "../../shaders/lib/sums.workgroup.wgsl?raw";
import reach from "../../shaders/reach.wgsl?raw";
import group from "../../shaders/reach.group.wgsl?raw";
import thread from "../../shaders/reach.thread.wgsl?raw";

export const variantNames = ["thread", "workgroup", "storage"] as const;
export type VariantName = (typeof variantNames)[number];

/** What a device allows and likes. */
export interface Room {
  readonly limits: GPUSupportedLimits;
  /** Invocations that run in step. */
  readonly subgroup: number;
}

/** A variant fitted to work and a device. */
export interface Shape {
  readonly name: VariantName;
  readonly source: string;
  readonly constants: Record<string, number>;
  /** Workgroups. Each takes its trials in turns where there are more of them. */
  readonly groups: number;
  /** Bytes of storage for all workgroups, or 0. */
  readonly slabBytes: number;
}

/** Storage for all the bitsets of a dispatch, and workgroups that have one: enough to fill a device, small enough for any. */
const SLAB_BYTES = 2 ** 28;
const SLAB_GROUPS = 2 ** 10;
/** What `reach.group.wgsl` keeps in workgroup memory beside the bitset. */
const GROUP_BYTES = 512;

type Fit = (params: ReachParams, room: Room) => Shape | undefined;

const fits: Record<VariantName, Fit> = {
  thread(params, { limits, subgroup }) {
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
        slabBytes: 0,
      };
    }
    return undefined;
  },
  workgroup(params, { limits, subgroup }) {
    const words = Math.ceil(reachCapacity(params) / 32);
    if (4 * words + GROUP_BYTES > limits.maxComputeWorkgroupStorageSize) return undefined;
    return {
      name: "workgroup",
      source: draw + reach + sumsWorkgroup + group,
      constants: { WIDTH: groupWidth(words, subgroup, limits), WORDS: words },
      groups: Math.min(params.count, limits.maxComputeWorkgroupsPerDimension),
      slabBytes: 0,
    };
  },
  storage(params, { limits, subgroup }) {
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
      slabBytes: 4 * words * Math.max(groups, 1),
    };
  },
};

/** Enough invocations for the words of a bitset, in whole subgroups, at most 256. */
function groupWidth(words: number, subgroup: number, limits: GPUSupportedLimits): number {
  const most = Math.min(
    8 * subgroup,
    256,
    limits.maxComputeInvocationsPerWorkgroup,
    limits.maxComputeWorkgroupSizeX,
  );
  let width = Math.min(subgroup, most);
  while (width < most && 4 * width < words) width *= 2;
  return width;
}

/** The variant of that name, or the first that fits. */
export function shapeOf(work: Work, room: Room, name?: VariantName): Shape | undefined {
  for (const candidate of name ? [name] : variantNames) {
    const shape = fits[candidate](work.params as ReachParams, room);
    if (shape) return shape;
  }
  return undefined;
}
