// The items of four trials, one trial a lane (src/ensemble.ts).

import * as P from "./params";
import { threefry } from "./random";

/** Bytes from one item of a trial to its next: the four trials' items stand side by side. */
export const ITEM_STRIDE: usize = 16;
/** Bytes of two times four blocks, and of the scratch memory of a draw: those at hand, and those of a value drawn again. */
const BLOCKS: usize = 64;
export const WORDS_BYTES: usize = 2 * BLOCKS;

/** One more value for an item whose slice was rejected: attempt a >= 1 of item i has block 64 a + i to itself. */
function redraw(params: usize, trial: u64, item: u32, scratch: usize): u32 {
  const range = load<u32>(params, P.RANGE);
  const rest: u32 = 32 - load<u32>(params, P.BITS);
  const threshold = load<u32>(params, P.THRESHOLD);
  const low = i32x4.splat(<u32>trial);
  for (let block = (<u32>(trial >> 32) << 16) + 64 + item; ; block += 64) {
    const high = i32x4.splat(block);
    threefry(scratch, load<u32>(params, P.KEY_LOW), load<u32>(params, P.KEY_HIGH), low, high, high);
    const product = <u64>((load<u32>(scratch) >> rest) << rest) * range;
    if (<u32>product >= threshold) return <u32>(product >> 32);
  }
  return 0; // never reached
}

// @ts-ignore: decorator
@inline
function divide(x: v128, by: u32): v128 {
  return i32x4(
    <u32>i32x4.extract_lane(x, 0) / by, <u32>i32x4.extract_lane(x, 1) / by,
    <u32>i32x4.extract_lane(x, 2) / by, <u32>i32x4.extract_lane(x, 3) / by,
  );
}

/** Cuts the values of the items from Threefry words, exactly uniform on 0..range-1. `words` is scratch. */
export function drawValues(params: usize, low: u32, high: u32, words: usize, items: usize): void {
  const key0 = load<u32>(params, P.KEY_LOW);
  const key1 = load<u32>(params, P.KEY_HIGH);
  const range = load<u32>(params, P.RANGE);
  const bits = load<u32>(params, P.BITS);
  const rest: u32 = 32 - bits;
  const lows = i32x4.add(i32x4.splat(low), i32x4(0, 1, 2, 3));
  // A lane whose low word wrapped belongs to the next high word.
  const highs = i32x4.shl(i32x4.sub(i32x4.splat(high), i32x4.lt_u(lows, i32x4.splat(low))), 16);
  const end = items + <usize>load<u32>(params, P.ITEMS_TO) * ITEM_STRIDE;

  const exact = (<u64>1) << bits == range;
  const by = i32x4.splat(range);
  const mask = i32x4.splat(<u32>0xffffffff << rest);
  const threshold = i32x4.splat(load<u32>(params, P.THRESHOLD));
  let word = words;
  for (let block: u32 = 0, item = items; item < end; word += 16) {
    if (word == words + BLOCKS) word = words;
    if (word == words) {
      threefry(words, key0, key1, lows, v128.or(highs, i32x4.splat(block)), v128.or(highs, i32x4.splat(block + 1)));
      block += 2;
    }
    const x = v128.load(word);
    for (let used: u32 = 0; used <= rest && item < end; used += bits, item += ITEM_STRIDE) {
      if (exact) {
        v128.store(item, i32x4.shr_u(i32x4.shl(x, used), rest));
        continue;
      }
      const slice = v128.and(i32x4.shl(x, used), mask);
      v128.store(
        item,
        i8x16.shuffle(
          i64x2.extmul_low_i32x4_u(slice, by), i64x2.extmul_high_i32x4_u(slice, by),
          4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31,
        ),
      );
      const rejected = i32x4.bitmask(i32x4.lt_u(i32x4.mul(slice, by), threshold));
      for (let lane: usize = 0; lane < 4 && rejected != 0; lane++) {
        if ((rejected >> <i32>lane) & 1)
          store<u32>(
            item + 4 * lane,
            redraw(params, ((<u64>high << 32) | low) + lane, <u32>((item - items) / ITEM_STRIDE), words + BLOCKS),
          );
      }
    }
  }
}

/** The digits of the trial indices in base `range`, item 0 the lowest. */
function enumerateValues(params: usize, low: u32, items: usize): void {
  const range = load<u32>(params, P.RANGE);
  const end = items + <usize>load<u32>(params, P.ITEMS_TO) * ITEM_STRIDE;
  let digits = i32x4.add(i32x4.splat(low), i32x4(0, 1, 2, 3));
  for (let item = items; item < end; item += ITEM_STRIDE) {
    const rest = divide(digits, range);
    v128.store(item, i32x4.sub(digits, i32x4.mul(rest, i32x4.splat(range))));
    digits = rest;
  }
}

/** Writes the items of trials first..first+3: item i of the trial in lane l at items + 16 i + 4 l. */
export function draw(params: usize, magnitudes: usize, low: u32, high: u32, words: usize, items: usize): void {
  if (load<u32>(params, P.ENUMERATE)) enumerateValues(params, low, items);
  else drawValues(params, low, high, words, items);

  const factor = load<u32>(params, P.FACTOR);
  const listed = load<u32>(params, P.LISTED);
  const half = i32x4.splat(load<u32>(params, P.HALF));
  const gap = i32x4.splat(load<u32>(params, P.GAP));
  const end = items + <usize>load<u32>(params, P.ITEMS_TO) * ITEM_STRIDE;
  for (let item = items; item < end; item += ITEM_STRIDE) {
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
        const place = load<i32>(lane);
        const magnitude = load<i32>(magnitudes + 4 * (abs(place) - 1));
        store<i32>(lane, place < 0 ? -magnitude : magnitude);
      }
    }
  }
}
