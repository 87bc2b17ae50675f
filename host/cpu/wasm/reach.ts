// reach in WebAssembly SIMD: the contract of src/kernels/reach.ts in the positive frame (docs/glossary.md).
//
// An item of magnitude a is the step R |= R << a on a row, in place from the top. Only the live window of a row is kept exact:
// the bits from prefix sum - windowDepth to liveTo, which can still end at a target. The first itemsFrom items of a trial enter
// in any order (arrange.ts), the others as drawn, because targets are counted after each of them. Trials are drawn and framed
// four at a time, a lane each.

import { arrange, arrangeBytes } from "./arrange";
import { advance, advanceTwo, clear, countOnes, inRegisters, isSet, marginBytes, rowBytes } from "./bitset";
import { draw, ITEM_STRIDE, WORDS_BYTES } from "./draw";
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
/** The sum of the first itemsFrom magnitudes, and the bit of the sum 0 after these items. */
const PREFIX_SUM: usize = 0;
const ZERO_BIT: usize = 16;
const LIVE_TO: usize = 32;
const WINDOW_DEPTH: usize = 48;

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

/** Writes the magnitudes and the frames of four trials. Returns a mask of those whose frame is mirrored. */
function frameTrials(params: usize, items: usize, magnitudes: usize): i32 {
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
 * Counts up to four trials that were drawn together.
 *
 * @param params Params.
 * @param targets The targets asked for, i32.
 * @param tally The tally, to which they are added.
 * @param items Their items, as `draw` writes them.
 * @param trials How many of them belong to the batch, 1..4.
 * @param scratch Scratch memory of ROWS bytes.
 * @param bits A row, with its margin below.
 * @param bitsNext Another row, where trials may be interleaved.
 */
function countGroup(
  params: usize, targets: usize, tally: usize, items: usize, trials: u32, scratch: usize, bits: usize, bitsNext: usize,
): void {
  const M = load<i32>(params, P.HALF_RANGE);
  const from: usize = load<u32>(params, P.ITEMS_FROM);
  const mirrored = frameTrials(params, items, scratch);
  let order = scratch;
  if (M >= minArrangedHalfRange) {
    order += ARRANGED;
    arrange(scratch, from, order, scratch + KEYS);
  }
  const end = order + from * ITEM_STRIDE;
  for (let t: u32 = 0; t < trials; t++) {
    const lane: usize = t << 2;
    const frame = frames + lane;
    const pair = frames + (lane & 8);
    const liveTo = load<i32>(frame, LIVE_TO), windowDepth = load<i32>(frame, WINDOW_DEPTH);
    const interleaved =
      mayInterleave(params) && !inRegisters(M, max(load<i32>(pair, LIVE_TO), load<i32>(pair + 4, LIVE_TO)));
    if (!interleaved) {
      clear(bits, liveTo);
      advance(bits, order + lane, end, 0, liveTo, windowDepth, M);
    } else if (frame == pair) {
      // The second trial may be beyond the batch, but it is drawn as well.
      const liveToNext = load<i32>(frame + 4, LIVE_TO);
      clear(bits, liveTo);
      clear(bitsNext, liveToNext);
      advanceTwo(
        bits, bitsNext, order + lane, end, liveTo, liveToNext, windowDepth, load<i32>(frame + 4, WINDOW_DEPTH),
      );
    }
    tallyTrial(
      params, targets, tally, items + lane, scratch + lane, frame, <bool>((mirrored >> t) & 1),
      interleaved && frame != pair ? bitsNext : bits,
    );
  }
}

/** Writes a tally of 0 counts and the trials of the batch, and zeroes the margins of the rows. Returns the first row. */
function prepare(params: usize, tally: usize, scratch: usize): usize {
  const sizes: usize = load<u32>(params, P.ITEMS_TO) - load<u32>(params, P.ITEMS_FROM) + 1;
  memory.fill(tally, 0, 4 * (1 + (3 + load<u32>(params, P.TARGETS)) * sizes));
  store<u32>(tally, load<u32>(params, P.COUNT));
  const space = margin(params);
  memory.fill(scratch + ROWS, 0, space);
  if (mayInterleave(params)) memory.fill(scratch + ROWS + rowAndMarginBytes(params), 0, space);
  return scratch + ROWS + space;
}

/** Draws the trials of the batch, group by group: four trials as `draw` writes them, itemsTo times ITEM_STRIDE bytes. */
export function drawTrials(params: usize, magnitudes: usize, items: usize, words: usize): void {
  const trials = load<u32>(params, P.COUNT);
  const group: usize = <usize>load<u32>(params, P.ITEMS_TO) * ITEM_STRIDE;
  let first = <u64>load<u32>(params, P.FIRST_LOW) | (<u64>load<u32>(params, P.FIRST_HIGH) << 32);
  for (let t: u32 = 0; t < trials; t += 4, first += 4, items += group)
    draw(params, magnitudes, <u32>first, <u32>(first >> 32), words, items);
}

/** Writes the tally of the trials that `drawTrials` has drawn. */
export function countTrials(params: usize, targets: usize, items: usize, tally: usize, scratch: usize): void {
  const trials = load<u32>(params, P.COUNT);
  reserve(<u64>scratch + scratchBytes(params));
  const bits = prepare(params, tally, scratch);
  const bitsNext = bits + rowAndMarginBytes(params);
  const group: usize = <usize>load<u32>(params, P.ITEMS_TO) * ITEM_STRIDE;
  for (let t: u32 = 0; t < trials; t += 4, items += group)
    countGroup(params, targets, tally, items, min(4, trials - t), scratch, bits, bitsNext);
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
  reserve(<u64>scratch + ITEMS_BYTES + WORDS_BYTES + scratchBytes(params));
  const words = scratch + ITEMS_BYTES;
  const groupScratch = words + WORDS_BYTES;
  const bits = prepare(params, tally, groupScratch);
  const bitsNext = bits + rowAndMarginBytes(params);
  let first = <u64>load<u32>(params, P.FIRST_LOW) | (<u64>load<u32>(params, P.FIRST_HIGH) << 32);
  for (let t: u32 = 0; t < trials; t += 4, first += 4) {
    draw(params, magnitudes, <u32>first, <u32>(first >> 32), words, scratch);
    countGroup(params, targets, tally, scratch, min(4, trials - t), groupScratch, bits, bitsNext);
  }
}
