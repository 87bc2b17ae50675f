// Chooses the runner, once.

import * as z from "zod/mini";
import { RequestError } from "../src/errors.ts";
import { integer, parse } from "../src/check.ts";
import { cpuRunner, type StartThread } from "./cpu/runner.ts";
import { gpuRunner } from "./gpu/runner.ts";
import type { Store } from "./gpu/tune.ts";
import { referenceRunner } from "./reference.ts";
import { engines, type EngineOptions, type Runner } from "./runner.ts";
import { shadowRunner } from "./shadow.ts";

/** What Node and the browser each supply. */
export interface Platform {
  /** The GPU entry point, or undefined where there is none. */
  readonly gpu: () => Promise<GPU | undefined>;
  /** What is missing where no adapter answers, a sentence each, where the platform can tell. */
  readonly whyNoAdapter?: () => Promise<readonly string[]>;
  readonly startThread: StartThread;
  readonly hardwareThreads: () => number;
  /** Where measurements of GPUs are kept. */
  readonly store: Store;
}

/** What `auto` takes, and why, in one sentence. */
export interface Choice {
  readonly engine: "gpu" | "cpu";
  readonly why: string;
}

const MAX_THREADS = 256;
const optionsSchema = z.strictObject({
  engine: z._default(z.enum(engines, `one of ${engines.join(", ")}`), "auto"),
  threads: z.optional(integer(1, MAX_THREADS)),
});

/** The adapter to compute on, or null. */
export async function requestAdapter(platform: Platform): Promise<GPUAdapter | null> {
  const gpu = await platform.gpu();
  return (await gpu?.requestAdapter({ powerPreference: "high-performance" })) ?? null;
}

/** Whether an adapter is a CPU in disguise. */
function isSoftware(adapter: GPUAdapter): boolean {
  const { vendor, architecture, device, description } = adapter.info;
  return (
    adapter.info.isFallbackAdapter ||
    /swiftshader|llvmpipe|lavapipe|software|warp|basic render/i.test(
      `${vendor} ${architecture} ${device} ${description}`,
    )
  );
}

export function chooseEngine(adapter: GPUAdapter | null): Choice {
  if (!adapter) return { engine: "cpu", why: "there is no WebGPU adapter" };
  if (isSoftware(adapter))
    return { engine: "cpu", why: "the only WebGPU adapter is a software one, slower than WebAssembly" };
  return { engine: "gpu", why: "there is a hardware WebGPU adapter" };
}

/**
 * Opens an engine.
 * @throws {RequestError} An option has a value that it cannot have, or `engine: "gpu"` finds no adapter.
 */
export async function openEngine(options: EngineOptions, platform: Platform): Promise<Runner> {
  const { engine, threads } = parse(optionsSchema, options);
  const cpu = () =>
    cpuRunner(threads ?? Math.min(platform.hardwareThreads(), MAX_THREADS), platform.startThread);
  if (engine === "cpu") return cpu();
  if (engine === "reference") return referenceRunner();
  const adapter = await requestAdapter(platform);
  const gpu = async () => {
    const language = (await platform.gpu())?.wgslLanguageFeatures;
    return gpuRunner(() => requestAdapter(platform), {
      store: platform.store,
      ...(language && { language }),
    });
  };
  if (engine === "auto") return chooseEngine(adapter).engine === "gpu" ? gpu() : cpu();
  if (engine === "shadow") {
    // The one that may fail first, so that no thread is left running.
    const second = adapter ? await gpu() : referenceRunner();
    return shadowRunner(await cpu(), second);
  }
  if (!adapter) {
    const why = (await platform.whyNoAdapter?.()) ?? [];
    throw new RequestError("engine gpu", "a WebGPU adapter", undefined, [
      ...why,
      { option: "engine", value: "cpu", because: "which needs none" },
    ]);
  }
  return gpu();
}
