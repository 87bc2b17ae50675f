// The shapes in which a GPU can run a kernel, smallest table first, and where each fits.

import type { KernelName } from "../../src/kernels/index.ts";
import type { InstanceParam } from "../../src/kernels/instances.ts";
import { reachCapacity, reachTally, type ReachParams } from "../../src/kernels/reach.ts";
import type { Work } from "../../src/plan.ts";
import instancesGroup from "../../shaders/instances.group.wgsl?raw";
import instancesTiles from "../../shaders/instances.tiles.wgsl?raw";
import instances from "../../shaders/instances.wgsl?raw";
import count from "../../shaders/count.wgsl?raw";
import halves from "../../shaders/halves.wgsl?raw";
import draw from "../../shaders/lib/random.wgsl?raw";
import sumsStorage from "../../shaders/lib/sums.storage.wgsl?raw";
import sumsWorkgroup from "../../shaders/lib/sums.workgroup.wgsl?raw";
import wide from "../../shaders/lib/wide.wgsl?raw";
import reach from "../../shaders/reach.wgsl?raw";
import group from "../../shaders/reach.group.wgsl?raw";
import thread from "../../shaders/reach.thread.wgsl?raw";
import smallest from "../../shaders/smallest.wgsl?raw";
import witness from "../../shaders/witness.wgsl?raw";

/** `thread` is for trials, `tiles` for given instances. */
export const variantNames = ["thread", "workgroup", "storage", "tiles"] as const;
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
  /** Workgroups of a dispatch, in x and in y. Each takes its trials or instances in turns where there are more of them. */
  readonly groups: number;
  readonly rows: number;
  /** Bytes of storage for all workgroups, or 0. */
  readonly slabBytes: number;
  /** The dispatches: what each of them is told, in words. */
  readonly phases: () => Iterable<readonly number[]>;
}

/** Storage for all the tables of a dispatch, and workgroups that have one: enough to fill a device, small enough for any. */
const SLAB_BYTES = 2 ** 28;
const SLAB_GROUPS = 2 ** 10;
/** What workgroups keep in their memory beside a table. */
const GROUP_BYTES = 512;
/** The most workgroups that one table is spread over: they fill a device, and each has left something for the last pass. */
const TILES = 2 ** 10;

/** What stands before a table (`instances.wgsl`; less in `halves.wgsl`). */
const HEADER_WORDS = 8;
/** Sums of the second half of the items of `halves` that one dispatch looks at. */
const PART_SUMS = 2 ** 21;
/** The most items that are not in a list of `halves`: a word holds their mask. */
const MAX_UPPER = 31;
/** The most items of `halves` that one workgroup does in good time. */
const MAX_GROUP_ITEMS = 32;

/** One dispatch, told nothing. */
const once = () => [[]];

type Fit = (work: Work, room: Room) => Shape | undefined;

/** One trial of `reach` to an invocation or a workgroup. */
const trials: Partial<Record<VariantName, Fit>> = {
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

/** One given instance to a workgroup or to many. A kernel has a program, and tables that serve it, the best one first. */
const given = (program: string, tablesOf: (work: Work) => Table[]): Partial<Record<VariantName, Fit>> => ({
  workgroup(work, { limits, subgroup }) {
    const { words, slotWords, laneBytes, cells, constants } = tablesOf(work)[0]!;
    const width = groupWidth(cells, subgroup, limits);
    const most = Math.floor((limits.maxComputeWorkgroupStorageSize - GROUP_BYTES - laneBytes * width) / 4);
    if (words + slotWords > most) return undefined;
    return {
      name: "workgroup",
      source: program + sumsWorkgroup + instancesGroup,
      constants: { WIDTH: width, WORDS: Math.min(roomy(words + slotWords), most), ...constants },
      groups: Math.min(work.params.instances!, limits.maxComputeWorkgroupsPerDimension),
      rows: 1,
      slabBytes: 0,
      phases: once,
    };
  },
  storage(work, { limits, subgroup }) {
    const { words, slotWords, cells, constants } = tablesOf(work)[0]!;
    const most = Math.floor(
      Math.min(SLAB_BYTES, limits.maxStorageBufferBindingSize, limits.maxBufferSize) / 4,
    );
    if (words + slotWords > most) return undefined;
    const slab = Math.min(roomy(words + slotWords), most);
    const groups = Math.min(work.params.instances!, Math.floor(most / slab), SLAB_GROUPS);
    return {
      name: "storage",
      source: program + sumsStorage + instancesGroup,
      constants: { WIDTH: groupWidth(cells, subgroup, limits), WORDS: slab, ...constants },
      groups,
      rows: 1,
      slabBytes: 4 * slab * groups,
      phases: once,
    };
  },
  tiles(work, { limits, subgroup }) {
    const most = Math.floor(Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize) / 4);
    const { instances } = work.params as Record<"instances", number>;
    for (const { words, slotWords, cells, parts, constants } of tablesOf(work)) {
      const width = groupWidth(cells, subgroup, limits);
      const groups = Math.min(Math.ceil(cells / width), TILES);
      const needed = words + slotWords * groups * parts;
      if (needed > most) continue;
      const slab = Math.min(roomy(needed), most);
      const rows = Math.min(
        instances,
        Math.max(Math.floor(SLAB_BYTES / (4 * slab)), 1),
        limits.maxComputeWorkgroupsPerDimension,
      );
      return {
        name: "tiles",
        source: program + sumsStorage + instancesTiles,
        constants: { WIDTH: width, WORDS: slab, ...constants },
        groups,
        rows,
        slabBytes: 4 * slab * rows,
        phases: () => phasesOf(work, rows, parts),
      };
    }
    return undefined;
  },
});

