// Chooses an engine and opens it.

import * as z from "zod/mini";
import { RequestError } from "../src/errors.ts";
import { integer, parse } from "../src/check.ts";
import { cpuRunner, type StartThread } from "./cpu/runner.ts";
import { gpuRunner } from "./gpu/runner.ts";
import type { Store } from "./gpu/tune.ts";
import { referenceRunner } from "./reference.ts";
import { engines, type EngineOptions, type Runner } from "./runner.ts";
import { shadowRunner } from "./shadow.ts";
import { withStandIn } from "./standIn.ts";

/** The parts of an engine that Node and browsers supply differently. */
export interface Platform {
  /** The entry point of WebGPU; undefined if the platform has none. */
  readonly gpu: () => Promise<GPU | undefined>;
  /** The reasons why no adapter answers, one sentence each without its full stop, as far as the platform knows them. */
  readonly whyNoAdapter?: () => Promise<readonly string[]>;
  readonly startThread: StartThread;
  readonly hardwareThreads: () => number;
  /** The most milliseconds of a dispatch, by estimate, so that the screen goes on drawing; by default MAX_DISPATCH_MS. */
  readonly maxDispatchMilliseconds?: number;
  /** Keeps the measurements of GPUs. */
  readonly store: Store;
}

/** The engine that `auto` takes, with the reason as a clause. */
export interface EngineChoice {
  readonly engine: "gpu" | "cpu";
  readonly why: string;
}

const MAX_THREADS = 256;
const optionsSchema = z.strictObject({
  engine: z._default(z.enum(engines, `one of ${engines.join(", ")}`), "auto"),
  threads: z.optional(integer(1, MAX_THREADS)),
  onNotice: z._default(
    z.custom<NonNullable<EngineOptions["onNotice"]>>((value) => typeof value === "function", "a function"),
    // oxlint-disable-next-line unicorn/consistent-function-scoping
    () => (sentence: string) => console.warn(sentence),
  ),
});

/** The adapter to compute on; null if none answers. */
export async function requestAdapter(platform: Platform): Promise<GPUAdapter | null> {
  const gpu = await platform.gpu();
  return (await gpu?.requestAdapter({ powerPreference: "high-performance" })) ?? null;
}

/** Whether an adapter runs on the CPU. */
function isSoftware(adapter: GPUAdapter): boolean {
  const { vendor, architecture, device, description } = adapter.info;
  return (
    adapter.info.isFallbackAdapter ||
    /swiftshader|llvmpipe|lavapipe|software|warp|basic render/i.test(
      `${vendor} ${architecture} ${device} ${description}`,
    )
  );
}

export function chooseEngine(adapter: GPUAdapter | null): EngineChoice {
  if (!adapter) return { engine: "cpu", why: "there is no WebGPU adapter" };
  if (isSoftware(adapter))
    return { engine: "cpu", why: "the only WebGPU adapter is a software one, slower than WebAssembly" };
  return { engine: "gpu", why: "there is a hardware WebGPU adapter" };
}

/**
 * Opens an engine, which the caller closes.
 * @throws {RequestError} An option is out of range, or `engine: "gpu"` finds no adapter.
 */
export async function openEngine(options: EngineOptions, platform: Platform): Promise<Runner> {
  const { engine, threads, onNotice } = parse(optionsSchema, options);
  if (engine === "auto") return (await openAuto(platform, { threads, onNotice })).runner;
  if (engine === "cpu") return openCpu(platform, threads);
  if (engine === "reference") return referenceRunner();
  const adapter = await requestAdapter(platform);
  if (engine === "shadow") {
    // The GPU may fail to open, so it comes before the threads, which would be left running.
    const second = adapter ? await openGpu(platform, adapter, onNotice) : referenceRunner();
    return shadowRunner(await openCpu(platform, threads), second);
  }
  if (!adapter)
    throw new RequestError("engine gpu", "a WebGPU adapter", undefined, [
      ...((await platform.whyNoAdapter?.()) ?? []),
      { option: "engine", value: "cpu", because: "which needs none" },
    ]);
  return openGpuWithCpu(platform, adapter, { threads, onNotice });
}

interface OpenOptions {
  readonly threads?: number | undefined;
  readonly onNotice: NonNullable<EngineOptions["onNotice"]>;
}

/** Opens the engine that `auto` takes, and says why it is taken. */
export async function openAuto(
  platform: Platform,
  { threads, onNotice }: OpenOptions,
): Promise<{ readonly runner: Runner; readonly why: string }> {
  const adapter = await requestAdapter(platform);
  const { engine, why } = chooseEngine(adapter);
  const runner = await (adapter && engine === "gpu"
    ? openGpuWithCpu(platform, adapter, { threads, onNotice })
    : openCpu(platform, threads));
  return { runner, why };
}

/** Opens a GPU, for which the CPU stands in where its memory or its time does not suffice. */
async function openGpuWithCpu(
  platform: Platform,
  adapter: GPUAdapter,
  { threads, onNotice }: OpenOptions,
): Promise<Runner> {
  return withStandIn(await openGpu(platform, adapter, onNotice), () => openCpu(platform, threads), onNotice);
}

function openCpu(platform: Platform, threads?: number): Promise<Runner> {
  return cpuRunner(threads ?? Math.min(platform.hardwareThreads(), MAX_THREADS), platform.startThread);
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
  const language = (await platform.gpu())?.wgslLanguageFeatures;
  const { store, maxDispatchMilliseconds } = platform;
  return gpuRunner(nextAdapter, {
    store,
    onNotice,
    ...(language && { language }),
    ...(maxDispatchMilliseconds !== undefined && { maxDispatchMilliseconds }),
  });
}
