// A launch is a variant of a kernel that is fitted to a piece of work and to a device: source, constants, number of
// workgroups and scratch memory, ready to dispatch. The runner only dispatches; every decision that depends on the kernel is
// made by the modules in kernels/.

import type { InputsOf, KernelName, ParamsOf } from "../../src/kernels/index.ts";
import type { WorkOf } from "../../src/plan.ts";
import { MAX_DISPATCH_MS, millisecondsOf, unitsWithin, type Cost } from "./cost.ts";

/** The variants of all kernels. A kernel's `GpuKernel` says which it has and which it prefers. */
export type VariantName =
  | "placed"
  | "registers"
  | "thread"
  | "wave"
  | "subgroup"
  | "packed"
  | "workgroup"
  | "storage"
  | "tiles";

/** Optional abilities of a device: operations between the lanes of a subgroup; dot products of four packed bytes. */
export type Feature = "subgroups" | "packed";

/** The limits and features of a device that decide which launches fit it. */
export interface DeviceProfile {
  readonly limits: GPUSupportedLimits;
  /** The most and the fewest lanes that a subgroup of this device may have, powers of two. */
  readonly subgroupMaxSize: number;
  readonly subgroupMinSize: number;
  readonly features: ReadonlySet<Feature>;
  /** The vendor as WebGPU names it; it fixes which of several launches are tried, and which first. */
  readonly vendor?: string;
  /**
   * Overrides how many bits variants of `reach` reserve for a trial, so that tests can make trials overflow. Results do not
   * depend on it.
   */
  readonly capacityBits?: number | undefined;
  /** The most milliseconds of a dispatch, by the estimates of cost.ts; by default MAX_DISPATCH_MS. */
  readonly maxDispatchMilliseconds?: number | undefined;
  /** The most scratch memory of a dispatch, where less than SCRATCH_BYTES could be allocated. */
  readonly maxScratchBytes?: number | undefined;
}

/** A shader with its constants, and the number of workgroups to dispatch. */
export interface ShaderProgram {
  /** Plain WGSL. */
  readonly source: string;
  /** Values of its `override` constants. */
  readonly constants: Record<string, number>;
  /** Workgroups of a dispatch in x and in y. With more trials or instances than workgroups, each takes several (grid-stride). */
  readonly workgroups: number;
  readonly workgroupRows: number;
}

/** A variant of a kernel fitted to work and a device. */
export interface Launch extends ShaderProgram {
  readonly variant: VariantName;
  /** Bytes of scratch memory of all its workgroups together, or 0. */
  readonly scratchBytes: number;
  /** The milliseconds of its longest dispatch on a slow GPU, by estimate (cost.ts). */
  readonly milliseconds: number;
  /** The dispatches, in order; each yields the words of the uniform that its shader reads. */
  dispatches(): Iterable<readonly number[]>;
  /** Follows every dispatch and processes most of the trials that it deferred. */
  readonly openPass?: ShaderProgram;
  /**
   * Follows every dispatch and processes the trials that are still deferred. The overflow bitmap is in scratch memory, which is
   * zeroed before the first dispatch.
   */
  readonly fallback?: ShaderProgram;
}

/** The programs of a launch in the order of their dispatches. */
export const programsOf = (launch: Launch): readonly ShaderProgram[] =>
  [launch, launch.openPass, launch.fallback].filter((program) => program !== undefined);

/** A way to spread a kernel over invocations. */
export interface Variant<K extends KernelName, L = Launch> {
  readonly name: VariantName;
  /** Serves only work that no other variant has memory for: its tables are in storage, the slowest memory. */
  readonly lastResort?: true;
  /** The launches that may serve the work, the most promising first; none where the device lacks memory or a feature. */
  launches(work: WorkOf<K>, device: DeviceProfile): readonly L[];
}

/** A kernel on a GPU: its variants and the facts that the tuner needs. */
export interface GpuKernel<K extends KernelName> {
  /** The parameter that counts independent units of work: trials, instances, demands or inputs. */
  readonly unitParam: keyof ParamsOf<K>;
  /** The parameters on which the fastest launch depends; their tuning key rounds each up to a power of two. */
  readonly tuningParams: readonly (keyof ParamsOf<K>)[];
  /** In order of preference. */
  readonly variants: readonly Variant<K>[];
  /** The variants that suit the work; by default all. Their order is that of `variants`. */
  readonly suitable?: (work: WorkOf<K>) => readonly VariantName[];
  /** A small piece of work, with which the programs of the variants can be looked at. */
  readonly sample: () => WorkOf<K>;
}

/** The inputs of work, by which things that depend on inputs alone are remembered. */
export type Inputs = InputsOf<KernelName>;

