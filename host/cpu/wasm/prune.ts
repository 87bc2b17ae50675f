// prune in WebAssembly SIMD: the contract of src/kernels/prune.ts. The items of a demand are drawn, and those that are not 0
// become the current instance of `witness` or `smallest`.

import { drawValues, ITEM_STRIDE, WORDS_BYTES } from "./draw";
import { addToMask, enterSingle, Target } from "./instances";
import { reserve } from "./memory";
import * as P from "./params";
import { findSmallest, NO_SIZE } from "./smallest";
import { findWitnesses, MARGIN } from "./witness";

/** Byte offsets of the u32 fields of Params, in the order of the contract; test/kernels/layout.test.ts compares them. */
export const DEMANDS: usize = 0;
export const GROUP: usize = 4;
export const HIDDEN_LOW: usize = 8;
export const HIDDEN_HIGH: usize = 12;
export const WEIGHTS_LOW: usize = 16;
export const WEIGHTS_HIGH: usize = 20;
export const RANGE: usize = 24;
export const BITS: usize = 28;
export const THRESHOLD: usize = 32;
export const SPARSE: usize = 36;
export const SUMS: usize = 40;

/** Byte offsets of the fields of a demand. */
const enum Demand {
  HIDDEN = 0,
  WEIGHTS = 4,
  SUM = 8,
  SIGN = 12,
  BYTES = 16,
}

/** Items of a trial of a layer: value v of a layer is item v % 64 of trial floor(v / 64). */
// @ts-ignore: decorator
@inline
const TRIAL_ITEMS: usize = 64;
/** Values of a tile: those of four trials, which are drawn together. */
const TILE_VALUES: u32 = 256;

/**
 * A layer holds the values of some neighboring tiles. Byte offsets of its fields: what `drawValues` reads of the Params of
 * `reach`, at the offsets of params.ts; the first tile that is held, and the end of the tiles; scratch memory to draw with; the
 * drawn values of a tile, its trials interleaved; and the weights of all tiles that are held, i32.
 */
const HELD_FROM: usize = 80;
const HELD_TO: usize = 84;
const WORDS: usize = 96;
const VALUES: usize = WORDS + WORDS_BYTES;
const HELD: usize = VALUES + TRIAL_ITEMS * ITEM_STRIDE;

/** Bytes of a layer that holds any `group` neighboring values. */
function layerBytes(group: u32): usize {
  return HELD + (((<usize>group + 2 * TILE_VALUES) << 2) & ~15);
}

/** Sets the key and the law of a layer that holds no tile yet. */
function openLayer(layer: usize, params: usize, key0: u32, key1: u32): void {
  store<u32>(layer, key0, P.KEY_LOW);
  store<u32>(layer, key1, P.KEY_HIGH);
  store<u32>(layer, load<u32>(params, RANGE), P.RANGE);
  store<u32>(layer, load<u32>(params, BITS), P.BITS);
  store<u32>(layer, load<u32>(params, THRESHOLD), P.THRESHOLD);
  store<u32>(layer, 0, HELD_FROM);
  store<u32>(layer, 0, HELD_TO);
}

/** The address of the `group` weights (i32) of a layer from `index` on. Draws their tiles where they are not held. */
function drawnAt(layer: usize, values: usize, index: u32, group: u32): usize {
  const first = index / TILE_VALUES;
  const last = (index + max(group, 1) - 1) / TILE_VALUES;
  if (first < load<u32>(layer, HELD_FROM) || last >= load<u32>(layer, HELD_TO)) {
    let to = layer + HELD;
    for (let tile = first; tile <= last; tile++) {
      drawValues(layer, 4 * tile, 0, layer + WORDS, layer + VALUES, 0, TRIAL_ITEMS);
      for (let trial = layer + VALUES; trial < layer + VALUES + ITEM_STRIDE; trial += 4) {
        for (let i: usize = 0; i < TRIAL_ITEMS; i++, to += 4)
          store<i32>(to, load<i32>(values + (<usize>load<u32>(trial + i * ITEM_STRIDE) << 2)));
      }
    }
    store<u32>(layer, first, HELD_FROM);
    store<u32>(layer, last + 1, HELD_TO);
  }
  return layer + HELD + (<usize>(index - TILE_VALUES * load<u32>(layer, HELD_FROM)) << 2);
}

/** Bytes of the swizzles that move the lanes of a mask to the front, one for each mask of four lanes. */
const SWIZZLES_BYTES: usize = 16 * 16;

function writeSwizzles(swizzles: usize): void {
  for (let mask: usize = 0; mask < 16; mask++) {
    let to = swizzles + 16 * mask;
    for (let lane = 0; lane < 4; lane++) {
      store<u32>(to, 0x03020100 + 0x04040404 * lane);
      to += (mask >> lane) & 1 ? 4 : 0;
    }
  }
}

