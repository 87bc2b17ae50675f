// The shapes of the kernels on given instances: one instance to an invocation or to a workgroup, or spread over many.

import type { InstanceParam } from "../../../src/kernels/instances.ts";
import type { Work } from "../../../src/plan.ts";
import countStorage from "../../../shaders/count/storage.wesl?wgsl";
import countThread from "../../../shaders/count/thread.wesl?wgsl";
import countTiles from "../../../shaders/count/tiles.wesl?wgsl";
import countWorkgroup from "../../../shaders/count/workgroup.wesl?wgsl";
import meetStorage from "../../../shaders/meet/storage.wesl?wgsl";
import meetTiles from "../../../shaders/meet/tiles.wesl?wgsl";
import meetWorkgroup from "../../../shaders/meet/workgroup.wesl?wgsl";
import smallestStorage from "../../../shaders/smallest/storage.wesl?wgsl";
import smallestThread from "../../../shaders/smallest/thread.wesl?wgsl";
import smallestTiles from "../../../shaders/smallest/tiles.wesl?wgsl";
import smallestWorkgroup from "../../../shaders/smallest/workgroup.wesl?wgsl";
import witnessStorage from "../../../shaders/witness/storage.wesl?wgsl";
import witnessThread from "../../../shaders/witness/thread.wesl?wgsl";
import witnessTiles from "../../../shaders/witness/tiles.wesl?wgsl";
import witnessWorkgroup from "../../../shaders/witness/workgroup.wesl?wgsl";
import {
  GROUP_BYTES,
  groupWidth,
  once,
  roomy,
  SLAB_BYTES,
  SLAB_GROUPS,
  type Fits,
  type VariantName,
} from "../launch.ts";

/** The most workgroups that one table is spread over: they fill a device, and each has left something for the last pass. */
const TILES = 2 ** 10;

/** Workgroups of invocations with a table each: they fill a device, and clear their memory for many instances at once. */
const THREAD_GROUPS = 2 ** 11;
/** The least instances that keep a device busy with one to an invocation, and the largest tables that leave it enough of them. */
const THREAD_INSTANCES = 2 ** 10;
const THREAD_WORDS = 2 ** 8;

/** What stands before a table (`instances/table.wesl`; less in `meet/lists.wesl`). */
const HEADER_WORDS = 8;
/** Sums of the second half of the items of `meet` that one dispatch looks at. */
const PART_SUMS = 2 ** 21;
/** The most items that are not in a list of `meet`: a word holds their mask. */
const MAX_UPPER = 31;
/** The most items of `meet` that one workgroup does in good time. */
const MAX_GROUP_ITEMS = 32;

/** The linked program of every variant of a kernel. */
type Programs = Partial<Record<VariantName, string>>;

/** One given instance to a workgroup or to many. A kernel has a program, and tables that serve it, the best one first. */
const given = (programs: Programs, tablesOf: (work: Work) => Table[]): Fits => ({
  workgroup(work, { limits, subgroup }) {
    const { words, slotWords, laneBytes, cells, constants } = tablesOf(work)[0]!;
    const width = groupWidth(cells, subgroup, limits);
    const most = Math.floor((limits.maxComputeWorkgroupStorageSize - GROUP_BYTES - laneBytes * width) / 4);
    if (words + slotWords > most) return undefined;
    return {
      name: "workgroup",
      source: programs.workgroup!,
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
      source: programs.storage!,
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
        source: programs.tiles!,
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

/** Also one given instance to an invocation, for tables that are no more than rows. */
const rows = (programs: Programs, tablesOf: (work: Work) => Table[]): Fits => ({
  thread(work, { limits, subgroup }) {
    const { words } = tablesOf(work)[0]!;
    // Wider workgroups would gain nothing, and narrower ones leave lanes idle.
    const width = Math.min(
      subgroup,
      limits.maxComputeInvocationsPerWorkgroup,
      limits.maxComputeWorkgroupSizeX,
    );
    const most = Math.floor(limits.maxComputeWorkgroupStorageSize / (4 * width));
    if (words > most) return undefined;
    return {
      name: "thread",
      source: programs.thread!,
      constants: { WIDTH: width, WORDS: Math.min(roomy(words), most) },
      groups: Math.min(Math.ceil(work.params.instances! / width), THREAD_GROUPS),
      rows: 1,
      slabBytes: 0,
      phases: once,
    };
  },
  ...given(programs, tablesOf),
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
function meetTables({ params, inputs }: Work): Table[] {
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

/** The dispatches of `instances/tiles.wesl`, for so many instances at a time. */
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

/** Kernels with tables of rows. */
const tables = { witness: witnessTables, count: countTables, smallest: smallestTables };

export const instanceFits = {
  witness: rows(
    { thread: witnessThread, workgroup: witnessWorkgroup, storage: witnessStorage, tiles: witnessTiles },
    tables.witness,
  ),
  count: rows(
    { thread: countThread, workgroup: countWorkgroup, storage: countStorage, tiles: countTiles },
    tables.count,
  ),
  smallest: rows(
    { thread: smallestThread, workgroup: smallestWorkgroup, storage: smallestStorage, tiles: smallestTiles },
    tables.smallest,
  ),
  meet: given({ workgroup: meetWorkgroup, storage: meetStorage, tiles: meetTiles }, meetTables),
};

/** The variants that suit an amount of work, the best one first. */
export function orderOf(work: Work): readonly VariantName[] {
  if (isTiled(work)) return ["tiles"];
  return isTiny(work) ? ["thread", ...SHARED] : SHARED;
}

/** Variants whose invocations share a table. */
const SHARED = ["workgroup", "storage", "tiles"] as const;

/** Whether one instance is work enough for all of a device. */
const isTiled = ({ kernel, params }: Work): boolean =>
  params.tiles === 1 || (kernel === "meet" && params.longest! > MAX_GROUP_ITEMS);

/** Whether one instance is so little work that a workgroup would be idle over it, and there are enough of them. */
function isTiny(work: Work): boolean {
  if (work.kernel === "meet" || work.params.instances! < THREAD_INSTANCES) return false;
  const tablesOf = tables[work.kernel as keyof typeof tables];
  return tablesOf(work)[0]!.words <= THREAD_WORDS;
}
