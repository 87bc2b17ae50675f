// tail in WebAssembly SIMD: the contract of src/kernels/tail.ts.
//
// The subset sums of a trial are a bitset up to half of their total and M beyond, since they are the same from both ends. The
// holes of this set say up to which `top` some p fails, and only the counts c(p) up to there are added up. Where the sums have
// no hole in the middle, which is nearly always, that is little more than M.

import { advance, clear, marginBytes, rowBytes } from "./bitset";
import { drawValues, ITEM_STRIDE, WORDS_BYTES } from "./draw";
import { reserve } from "./memory";
import * as P from "./params";

/** Byte offsets of the u32 fields of Params, in the order of the contract; test/kernels/layout.test.ts compares them. */
export const FIRST_LOW: usize = 0;
export const FIRST_HIGH: usize = 4;
export const COUNT: usize = 8;
export const CLASSES: usize = 12;
export const STRATA: usize = 16;
export const ITEMS: usize = 20;
export const HALF_RANGE: usize = 24;
export const LISTED: usize = 28;
export const DIVISORS: usize = 32;
export const TARGETS: usize = 36;
export const RESIDUES: usize = 40;
export const REDUCTION1: usize = 44;
export const REDUCTION2: usize = 48;

/** Byte offsets of the fields of a class. */
const enum Class {
  KEY_LOW = 0,
  KEY_HIGH = 4,
  RANGE = 8,
  BITS = 12,
  THRESHOLD = 16,
  START = 20,
  BYTES = 24,
}

/** Trials of a stratum that follow each other. They are drawn together. */
const TRIALS: u32 = 4;

const MAX_ITEMS: usize = 160;
/** Items of a class that are drawn with one key. */
const ITEMS_OF_KEY: usize = 64;

/** Scratch memory, in bytes from its start: what `drawValues` reads of the Params of `reach`; its own scratch; the items. */
const WORDS: usize = 80;
const DRAWN: usize = WORDS + WORDS_BYTES;
const ROW: usize = DRAWN + MAX_ITEMS * ITEM_STRIDE;
/** Bytes of zeros below the counts, which additions read. */
const COUNTS_MARGIN: usize = 32;

/** The items of a trial, their half total, and the addresses of its row and of its counts. */
let items: usize = 0;
let itemsEnd: usize = 0;
let half: i32 = 0;
let row: usize = 0;
let counts: usize = 0;
/** The highest p whose count is known, and whether the count of `half` is that of the middle of all sums. */
let top: i32 = 0;
let hasMiddle = false;
/** The number modulo which signs are counted; 0 for 2^64. */
let modulus: u64 = 0;

/** Draws `count` magnitudes of a class for four trials, from a multiple of four on, and returns the end of what it wrote. */
function drawClass(c: usize, magnitudes: usize, trial: u64, scratch: usize, to: usize, count: usize): usize {
  store<u32>(scratch, load<u32>(c, Class.KEY_LOW), P.KEY_LOW);
  store<u32>(scratch, load<u32>(c, Class.RANGE), P.RANGE);
  store<u32>(scratch, load<u32>(c, Class.BITS), P.BITS);
  store<u32>(scratch, load<u32>(c, Class.THRESHOLD), P.THRESHOLD);
  for (let first: usize = 0; first < count; first += ITEMS_OF_KEY) {
    store<u32>(scratch, load<u32>(c, Class.KEY_HIGH) ^ <u32>(first / ITEMS_OF_KEY), P.KEY_HIGH);
    const items = min(count - first, ITEMS_OF_KEY);
    drawValues(scratch, <u32>trial, <u32>(trial >> 32), scratch + WORDS, to + first * ITEM_STRIDE, 0, items);
  }
  const listed = magnitudes + (<usize>load<u32>(c, Class.START) << 2);
  const end = to + count * ITEM_STRIDE;
  for (; to < end; to += 4) store<u32>(to, load<u32>(listed + (<usize>load<u32>(to) << 2)));
  return end;
}

