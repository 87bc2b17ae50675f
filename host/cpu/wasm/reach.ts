// reach in WebAssembly SIMD: the contract of src/kernels/reach.ts in the positive frame (docs/glossary.md).
//
// An item of magnitude a is the step R |= R << a on a row, in place from the top. Only the live window of a row is kept exact:
// the bits from prefix sum - windowDepth to liveTo, which can still end at a target. The first itemsFrom items of a trial enter
// in any order (arrange.ts), the others as drawn, because targets are counted after each of them. Trials are drawn and framed
// four at a time, a lane each.
//
// Where it pays, a trial is decided by a prefix of its items first, in a frame of the prefix (`reachPrefix` of
// src/kernels/reach.ts). Only the trials that are still open enter all items, and items are drawn when they are needed.

import { arrange, arrangeBytes } from "./arrange";
import { advance, advanceTwo, clear, countOnes, inRegisters, isSet, marginBytes, rowBytes, wordAt } from "./bitset";
import { draw, ITEM_STRIDE, itemsOfCall, WORDS_BYTES } from "./draw";
import { reserve } from "./memory";
import * as P from "./params";

/**
 * The half range from which on items are arranged, and the one up to which two trials are interleaved, as measured by `exacta
 * bench --only shapes`. Rows that stay in registers need neither.
 */
let minArrangedHalfRange: i32 = 512;
let maxInterleavedHalfRange: i32 = 4096;

/** Sets these half ranges, for the benchmark and a test. The counts do not depend on them. */
export function chooseShapes(minArranged: i32, maxInterleaved: i32): void {
  minArrangedHalfRange = minArranged;
  maxInterleavedHalfRange = maxInterleaved;
}

const MAX_ITEMS: usize = 64;
/** Bytes of the items of four trials. */
const ITEMS_BYTES: usize = MAX_ITEMS * ITEM_STRIDE;

/** Scratch memory of four trials, in bytes from its start: magnitudes as drawn, arranged magnitudes, keys, one or two rows. */
const ARRANGED: usize = MAX_ITEMS * ITEM_STRIDE;
const KEYS: usize = 2 * ARRANGED;
const ROWS: usize = KEYS + arrangeBytes(MAX_ITEMS);

/** The frames of four trials: an i32x4 at each of these offsets. */
const frames: usize = memory.data(4 * 16, 16);
/** The sum of the first magnitudes (of itemsFrom, or of the prefix), and the bit of the sum 0 after these items. */
const PREFIX_SUM: usize = 0;
const ZERO_BIT: usize = 16;
const LIVE_TO: usize = 32;
const WINDOW_DEPTH: usize = 48;

/** Scratch memory of a draw. */
const words: usize = memory.data(<i32>WORDS_BYTES, 16);
/** The index of the first of the four trials, and the number of their items that are drawn. */
let firstTrial: u64 = 0;
let drawn: usize = 0;
/** The number of items that a call of `threefry` draws. */
let itemsPerCall: usize = 1;

/** The items of the prefix, or 0; and whether a target beyond -M..M is asked for. */
let prefix: usize = 0;
let hasFarTarget = false;
/**
 * Whether the prefix still pays in this batch: each trial that it decides adds 1, each trial that stays open takes 1, and at 0 or
 * below the batch goes on without a prefix. Trials of some listed magnitudes, even ones say, always stay open.
 */
const INITIAL_CREDIT: i64 = 4;
let credit: i64 = 0;

/** As in src/kernels/reach.ts. */
const PREFIX_EXTRA: i32 = 8;
const MIN_ITEMS_BEYOND_PREFIX: i32 = 3;

/** The number of items by which trials are decided first, or 0: `reachPrefix` of src/kernels/reach.ts. */
export function reachPrefix(params: usize): i32 {
  const M = load<u32>(params, P.HALF_RANGE);
  const isProduct = load<u32>(params, P.FACTOR) > 1;
  if (load<u32>(params, P.SIGNED) || load<u32>(params, P.ENUMERATE)) return 0;
  const bits = M > 1 ? 32 - <i32>clz(M - 1) : 0;
  const farthest = (<u64>load<u32>(params, P.EXTENT) * (isProduct ? 16 : 8) + M - 1) / M;
  const count = max(bits + PREFIX_EXTRA + (isProduct ? 2 : 0), <i32>min(farthest, MAX_ITEMS));
  return count + MIN_ITEMS_BEYOND_PREFIX <= load<i32>(params, P.ITEMS_FROM) ? count : 0;
}

