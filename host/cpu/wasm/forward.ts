// forward in WebAssembly SIMD: the contract of src/kernels/forward.ts.
//
// Where all numbers fit into 16 bits, they are packed as pairs, and `i32x4.dot_i16x8_s` multiplies eight numbers by eight and
// adds the products of a pair. A tile of 4 points and 8 outputs of each then stays in registers. Each output has a lane of its
// own, so nothing is added across lanes. Hidden units are computed in blocks that fit into fast memory together with their
// weights. The columns of a convolution are gathered for some tiles at a time, in runs of adjacent taps.

import { reserve } from "./memory";

/** Byte offsets of the u32 fields of Params, in the order of the contract; test/kernels/layout.test.ts compares them. */
export const SAMPLES: usize = 0;
export const PIXELS: usize = 4;
export const CHANNELS: usize = 8;
export const POINTS: usize = 12;
export const TAPS: usize = 16;
export const BIASED: usize = 20;
export const CONSTANT_BITS: usize = 24;
export const GROUP: usize = 28;
export const ROWS: usize = 32;
export const RECTIFY: usize = 36;
export const SHIFT: usize = 40;
export const QUANTIZER: usize = 44;
export const RELU: usize = 48;
export const MOST: usize = 52;
export const WIDE: usize = 56;

/** The quantizers that need an epilogue of their own, by their indices in `quantizers` of src/network.ts. */
export const FLOOR: u32 = 0;
export const NEAREST: u32 = 2;
export const AWAY: u32 = 3;

/** Points of a tile, and outputs of each. */
const TILE_POINTS: usize = 4;
const TILE_ROWS: usize = 8;
/** Bytes of a pair of i16 of one point or output, and of the pairs of all points or outputs of a tile. */
const PAIR: usize = 4;
const POINT_PAIRS: usize = TILE_POINTS * PAIR;
const ROW_PAIRS: usize = TILE_ROWS * PAIR;
/** Bytes of the weights of a block of hidden units, and the most pairs of a block: sized for a second-level cache. */
const BLOCK_BYTES: usize = 1 << 18;
const MAX_BLOCK_PAIRS: usize = 1 << 10;
const MIN_BLOCK_PAIRS: usize = 64;
/** Bytes of the packed columns of the tiles that are gathered at a time, and of an entry of a list of runs. */
const CHUNK_BYTES: usize = 1 << 17;
const RUN: usize = 8;
/** Bytes that may be read or written behind the end of a row, so that rows are copied 16 bytes at a time. */
const SLACK: usize = 64;
/** The offset of a run of zeros. */
const ZEROS: u32 = 0xffffffff;

// The epilogue, as `prepareEpilogue` sets it: the shift, what is added to a magnitude before it, what is added to that of a
// negative sum in addition, and the range of outputs.
let shift: i32 = 0;
let rounding: i64 = 0;
let negativeRounding: i64 = 0;
let least: i64 = 0;
let greatest: i64 = 0;

function prepareEpilogue(params: usize): void {
  shift = load<i32>(params, SHIFT);
  const unit = (<i64>1) << shift;
  const quantizer = load<u32>(params, QUANTIZER);
  rounding = quantizer == NEAREST ? unit >> 1 : quantizer == AWAY ? unit - 1 : 0;
  negativeRounding = quantizer == FLOOR ? unit - 1 : 0;
  const unbounded = load<u32>(params, WIDE) ? i64.MAX_VALUE : i32.MAX_VALUE;
  const most = <i64>load<u32>(params, MOST);
  greatest = most ? most : unbounded;
  least = load<u32>(params, RELU) ? 0 : most ? -most : -unbounded - 1;
}

/** Quantizes, rectifies and clamps a sum: its sign, as 0 or -1, conditionally negates by xor and subtraction. */
// @ts-ignore: decorator
@inline
function epilogue(sum: i64): i64 {
  const sign = sum >> 63;
  const magnitude = <i64>(<u64>(((sum ^ sign) - sign) + rounding + (negativeRounding & sign)) >> shift);
  return min(max((magnitude ^ sign) - sign, least), greatest);
}

