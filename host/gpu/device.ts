// Opens WebGPU devices, and says what they are and what fits them.

import type { DeviceProfile, Feature } from "./launch.ts";

export interface DeviceOptions {
  /** The WGSL language features of the implementation (`GPU.wgslLanguageFeatures`); by default none. */
  readonly language?: ReadonlySet<string>;
  /** Overrides the capacity of the variants of `reach` in bits (see DeviceProfile). */
  readonly capacityBits?: number;
  /** The most milliseconds of a dispatch, by estimate (see DeviceProfile). */
  readonly maxDispatchMilliseconds?: number;
}

/** The device was lost. Its work may run on another one: the words of an answer depend on the work alone. */
export class DeviceLostError extends Error {
  override readonly name = "DeviceLostError";
}

/** The limits that are requested at their maximum. The others are enough by default. */
export const RAISED_LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
] as const;

/** Features that are requested where the adapter has them: some variants need subgroups, no work needs either. */
const OPTIONAL_FEATURES: readonly GPUFeatureName[] = ["subgroups", "timestamp-query"];

/**
 * Subgroup sizes that are assumed of an adapter without the feature `subgroups`. WebGPU has such an adapter report 4 and 128,
 * whatever its hardware is. Most GPUs have 32 lanes.
 */
const DEFAULT_SUBGROUP_MAX_SIZE = 32;
const DEFAULT_SUBGROUP_MIN_SIZE = 4;

/** The name of an adapter as its driver describes it. */
export function adapterName({ vendor, architecture, device, description }: GPUAdapterInfo): string {
  return description || [vendor, architecture, device].filter(Boolean).join(" ") || "unnamed WebGPU adapter";
}

/**
 * The key that tells an adapter and its driver from others: its names, limits and features. Some browsers hide all names, so that
 * their adapters differ in the rest alone.
 */
export function adapterKey({ info, limits, features }: GPUAdapter): string {
  const { vendor, architecture, device, description } = info;
  const raised = RAISED_LIMITS.map((name) => limits[name]);
  return [vendor, architecture, device, description, ...raised, ...[...features].toSorted()].join(" ");
}

/** The profile of a device, given what its adapter says of itself. */
export function profileOf(
  { limits, features }: Pick<GPUDevice, "limits" | "features">,
  { subgroupMaxSize, subgroupMinSize, vendor }: GPUAdapterInfo,
  { language, capacityBits, maxDispatchMilliseconds }: DeviceOptions,
): DeviceProfile {
  const hasSubgroups = features.has("subgroups");
  const found = new Set<Feature>();
  if (hasSubgroups) found.add("subgroups");
  if (language?.has("packed_4x8_integer_dot_product")) found.add("packed");
  return {
    limits,
    subgroupMaxSize: (hasSubgroups && subgroupMaxSize) || DEFAULT_SUBGROUP_MAX_SIZE,
    subgroupMinSize: (hasSubgroups && subgroupMinSize) || DEFAULT_SUBGROUP_MIN_SIZE,
    features: found,
    vendor,
    capacityBits,
    maxDispatchMilliseconds,
  };
}

/** An open device, which destroys everything that was created on it when it is closed. */
export class Device {
  readonly gpu: GPUDevice;
  #profile: DeviceProfile;
  /** The reason why answers of this device can no longer be trusted: it was lost, or it refused an operation. */
  failure: Error | undefined;

  constructor(gpu: GPUDevice, profile: DeviceProfile) {
    this.gpu = gpu;
    this.#profile = profile;
    void gpu.lost.then(({ message }) => (this.failure = new DeviceLostError(`the GPU was lost: ${message}`)));
    gpu.addEventListener("uncapturederror", ({ error }) => {
      this.failure ??= new Error(`the GPU refused its work: ${error.message}`);
    });
  }

  get profile(): DeviceProfile {
    return this.#profile;
  }

  /** Lets later launches have at most some bytes of scratch memory, unless one table takes more; undefined: the default. */
  limitScratch(bytes: number | undefined): void {
    this.#profile = { ...this.#profile, maxScratchBytes: bytes };
  }

  close(): void {
    this.gpu.destroy();
  }
}

/** Opens a device of an adapter, which can be used only once. */
export async function openDevice(adapter: GPUAdapter, options: DeviceOptions): Promise<Device> {
  const gpu = await adapter.requestDevice({
    requiredFeatures: OPTIONAL_FEATURES.filter((name) => adapter.features.has(name)),
    requiredLimits: Object.fromEntries(RAISED_LIMITS.map((name) => [name, adapter.limits[name]])),
  });
  return new Device(gpu, profileOf(gpu, adapter.info, options));
}
