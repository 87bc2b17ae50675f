// The module of all kernels: its exports are what host/cpu/worker.js calls, by the names of the kernels.

export { count } from "./count";
export { forward } from "./forward";
export { meet } from "./meet";
export { isExhausted } from "./memory";
export { prune } from "./prune";
// `chooseShapes`, `countTrials` and `drawTrials` are called by the benchmark and by a test alone.
export { chooseShapes, countTrials, drawTrials, reach } from "./reach";
export { smallest } from "./smallest";
export { witness } from "./witness";

/** The first address, on the boundary of a v128, at which the host may put parameters, inputs and output. */
export function heapBase(): usize {
  return (__heap_base + 15) & ~15;
}
