// What trials are drawn from. An ensemble is data: a law turns one uniform integer of 0..range-1 into one item,
// by the same arithmetic on every engine.

import { multiplyHigh, multiplyLow } from "./u32.ts";
import { streamKey, threefry2x32, type WordPair } from "./random.ts";

/**
 * - `rssp`: uniform on -M..M without 0 (Kumar & Natale, Lemmas 3 and 4)
 * - `rssp0`: uniform on -M..M
 * - `rnpp`: uniform on 1..M, every item taken with a sign (Definition 1)
 * - `products`: u v with u uniform on 1..N, v uniform on -N..N without 0, M = N^2 (Lemma 5)
 * - `products0`: the same with 0 among the v
 * @example
 * ```ts
 * import { ensembles } from "exacta/experiments";
 *
 * console.log(ensembles.join(" ")); // rssp rssp0 rnpp products products0
 * ```
 */
export const ensembles = ["rssp", "rssp0", "rnpp", "products", "products0"] as const;
/** The name of an ensemble, the distribution that trials are drawn from. */
export type Ensemble = (typeof ensembles)[number];

/** The most items an instance may have. */
export const MAX_ITEMS = 64;
/** Trial indices are 48-bit. */
export const MAX_TRIALS = 2 ** 48;

/**
 * How a uniform integer becomes an item: (value mod factor + 1) * v, where v counts up from -half and may step over 0. A
 * listed law takes v as a place in a list of magnitudes instead.
 */
export interface Law {
  /** Number of equally likely values, 1..2^22 - 1. */
  readonly range: number;
  /** N for products, otherwise 1. */
  readonly factor: number;
  /** Half range of the signed factor; 0 for the positive items of `rnpp`. */
  readonly half: number;
  /** 1 where the signed factor leaves out 0, else 0. */
  readonly gap: number;
  /** 1 where every item enters the sum with a sign instead of being taken or left. */
  readonly signed: number;
  /** 1 where item v is the v-th of `half` listed magnitudes, with the sign of v. */
  readonly listed: number;
}

export function isProduct(ensemble: Ensemble): boolean {
  return ensemble === "products" || ensemble === "products0";
}

/** The largest half range of an ensemble: ranges of uniform integers stay below 2^22, and sums far below 2^31. */
export function maxHalfRange(ensemble: Ensemble): number {
  return ensemble === "rnpp" ? 2 ** 22 - 1 : 2 ** 20;
}

/** The half range M for a precision of `bits`: 2^bits, or the square of it for products. */
export function halfRangeOf(ensemble: Ensemble, bits: number): number {
  return isProduct(ensemble) ? 4 ** bits : 2 ** bits;
}

/** The precision whose half range is M, or undefined where M is no such power. */
export function bitsOf(ensemble: Ensemble, halfRange: number): number | undefined {
  const bits = Math.log2(halfRange) / (isProduct(ensemble) ? 2 : 1);
  return Number.isInteger(bits) ? bits : undefined;
}

/** The law of an ensemble with half range M, 1..2^20 and a perfect square for products; for `rnpp` 1..2^22 - 1. */
export function lawOf(ensemble: Ensemble, halfRange: number): Law {
  if (ensemble === "rnpp") return { range: halfRange, factor: 1, half: 0, gap: 1, signed: 1, listed: 0 };
  const factor = isProduct(ensemble) ? Math.sqrt(halfRange) : 1;
  const half = isProduct(ensemble) ? factor : halfRange;
  const gap = ensemble === "rssp" || ensemble === "products" ? 1 : 0;
  return { range: factor * (2 * half + 1 - gap), factor, half, gap, signed: 0, listed: 0 };
}

/** The law that is uniform on +-magnitudes, given those, 1 or more, in any order. */
export function listedLaw(magnitudes: ArrayLike<number>): Law {
  const half = magnitudes.length;
  return { range: 2 * half, factor: 1, half, gap: 1, signed: 0, listed: 1 };
}

/** The item that a value of 0..range-1 stands for. `magnitudes` is read by listed laws only. */
export function itemOf(law: Law, value: number, magnitudes: ArrayLike<number> = []): number {
  const below = Math.floor(value / law.factor) - law.half;
  const v = below >= 0 ? below + law.gap : below;
  if (law.listed) return Math.sign(v) * magnitudes[Math.abs(v) - 1]!;
  return ((value % law.factor) + 1) * v;
}

