// reach on a GPU: one trial per invocation (`placed`, `registers`, `thread`), per subgroup (`subgroup`), or per workgroup
// (`wave`, `workgroup`, `storage`).
//
// All variants but `workgroup` and `storage` are compiled for a capacity that nearly every trial fits. A trial that overflows it
// is deferred: the shader marks it in a bitmap in scratch memory, and the fallback pass, which gives a whole workgroup to a
// trial, processes the marked ones.
//
// Where one large number of items is asked for, most trials reach everything with a prefix of their items. The variants of one
// trial per invocation enter the prefix alone in their first pass and defer the trials that are still open. The open pass enters
// a longer prefix for those, one trial per invocation again, and leaves to the fallback pass the few that are open then. The
// other variants go on with all items of an open trial at once, since all invocations work on the same trial.

import { itemOf } from "../../../src/ensemble.ts";
import { reachCapacity, reachPrefix, reachTally, type ReachParams } from "../../../src/kernels/reach.ts";
import type { WorkOf } from "../../../src/plan.ts";
import fallbackSource from "../../../shaders/reach/fallback.wesl?wgsl";
import placedSource from "../../../shaders/reach/placed.wesl?wgsl";
import registersSource from "../../../shaders/reach/registers.wesl?wgsl";
import storageSource from "../../../shaders/reach/storage.wesl?wgsl";
import subgroupSource from "../../../shaders/reach/subgroup.wesl?wgsl";
import threadSource from "../../../shaders/reach/thread.wesl?wgsl";
import waveSource from "../../../shaders/reach/wave.wesl?wgsl";
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
/** Words of a tile for each invocation of a workgroup. */
const TILE_DEPTH = 3;
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
/** The most words of a trial of `placed`, and the largest half range. */
const MAX_PLACED_WORDS = 24;
const MAX_PLACED_HALF_RANGE = 128;
/** The most blocks of a trial that a subgroup shares. */
const MAX_SUBGROUP_BLOCKS = 16;
/** Words of `thread` beside a trial's bitset: zeros below that shifts read, words above that clearing overwrites. */
const BELOW_WORDS = 4;
const ABOVE_WORDS = 3;
/** Words of workgroup memory that are left free beside items and bitsets, at least one of them for a tally in storage. */
const FIXED_WORDS = 4;

/**
 * Items of the first prefix beyond that of `reachPrefix`, and of the second beyond the first, of uniform items and of products.
 * The fallback pass is some twenty times slower a trial, so that the second prefix leaves it next to none.
 */
const FIRST_PREFIX_EXTRA = [0, 4];
const SECOND_PREFIX_EXTRA = [14, 20];
/** The items that a trial must have beyond its first prefix for the open pass to pay. */
const MIN_ITEMS_BEYOND_PREFIX = 4;

/** Trials for each invocation or subgroup of a workgroup, where there are enough trials to fill the device. */
const trialsPerInvocation = ({ subgroupMaxSize }: DeviceProfile) => (subgroupMaxSize < 8 ? 256 : 32);
/** Invocations that keep a device busy: a guess from its subgroup size, not measured on hardware. */
const busyInvocations = ({ subgroupMaxSize }: DeviceProfile) => 32 * subgroupMaxSize ** 2;
/** Workgroup sizes of the variants of one trial per invocation, the most promising first. */
const workgroupSizes = ({ subgroupMaxSize }: DeviceProfile) =>
  subgroupMaxSize <= 4 ? [subgroupMaxSize] : [2 * subgroupMaxSize, subgroupMaxSize];

/** The size of a workgroup, and whether words move up by products (shaders/lib/shift.wesl). */
type Shape = readonly [size: number, products: boolean];

/** Whether words probably move up faster by products than by shifts. */
const isFasterByProducts = ({ vendor, subgroupMaxSize }: DeviceProfile) =>
  vendor === "nvidia" || subgroupMaxSize <= 4;

/**
 * The shapes of workgroups, the most promising first. What moves words up is tried the other way for the first size alone: it
 * depends on the size little, and every launch takes time to measure.
 */
