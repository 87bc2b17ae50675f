// Draws the items of four trials at a time, a trial a lane (src/ensemble.ts).

import * as P from "./params";
import { threefry } from "./random";

/** Bytes from an item to the next: item i of four trials is one v128. */
export const ITEM_STRIDE: usize = 16;
/** Words of a trial that `threefry` writes, in two blocks, and bytes of them for four trials. */
const WORDS_OF_CALL: u32 = 4;
const BLOCKS_BYTES: usize = 64;
/** Bytes of scratch memory of a draw: the words of the items' first slices, and those of an item that is drawn again. */
export const WORDS_BYTES: usize = 2 * BLOCKS_BYTES;

/** Blocks 0..31 of a trial hold the first slices of its items; attempt a >= 1 of item i has block 64 a + i to itself. */
// @ts-ignore: decorator
@inline
const BLOCKS_PER_ATTEMPT: u32 = 64;

/**
 * Draws the value of an item whose slice was rejected. At most 3.2 % of slices are (`slicingOf`), so that attempt 1024, whose
 * block number would run into the high bits of the trial index, has a probability below 10^-1500.
 */
function redraw(params: usize, trial: u64, item: u32, words: usize): u32 {
  const range = load<u32>(params, P.RANGE);
  const unusedBits: u32 = 32 - load<u32>(params, P.BITS);
  const threshold = load<u32>(params, P.THRESHOLD);
  const low = i32x4.splat(<u32>trial);
  for (let block = (<u32>(trial >> 32) << 16) + BLOCKS_PER_ATTEMPT + item; ; block += BLOCKS_PER_ATTEMPT) {
    const high = i32x4.splat(block);
    threefry(words, load<u32>(params, P.KEY_LOW), load<u32>(params, P.KEY_HIGH), low, high, high);
    const product = <u64>((load<u32>(words) >> unusedBits) << unusedBits) * range;
    if (<u32>product >= threshold) return <u32>(product >> 32);
  }
  return 0; // Unreachable, but the compiler wants it.
}

// @ts-ignore: decorator
@inline
function divide(x: v128, divisor: u32): v128 {
  return i32x4(
    <u32>i32x4.extract_lane(x, 0) / divisor, <u32>i32x4.extract_lane(x, 1) / divisor,
    <u32>i32x4.extract_lane(x, 2) / divisor, <u32>i32x4.extract_lane(x, 3) / divisor,
  );
}

/** The number of items whose first slices one call of `threefry` holds. */
export function itemsOfCall(params: usize): usize {
  return WORDS_OF_CALL * (32 / load<u32>(params, P.BITS));
}

/**
 * Draws the values of items of four trials, exactly uniform on 0..range-1: `drawValue` of src/ensemble.ts.
 *
 * @param params Params of `reach`, of which key, range, bits and threshold are read.
 * @param low Low word of the index of the first trial.
 * @param high High 16 bits of that index.
 * @param words Scratch memory of WORDS_BYTES.
 * @param items Where the values go, u32: value i of the four at items + i ITEM_STRIDE.
 * @param from The first item, a multiple of `itemsOfCall`.
 * @param to The end of the items.
 */