/** `epilogue` of four sums of 32 bits. */
// @ts-ignore: decorator
@inline
function epilogueOfLanes(sums: v128): v128 {
  const sign = i32x4.shr_s(sums, 31);
  const magnitude = i32x4.shr_u(
    i32x4.add(
      i32x4.abs(sums),
      i32x4.add(i32x4.splat(<i32>rounding), v128.and(i32x4.splat(<i32>negativeRounding), sign)),
    ),
    shift,
  );
  const output = i32x4.sub(v128.xor(magnitude, sign), sign);
  return i32x4.min_s(i32x4.max_s(output, i32x4.splat(<i32>least)), i32x4.splat(<i32>greatest));
}

/** The largest magnitude of `count` i32, as a u32: that of -2^31 is 2^31. */
function largest(from: usize, count: usize): u32 {
  let most = i32x4.splat(0);
  const end = from + 4 * count;
  for (; from + 16 <= end; from += 16) most = i32x4.max_u(most, i32x4.abs(v128.load(from)));
  let result = max(
    max(<u32>i32x4.extract_lane(most, 0), <u32>i32x4.extract_lane(most, 1)),
    max(<u32>i32x4.extract_lane(most, 2), <u32>i32x4.extract_lane(most, 3)),
  );
  for (; from < end; from += 4) result = max(result, <u32>abs(load<i32>(from)));
  return result;
}

/** Two numbers of 16 bits as one word, the first in its low half. */
// @ts-ignore: decorator
@inline
function pair(first: u32, second: u32): u32 {
  return (first & 0xffff) | (second << 16);
}

/** Writes a row of `columns` numbers as pairs, `stride` bytes apart. Where `columns` is odd, the last pair ends with 0. */
function packRow(from: usize, columns: usize, to: usize, stride: usize): void {
  const end = from + 4 * columns;
  for (; from + 32 <= end; from += 32, to += 4 * stride) {
    const pairs = i16x8.narrow_i32x4_s(v128.load(from), v128.load(from, 16));
    v128.store32_lane(to, pairs, 0);
    v128.store32_lane(to + stride, pairs, 1);
    v128.store32_lane(to + 2 * stride, pairs, 2);
    v128.store32_lane(to + 3 * stride, pairs, 3);
  }
  for (; from < end; from += 8, to += stride)
    store<u32>(to, pair(load<u32>(from), from + 4 < end ? load<u32>(from, 4) : 0));
}

/**
 * Computes hidden units of a tile of points.
 *
 * @param x The tile's columns as pairs, POINT_PAIRS bytes for each pair of columns.
 * @param u The units as pairs.
 * @param width How many pairs a point has.
 * @param from The first hidden unit, counted in pairs.
 * @param to The end of the hidden units.
 * @param h Where they go, POINT_PAIRS bytes for each pair.
 * @param rectify Whether they are rectified.
 */
function hiddenUnits(x: usize, u: usize, width: usize, from: usize, to: usize, h: usize, rectify: bool): void {
  const floor = i16x8.splat(rectify ? 0 : i16.MIN_VALUE);
  let columnPair = from % width;
  for (let j = from; j < to; j++, h += POINT_PAIRS) {
    const products = i16x8.mul(v128.load(x + columnPair * POINT_PAIRS), v128.load32_splat(u + j * PAIR));
    v128.store(h, i16x8.max_s(products, floor));
    if (++columnPair == width) columnPair = 0;
  }
}

// @ts-ignore: decorator
@inline
function multiply(sums: v128, weights: v128, hidden: v128): v128 {
  return i32x4.add(sums, i32x4.dot_i16x8_s(weights, hidden));
}

/**
 * Adds the products of a block of hidden units to the sums of a tile of 4 points and 8 outputs of each, which stay in registers.
 *
 * @param w The tile's weights, ROW_PAIRS bytes for each pair of hidden units.
 * @param h The hidden units, POINT_PAIRS bytes for each pair.
 * @param end Their end.
 * @param sums The sums, i32, 8 outputs of each point.
 * @param stride Bytes from the sums of a point to those of the next.
 * @param first Whether this is the first block, which does not read sums.
 * @param last Whether this is the last block, which turns sums into outputs.
 */