function shapesOf(device: DeviceProfile): Shape[] {
  const sizes = workgroupSizes(device);
  const products = isFasterByProducts(device);
  return [...sizes.map((size): Shape => [size, products]), [sizes[0]!, !products]];
}

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
 * Bits that suffice for every trial, and bits that suffice for all but one trial in thousands. A bitset ends at the zero bit plus
 * the extent, and the zero bit is half of (sum of magnitudes) - |sum of items|. Its mean and variance are those of a normal
 * sum of items. With signed sums a bitset ends at half the sum of magnitudes.
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
  const variance = Math.max(meanSquare - mean ** 2, 0);
  if (signed) {
    const sum = itemsTo * mean + 3 * Math.sqrt(itemsTo * variance);
    return [every, Math.min(every, Math.ceil((sum + extent) / 2) + 1)];
  }
  const twice = itemsTo * mean - Math.sqrt((2 / Math.PI) * itemsTo * meanSquare);
  const deviation = Math.sqrt(itemsTo * (variance + (1 - 2 / Math.PI) * meanSquare));
  return [every, Math.min(every, Math.ceil((twice + 2.75 * deviation) / 2 + extent) + 1)];
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

/**
 * The number of items by which a trial is decided first; 0 where trials may stay open for ever: a target is out of reach, or the
 * magnitudes are those of a list.
 */
function prefixOf({ params, inputs }: ReachWork): number {
  const isEndless = params.listed || inputs.targets.some((target) => Math.abs(target) > params.extent);
  return isEndless ? 0 : reachPrefix(params);
}

const prefixConstant = (work: ReachWork) => ({ PREFIX: prefixOf(work) });

/** What moves words of workgroup memory up. In storage, words wait for memory, whatever moves them. */
const productsConstant = (device: DeviceProfile) => ({ PRODUCTS: Number(isFasterByProducts(device)) });

/** Words of workgroup memory that are free beside the items, their steps of three words, and the counters of a trial. */
const freeGroupWords = ({ params }: ReachWork, device: DeviceProfile) =>
  maxWorkgroupWords(device) - 4 * roomForItems(params);

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
function groupWidth(work: ReachWork, device: DeviceProfile): number {
  const { params } = work;
  const itemsTo = prefixOf(work) || params.itemsTo;
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
  // It lists as many words of the overflow bitmap as it has invocations.
  if (words + width > freeGroupWords(work, device)) return undefined;
  const bitmapWords = Math.ceil(Math.min(work.params.count, MAX_DISPATCH_TRIALS) / 32);
  return {
    source: fallbackSource,
    constants: { ...constants, ...productsConstant(device) },
    workgroups: Math.min(BUSY_WORKGROUPS, Math.ceil(bitmapWords / width)),
    workgroupRows: 1,
  };
}

/** Bytes of the overflow bitmap of one dispatch; one word where no trial can overflow. */
const overflowBytes = (isComplete: boolean, trials: number) =>
  isComplete ? 4 : 4 * Math.max(Math.ceil(trials / 32), 1);

/** A variant of one trial per invocation, compiled for some capacity. */
interface InvocationVariant {
  readonly name: "placed" | "registers" | "thread";
  readonly source: string;
  readonly constants: Record<string, number>;
  /** Words of workgroup memory that the bits of a trial take. */
  readonly wordsPerInvocation: number;
}

/** One trial to an invocation; undefined where workgroup memory is too small. */
function invocationProgram(
  { params }: ReachWork,
  device: DeviceProfile,
  variant: InvocationVariant,
  [size, products]: Shape,
): ShaderProgram | undefined {
  const { limits } = device;
  const { length: tallyWords } = reachTally(params);
  const items = roomForItems(params);
  const freeWords =
    Math.floor(limits.maxComputeWorkgroupStorageSize / 4) -
    (variant.wordsPerInvocation + items) * size -
    FIXED_WORDS;
  if (size > maxInvocations(device) || freeWords < 1) return undefined;
  const trials = Math.min(params.count, MAX_DISPATCH_TRIALS);
  const invocations = Math.max(busyInvocations(device), Math.ceil(trials / trialsPerInvocation(device)));
  const oneSize = params.itemsFrom === params.itemsTo;
  return {
    source: variant.source,
    constants: {
      WIDTH: size,
      ZEROS: Number(params.gap === 0),
      ONE_SIZE: Number(oneSize),
      ITEMS: items,
      TALLY: tallyWords <= freeWords ? tallyWords : 1,
      COPIES: tallyWords * size <= Math.min(freeWords, MAX_PRIVATE_TALLY_WORDS) ? size : 1,
      PRODUCTS: Number(products),
      ...variant.constants,
      ...lawConstants(params),
    },
    workgroups: Math.min(
      Math.ceil(Math.min(trials, invocations) / size),
      limits.maxComputeWorkgroupsPerDimension,
    ),
    workgroupRows: 1,
  };
}

