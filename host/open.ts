// Chooses an engine and opens it.

import * as z from "zod/mini";
import { RequestError } from "../src/errors.ts";
import { integer, parse } from "../src/check.ts";
import { cpuRunner, type StartThread } from "./cpu/runner.ts";
import { answered, DeviceLostError, isSoftware } from "./gpu/device.ts";
import type { Store } from "./gpu/store.ts";
import { referenceRunner } from "./reference.ts";
import { engines, type EngineOptions, type Runner } from "./runner.ts";
import { shadowRunner } from "./shadow.ts";
import { withStandIn } from "./standIn.ts";

/** The parts of an engine that Node and browsers supply differently. */
export interface Platform {
  /** The entry point of WebGPU, for an adapter of this name where one is named; undefined if the platform has none. */
  readonly gpu: (adapter?: string) => Promise<GPU | undefined>;
  /** The names of all adapters; absent or undefined where the platform cannot list them. */
  readonly adapterNames?: () => Promise<readonly string[] | undefined>;
  /** Whether there may be a hardware GPU; absent where only an adapter tells. */
  readonly mayHaveGpu?: () => boolean;
  /** The reasons why no adapter answers, one sentence each without its full stop, as far as the platform knows them. */
  readonly whyNoAdapter?: () => Promise<readonly string[]>;
  readonly startThread: StartThread;
  readonly hardwareThreads: () => number;
  /** The most milliseconds of a dispatch, by estimate, so that the screen goes on drawing; by default MAX_DISPATCH_MS. */
  readonly maxDispatchMilliseconds?: number;
  /** The milliseconds that a GPU has for an answer; by default PATIENCE_MS (see DeviceOptions). */
  readonly patienceMilliseconds?: number;
  /** Milliseconds of measuring one size of work on a GPU; by default 1000 (see ChooserOptions). */
  readonly tuningMilliseconds?: number;
  /** Keeps the measurements of GPUs. */
  readonly store: Store;
}

/** The engine that `auto` takes, with the reason as a clause. */
export interface EngineChoice {
  readonly engine: "gpu" | "cpu";
  readonly why: string;
}

const MAX_THREADS = 256;
const ADAPTER = "a part of the name of a GPU, or its number";
const optionsSchema = z.strictObject({
  engine: z._default(z.enum(engines, `one of ${engines.join(", ")}`), "auto"),
  threads: z.optional(integer(1, MAX_THREADS)),
  adapter: z.optional(z.string(ADAPTER)),
  onNotice: z._default(
    z.custom<NonNullable<EngineOptions["onNotice"]>>((value) => typeof value === "function", "a function"),
    // oxlint-disable-next-line unicorn/consistent-function-scoping
    () => (sentence: string) => console.warn(sentence),
  ),
});

/**
 * The adapter to compute on; null if there is none.
 * @throws {DeviceLostError} The browser or the driver does not answer in time.
 */
export async function requestAdapter(platform: Platform): Promise<GPUAdapter | null> {
  const gpu = await platform.gpu();
  if (!gpu) return null;
  const request = gpu.requestAdapter({ powerPreference: "high-performance" });
  return answered("answer", request, platform.patienceMilliseconds);
}

export function chooseEngine(adapter: GPUAdapter | null): EngineChoice {
  if (!adapter) return { engine: "cpu", why: "there is no WebGPU adapter" };
  if (isSoftware(adapter))
    return { engine: "cpu", why: "the only WebGPU adapter is a software one, slower than WebAssembly" };
  return { engine: "gpu", why: "there is a hardware WebGPU adapter" };
}

interface OpenOptions {
  readonly threads?: number | undefined;
  readonly onNotice: NonNullable<EngineOptions["onNotice"]>;
}

/**
 * Opens an engine, which the caller closes. Where a GPU does not open, the CPU takes its place, and a notice says so.
 * @throws {RequestError} An option is out of range, `engine: "gpu"` finds no adapter, or `adapter` names none or several.
 */