function tile(w: usize, h: usize, end: usize, sums: usize, stride: usize, first: bool, last: bool): void {
  const s0 = sums;
  const s1 = s0 + stride;
  const s2 = s1 + stride;
  const s3 = s2 + stride;
  // low and high are the first and the last four outputs of a point.
  let low0 = i32x4.splat(0), low1 = low0, low2 = low0, low3 = low0;
  let high0 = low0, high1 = low0, high2 = low0, high3 = low0;
  if (!first) {
    low0 = v128.load(s0);
    high0 = v128.load(s0, 16);
    low1 = v128.load(s1);
    high1 = v128.load(s1, 16);
    low2 = v128.load(s2);
    high2 = v128.load(s2, 16);
    low3 = v128.load(s3);
    high3 = v128.load(s3, 16);
  }
  for (; h < end; h += POINT_PAIRS, w += ROW_PAIRS) {
    const lowWeights = v128.load(w);
    const highWeights = v128.load(w, 16);
    const h0 = v128.load32_splat(h);
    low0 = multiply(low0, lowWeights, h0);
    high0 = multiply(high0, highWeights, h0);
    const h1 = v128.load32_splat(h, 4);
    low1 = multiply(low1, lowWeights, h1);
    high1 = multiply(high1, highWeights, h1);
    const h2 = v128.load32_splat(h, 8);
    low2 = multiply(low2, lowWeights, h2);
    high2 = multiply(high2, highWeights, h2);
    const h3 = v128.load32_splat(h, 12);
    low3 = multiply(low3, lowWeights, h3);
    high3 = multiply(high3, highWeights, h3);
  }
  if (last) {
    low0 = epilogueOfLanes(low0);
    high0 = epilogueOfLanes(high0);
    low1 = epilogueOfLanes(low1);
    high1 = epilogueOfLanes(high1);
    low2 = epilogueOfLanes(low2);
    high2 = epilogueOfLanes(high2);
    low3 = epilogueOfLanes(low3);
    high3 = epilogueOfLanes(high3);
  }
  v128.store(s0, low0);
  v128.store(s0, high0, 16);
  v128.store(s1, low1);
  v128.store(s1, high1, 16);
  v128.store(s2, low2);
  v128.store(s2, high2, 16);
  v128.store(s3, low3);
  v128.store(s3, high3, 16);
}

/** Writes numbers of 32 bits that fit into 16 as such. */
function narrow(from: usize, count: usize, to: usize): void {
  const end = from + 4 * count;
  for (; from + 32 <= end; from += 32, to += 16)
    v128.store(to, i16x8.narrow_i32x4_s(v128.load(from), v128.load(from, 16)));
  for (; from < end; from += 4, to += 2) store<i16>(to, <i16>load<i32>(from));
}

/**
 * Lists the runs of adjacent taps of every point, as offsets in an image of `pixelBytes` bytes a point and lengths, in bytes.
 * A list of `taps` + 1 entries ends with a length of 0 where it is shorter.
 */
function listRuns(places: usize, points: usize, taps: usize, pixelBytes: usize, to: usize): void {
  for (let p: usize = 0; p < points; p++, to += RUN * (taps + 1)) {
    let run = to;
    let next: i32 = 0;
    for (let t: usize = 0; t < taps; t++, places += 4) {
      const place = load<i32>(places);
      if (t > 0 && place == next) store<u32>(run - RUN, load<u32>(run - RUN, 4) + <u32>pixelBytes, 4);
      else {
        store<u32>(run, place < 0 ? ZEROS : <u32>(place * <i32>pixelBytes));
        store<u32>(run, <u32>pixelBytes, 4);
        run += RUN;
      }
      next = place < 0 ? place : place + 1;
    }
    store<u32>(run, 0, 4);
  }
}

