// WebGPU outside of browsers: the runtime's own where it has one, otherwise Dawn, the WebGPU of Chromium.

import { RequestError } from "../../../src/errors.ts";
import { LOADER, linkError, missingForVulkan } from "./vulkan.ts";

/** Dawn polls its instance through a raw pointer, so the instance must live as long as the process. */
let instance: Promise<GPU | undefined> | undefined;

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
 * The entry point of WebGPU: the runtime's own, as in Deno with `--unstable-webgpu`, or Dawn's, which is created once, together
 * with WebGPU's globals. Undefined where Dawn or, on Linux, a Vulkan loader is missing.
 */
export function openGpu(): Promise<GPU | undefined> {
  instance ??= start();
  return instance;
}

async function start(): Promise<GPU | undefined> {
  // Node 20 has no navigator, and later ones have no `gpu` in it.
  const { gpu } = (globalThis.navigator ?? {}) as Partial<Navigator>;
  if (gpu) return gpu;
  // Without a loader Dawn finds no adapter and warns on stderr.
  if (process.platform === "linux" && linkError(LOADER)) return undefined;
  // Dawn has no binary for some systems, on which the engines on the CPU still work.
  const webgpu = await import("webgpu").catch(() => undefined);
  if (!webgpu) return undefined;
  Object.assign(globalThis, webgpu.globals);
  return webgpu.create(isUnchecked() ? ["enable-dawn-features=disable_robustness"] : []);
}

/** The reasons why no adapter answers, as far as they can be found, a sentence each. */
export async function whyNoAdapter(): Promise<string[]> {
  try {
    await import("webgpu");
  } catch (error) {
    // For example, an old glibc, which the linker names, or a platform without a binary.
    return [`Dawn does not load: ${(error as Error).message.split("\n")[0]}`];
  }
  return process.platform === "linux" ? missingForVulkan() : [];
}
