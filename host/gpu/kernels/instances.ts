// Variants that the kernels on given instances share: one instance per invocation (`thread`), per workgroup (`workgroup`,
// `storage`), or spread over many workgroups (`tiles`).

import type { WorkOf } from "../../../src/plan.ts";
import instancesGroup from "../../../shaders/instances.group.wgsl?raw";
import instancesThread from "../../../shaders/instances.thread.wgsl?raw";
import instancesTiles from "../../../shaders/instances.tiles.wgsl?raw";
import sumsStorage from "../../../shaders/lib/sums.storage.wgsl?raw";
import sumsThread from "../../../shaders/lib/sums.thread.wgsl?raw";
import sumsWorkgroup from "../../../shaders/lib/sums.workgroup.wgsl?raw";
import {
  inScratchMemory,
  inWorkgroupMemory,
  maxStorageWords,
  oneDispatch,
  SCRATCH_BYTES,
  sizeClass,
  workgroupSize,
  type DeviceProfile,
  type Launch,
  type VariantName,
} from "../launch.ts";

type InstanceKernel = "witness" | "count" | "smallest" | "meet";
type InstanceWork = WorkOf<InstanceKernel>;

/** The most workgroups that share one table: they fill a device, and each leaves a partial result for the last pass. */
const MAX_TILES = 2 ** 10;
/** Workgroups of `thread`: they fill a device, and each clears its memory for many instances. */
const THREAD_WORKGROUPS = 2 ** 11;
/** The fewest instances that keep a device busy with one per invocation, and the largest tables that leave enough of them. */
const MIN_THREAD_INSTANCES = 2 ** 10;
const MAX_THREAD_WORDS = 2 ** 8;
/** Words in front of a table (`instances.wgsl`; fewer in `meet.wgsl`). */
export const HEADER_WORDS = 8;

/** What one given instance needs of a GPU. */
export interface Table {
  readonly words: number;
  /** Words beside the table for each workgroup that scans it. */
  readonly scanWords: number;
  /** Bytes of workgroup memory for each invocation. */
  readonly invocationBytes: number;
  /** The cells that invocations share out in a step, or in one of the `parts` of a scan. */
  readonly cells: number;
  readonly parts: number;
  readonly constants: Record<string, number>;
}

/** A table of `words` words in two rows, which invocations share out by `cells`. */
export const rowTable = (words: number, cells: number): Table => ({
  words: HEADER_WORDS + words,
  scanWords: 0,
  invocationBytes: 0,
  cells,
  parts: 1,
  constants: {},
});

/** The tables that serve work, the best one first; at least one. */
type TablesOf<W extends InstanceWork> = (work: W) => readonly [Table, ...Table[]];

/** A variant of the kernels whose work is `W`. */
interface InstanceVariant<W extends InstanceWork> {
  readonly name: VariantName;
  readonly lastResort?: true;
  launches(work: W, device: DeviceProfile): readonly Launch[];
}

/** One instance per workgroup, or one spread over many. `program` is the kernel's source without the variant. */
export function sharedVariants<W extends InstanceWork>(
  program: string,
  tablesOf: TablesOf<W>,
): InstanceVariant<W>[] {
  return [
    {
      name: "workgroup",
      launches(work, device): Launch[] {
        const [{ words, scanWords, invocationBytes, cells, constants }] = tablesOf(work);
        const size = workgroupSize(cells, device);
        const placement = inWorkgroupMemory(
          words + scanWords,
          work.params.instances,
          device,
          (invocationBytes * size) / 4,
        );
        if (!placement) return [];
        const { words: WORDS, ...rest } = placement;
        return [
          {
            ...rest,
            source: program + sumsWorkgroup + instancesGroup,
            constants: { WIDTH: size, WORDS, ...constants },
            dispatches: oneDispatch,
          },
        ];
      },
    },
    {
      name: "storage",
      lastResort: true,
      launches(work, device): Launch[] {
        const [{ words, scanWords, cells, constants }] = tablesOf(work);
        const placement = inScratchMemory(words + scanWords, work.params.instances, device);
        if (!placement) return [];
        const { words: WORDS, ...rest } = placement;
        return [
          {
            ...rest,
            source: program + sumsStorage + instancesGroup,
            constants: { WIDTH: workgroupSize(cells, device), WORDS, ...constants },
            dispatches: oneDispatch,
          },
        ];
      },
    },
    {
      name: "tiles",
      lastResort: true,
      launches(work, device): Launch[] {
        const most = maxStorageWords(device);
        const { instances } = work.params;
        for (const { words, scanWords, cells, parts, constants } of tablesOf(work)) {
          const size = workgroupSize(cells, device);
          const workgroups = Math.min(Math.ceil(cells / size), MAX_TILES);
          const needed = words + scanWords * workgroups * parts;
          if (needed > most) continue;
          const tableWords = Math.min(sizeClass(needed), most);
          const instancesAtOnce = Math.min(
            instances,
            Math.max(Math.floor(SCRATCH_BYTES / (4 * tableWords)), 1),
            device.limits.maxComputeWorkgroupsPerDimension,
          );
          return [
            {
              variant: "tiles",
              source: program + sumsStorage + instancesTiles,
              constants: { WIDTH: size, WORDS: tableWords, ...constants },
              workgroups,
              workgroupRows: instancesAtOnce,
              scratchBytes: 4 * tableWords * instancesAtOnce,
              dispatches: () => tileSteps(work, instancesAtOnce, parts),
            },
          ];
        }
        return [];
      },
    },
  ];
}

