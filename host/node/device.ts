// Dawn, the WebGPU of Chromium, in Node.

import { create, globals } from "webgpu";

/** Dawn polls the instance that created it through a raw pointer, so it must live as long as the process. */
let instance: GPU | undefined;

/**
 * While a promise of Dawn's is pending it re-arms its poll with `setImmediate` on every turn of the event loop, which
 * burns a core. This spins for a millisecond and then polls once a millisecond.
 */
function calmPolling(): void {
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
  globalThis.setImmediate = Object.assign(calm, setImmediateNow) as unknown as typeof setImmediate;
}

/** Dawn's entry point, made once. */
export async function dawn(): Promise<GPU> {
  if (!instance) {
    Object.assign(globalThis, globals);
    calmPolling();
    instance = create([]);
  }
  return instance;
}
