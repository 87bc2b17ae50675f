// WebGPU outside of browsers: the runtime's own where it has one, otherwise Dawn, the WebGPU of Chromium.

import { RequestError } from "../../../src/errors.ts";
import { silenceVulkan } from "./silence.ts";
import { gpuFiles, LOADER, linkError, missingForVulkan } from "./vulkan.ts";

/** Dawn polls its instances through raw pointers, so they live as long as the process. By the adapter that they are for. */
const instances = new Map<string | undefined, Promise<GPU | undefined>>();

/**
 * A feature of Dawn that leaves it to the driver to zero workgroup memory. SwiftShader then compiles a store for every word,
 * which takes up to 5 s for a kernel with 16 KiB. Without the feature Dawn writes a loop, which compiles in 0.3 s, as for
 * Direct3D and Metal.
 */
const DRIVER_ZEROES = "use_vulkan_zero_initialize_workgroup_memory_extension";

/** A name that no adapter has. */
const NO_ADAPTER = "the adapter that does not exist";

let isSilent = false;

/** Keeps the drivers of GPUs, their loader and Dawn from writing to stderr, as far as that can be. Call it before all else. */
export function silenceDrivers(): void {
  isSilent = true;
}

/** The milliseconds to the next poll after `waited` milliseconds of waiting. */
const pauseAfter = (waited: number) => Math.min(Math.max(waited / 16, 1), 4);

/**
 * Replaces `setImmediate` so that Dawn polls less often. Only for a process of our own, since others may rely on the function.
 *
 * While one of its promises is pending, Dawn re-arms its poll with `setImmediate` on every turn of the event loop, which takes a
 * whole core. The replacement spins for a millisecond and then polls after a sixteenth of the time waited so far, but 1 to 4
 * milliseconds: 3 % of a core at one millisecond, and less the longer a batch takes (measured).
 */
export function calmPolling(): void {
  const SPIN_MS = 1;
  const setImmediateNow = globalThis.setImmediate;
  let since = 0;
  let polling = false;
  const calm = (callback: (...args: unknown[]) => void, ...args: unknown[]) => {
    const fromDawn = args.length === 0 && /\[native code\]/.test(Function.prototype.toString.call(callback));
    if (!fromDawn) return setImmediateNow(callback, ...args);
    const now = performance.now();
    if (!polling) since = now;
    const poll = () => {
      polling = true;
      try {
        callback();
      } finally {
        polling = false;
      }
    };
    return now - since < SPIN_MS ? setImmediateNow(poll) : setTimeout(poll, pauseAfter(now - since));
  };
  globalThis.setImmediate = Object.assign(calm, setImmediateNow);
}

/**
 * Whether the user asks, by EXACTA_UNCHECKED=1, for shaders without bounds checks. By default Dawn makes shaders compare every
 * index with the length of its array. No kernel needs that, as tests show, which watch every index.
 * @throws {RequestError} where the variable is neither 1 nor empty.
 */
export function isUnchecked(): boolean {
  const { EXACTA_UNCHECKED: value = "" } = process.env;
  if (value !== "" && value !== "1")
    throw new RequestError("EXACTA_UNCHECKED", "1, or nothing for checked indices", value);
  return value === "1";
}

/**
 * The entry point of WebGPU: the runtime's own, as in Deno with `--unstable-webgpu`, or Dawn's, which is created once for each
 * adapter, together with WebGPU's globals. Undefined where Dawn or, on Linux, a Vulkan loader is missing.
 * @param adapter A part of the name of the only adapter that it answers with. The runtime's own takes none.
 */
export function openGpu(adapter?: string): Promise<GPU | undefined> {
  const instance = instances.get(adapter) ?? start(adapter);
  instances.set(adapter, instance);
  return instance;
}

/** WebGPU of the runtime. Node 20 has no navigator, and later ones have no `gpu` in it. */
const ownGpu = () => ((globalThis.navigator ?? {}) as Partial<Navigator>).gpu;

async function start(adapter: string | undefined): Promise<GPU | undefined> {
  const gpu = ownGpu();
  if (gpu) return gpu;
  // Without a loader Dawn finds no adapter and warns on stderr.
  if (process.platform === "linux" && linkError(LOADER)) return undefined;
  // The package is optional, and has no binary for some systems, on which the engines on the CPU still work.
  const webgpu = await import("webgpu").catch(() => undefined);
  if (!webgpu) return undefined;
  if (isSilent && process.platform === "linux" && !silenceVulkan()) return undefined;
  Object.assign(globalThis, webgpu.globals);
  return webgpu.create([
    // Hardware drivers keep their own way, since the loop was not measured on them.
    ...(mayHaveGpu() ? [] : [`disable-dawn-features=${DRIVER_ZEROES}`]),
    ...(isUnchecked() ? ["enable-dawn-features=disable_robustness"] : []),
    ...(adapter === undefined ? [] : [`adapter=${adapter}`]),
  ]);
}

/** The names of all adapters, each once; undefined where the runtime has WebGPU of its own, which cannot list them. */
export async function adapterNames(): Promise<readonly string[] | undefined> {
  if (ownGpu()) return undefined;
  try {
    await (await openGpu(NO_ADAPTER))?.requestAdapter();
    return [];
  } catch (error) {
    // Dawn lists its adapters nowhere but in the error for a name that none has.
    const lines = (error as Error).message.matchAll(/^ \* backend: '[^']*', name: '(.*)'$/gm);
    return [...new Set([...lines].map(([, name]) => name!))];
  }
}

/** Whether this machine may have a hardware GPU. On Linux a program reaches one by a device file. */
export const mayHaveGpu = (): boolean => process.platform !== "linux" || gpuFiles().length > 0;

/** The reasons why no adapter answers, as far as they can be found, a sentence each. */
export async function whyNoAdapter(): Promise<string[]> {
  try {
    await import("webgpu");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ERR_MODULE_NOT_FOUND")
      return ["the optional package webgpu is not installed (npm install webgpu)"];
    // For example, an old glibc, which the linker names, or a platform without a binary.
    return [`Dawn does not load: ${message.split("\n")[0]}`];
  }
  return process.platform === "linux" ? missingForVulkan() : [];
}