/** One instance per invocation, for tables that are rows and nothing else. */
export function threadVariant<W extends InstanceWork>(
  program: string,
  tablesOf: TablesOf<W>,
): InstanceVariant<W> {
  return {
    name: "thread",
    launches(work, { limits, subgroupMaxSize }): Launch[] {
      const [{ words }] = tablesOf(work);
      // A larger workgroup gains nothing, since its invocations share nothing; a smaller one leaves lanes idle.
      const size = Math.min(
        subgroupMaxSize,
        limits.maxComputeInvocationsPerWorkgroup,
        limits.maxComputeWorkgroupSizeX,
      );
      const most = Math.floor(limits.maxComputeWorkgroupStorageSize / (4 * size));
      if (words > most) return [];
      return [
        {
          variant: "thread",
          source: program + sumsThread + instancesThread,
          constants: { WIDTH: size, WORDS: Math.min(sizeClass(words), most) },
          workgroups: Math.min(Math.ceil(work.params.instances / size), THREAD_WORKGROUPS),
          workgroupRows: 1,
          scratchBytes: 0,
          dispatches: oneDispatch,
        },
      ];
    },
  };
}

/** The most targets of one instance. */
export function maxTargets({ params, inputs }: InstanceWork): number {
  let most = 0;
  for (let k = 0; k < params.instances; k++)
    most = Math.max(most, inputs.starts[2 * k + 3]! - inputs.starts[2 * k + 1]!);
  return most;
}

/** The steps of `instances.tiles.wgsl`. */
const [BEGIN, STEP, SCAN, FINISH] = [0, 1, 2, 3];

/**
 * The dispatches of `instances.tiles.wgsl`, for `instancesAtOnce` instances at a time. Words of each: first instance, step,
 * item or target, part, number of parts.
 */
function* tileSteps(
  work: InstanceWork,
  instancesAtOnce: number,
  parts: number,
): Generator<readonly number[]> {
  const { instances, longest } = work.params;
  const targets = maxTargets(work);
  for (let first = 0; first < instances; first += instancesAtOnce) {
    yield [first, BEGIN, 0, 0, 1];
    for (let i = 0; i < longest; i++) yield [first, STEP, i, 0, 1];
    for (let t = 0; t < targets; t++)
      for (let part = 0; part < parts; part++) yield [first, SCAN, t, part, parts];
    for (let part = 0; part < parts; part++) yield [first, FINISH, 0, part, parts];
  }
}

const SHARED: readonly VariantName[] = ["workgroup", "storage", "tiles"];

/** The variants that suit tables of rows: `thread` for many small instances, `tiles` for instances that fill a device. */
export function suitableForRows<W extends WorkOf<"witness" | "count" | "smallest">>(tablesOf: TablesOf<W>) {
  return (work: W): readonly VariantName[] => {
    if (work.params.tiles === 1) return ["tiles"];
    const isSmall =
      work.params.instances >= MIN_THREAD_INSTANCES && tablesOf(work)[0].words <= MAX_THREAD_WORDS;
    return isSmall ? ["thread", ...SHARED] : SHARED;
  };
}