/**
 * The launches of a variant of one trial per invocation, in all shapes and capacities.
 * @param fit The variant with some capacity for some work, and whether no trial exceeds it; undefined where it does not serve.
 */
function invocationLaunches(
  work: ReachWork,
  device: DeviceProfile,
  unitBits: number,
  fit: (
    work: ReachWork,
    capacity: Capacity,
  ) => (InvocationVariant & Pick<Capacity, "isComplete">) | undefined,
): Launch[] {
  const prefixes = prefixesOf(work);
  const first = prefixes ? withItems(work, prefixes[0]) : work;
  const fitting = capacitiesIn(first, device, unitBits).flatMap((capacity) => fit(first, capacity) ?? []);
  const variants = prefixes ? fitting.slice(-1) : fitting;
  return shapesOf(device).flatMap((shape) =>
    variants.flatMap((variant): Launch[] => {
      const isComplete = variant.isComplete && !prefixes;
      const program = invocationProgram(first, device, variant, shape);
      const openPass = prefixes && openProgram(work, device, prefixes[1], shape);
      const fallback = isComplete ? undefined : fallbackOf(work, device);
      if (!program || (prefixes && !openPass) || (!isComplete && !fallback)) return [];
      const trials = Math.min(work.params.count, MAX_DISPATCH_TRIALS);
      return [
        {
          variant: variant.name,
          ...program,
          constants: { ...program.constants, PREFIX: prefixes?.[0] ?? 0 },
          scratchBytes: overflowBytes(isComplete, trials),
          ...(openPass && { openPass }),
          ...(fallback && { fallback }),
        },
      ];
    }),
  );
}

/** The same work for one number of items. */
const withItems = (work: ReachWork, items: number): ReachWork => ({
  ...work,
  params: { ...work.params, itemsFrom: items, itemsTo: items },
});

/**
 * The items of the first and of the second prefix; undefined where the items are not many more. About one trial of
 * `rssp` in ten is open after the first prefix (`reachPrefix`), and each further item nearly halves their number.
 */
function prefixesOf(work: ReachWork): readonly [first: number, second: number] | undefined {
  const { itemsFrom, itemsTo, factor } = work.params;
  const isProduct = Number(factor > 1);
  const shortest = prefixOf(work);
  const first = shortest + FIRST_PREFIX_EXTRA[isProduct]!;
  if (itemsFrom < itemsTo || shortest === 0 || first + MIN_ITEMS_BEYOND_PREFIX > itemsTo) return undefined;
  return [first, Math.min(first + SECOND_PREFIX_EXTRA[isProduct]!, itemsTo)];
}

/** The pass over open trials, with a prefix or all items; undefined where workgroup memory is too small for `thread`. */
function openProgram(
  work: ReachWork,
  device: DeviceProfile,
  items: number,
  shape: Shape,
): ShaderProgram | undefined {
  const second = withItems(work, items);
  const { units } = capacitiesIn(second, device, 32).at(-1)!;
  const program = invocationProgram(second, device, threadOf(second, units), shape);
  if (!program) return undefined;
  const [size] = shape;
  const bitmapWords = Math.ceil(Math.min(work.params.count, MAX_DISPATCH_TRIALS) / 32);
  return {
    ...program,
    constants: { ...program.constants, QUEUE: size, PREFIX: items < work.params.itemsTo ? items : 0 },
    workgroups: Math.min(program.workgroups, Math.ceil(bitmapWords / size)),
  };
}

