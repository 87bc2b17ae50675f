// reach in WebAssembly SIMD: the contract of src/kernels/reach.ts in the positive frame.
//
// Items enter by magnitude, so every step is R |= R << a on a bitset of sums, in place from the top. After i items
// only sums that can still end inside the window of targets matter: at most `top`, at least (sum so far) - `keep`.
// The first itemsFrom items of a trial may come in any order (`arrange`); the others come as drawn, for what is asked
// after each of them. Trials are drawn and laid out four at a time, a lane each.

import { arrange, arrangeBytes } from "./arrange";
import { advance, advanceTwo, clear, countOnes, inRegisters, isSet, marginBytes, tableBytes } from "./bitset";
import { draw, ITEM_STRIDE, WORDS_BYTES } from "./draw";
import { reserve } from "./memory";
import * as P from "./params";

/**
 * Shapes by half range, as `exacta bench --only shapes` measures them: from the first on items are arranged, and up to
 * the second two trials take turns. Small bitsets stay in registers, where neither matters.
 */
let arrangedFrom: i32 = 512;
let turnsTo: i32 = 4096;

/** Sets the half ranges at which shapes change, for those who measure them: the answers are the same. */
export function chooseShapes(arranged: i32, turns: i32): void {
  arrangedFrom = arranged;
  turnsTo = turns;
}

const MAX_ITEMS: usize = 64;
/** Bytes for the items of four trials. */
const ITEMS_BYTES: usize = MAX_ITEMS * ITEM_STRIDE;

/** The scratch memory of four trials: magnitudes as drawn, magnitudes in order, room to arrange them, two bitsets. */
const ORDER: usize = MAX_ITEMS * ITEM_STRIDE;
const KEYS: usize = 2 * ORDER;
const TABLES: usize = KEYS + arrangeBytes(MAX_ITEMS);

/** What is known of four trials, i32x4 at these offsets. */
const frames: usize = memory.data(4 * 16, 16);
/** The sum of the first ITEMS_FROM magnitudes, and where target 0 stands among their sums. */
const DONE: usize = 0;
const ZERO: usize = 16;
const TOP: usize = 32;
const KEEP: usize = 48;

/** The highest sum that matters in any trial. */
function topOf(params: usize): usize {
  const extent = load<u32>(params, P.EXTENT);
  const sum = load<u32>(params, P.ITEMS_TO) * load<u32>(params, P.HALF_RANGE);
  return min(sum, load<u32>(params, P.SIGNED) ? (sum + extent) >> 1 : (sum >> 1) + extent);
}

/** Whether trials may take turns: there are two bitsets then. */
// @ts-ignore: decorator
@inline
function mayTakeTurns(params: usize): bool {
  return load<i32>(params, P.HALF_RANGE) <= turnsTo;
}

/** Zero bytes below a bitset. */
function margin(params: usize): usize {
  return marginBytes(load<u32>(params, P.HALF_RANGE), mayTakeTurns(params) ? topOf(params) : 0);
}

/** All bytes that a bitset takes. */
function room(params: usize): usize {
  return margin(params) + tableBytes(topOf(params));
}

/** Bytes of scratch memory to count trials with these parameters; any content will do. */
function scratchBytes(params: usize): usize {
  return TABLES + (mayTakeTurns(params) ? 2 : 1) * room(params);
}

// @ts-ignore: decorator
@inline
function add(word: usize, by: u32): void {
  store<u32>(word, load<u32>(word) + by);
}

