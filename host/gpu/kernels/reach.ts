// The shapes of `reach`: one trial to an invocation, to a subgroup or to a workgroup.

import { itemOf, type Law } from "../../../src/ensemble.ts";
import { reachCapacity, reachTally, type ReachParams } from "../../../src/kernels/reach.ts";
import type { Work } from "../../../src/plan.ts";
import fallback from "../../../shaders/reach/fallback.wesl?wgsl";
import registers from "../../../shaders/reach/registers.wesl?wgsl";
import storage from "../../../shaders/reach/storage.wesl?wgsl";
import subgroup from "../../../shaders/reach/subgroup.wesl?wgsl";
import thread from "../../../shaders/reach/thread.wesl?wgsl";
import workgroup from "../../../shaders/reach/workgroup.wesl?wgsl";
import {
  GROUP_BYTES,
  groupWidth,
  SLAB_BYTES,
  SLAB_GROUPS,
  type Fits,
  type Program,
  type Room,
  type Shape,
  type VariantName,
} from "../launch.ts";

/** The most trials of one dispatch: its marks take 2 MiB. */
const PART_TRIALS = 2 ** 24;
/**
 * Trials that an invocation takes in turns, where there are enough to fill a device: to begin a workgroup costs as much as
 * some, and on a software adapter, whose subgroups are narrow, as much as many.
 */
const turns = (subgroup: number) => (subgroup < 8 ? 256 : 32);
/** Invocations that keep a device busy: those with wide subgroups have more of them. */
const filling = (subgroup: number) => 32 * subgroup ** 2;
/** Workgroups that keep any device busy. */
const GROUPS = 2 ** 12;
/** Words that a workgroup's copies of its tally may have. */
const COPIED_WORDS = 2 ** 10;
/** Places of a block of registers, the most such blocks, and what items may not reach: two of them. */
const BLOCK = 128;
const MAX_BLOCKS = 4;
/** The most blocks of a subgroup. */
const MAX_SUBGROUP_BLOCKS = 16;

const paramsOf = (work: Work) => work.params as ReachParams;

/** What all variants know of the law before they run. */
function lawConstants({ range, bits, factor, listed, enumerate }: ReachParams): Record<string, number> {
  return {
    PLAIN: Number(factor === 1 && !listed),
    EXACT: Number(range === 2 ** bits),
    ENUMERATED: enumerate,
  };
}

/** Cuts a batch into dispatches. */
function* parts(count: number): Generator<readonly number[]> {
  for (let first = 0; first < count || first === 0; first += PART_TRIALS)
    yield [first, Math.min(first + PART_TRIALS, count)];
}

/**
 * Places that suffice for all trials, and places that suffice for nearly all: the bitset ends M above half the sum of the
 * magnitudes at most, and that sum is within 3 standard deviations of its mean in all trials but one in hundreds.
 */
function capacities({ params, inputs }: Work): readonly [all: number, most: number] {
  const { itemsTo, range, extent, signed } = params as ReachParams;
  const all = reachCapacity(params as ReachParams);
  const SAMPLES = Math.min(range, 2 ** 10);
  let sum = 0;
  let squares = 0;
  for (let k = 0; k < SAMPLES; k++) {
    const value = Math.floor(((k + 0.5) * range) / SAMPLES);
    const size = Math.abs(itemOf(params as unknown as Law, value, inputs.magnitudes));
    sum += size / SAMPLES;
    squares += size ** 2 / SAMPLES;
  }
  const far = itemsTo * sum + 3 * Math.sqrt(itemsTo * Math.max(squares - sum ** 2, 0));
  return [all, Math.min(all, Math.ceil(far / 2 + (signed ? extent / 2 : extent)) + 1)];
}

/** One trial to a workgroup, its bits in workgroup memory. */
function grouped(work: Work, { limits, subgroup }: Room, source: string): Program | undefined {
  const words = Math.ceil(reachCapacity(paramsOf(work)) / 32);
  if (4 * words + GROUP_BYTES > limits.maxComputeWorkgroupStorageSize) return undefined;
  return {
    source,
    constants: { WIDTH: groupWidth(words, subgroup, limits), WORDS: words, ...lawConstants(paramsOf(work)) },
    groups: Math.min(work.params.count!, limits.maxComputeWorkgroupsPerDimension),
    rows: 1,
  };
}

