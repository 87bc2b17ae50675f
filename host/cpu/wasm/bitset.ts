// The bitset of an instance's sums in memory, and its step R |= R << a for an item of magnitude a. Bit s is the sum s.
//
// A row is the bitset after some items. Only its live window (docs/glossary.md) is exact: the bits from
// prefix sum - windowDepth to liveTo. Steps update whole blocks, so they read zeros below bit 0 and change stale bits beside
// the window.

import { ITEM_STRIDE } from "./draw";

/** Bytes of a v128. */
const BLOCK: usize = 16;
/** Bytes that a step updates at a time. */
const CHUNK: usize = 4 * BLOCK;
/** Bits that four and eight words of 64 bits hold: a row of fewer stays in registers. */
const BITS_OF_4_WORDS: i32 = 256;
const BITS_OF_8_WORDS: i32 = 512;
/** The largest magnitude that a row in registers is shifted by: a shift moves bits at most one word up. */
const MAX_SHIFT_OF_WORDS: i32 = 64;
/** Bits from which on a row is cleared by `memory.fill` instead of a loop. */
const BITS_TO_FILL: i32 = 2 ** 15;

/** Writes the set {0}: sets bit 0, and clears the others up to `liveTo` and a chunk beyond. */
export function clear(bits: usize, liveTo: i32): void {
  const end = bits + (liveTo >> 3) + CHUNK;
  if (liveTo < BITS_TO_FILL) for (let p = bits; p < end; p += BLOCK) v128.store(p, i64x2.splat(0));
  else memory.fill(bits, 0, end - bits);
  store<u64>(bits, 1);
}

/** The byte offset of the block that holds a bit. */
// @ts-ignore: decorator
@inline
export function blockOffset(bit: i32): i32 {
  return (bit >> 3) & ~15;
}

// @ts-ignore: decorator
@inline
export function isSet(bits: usize, bit: i32): u32 {
  return (<u32>load<u8>(bits + (bit >> 3)) >> (bit & 7)) & 1;
}

/** The 64 bits from `bit` on: as they are where -64 < bit <= last, else 0. `clear` and a margin have written all of them. */
// @ts-ignore: decorator
@inline
export function wordAt(bits: usize, bit: i32, last: i32): u64 {
  if (bit <= -64 || bit > last) return 0;
  const p = bits + (bit >> 3);
  const below: u64 = bit & 7;
  return (load<u64>(p) >> below) | ((<u64>load<u8>(p, 8) << 1) << (63 - below));
}

/** Counts the set bits of from..to, 0 <= from; 0 where to < from. */
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

/** The last bit of from..to that is set, or -1. */
export function lastSet(bits: usize, from: i32, to: i32): i32 {
  for (let bit = to; bit >= from; bit = (bit & ~63) - 1) {
    const word = load<u64>(bits + ((bit >> 6) << 3)) << (63 - (bit & 63));
    if (!word) continue;
    bit -= <i32>clz(word);
    return bit < from ? -1 : bit;
  }
  return -1;
}

/** The first bit of from..to that is set, or -1. */
export function firstSet(bits: usize, from: u32, to: u32): i32 {
  for (let bit = from; bit <= to; bit = (bit | 63) + 1) {
    const word = load<u64>(bits + ((bit >> 6) << 3)) >> (bit & 63);
    if (!word) continue;
    bit += <u32>ctz(word);
    return bit > to ? -1 : bit;
  }
  return -1;
}

/** The upper word of (high, low) << a, for a in 0..63: shifting low by 1 first keeps the count below 64 for a = 0. */
// @ts-ignore: decorator
@inline
function shifted(high: u64, low: u64, a: u64): u64 {
  return (high << a) | ((low >> 1) >> (63 - a));
}

/** Enters the magnitudes at from..to (at most 64) into a row of fewer than 256 bits, held in registers. */
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

/** `advance4` for a row of fewer than 512 bits. */
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