/** Counts one trial, whose first ITEMS_FROM items have made `bits`; the pointers are to its lane. */
function tallyTrial(
  params: usize, targets: usize, tally: usize, items: usize, magnitudes: usize, frame: usize, mirrored: bool, bits: usize,
): void {
  const M = load<i32>(params, P.HALF_RANGE);
  const from: usize = load<u32>(params, P.ITEMS_FROM);
  const to: usize = load<u32>(params, P.ITEMS_TO);
  const signed = load<u32>(params, P.SIGNED);
  const targetCount: usize = load<u32>(params, P.TARGETS);
  const sizes = to - from + 1;
  const uncovered = tally + 4;
  const missing = uncovered + 4 * sizes;
  const unsolved = missing + 8 * sizes;
  let done = load<i32>(frame, DONE);
  let zero = load<i32>(frame, ZERO);
  // What is reached is as good as random near the threshold, so nothing below branches on it.
  for (let n = from; ; n++) {
    const j = n - from;
    let misses: u32;
    if (signed) {
      misses = 2 * M + 1 - countOnes(bits, max(0, (done - M + 1) >> 1), min(done, (done + M) >> 1));
      add(uncovered + 4 * j, 1 - isSet(bits, (done + 1) >> 1));
    } else {
      misses = 2 * M + 1 - countOnes(bits, max(0, zero - M), min(done, zero + M));
      add(uncovered + 4 * j, <u32>(misses > 0));
    }
    store<u64>(missing + 8 * j, load<u64>(missing + 8 * j) + misses);
    let open = misses;
    for (let t: usize = 0; t < targetCount; t++) {
      const target = load<i32>(targets + 4 * t);
      // Far targets may wrap, to a negative place, which is as unreachable as the right one.
      let place = mirrored ? zero - target : zero + target;
      if (signed) place = (target + done) & 1 ? -1 : (target + done) >> 1;
      const within = <u32>(<u32>place <= <u32>done);
      const unreached = 1 - (within & isSet(bits, within ? place : 0));
      add(unsolved + 4 * (t * sizes + j), unreached);
      open += unreached;
    }
    if (n == to || (!signed && !open)) break;
    const magnitude = magnitudes + n * ITEM_STRIDE;
    const below = <i32>(load<i32>(items + n * ITEM_STRIDE) < 0 != mirrored);
    zero += load<i32>(magnitude) & -below;
    done = advance(bits, magnitude, magnitude + ITEM_STRIDE, done, load<i32>(frame, TOP), load<i32>(frame, KEEP), M);
  }
}

/** Lays out four trials: writes their magnitudes and frames; returns a bit for each that is mirrored. */
function layOut(params: usize, items: usize, magnitudes: usize): i32 {
  const from: usize = load<u32>(params, P.ITEMS_FROM);
  const to: usize = load<u32>(params, P.ITEMS_TO);
  const extent = i32x4.splat(load<i32>(params, P.EXTENT));
  let sum = i32x4.splat(0), negative = sum, sumFrom = sum, negativeFrom = sum;
  for (let i: usize = 0; i <= to; i++) {
    if (i == from) {
      sumFrom = sum;
      negativeFrom = negative;
    }
    if (i == to) break;
    const item = v128.load(items + i * ITEM_STRIDE);
    const magnitude = i32x4.abs(item);
    v128.store(magnitudes + i * ITEM_STRIDE, magnitude);
    sum = i32x4.add(sum, magnitude);
    negative = i32x4.sub(negative, i32x4.min_s(item, i32x4.splat(0)));
  }
  v128.store(frames, sumFrom, DONE);
  if (load<u32>(params, P.SIGNED)) {
    const twice = i32x4.add(sum, extent);
    v128.store(frames, i32x4.min_s(sum, i32x4.shr_s(twice, 1)), TOP);
    v128.store(frames, i32x4.shr_s(i32x4.add(twice, i32x4.splat(1)), 1), KEEP);
    return 0;
  }
  // Mirrored where the negatives weigh more, so that `top` is at most half of all sums and a margin.
  const positive = i32x4.sub(sum, negative);
  const least = i32x4.min_s(negative, positive);
  const mirrored = i32x4.gt_s(negative, positive);
  v128.store(frames, v128.bitselect(i32x4.sub(sumFrom, negativeFrom), negativeFrom, mirrored), ZERO);
  v128.store(frames, i32x4.min_s(sum, i32x4.add(least, extent)), TOP);
  v128.store(frames, i32x4.add(i32x4.sub(sum, least), extent), KEEP);
  return i32x4.bitmask(mirrored);
}

