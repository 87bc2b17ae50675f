// Variants that the kernels on given instances share: one instance per invocation (`thread`), per workgroup (`workgroup`,
// `storage`), or spread over many workgroups (`tiles`).

import type { WorkOf } from "../../../src/plan.ts";
import {
  BARRIER_OPERATIONS,
  millisecondsOf,
  operationsOf,
  partsWithin,
  type CellCost,
  type Cost,
} from "../cost.ts";
import {
  inScratchMemory,
  inWorkgroupMemory,
  maxDispatchMs,
  maxScratchBytes,
  maxStorageWords,
  oneDispatch,
  sizeClass,
  workgroupSize,
  type DeviceProfile,
  type Launch,
  type VariantName,
} from "../launch.ts";

type InstanceKernel = "witness" | "count" | "smallest" | "knapsack" | "meet";
type InstanceWork = WorkOf<InstanceKernel>;

/** The most workgroups that share one table: they fill a device, and each leaves a partial result for the last pass. */
const MAX_TILES = 2 ** 10;
/** The most partial results of a target, which one invocation goes through. */
const MAX_PARTIAL_RESULTS = 2 ** 13;
/** Workgroups of `thread`: they fill a device, and each clears its memory for many instances. */
const THREAD_WORKGROUPS = 2 ** 11;
/** The fewest instances that keep a device busy with one per invocation, and the largest tables that leave enough of them. */
const MIN_THREAD_INSTANCES = 2 ** 10;
const MAX_THREAD_WORDS = 2 ** 8;
/** Words in front of a table (`instances/table.wesl`; fewer in `meet/lists.wesl`). */
export const HEADER_WORDS = 8;

/** Operations of one invocation that reads the items and the targets of an instance, for each of them. */
const BEGIN_OPERATIONS = 12;
/** The comparison of a partial result with the best so far. Results follow one another in memory. */
const COMPARISON: CellCost = { operations: 24, accesses: 1 };

/** The cells that invocations share out in a phase, and what each costs. */
interface Phase extends CellCost {
  readonly cells: number;
}

/** What one given instance needs of a GPU. */
export interface Table {
  readonly words: number;
  /** Words of the partial result that each workgroup leaves for each target. */
  readonly resultWords: number;
  /** Bytes of workgroup memory for each invocation. */
  readonly invocationBytes: number;
  readonly constants: Record<string, number>;
  /** The longest step. */
  readonly step: Phase;
  /** How many of the longest step all steps together amount to. */
  readonly steps: number;
  /** What happens once to each cell of a step, though perhaps to all of them in the same step. */
  readonly once: CellCost;
  /** The scan for one target. */
  readonly scan: Phase;
  /** The answer to one target, without the comparisons of partial results. */
  readonly finish: CellCost;
}

/** The cost of a phase that has nothing to do. */
export const NOTHING: CellCost = { operations: 0, accesses: 0 };

/** A table of `words` words in two rows. Each of `longest` steps goes through the cells of a row. */
export const rowTable = (
  words: number,
  longest: number,
  costs: Pick<Table, "step" | "scan" | "finish"> & Partial<Pick<Table, "once">>,
): Table => ({
  words: HEADER_WORDS + words,
  resultWords: 0,
  invocationBytes: 0,
  constants: {},
  steps: longest,
  once: NOTHING,
  ...costs,
});

/** The tables that serve work, the best one first; at least one. */
type TablesOf<W extends InstanceWork> = (work: W) => readonly [Table, ...Table[]];

/** A variant of the kernels whose work is `W`. */
interface InstanceVariant<W extends InstanceWork> {
  readonly name: VariantName;
  readonly lastResort?: true;
  launches(work: W, device: DeviceProfile): readonly Launch[];
}

/** What one instance costs that `workers` invocations share, who wait for each other after each phase. */
function instanceChain(
  { params }: InstanceWork,
  { step, steps, once, scan, finish }: Table,
  targets: number,
  workers: number,
  inStorage: boolean,
): number {
  const { longest } = params;
  const share = (phase: Phase, cost: CellCost) =>
    Math.ceil(phase.cells / workers) * operationsOf(cost, inStorage);
  const barriers = workers > 1 ? BARRIER_OPERATIONS * (longest + targets + 2) : 0;
  return (
    BEGIN_OPERATIONS * (longest + targets) +
    steps * share(step, step) +
    share(step, once) +
    targets * share(scan, scan) +
    Math.ceil(targets / workers) * (operationsOf(finish, inStorage) + operationsOf(COMPARISON, inStorage)) +
    barriers
  );
}