/** Draws the magnitudes of four trials of one stratum, those of its class before those of the next class. */
function drawMagnitudes(params: usize, classes: usize, strata: usize, magnitudes: usize, trial: u64, scratch: usize): void {
  const stratum = strata + (<usize>(trial / TRIALS % load<u32>(params, STRATA)) << 3);
  const c = classes + <usize>load<u32>(stratum) * Class.BYTES;
  const first = <usize>load<u32>(stratum, 4);
  const rest = <usize>load<u32>(params, ITEMS) - first;
  let to = scratch + DRAWN;
  if (first) to = drawClass(c, magnitudes, trial, scratch, to, first);
  if (rest) drawClass(c + Class.BYTES, magnitudes, trial, scratch, to, rest);
}

/** The number of magnitudes of a trial that are not multiples of a divisor. */
function indivisible(divisor: u32): u32 {
  let count: u32 = 0;
  for (let item = items; item < itemsEnd; item += ITEM_STRIDE) count += <u32>(load<u32>(item) % divisor > 0);
  return count;
}

/** The last hole of 0..to: a sum that no subset has; or -1. */
function lastHole(to: i32): i32 {
  for (let bit = to; bit >= 0; bit = (bit & ~63) - 1) {
    const holes = ~load<u64>(row + ((bit >> 6) << 3)) << (63 - (bit & 63));
    if (holes) return bit - <i32>clz(holes);
  }
  return -1;
}

/** The first hole of from..to, or to + 1. */
function firstHole(from: i32, to: i32): i32 {
  for (let bit = from; bit <= to; bit = (bit | 63) + 1) {
    const holes = ~load<u64>(row + ((bit >> 6) << 3)) >> (bit & 63);
    if (holes) return min(bit + <i32>ctz(holes), to + 1);
  }
  return to + 1;
}

// @ts-ignore: decorator
@inline
function add(x: u64, y: u64): u64 {
  const sum = x + y;
  return modulus && sum >= modulus ? sum - modulus : sum;
}

// @ts-ignore: decorator
@inline
function subtract(x: u64, y: u64): u64 {
  return x >= y ? x - y : x - y + modulus;
}

/** Two sums of two counts each. Where counts have a modulus, it is below 2^62, so that sums are not negative as i64. */
// @ts-ignore: decorator
@inline
function addPairs(x: v128, y: v128, reduced: bool): v128 {
  const sums = i64x2.add(x, y);
  if (!reduced) return sums;
  return i64x2.sub(sums, v128.and(i64x2.splat(modulus), i64x2.gt_s(sums, i64x2.splat(modulus - 1))));
}

/**
 * Adds up the numbers of subsets with sum p, for p = 0..top: in place, from the top down.
 *
 * @param reduced Whether they have a modulus.
 */
// @ts-ignore: decorator
@inline
function countSubsets(reduced: bool): void {
  memory.fill(counts - COUNTS_MARGIN, 0, COUNTS_MARGIN + (<usize>(top + 1) << 3));
  store<u64>(counts, 1);
  let prefixSum = 0;
  for (let item = items; item < itemsEnd; item += ITEM_STRIDE) {
    const a = load<i32>(item);
    prefixSum += a;
    // Four counts are read before they are written, and as many below them: a may be 1.
    const lowest = counts + (<usize>a << 3);
    const back = <usize>a << 3;
    let p = counts + (<usize>min(top, prefixSum) << 3);
    for (; p >= lowest + 16; p -= 32) {
      const low = addPairs(v128.load(p - 24), v128.load(p - 24 - back), reduced);
      const high = addPairs(v128.load(p - 8), v128.load(p - 8 - back), reduced);
      v128.store(p - 24, low);
      v128.store(p - 8, high);
    }
    if (p >= lowest) v128.store(p - 8, addPairs(v128.load(p - 8), v128.load(p - 8 - back), reduced));
  }
}

// @ts-ignore: decorator
@inline
function countAt(p: i32): u64 {
  return load<u64>(counts + (<usize>p << 3));
}

function countOf(from: i32, to: i32): u64 {
  let sum: u64 = 0;
  for (let p = from; p <= to; p++) sum = add(sum, countAt(p));
  return sum;
}

/** The number of signs that miss some target of -M..M. */
function uncoveredSigns(M: i32): u64 {
  // Below M the target -M is missed. Each hole makes the p within M of it fail.
  let next = min(M, top + 1);
  let signs = countOf(0, next - 1);
  const last = min(top + M, half + M);
  for (let hole = firstHole(max(next - M, 0), last); hole <= last && next <= top; hole = firstHole(hole + 1, last)) {
    const from = max(next, hole - M);
    const to = min(top, hole + M);
    signs = add(signs, countOf(from, to));
    next = max(next, to + 1);
    // Holes that lie within M below the next p only.
    hole = max(hole, next - M - 1);
  }
  return subtract(add(signs, signs), hasMiddle && top == half && isUncovered(half, M) ? countAt(half) : 0);
}