// @ts-ignore: decorator
@inline
function sumOfLanes(x: v128): i32 {
  return (
    i32x4.extract_lane(x, 0) + i32x4.extract_lane(x, 1) + i32x4.extract_lane(x, 2) + i32x4.extract_lane(x, 3)
  );
}

/**
 * Runs the kernel.
 *
 * @param params Params, u32 at the offsets above.
 * @param values The weight that each drawn value means, i32.
 * @param demands Demands, at the offsets of `Demand`.
 * @param answers Output.
 * @param scratch Where scratch memory begins.
 */
export function prune(params: usize, values: usize, demands: usize, answers: usize, scratch: usize): void {
  const group = load<u32>(params, GROUP);
  const sparse = load<u32>(params, SPARSE) != 0;
  const maskBytes: usize = ((group + 31) >> 5) << 2;
  const hidden = scratch;
  const weights = hidden + layerBytes(group);
  const swizzles = weights + layerBytes(group);
  const target = swizzles + SWIZZLES_BYTES;
  const found = target + Target.BYTES;
  const items = found + 8 + maskBytes;
  /** The index in the group of every item. */
  const members = items + (<usize>group << 2) + 16;
  const tables = (members + (<usize>group << 2) + 16 + 15) & ~15;
  reserve(<u64>tables + MARGIN);
  writeSwizzles(swizzles);
  memory.fill(tables, 0, MARGIN);
  openLayer(hidden, params, load<u32>(params, HIDDEN_LOW), load<u32>(params, HIDDEN_HIGH));
  openLayer(weights, params, load<u32>(params, WEIGHTS_LOW), load<u32>(params, WEIGHTS_HIGH));
  const end = demands + <usize>load<u32>(params, DEMANDS) * Demand.BYTES;
  memory.fill(answers, 0, <usize>load<u32>(params, DEMANDS) * (4 + maskBytes));
  for (let demand = demands, answer = answers; demand < end; demand += Demand.BYTES, answer += 4 + maskBytes) {
    const firstHidden = load<u32>(demand, Demand.HIDDEN);
    const firstWeight = load<u32>(demand, Demand.WEIGHTS);
    const sum = load<i32>(demand, Demand.SUM);
    const sign = load<i32>(demand, Demand.SIGN);
    const factors = drawnAt(weights, values, firstWeight, group);
    const units = sign ? drawnAt(hidden, values, firstHidden, group) : factors;
    let item = items;
    let member = members;
    let negatives = i32x4.splat(0);
    let positives = i32x4.splat(0);
    for (let q: u32 = 0; q < group; q += 4) {
      const indices = i32x4.add(i32x4.splat(q), i32x4(0, 1, 2, 3));
      const unit = v128.load(units + (<usize>q << 2));
      let x = v128.and(v128.load(factors + (<usize>q << 2)), i32x4.lt_u(indices, i32x4.splat(group)));
      if (sign) x = v128.and(i32x4.mul(x, unit), i32x4.gt_s(i32x4.mul(unit, i32x4.splat(sign)), i32x4.splat(0)));
      negatives = i32x4.sub(negatives, i32x4.min_s(x, i32x4.splat(0)));
      positives = i32x4.add(positives, i32x4.max_s(x, i32x4.splat(0)));
      // Items other than 0 are compacted without a branch: half of a group has the sign, so a branch could not be predicted.
      const serving = i32x4.bitmask(i32x4.ne(x, i32x4.splat(0)));
      const swizzle = v128.load(swizzles + (<usize>serving << 4));
      v128.store(item, i8x16.swizzle(x, swizzle));
      v128.store(member, i8x16.swizzle(indices, swizzle));
      item += <usize>popcnt(serving) << 2;
      member += <usize>popcnt(serving) << 2;
    }
    const negative = sumOfLanes(negatives);
    const positive = sumOfLanes(positives);
    if (sum < -negative || sum > positive) continue;
    store<i32>(target, sum, Target.FROM);
    store<i32>(target, sum, Target.TO);
    store<i32>(target, sum, Target.CENTER);
    store<u32>(target, 0, Target.ANSWER);
    memory.fill(found, 0, 8 + maskBytes);
    enterSingle(items, item, target, negative, positive);
    if (sparse) findSmallest(true, found, tables);
    else findWitnesses(true, false, found, tables + MARGIN);
    if (sparse ? load<u32>(found) == NO_SIZE : !load<u32>(found)) continue;
    store<u32>(answer, 1);
    const mask = found + (sparse ? 4 : 8);
    for (let word: usize = 0; word < maskBytes; word += 4) {
      for (let bits = load<u32>(mask + word); bits; bits &= bits - 1)
        addToMask(answer + 4, load<u32>(members + (((word << 3) + <usize>ctz(bits)) << 2)));
    }
  }
}
