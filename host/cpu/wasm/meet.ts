// meet in WebAssembly: the contract of src/kernels/meet.ts on two sorted lists of sums.
//
// Sums are only ever formed whole and compared with a target: the difference of a target and half a sum need not fit.

import { ANSWERS, INSTANCES } from "./instances";
import { reserve } from "./memory";

/** Byte offsets of the fields of a target. */
const enum Target {
  FROM = 0,
  TO = 8,
  CENTER = 16,
  ANSWER = 24,
  BYTES = 32,
}

/** Sums (i64) in ascending order, from an address to one behind the last, and their masks (u32), small ones first. */
let lows: usize = 0;
let lowsEnd: usize = 0;
let lowMasks: usize = 0;
let highs: usize = 0;
let highsEnd: usize = 0;
let highMasks: usize = 0;

/** Writes the sums of the items at from..to, and their masks. Each item merges the list with itself, moved by the item. */
function list(from: usize, to: usize, sums: usize, masks: usize): void {
  store<i64>(sums, 0);
  store<u32>(masks, 0);
  let length: usize = 1;
  for (let p = from, bit: u32 = 1; p < to; p += 8, bit <<= 1, length <<= 1) {
    const item = load<i64>(p);
    // In place, from the end: writes stay behind both readers, or meet the one that is left.
    let without = length;
    let taken = length;
    while (without && taken) {
      const a = load<i64>(sums + 8 * without - 8);
      const b = load<i64>(sums + 8 * taken - 8) + item;
      const mask = load<u32>(masks + 4 * without - 4);
      const maskTaken = load<u32>(masks + 4 * taken - 4) | bit;
      const behind = b >= a;
      const at = without + taken - 1;
      store<i64>(sums + 8 * at, select(b, a, behind));
      store<u32>(masks + 4 * at, select(maskTaken, mask, behind));
      taken -= usize(behind);
      without -= usize(!behind);
    }
    while (taken--) {
      store<i64>(sums + 8 * taken, load<i64>(sums + 8 * taken) + item);
      store<u32>(masks + 4 * taken, load<u32>(masks + 4 * taken) | bit);
    }
  }
}

/** The greatest sum up to the one that `atMost` was last asked for, and the least beyond. */
let below: i64 = 0;
let above: i64 = 0;

/** How many pairs have a sum of at most `sum`. */
function atMost(sum: i64): u64 {
  const first = lows;
  const end = lowsEnd;
  const last = highs;
  let low = first;
  let high = highsEnd - 8;
  let pairs: u64 = 0;
  let greatest = i64.MIN_VALUE;
  let least = i64.MAX_VALUE;
  while (low < end && high >= last) {
    const s = load<i64>(low) + load<i64>(high);
    const fits = s <= sum;
    greatest = select(s, greatest, fits && s > greatest);
    least = select(s, least, !fits && s < least);
    pairs += select<u64>(0, (low - first) >> 3, fits);
    low += usize(fits) << 3;
    high -= usize(!fits) << 3;
  }
  below = greatest;
  above = least;
  // All lows fit those of the highs that are left.
  return pairs + <u64>((high + 8 - last) >> 3) * ((low - first) >> 3);
}

/** The smallest mask of a sum, the lower items of which are `half`. */
function maskOf(sum: i64, half: u64): u64 {
  let low = lows;
  let high = highsEnd - 8;
  let mask = u64.MAX_VALUE;
  while (low < lowsEnd && high >= highs) {
    const s = load<i64>(low) + load<i64>(high);
    if (s < sum) {
      low += 8;
      continue;
    }
    // The first of several equal lows has the smallest mask.
    if (s == sum)
      mask = min(
        mask,
        (<u64>load<u32>(highMasks + ((high - highs) >> 1)) << half) | load<u32>(lowMasks + ((low - lows) >> 1)),
      );
    high -= 8;
  }
  return mask;
}

/** The kernel. */
export function meet(
  params: usize,
  items: usize,
  starts: usize,
  targets: usize,
  answers: usize,
  scratch: usize,
): void {
  const instances: usize = load<u32>(params, INSTANCES);
  memory.fill(answers, 0, 4 * load<u32>(params, ANSWERS));
  for (let k: usize = 0; k < instances; k++) {
    const row = starts + 8 * k;
    const n: usize = load<u32>(row, 8) - load<u32>(row);
    const half = n >> 1;
    lows = scratch;
    lowsEnd = lows + (8 << half);
    highs = lowsEnd;
    highsEnd = highs + (8 << (n - half));
    lowMasks = highsEnd;
    highMasks = lowMasks + (4 << half);
    reserve(<u64>highMasks + (4 << (n - half)));
    const first = items + 8 * load<u32>(row);
    list(first, first + 8 * half, lows, lowMasks);
    list(first + 8 * half, first + 8 * n, highs, highMasks);

    const end = targets + Target.BYTES * load<u32>(row, 12);
    for (let t = targets + Target.BYTES * load<u32>(row, 4); t < end; t += Target.BYTES) {
      const from = load<i64>(t, Target.FROM);
      const to = load<i64>(t, Target.TO);
      const center = load<i64>(t, Target.CENTER);
      const less: u64 = from == i64.MIN_VALUE ? 0 : atMost(from - 1);
      const ways = atMost(to) - less;
      if (!ways) continue;
      // `below` and `above` are those of `to` so far.
      if (center != to) atMost(center);
      const nearer = above <= to && <u64>above - <u64>center < <u64>center - <u64>below;
      const sum = below < from || nearer ? above : below;
      const at = answers + 4 * load<u32>(t, Target.ANSWER);
      store<u32>(at, 1);
      store<i64>(at, sum, 4);
      store<u64>(at, ways, 12);
      store<u64>(at, maskOf(sum, half), 20);
    }
  }
}