/** Copies the runs of a point one behind another, and returns their end. Up to 15 bytes behind it are overwritten. */
function gather(image: usize, runs: usize, zeros: usize, to: usize): usize {
  for (let bytes: usize = load<u32>(runs, 4); bytes > 0; runs += RUN, bytes = load<u32>(runs, 4)) {
    const offset = load<u32>(runs);
    const from = offset == ZEROS ? zeros : image + <usize>offset;
    for (let i: usize = 0; i < bytes; i += 32) {
      v128.store(to + i, v128.load(from + i));
      v128.store(to + i, v128.load(from + i, 16), 16);
    }
    to += bytes;
  }
  return to;
}

/** Writes four rows of pairs as POINT_PAIRS bytes for each pair, four pairs at a time. */
function interleave(r0: usize, r1: usize, r2: usize, r3: usize, width: usize, to: usize): void {
  for (const end = to + width * POINT_PAIRS; to < end; to += 64, r0 += 16, r1 += 16, r2 += 16, r3 += 16) {
    const a = v128.load(r0);
    const b = v128.load(r1);
    const c = v128.load(r2);
    const d = v128.load(r3);
    const lowAb = i32x4.shuffle(a, b, 0, 4, 1, 5);
    const lowCd = i32x4.shuffle(c, d, 0, 4, 1, 5);
    const highAb = i32x4.shuffle(a, b, 2, 6, 3, 7);
    const highCd = i32x4.shuffle(c, d, 2, 6, 3, 7);
    v128.store(to, i64x2.shuffle(lowAb, lowCd, 0, 2));
    v128.store(to, i64x2.shuffle(lowAb, lowCd, 1, 3), 16);
    v128.store(to, i64x2.shuffle(highAb, highCd, 0, 2), 32);
    v128.store(to, i64x2.shuffle(highAb, highCd, 1, 3), 48);
  }
}

/** Copies rows of `bytes` bytes from `stride` bytes apart to where they are adjacent. */
function copyRows(from: usize, stride: usize, count: usize, bytes: usize, to: usize): void {
  // A row that is copied 16 bytes at a time may overwrite the beginning of the next three.
  for (const last = to + bytes * count; to < last; to += bytes, from += stride)
    if (to + 4 * bytes <= last) for (let i: usize = 0; i < bytes; i += 16) v128.store(to + i, v128.load(from + i));
    else memory.copy(to, from, bytes);
}

function aligned(bytes: usize): usize {
  return (bytes + 15) & ~15;
}

