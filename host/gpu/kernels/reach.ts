// reach on a GPU: one trial per invocation (`registers`, `thread`), per subgroup (`subgroup`), or per workgroup (`wave`,
// `workgroup`, `storage`).
//
// All variants but `workgroup` and `storage` are compiled for a capacity that nearly every trial fits. A trial that overflows it
// is deferred: the shader marks it in a bitmap in scratch memory, and the fallback pass, which gives a whole workgroup to a
// trial, processes the marked ones.

import { itemOf } from "../../../src/ensemble.ts";
import { reachCapacity, reachPrefix, reachTally, type ReachParams } from "../../../src/kernels/reach.ts";
import type { WorkOf } from "../../../src/plan.ts";
import fallbackSource from "../../../shaders/reach/fallback.wesl?wgsl";
import registersSource from "../../../shaders/reach/registers.wesl?wgsl";
import storageSource from "../../../shaders/reach/storage.wesl?wgsl";
import subgroupSource from "../../../shaders/reach/subgroup.wesl?wgsl";
import threadSource from "../../../shaders/reach/thread.wesl?wgsl";
import waveSource from "../../../shaders/reach/wave.wesl?wgsl";
import workgroupSource from "../../../shaders/reach/workgroup.wesl?wgsl";
import {
  maxStorageWords,
  maxWorkgroupWords,
  SCRATCH_BYTES,
  SCRATCH_WORKGROUPS,
  WORKGROUP_OVERHEAD_BYTES,
  workgroupSize,
  type DeviceProfile,
  type GpuKernel,
  type Launch,
  type ShaderProgram,
  type Variant,
} from "../launch.ts";
import { sampleTrial } from "./sample.ts";

type ReachWork = WorkOf<"reach">;

/** The most trials of one dispatch; their overflow bitmap takes 2 MiB. */
const MAX_DISPATCH_TRIALS = 2 ** 24;
/** Workgroups that keep any device busy. */
const BUSY_WORKGROUPS = 2 ** 12;
/** The most words of workgroup memory for copies of the tally, one per invocation. */
const MAX_PRIVATE_TALLY_WORDS = 2 ** 10;
/** Bits of a block of registers, and the most blocks of a trial: 16 registers. Items must be smaller than two blocks. */
const REGISTER_BLOCK_BITS = 128;
const MAX_REGISTER_BLOCKS = 4;
/** Words of a tile for each invocation of a workgroup. */
const TILE_DEPTH = 4;
/** The width of `wave`: that of the smallest subgroup of the device, but 32 where subgroups may be smaller and larger. */
const waveWidth = ({ subgroupMinSize, subgroupMaxSize }: DeviceProfile) =>
  Math.min(Math.max(subgroupMinSize, 32), subgroupMaxSize, MAX_WAVE_WIDTH);
/** Trials for each workgroup, where there are enough trials to fill the device. */
const TRIALS_PER_WORKGROUP = 32;
/** The most invocations of `wave`, and of `workgroup`. With more, most words of a tile are outside the live window. */
const MAX_WAVE_WIDTH = 64;
const MAX_MEMORY_WIDTH = 128;
/** The most words of a bitset of `wave`. With more, a processor has room for too few subgroups. */
const MAX_WAVE_WORDS = 2 ** 12;
/** The most blocks of a trial that a subgroup shares. */
const MAX_SUBGROUP_BLOCKS = 16;
/** Words of `thread` beside a trial's bitset: zeros below that shifts read, words above that clearing overwrites. */
const BELOW_WORDS = 4;
const ABOVE_WORDS = 6;
/** Words of workgroup memory that are left free beside items and bitsets, at least one of them for a tally in storage. */
const FIXED_WORDS = 4;