/** How values of 0..range-1 are cut from random words: `bits` a slice, from the top of each word down. */
export interface Slicing {
  readonly range: number;
  readonly bits: number;
  /** A slice is rejected when the low word of its product with the range falls below this. */
  readonly threshold: number;
}

/**
 * The slicing of a range: its own width when it is a power of two (no rejection), otherwise 16 bits while about
 * 3 % of the slices at most are rejected, otherwise whole words.
 */
export function slicingOf(range: number): Slicing {
  const width = Math.log2(range);
  const bits = Number.isInteger(width) ? Math.max(width, 1) : range <= 2 ** 11 ? 16 : 32;
  return { range, bits, threshold: multiplyLow(2 ** bits % range, 2 ** (32 - bits)) };
}

/** Blocks 0..31 of a trial hold the first slices of its items; attempt a >= 1 of item i has block 64 a + i to itself. */
const BLOCKS_PER_ATTEMPT = 64;

/**
 * The value of one item of one trial, uniform on 0..range-1: Lemire's multiplication with exact rejection
 * ("Fast random integer generation in an interval", 2019) on the item's slice, taken to the top of a word.
 */
export function drawValue(range: number, key: WordPair, trial: number, item: number): number {
  const { bits, threshold } = slicingOf(range);
  const perWord = Math.floor(32 / bits);
  const word = Math.floor(item / perWord);
  const low = trial % 2 ** 32;
  const high = Math.floor(trial / 2 ** 32) << 16;
  let random = threefry2x32(key, [low, (high | (word >> 1)) >>> 0])[word & 1]! << ((item % perWord) * bits);
  for (let attempt = 1; ; attempt++) {
    const slice = ((random >>> (32 - bits)) << (32 - bits)) >>> 0;
    if (multiplyLow(slice, range) >= threshold) return multiplyHigh(slice, range);
    random = threefry2x32(key, [low, (high | (BLOCKS_PER_ATTEMPT * attempt + item)) >>> 0])[0];
  }
}

/** How many items of a trial a block holds. */
function itemsPerBlock({ bits }: Slicing): number {
  return 2 * Math.floor(32 / bits);
}

/** Draws the items of one block of a trial into `values`, which has room for `itemsPerBlock`; each is that of `drawValue`. */
function drawBlock(slicing: Slicing, key: WordPair, trial: number, block: number, values: Int32Array): void {
  const { range, bits, threshold } = slicing;
  const perWord = values.length / 2;
  const high = Math.floor(trial / 2 ** 32) << 16;
  const words = threefry2x32(key, [trial % 2 ** 32, (high | block) >>> 0]);
  for (let i = 0; i < values.length; i++) {
    const random = words[i < perWord ? 0 : 1] << ((i % perWord) * bits);
    const slice = ((random >>> (32 - bits)) << (32 - bits)) >>> 0;
    values[i] =
      multiplyLow(slice, range) >= threshold
        ? multiplyHigh(slice, range)
        : drawValue(range, key, trial, block * values.length + i);
  }
}

/**
 * Values in places instead of trials: place p holds item p % 64 of trial floor(p / 64). Places are best read one after the
 * other.
 */
export function indexedValues(range: number, key: WordPair): (place: number) => number {
  const slicing = slicingOf(range);
  const values = new Int32Array(itemsPerBlock(slicing));
  const blocks = Math.ceil(MAX_ITEMS / values.length);
  let drawn = -1;
  return (place) => {
    const trial = Math.floor(place / MAX_ITEMS);
    const item = place % MAX_ITEMS;
    const block = Math.floor(item / values.length);
    if (trial * blocks + block !== drawn) {
      drawn = trial * blocks + block;
      drawBlock(slicing, key, trial, block, values);
    }
    return values[item % values.length]!;
  };
}

/** The key from which an ensemble of half range M draws under a 64-bit seed. */
export function ensembleKey(seed: bigint, ensemble: Ensemble, halfRange: number): WordPair {
  return streamKey(seed, [ensembles.indexOf(ensemble), halfRange]);
}