/** Runs a layer of which all numbers of columns, units, hidden units and weights fit into 16 bits. */
function packed(
  params: usize, inputs: usize, places: usize, units: usize, weights: usize, outputs: usize, scratch: usize,
): void {
  const samples: usize = load<u32>(params, SAMPLES);
  const pixels: usize = load<u32>(params, PIXELS);
  const channels: usize = load<u32>(params, CHANNELS);
  const points: usize = load<u32>(params, POINTS);
  const taps: usize = load<u32>(params, TAPS);
  const biased: usize = load<u32>(params, BIASED);
  const group: usize = load<u32>(params, GROUP);
  const rows: usize = load<u32>(params, ROWS);
  const rectify = load<u32>(params, RECTIFY) != 0;
  const columns = channels * taps + biased;
  const width = (columns + 1) >> 1;
  const pairs = group * width;
  const rowTiles = (rows + TILE_ROWS - 1) / TILE_ROWS;
  const block = min(max(BLOCK_BYTES / (rowTiles * ROW_PAIRS), MIN_BLOCK_PAIRS), MAX_BLOCK_PAIRS);
  const outputPoints = samples * points;
  const tiles = (outputPoints + TILE_POINTS - 1) / TILE_POINTS;
  const chunk = min(max(CHUNK_BYTES / (width * POINT_PAIRS), 1), tiles);
  const imageBytes: usize = 2 * (pixels * channels);
  const isPlain = !rectify && group == 1 && areOnes(units, columns);

  // Where tiles fill rows, sums are the outputs themselves; those of the last tile may go beyond the end, up to `free`.
  const isFull = rows % TILE_ROWS == 0;
  const stride = rowTiles * ROW_PAIRS;
  const free = scratch + TILE_POINTS * stride;

  // Packed units, the images, the runs of each point, zeros, the columns of four points, the packed columns of a chunk, hidden
  // units of a block, and weights; then the sums of a chunk.
  const u = free;
  const image = u + aligned(pairs * PAIR);
  const runs = image + aligned(samples * imageBytes) + SLACK;
  const zeros = runs + aligned(points * RUN * (taps + 1));
  const rowBytes = aligned(2 * columns) + SLACK;
  const row = zeros + rowBytes;
  const x = row + TILE_POINTS * rowBytes;
  const h = x + chunk * width * POINT_PAIRS + SLACK;
  const w = h + block * POINT_PAIRS;
  const sums = w + rowTiles * pairs * ROW_PAIRS;
  reserve(sums + chunk * TILE_POINTS * stride + SLACK);

  for (let q: usize = 0; q < group; q++)
    packRow(units + 4 * q * columns, columns, u + q * width * PAIR, PAIR);
  // Lanes beyond the last point or output hold anything: no other lane reads them. The second half of a pair beyond the last
  // column meets a weight of 0.
  for (let r: usize = 0; r < rows; r++)
    for (let q: usize = 0; q < group; q++)
      packRow(
        weights + 4 * (r * group + q) * columns, columns,
        w + ((r / TILE_ROWS) * pairs + q * width) * ROW_PAIRS + (r % TILE_ROWS) * PAIR, ROW_PAIRS,
      );
  narrow(inputs, samples * pixels * channels, image);
  listRuns(places, points, taps, 2 * channels, runs);
  memory.fill(zeros, 0, rowBytes);
  const constant: i32 = 1 << load<i32>(params, CONSTANT_BITS);
  const listBytes = RUN * (taps + 1);

  let sample: usize = 0;
  let point: usize = 0;
  let at = row;
  for (let firstTile: usize = 0; firstTile < tiles; firstTile += chunk) {
    const count = min(chunk, tiles - firstTile);
    const first = firstTile * TILE_POINTS;
    const chunkOutputs = outputs + 4 * first * rows;
    const chunkSums = isFull ? chunkOutputs : sums;
    for (let t: usize = 0; t < count; t++) {
      for (let i: usize = 0; i < TILE_POINTS; i++) {
        if (sample < samples) {
          const list = runs + point * listBytes;
          at = row + i * rowBytes;
          const offset = load<u32>(list);
          if (!biased && offset != ZEROS && load<u32>(list, 4) == 2 * <u32>columns)
            at = image + sample * imageBytes + <usize>offset;
          else {
            const end = gather(image + sample * imageBytes, list, zeros, at);
            if (biased) store<i16>(end, <i16>constant);
          }
          if (++point == points) {
            point = 0;
            sample++;
          }
        }
        store<usize>(starts + i * sizeof<usize>(), at);
      }
      interleave(
        load<usize>(starts), load<usize>(starts, 4), load<usize>(starts, 8), load<usize>(starts, 12),
        width, x + t * width * POINT_PAIRS,
      );
    }
    for (let from: usize = 0; from < pairs; from += block) {
      const to = min(from + block, pairs);
      const bytes = (to - from) * POINT_PAIRS;
      for (let t: usize = 0; t < count; t++) {
        const tileColumns = x + t * width * POINT_PAIRS;
        const hidden = isPlain ? tileColumns + from * POINT_PAIRS : h;
        if (!isPlain) hiddenUnits(tileColumns, u, width, from, to, h, rectify);
        const tileSums = chunkSums + t * TILE_POINTS * stride;
        for (let r: usize = 0; r < rowTiles; r++)
          tile(
            w + (r * pairs + from) * ROW_PAIRS, hidden, hidden + bytes, tileSums + r * ROW_PAIRS, stride,
            from == 0, to == pairs,
          );
      }
    }
    if (!isFull) copyRows(sums, stride, min(count * TILE_POINTS, outputPoints - first), 4 * rows, chunkOutputs);
  }
}

/** The addresses of the columns of the four points of a tile. */
const starts = memory.data(16, 16);

/** Whether all of some numbers are 1. */
function areOnes(numbers: usize, count: usize): bool {
  for (let i: usize = 0; i < count; i++) if (load<i32>(numbers + 4 * i) != 1) return false;
  return true;
}