/** Trials for each invocation or subgroup of a workgroup, where there are enough trials to fill the device. */
const trialsPerInvocation = ({ subgroupMaxSize }: DeviceProfile) => (subgroupMaxSize < 8 ? 256 : 32);
/** Invocations that keep a device busy: a guess from its subgroup size, not measured on hardware. */
const busyInvocations = ({ subgroupMaxSize }: DeviceProfile) => 32 * subgroupMaxSize ** 2;
/** Workgroup sizes of `registers` and `thread`, the most promising first. */
const workgroupSizes = ({ subgroupMaxSize }: DeviceProfile) =>
  subgroupMaxSize <= 4 ? [subgroupMaxSize] : [2 * subgroupMaxSize, subgroupMaxSize];

const maxInvocations = ({ limits }: DeviceProfile) =>
  Math.min(limits.maxComputeInvocationsPerWorkgroup, limits.maxComputeWorkgroupSizeX);

/** Constants by which the compiler drops the parts of drawing that the law does not need. */
function lawConstants({ range, bits, factor, listed, enumerate }: ReachParams): Record<string, number> {
  return {
    PLAIN: Number(factor === 1 && !listed),
    EXACT: Number(range === 2 ** bits),
    ENUMERATED: enumerate,
  };
}

/** The ranges of trials of one batch that each dispatch processes: first, end. */
function* trialRanges(count: number): Generator<readonly number[]> {
  for (let first = 0; first < count || first === 0; first += MAX_DISPATCH_TRIALS)
    yield [first, Math.min(first + MAX_DISPATCH_TRIALS, count)];
}

/**
 * Bits that suffice for every trial, and bits that suffice for nearly every trial. A bitset ends at most M above half the
 * sum of its items' magnitudes, and that sum exceeds its mean by 3 standard deviations in less than one trial in hundreds.
 */
function capacities({ params, inputs }: ReachWork): readonly [every: number, nearlyEvery: number] {
  const { itemsTo, range, extent, signed } = params;
  const every = reachCapacity(params);
  const samples = Math.min(range, 2 ** 10);
  let mean = 0;
  let meanSquare = 0;
  for (let k = 0; k < samples; k++) {
    const value = Math.floor(((k + 0.5) * range) / samples);
    const magnitude = Math.abs(itemOf(params, value, inputs.magnitudes));
    mean += magnitude / samples;
    meanSquare += magnitude ** 2 / samples;
  }
  const sum = itemsTo * mean + 3 * Math.sqrt(itemsTo * Math.max(meanSquare - mean ** 2, 0));
  return [every, Math.min(every, Math.ceil(sum / 2 + (signed ? extent / 2 : extent)) + 1)];
}

/** A capacity that a launch is compiled for. */
interface Capacity {
  /** In the units of the variant: words or blocks. */
  readonly units: number;
  /** No trial exceeds it, so that no fallback pass is needed. */
  readonly isComplete: boolean;
}

/** The capacities worth compiling for, in units of `unitBits` bits: one for every trial, and a smaller one with a fallback. */
function capacitiesIn(work: ReachWork, { capacityBits }: DeviceProfile, unitBits: number): Capacity[] {
  const [every, nearlyEvery] = capacities(work).map((bits) => Math.ceil(bits / unitBits)) as [number, number];
  const units =
    capacityBits === undefined ? [...new Set([every, nearlyEvery])] : [Math.ceil(capacityBits / unitBits)];
  return units.map((count) => ({ units: count, isComplete: count >= every }));
}

/** The number of items of a trial, rounded up so that few pipelines are compiled. */
const roomForItems = ({ itemsTo }: ReachParams) => Math.max(8 * Math.ceil(itemsTo / 8), 8);