/** Adds to `sums` the bytes of `upper` times `power`, with the carries out of the bytes of `lower`, one below each. */
// @ts-ignore: decorator
@inline
function merge(sums: v128, upper: v128, lower: v128, power: v128): v128 {
  return v128.or(sums, v128.or(i16x8.mul(upper, power), i16x8.shr_u(i16x8.mul(lower, power), 8)));
}

/** 2^0..2^7. They are loaded, since V8 computes a vector anew in every iteration of a loop, but keeps a loaded one. */
const powers: usize = memory.data<u16>([1, 2, 4, 8, 16, 32, 64, 128]);

// @ts-ignore: decorator
@inline
function powerOf(a: u32): v128 {
  return v128.load16_splat(powers + ((a & 7) << 1));
}

/** The 16 bytes one below those of `upper`, where `lower` is the block before it. */
// @ts-ignore: decorator
@inline
function oneByteBelow(upper: v128, lower: v128): v128 {
  return i8x16.shuffle(lower, upper, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30);
}

/**
 * R |= R << a on the four blocks at `to`, where `from` is to - (a >> 3) - BLOCK. Shifting by a >> 3 bytes is another address.
 * Shifting left by the a & 7 bits that remain is a product with a power of two: it lacks the bits that come in from the byte
 * below, which the product of the bytes one below has. So one loop serves every shift. A loop for each known count would pay
 * for a jump that is never predicted, and V8 does not hoist a variable count. Half of the bytes one below are loaded and half
 * are shuffled: either alone is slower (measured).
 */
// @ts-ignore: decorator
@inline
function stepChunk(to: usize, from: usize, power: v128): void {
  const from4 = v128.load(from, 64), from3 = v128.load(from, 48), from2 = v128.load(from, 32), from1 = v128.load(from, 16);
  v128.store(to, merge(v128.load(to, 48), from4, oneByteBelow(from4, from3), power), 48);
  v128.store(to, merge(v128.load(to, 32), from3, v128.load(from, 47), power), 32);
  v128.store(to, merge(v128.load(to, 16), from2, oneByteBelow(from2, from1), power), 16);
  v128.store(to, merge(v128.load(to), from1, v128.load(from, 15), power));
}

/** R |= R << a on the blocks from `highest` down to `lowest`, and on up to three below. In place, so from the top down. */
export function step(highest: usize, lowest: usize, a: u32): void {
  const power = powerOf(a);
  const end = lowest - 3 * BLOCK;
  let to = highest - 3 * BLOCK;
  for (let from = to - (a >> 3) - BLOCK; to >= end; to -= CHUNK, from -= CHUNK) stepChunk(to, from, power);
}

/** Writes `note` to the table at every bit that is set in `fresh`. */
function writeNotes(fresh: u64, table: usize, note: u16): void {
  for (; fresh; fresh &= fresh - 1) store<u16>(table + (<usize>ctz(fresh) << 1), note);
}

/**
 * R |= R << a, block by block, with a note of the bits that become set.
 *
 * @param highest The highest block of the bitset to update.
 * @param lowest The lowest one.
 * @param a The magnitude.
 * @param bits The bitset.
 * @param table A u16 for every bit.
 * @param note What is written into the table for every bit that becomes set.
 */
export function stepNoting(highest: usize, lowest: usize, a: u32, bits: usize, table: usize, note: u16): void {
  const power = i16x8.splat(<i16>1 << <i16>(a & 7));
  for (let to = highest; to >= lowest; to -= BLOCK) {
    const from = to - (a >> 3);
    const sums = v128.load(to);
    const all = merge(sums, v128.load(from), v128.load(from - 1), power);
    const fresh = v128.xor(all, sums);
    if (!v128.any_true(fresh)) continue;
    v128.store(to, all);
    const notes = table + ((to - bits) << 4);
    writeNotes(i64x2.extract_lane(fresh, 0), notes, note);
    writeNotes(i64x2.extract_lane(fresh, 1), notes + 128, note);
  }
}

/**
 * Enters magnitudes into a row, and returns the new prefix sum.
 *
 * @param bits The row, with `marginBytes` zeros below.
 * @param from The first magnitude: i32 of 0..M, ITEM_STRIDE apart.
 * @param to The end of the magnitudes.
 * @param prefixSum The sum of the magnitudes that have entered.
 * @param liveTo The highest live bit of the trial.
 * @param windowDepth How far the live window reaches below the prefix sum.
 * @param M The half range.
 */
