// The distributions that trials are drawn from. An ensemble is data: a law that turns a uniform integer of 0..range - 1 into an
// item, by the same integer arithmetic on every engine.

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

/** The most items of a trial. */
export const MAX_ITEMS = 64;
/** The number of trial indices, which have 48 bits. */
export const MAX_TRIALS = 2 ** 48;

/**
 * The parameters that turn a uniform integer into an item. The item is u v with u = value mod factor + 1, where v counts
 * floor(value / factor) up from -half and may skip 0. A listed law looks |v| up in a table of magnitudes instead.
 */
export interface Law {
  /** The number of equally likely values, 1..2^22 - 1. */
  readonly range: number;
  /** N for products, otherwise 1. */
  readonly factor: number;
  /** The half range of v; 0 for the positive items of `rnpp`. */
  readonly half: number;
  /** 1 if v skips 0, else 0. */
  readonly gap: number;
  /** 1 if sums are signed (every item counts as + or -), 0 if they are subset sums. */
  readonly signed: number;
  /** 1 if the item is entry |v| - 1 of a table of `half` magnitudes, with the sign of v. */
  readonly listed: number;
}

export function isProduct(ensemble: Ensemble): boolean {
  return ensemble === "products" || ensemble === "products0";
}

/** The largest half range of an ensemble, so that ranges of uniform integers stay below 2^22 and sums below 2^31. */
export function maxHalfRange(ensemble: Ensemble): number {
  return ensemble === "rnpp" ? 2 ** 22 - 1 : 2 ** 20;
}

/** The half range M for k bits: 2^k, and 4^k for products. */
export function halfRangeOf(ensemble: Ensemble, bits: number): number {
  return isProduct(ensemble) ? 4 ** bits : 2 ** bits;
}

/** The bits k whose half range is M; undefined where M is not such a power. */
export function bitsOf(ensemble: Ensemble, halfRange: number): number | undefined {
  const bits = Math.log2(halfRange) / (isProduct(ensemble) ? 2 : 1);
  return Number.isInteger(bits) ? bits : undefined;
}

/** The law of an ensemble. The half range is 1..2^20, for products a perfect square; for `rnpp` 1..2^22 - 1. */
export function lawOf(ensemble: Ensemble, halfRange: number): Law {
  if (ensemble === "rnpp") return { range: halfRange, factor: 1, half: 0, gap: 1, signed: 1, listed: 0 };
  const factor = isProduct(ensemble) ? Math.sqrt(halfRange) : 1;
  const half = isProduct(ensemble) ? factor : halfRange;
  const gap = ensemble === "rssp" || ensemble === "products" ? 1 : 0;
  return { range: factor * (2 * half + 1 - gap), factor, half, gap, signed: 0, listed: 0 };
}

/** The law that is uniform on the given magnitudes, each 1 or more, and their opposites. Their order is that of the table. */
export function listedLaw(magnitudes: ArrayLike<number>): Law {
  const half = magnitudes.length;
  return { range: 2 * half, factor: 1, half, gap: 1, signed: 0, listed: 1 };
}

/** The item of a value of 0..range - 1. Only listed laws read `magnitudes`. */
export function itemOf(law: Law, value: number, magnitudes: ArrayLike<number> = []): number {
  const below = Math.floor(value / law.factor) - law.half;
  const v = below >= 0 ? below + law.gap : below;
  if (law.listed) return Math.sign(v) * magnitudes[Math.abs(v) - 1]!;
  return ((value % law.factor) + 1) * v;
}

/** How random words are cut into slices, one for each value of 0..range - 1. */
export interface Slicing {
  readonly range: number;
  /** The bits of a slice. A word holds floor(32 / bits) slices, from its top bit down. */
  readonly bits: number;
  /** A slice is rejected if the low word of its product with the range is below this threshold. */
  readonly threshold: number;
}

/**
 * The slicing of a range. Powers of two have slices of log2(range) bits and no rejection. Other ranges have slices of 16 bits
 * up to 2^11, where at most about 3 % (2^11 / 2^16) of them are rejected, and whole words beyond.
 */
export function slicingOf(range: number): Slicing {
  const width = Math.log2(range);
  const bits = Number.isInteger(width) ? Math.max(width, 1) : range <= 2 ** 11 ? 16 : 32;
  return { range, bits, threshold: multiplyLow(2 ** bits % range, 2 ** (32 - bits)) };
}

/**
 * Blocks (Threefry outputs of two words) 0..31 of a trial hold the first slices of its items. Attempt a >= 1 of item i has block
 * 64 a + i for itself. Block numbers have 16 bits, which leaves room for 1023 attempts; with 3 % of rejections no item needs
 * nearly as many.
 */
const BLOCKS_PER_ATTEMPT = 64;

/**
 * The value of one item of one trial, uniform on 0..range - 1, by Lemire's multiplication with exact rejection ("Fast random
 * integer generation in an interval", 2019). The slice is moved to the top of a word, where the method is as for 32 bits.
 * @param trial 0..2^48 - 1.
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

/** The number of items whose first slices are in one block. */
function itemsPerBlock({ bits }: Slicing): number {
  return 2 * Math.floor(32 / bits);
}

/** Draws the values of one block of a trial into `values`, of length `itemsPerBlock`. They equal those of `drawValue`. */
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
 * Random values by a single index: value i is that of item i % 64 of trial floor(i / 64). Consecutive indices are fastest, since
 * the last block is cached.
 */
export function indexedValues(range: number, key: WordPair): (index: number) => number {
  const slicing = slicingOf(range);
  const values = new Int32Array(itemsPerBlock(slicing));
  const blocks = Math.ceil(MAX_ITEMS / values.length);
  let drawn = -1;
  return (index) => {
    const trial = Math.floor(index / MAX_ITEMS);
    const item = index % MAX_ITEMS;
    const block = Math.floor(item / values.length);
    if (trial * blocks + block !== drawn) {
      drawn = trial * blocks + block;
      drawBlock(slicing, key, trial, block, values);
    }
    return values[item % values.length]!;
  };
}

/** The Threefry key from which a 64-bit seed draws an ensemble of half range M. */
export function ensembleKey(seed: bigint, ensemble: Ensemble, halfRange: number): WordPair {
  return streamKey(seed, [ensembles.indexOf(ensemble), halfRange]);
}