/** Runs a layer of any numbers in words of type T, i32 or i64, which wrap. */
function plain<T>(
  params: usize, inputs: usize, places: usize, units: usize, weights: usize, outputs: usize, x: usize,
): void {
  const samples: usize = load<u32>(params, SAMPLES);
  const channels: usize = load<u32>(params, CHANNELS);
  const points: usize = load<u32>(params, POINTS);
  const taps: usize = load<u32>(params, TAPS);
  const biased: usize = load<u32>(params, BIASED);
  const rows: usize = load<u32>(params, ROWS);
  const group: usize = load<u32>(params, GROUP);
  const columns = channels * taps + biased;
  const hidden = group * columns;
  const rectify = load<u32>(params, RECTIFY) != 0;
  const wordBytes = sizeof<T>();
  const pixelBytes = wordBytes * channels;
  const imageBytes = <usize>load<u32>(params, PIXELS) * pixelBytes;
  // The numbers of the columns, and the hidden units.
  const h = x + aligned(wordBytes * columns);
  reserve(h + wordBytes * hidden);
  if (biased) store<T>(x + wordBytes * (columns - 1), (<T>1) << <T>load<u32>(params, CONSTANT_BITS));
  for (let s: usize = 0; s < samples; s++, inputs += imageBytes)
    for (let p: usize = 0; p < points; p++, outputs += wordBytes * rows) {
      for (let t: usize = 0; t < taps; t++) {
        const place = load<i32>(places + 4 * (p * taps + t));
        if (place < 0) memory.fill(x + t * pixelBytes, 0, pixelBytes);
        else memory.copy(x + t * pixelBytes, inputs + <usize>place * pixelBytes, pixelBytes);
      }
      for (let i: usize = 0; i < hidden; i++) {
        const value = <T>(<T>load<i32>(units + 4 * i) * load<T>(x + wordBytes * (i % columns)));
        store<T>(h + wordBytes * i, rectify ? max<T>(value, 0) : value);
      }
      for (let r: usize = 0; r < rows; r++) {
        let sum: T = 0;
        const w = weights + 4 * r * hidden;
        for (let i: usize = 0; i < hidden; i++) sum += <T>load<i32>(w + 4 * i) * load<T>(h + wordBytes * i);
        store<T>(outputs + wordBytes * r, <T>epilogue(sum));
      }
    }
}

/**
 * Runs the kernel.
 *
 * @param params Params, u32 at the offsets above.
 * @param inputs [samples][pixels][channels], i32 or, where wide, i64.
 * @param places [points][taps], i32.
 * @param units [group][columns], i32.
 * @param weights [rows][group][columns], i32.
 * @param outputs [samples][points][rows], as inputs.
 * @param scratch Where scratch memory begins.
 */
export function forward(
  params: usize, inputs: usize, places: usize, units: usize, weights: usize, outputs: usize, scratch: usize,
): void {
  prepareEpilogue(params);
  if (load<u32>(params, WIDE)) plain<i64>(params, inputs, places, units, weights, outputs, scratch);
  else if (fitsPacked(params, inputs, units, weights)) packed(params, inputs, places, units, weights, outputs, scratch);
  else plain<i32>(params, inputs, places, units, weights, outputs, scratch);
}

/** Whether `packed` serves: there are outputs, and numbers of columns, units, hidden units and weights all fit into 16 bits. */
function fitsPacked(params: usize, inputs: usize, units: usize, weights: usize): bool {
  const channels: usize = load<u32>(params, CHANNELS);
  const biased: usize = load<u32>(params, BIASED);
  const hidden = <usize>load<u32>(params, GROUP) * (channels * load<u32>(params, TAPS) + biased);
  const rows: usize = load<u32>(params, ROWS);
  if (hidden == 0 || rows == 0) return false;
  const x = max(
    largest(inputs, <usize>load<u32>(params, SAMPLES) * load<u32>(params, PIXELS) * channels),
    biased ? 1 << load<u32>(params, CONSTANT_BITS) : 0,
  );
  const u = largest(units, hidden);
  return max(max(x, u), largest(weights, rows * hidden)) < 1 << 15 && <u64>x * u < 1 << 15;
}