/** The highest live bit that any trial can have. */
function maxLiveTo(params: usize): usize {
  const extent = load<u32>(params, P.EXTENT);
  const sum = load<u32>(params, P.ITEMS_TO) * load<u32>(params, P.HALF_RANGE);
  return min(sum, load<u32>(params, P.SIGNED) ? (sum + extent) >> 1 : (sum >> 1) + extent);
}

/** Whether two trials may be interleaved; then there are two rows. */
// @ts-ignore: decorator
@inline
function mayInterleave(params: usize): bool {
  return load<i32>(params, P.HALF_RANGE) <= maxInterleavedHalfRange;
}

/** Bytes of zeros below a row. */
function margin(params: usize): usize {
  return marginBytes(load<u32>(params, P.HALF_RANGE), mayInterleave(params) ? maxLiveTo(params) : 0);
}

/** Bytes of a row with its margin. */
function rowAndMarginBytes(params: usize): usize {
  return margin(params) + rowBytes(maxLiveTo(params));
}

/** Bytes of scratch memory to count trials. They may hold anything. */
function scratchBytes(params: usize): usize {
  return ROWS + (mayInterleave(params) ? 2 : 1) * rowAndMarginBytes(params);
}

// @ts-ignore: decorator
@inline
function addTo(counter: usize, n: u32): void {
  store<u32>(counter, load<u32>(counter) + n);
}

/**
 * Adds a trial to the tally: after its first itemsFrom items, and after each one that follows.
 *
 * @param params Params.
 * @param targets The targets asked for, i32.
 * @param tally The tally (`reachTally` of src/kernels/reach.ts).
 * @param items The lane of the trial in the items of four.
 * @param magnitudes The lane of the trial in their magnitudes, in draw order.
 * @param frame The lane of the trial in `frames`.
 * @param mirrored Whether its frame is mirrored.
 * @param bits Its row after itemsFrom items.
 */
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
  let prefixSum = load<i32>(frame, PREFIX_SUM);
  let zeroBit = load<i32>(frame, ZERO_BIT);
  // Near the transition a target is reached in about half of the trials, so counting does not branch on it.
  for (let n = from; ; n++) {
    const j = n - from;
    let misses: u32;
    if (signed) {
      // The signed sum s is at bit (s + prefix sum) / 2.
      misses = 2 * M + 1 - countOnes(bits, max(0, (prefixSum - M + 1) >> 1), min(prefixSum, (prefixSum + M) >> 1));
      addTo(uncovered + 4 * j, 1 - isSet(bits, (prefixSum + 1) >> 1));
    } else {
      misses = 2 * M + 1 - countOnes(bits, max(0, zeroBit - M), min(prefixSum, zeroBit + M));
      addTo(uncovered + 4 * j, <u32>(misses > 0));
    }
    store<u64>(missing + 8 * j, load<u64>(missing + 8 * j) + misses);
    let open = misses;
    for (let t: usize = 0; t < targetCount; t++) {
      const target = load<i32>(targets + 4 * t);
      // The bit of a far target may wrap to below 0, where it is out of reach as well.
      let bit = mirrored ? zeroBit - target : zeroBit + target;
      if (signed) bit = (target + prefixSum) & 1 ? -1 : (target + prefixSum) >> 1;
      const within = <u32>(<u32>bit <= <u32>prefixSum);
      const unreached = 1 - (within & isSet(bits, within ? bit : 0));
      addTo(unsolved + 4 * (t * sizes + j), unreached);
      open += unreached;
    }
    if (n == to || (!signed && !open)) break;
    const magnitude = magnitudes + n * ITEM_STRIDE;
    const negative = <i32>(load<i32>(items + n * ITEM_STRIDE) < 0 != mirrored);
    zeroBit += load<i32>(magnitude) & -negative;
    prefixSum = advance(
      bits, magnitude, magnitude + ITEM_STRIDE, prefixSum, load<i32>(frame, LIVE_TO), load<i32>(frame, WINDOW_DEPTH), M,
    );
  }
}

