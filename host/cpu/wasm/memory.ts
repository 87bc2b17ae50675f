// Scratch memory: everything behind what the host has placed.

const PAGE: u64 = 65536;

/** Makes sure that there is memory up to `end`. Traps where the machine has none. */
export function reserve(end: u64): void {
  const missing = end - (<u64>memory.size() * PAGE);
  if (end > <u64>memory.size() * PAGE && memory.grow(<i32>((missing + PAGE - 1) / PAGE)) < 0) unreachable();
}