function isUncovered(p: i32, M: i32): bool {
  return p < M || firstHole(p - M, p + M) <= p + M;
}

/** The number of signs that miss a target: those of p, and by symmetry those of the total less p. */
function missingSigns(target: i32): u64 {
  let signs = countOf(0, min(target - 1, top));
  const last = half + target;
  for (let hole = firstHole(0, last); hole <= last; hole = firstHole(hole + 1, last)) {
    if (hole >= target) signs = add(signs, countAt(hole - target));
    if (hole + target <= half) signs = add(signs, countAt(hole + target));
  }
  // The middle is its own mirror, and was counted twice.
  return subtract(signs, hasMiddle && firstHole(half + target, half + target) == half + target ? countAt(half) : 0);
}

/**
 * Runs the kernel.
 *
 * @param params Params, u32 at the offsets above.
 * @param classes Classes, at the offsets of `Class`.
 * @param strata Strata, two words each, u32.
 * @param magnitudes The magnitudes to draw from, u32.
 * @param divisors The divisors, u32.
 * @param targets The targets, u32.
 * @param failures Output.
 * @param scratch Where scratch memory begins.
 */
export function tail(
  params: usize, classes: usize, strata: usize, magnitudes: usize, divisors: usize, targets: usize, failures: usize,
  scratch: usize,
): void {
  const M = load<i32>(params, HALF_RANGE);
  const count = load<u32>(params, COUNT);
  const itemCount = <usize>load<u32>(params, ITEMS);
  const divisorsEnd = divisors + (<usize>load<u32>(params, DIVISORS) << 2);
  const targetsEnd = targets + (<usize>load<u32>(params, TARGETS) << 2);
  const margin = marginBytes(M, 0);
  const residues = <usize>load<u32>(params, RESIDUES);
  const mostHalf = (itemCount * M) >> 1;
  row = scratch + ROW + margin;
  counts = (row + rowBytes(mostHalf + M) + COUNTS_MARGIN + 15) & ~15;
  reserve(<u64>counts + ((<u64>mostHalf + 2) << 3));
  memory.fill(scratch + ROW, 0, margin);
  let trial = <u64>load<u32>(params, FIRST_LOW) | (<u64>load<u32>(params, FIRST_HIGH) << 32);
  let out = failures;
  const end = trial + count;
  while (trial < end) {
    const skipped = trial % TRIALS;
    drawMagnitudes(params, classes, strata, magnitudes, trial - skipped, scratch);
    for (let lane = <usize>skipped; lane < TRIALS && trial < end; lane++, trial++) {
      items = scratch + DRAWN + (lane << 2);
      itemsEnd = items + itemCount * ITEM_STRIDE;
      let total = 0, divisor: u32 = 0;
      for (let item = items; item < itemsEnd; item += ITEM_STRIDE) {
        const a = load<i32>(item);
        total += a;
        let b: u32 = a;
        while (divisor != 1 && b) {
          const rest = divisor % b;
          divisor = b;
          b = rest;
        }
      }
      half = total >> 1;
      hasMiddle = !(total & 1);
      clear(row, half + M);
      advance(row, items, itemsEnd, 0, half + M, total, M);
      top = min(half, lastHole(half + M) + M);
      store<u32>(out, divisor);
      out += 4;
      for (let d = divisors; d < divisorsEnd; d += 4, out += 4) store<u32>(out, indivisible(load<u32>(d)));
      for (let residue: usize = 0; residue < residues; residue++) {
        modulus = residue ? ((<u64>1) << 62) - load<u32>(params + (residue << 2), RESIDUES) : 0;
        if (residue) countSubsets(true);
        else countSubsets(false);
        let signs = out + (residue << 3);
        store<u64>(signs, uncoveredSigns(M));
        for (let target = targets; target < targetsEnd; target += 4) {
          signs += residues << 3;
          store<u64>(signs, missingSigns(load<i32>(target)));
        }
      }
      out += (residues << 3) * (1 + ((targetsEnd - targets) >> 2));
    }
  }
}