/** The constants of a workgroup of `width` invocations with room for `bits` bits, and the words of its bitset and its zeros. */
function bitsetOf({ params }: ReachWork, width: number, bits: number) {
  const tile = TILE_DEPTH * width;
  const WORDS = tile * Math.ceil(bits / (32 * tile));
  // An item of a trial that fits the capacity is no larger than that: the highest target is M or higher.
  const BELOW = tile + Math.min(Math.floor(params.halfRange / 32), WORDS);
  const constants: Record<string, number> = {
    WIDTH: width,
    WORDS,
    BELOW,
    ITEMS: roomForItems(params),
    ONE_SIZE: Number(params.itemsFrom === params.itemsTo),
    ...lawConstants(params),
  };
  return { constants, words: BELOW + WORDS };
}

/** The number of items by which a workgroup or a subgroup decides a trial first, or 0. */
const prefixConstant = ({ params }: ReachWork) => ({ PREFIX: reachPrefix(params) });

/** Words of workgroup memory that are free beside the items, drawn and ordered, and the counters of a workgroup's trial. */
const freeGroupWords = ({ params }: ReachWork, device: DeviceProfile) =>
  maxWorkgroupWords(device) - 2 * roomForItems(params);

/** Room for the tally of a workgroup beside `words` words of workgroup memory: the words of the tally, or 1 where it has none. */
function groupTally(work: ReachWork, device: DeviceProfile, words: number) {
  const { length } = reachTally(work.params);
  return {
    TALLY: length <= Math.min(freeGroupWords(work, device) - words, MAX_PRIVATE_TALLY_WORDS) ? length : 1,
  };
}

/**
 * The width of a workgroup for a trial. A step updates the live window, about a quarter of the capacity that items need, and a
 * tile should be at most half of it: words of a tile outside the window are wasted.
 */
function groupWidth({ params }: ReachWork, device: DeviceProfile): number {
  const itemsTo = reachPrefix(params) || params.itemsTo;
  return workgroupSize(reachCapacity({ ...params, itemsTo }) / 32 / 8, device);
}

/** Workgroups of which each takes several trials, where there are enough trials to fill the device. */
const groupsOf = (trials: number, { limits }: DeviceProfile) =>
  Math.min(
    trials,
    Math.max(Math.ceil(trials / TRIALS_PER_WORKGROUP), 4 * BUSY_WORKGROUPS),
    limits.maxComputeWorkgroupsPerDimension,
  );

/** The fallback pass for trials that overflow a capacity; undefined where a trial does not fit into a workgroup either. */
function fallbackOf(work: ReachWork, device: DeviceProfile): ShaderProgram | undefined {
  const width = Math.min(groupWidth(work, device), MAX_MEMORY_WIDTH);
  const { constants, words } = bitsetOf(work, width, reachCapacity(work.params));
  if (words > freeGroupWords(work, device)) return undefined;
  return {
    source: fallbackSource,
    constants,
    workgroups: Math.min(work.params.count, device.limits.maxComputeWorkgroupsPerDimension, BUSY_WORKGROUPS),
    workgroupRows: 1,
  };
}

/** Bytes of the overflow bitmap of one dispatch; one word where no trial can overflow. */
const overflowBytes = (isComplete: boolean, trials: number) =>
  isComplete ? 4 : 4 * Math.max(Math.ceil(trials / 32), 1);

