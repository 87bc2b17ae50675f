// The yardstick of `reach` in JavaScript: the best form of a plain loop over words. The sums of the items are bits of 32-bit
// words in the positive frame, and every item shifts all of them, `sums |= sums << a`, in place from the top. It has no live
// window, and items enter as drawn.

/** The number of targets of -M..M that are reached, totaled over the instances of `n` items each in `items`. */
export function reachPlain(M: number, n: number, items: Int32Array): number {
  const sums = new Uint32Array(((n * M) >> 5) + 1);
  let total = 0;
  for (let at = 0; at < items.length; at += n) {
    sums.fill(0);
    sums[0] = 1;
    let negative = 0;
    let sum = 0;
    for (let i = at; i < at + n; i++) {
      const a = Math.abs(items[i]!);
      sum += a;
      if (items[i]! < 0) negative += a;
      shift(sums, (sum >> 5) + 1, a);
    }
    const from = Math.max(0, negative - M);
    const to = Math.min(sum, negative + M);
    for (let w = from >> 5; w <= to >> 5; w++) {
      const above = w === from >> 5 ? -1 << (from & 31) : -1;
      const below = w === to >> 5 ? -1 >>> (31 - (to & 31)) : -1;
      total += ones(sums[w]! & above & below);
    }
  }
  return total;
}

/** R |= R << a on the first `words` words. */
function shift(sums: Uint32Array, words: number, a: number): void {
  const whole = a >> 5;
  const left = a & 31;
  if (left === 0) {
    for (let w = words - 1; w >= whole; w--) sums[w]! |= sums[w - whole]!;
    return;
  }
  let upper = sums[words - 1 - whole]!;
  for (let w = words - 1; w > whole; w--) {
    const lower = sums[w - whole - 1]!;
    sums[w]! |= (upper << left) | (lower >>> (32 - left));
    upper = lower;
  }
  sums[whole]! |= upper << left;
}

function ones(word: number): number {
  word -= (word >>> 1) & 0x55555555;
  word = (word & 0x33333333) + ((word >>> 2) & 0x33333333);
  return Math.imul((word + (word >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
