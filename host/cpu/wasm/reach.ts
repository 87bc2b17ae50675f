// reach in WebAssembly SIMD: the contract of src/kernels/reach.ts in the positive frame.
//
// Items enter by magnitude, so every step is R |= R << a on a bitset of sums, in place from the top. After i items
// only sums that can still end inside the window of targets matter: at most `top`, at least (sum so far) - `keep`.
// The first itemsFrom items of a trial may come in any order, so small ones go first and the window stays narrow.

import { advance, clear, countOnes, isSet } from "./bitset";
import { draw, ITEM_STRIDE } from "./draw";
import { reserve } from "./memory";
import * as P from "./params";

const MAX_ITEMS: usize = 64;
/** Bytes for the items of four trials, for the random words they are cut from, and for one trial's magnitudes. */
const ITEMS_BYTES: usize = MAX_ITEMS * ITEM_STRIDE;
const WORDS_BYTES: usize = MAX_ITEMS * ITEM_STRIDE + 32;
const ORDER_BYTES: usize = MAX_ITEMS * 4;
/** Bytes read or cleared past the highest bit. */
const SLACK: usize = 96;

/** Zero bytes below the bitset: a step reaches this far under sum 0. */
function margin(halfRange: u32): usize {
  return ((halfRange >> 3) + 111) & ~15;
}

/** Bytes of scratch memory to count trials with these parameters; any content will do. */
function scratchBytes(params: usize): usize {
  const halfRange = load<u32>(params, P.HALF_RANGE);
  const extent = load<u32>(params, P.EXTENT);
  const sum = load<u32>(params, P.ITEMS_TO) * halfRange;
  const top = load<u32>(params, P.SIGNED) ? (sum + extent) >> 1 : (sum >> 1) + extent;
  return ORDER_BYTES + margin(halfRange) + (min(sum, top) >> 3) + SLACK;
}

// @ts-ignore: decorator
@inline
function increment(word: usize): void {
  store<u32>(word, load<u32>(word) + 1);
}

/** Counts one trial whose items stand at `items`. `order` and `bits` are scratch. */
function count(params: usize, targets: usize, tally: usize, items: usize, order: usize, bits: usize): void {
  const M = load<i32>(params, P.HALF_RANGE);
  const from: usize = load<u32>(params, P.ITEMS_FROM);
  const to: usize = load<u32>(params, P.ITEMS_TO);
  const signed = load<u32>(params, P.SIGNED);
  const extent = load<i32>(params, P.EXTENT);
  const targetCount: usize = load<u32>(params, P.TARGETS);
  const sizes = to - from + 1;
  const uncovered = tally + 4;
  const missing = uncovered + 4 * sizes;
  const unsolved = missing + 8 * sizes;

  // The first `from` magnitudes with those up to M / 2 in front, then the others as drawn.
  let negative = 0;
  let sum = 0;
  let front = order;
  let back = order + 4 * (from - 1);
  for (let i: usize = 0; i < from; i++) {
    const item = load<i32>(items + i * ITEM_STRIDE);
    const sign = item >> 31;
    const a = (item ^ sign) - sign;
    sum += a;
    negative += a & sign;
    const large: usize = a > M >> 1 ? 1 : 0;
    store<i32>(large ? back : front, a);
    front += 4 * (1 - large);
    back -= 4 * large;
  }
  const negativeFrom = negative;
  for (let i = from; i < to; i++) {
    const item = load<i32>(items + i * ITEM_STRIDE);
    const sign = item >> 31;
    const a = (item ^ sign) - sign;
    sum += a;
    negative += a & sign;
    store<i32>(order + 4 * i, a);
  }

  // Mirrored where the negatives weigh more, so that `top` is at most half of all sums and a margin.
  const mirrored = !signed && negative > sum - negative;
  if (mirrored) negative = sum - negative;
  const top = min(sum, signed ? (sum + extent) >> 1 : negative + extent);
  const keep = signed ? (sum + extent + 1) >> 1 : sum - negative + extent;
  clear(bits, top);

  let done = advance(bits, order, order + 4 * from, 0, top, keep, M);
  /** Where target 0 stands. */
  let zero = mirrored ? done - negativeFrom : negativeFrom;
  for (let n = from; ; n++) {
    const j = n - from;
    let misses: u32;
    if (signed) {
      misses = 2 * M + 1 - countOnes(bits, max(0, (done - M + 1) >> 1), min(done, (done + M) >> 1));
      if (!isSet(bits, (done + 1) >> 1)) increment(uncovered + 4 * j);
    } else {
      misses = 2 * M + 1 - countOnes(bits, max(0, zero - M), min(done, zero + M));
      if (misses) increment(uncovered + 4 * j);
    }
    store<u64>(missing + 8 * j, load<u64>(missing + 8 * j) + misses);
    let open = misses;
    for (let t: usize = 0; t < targetCount; t++) {
      const target = load<i32>(targets + 4 * t);
      // Far targets may wrap, to a negative place, which is as unreachable as the right one.
      let place = mirrored ? zero - target : zero + target;
      if (signed) place = (target + done) & 1 ? -1 : (target + done) >> 1;
      if (place < 0 || place > done || !isSet(bits, place)) {
        increment(unsolved + 4 * (t * sizes + j));
        open++;
      }
    }
    if (n == to || (!signed && !open)) break;
    const magnitude = order + 4 * n;
    if (load<i32>(items + n * ITEM_STRIDE) < 0 != mirrored) zero += load<i32>(magnitude);
    done = advance(bits, magnitude, magnitude + 4, done, top, keep, M);
  }
}