/** Variant `thread` with bitsets of `words` words. */
const threadOf = ({ params }: ReachWork, words: number): InvocationVariant => ({
  name: "thread",
  source: threadSource,
  constants: { WORDS: words, SMALL_FIRST: Number(params.itemsFrom === params.itemsTo) },
  wordsPerInvocation: BELOW_WORDS + words + ABOVE_WORDS,
});

/** One trial per invocation, its bits in registers, the targets always at the same bits. */
const placed: Variant<"reach"> = {
  name: "placed",
  launches(work, device) {
    const { halfRange, itemsFrom, itemsTo, signed, extent } = work.params;
    if (halfRange > MAX_PLACED_HALF_RANGE || itemsFrom < itemsTo || signed || extent > halfRange) return [];
    return invocationLaunches(work, device, 32, ({ params }, { units }) => {
      // The first bit of a trial is at most this far below target 0.
      const maxZeroBit = (params.itemsTo * halfRange) >> 1;
      const words = Math.max(units, Math.ceil((2 * halfRange + 1) / 32));
      if (words > MAX_PLACED_WORDS) return undefined;
      const room = 32 * words - 1 - halfRange;
      const blocks = Math.ceil(words / 4);
      return {
        name: "placed",
        source: placedSource,
        constants: {
          BLOCKS: blocks,
          SPARE_WORDS: 4 * blocks - words,
          HALF_RANGE: halfRange,
          MAX_ZERO_BIT: room,
          STEPS: 0,
          TWO_WORDS: Number(halfRange > 64),
        },
        wordsPerInvocation: 0,
        isComplete: maxZeroBit <= room,
      };
    });
  },
};

/** One trial per invocation, its bits in registers. */
const registers: Variant<"reach"> = {
  name: "registers",
  launches(work, device) {
    const { halfRange } = work.params;
    if (halfRange >= 2 * REGISTER_BLOCK_BITS) return [];
    return invocationLaunches(work, device, REGISTER_BLOCK_BITS, ({ params }, { units, isComplete }) =>
      units > MAX_REGISTER_BLOCKS
        ? undefined
        : {
            name: "registers",
            source: registersSource,
            constants: {
              BLOCKS: units,
              STEPS: Number(halfRange >= REGISTER_BLOCK_BITS),
              TWO_WORDS: Number(halfRange > REGISTER_BLOCK_BITS / 2),
              SMALL_FIRST: Number(params.itemsFrom === params.itemsTo),
            },
            wordsPerInvocation: 0,
            isComplete,
          },
    );
  },
};

/** One trial per invocation, the bits of a workgroup's trials interleaved in workgroup memory. */
const thread: Variant<"reach"> = {
  name: "thread",
  launches: (work, device) =>
    invocationLaunches(work, device, 32, (fitted, { units, isComplete }) => ({
      ...threadOf(fitted, units),
      isComplete,
    })),
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
          constants: {
            ...constants,
            ...prefixConstant(work),
            ...productsConstant(device),
            ...groupTally(work, device, words),
          },
          workgroups: groupsOf(trials, device),
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
    const { subgroupMaxSize } = device;
    const width = Math.min(groupWidth(work, device), Math.max(MAX_MEMORY_WIDTH, subgroupMaxSize));
    return (width > subgroupMaxSize ? [width, width / 2] : [width]).flatMap((size): Launch[] => {
      const { constants, words } = bitsetOf(work, size, reachCapacity(work.params));
      if (words > freeGroupWords(work, device)) return [];
      return [
        {
          variant: "workgroup",
          source: workgroupSource,
          constants: {
            ...constants,
            ...prefixConstant(work),
            ...productsConstant(device),
            ...groupTally(work, device, words),
          },
          workgroups: groupsOf(Math.min(work.params.count, MAX_DISPATCH_TRIALS), device),
          workgroupRows: 1,
          scratchBytes: 0,
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
        constants: { ...constants, ...prefixConstant(work), ...groupTally(work, device, 0) },
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
  variants: [placed, registers, thread, wave, subgroup, workgroup, storage].map(inDispatches),
  sample: sampleTrial,
};