/** The cost of a dispatch in which `teams` teams of `workers` invocations take one instance after the other. */
function instancesCost(
  work: InstanceWork,
  table: Table,
  { teams, workers, inStorage }: { teams: number; workers: number; inStorage: boolean },
): Cost {
  const { instances, targets } = work.params;
  const chainOf = (count: number) => instanceChain(work, table, count, workers, inStorage);
  return {
    operations: instances * workers * chainOf(Math.ceil(targets / Math.max(instances, 1))),
    chain: Math.ceil(instances / Math.max(teams, 1)) * chainOf(maxTargets(work)),
  };
}

/** One instance per workgroup, or one spread over many, given the program of each variant. */
export function sharedVariants<W extends InstanceWork>(
  programs: Readonly<Record<"workgroup" | "storage" | "tiles", string>>,
  tablesOf: TablesOf<W>,
): InstanceVariant<W>[] {
  return [
    {
      name: "workgroup",
      launches(work, device): Launch[] {
        const [table] = tablesOf(work);
        const size = workgroupSize(table.scan.cells, device);
        const placement = inWorkgroupMemory(
          table.words + table.resultWords * maxTargets(work),
          work.params.instances,
          device,
          (table.invocationBytes * size) / 4,
        );
        if (!placement) return [];
        const { words: WORDS, ...rest } = placement;
        const sharing = { teams: rest.workgroups, workers: size, inStorage: false };
        return [
          {
            ...rest,
            source: programs.workgroup,
            constants: { WIDTH: size, WORDS, ...table.constants },
            ...oneDispatch(instancesCost(work, table, sharing)),
          },
        ];
      },
    },
    {
      name: "storage",
      lastResort: true,
      launches(work, device): Launch[] {
        const [table] = tablesOf(work);
        const size = workgroupSize(table.scan.cells, device);
        const words = table.words + table.resultWords * maxTargets(work);
        const placement = inScratchMemory(words, work.params.instances, device);
        if (!placement) return [];
        const { words: WORDS, ...rest } = placement;
        const sharing = { teams: rest.workgroups, workers: size, inStorage: true };
        return [
          {
            ...rest,
            source: programs.storage,
            constants: { WIDTH: size, WORDS, ...table.constants },
            ...oneDispatch(instancesCost(work, table, sharing)),
          },
        ];
      },
    },
    {
      name: "tiles",
      lastResort: true,
      launches(work, device): Launch[] {
        const most = maxStorageWords(device);
        const instancesWithin = (words: number) =>
          Math.min(
            work.params.instances,
            Math.max(Math.floor(maxScratchBytes(device) / (4 * words)), 1),
            device.limits.maxComputeWorkgroupsPerDimension,
          );
        for (const table of tablesOf(work)) {
          const { size, workgroups, stepParts, scanParts, milliseconds } = tilingOf(
            work,
            table,
            device,
            instancesWithin(table.words),
          );
          const needed = table.words + table.resultWords * maxTargets(work) * workgroups * scanParts;
          if (needed > most) continue;
          const tableWords = Math.min(sizeClass(needed), most);
          const instancesAtOnce = instancesWithin(tableWords);
          return [
            {
              variant: "tiles",
              source: programs.tiles,
              constants: { WIDTH: size, WORDS: tableWords, ...table.constants },
              workgroups,
              workgroupRows: instancesAtOnce,
              scratchBytes: 4 * tableWords * instancesAtOnce,
              milliseconds,
              dispatches: () => tileSteps(work, instancesAtOnce, stepParts, scanParts),
            },
          ];
        }
        return [];
      },
    },
  ];
}

/** The operations of a cell of a table in storage. */
const stored = (cost: CellCost) => operationsOf(cost, true);

/** A cost that is not exceeded by either of two. */
const longer = (a: Cost, b: Cost): Cost => ({
  operations: Math.max(a.operations, b.operations),
  chain: Math.max(a.chain, b.chain),
});