/** One trial to an invocation, in workgroups of `size`, each with `wordsPerInvocation` words of workgroup memory for its bits. */
function invocationLaunch(
  work: ReachWork,
  device: DeviceProfile,
  variant: {
    readonly name: "registers" | "thread";
    readonly source: string;
    readonly constants: Record<string, number>;
    readonly wordsPerInvocation: number;
  },
  size: number,
  { isComplete }: Capacity,
): Launch[] {
  const { limits } = device;
  const { params } = work;
  const { length: tallyWords } = reachTally(params);
  const items = roomForItems(params);
  const freeWords =
    Math.floor(limits.maxComputeWorkgroupStorageSize / 4) -
    (variant.wordsPerInvocation + items) * size -
    FIXED_WORDS;
  if (size > maxInvocations(device) || freeWords < 1) return [];
  const tallyCopies = tallyWords * size <= Math.min(freeWords, MAX_PRIVATE_TALLY_WORDS) ? size : 1;
  const fallback = isComplete ? undefined : fallbackOf(work, device);
  if (!isComplete && !fallback) return [];
  const trials = Math.min(params.count, MAX_DISPATCH_TRIALS);
  const invocations = Math.max(busyInvocations(device), Math.ceil(trials / trialsPerInvocation(device)));
  return [
    {
      variant: variant.name,
      source: variant.source,
      constants: {
        WIDTH: size,
        ZEROS: Number(params.gap === 0),
        ONE_SIZE: Number(params.itemsFrom === params.itemsTo),
        ITEMS: items,
        TALLY: tallyWords <= freeWords ? tallyWords : 1,
        COPIES: tallyCopies,
        ...variant.constants,
        ...lawConstants(params),
      },
      workgroups: Math.min(
        Math.ceil(Math.min(trials, invocations) / size),
        limits.maxComputeWorkgroupsPerDimension,
      ),
      workgroupRows: 1,
      scratchBytes: overflowBytes(isComplete, trials),
      dispatches: () => trialRanges(params.count),
      ...(fallback && { fallback }),
    },
  ];
}

/** One trial per invocation, its bits in registers. */
const registers: Variant<"reach"> = {
  name: "registers",
  launches(work, device) {
    const { halfRange } = work.params;
    if (halfRange >= 2 * REGISTER_BLOCK_BITS) return [];
    return workgroupSizes(device).flatMap((size) =>
      capacitiesIn(work, device, REGISTER_BLOCK_BITS).flatMap((capacity) => {
        if (capacity.units > MAX_REGISTER_BLOCKS) return [];
        const constants = { BLOCKS: capacity.units, STEPS: Number(halfRange >= REGISTER_BLOCK_BITS) };
        return invocationLaunch(
          work,
          device,
          { name: "registers", source: registersSource, constants, wordsPerInvocation: 0 },
          size,
          capacity,
        );
      }),
    );
  },
};

/** One trial per invocation, the bits of a workgroup's trials interleaved in workgroup memory. */
const thread: Variant<"reach"> = {
  name: "thread",
  launches: (work, device) =>
    workgroupSizes(device).flatMap((size) =>
      capacitiesIn(work, device, 32).flatMap((capacity) =>
        invocationLaunch(
          work,
          device,
          {
            name: "thread",
            source: threadSource,
            constants: { WORDS: capacity.units },
            wordsPerInvocation: BELOW_WORDS + capacity.units + ABOVE_WORDS,
          },
          size,
          capacity,
        ),
      ),
    ),
};

/** One trial per subgroup, its bits in the registers of the lanes. */
const subgroup: Variant<"reach"> = {
  name: "subgroup",
  launches(work, device) {
    const { limits, subgroupMaxSize, subgroupMinSize, features } = device;
    const { params } = work;
    // A block has a word for each lane of the smallest subgroup; larger subgroups have room to spare.
    const blockBits = 32 * subgroupMinSize;
    const size = Math.max(2 * subgroupMaxSize, 64);
    const { length: tallyWords } = reachTally(params);
    if (!features.has("subgroups") || params.halfRange >= 2 * blockBits || size > maxInvocations(device))
      return [];
    return capacitiesIn(work, device, blockBits).flatMap(({ units, isComplete }): Launch[] => {
      const fallback = isComplete ? undefined : fallbackOf(work, device);
      if (units > MAX_SUBGROUP_BLOCKS || (!isComplete && !fallback)) return [];
      const trials = Math.min(params.count, MAX_DISPATCH_TRIALS);
      return [
        {
          variant: "subgroup",
          source: subgroupSource,
          constants: {
            WIDTH: size,
            BLOCKS: units,
            STEPS: Number(params.halfRange >= blockBits),
            TALLY:
              4 * tallyWords <= limits.maxComputeWorkgroupStorageSize - WORKGROUP_OVERHEAD_BYTES
                ? tallyWords
                : 1,
            ...lawConstants(params),
            ...prefixConstant(work),
          },
          workgroups: Math.min(
            Math.ceil((trials * subgroupMaxSize) / size),
            Math.max(Math.ceil(trials / trialsPerInvocation(device)), 1),
            BUSY_WORKGROUPS,
          ),
          workgroupRows: 1,
          scratchBytes: overflowBytes(isComplete, trials),
          dispatches: () => trialRanges(params.count),
          ...(fallback && { fallback }),
        },
      ];
    });
  },
};

