// A bitset of sums in memory, growing one item at a time: R |= R << a. Bit s stands for the sum s.

const BLOCK: usize = 16;
/** Sums below these fit into four and eight registers. */
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

/** The last place of from..to that is set, or -1. */
export function lastSet(bits: usize, from: i32, to: i32): i32 {
  for (let place = to; place >= from; place = (place & ~63) - 1) {
    const word = load<u64>(bits + ((place >> 6) << 3)) << (63 - (place & 63));
    if (!word) continue;
    place -= <i32>clz(word);
    return place < from ? -1 : place;
  }
  return -1;
}

/** The first place of from..to that is set, or -1. */
export function firstSet(bits: usize, from: u32, to: u32): i32 {
  for (let place = from; place <= to; place = (place | 63) + 1) {
    const word = load<u64>(bits + ((place >> 6) << 3)) >> (place & 63);
    if (!word) continue;
    place += <u32>ctz(word);
    return place > to ? -1 : place;
  }
  return -1;
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
function merge(sums: v128, upper: v128, lower: v128, power: v128): v128 {
  return v128.or(sums, v128.or(i16x8.mul(upper, power), i16x8.shr_u(i16x8.mul(lower, power), 8)));
}

/**
 * R |= R << a on the blocks from `from` down to `to`, and up to three below. A left shift by a & 7 is a product with a
 * power of two: of the bytes at q it lacks the bits that come in from below, which the product of the bytes at q - 1
 * has. One loop serves every shift, where a loop for each known count would pay for a jump that is never predicted
 * (1.2 to 1.6x slower up to M = 2^10, measured), and a variable count is not hoisted by V8.
 */
export function step(from: usize, to: usize, a: u32): void {
  const power = i16x8.splat(<i16>1 << <i16>(a & 7));
  const low = to - 3 * BLOCK;
  for (let p = from - 3 * BLOCK; p >= low; p -= 4 * BLOCK) {
    const q = p - (a >> 3);
    v128.store(p, merge(v128.load(p, 48), v128.load(q, 48), v128.load(q - 1, 48), power), 48);
    v128.store(p, merge(v128.load(p, 32), v128.load(q, 32), v128.load(q - 1, 32), power), 32);
    v128.store(p, merge(v128.load(p, 16), v128.load(q, 16), v128.load(q - 1, 16), power), 16);
    v128.store(p, merge(v128.load(p, 0), v128.load(q, 0), v128.load(q - 1, 0), power), 0);
  }
}

/** Writes `note` (u16) into the table for every place of a block that has come new. */
function write(fresh: u64, table: usize, note: u16): void {
  for (; fresh; fresh &= fresh - 1) store<u16>(table + (<usize>ctz(fresh) << 1), note);
}

/** The same on single blocks. Every place that comes new gets `note` in the table (u16). */
export function stepNoting(from: usize, to: usize, a: u32, bits: usize, table: usize, note: u16): void {
  const power = i16x8.splat(<i16>1 << <i16>(a & 7));
  for (let p = from; p >= to; p -= BLOCK) {
    const q = p - (a >> 3);
    const sums = v128.load(p);
    const all = merge(sums, v128.load(q), v128.load(q - 1), power);
    const fresh = v128.xor(all, sums);
    if (!v128.any_true(fresh)) continue;
    v128.store(p, all);
    const place = table + ((p - bits) << 4);
    write(i64x2.extract_lane(fresh, 0), place, note);
    write(i64x2.extract_lane(fresh, 1), place + 128, note);
  }
}

/**
 * Lets in the magnitudes at from..to (i32, at most M) after others whose sum is `done`; returns the new sum of all.
 * Exact for the sums from (new sum) - keep to top; R is not kept up elsewhere.
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
