// Opens WebGPU devices, and says what they are and what fits them.

import { Watchdog, within } from "../watchdog.ts";
import type { DeviceProfile, Feature } from "./launch.ts";

export interface DeviceOptions {
  /** The WGSL language features of the implementation (`GPU.wgslLanguageFeatures`); by default none. */
  readonly language?: ReadonlySet<string>;
  /** Overrides the capacity of the variants of `reach` in bits (see DeviceProfile). */
  readonly capacityBits?: number;
  /** The most milliseconds of a dispatch, by estimate (see DeviceProfile). */
  readonly maxDispatchMilliseconds?: number;
  /** The milliseconds that a GPU has for an answer, beside those of the work itself; by default those of PATIENCE_MS. */
  readonly patienceMilliseconds?: number | undefined;
}

/**
 * Milliseconds in which an adapter that works answers a request that takes no time by estimate. Drivers compile shaders for
 * seconds, some of them at the first dispatch, and a software adapter on a busy machine takes longest (measured: 6 s).
 */
const PATIENCE_MS = { hardware: 20_000, software: 60_000 } as const;
/** How many times as long as by estimate a dispatch may take (measured on SwiftShader: 4000). */
const SLOW_FACTOR = { hardware: 50, software: 2e4 } as const;

interface Loss extends ErrorOptions {
  /** The GPU has not answered in time. */
  readonly isHang?: boolean;
}

/** The device was lost, or there is none. Its work may run on another one: the words of an answer depend on the work alone. */
export class DeviceLostError extends Error {
  override readonly name = "DeviceLostError";
  /** Whether the GPU has not answered in time. */
  readonly isHang: boolean;

  constructor(message: string, { isHang = false, ...options }: Loss = {}) {
    super(message, options);
    this.isHang = isHang;
  }
}

/** The device was out of memory where no allocation was being watched, so that no answer of it can be trusted. */
export class ExhaustedError extends Error {
  override readonly name = "ExhaustedError";
}

/**
 * The answer of a GPU to the request for an adapter or a device.
 * @throws {DeviceLostError} It does not come in time.
 */
export const answered = <T>(
  what: string,
  request: Promise<T>,
  milliseconds: number = PATIENCE_MS.hardware,
): Promise<T> => within(request, milliseconds, () => hang(what, milliseconds));

const hang = (what: string, milliseconds: number): DeviceLostError =>
  new DeviceLostError(`the GPU did not ${what} within ${Math.ceil(milliseconds / 1000)} s`, {
    isHang: true,
  });

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