/** One trial per workgroup as wide as a subgroup, its bits in workgroup memory. */
const wave: Variant<"reach"> = {
  name: "wave",
  launches(work, device) {
    const width = waveWidth(device);
    const trials = Math.min(work.params.count, MAX_DISPATCH_TRIALS);
    return capacitiesIn(work, device, 32 * TILE_DEPTH * width).flatMap(({ units, isComplete }): Launch[] => {
      const { constants, words } = bitsetOf(work, width, 32 * TILE_DEPTH * width * units);
      const fallback = isComplete ? undefined : fallbackOf(work, device);
      if (words > Math.min(freeGroupWords(work, device), MAX_WAVE_WORDS) || (!isComplete && !fallback))
        return [];
      return [
        {
          variant: "wave",
          source: waveSource,
          constants: { ...constants, ...prefixConstant(work), ...groupTally(work, device, words) },
          workgroups: groupsOf(trials, device),
          workgroupRows: 1,
          scratchBytes: overflowBytes(isComplete, trials),
          dispatches: () => trialRanges(work.params.count),
          ...(fallback && { fallback }),
        },
      ];
    });
  },
};

/** One trial per workgroup, its bits in workgroup memory. */
const workgroup: Variant<"reach"> = {
  name: "workgroup",
  launches(work, device) {
    const { subgroupMaxSize } = device;
    const width = Math.min(groupWidth(work, device), Math.max(MAX_MEMORY_WIDTH, subgroupMaxSize));
    return (width > subgroupMaxSize ? [width, width / 2] : [width]).flatMap((size): Launch[] => {
      const { constants, words } = bitsetOf(work, size, reachCapacity(work.params));
      if (words > freeGroupWords(work, device)) return [];
      return [
        {
          variant: "workgroup",
          source: workgroupSource,
          constants: { ...constants, ...prefixConstant(work), ...groupTally(work, device, words) },
          workgroups: groupsOf(Math.min(work.params.count, MAX_DISPATCH_TRIALS), device),
          workgroupRows: 1,
          scratchBytes: 0,
          dispatches: () => trialRanges(work.params.count),
        },
      ];
    });
  },
};

/** One trial per workgroup, its bits in scratch memory. */
const storage: Variant<"reach"> = {
  name: "storage",
  lastResort: true,
  launches(work, device) {
    const { params } = work;
    const { constants, words } = bitsetOf(work, groupWidth(work, device), reachCapacity(params));
    const most = Math.min(Math.floor(maxStorageWords(device, SCRATCH_BYTES) / words), SCRATCH_WORKGROUPS);
    if (most === 0) return [];
    const workgroups = Math.min(params.count, most);
    return [
      {
        variant: "storage",
        source: storageSource,
        constants: { ...constants, ...prefixConstant(work), ...groupTally(work, device, 0) },
        workgroups,
        workgroupRows: 1,
        scratchBytes: 4 * words * Math.max(workgroups, 1),
        dispatches: () => trialRanges(params.count),
      },
    ];
  },
};

export const reach: GpuKernel<"reach"> = {
  unitParam: "count",
  tuningParams: ["halfRange", "extent", "itemsTo", "targets"],
  variants: [registers, thread, wave, subgroup, workgroup, storage],
  sample: sampleTrial,
};
