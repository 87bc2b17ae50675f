// What the module of all kernels exports beside the kernels. scripts/assemblyscript.ts adds the function of every kernel's file,
// which host/cpu/worker.js calls by the name of the kernel.

export { isExhausted } from "./memory";
// These are called by the benchmark and by a test alone.
export { chooseShapes, countTrials, drawTrials, reachPrefix } from "./reach";

/** The first address, on the boundary of a v128, at which the host may put parameters, inputs and output. */
export function heapBase(): usize {
  return (__heap_base + 15) & ~15;
}