/** Whether an adapter runs on the CPU. */
export function isSoftware(adapter: GPUAdapter): boolean {
  const { vendor, architecture, device, description } = adapter.info;
  return (
    adapter.info.isFallbackAdapter ||
    /swiftshader|llvmpipe|lavapipe|software|warp|basic render/i.test(
      `${vendor} ${architecture} ${device} ${description}`,
    )
  );
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

/** The longest wait for the news that a device is lost, after an operation on it failed. */
const LOSS_NEWS_MS = 1000;

/** An open device, which destroys everything that was created on it when it is closed. */
export class Device {
  readonly gpu: GPUDevice;
  #profile: DeviceProfile;
  /** The reason why answers of this device can no longer be trusted: it was lost, it hangs, or it refused an operation. */
  failure: Error | undefined;
  readonly #patience: number;
  readonly #slowFactor: number;
  readonly #watchdog: Watchdog;
  /** The ends of the operations that are watched. */
  readonly #rejects = new Set<(failure: Error) => void>();
  #isClosed = false;

  constructor(
    gpu: GPUDevice,
    profile: DeviceProfile,
    kind: keyof typeof PATIENCE_MS,
    patience: number = PATIENCE_MS[kind],
  ) {
    this.gpu = gpu;
    this.#profile = profile;
    this.#patience = patience;
    this.#slowFactor = SLOW_FACTOR[kind];
    this.#watchdog = new Watchdog((milliseconds) => this.#lose(hang("answer", milliseconds)));
    void gpu.lost.then(({ message }) => this.#lose(new DeviceLostError(`the GPU was lost: ${message}`)));
    gpu.addEventListener("uncapturederror", ({ error }) => {
      this.failure ??=
        error instanceof GPUOutOfMemoryError
          ? new ExhaustedError(`the GPU was out of memory: ${error.message}`)
          : new Error(`the GPU refused its work: ${error.message}`);
    });
  }

  /** Ends all operations. */
  #lose(loss: DeviceLostError): void {
    if (this.failure instanceof DeviceLostError) return;
    // A device that failed in another way is closed.
    const failure = this.#isClosed ? (this.failure ?? loss) : loss;
    this.failure = failure;
    this.#watchdog.close();
    for (const reject of this.#rejects) reject(failure);
  }

  /**
   * What an operation of the device answers.
   * @param milliseconds What it takes on a slow GPU, by estimate, when the operations before it have ended.
   * @throws {DeviceLostError} The device is lost, gives no answer, or not in time.
   */
  answer<T>(operation: Promise<T>, milliseconds = 0): Promise<T> {
    return new Promise((resolve, reject) => {
      const ended = this.#watchdog.begin(this.#patience + this.#slowFactor * milliseconds);
      this.#rejects.add(reject);
      const end = () => {
        ended();
        this.#rejects.delete(reject);
      };
      operation.finally(end).then(resolve, (error) => reject(isUnanswered(error) ? noAnswer(error) : error));
    });
  }

  get profile(): DeviceProfile {
    return this.#profile;
  }

  /** Lets later launches have at most some bytes of scratch memory, unless one table takes more; undefined: the default. */
  limitScratch(bytes: number | undefined): void {
    this.#profile = { ...this.#profile, maxScratchBytes: bytes };
  }

  /**
   * Waits until `failure` tells whether a loss of the device is why an operation failed: Chromium rejects pending operations
   * before it says that the device is lost.
   */
  async newsOfLoss(): Promise<void> {
    if (this.failure instanceof DeviceLostError) return;
    let timer: ReturnType<typeof setTimeout>;
    const enough = new Promise((resolve) => (timer = setTimeout(resolve, LOSS_NEWS_MS)));
    await Promise.race([this.gpu.lost, enough]);
    clearTimeout(timer!);
  }

  /** Destroys the device. One that hangs is left alone: Dawn waits in `destroy` for its dispatches to end. */
  close(): void {
    this.#isClosed = true;
    this.#watchdog.close();
    if (this.failure instanceof DeviceLostError && this.failure.isHang) hanging.add(this.gpu);
    else this.gpu.destroy();
  }
}

/** Devices that hang. They are kept, because a garbage collector would wait for them as `destroy` does. */
const hanging = new Set<GPUDevice>();

/** Whether an operation was given up: of a device that is lost, or of a buffer that is destroyed or cannot be mapped. */
const isUnanswered = (error: unknown): error is DOMException =>
  error instanceof DOMException && ["AbortError", "OperationError"].includes(error.name);

const noAnswer = (cause: DOMException): DeviceLostError =>
  new DeviceLostError(`the GPU gave no answer: ${cause.message || cause.name}`, { cause });

/**
 * Opens a device of an adapter, which can be used only once.
 * @throws {DeviceLostError} The adapter gives none, or not in time.
 */
export async function openDevice(adapter: GPUAdapter, options: DeviceOptions): Promise<Device> {
  const request = adapter.requestDevice({
    requiredFeatures: OPTIONAL_FEATURES.filter((name) => adapter.features.has(name)),
    requiredLimits: Object.fromEntries(RAISED_LIMITS.map((name) => [name, adapter.limits[name]])),
  });
  const patience = options.patienceMilliseconds;
  const gpu = await answered("open", request, patience).catch((error: unknown) => {
    throw isUnanswered(error) ? noAnswer(error) : error;
  });
  const kind = isSoftware(adapter) ? "software" : "hardware";
  return new Device(gpu, profileOf(gpu, adapter.info, options), kind, patience);
}