/** The most scratch memory of a dispatch, and the most workgroups that have a part of it: enough to fill a device. */
const SCRATCH_BYTES = 2 ** 28;
export const SCRATCH_WORKGROUPS = 2 ** 10;
/** Workgroup memory that a shader needs beside its table. */
export const WORKGROUP_OVERHEAD_BYTES = 512;

/** The most scratch memory of a dispatch on a device, unless one table takes more. */
export const maxScratchBytes = ({ maxScratchBytes = SCRATCH_BYTES }: DeviceProfile): number =>
  maxScratchBytes;

/** The most milliseconds of a dispatch on a device, by estimate. */
export const maxDispatchMs = ({ maxDispatchMilliseconds = MAX_DISPATCH_MS }: DeviceProfile): number =>
  maxDispatchMilliseconds;

/** One dispatch, whose shader reads no uniform. */
export const oneDispatch = (cost: Cost): Pick<Launch, "milliseconds" | "dispatches"> => ({
  milliseconds: millisecondsOf(cost),
  dispatches: () => [[]],
});

/**
 * Dispatches over ranges of `units` units, each of which its shader reads as first and end. A range has at most `most` units,
 * and fewer where it would take too long.
 */
export function rangeDispatches(
  device: DeviceProfile,
  units: number,
  costOf: (units: number) => Cost,
  most = Infinity,
): Pick<Launch, "milliseconds" | "dispatches"> {
  const size = unitsWithin(maxDispatchMs(device), Math.min(units, most), costOf);
  return {
    milliseconds: millisecondsOf(costOf(size)),
    *dispatches() {
      for (let first = 0; first < units || first === 0; first += size)
        yield [first, Math.min(first + size, units)];
    },
  };
}

/** The most invocations, and the most subgroups, of a workgroup. */
const MAX_WORKGROUP_SIZE = 256;
const MAX_SUBGROUPS = 8;

/** The number of invocations that share `words` words, about four words each: whole subgroups, at most 256. */
export function workgroupSize(words: number, { limits, subgroupMaxSize }: DeviceProfile): number {
  const largest = Math.min(
    MAX_SUBGROUPS * subgroupMaxSize,
    MAX_WORKGROUP_SIZE,
    limits.maxComputeInvocationsPerWorkgroup,
    limits.maxComputeWorkgroupSizeX,
  );
  let size = Math.min(subgroupMaxSize, largest);
  while (size < largest && 4 * size < words) size *= 2;
  return size;
}

/** Rounds up to one of four sizes per power of two, so that few pipelines are compiled. */
export function sizeClass(words: number): number {
  const step = 2 ** Math.max(Math.floor(Math.log2(words)) - 2, 0);
  return Math.ceil(words / step) * step;
}

/** The most words of workgroup memory that a table may take. */
export const maxWorkgroupWords = ({ limits }: DeviceProfile): number =>
  Math.floor((limits.maxComputeWorkgroupStorageSize - WORKGROUP_OVERHEAD_BYTES) / 4);

/** The largest size of a buffer within a limit. Limits may be odd, 2^31 - 1 say, but sizes are multiples of 4 bytes. */
export const bytesWithin = (limit: number): number => limit - (limit % 256);

/** The most words of one storage buffer; at most `cap` bytes of it. */
export const maxStorageWords = ({ limits }: DeviceProfile, cap = Infinity): number =>
  bytesWithin(Math.min(cap, limits.maxStorageBufferBindingSize, limits.maxBufferSize)) / 4;

/** The parts of a launch that depend on where the tables of workgroups are. */
export type Placement = Pick<Launch, "variant" | "workgroups" | "workgroupRows" | "scratchBytes"> & {
  /** The size class of a table in words. */
  readonly words: number;
};

/** One table of `words` words to a workgroup, in workgroup memory; undefined where it is too small. */
export function inWorkgroupMemory(
  words: number,
  instances: number,
  device: DeviceProfile,
  reservedWords = 0,
): Placement | undefined {
  const most = maxWorkgroupWords(device) - reservedWords;
  if (words > most) return undefined;
  return {
    variant: "workgroup",
    words: Math.min(sizeClass(words), most),
    workgroups: Math.min(instances, device.limits.maxComputeWorkgroupsPerDimension),
    workgroupRows: 1,
    scratchBytes: 0,
  };
}

/** One table of `words` words to a workgroup, in scratch memory; undefined where a table exceeds a buffer. */
export function inScratchMemory(
  words: number,
  instances: number,
  device: DeviceProfile,
): Placement | undefined {
  const most = maxStorageWords(device, maxScratchBytes(device));
  if (words > most) return undefined;
  const size = Math.min(sizeClass(words), most);
  const workgroups = Math.min(instances, Math.floor(most / size), SCRATCH_WORKGROUPS);
  return {
    variant: "storage",
    words: size,
    workgroups,
    workgroupRows: 1,
    scratchBytes: 4 * size * Math.max(workgroups, 1),
  };
}
