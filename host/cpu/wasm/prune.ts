// prune in WebAssembly SIMD: the contract of src/kernels/prune.ts. The items of a demand are drawn, and those that are not 0
// become the instance at hand of `witness` or `smallest`.

import { drawValues, ITEM_STRIDE } from "./draw";
import { enterOne, take, Target } from "./instances";
import { reserve } from "./memory";
import * as P from "./params";
import { findSmallest, NO_SIZE } from "./smallest";
import { findWitnesses, MARGIN } from "./witness";

/** Byte offsets of the u32 fields of Params, in the order of the contract (a test compares them). */
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

/** The places of four trials, which are drawn together. */
const TILE: u32 = 256;
const NO_TILE: u32 = 0xffffffff;
/** A layer: what `drawValues` reads of reach's Params, which tile is held, words to draw with, and the values of the tile. */
const HELD: usize = 80;
const WORDS: usize = 96;
const VALUES: usize = WORDS + 64;
const LAYER_BYTES: usize = VALUES + 64 * ITEM_STRIDE;

function openLayer(layer: usize, params: usize, key0: u32, key1: u32): void {
  store<u32>(layer, key0, P.KEY_LOW);
  store<u32>(layer, key1, P.KEY_HIGH);
  store<u32>(layer, load<u32>(params, RANGE), P.RANGE);
  store<u32>(layer, load<u32>(params, BITS), P.BITS);
  store<u32>(layer, load<u32>(params, THRESHOLD), P.THRESHOLD);
  store<u32>(layer, 64, P.ITEMS_TO);
  store<u32>(layer, NO_TILE, HELD);
}

function drawTile(layer: usize, tile: u32): void {
  drawValues(layer, 4 * tile, 0, layer + WORDS, layer + VALUES);
  store<u32>(layer, tile, HELD);
}

/** What the drawn value at a place stands for. */
// @ts-ignore: decorator
@inline
function weightAt(layer: usize, values: usize, place: u32): i32 {
  if (load<u32>(layer, HELD) != place / TILE) drawTile(layer, place / TILE);
  const value = load<u32>(layer + (<usize>(place & 63) << 4) + (<usize>(place & 192) >> 4), VALUES);
  return load<i32>(values + (<usize>value << 2));
}

/** The kernel. */
export function prune(params: usize, values: usize, demands: usize, answers: usize, scratch: usize): void {
  const group = load<u32>(params, GROUP);
  const sparse = load<u32>(params, SPARSE) != 0;
  const maskBytes: usize = ((group + 31) >> 5) << 2;
  const hidden = scratch;
  const weights = hidden + LAYER_BYTES;
  const target = weights + LAYER_BYTES;
  const found = target + Target.BYTES;
  const items = found + 8 + maskBytes;
  /** Which item of the group each of them is. */
  const members = items + (<usize>group << 2) + 4;
  const tables = (members + (<usize>group << 1) + 2 + 15) & ~15;
  reserve(<u64>tables + MARGIN);
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
    let item = items;
    let member = members;
    let negative = 0;
    let positive = 0;
    for (let q: u32 = 0; q < group; q++) {
      const unit = sign ? weightAt(hidden, values, firstHidden + q) : 1;
      const product = unit * weightAt(weights, values, firstWeight + q);
      const x = !sign || unit * sign > 0 ? product : 0;
      store<i32>(item, x);
      store<u16>(member, <u16>q);
      // Half of the group serves: a jump would be predicted half of the time.
      const serves: usize = usize(x != 0);
      item += serves << 2;
      member += serves << 1;
      negative -= min(x, 0);
      positive += max(x, 0);
    }
    if (sum < -negative || sum > positive) continue;
    store<i32>(target, sum, Target.FROM);
    store<i32>(target, sum, Target.TO);
    store<i32>(target, sum, Target.CENTER);
    store<u32>(target, 0, Target.ANSWER);
    memory.fill(found, 0, 8 + maskBytes);
    enterOne(items, item, target, negative, positive);
    if (sparse) findSmallest(true, found, tables);
    else findWitnesses(true, false, found, tables + MARGIN);
    if (sparse ? load<u32>(found) == NO_SIZE : !load<u32>(found)) continue;
    store<u32>(answer, 1);
    const mask = found + (sparse ? 4 : 8);
    for (let word: usize = 0; word < maskBytes; word += 4) {
      for (let rest = load<u32>(mask + word); rest; rest &= rest - 1)
        take(answer + 4, load<u16>(members + (((word << 3) + <usize>ctz(rest)) << 1)));
    }
  }
}
