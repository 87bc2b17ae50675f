// Threefry2x32-20 for eight counters at a time (src/random.ts): two by two blocks of four lanes, whose rounds take turns,
// because each waits for the one before it.

// @ts-ignore: decorator
@inline
function rotate(x: v128, count: i32): v128 {
  return v128.or(i32x4.shl(x, count), i32x4.shr_u(x, 32 - count));
}

/** Rotations by whole bytes. */
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

/**
 * The blocks of counters (low, high) and of (low, next). Stores the first words of the former at `out`, their second words
 * behind them, and then those of the latter, 64 bytes in all.
 */
export function threefry(out: usize, key0: u32, key1: u32, low: v128, high: v128, next: v128): void {
  const k0 = i32x4.splat(key0);
  const k1 = i32x4.splat(key1);
  const k2 = i32x4.splat(key0 ^ key1 ^ 0x1bd11bda);
  let x = i32x4.add(low, k0), u = x;
  let y = i32x4.add(high, k1), v = i32x4.add(next, k1);

  x = i32x4.add(x, y); u = i32x4.add(u, v); y = v128.xor(rotate(y, 13), x); v = v128.xor(rotate(v, 13), u);
  x = i32x4.add(x, y); u = i32x4.add(u, v); y = v128.xor(rotate(y, 15), x); v = v128.xor(rotate(v, 15), u);
  x = i32x4.add(x, y); u = i32x4.add(u, v); y = v128.xor(rotate(y, 26), x); v = v128.xor(rotate(v, 26), u);
  x = i32x4.add(x, y); u = i32x4.add(u, v); y = v128.xor(rotate(y, 6), x); v = v128.xor(rotate(v, 6), u);
  x = i32x4.add(x, k1); u = i32x4.add(u, k1);
  y = i32x4.add(y, i32x4.add(k2, i32x4.splat(1))); v = i32x4.add(v, i32x4.add(k2, i32x4.splat(1)));

  x = i32x4.add(x, y); u = i32x4.add(u, v); y = v128.xor(rotate(y, 17), x); v = v128.xor(rotate(v, 17), u);
  x = i32x4.add(x, y); u = i32x4.add(u, v); y = v128.xor(rotate(y, 29), x); v = v128.xor(rotate(v, 29), u);
  x = i32x4.add(x, y); u = i32x4.add(u, v); y = v128.xor(rotate16(y), x); v = v128.xor(rotate16(v), u);
  x = i32x4.add(x, y); u = i32x4.add(u, v); y = v128.xor(rotate24(y), x); v = v128.xor(rotate24(v), u);
  x = i32x4.add(x, k2); u = i32x4.add(u, k2);
  y = i32x4.add(y, i32x4.add(k0, i32x4.splat(2))); v = i32x4.add(v, i32x4.add(k0, i32x4.splat(2)));

  x = i32x4.add(x, y); u = i32x4.add(u, v); y = v128.xor(rotate(y, 13), x); v = v128.xor(rotate(v, 13), u);
  x = i32x4.add(x, y); u = i32x4.add(u, v); y = v128.xor(rotate(y, 15), x); v = v128.xor(rotate(v, 15), u);
  x = i32x4.add(x, y); u = i32x4.add(u, v); y = v128.xor(rotate(y, 26), x); v = v128.xor(rotate(v, 26), u);
  x = i32x4.add(x, y); u = i32x4.add(u, v); y = v128.xor(rotate(y, 6), x); v = v128.xor(rotate(v, 6), u);
  x = i32x4.add(x, k0); u = i32x4.add(u, k0);
  y = i32x4.add(y, i32x4.add(k1, i32x4.splat(3))); v = i32x4.add(v, i32x4.add(k1, i32x4.splat(3)));

  x = i32x4.add(x, y); u = i32x4.add(u, v); y = v128.xor(rotate(y, 17), x); v = v128.xor(rotate(v, 17), u);
  x = i32x4.add(x, y); u = i32x4.add(u, v); y = v128.xor(rotate(y, 29), x); v = v128.xor(rotate(v, 29), u);
  x = i32x4.add(x, y); u = i32x4.add(u, v); y = v128.xor(rotate16(y), x); v = v128.xor(rotate16(v), u);
  x = i32x4.add(x, y); u = i32x4.add(u, v); y = v128.xor(rotate24(y), x); v = v128.xor(rotate24(v), u);
  x = i32x4.add(x, k1); u = i32x4.add(u, k1);
  y = i32x4.add(y, i32x4.add(k2, i32x4.splat(4))); v = i32x4.add(v, i32x4.add(k2, i32x4.splat(4)));

  x = i32x4.add(x, y); u = i32x4.add(u, v); y = v128.xor(rotate(y, 13), x); v = v128.xor(rotate(v, 13), u);
  x = i32x4.add(x, y); u = i32x4.add(u, v); y = v128.xor(rotate(y, 15), x); v = v128.xor(rotate(v, 15), u);
  x = i32x4.add(x, y); u = i32x4.add(u, v); y = v128.xor(rotate(y, 26), x); v = v128.xor(rotate(v, 26), u);
  x = i32x4.add(x, y); u = i32x4.add(u, v); y = v128.xor(rotate(y, 6), x); v = v128.xor(rotate(v, 6), u);
  x = i32x4.add(x, k2); u = i32x4.add(u, k2);
  y = i32x4.add(y, i32x4.add(k0, i32x4.splat(5))); v = i32x4.add(v, i32x4.add(k0, i32x4.splat(5)));

  v128.store(out, x);
  v128.store(out, y, 16);
  v128.store(out, u, 32);
  v128.store(out, v, 48);
}