/** Draws items of the four trials until there are `count` of them or more. */
function drawUpTo(params: usize, magnitudes: usize, items: usize, count: usize): void {
  if (count <= drawn) return;
  const itemsTo: usize = load<u32>(params, P.ITEMS_TO);
  // Most trials draw all of their items at once, which saves the division.
  const to = count == itemsTo ? count : min((count + itemsPerCall - 1) / itemsPerCall * itemsPerCall, itemsTo);
  draw(params, magnitudes, <u32>firstTrial, <u32>(firstTrial >> 32), words, items, drawn, to);
  drawn = to;
}

/**
 * Whether every sum of `missing` is one of the prefix and of one later item. The items are drawn when they are needed.
 *
 * @param params Params.
 * @param magnitudes The magnitudes of a listed law.
 * @param items The items of four trials.
 * @param lane The offset of the trial.
 * @param mirrored Whether its frame is mirrored.
 * @param bits Its row after the prefix. Every bit that is set is a sum of the prefix, in the live window and beside it.
 * @param last The highest bit that may be set.
 * @param missing The bits in question of the 64 from `bit` on.
 * @param bit The position of the lowest of them.
 */
function isReachedLater(
  params: usize, magnitudes: usize, items: usize, lane: usize, mirrored: bool, bits: usize, last: i32, missing: u64, bit: i32,
): bool {
  const from: usize = load<u32>(params, P.ITEMS_FROM);
  for (let i = prefix; missing; i++) {
    if (i == from) return false;
    drawUpTo(params, magnitudes, items, i + 1);
    const item = load<i32>(items + lane + i * ITEM_STRIDE);
    missing &= ~wordAt(bits, mirrored ? bit + item : bit - item, last);
  }
  return true;
}

/** Whether a trial reaches every target with its first itemsFrom items, as far as its row after the prefix shows. */
function isSolved(
  params: usize, targets: usize, magnitudes: usize, items: usize, lane: usize, mirrored: bool, bits: usize,
): bool {
  const M = load<i32>(params, P.HALF_RANGE);
  const zeroBit = load<i32>(frames + lane, ZERO_BIT);
  const last = min(load<i32>(frames + lane, PREFIX_SUM), load<i32>(frames + lane, LIVE_TO));
  const lowest = zeroBit - M, highest = zeroBit + M;
  const covered = countOnes(bits, max(0, lowest), min(last, highest)) == 2 * M + 1;
  for (let bit = lowest; bit <= highest && !covered; bit += 64) {
    const beyond: u64 = max(0, bit + 63 - highest);
    const missing = (~wordAt(bits, bit, last) << beyond) >> beyond;
    if (missing && !isReachedLater(params, magnitudes, items, lane, mirrored, bits, last, missing, bit)) return false;
  }
  if (!hasFarTarget) return true;
  for (let target = targets, end = targets + 4 * <usize>load<u32>(params, P.TARGETS); target < end; target += 4) {
    const bit = mirrored ? zeroBit - load<i32>(target) : zeroBit + load<i32>(target);
    const missing = ~wordAt(bits, bit, last) & 1;
    if (missing && !isReachedLater(params, magnitudes, items, lane, mirrored, bits, last, missing, bit)) return false;
  }
  return true;
}

/** Writes the magnitudes and the frames of four trials of from..to items. Returns a mask of those whose frame is mirrored. */
function frameTrials(params: usize, items: usize, magnitudes: usize, from: usize, to: usize): i32 {
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
  v128.store(frames, sumFrom, PREFIX_SUM);
  if (load<u32>(params, P.SIGNED)) {
    const twice = i32x4.add(sum, extent);
    v128.store(frames, i32x4.min_s(sum, i32x4.shr_s(twice, 1)), LIVE_TO);
    v128.store(frames, i32x4.shr_s(i32x4.add(twice, i32x4.splat(1)), 1), WINDOW_DEPTH);
    return 0;
  }
  // Mirrored where the negative items weigh more, so that liveTo is at most half of the sum plus the extent of the targets.
  const positive = i32x4.sub(sum, negative);
  const lesser = i32x4.min_s(negative, positive);
  const mirrored = i32x4.gt_s(negative, positive);
  v128.store(frames, v128.bitselect(i32x4.sub(sumFrom, negativeFrom), negativeFrom, mirrored), ZERO_BIT);
  v128.store(frames, i32x4.min_s(sum, i32x4.add(lesser, extent)), LIVE_TO);
  v128.store(frames, i32x4.add(i32x4.sub(sum, lesser), extent), WINDOW_DEPTH);
  return i32x4.bitmask(mirrored);
}