/** What one given instance needs of a GPU. */
interface Table {
  readonly words: number;
  /** Words for each workgroup that scans the table. */
  readonly slotWords: number;
  /** Bytes of workgroup memory for each invocation. */
  readonly laneBytes: number;
  /** What invocations share out in a step, or in one of the `parts` of a scan. */
  readonly cells: number;
  readonly parts: number;
  readonly constants: Record<string, number>;
}

/** A table of two rows that are shared out by `cells`. */
const rowsOf = (words: number, cells: number): Table => ({
  words: HEADER_WORDS + words,
  slotWords: 0,
  laneBytes: 0,
  cells,
  parts: 1,
  constants: {},
});

function witnessTables({ params }: Work): Table[] {
  const { sums, masks } = params as Record<InstanceParam, number>;
  const words = Math.ceil(sums / 32);
  return [rowsOf((masks ? 18 : 2) * words, words)];
}

function countTables({ params }: Work): Table[] {
  const { sums } = params as Record<InstanceParam, number>;
  return [rowsOf(4 * sums, sums)];
}

function smallestTables({ params }: Work): Table[] {
  const { sums, longest, masks } = params as Record<InstanceParam, number>;
  const words = Math.ceil(sums / 32);
  return [rowsOf(2 * sums + masks * longest * words, words)];
}

/** Shorter lists are met by more sums. */
function halvesTables({ params, inputs }: Work): Table[] {
  const { longest } = params as { longest: number };
  const tables: Table[] = [];
  for (let lower = longest >> 1; lower >= 0 && longest - lower <= MAX_UPPER; lower--) {
    const uppers = 2 ** (longest - lower);
    tables.push({
      words: HEADER_WORDS + 3 * 2 ** lower + Math.floor((3 * 2 ** lower) / 2),
      slotWords: 3 * mostTargets(params, inputs),
      laneBytes: 16,
      cells: Math.min(uppers, PART_SUMS),
      parts: Math.ceil(uppers / PART_SUMS),
      constants: { LOWER: lower },
    });
  }
  return tables;
}

/** The most targets of an instance. */
function mostTargets({ instances }: Work["params"], { starts }: Work["inputs"]): number {
  let most = 0;
  for (let k = 0; k < instances!; k++) most = Math.max(most, starts![2 * k + 3]! - starts![2 * k + 1]!);
  return most;
}

/** The dispatches of `instances.tiles.wgsl`, for so many instances at a time. */
function* phasesOf({ params, inputs }: Work, rows: number, parts: number): Generator<readonly number[]> {
  const [BEGIN, STEP, SCAN, FINISH] = [0, 1, 2, 3];
  const { instances, longest } = params as Record<"instances" | "longest", number>;
  const targets = mostTargets(params, inputs);
  for (let first = 0; first < instances; first += rows) {
    yield [first, BEGIN, 0, 0, 1];
    for (let i = 0; i < longest; i++) yield [first, STEP, i, 0, 1];
    for (let t = 0; t < targets; t++)
      for (let part = 0; part < parts; part++) yield [first, SCAN, t, part, parts];
    for (let part = 0; part < parts; part++) yield [first, FINISH, 0, part, parts];
  }
}

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

/** At least so many, of few numbers there are: what is compiled for one table then serves others. */
function roomy(words: number): number {
  const step = 2 ** Math.max(Math.floor(Math.log2(words)) - 2, 0);
  return Math.ceil(words / step) * step;
}

const shapes: Record<KernelName, Partial<Record<VariantName, Fit>>> = {
  reach: trials,
  witness: given(instances + witness, witnessTables),
  count: given(wide + instances + count, countTables),
  smallest: given(instances + smallest, smallestTables),
  halves: given(wide + halves, halvesTables),
};

/** The variants of a kernel. */
export const variantsOf = (kernel: KernelName): VariantName[] =>
  variantNames.filter((name) => shapes[kernel][name]);

/** The variant of that name where the kernel has it, otherwise the first that fits. */
export function shapeOf(work: Work, room: Room, name?: VariantName): Shape | undefined {
  const fits = shapes[work.kernel];
  const candidates = name && fits[name] ? [name] : isTiled(work) ? (["tiles"] as const) : variantNames;
  for (const candidate of candidates) {
    const shape = fits[candidate]?.(work, room);
    if (shape) return shape;
  }
  return undefined;
}

/** Whether one instance is work enough for all of a device. */
const isTiled = ({ kernel, params }: Work): boolean =>
  params.tiles === 1 || (kernel === "halves" && params.longest! > MAX_GROUP_ITEMS);
