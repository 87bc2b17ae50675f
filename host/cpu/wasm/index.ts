// The one module of all kernels: what the worker calls.

export { count } from "./count";
export { forward } from "./forward";
export { meet } from "./meet";
export { isExhausted } from "./memory";
export { prune } from "./prune";
export { chooseShapes, countTrials, drawTrials, reach } from "./reach";
export { smallest } from "./smallest";
export { witness } from "./witness";

/** Where the host may put parameters, inputs and output. */
export function heapBase(): usize {
  return (__heap_base + 15) & ~15;
}