/** One trial to an invocation of workgroups that wide, with so many words of workgroup memory each for its bits. */
function single(
  work: Work,
  room: Room,
  name: VariantName,
  width: number,
  words: number,
  { source, constants, all }: { source: string; constants: Record<string, number>; all: boolean },
): Shape | undefined {
  const { limits, subgroup } = room;
  const params = paramsOf(work);
  const { length } = reachTally(params);
  const items = Math.max(8 * Math.ceil(params.itemsTo / 8), 8);
  const left = Math.floor(limits.maxComputeWorkgroupStorageSize / 4) - (words + items) * width - 4;
  if (width > Math.min(limits.maxComputeInvocationsPerWorkgroup, limits.maxComputeWorkgroupSizeX) || left < 1)
    return undefined;
  const copies = length * width <= Math.min(left, COPIED_WORDS) ? width : 1;
  const rest = all ? undefined : grouped(work, room, fallback);
  if (!all && !rest) return undefined;
  const trials = Math.min(params.count, PART_TRIALS);
  const invocations = Math.max(filling(subgroup), Math.ceil(trials / turns(subgroup)));
  return {
    name,
    source,
    constants: {
      WIDTH: width,
      ZEROS: Number(params.gap === 0),
      ONE_SIZE: Number(params.itemsFrom === params.itemsTo),
      ITEMS: items,
      TALLY: length <= left ? length : 1,
      COPIES: copies,
      ...constants,
      ...lawConstants(params),
    },
    groups: Math.min(
      Math.ceil(Math.min(trials, invocations) / width),
      limits.maxComputeWorkgroupsPerDimension,
    ),
    rows: 1,
    slabBytes: all ? 4 : 4 * Math.max(Math.ceil(trials / 32), 1),
    phases: () => parts(params.count),
    ...(rest && { rest: { ...rest, groups: Math.min(rest.groups, GROUPS) } }),
  };
}

/** Widths worth a try, the likeliest first. */
const widths = (subgroup: number) => (subgroup <= 4 ? [subgroup] : [2 * subgroup, subgroup]);

/** Every width with room for all trials, and for nearly all where that is less. */
function* tries(
  work: Work,
  { subgroup, places }: Room,
  unit: number,
): Generator<[width: number, units: number, all: boolean]> {
  const [all, most] = capacities(work).map((bits) => Math.ceil(bits / unit)) as [number, number];
  const few = places === undefined ? most : Math.ceil(places / unit);
  for (const width of widths(subgroup))
    for (const units of places === undefined ? new Set([all, few]) : [few])
      yield [width, units, units >= all];
}

export const trials: Fits = {
  registers(work, room) {
    const { halfRange } = paramsOf(work);
    if (halfRange >= 2 * BLOCK) return [];
    return [...tries(work, room, BLOCK)].flatMap(([width, units, all]) => {
      if (units > MAX_BLOCKS) return [];
      const constants = { BLOCKS: units, STEPS: Number(halfRange >= BLOCK) };
      return single(work, room, "registers", width, 0, { source: registers, constants, all }) ?? [];
    });
  },
  thread(work, room) {
    return [...tries(work, room, 32)].flatMap(([width, units, all]) => {
      const constants = { WORDS: units };
      return single(work, room, "thread", width, units + 10, { source: thread, constants, all }) ?? [];
    });
  },
  subgroup(work, room) {
    const { limits, subgroup: lanes, narrowest = lanes, features } = room;
    const params = paramsOf(work);
    // Words of the narrowest subgroup there may be: wider ones have more room.
    const block = 32 * narrowest;
    const width = Math.max(2 * lanes, 64);
    const { length } = reachTally(params);
    if (!features.has("subgroups") || params.halfRange >= 2 * block) return [];
    if (width > Math.min(limits.maxComputeInvocationsPerWorkgroup, limits.maxComputeWorkgroupSizeX))
      return [];
    return [...tries(work, room, block)].slice(0, 2).flatMap(([, units, all]): Shape[] => {
      const rest = all ? undefined : grouped(work, room, fallback);
      if (units > MAX_SUBGROUP_BLOCKS || (!all && !rest)) return [];
      const trials = Math.min(params.count, PART_TRIALS);
      return [
        {
          name: "subgroup",
          source: subgroup,
          constants: {
            WIDTH: width,
            BLOCKS: units,
            STEPS: Number(params.halfRange >= block),
            TALLY: 4 * length <= limits.maxComputeWorkgroupStorageSize - GROUP_BYTES ? length : 1,
            ...lawConstants(params),
          },
          groups: Math.min(
            Math.ceil((trials * lanes) / width),
            Math.max(Math.ceil(trials / turns(room.subgroup)), 1),
            GROUPS,
          ),
          rows: 1,
          slabBytes: all ? 4 : 4 * Math.max(Math.ceil(trials / 32), 1),
          phases: () => parts(params.count),
          ...(rest && { rest: { ...rest, groups: Math.min(rest.groups, GROUPS) } }),
        },
      ];
    });
  },
  workgroup(work, room) {
    const program = grouped(work, room, workgroup);
    if (!program) return [];
    return [{ name: "workgroup", ...program, slabBytes: 0, phases: () => parts(work.params.count!) }];
  },
  storage(work, { limits, subgroup }) {
    const params = paramsOf(work);
    const words = Math.ceil(reachCapacity(params) / 32);
    const bytes = Math.min(SLAB_BYTES, limits.maxStorageBufferBindingSize, limits.maxBufferSize);
    const most = Math.min(Math.floor(bytes / (4 * words)), SLAB_GROUPS);
    if (most === 0) return [];
    const groups = Math.min(params.count, most);
    return [
      {
        name: "storage",
        source: storage,
        constants: { WIDTH: groupWidth(words, subgroup, limits), WORDS: words, ...lawConstants(params) },
        groups,
        rows: 1,
        slabBytes: 4 * words * Math.max(groups, 1),
        phases: () => parts(params.count),
      },
    ];
  },
};