/** How the phases of `instances` instances at a time are spread over workgroups and cut into parts that are short enough. */
function tilingOf(work: InstanceWork, table: Table, device: DeviceProfile, instances: number) {
  const { step, once, scan, finish, resultWords } = table;
  const most = maxDispatchMs(device);
  const size = workgroupSize(scan.cells, device);
  const targets = maxTargets(work);
  const shared = (cells: number, operations: number, workers: number, parts: number): Cost => ({
    operations: instances * Math.ceil(cells / parts) * operations,
    chain: Math.ceil(cells / (workers * parts)) * operations,
  });
  const fill = (cells: number) => Math.min(Math.ceil(cells / size), MAX_TILES);
  const scanOf = (parts: number, workgroups = fill(scan.cells)) =>
    shared(scan.cells, stored(scan), workgroups * size, parts);
  const finishOf = (parts: number, workgroups: number) => {
    const slots = resultWords > 0 ? workgroups * parts : 0;
    return shared(targets, stored(finish) + slots * stored(COMPARISON), workgroups * size, parts);
  };
  // Every part of a scan leaves partial results, so that many parts have fewer workgroups.
  const workgroupsOf = (parts: number) =>
    resultWords > 0
      ? Math.min(fill(scan.cells), Math.max(Math.floor(MAX_PARTIAL_RESULTS / parts), 1))
      : fill(Math.max(scan.cells, step.cells));
  // A finish has as many parts as a scan.
  const scanCost = (parts: number) =>
    longer(scanOf(parts, workgroupsOf(parts)), finishOf(parts, workgroupsOf(parts)));
  const scanParts = partsWithin(most, scanCost);
  const workgroups = workgroupsOf(scanParts);
  const stepCost = (parts: number) =>
    shared(step.cells, stored(step) + stored(once), workgroups * size, parts);
  const stepParts = partsWithin(most, stepCost);
  const begin = BEGIN_OPERATIONS * (work.params.longest + targets);
  const costs = [{ operations: instances * begin, chain: begin }, stepCost(stepParts), scanCost(scanParts)];
  return {
    size,
    workgroups,
    stepParts,
    scanParts,
    milliseconds: Math.max(...costs.map(millisecondsOf)),
  };
}

/** One instance per invocation, for tables that are rows and nothing else. */
export function threadVariant<W extends InstanceWork>(
  source: string,
  tablesOf: TablesOf<W>,
): InstanceVariant<W> {
  return {
    name: "thread",
    launches(work, { limits, subgroupMaxSize }): Launch[] {
      const [table] = tablesOf(work);
      const { words } = table;
      // A larger workgroup gains nothing, since its invocations share nothing; a smaller one leaves lanes idle.
      const size = Math.min(
        subgroupMaxSize,
        limits.maxComputeInvocationsPerWorkgroup,
        limits.maxComputeWorkgroupSizeX,
      );
      const most = Math.floor(limits.maxComputeWorkgroupStorageSize / (4 * size));
      if (words > most) return [];
      const workgroups = Math.min(Math.ceil(work.params.instances / size), THREAD_WORKGROUPS);
      return [
        {
          variant: "thread",
          source,
          constants: { WIDTH: size, WORDS: Math.min(sizeClass(words), most) },
          workgroups,
          workgroupRows: 1,
          scratchBytes: 0,
          ...oneDispatch(
            instancesCost(work, table, { teams: workgroups * size, workers: 1, inStorage: false }),
          ),
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

/** The steps of `instances/tiles.wesl`. */
const BEGIN = 0;
const STEP = 1;
const SCAN = 2;
const FINISH = 3;

/**
 * The dispatches of `instances/tiles.wesl`, for `instancesAtOnce` instances at a time. Words of each: first instance, step,
 * item or target, part, number of parts.
 */
function* tileSteps(
  work: InstanceWork,
  instancesAtOnce: number,
  stepParts: number,
  scanParts: number,
): Generator<readonly number[]> {
  const { instances, longest } = work.params;
  const targets = maxTargets(work);
  for (let first = 0; first < instances; first += instancesAtOnce) {
    yield [first, BEGIN, 0, 0, 1];
    for (let i = 0; i < longest; i++)
      for (let part = 0; part < stepParts; part++) yield [first, STEP, i, part, stepParts];
    for (let t = 0; t < targets; t++)
      for (let part = 0; part < scanParts; part++) yield [first, SCAN, t, part, scanParts];
    for (let part = 0; part < scanParts; part++) yield [first, FINISH, 0, part, scanParts];
  }
}

const SHARED: readonly VariantName[] = ["workgroup", "storage", "tiles"];

/** The variants that suit tables of rows: `thread` for many small instances, `tiles` for instances that fill a device. */
export function suitableForRows<W extends WorkOf<"witness" | "count" | "smallest" | "knapsack">>(
  tablesOf: TablesOf<W>,
) {
  return (work: W): readonly VariantName[] => {
    if (work.params.tiles === 1) return ["tiles"];
    const isSmall =
      work.params.instances >= MIN_THREAD_INSTANCES && tablesOf(work)[0].words <= MAX_THREAD_WORDS;
    return isSmall ? ["thread", ...SHARED] : SHARED;
  };
}