export function advance(
  bits: usize, from: usize, to: usize, prefixSum: i32, liveTo: i32, windowDepth: i32, M: i32,
): i32 {
  if (inRegisters(M, liveTo)) {
    if (liveTo < BITS_OF_4_WORDS) advance4(bits, from, to);
    else advance8(bits, from, to);
    for (let p = from; p < to; p += ITEM_STRIDE) prefixSum += load<i32>(p);
    return prefixSum;
  }
  for (let p = from; p < to; p += ITEM_STRIDE) {
    const a = load<i32>(p);
    prefixSum += a;
    step(bits + blockOffset(min(prefixSum, liveTo)), bits + blockOffset(max(0, prefixSum - windowDepth)), a);
  }
  return prefixSum;
}

/**
 * Enters the magnitudes of two neighboring trials into two rows {0}, their steps interleaved chunk by chunk: a chunk waits for
 * what the chunk before it stored, and the other trial fills that latency. The trial with the narrower window goes on below it.
 *
 * @param bits0 The row of the first trial, with `marginBytes` zeros below.
 * @param bits1 The row of the second trial, likewise.
 * @param from The first magnitude of the first trial, with that of the second one behind it: i32, ITEM_STRIDE apart.
 * @param to The end of the magnitudes.
 * @param liveTo0 The highest live bit of the first trial.
 * @param liveTo1 The highest live bit of the second trial.
 * @param windowDepth0 How far the live window of the first trial reaches below its prefix sum.
 * @param windowDepth1 How far that of the second trial does.
 */
export function advanceTwo(
  bits0: usize, bits1: usize, from: usize, to: usize,
  liveTo0: i32, liveTo1: i32, windowDepth0: i32, windowDepth1: i32,
): void {
  let prefixSum0 = 0, prefixSum1 = 0;
  for (let p = from; p < to; p += ITEM_STRIDE) {
    const a0 = load<i32>(p), a1 = load<i32>(p, 4);
    prefixSum0 += a0;
    prefixSum1 += a1;
    const high0 = blockOffset(min(prefixSum0, liveTo0)), high1 = blockOffset(min(prefixSum1, liveTo1));
    const low0 = blockOffset(max(0, prefixSum0 - windowDepth0)), low1 = blockOffset(max(0, prefixSum1 - windowDepth1));
    const power0 = powerOf(a0), power1 = powerOf(a1);
    let to0 = bits0 + high0 - 3 * BLOCK, to1 = bits1 + high1 - 3 * BLOCK;
    let from0 = to0 - (a0 >> 3) - BLOCK, from1 = to1 - (a1 >> 3) - BLOCK;
    for (let bytes = max(high0 - low0, high1 - low1); bytes >= 0; bytes -= <i32>CHUNK) {
      stepChunk(to0, from0, power0);
      stepChunk(to1, from1, power1);
      to0 -= CHUNK; to1 -= CHUNK; from0 -= CHUNK; from1 -= CHUNK;
    }
  }
}

/**
 * Bytes of zeros that a row needs below bit 0, for magnitudes up to M.
 *
 * @param liveTo The highest live bit where two rows are interleaved, so that either may go on below its window; else 0.
 */
export function marginBytes(M: usize, liveTo: usize): usize {
  return ((M >> 3) + (liveTo >> 3) + 4 * CHUNK) & ~15;
}

/** Bytes of a row up to `liveTo`, and of what `clear` and `countOnes` touch beyond. */
export function rowBytes(liveTo: usize): usize {
  return ((liveTo >> 3) + 2 * CHUNK) & ~15;
}

/** Whether `advance` holds a row up to `liveTo` in registers, for magnitudes up to M. */
// @ts-ignore: decorator
@inline
export function inRegisters(M: i32, liveTo: i32): bool {
  return M <= MAX_SHIFT_OF_WORDS && liveTo < BITS_OF_8_WORDS;
}
