// A bitset of sums in memory, growing one item at a time: R |= R << a. Bit s stands for the sum s.

const BLOCK: usize = 16;
/** Bitsets of up to this many bits are advanced in registers. */
const SMALL: i32 = 256;
const MEDIUM: i32 = 512;

/** The set {0}, with room for sums up to `top` and some beyond. */
export function clear(bits: usize, top: i32): void {
  const end = bits + (top >> 3) + 64;
  for (let p = bits; p < end; p += BLOCK) v128.store(p, i64x2.splat(0));
  store<u64>(bits, 1);
}

// @ts-ignore: decorator
@inline
export function isSet(bits: usize, place: i32): bool {
  return <bool>((load<u8>(bits + (place >> 3)) >> <u8>(place & 7)) & 1);
}

/** How many of the bits from..to are set, 0 <= from. */
export function countOnes(bits: usize, from: i32, to: i32): i32 {
  if (to < from) return 0;
  let p = bits + ((from >> 6) << 3);
  const last = bits + ((to >> 6) << 3);
  let word = load<u64>(p) & (<u64>-1 << (from & 63));
  let ones: u64 = 0;
  while (p < last) {
    ones += popcnt(word);
    p += 8;
    word = load<u64>(p);
  }
  return <i32>(ones + popcnt(word << (63 - (to & 63))));
}

// @ts-ignore: decorator
@inline
function shifted(high: u64, low: u64, a: u64): u64 {
  return (high << a) | ((low >> 1) >> (63 - a));
}

/** All words at once in registers, for magnitudes up to 64 and sums below 256. */
function advance4(bits: usize, from: usize, to: usize): void {
  let w0 = load<u64>(bits), w1 = load<u64>(bits, 8), w2 = load<u64>(bits, 16), w3 = load<u64>(bits, 24);
  for (let p = from; p < to; p += 4) {
    const a: u64 = load<u32>(p);
    if (a == 64) {
      w3 |= w2; w2 |= w1; w1 |= w0;
    } else {
      w3 |= shifted(w3, w2, a);
      w2 |= shifted(w2, w1, a);
      w1 |= shifted(w1, w0, a);
      w0 |= w0 << a;
    }
  }
  store<u64>(bits, w0); store<u64>(bits, w1, 8); store<u64>(bits, w2, 16); store<u64>(bits, w3, 24);
}

/** The same for sums below 512. */
function advance8(bits: usize, from: usize, to: usize): void {
  let w0 = load<u64>(bits), w1 = load<u64>(bits, 8), w2 = load<u64>(bits, 16), w3 = load<u64>(bits, 24);
  let w4 = load<u64>(bits, 32), w5 = load<u64>(bits, 40), w6 = load<u64>(bits, 48), w7 = load<u64>(bits, 56);
  for (let p = from; p < to; p += 4) {
    const a: u64 = load<u32>(p);
    if (a == 64) {
      w7 |= w6; w6 |= w5; w5 |= w4; w4 |= w3; w3 |= w2; w2 |= w1; w1 |= w0;
    } else {
      w7 |= shifted(w7, w6, a);
      w6 |= shifted(w6, w5, a);
      w5 |= shifted(w5, w4, a);
      w4 |= shifted(w4, w3, a);
      w3 |= shifted(w3, w2, a);
      w2 |= shifted(w2, w1, a);
      w1 |= shifted(w1, w0, a);
      w0 |= w0 << a;
    }
  }
  store<u64>(bits, w0); store<u64>(bits, w1, 8); store<u64>(bits, w2, 16); store<u64>(bits, w3, 24);
  store<u64>(bits, w4, 32); store<u64>(bits, w5, 40); store<u64>(bits, w6, 48); store<u64>(bits, w7, 56);
}

// @ts-ignore: decorator
@inline
function shiftOr(from: usize, to: usize, bytes: usize, r: i32): void {
  for (let p = from; p >= to; p -= BLOCK) {
    const q = p - bytes;
    v128.store(
      p,
      v128.or(v128.load(p), v128.or(i64x2.shl(v128.load(q), r), i64x2.shr_u(v128.load(q - 1), 8 - r))),
    );
  }
}

/** R |= R << a on the blocks from `from` down to `to`. */
function step(from: usize, to: usize, a: u32): void {
  const bytes: usize = a >> 3;
  // The jump to a loop whose shift count is known when compiling is never predicted, but the loop is 3.5x faster.
  if (from - to < SHORT) {
    shiftOr(from, to, bytes, a & 7);
    return;
  }
  switch (a & 7) {
    case 0: shiftOr(from, to, bytes, 0); break;
    case 1: shiftOr(from, to, bytes, 1); break;
    case 2: shiftOr(from, to, bytes, 2); break;
    case 3: shiftOr(from, to, bytes, 3); break;
    case 4: shiftOr(from, to, bytes, 4); break;
    case 5: shiftOr(from, to, bytes, 5); break;
    case 6: shiftOr(from, to, bytes, 6); break;
    default: shiftOr(from, to, bytes, 7);
  }
}
const SHORT: usize = 6 * BLOCK;

/**
 * Lets in the magnitudes at from..to (i32) after others whose sum is `done`; returns the new sum of all. Exact for sums
 * from (new sum) - keep to top; R need not be kept elsewhere. No magnitude is above 64 where top < 512 unless M is.
 */
export function advance(bits: usize, from: usize, to: usize, done: i32, top: i32, keep: i32, M: i32): i32 {
  if (M <= 64 && top < MEDIUM) {
    if (top < SMALL) advance4(bits, from, to);
    else advance8(bits, from, to);
    for (let p = from; p < to; p += 4) done += load<i32>(p);
    return done;
  }
  for (let p = from; p < to; p += 4) {
    const a = load<i32>(p);
    done += a;
    step(bits + ((min(done, top) >> 3) & ~15), bits + ((max(0, done - keep) >> 3) & ~15), a);
  }
  return done;
}
