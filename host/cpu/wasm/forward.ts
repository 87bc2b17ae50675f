// forward in WebAssembly SIMD: the contract of src/kernels/forward.ts.
//
// Where all numbers allow it, hidden units and weights are halves of words, and one instruction multiplies eight pairs and
// adds them up by twos. Then a tile of 4 inputs and 8 outputs stays in registers: an output is a lane, so nothing is ever
// added across lanes. Hidden units are made a block at a time, for as many of them as fast memory holds with their weights.

import { reserve } from "./memory";

export const SAMPLES: usize = 0;
export const COLUMNS: usize = 4;
export const GROUP: usize = 8;
export const ROWS: usize = 12;
export const RECTIFY: usize = 16;
export const SHIFT: usize = 20;
export const QUANTIZER: usize = 24;
export const RELU: usize = 28;
export const MOST: usize = 32;
export const WIDE: usize = 36;

/** Inputs and outputs of a tile. */
const TILE_SAMPLES: usize = 4;
const TILE_ROWS: usize = 8;
/** Bytes of a pair of numbers of one input or output, and of all those of a tile. */
const PAIR: usize = 4;
const SAMPLE_PAIRS: usize = TILE_SAMPLES * PAIR;
const ROW_PAIRS: usize = TILE_ROWS * PAIR;
/** Bytes of the weights that a block of hidden units has, and its most pairs: both fit into fast memory. */
const BLOCK_BYTES: usize = 1 << 18;
const BLOCK_PAIRS: usize = 1 << 10;

// What follows a sum: rounding is added to its magnitude, below 0 with a part of its own.
let shift: i32 = 0;
let rounding: i64 = 0;
let below: i64 = 0;
let least: i64 = 0;
let greatest: i64 = 0;

function prepare(params: usize): void {
  shift = load<i32>(params, SHIFT);
  const unit = (<i64>1) << shift;
  const quantizer = load<u32>(params, QUANTIZER);
  rounding = quantizer == 2 ? unit >> 1 : quantizer == 3 ? unit - 1 : 0;
  below = quantizer == 0 ? unit - 1 : 0;
  const none = load<u32>(params, WIDE) ? i64.MAX_VALUE : i32.MAX_VALUE;
  const most = <i64>load<u32>(params, MOST);
  greatest = most ? most : none;
  least = load<u32>(params, RELU) ? 0 : most ? -most : -none - 1;
}

// @ts-ignore: decorator
@inline
function follow(sum: i64): i64 {
  const sign = sum >> 63;
  const size = <i64>(<u64>(((sum ^ sign) - sign) + rounding + (below & sign)) >> shift);
  return min(max((size ^ sign) - sign, least), greatest);
}

// @ts-ignore: decorator
@inline
function followLanes(sums: v128): v128 {
  const sign = i32x4.shr_s(sums, 31);
  const size = i32x4.shr_u(
    i32x4.add(
      i32x4.abs(sums),
      i32x4.add(i32x4.splat(<i32>rounding), v128.and(i32x4.splat(<i32>below), sign)),
    ),
    shift,
  );
  const output = i32x4.sub(v128.xor(size, sign), sign);
  return i32x4.min_s(i32x4.max_s(output, i32x4.splat(<i32>least)), i32x4.splat(<i32>greatest));
}

/** The largest magnitude of some i32, as a u32. */
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

/** Two neighbours as the halves of a word. */
// @ts-ignore: decorator
@inline
function pair(first: u32, second: u32): u32 {
  return (first & 0xffff) | (second << 16);
}

/** Writes a row of `columns` numbers as pairs `stride` bytes apart; the last one's neighbour may be 0. */
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

/** The hidden units `from` to `to` of a tile of inputs, counted in pairs; an input has `width` pairs. */
function hide(x: usize, u: usize, width: usize, from: usize, to: usize, h: usize, rectify: bool): void {
  const floor = i16x8.splat(rectify ? 0 : i16.MIN_VALUE);
  let c = from % width;
  for (let j = from; j < to; j++, h += SAMPLE_PAIRS) {
    const products = i16x8.mul(v128.load(x + c * SAMPLE_PAIRS), v128.load32_splat(u + j * PAIR));
    v128.store(h, i16x8.max_s(products, floor));
    if (++c == width) c = 0;
  }
}

