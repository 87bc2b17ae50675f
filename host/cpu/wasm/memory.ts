// Scratch memory: everything behind what the host has placed.

const PAGE: u64 = 65536;

let exhausted = false;

/** Makes sure that there is memory up to `end`. Traps where there is none, and then `isExhausted`. */
export function reserve(end: u64): void {
  const missing = end - (<u64>memory.size() * PAGE);
  if (end <= <u64>memory.size() * PAGE || memory.grow(<i32>((missing + PAGE - 1) / PAGE)) >= 0) return;
  exhausted = true;
  unreachable();
}

/** Whether the last trap was for want of memory. */
export function isExhausted(): bool {
  const was = exhausted;
  exhausted = false;
  return was;
}
