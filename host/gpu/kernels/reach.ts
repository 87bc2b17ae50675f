// reach on a GPU: one trial per invocation (`registers`, `thread`), per subgroup, or per workgroup (`workgroup`, `storage`).
//
// The variants of one trial per invocation and per subgroup are compiled for a capacity that nearly every trial fits. A trial
// that overflows it is deferred: the shader marks it in a bitmap in scratch memory, and the fallback pass, which gives a
// whole workgroup to a trial, processes the marked ones.

import { itemOf } from "../../../src/ensemble.ts";
import { reachCapacity, reachTally, type ReachParams } from "../../../src/kernels/reach.ts";
import type { WorkOf } from "../../../src/plan.ts";
import fallbackSource from "../../../shaders/reach/fallback.wesl?wgsl";
import registersSource from "../../../shaders/reach/registers.wesl?wgsl";
import storageSource from "../../../shaders/reach/storage.wesl?wgsl";
import subgroupSource from "../../../shaders/reach/subgroup.wesl?wgsl";
import threadSource from "../../../shaders/reach/thread.wesl?wgsl";
import workgroupSource from "../../../shaders/reach/workgroup.wesl?wgsl";
import {
  maxScratchBytes,
  maxStorageWords,
  maxWorkgroupWords,
  SCRATCH_WORKGROUPS,
  WORKGROUP_OVERHEAD_BYTES,
  workgroupSize,
  type DeviceProfile,
  type GpuKernel,
  type ShaderProgram,
} from "../launch.ts";
import {
  inDispatches,
  MAX_DISPATCH_TRIALS,
  type TrialLaunch as Launch,
  type TrialVariant as Variant,
} from "./reachCost.ts";
import { sampleTrial } from "./sample.ts";

type ReachWork = WorkOf<"reach">;

/** Workgroups that keep any device busy. */
const BUSY_WORKGROUPS = 2 ** 12;
/** The most words of workgroup memory for copies of the tally, one per invocation. */
const MAX_PRIVATE_TALLY_WORDS = 2 ** 10;
/** Bits of a block of registers, and the most blocks of a trial: 16 registers. Items must be smaller than two blocks. */
const REGISTER_BLOCK_BITS = 128;
const MAX_REGISTER_BLOCKS = 4;
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

/** One trial to a workgroup, with its bits in workgroup memory; undefined where they do not fit. */
function workgroupProgram(work: ReachWork, device: DeviceProfile, source: string): ShaderProgram | undefined {
  const words = Math.ceil(reachCapacity(work.params) / 32);
  if (words > maxWorkgroupWords(device)) return undefined;
  return {
    source,
    constants: { WIDTH: workgroupSize(words, device), WORDS: words, ...lawConstants(work.params) },
    workgroups: Math.min(work.params.count, device.limits.maxComputeWorkgroupsPerDimension),
    workgroupRows: 1,
  };
}

/** The fallback pass for trials that overflow a capacity; undefined where a trial does not fit into a workgroup either. */
function fallbackOf(work: ReachWork, device: DeviceProfile): ShaderProgram | undefined {
  const program = workgroupProgram(work, device, fallbackSource);
  return program && { ...program, workgroups: Math.min(program.workgroups, BUSY_WORKGROUPS) };
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
  const items = Math.max(8 * Math.ceil(params.itemsTo / 8), 8);
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
          },
          workgroups: Math.min(
            Math.ceil((trials * subgroupMaxSize) / size),
            Math.max(Math.ceil(trials / trialsPerInvocation(device)), 1),
            BUSY_WORKGROUPS,
          ),
          workgroupRows: 1,
          scratchBytes: overflowBytes(isComplete, trials),
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
    const program = workgroupProgram(work, device, workgroupSource);
    if (!program) return [];
    return [
      {
        variant: "workgroup",
        ...program,
        scratchBytes: 0,
      },
    ];
  },
};

/** One trial per workgroup, its bits in scratch memory. */
const storage: Variant<"reach"> = {
  name: "storage",
  lastResort: true,
  launches(work, device) {
    const { params } = work;
    const words = Math.ceil(reachCapacity(params) / 32);
    const most = Math.min(
      Math.floor(maxStorageWords(device, maxScratchBytes(device)) / words),
      SCRATCH_WORKGROUPS,
    );
    if (most === 0) return [];
    const workgroups = Math.min(params.count, most);
    return [
      {
        variant: "storage",
        source: storageSource,
        constants: { WIDTH: workgroupSize(words, device), WORDS: words, ...lawConstants(params) },
        workgroups,
        workgroupRows: 1,
        scratchBytes: 4 * words * Math.max(workgroups, 1),
      },
    ];
  },
};

export const reach: GpuKernel<"reach"> = {
  unitParam: "count",
  tuningParams: ["halfRange", "extent", "itemsTo", "targets"],
  variants: [registers, thread, subgroup, workgroup, storage].map(inDispatches),
  sample: sampleTrial,
};
