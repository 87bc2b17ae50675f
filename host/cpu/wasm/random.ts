// Threefry2x32 with 20 rounds (src/random.ts) for eight counters at a time: two chains of four lanes each.
//
// The rounds of the two chains are interleaved, because a round needs the result of the round before it and the other chain
// fills that latency. The rounds are written out, because a function of AssemblyScript cannot return two vectors.

// @ts-ignore: decorator
@inline
function rotate(x: v128, count: i32): v128 {
  return v128.or(i32x4.shl(x, count), i32x4.shr_u(x, 32 - count));
}

/** Rotations by whole bytes are one shuffle instead of two shifts and an or. */
// @ts-ignore: decorator
@inline
function rotate16(x: v128): v128 {
  return i8x16.shuffle(x, x, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
}

// @ts-ignore: decorator
@inline
function rotate24(x: v128): v128 {
  return i8x16.shuffle(x, x, 1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8, 13, 14, 15, 12);
}

/** Enters the third word of the key schedule; SKEIN_KS_PARITY32 in Random123. */
// @ts-ignore: decorator
@inline
const PARITY: u32 = 0x1bd11bda;

/**
 * Encrypts the counters (low, high) and (low, nextHigh), four lanes each, with the key (key0, key1). Stores 64 bytes at `out`:
 * the first words and the second words of the former blocks, then those of the latter.
 */
export function threefry(out: usize, key0: u32, key1: u32, low: v128, high: v128, nextHigh: v128): void {
  const k0 = i32x4.splat(key0);
  const k1 = i32x4.splat(key1);
  const k2 = i32x4.splat(key0 ^ key1 ^ PARITY);
  let x0 = i32x4.add(low, k0), x1 = x0;
  let y0 = i32x4.add(high, k1), y1 = i32x4.add(nextHigh, k1);

  x0 = i32x4.add(x0, y0); x1 = i32x4.add(x1, y1); y0 = v128.xor(rotate(y0, 13), x0); y1 = v128.xor(rotate(y1, 13), x1);
  x0 = i32x4.add(x0, y0); x1 = i32x4.add(x1, y1); y0 = v128.xor(rotate(y0, 15), x0); y1 = v128.xor(rotate(y1, 15), x1);
  x0 = i32x4.add(x0, y0); x1 = i32x4.add(x1, y1); y0 = v128.xor(rotate(y0, 26), x0); y1 = v128.xor(rotate(y1, 26), x1);
  x0 = i32x4.add(x0, y0); x1 = i32x4.add(x1, y1); y0 = v128.xor(rotate(y0, 6), x0); y1 = v128.xor(rotate(y1, 6), x1);
  x0 = i32x4.add(x0, k1); x1 = i32x4.add(x1, k1);
  y0 = i32x4.add(y0, i32x4.add(k2, i32x4.splat(1))); y1 = i32x4.add(y1, i32x4.add(k2, i32x4.splat(1)));

  x0 = i32x4.add(x0, y0); x1 = i32x4.add(x1, y1); y0 = v128.xor(rotate(y0, 17), x0); y1 = v128.xor(rotate(y1, 17), x1);
  x0 = i32x4.add(x0, y0); x1 = i32x4.add(x1, y1); y0 = v128.xor(rotate(y0, 29), x0); y1 = v128.xor(rotate(y1, 29), x1);
  x0 = i32x4.add(x0, y0); x1 = i32x4.add(x1, y1); y0 = v128.xor(rotate16(y0), x0); y1 = v128.xor(rotate16(y1), x1);
  x0 = i32x4.add(x0, y0); x1 = i32x4.add(x1, y1); y0 = v128.xor(rotate24(y0), x0); y1 = v128.xor(rotate24(y1), x1);
  x0 = i32x4.add(x0, k2); x1 = i32x4.add(x1, k2);
  y0 = i32x4.add(y0, i32x4.add(k0, i32x4.splat(2))); y1 = i32x4.add(y1, i32x4.add(k0, i32x4.splat(2)));

  x0 = i32x4.add(x0, y0); x1 = i32x4.add(x1, y1); y0 = v128.xor(rotate(y0, 13), x0); y1 = v128.xor(rotate(y1, 13), x1);
  x0 = i32x4.add(x0, y0); x1 = i32x4.add(x1, y1); y0 = v128.xor(rotate(y0, 15), x0); y1 = v128.xor(rotate(y1, 15), x1);
  x0 = i32x4.add(x0, y0); x1 = i32x4.add(x1, y1); y0 = v128.xor(rotate(y0, 26), x0); y1 = v128.xor(rotate(y1, 26), x1);
  x0 = i32x4.add(x0, y0); x1 = i32x4.add(x1, y1); y0 = v128.xor(rotate(y0, 6), x0); y1 = v128.xor(rotate(y1, 6), x1);
  x0 = i32x4.add(x0, k0); x1 = i32x4.add(x1, k0);
  y0 = i32x4.add(y0, i32x4.add(k1, i32x4.splat(3))); y1 = i32x4.add(y1, i32x4.add(k1, i32x4.splat(3)));

  x0 = i32x4.add(x0, y0); x1 = i32x4.add(x1, y1); y0 = v128.xor(rotate(y0, 17), x0); y1 = v128.xor(rotate(y1, 17), x1);
  x0 = i32x4.add(x0, y0); x1 = i32x4.add(x1, y1); y0 = v128.xor(rotate(y0, 29), x0); y1 = v128.xor(rotate(y1, 29), x1);
  x0 = i32x4.add(x0, y0); x1 = i32x4.add(x1, y1); y0 = v128.xor(rotate16(y0), x0); y1 = v128.xor(rotate16(y1), x1);
  x0 = i32x4.add(x0, y0); x1 = i32x4.add(x1, y1); y0 = v128.xor(rotate24(y0), x0); y1 = v128.xor(rotate24(y1), x1);
  x0 = i32x4.add(x0, k1); x1 = i32x4.add(x1, k1);
  y0 = i32x4.add(y0, i32x4.add(k2, i32x4.splat(4))); y1 = i32x4.add(y1, i32x4.add(k2, i32x4.splat(4)));

  x0 = i32x4.add(x0, y0); x1 = i32x4.add(x1, y1); y0 = v128.xor(rotate(y0, 13), x0); y1 = v128.xor(rotate(y1, 13), x1);
  x0 = i32x4.add(x0, y0); x1 = i32x4.add(x1, y1); y0 = v128.xor(rotate(y0, 15), x0); y1 = v128.xor(rotate(y1, 15), x1);
  x0 = i32x4.add(x0, y0); x1 = i32x4.add(x1, y1); y0 = v128.xor(rotate(y0, 26), x0); y1 = v128.xor(rotate(y1, 26), x1);
  x0 = i32x4.add(x0, y0); x1 = i32x4.add(x1, y1); y0 = v128.xor(rotate(y0, 6), x0); y1 = v128.xor(rotate(y1, 6), x1);
  x0 = i32x4.add(x0, k2); x1 = i32x4.add(x1, k2);
  y0 = i32x4.add(y0, i32x4.add(k0, i32x4.splat(5))); y1 = i32x4.add(y1, i32x4.add(k0, i32x4.splat(5)));

  v128.store(out, x0);
  v128.store(out, y0, 16);
  v128.store(out, x1, 32);
  v128.store(out, y1, 48);
}
