// A bitset of sums in memory, growing one item at a time: R |= R << a. Bit s stands for the sum s.

import { ITEM_STRIDE } from "./draw";

const BLOCK: usize = 16;
/** Bytes that a step takes at a time. */
const CHUNK: usize = 4 * BLOCK;
/** Sums below these fit into four and eight registers. */
const SMALL: i32 = 256;
const MEDIUM: i32 = 512;
/** Sums from which on the runtime clears faster than a loop. */
const LARGE: i32 = 2 ** 15;

/** The set {0}, with room for sums up to `top` and some beyond. */
export function clear(bits: usize, top: i32): void {
  const end = bits + (top >> 3) + CHUNK;
  if (top < LARGE) for (let p = bits; p < end; p += BLOCK) v128.store(p, i64x2.splat(0));
  else memory.fill(bits, 0, end - bits);
  store<u64>(bits, 1);
}

// @ts-ignore: decorator
@inline
export function isSet(bits: usize, place: i32): u32 {
  return (<u32>load<u8>(bits + (place >> 3)) >> (place & 7)) & 1;
}

/** How many of the bits from..to are set, 0 <= from. */
export function countOnes(bits: usize, from: i32, to: i32): i32 {
  if (to < from) return 0;
  let p = bits + ((from >> 6) << 3);
  const last = bits + ((to >> 6) << 3);
  let word = load<u64>(p) & (<u64>-1 << (from & 63));
  let ones: u64 = 0;
  for (; p + 32 <= last; p += 32) {
    ones += popcnt(word) + popcnt(load<u64>(p, 8)) + (popcnt(load<u64>(p, 16)) + popcnt(load<u64>(p, 24)));
    word = load<u64>(p, 32);
  }
  for (; p < last; p += 8) {
    ones += popcnt(word);
    word = load<u64>(p, 8);
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
  for (let p = from; p < to; p += ITEM_STRIDE) {
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
  for (let p = from; p < to; p += ITEM_STRIDE) {
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

/** 2^0..2^7. Loaded, since V8 makes a value that is only computed again in every turn of a loop. */
const powers: usize = memory.data<u16>([1, 2, 4, 8, 16, 32, 64, 128]);

// @ts-ignore: decorator
@inline
function powerOf(a: u32): v128 {
  return v128.load16_splat(powers + ((a & 7) << 1));
}

/** The bytes one below those of `upper`, which `lower` precedes. */
// @ts-ignore: decorator
@inline
function below(upper: v128, lower: v128): v128 {
  return i8x16.shuffle(lower, upper, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30);
}

/**
 * R |= R << a on the four blocks at p, where q = p - (a >> 3) - BLOCK. A left shift by a & 7 is a product with a power of
 * two: of the bytes of a block it lacks the bits that come in from below, which the product of the bytes one below has.
 * So one loop serves every shift, where a loop for each known count would pay for a jump that is never predicted, and V8
 * does not hoist a variable count. Half of the bytes one below are loaded and half shuffled: either alone is slower.
 */
// @ts-ignore: decorator
@inline
function stepChunk(p: usize, q: usize, power: v128): void {
  const q4 = v128.load(q, 64), q3 = v128.load(q, 48), q2 = v128.load(q, 32), q1 = v128.load(q, 16);
  v128.store(p, merge(v128.load(p, 48), q4, below(q4, q3), power), 48);
  v128.store(p, merge(v128.load(p, 32), q3, v128.load(q, 47), power), 32);
  v128.store(p, merge(v128.load(p, 16), q2, below(q2, q1), power), 16);
  v128.store(p, merge(v128.load(p), q1, v128.load(q, 15), power));
}

/** R |= R << a on the blocks from `from` down to `to`, and up to three below. */
export function step(from: usize, to: usize, a: u32): void {
  const power = powerOf(a);
  const low = to - 3 * BLOCK;
  let p = from - 3 * BLOCK;
  for (let q = p - (a >> 3) - BLOCK; p >= low; p -= CHUNK, q -= CHUNK) stepChunk(p, q, power);
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
 * Lets in the magnitudes at from..to (i32, ITEM_STRIDE apart, at most M) after others whose sum is `done`; returns the new sum of all.
 * Exact for the sums from (new sum) - keep to top; R is not kept up elsewhere.
 */
export function advance(bits: usize, from: usize, to: usize, done: i32, top: i32, keep: i32, M: i32): i32 {
  if (inRegisters(M, top)) {
    if (top < SMALL) advance4(bits, from, to);
    else advance8(bits, from, to);
    for (let p = from; p < to; p += ITEM_STRIDE) done += load<i32>(p);
    return done;
  }
  for (let p = from; p < to; p += ITEM_STRIDE) {
    const a = load<i32>(p);
    done += a;
    step(bits + ((min(done, top) >> 3) & ~15), bits + ((max(0, done - keep) >> 3) & ~15), a);
  }
  return done;
}

/**
 * The same from {0} on for two bitsets, whose magnitudes stand side by side, step by step in turns: a step waits for what
 * the one before it stored, and the other one fills that time. The one with less to do goes on below its window.
 */
export function advanceTwo(
  bits0: usize, bits1: usize, from: usize, to: usize, top0: i32, top1: i32, keep0: i32, keep1: i32,
): void {
  let done0 = 0, done1 = 0;
  for (let at = from; at < to; at += ITEM_STRIDE) {
    const a0 = load<i32>(at), a1 = load<i32>(at, 4);
    done0 += a0;
    done1 += a1;
    const high0 = (min(done0, top0) >> 3) & ~15, high1 = (min(done1, top1) >> 3) & ~15;
    const low0 = (max(0, done0 - keep0) >> 3) & ~15, low1 = (max(0, done1 - keep1) >> 3) & ~15;
    const power0 = powerOf(a0), power1 = powerOf(a1);
    let p0 = bits0 + high0 - 3 * BLOCK, p1 = bits1 + high1 - 3 * BLOCK;
    let q0 = p0 - (a0 >> 3) - BLOCK, q1 = p1 - (a1 >> 3) - BLOCK;
    for (let left = max(high0 - low0, high1 - low1); left >= 0; left -= <i32>CHUNK) {
      stepChunk(p0, q0, power0);
      stepChunk(p1, q1, power1);
      p0 -= CHUNK; p1 -= CHUNK; q0 -= CHUNK; q1 -= CHUNK;
    }
  }
}

/** Zero bytes below a bitset for magnitudes up to M and, where it takes turns with another, sums up to `top`. */
export function marginBytes(M: usize, top: usize): usize {
  return ((M >> 3) + (top >> 3) + 4 * CHUNK) & ~15;
}

/** Bytes for sums up to `top` and what is read or cleared beyond. */
export function tableBytes(top: usize): usize {
  return ((top >> 3) + 2 * CHUNK) & ~15;
}

/** Whether sums up to `top` of magnitudes up to M are kept in registers. */
// @ts-ignore: decorator
@inline
export function inRegisters(M: i32, top: i32): bool {
  return M <= 64 && top < MEDIUM;
}
