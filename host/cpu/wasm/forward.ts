// forward in WebAssembly SIMD: the contract of src/kernels/forward.ts.
//
// Where all numbers fit into 16 bits, they are packed as pairs, and `i32x4.dot_i16x8_s` multiplies eight numbers by eight and
// adds the products of a pair. A tile of 4 inputs and 8 outputs then stays in registers. Each output has a lane of its own, so
// nothing is added across lanes. Hidden units are computed in blocks that fit into fast memory together with their weights.

import { reserve } from "./memory";

/** Byte offsets of the u32 fields of Params, in the order of the contract; test/kernels/layout.test.ts compares them. */
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

/** The quantizers that need an epilogue of their own, by their indices in `quantizers` of src/network.ts. */
const FLOOR: u32 = 0;
const NEAREST: u32 = 2;
const AWAY: u32 = 3;

/** Inputs and outputs of a tile. */
const TILE_SAMPLES: usize = 4;
const TILE_ROWS: usize = 8;
/** Bytes of a pair of i16 of one input or output, and of the pairs of all inputs or outputs of a tile. */
const PAIR: usize = 4;
const SAMPLE_PAIRS: usize = TILE_SAMPLES * PAIR;
const ROW_PAIRS: usize = TILE_ROWS * PAIR;
/** Bytes of the weights of a block of hidden units, and the most pairs of a block: sized for a second-level cache. */
const BLOCK_BYTES: usize = 1 << 18;
const MAX_BLOCK_PAIRS: usize = 1 << 10;
const MIN_BLOCK_PAIRS: usize = 64;

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
 * Computes hidden units of a tile of inputs.
 *
 * @param x The tile's inputs as pairs, SAMPLE_PAIRS bytes for each pair of columns.
 * @param u The units as pairs.
 * @param width How many pairs an input has.
 * @param from The first hidden unit, counted in pairs.
 * @param to The end of the hidden units.
 * @param h Where they go, SAMPLE_PAIRS bytes for each pair.
 * @param rectify Whether they are rectified.
 */
function hiddenUnits(x: usize, u: usize, width: usize, from: usize, to: usize, h: usize, rectify: bool): void {
  const floor = i16x8.splat(rectify ? 0 : i16.MIN_VALUE);
  let columnPair = from % width;
  for (let j = from; j < to; j++, h += SAMPLE_PAIRS) {
    const products = i16x8.mul(v128.load(x + columnPair * SAMPLE_PAIRS), v128.load32_splat(u + j * PAIR));
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
 * Adds the products of a block of hidden units to the sums of a tile of 4 inputs and 8 outputs, which stay in registers.
 *
 * @param w The tile's weights, ROW_PAIRS bytes for each pair of hidden units.
 * @param h The hidden units, SAMPLE_PAIRS bytes for each pair.
 * @param end Their end.
 * @param sums The sums, i32, 8 outputs for each input.
 * @param stride Bytes from the sums of an input to those of the next.
 * @param first Whether this is the first block, which does not read sums.
 * @param last Whether this is the last block, which turns sums into outputs.
 */
function tile(w: usize, h: usize, end: usize, sums: usize, stride: usize, first: bool, last: bool): void {
  const s0 = sums;
  const s1 = s0 + stride;
  const s2 = s1 + stride;
  const s3 = s2 + stride;
  // low and high are the first and the last four outputs of an input.
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
  for (; h < end; h += SAMPLE_PAIRS, w += ROW_PAIRS) {
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

/** Runs a layer of which all inputs, units, hidden units and weights fit into 16 bits. Parameters are those of `forward`. */
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
  const block = min(max(BLOCK_BYTES / (rowTiles * ROW_PAIRS), MIN_BLOCK_PAIRS), MAX_BLOCK_PAIRS);

  // The packed units, inputs, hidden units of a block, and weights; then the sums.
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
  // Lanes beyond the last input or output hold anything: no other lane reads them.
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
      hiddenUnits(x + s * width * SAMPLE_PAIRS, u, width, from, to, h, rectify);
      const tileSums = sums + s * TILE_SAMPLES * stride;
      for (let r: usize = 0; r < rowTiles; r++)
        tile(w + (r * pairs + from) * ROW_PAIRS, h, hEnd, tileSums + r * ROW_PAIRS, stride, from == 0, to == pairs);
    }
  }
  for (let s: usize = 0; s < samples; s++) memory.copy(outputs + 4 * s * rows, sums + s * stride, 4 * rows);
}

/** Runs a layer of any numbers in words of type T, i32 or i64, which wrap. Parameters are those of `forward`. */
function plain<T>(params: usize, inputs: usize, units: usize, weights: usize, outputs: usize, h: usize): void {
  const samples: usize = load<u32>(params, SAMPLES);
  const columns: usize = load<u32>(params, COLUMNS);
  const rows: usize = load<u32>(params, ROWS);
  const hidden = <usize>load<u32>(params, GROUP) * columns;
  const rectify = load<u32>(params, RECTIFY) != 0;
  const wordBytes = sizeof<T>();
  reserve(h + wordBytes * hidden);
  for (let s: usize = 0; s < samples; s++, inputs += wordBytes * columns, outputs += wordBytes * rows) {
    for (let i: usize = 0; i < hidden; i++) {
      const value = <T>(<T>load<i32>(units + 4 * i) * load<T>(inputs + wordBytes * (i % columns)));
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
 * @param inputs [samples][columns], i32 or, where wide, i64.
 * @param units [group][columns], i32.
 * @param weights [rows][group][columns], i32.
 * @param outputs [samples][rows], as inputs.
 * @param scratch Where scratch memory begins.
 */
export function forward(
  params: usize, inputs: usize, units: usize, weights: usize, outputs: usize, scratch: usize,
): void {
  const samples: usize = load<u32>(params, SAMPLES);
  const columns: usize = load<u32>(params, COLUMNS);
  const rows: usize = load<u32>(params, ROWS);
  const wide = load<u32>(params, WIDE) != 0;
  const hidden = <usize>load<u32>(params, GROUP) * columns;
  prepareEpilogue(params);
  if (wide) plain<i64>(params, inputs, units, weights, outputs, scratch);
  else if (hidden > 0 && rows > 0 && fitsPacked(inputs, samples * columns, units, hidden, weights, rows))
    packed(params, inputs, units, weights, outputs, scratch);
  else plain<i32>(params, inputs, units, weights, outputs, scratch);
}

/** Whether `packed` serves: inputs, units, hidden units and weights all fit into 16 bits. */
function fitsPacked(inputs: usize, count: usize, units: usize, hidden: usize, weights: usize, rows: usize): bool {
  const x = largest(inputs, count);
  const u = largest(units, hidden);
  return max(max(x, u), largest(weights, rows * hidden)) < 1 << 15 && x * u < 1 << 15;
}
