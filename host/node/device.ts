// Dawn, the WebGPU of Chromium, in Node.

import { constants } from "node:os";
import { create, globals } from "webgpu";

/** Dawn polls the instance that created it through a raw pointer, so it must live as long as the process. */
let instance: GPU | undefined;

/**
 * For a process of our own: it changes a function that others may rely on. While a promise of Dawn's is pending it re-arms its poll with `setImmediate` on every turn of the event loop, which
 * burns a core. This spins for a millisecond and then polls once a millisecond.
 */
export function calmPolling(): void {
  const SPIN = 1;
  const PAUSE = 1;
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
    return now - since < SPIN ? setImmediateNow(poll) : setTimeout(poll, PAUSE);
  };
  globalThis.setImmediate = Object.assign(calm, setImmediateNow);
}

/** Whether Dawn can find a Vulkan loader; without one it answers no adapter and complains on stderr. */
function hasVulkanLoader(): boolean {
  if (process.platform !== "linux") return true;
  try {
    process.dlopen({ exports: {} }, "libvulkan.so.1", constants.dlopen.RTLD_NOW);
  } catch (error) {
    // A library that was found and opened is refused only afterwards, for being no addon.
    return !/cannot open shared object file/.test(String(error));
  }
  return true;
}

/** Dawn's entry point, made once, with WebGPU's globals beside it; undefined on a Linux without a Vulkan loader. */
export async function dawn(): Promise<GPU | undefined> {
  if (!instance && hasVulkanLoader()) {
    Object.assign(globalThis, globals);
    instance = create([]);
  }
  return instance;
}