/**
 * Enters the first `from` items of trials that were drawn together, and adds the trials to the tally; or decides them by these
 * items, where these are the prefix.
 *
 * @param params Params.
 * @param targets The targets asked for, i32.
 * @param magnitudes The magnitudes of a listed law, i32.
 * @param tally The tally, to which they are added.
 * @param items The items of four trials, as `draw` writes them.
 * @param lanes A mask of the trials.
 * @param from The items that enter in any order.
 * @param to The items of the frame.
 * @param decides Whether the trials are decided and not added.
 * @param scratch Scratch memory of ROWS bytes.
 * @param bits A row, with its margin below.
 * @param bitsNext Another row, where trials may be interleaved.
 * @returns A mask of the trials that are added, or that stay open.
 */
function enterTrials(
  params: usize, targets: usize, magnitudes: usize, tally: usize, items: usize, lanes: i32, from: usize, to: usize,
  decides: bool, scratch: usize, bits: usize, bitsNext: usize,
): i32 {
  const M = load<i32>(params, P.HALF_RANGE);
  const mirrored = frameTrials(params, items, scratch, from, to);
  let order = scratch;
  if (M >= minArrangedHalfRange) {
    order += ARRANGED;
    arrange(scratch, from, order, scratch + KEYS);
  }
  const end = order + from * ITEM_STRIDE;
  let open = lanes;
  for (let t = 0; t < 4; t++) {
    if (!((lanes >> t) & 1)) continue;
    const lane: usize = t << 2;
    const frame = frames + lane;
    const pair = frames + (lane & 8);
    const liveTo = load<i32>(frame, LIVE_TO), windowDepth = load<i32>(frame, WINDOW_DEPTH);
    const interleaved =
      mayInterleave(params) && ((lanes >> (t & 2)) & 3) == 3 &&
      !inRegisters(M, max(load<i32>(pair, LIVE_TO), load<i32>(pair + 4, LIVE_TO)));
    if (!interleaved) {
      clear(bits, liveTo);
      advance(bits, order + lane, end, 0, liveTo, windowDepth, M);
    } else if (frame == pair) {
      const liveToNext = load<i32>(frame + 4, LIVE_TO);
      clear(bits, liveTo);
      clear(bitsNext, liveToNext);
      advanceTwo(
        bits, bitsNext, order + lane, end, liveTo, liveToNext, windowDepth, load<i32>(frame + 4, WINDOW_DEPTH),
      );
    }
    const row = interleaved && frame != pair ? bitsNext : bits;
    const isMirrored = <bool>((mirrored >> t) & 1);
    if (!decides) tallyTrial(params, targets, tally, items + lane, scratch + lane, frame, isMirrored, row);
    else if (isSolved(params, targets, magnitudes, items, lane, isMirrored, row)) open &= ~(1 << t);
  }
  return open;
}

/** Counts the first `trials` of four trials, of which `drawn` items are drawn; parameters as for `enterTrials`. */
function countGroup(
  params: usize, targets: usize, magnitudes: usize, tally: usize, items: usize, trials: u32, scratch: usize, bits: usize,
  bitsNext: usize,
): void {
  const from: usize = load<u32>(params, P.ITEMS_FROM);
  const to: usize = load<u32>(params, P.ITEMS_TO);
  let open: i32 = (1 << trials) - 1;
  if (prefix && credit > 0) {
    drawUpTo(params, magnitudes, items, prefix);
    open = enterTrials(
      params, targets, magnitudes, tally, items, open, prefix, prefix, true, scratch, bits, bitsNext,
    );
    credit += <i64>trials - 2 * <i64>popcnt(open);
    if (!open) return;
  }
  drawUpTo(params, magnitudes, items, to);
  enterTrials(params, targets, magnitudes, tally, items, open, from, to, false, scratch, bits, bitsNext);
}