// @ts-ignore: decorator
@inline
function multiply(sums: v128, weights: v128, hidden: v128): v128 {
  return i32x4.add(sums, i32x4.dot_i16x8_s(weights, hidden));
}

/**
 * Adds to the sums of 4 inputs and 8 outputs what the hidden units from `h` to `end` make. Sums of an input stand `stride`
 * bytes behind those of the one before. The first block does not read them, and the last one finishes them.
 */
function tile(w: usize, h: usize, end: usize, sums: usize, stride: usize, first: bool, last: bool): void {
  const s0 = sums;
  const s1 = s0 + stride;
  const s2 = s1 + stride;
  const s3 = s2 + stride;
  let a0 = i32x4.splat(0), a1 = a0, a2 = a0, a3 = a0;
  let b0 = a0, b1 = a0, b2 = a0, b3 = a0;
  if (!first) {
    a0 = v128.load(s0);
    b0 = v128.load(s0, 16);
    a1 = v128.load(s1);
    b1 = v128.load(s1, 16);
    a2 = v128.load(s2);
    b2 = v128.load(s2, 16);
    a3 = v128.load(s3);
    b3 = v128.load(s3, 16);
  }
  for (; h < end; h += SAMPLE_PAIRS, w += ROW_PAIRS) {
    const low = v128.load(w);
    const high = v128.load(w, 16);
    const h0 = v128.load32_splat(h);
    a0 = multiply(a0, low, h0);
    b0 = multiply(b0, high, h0);
    const h1 = v128.load32_splat(h, 4);
    a1 = multiply(a1, low, h1);
    b1 = multiply(b1, high, h1);
    const h2 = v128.load32_splat(h, 8);
    a2 = multiply(a2, low, h2);
    b2 = multiply(b2, high, h2);
    const h3 = v128.load32_splat(h, 12);
    a3 = multiply(a3, low, h3);
    b3 = multiply(b3, high, h3);
  }
  if (last) {
    a0 = followLanes(a0);
    b0 = followLanes(b0);
    a1 = followLanes(a1);
    b1 = followLanes(b1);
    a2 = followLanes(a2);
    b2 = followLanes(b2);
    a3 = followLanes(a3);
    b3 = followLanes(b3);
  }
  v128.store(s0, a0);
  v128.store(s0, b0, 16);
  v128.store(s1, a1);
  v128.store(s1, b1, 16);
  v128.store(s2, a2);
  v128.store(s2, b2, 16);
  v128.store(s3, a3);
  v128.store(s3, b3, 16);
}

