// Dawn, the WebGPU of Chromium, in Node.

import { RequestError } from "../../../src/errors.ts";
import { LOADER, linkError, missingForVulkan } from "./vulkan.ts";

/** Dawn polls the instance that created it through a raw pointer, so it must live as long as the process. */
let instance: Promise<GPU | undefined> | undefined;

/** Milliseconds between two polls, after so many of waiting. */
const pauseAfter = (waited: number) => Math.min(Math.max(waited / 16, 1), 4);

/**
 * For a process of our own: it changes a function that others may rely on. While a promise of Dawn's is pending it re-arms its poll with `setImmediate` on every turn of the event loop, which
 * burns a core. This spins for a millisecond and then polls after a sixteenth of the time waited so far, 1 to 4 milliseconds:
 * 3 % of a core at one millisecond, and less the longer a batch takes (measured).
 */
export function calmPolling(): void {
  const SPIN = 1;
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
    return now - since < SPIN ? setImmediateNow(poll) : setTimeout(poll, pauseAfter(now - since));
  };
  globalThis.setImmediate = Object.assign(calm, setImmediateNow);
}

/**
 * Whether the user has asked, by EXACTA_UNCHECKED=1, that Dawn run shaders as they are. Otherwise it has them compare every
 * index with the length of its array, which takes time, and which no kernel needs, as tests show. Throws RangeError where the
 * variable is neither 1 nor empty.
 */
export function isUnchecked(): boolean {
  const { EXACTA_UNCHECKED: value = "" } = process.env;
  if (value !== "" && value !== "1")
    throw new RequestError("EXACTA_UNCHECKED", "1, or nothing for checked indices", value);
  return value === "1";
}

/** Dawn's entry point, made once, with WebGPU's globals beside it; undefined where Dawn or, on Linux, a Vulkan loader is missing. */
export function dawn(): Promise<GPU | undefined> {
  instance ??= start();
  return instance;
}

async function start(): Promise<GPU | undefined> {
  // Without a loader Dawn answers no adapter and complains on stderr.
  if (process.platform === "linux" && linkError(LOADER)) return undefined;
  // The engines on the CPU serve systems for which Dawn is not made as well.
  const webgpu = await import("webgpu").catch(() => undefined);
  if (!webgpu) return undefined;
  Object.assign(globalThis, webgpu.globals);
  return webgpu.create(isUnchecked() ? ["enable-dawn-features=disable_robustness"] : []);
}

/** What is missing where no adapter answers, a sentence each, as far as that can be told. */
export async function whyNoAdapter(): Promise<string[]> {
  try {
    await import("webgpu");
  } catch (error) {
    // An old glibc, say, which the linker names; or a platform without a binary.
    return [`Dawn does not load: ${(error as Error).message.split("\n")[0]}`];
  }
  return process.platform === "linux" ? missingForVulkan() : [];
}