/**
 * Chooses the prefix, writes a tally of 0 counts and the trials of the batch, and zeroes the margins of the rows. Returns the
 * first row.
 */
function prepare(params: usize, targets: usize, tally: usize, scratch: usize): usize {
  const M = load<u32>(params, P.HALF_RANGE);
  const extent = load<u32>(params, P.EXTENT);
  const targetCount: usize = load<u32>(params, P.TARGETS);
  prefix = reachPrefix(params);
  itemsPerCall = itemsOfCall(params);
  hasFarTarget = false;
  credit = INITIAL_CREDIT;
  for (let target = targets; target < targets + 4 * targetCount; target += 4) {
    const magnitude: u32 = abs(load<i32>(target));
    if (magnitude > M) hasFarTarget = true;
    // No sum attains it, so that every trial stays open.
    if (magnitude > extent) prefix = 0;
  }
  const sizes: usize = load<u32>(params, P.ITEMS_TO) - load<u32>(params, P.ITEMS_FROM) + 1;
  memory.fill(tally, 0, 4 * (1 + (3 + targetCount) * sizes));
  store<u32>(tally, load<u32>(params, P.COUNT));
  const space = margin(params);
  memory.fill(scratch + ROWS, 0, space);
  if (mayInterleave(params)) memory.fill(scratch + ROWS + rowAndMarginBytes(params), 0, space);
  return scratch + ROWS + space;
}

/** Draws the trials of the batch, group by group: four trials as `draw` writes them, itemsTo times ITEM_STRIDE bytes. */
export function drawTrials(params: usize, magnitudes: usize, items: usize): void {
  const trials = load<u32>(params, P.COUNT);
  const to: usize = load<u32>(params, P.ITEMS_TO);
  firstTrial = indexOfFirst(params);
  for (let t: u32 = 0; t < trials; t += 4, firstTrial += 4, items += to * ITEM_STRIDE) {
    drawn = 0;
    drawUpTo(params, magnitudes, items, to);
  }
}

/** Writes the tally of the trials that `drawTrials` has drawn. */
export function countTrials(params: usize, targets: usize, items: usize, tally: usize, scratch: usize): void {
  const trials = load<u32>(params, P.COUNT);
  reserve(<u64>scratch + scratchBytes(params));
  const bits = prepare(params, targets, tally, scratch);
  const bitsNext = bits + rowAndMarginBytes(params);
  drawn = load<u32>(params, P.ITEMS_TO);
  for (let t: u32 = 0; t < trials; t += 4, items += drawn * ITEM_STRIDE)
    countGroup(params, targets, 0, tally, items, min(4, trials - t), scratch, bits, bitsNext);
}

/** The index of the first trial of the batch. */
function indexOfFirst(params: usize): u64 {
  return <u64>load<u32>(params, P.FIRST_LOW) | (<u64>load<u32>(params, P.FIRST_HIGH) << 32);
}

/**
 * Runs the kernel.
 *
 * @param params Params, u32 at the offsets of params.ts.
 * @param targets The targets asked for, i32.
 * @param magnitudes The magnitudes of a listed law, i32.
 * @param tally Output.
 * @param scratch Where scratch memory begins.
 */
export function reach(params: usize, targets: usize, magnitudes: usize, tally: usize, scratch: usize): void {
  const trials = load<u32>(params, P.COUNT);
  reserve(<u64>scratch + ITEMS_BYTES + scratchBytes(params));
  const groupScratch = scratch + ITEMS_BYTES;
  const bits = prepare(params, targets, tally, groupScratch);
  const bitsNext = bits + rowAndMarginBytes(params);
  firstTrial = indexOfFirst(params);
  for (let t: u32 = 0; t < trials; t += 4, firstTrial += 4) {
    drawn = 0;
    countGroup(params, targets, magnitudes, tally, scratch, min(4, trials - t), groupScratch, bits, bitsNext);
  }
}