/** A layer all of whose numbers, hidden units included, fit into 16 bits. */
function packed(params: usize, inputs: usize, units: usize, weights: usize, outputs: usize, scratch: usize): void {
  const samples: usize = load<u32>(params, SAMPLES);
  const columns: usize = load<u32>(params, COLUMNS);
  const group: usize = load<u32>(params, GROUP);
  const rows: usize = load<u32>(params, ROWS);
  const rectify = load<u32>(params, RECTIFY) != 0;
  const width = (columns + 1) >> 1;
  const pairs = group * width;
  const sampleTiles = (samples + TILE_SAMPLES - 1) / TILE_SAMPLES;
  const rowTiles = (rows + TILE_ROWS - 1) / TILE_ROWS;
  const block = min(max(BLOCK_BYTES / (rowTiles * ROW_PAIRS), 64), BLOCK_PAIRS);

  const u = scratch;
  const x = u + ((pairs * PAIR + 15) & ~15);
  const h = x + sampleTiles * width * SAMPLE_PAIRS;
  const w = h + block * SAMPLE_PAIRS;
  const sums = w + rowTiles * pairs * ROW_PAIRS;
  const stride = rowTiles * ROW_PAIRS;
  const end = sums + sampleTiles * TILE_SAMPLES * stride;
  reserve(end);

  for (let q: usize = 0; q < group; q++)
    packRow(units + 4 * q * columns, columns, u + q * width * PAIR, PAIR);
  // What stands in lanes that are no inputs and no outputs does not reach any other.
  for (let s: usize = 0; s < samples; s++)
    packRow(
      inputs + 4 * s * columns, columns,
      x + (s / TILE_SAMPLES) * width * SAMPLE_PAIRS + (s % TILE_SAMPLES) * PAIR, SAMPLE_PAIRS,
    );
  for (let r: usize = 0; r < rows; r++)
    for (let q: usize = 0; q < group; q++)
      packRow(
        weights + 4 * (r * group + q) * columns, columns,
        w + ((r / TILE_ROWS) * pairs + q * width) * ROW_PAIRS + (r % TILE_ROWS) * PAIR, ROW_PAIRS,
      );

  for (let from: usize = 0; from < pairs; from += block) {
    const to = min(from + block, pairs);
    const hEnd = h + (to - from) * SAMPLE_PAIRS;
    for (let s: usize = 0; s < sampleTiles; s++) {
      hide(x + s * width * SAMPLE_PAIRS, u, width, from, to, h, rectify);
      const at = sums + s * TILE_SAMPLES * stride;
      for (let r: usize = 0; r < rowTiles; r++)
        tile(w + (r * pairs + from) * ROW_PAIRS, h, hEnd, at + r * ROW_PAIRS, stride, from == 0, to == pairs);
    }
  }
  for (let s: usize = 0; s < samples; s++) memory.copy(outputs + 4 * s * rows, sums + s * stride, 4 * rows);
}

/** A layer of any numbers, in words of type T. */
function plain<T>(params: usize, inputs: usize, units: usize, weights: usize, outputs: usize, h: usize): void {
  const samples: usize = load<u32>(params, SAMPLES);
  const columns: usize = load<u32>(params, COLUMNS);
  const rows: usize = load<u32>(params, ROWS);
  const hidden = <usize>load<u32>(params, GROUP) * columns;
  const rectify = load<u32>(params, RECTIFY) != 0;
  const size = sizeof<T>();
  reserve(h + size * hidden);
  for (let s: usize = 0; s < samples; s++, inputs += size * columns, outputs += size * rows) {
    for (let i: usize = 0; i < hidden; i++) {
      const value = <T>(<T>load<i32>(units + 4 * i) * load<T>(inputs + size * (i % columns)));
      store<T>(h + size * i, rectify ? max<T>(value, 0) : value);
    }
    for (let r: usize = 0; r < rows; r++) {
      let sum: T = 0;
      const w = weights + 4 * r * hidden;
      for (let i: usize = 0; i < hidden; i++) sum += <T>load<i32>(w + 4 * i) * load<T>(h + size * i);
      store<T>(outputs + size * r, <T>follow(sum));
    }
  }
}

export function forward(
  params: usize, inputs: usize, units: usize, weights: usize, outputs: usize, scratch: usize,
): void {
  const samples: usize = load<u32>(params, SAMPLES);
  const columns: usize = load<u32>(params, COLUMNS);
  const rows: usize = load<u32>(params, ROWS);
  const wide = load<u32>(params, WIDE) != 0;
  const hidden = <usize>load<u32>(params, GROUP) * columns;
  prepare(params);
  if (wide) plain<i64>(params, inputs, units, weights, outputs, scratch);
  else if (hidden > 0 && rows > 0 && isSmall(inputs, samples * columns, units, hidden, weights, rows))
    packed(params, inputs, units, weights, outputs, scratch);
  else plain<i32>(params, inputs, units, weights, outputs, scratch);
}

/** Whether inputs, hidden units and weights are halves of words. */
function isSmall(inputs: usize, count: usize, units: usize, hidden: usize, weights: usize, rows: usize): bool {
  const x = largest(inputs, count);
  const u = largest(units, hidden);
  return max(max(x, u), largest(weights, rows * hidden)) < 1 << 15 && x * u < 1 << 15;
}
