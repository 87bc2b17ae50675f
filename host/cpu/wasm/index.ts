// The one module of all kernels: what the worker calls.

export { reach } from "./reach";

/** Where the host may put parameters, inputs and output. */
export function heapBase(): usize {
  return (__heap_base + 15) & ~15;
}