/** Zeroes a tally but for its trials, and the margin below the bitset, whose place it returns. */
function clearTally(params: usize, tally: usize, order: usize): usize {
  const sizes: usize = load<u32>(params, P.ITEMS_TO) - load<u32>(params, P.ITEMS_FROM) + 1;
  memory.fill(tally, 0, 4 * (1 + (3 + load<u32>(params, P.TARGETS)) * sizes));
  store<u32>(tally, load<u32>(params, P.COUNT));
  const space = margin(load<u32>(params, P.HALF_RANGE));
  memory.fill(order + ORDER_BYTES, 0, space);
  return order + ORDER_BYTES + space;
}

/** Counts up to four trials that lie side by side. */
function countGroup(
  params: usize, targets: usize, tally: usize, items: usize, trials: u32, order: usize, bits: usize,
): void {
  for (let l: u32 = 0; l < trials; l++) count(params, targets, tally, items + 4 * l, order, bits);
}

/** Draws the trials of the batch: items lie in groups of four trials, ITEMS_TO blocks of a lane for each (`draw`). */
export function drawTrials(params: usize, magnitudes: usize, items: usize, words: usize): void {
  const trials = load<u32>(params, P.COUNT);
  const group: usize = <usize>load<u32>(params, P.ITEMS_TO) * ITEM_STRIDE;
  let first = <u64>load<u32>(params, P.FIRST_LOW) | (<u64>load<u32>(params, P.FIRST_HIGH) << 32);
  for (let t: u32 = 0; t < trials; t += 4, first += 4, items += group)
    draw(params, magnitudes, <u32>first, <u32>(first >> 32), words, items);
}

/** Zeroes and fills the tally of trials that are drawn. */
export function countTrials(params: usize, targets: usize, items: usize, tally: usize, scratch: usize): void {
  const trials = load<u32>(params, P.COUNT);
  reserve(<u64>scratch + scratchBytes(params));
  const bits = clearTally(params, tally, scratch);
  const group: usize = <usize>load<u32>(params, P.ITEMS_TO) * ITEM_STRIDE;
  for (let t: u32 = 0; t < trials; t += 4, items += group)
    countGroup(params, targets, tally, items, min(4, trials - t), scratch, bits);
}

/** The kernel: zeroes and fills the tally of the batch that the parameters name. */
export function reach(params: usize, targets: usize, magnitudes: usize, tally: usize, scratch: usize): void {
  const trials = load<u32>(params, P.COUNT);
  reserve(<u64>scratch + ITEMS_BYTES + WORDS_BYTES + scratchBytes(params));
  const words = scratch + ITEMS_BYTES;
  const order = words + WORDS_BYTES;
  const bits = clearTally(params, tally, order);
  let first = <u64>load<u32>(params, P.FIRST_LOW) | (<u64>load<u32>(params, P.FIRST_HIGH) << 32);
  for (let t: u32 = 0; t < trials; t += 4, first += 4) {
    draw(params, magnitudes, <u32>first, <u32>(first >> 32), words, scratch);
    countGroup(params, targets, tally, scratch, min(4, trials - t), order, bits);
  }
}