/** Counts up to four trials that lie side by side. `bits` has room for a bitset, and `next` for another. */
function countGroup(
  params: usize, targets: usize, tally: usize, items: usize, trials: u32, scratch: usize, bits: usize, next: usize,
): void {
  const M = load<i32>(params, P.HALF_RANGE);
  const from: usize = load<u32>(params, P.ITEMS_FROM);
  const mirrored = layOut(params, items, scratch);
  let order = scratch;
  if (M >= arrangedFrom) {
    order += ORDER;
    arrange(scratch, from, order, scratch + KEYS);
  }
  const end = order + from * ITEM_STRIDE;
  for (let t: u32 = 0; t < trials; t++) {
    const lane: usize = t << 2;
    const frame = frames + lane;
    const pair = frames + (lane & 8);
    const top = load<i32>(frame, TOP), keep = load<i32>(frame, KEEP);
    const turns = mayTakeTurns(params) && !inRegisters(M, max(load<i32>(pair, TOP), load<i32>(pair + 4, TOP)));
    if (!turns) {
      clear(bits, top);
      advance(bits, order + lane, end, 0, top, keep, M);
    } else if (frame == pair) {
      // The other one may be no trial of the batch: it is drawn all the same.
      const topNext = load<i32>(frame + 4, TOP);
      clear(bits, top);
      clear(next, topNext);
      advanceTwo(bits, next, order + lane, end, top, topNext, keep, load<i32>(frame + 4, KEEP));
    }
    tallyTrial(
      params, targets, tally, items + lane, scratch + lane, frame, <bool>((mirrored >> t) & 1),
      turns && frame != pair ? next : bits,
    );
  }
}

/** Zeroes a tally but for its trials, and the margins of the bitsets; returns where the first one begins. */
function prepare(params: usize, tally: usize, scratch: usize): usize {
  const sizes: usize = load<u32>(params, P.ITEMS_TO) - load<u32>(params, P.ITEMS_FROM) + 1;
  memory.fill(tally, 0, 4 * (1 + (3 + load<u32>(params, P.TARGETS)) * sizes));
  store<u32>(tally, load<u32>(params, P.COUNT));
  const space = margin(params);
  memory.fill(scratch + TABLES, 0, space);
  if (mayTakeTurns(params)) memory.fill(scratch + TABLES + room(params), 0, space);
  return scratch + TABLES + space;
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
  const bits = prepare(params, tally, scratch);
  const next = bits + room(params);
  const group: usize = <usize>load<u32>(params, P.ITEMS_TO) * ITEM_STRIDE;
  for (let t: u32 = 0; t < trials; t += 4, items += group)
    countGroup(params, targets, tally, items, min(4, trials - t), scratch, bits, next);
}

/** The kernel: zeroes and fills the tally of the batch that the parameters name. */
export function reach(params: usize, targets: usize, magnitudes: usize, tally: usize, scratch: usize): void {
  const trials = load<u32>(params, P.COUNT);
  reserve(<u64>scratch + ITEMS_BYTES + WORDS_BYTES + scratchBytes(params));
  const words = scratch + ITEMS_BYTES;
  const order = words + WORDS_BYTES;
  const bits = prepare(params, tally, order);
  const next = bits + room(params);
  let first = <u64>load<u32>(params, P.FIRST_LOW) | (<u64>load<u32>(params, P.FIRST_HIGH) << 32);
  for (let t: u32 = 0; t < trials; t += 4, first += 4) {
    draw(params, magnitudes, <u32>first, <u32>(first >> 32), words, scratch);
    countGroup(params, targets, tally, scratch, min(4, trials - t), order, bits, next);
  }
}