export async function openEngine(options: EngineOptions, platform: Platform): Promise<Runner> {
  const { engine: asked, adapter: named, ...rest } = parse(optionsSchema, options);
  if (named !== undefined && (asked === "cpu" || asked === "reference"))
    throw new RequestError("adapter", "an engine that uses a GPU", `engine ${asked}`, {
      option: "engine",
      value: "gpu",
    });
  if (asked === "cpu") return openCpu(platform, rest);
  if (asked === "reference") return referenceRunner();
  const chosen = await withAdapter(platform, named);
  if (asked === "shadow") return openShadow(chosen, rest);
  // Who names an adapter wants it, a software one as well.
  const engine = named === undefined ? asked : "gpu";
  // Loading drivers takes time, and they may write to stderr.
  if (engine === "auto" && platform.mayHaveGpu?.() === false) return openCpu(platform, rest);
  try {
    const adapter = await requestAdapter(chosen);
    if (adapter && (engine === "gpu" || chooseEngine(adapter).engine === "gpu"))
      return await openGpuWithCpu(chosen, adapter, rest);
    if (engine === "gpu") throw await noAdapter(chosen);
  } catch (error) {
    if (!(error instanceof DeviceLostError)) throw error;
    rest.onNotice(`${error.message}; the CPU answers instead`);
  }
  return openCpu(platform, rest);
}

/**
 * The platform with one adapter alone.
 * @param named A number of the list of adapters, from 1; otherwise a part of a name, in letters of any case. Undefined: all.
 * @throws {RequestError} None or several adapters are named, or the platform cannot choose.
 */
export async function withAdapter(platform: Platform, named: string | undefined): Promise<Platform> {
  if (named === undefined) return platform;
  if (named === "") throw new RequestError("adapter", ADAPTER, named);
  const names = await platform.adapterNames?.();
  if (!names)
    throw new RequestError("adapter", "no choice of a GPU, which WebGPU leaves to this platform", named);
  if (names.length === 0) throw await noAdapter(platform);
  const numbered = /^\d+$/.test(named) ? names[Number(named) - 1] : undefined;
  const matching = names.filter((name) => name.toLowerCase().includes(named.toLowerCase()));
  const exact = matching.find((name) => name.toLowerCase() === named.toLowerCase());
  const name = numbered ?? exact ?? (matching.length === 1 ? matching[0] : undefined);
  const list = names.map((name, i) => `${i + 1} ${name}`).join(", ");
  if (name === undefined)
    throw new RequestError("adapter", `a number or a part of one name of ${list}`, named);
  // Dawn takes the first adapter whose name contains what it is given.
  if (names.some((other) => other !== name && other.includes(name)))
    throw new RequestError("adapter", `a name that is no part of another one of ${list}`, name);
  return { ...platform, gpu: () => platform.gpu(name) };
}

async function noAdapter({ whyNoAdapter }: Platform): Promise<RequestError> {
  return new RequestError("engine gpu", "a WebGPU adapter", undefined, [
    ...((await whyNoAdapter?.()) ?? []),
    { option: "engine", value: "cpu", because: "which needs none" },
  ]);
}

async function openShadow(platform: Platform, options: OpenOptions): Promise<Runner> {
  const adapter = await requestAdapter(platform);
  // The GPU may fail to open, so it comes before the threads, which would be left running.
  const second = adapter ? await openGpu(platform, adapter, options.onNotice) : referenceRunner();
  return shadowRunner(await openCpu(platform, options), second);
}

/** Opens a GPU, for which the CPU stands in where its memory or its time does not suffice, and after its loss. */
async function openGpuWithCpu(
  platform: Platform,
  adapter: GPUAdapter,
  options: OpenOptions,
): Promise<Runner> {
  const { onNotice } = options;
  return withStandIn(await openGpu(platform, adapter, onNotice), () => openCpu(platform, options), onNotice);
}

function openCpu(
  { hardwareThreads, startThread }: Platform,
  { threads, onNotice }: OpenOptions,
): Promise<Runner> {
  return cpuRunner(threads ?? Math.min(hardwareThreads(), MAX_THREADS), startThread, { onNotice });
}

/** Opens the first device on the given adapter, and another after a loss on a new adapter: an adapter serves only once. */
async function openGpu(
  platform: Platform,
  adapter: GPUAdapter,
  onNotice: NonNullable<EngineOptions["onNotice"]>,
): Promise<Runner> {
  let unused: GPUAdapter | undefined = adapter;
  async function nextAdapter(): Promise<GPUAdapter | null> {
    const next = unused ?? (await requestAdapter(platform));
    unused = undefined;
    return next;
  }
  // The kernels of a GPU are loaded where there is one.
  const { gpuRunner } = await import("./gpu/runner.ts");
  const language = (await platform.gpu())?.wgslLanguageFeatures;
  const { store, maxDispatchMilliseconds, patienceMilliseconds, tuningMilliseconds } = platform;
  return gpuRunner(nextAdapter, {
    store,
    onNotice,
    patienceMilliseconds,
    ...(language && { language }),
    ...(maxDispatchMilliseconds !== undefined && { maxDispatchMilliseconds }),
    ...(tuningMilliseconds !== undefined && { budget: tuningMilliseconds }),
  });
}