export function drawValues(
  params: usize, low: u32, high: u32, words: usize, items: usize, from: usize, to: usize,
): void {
  const key0 = load<u32>(params, P.KEY_LOW);
  const key1 = load<u32>(params, P.KEY_HIGH);
  const range = load<u32>(params, P.RANGE);
  const bits = load<u32>(params, P.BITS);
  const unusedBits: u32 = 32 - bits;
  const lows = i32x4.add(i32x4.splat(low), i32x4(0, 1, 2, 3));
  // A lane whose low word wrapped belongs to the next high word.
  const highs = i32x4.shl(i32x4.sub(i32x4.splat(high), i32x4.lt_u(lows, i32x4.splat(low))), 16);
  const end = items + to * ITEM_STRIDE;

  const powerOfTwo = (<u64>1) << bits == range;
  const ranges = i32x4.splat(range);
  const sliceMask = i32x4.splat(<u32>0xffffffff << unusedBits);
  const threshold = i32x4.splat(load<u32>(params, P.THRESHOLD));
  let word = words;
  let block: u32 = from ? 2 * <u32>(from / itemsOfCall(params)) : 0;
  for (let item = items + from * ITEM_STRIDE; item < end; word += 16) {
    if (word == words + BLOCKS_BYTES) word = words;
    if (word == words) {
      threefry(words, key0, key1, lows, v128.or(highs, i32x4.splat(block)), v128.or(highs, i32x4.splat(block + 1)));
      block += 2;
    }
    const x = v128.load(word);
    for (let cut: u32 = 0; cut <= unusedBits && item < end; cut += bits, item += ITEM_STRIDE) {
      if (powerOfTwo) {
        v128.store(item, i32x4.shr_u(i32x4.shl(x, cut), unusedBits));
        continue;
      }
      const slice = v128.and(i32x4.shl(x, cut), sliceMask);
      // The value is the high word of the product, and the low word decides about rejection.
      v128.store(
        item,
        i8x16.shuffle(
          i64x2.extmul_low_i32x4_u(slice, ranges), i64x2.extmul_high_i32x4_u(slice, ranges),
          4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31,
        ),
      );
      const rejected = i32x4.bitmask(i32x4.lt_u(i32x4.mul(slice, ranges), threshold));
      for (let lane: usize = 0; lane < 4 && rejected != 0; lane++) {
        if ((rejected >> <i32>lane) & 1)
          store<u32>(
            item + 4 * lane,
            redraw(params, ((<u64>high << 32) | low) + lane, <u32>((item - items) / ITEM_STRIDE), words + BLOCKS_BYTES),
          );
      }
    }
  }
}

/** Writes the digits of four trial indices in base `range` as values, the lowest digit for item 0. */
function enumerateValues(params: usize, low: u32, items: usize): void {
  const range = load<u32>(params, P.RANGE);
  const end = items + <usize>load<u32>(params, P.ITEMS_TO) * ITEM_STRIDE;
  let index = i32x4.add(i32x4.splat(low), i32x4(0, 1, 2, 3));
  for (let item = items; item < end; item += ITEM_STRIDE) {
    const quotient = divide(index, range);
    v128.store(item, i32x4.sub(index, i32x4.mul(quotient, i32x4.splat(range))));
    index = quotient;
  }
}

/**
 * Draws items of four trials: item i of the trial in lane l is the i32 at items + 16 i + 4 l.
 *
 * @param params Params of `reach`.
 * @param magnitudes The magnitudes of a listed law (`itemOf` of src/ensemble.ts), i32.
 * @param low Low word of the index of the first trial.
 * @param high High 16 bits of that index.
 * @param words Scratch memory of WORDS_BYTES.
 * @param items Where the items go, itemsTo times ITEM_STRIDE bytes.
 * @param from The first item, a multiple of `itemsOfCall`; 0 for enumerated trials.
 * @param to The end of the items; itemsTo for enumerated trials.
 */
export function draw(
  params: usize, magnitudes: usize, low: u32, high: u32, words: usize, items: usize, from: usize, to: usize,
): void {
  if (load<u32>(params, P.ENUMERATE)) enumerateValues(params, low, items);
  else drawValues(params, low, high, words, items, from, to);

  const factor = load<u32>(params, P.FACTOR);
  const listed = load<u32>(params, P.LISTED);
  const half = i32x4.splat(load<u32>(params, P.HALF));
  const gap = i32x4.splat(load<u32>(params, P.GAP));
  const end = items + to * ITEM_STRIDE;
  for (let item = items + from * ITEM_STRIDE; item < end; item += ITEM_STRIDE) {
    let value = v128.load(item);
    let u = i32x4.splat(1);
    if (factor > 1) {
      const quotient = divide(value, factor);
      u = i32x4.add(u, i32x4.sub(value, i32x4.mul(quotient, i32x4.splat(factor))));
      value = quotient;
    }
    const below = i32x4.sub(value, half);
    const v = i32x4.add(below, v128.and(gap, i32x4.ge_s(below, i32x4.splat(0))));
    v128.store(item, factor > 1 ? i32x4.mul(u, v) : v);
    if (listed) {
      for (let lane = item; lane < item + ITEM_STRIDE; lane += 4) {
        const signedIndex = load<i32>(lane);
        const magnitude = load<i32>(magnitudes + 4 * (abs(signedIndex) - 1));
        store<i32>(lane, signedIndex < 0 ? -magnitude : magnitude);
      }
    }
  }
}
