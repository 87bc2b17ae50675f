// Scratch memory: everything above the parameters, inputs and output that the host has laid out.

const PAGE_BYTES: u64 = 65536;

/** The first address, on the boundary of a v128, at which the host may put parameters, inputs and output. */
export function heapBase(): usize {
  return (__heap_base + 15) & ~15;
}

let exhausted = false;

/** Grows the memory up to the address `end`. Where it cannot grow, it traps, and `isExhausted` then answers true. */
export function reserve(end: u64): void {
  const missing = end - (<u64>memory.size() * PAGE_BYTES);
  if (end <= <u64>memory.size() * PAGE_BYTES || memory.grow(<i32>((missing + PAGE_BYTES - 1) / PAGE_BYTES)) >= 0) return;
  exhausted = true;
  unreachable();
}

/** Whether `reserve` has trapped since the last call. */
export function isExhausted(): bool {
  const was = exhausted;
  exhausted = false;
  return was;
}
