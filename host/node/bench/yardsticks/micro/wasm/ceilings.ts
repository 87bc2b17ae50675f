// The ceilings of WebAssembly SIMD on one thread. Each micro-kernel does the innermost step of a kernel of the CPU engine and
// nothing else. host/node/bench/sections/ceilings.ts computes the same integers.

// @ts-ignore: decorator
@inline
const SHIFT: i32 = 13;

/** The initial value of a word of a column. */
export function seed(column: u32, word: u32): u32 {
  return (8 * column + word + 1) * 0x9e3779b9;
}

// @ts-ignore: decorator
@inline
function seeds(word: u32): v128 {
  return i32x4(seed(0, word), seed(1, word), seed(2, word), seed(3, word));
}

// @ts-ignore: decorator
@inline
function shifted(high: v128, low: v128): v128 {
  return v128.or(i32x4.shl(high, SHIFT), i32x4.shr_u(low, 32 - SHIFT));
}

/** Steps until the words are xored with a number, without which all bits would soon be set. */
const STEPS: u32 = 16;

/** R |= R << 13 on four columns of 8 words in registers, a column a lane; z is shifted in from below. Stores them at `out`. */
export function registers(out: usize, rounds: u32): void {
  let a = seeds(0), b = seeds(1), c = seeds(2), d = seeds(3), e = seeds(4), f = seeds(5), g = seeds(6), h = seeds(7);
  let random: u32 = 1;
  for (let round: u32 = 0; round < rounds; round++) {
    const z = i32x4.splat(random);
    for (let step: u32 = 0; step < STEPS; step++) {
      h = v128.or(h, shifted(h, g));
      g = v128.or(g, shifted(g, f));
      f = v128.or(f, shifted(f, e));
      e = v128.or(e, shifted(e, d));
      d = v128.or(d, shifted(d, c));
      c = v128.or(c, shifted(c, b));
      b = v128.or(b, shifted(b, a));
      a = v128.or(a, shifted(a, z));
    }
    a = v128.xor(a, z); b = v128.xor(b, z); c = v128.xor(c, z); d = v128.xor(d, z);
    e = v128.xor(e, z); f = v128.xor(f, z); g = v128.xor(g, z); h = v128.xor(h, z);
    random = random * 1664525 + 1013904223;
  }
  v128.store(out, a); v128.store(out, b, 16); v128.store(out, c, 32); v128.store(out, d, 48);
  v128.store(out, e, 64); v128.store(out, f, 80); v128.store(out, g, 96); v128.store(out, h, 112);
}

// @ts-ignore: decorator
@inline
function merged(p: usize, q: usize): v128 {
  return v128.or(v128.load(p), v128.or(i64x2.shl(v128.load(q), SHIFT - 8), i64x2.shr_u(v128.load(q - 1), 16 - SHIFT)));
}

/** Passes until the bitset is xored with a number. */
const PASSES: u32 = 64;

/** R |= R << 13 on a bitset of `bytes` bytes (a multiple of 64) in memory, in place from the top, with zeros below. */
export function bitset(bits: usize, bytes: usize, rounds: u32): void {
  let random: u32 = 1;
  for (let p = bits; p < bits + bytes; p += 4) store<u32>(p, seed(0, <u32>((p - bits) >> 2)));
  for (let round: u32 = 0; round < rounds; round++) {
    for (let pass: u32 = 0; pass < PASSES; pass++)
      for (let p = bits + bytes - 64; p >= bits; p -= 64) {
        v128.store(p, merged(p + 48, p + 47), 48);
        v128.store(p, merged(p + 32, p + 31), 32);
        v128.store(p, merged(p + 16, p + 15), 16);
        v128.store(p, merged(p, p - 1));
      }
    const z = i32x4.splat(random);
    for (let p = bits; p < bits + bytes; p += 16) v128.store(p, v128.xor(v128.load(p), z));
    random = random * 1664525 + 1013904223;
  }
}

// @ts-ignore: decorator
@inline
function dotted(sum: v128, by: v128): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(sum, by));
}

/** Adds to each word of four columns the dot product of its two signed halves with those of y. Stores the columns at `out`. */
export function dot(out: usize, rounds: u32): void {
  let a = seeds(0), b = seeds(1), c = seeds(2), d = seeds(3), e = seeds(4), f = seeds(5), g = seeds(6), h = seeds(7);
  let random: u32 = 1;
  for (let round: u32 = 0; round < rounds; round++) {
    const y = i32x4.splat(random);
    for (let step: u32 = 0; step < STEPS; step++) {
      a = dotted(a, y); b = dotted(b, y); c = dotted(c, y); d = dotted(d, y);
      e = dotted(e, y); f = dotted(f, y); g = dotted(g, y); h = dotted(h, y);
    }
    random = random * 1664525 + 1013904223;
  }
  v128.store(out, a); v128.store(out, b, 16); v128.store(out, c, 32); v128.store(out, d, 48);
  v128.store(out, e, 64); v128.store(out, f, 80); v128.store(out, g, 96); v128.store(out, h, 112);
}

export function copy(to: usize, from: usize, bytes: usize): void {
  memory.copy(to, from, bytes);
}

/** The first address that the host may use, on a boundary of 64 bytes. */
export function heapBase(): usize {
  return (__heap_base + 127) & ~63;
}
