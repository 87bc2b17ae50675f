// meet in WebAssembly: the contract of src/kernels/meet.ts on two sorted lists of sums (Horowitz & Sahni, 1974).
//
// Only whole sums are formed and compared with a target, since the difference of a target and half a sum may not fit an i64.
// Where a sum and its mask fit one i64 together, lists have such packed sums: a sum times 2^n, plus the mask of n items.

import { reserve } from "./memory";

/** Byte offsets of the u32 fields of Params, in the order of the contract; test/kernels/layout.test.ts compares them. */
export const INSTANCES: usize = 0;
export const ITEMS: usize = 4;
export const TARGETS: usize = 8;
export const ANSWERS: usize = 12;
export const LONGEST: usize = 16;
export const FEWEST: usize = 20;

/** Byte offsets of the fields of a target: three i64, and a u32. */
const enum Target {
  FROM = 0,
  TO = 8,
  CENTER = 16,
  ANSWER = 24,
  BYTES = 32,
}

/** Addresses of the sums (i64, ascending) of the first half of the items, of their end, and of their masks (u32). */
let lows: usize = 0;
let lowsEnd: usize = 0;
let lowMasks: usize = 0;
/** The same of the second half. */
let highs: usize = 0;
let highsEnd: usize = 0;
let highMasks: usize = 0;

/**
 * Writes all sums of the items at from..to (i64) in ascending order, and their masks, equal sums by ascending mask. Each item
 * merges the list with a copy of itself that is moved by the item.
 */
function listSums(from: usize, to: usize, sums: usize, masks: usize): void {
  store<i64>(sums, 0);
  store<u32>(masks, 0);
  let length: usize = 1;
  for (let p = from, bit: u32 = 1; p < to; p += 8, bit <<= 1, length <<= 1) {
    const item = load<i64>(p);
    // In place, from the end: writes stay above both readers. Once `without` is 0, the rest is updated where it is.
    let without = length;
    let taken = length;
    while (without && taken) {
      const sum = load<i64>(sums + 8 * without - 8);
      const sumTaken = load<i64>(sums + 8 * taken - 8) + item;
      const mask = load<u32>(masks + 4 * without - 4);
      const maskTaken = load<u32>(masks + 4 * taken - 4) | bit;
      const takenLast = sumTaken >= sum;
      const last = without + taken - 1;
      store<i64>(sums + 8 * last, select(sumTaken, sum, takenLast));
      store<u32>(masks + 4 * last, select(maskTaken, mask, takenLast));
      taken -= usize(takenLast);
      without -= usize(!takenLast);
    }
    while (taken--) {
      store<i64>(sums + 8 * taken, load<i64>(sums + 8 * taken) + item);
      store<u32>(masks + 4 * taken, load<u32>(masks + 4 * taken) | bit);
    }
  }
}

/** Whether the mask with the fewest items is looked for. */
let fewest: bool = false;

/** The order of masks: the number of items above 48 bits of mask, or the mask alone. */
// @ts-ignore: decorator
@inline
function rankOf(mask: u64): u64 {
  return fewest ? (popcnt<u64>(mask) << 48) | mask : mask;
}
const MASK_BITS: u64 = 0xffff_ffff_ffff;

/** Gives the first of equal sums the first of their masks. */
function bringFirstMasks(sums: usize, end: usize, masks: usize): void {
  let first = sums;
  for (let p = sums + 8; p < end; p += 8) {
    if (load<i64>(p) != load<i64>(first)) {
      first = p;
      continue;
    }
    const mask = load<u32>(masks + ((p - sums) >> 1));
    const at = masks + ((first - sums) >> 1);
    if (rankOf(mask) < rankOf(load<u32>(at))) store<u32>(at, mask);
  }
}

/** The greatest sum up to the bound of the last `countUpTo`, and the least one beyond. */
let below: i64 = 0;
let above: i64 = 0;

/** Counts the pairs of a low and a high sum that add up to at most `bound`, and sets `below` and `above`. */
function countUpTo(bound: i64): u64 {
  const first = lows;
  const end = lowsEnd;
  const last = highs;
  let low = first;
  let high = highsEnd - 8;
  let pairs: u64 = 0;
  let greatest = i64.MIN_VALUE;
  let least = i64.MAX_VALUE;
  while (low < end && high >= last) {
    const sum = load<i64>(low) + load<i64>(high);
    const fits = sum <= bound;
    greatest = select(sum, greatest, fits && sum > greatest);
    least = select(sum, least, !fits && sum < least);
    pairs += select<u64>(0, (low - first) >> 3, fits);
    low += usize(fits) << 3;
    high -= usize(!fits) << 3;
  }
  below = greatest;
  above = least;
  // Each of the highs that remain fits all lows.
  return pairs + <u64>((high + 8 - last) >> 3) * ((low - first) >> 3);
}

/** The first mask of a sum, where the first half has `half` items. */
function maskOf(sum: i64, half: u64): u64 {
  let low = lows;
  let high = highsEnd - 8;
  let rank = u64.MAX_VALUE;
  while (low < lowsEnd && high >= highs) {
    const found = load<i64>(low) + load<i64>(high);
    if (found < sum) {
      low += 8;
      continue;
    }
    // The first of several equal lows has the first mask.
    if (found == sum)
      rank = min(
        rank,
        rankOf((<u64>load<u32>(highMasks + ((high - highs) >> 1)) << half) | load<u32>(lowMasks + ((low - lows) >> 1))),
      );
    high -= 8;
  }
  return rank & MASK_BITS;
}

/** The bits of a packed sum: its sum is far from both ends of an i64, where the sentinels of `countPacked` are. */
const PACKED_BITS: u64 = 60;

/** Whether all sums of the items at from..to (i64), times 2^n, are within -2^60..2^60. */
function canPack(from: usize, to: usize, n: usize): bool {
  if (n >= 60) return false;
  const most: u64 = <u64>1 << (PACKED_BITS - n);
  let magnitude: u64 = 0;
  for (let p = from; p < to; p += 8) {
    const item = load<i64>(p);
    magnitude += <u64>(item < 0 ? -item : item);
    // The magnitude of the least i64 is far above `most` as a u64 as well.
    if (magnitude >= most) return false;
  }
  return true;
}

/**
 * Writes all packed sums of the items at from..to (i64) in ascending order; their masks begin at bit `first`. Each item merges
 * the list with a copy of itself that is moved by the item, from both ends at once: two chains of comparisons run side by
 * side, and as each writes half of the new list, neither runs out of sums.
 *
 * @param other Memory for a second list, as lists alternate.
 */
function listPacked(from: usize, to: usize, n: u64, first: u64, list: usize, other: usize): void {
  let source = ((to - from) >> 3) & 1 ? other : list;
  let target = source == list ? other : list;
  store<i64>(source, 0);
  let bytes: usize = 8;
  for (let p = from, bit: i64 = 1 << first; p < to; p += 8, bit <<= 1, bytes <<= 1) {
    const step = (load<i64>(p) << n) + bit;
    let low = source;
    let lowTaken = source;
    let high = source + bytes - 8;
    let highTaken = high;
    let back = target + 2 * bytes - 8;
    for (let front = target; front < target + bytes; front += 8, back -= 8) {
      const without = load<i64>(low);
      const taken = load<i64>(lowTaken) + step;
      const isWithout = without < taken;
      store<i64>(front, select(without, taken, isWithout));
      low += usize(isWithout) << 3;
      lowTaken += usize(!isWithout) << 3;
      const lastWithout = load<i64>(high);
      const lastTaken = load<i64>(highTaken) + step;
      const isTaken = lastTaken > lastWithout;
      store<i64>(back, select(lastTaken, lastWithout, isTaken));
      highTaken -= usize(isTaken) << 3;
      high -= usize(!isTaken) << 3;
    }
    const written = target;
    target = source;
    source = written;
  }
}

/**
 * What `countPacked` found: the number of pairs in the window, the greatest packed sum below the center, and the least from
 * there on.
 */
let packedWays: u64 = 0;
let packedBelow: i64 = 0;
let packedAbove: i64 = 0;

/**
 * Goes through the pairs of a low and a high packed sum for three bounds at once, which run side by side. Sentinels behind the
 * last low and before the first high let each of them take as many steps as there are sums in both lists.
 *
 * @param from The least packed sum of the window.
 * @param to The least packed sum beyond the window.
 * @param center The least packed sum of the center.
 */
function countPacked(from: i64, to: i64, center: i64): void {
  const first = lows;
  store<i64>(lowsEnd, 1 << 62);
  store<i64>(highs - 8, -(1 << 62));
  let low1 = lows;
  let low2 = lows;
  let low3 = lows;
  let high1 = highsEnd - 8;
  let high2 = high1;
  let high3 = high1;
  // Bytes of lows; there may be 2^48 pairs.
  let before: u64 = 0;
  let upTo: u64 = 0;
  let below = i64.MIN_VALUE;
  let above = i64.MAX_VALUE;
  for (let steps = (lowsEnd - lows + highsEnd - highs) >> 3; steps; steps--) {
    const fits1 = load<i64>(low1) + load<i64>(high1) < from;
    before += select<u64>(0, <u64>(low1 - first), fits1);
    low1 += usize(fits1) << 3;
    high1 -= usize(!fits1) << 3;
    const fits2 = load<i64>(low2) + load<i64>(high2) < to;
    upTo += select<u64>(0, <u64>(low2 - first), fits2);
    low2 += usize(fits2) << 3;
    high2 -= usize(!fits2) << 3;
    const sum = load<i64>(low3) + load<i64>(high3);
    const fits3 = sum < center;
    below = select(max(below, sum), below, fits3);
    above = select(above, min(above, sum), fits3);
    low3 += usize(fits3) << 3;
    high3 -= usize(!fits3) << 3;
  }
  packedWays = (upTo - before) >> 3;
  packedBelow = below;
  packedAbove = above;
}

/** Answers the targets of an instance from packed sums, but for the fewest items of one sum. */
function answerPacked(first: usize, n: u64, target: usize, end: usize, answers: usize, isSizeFirst: bool): void {
  const half = n >> 1;
  const lowBytes: usize = 8 << <usize>half;
  const highBytes: usize = 8 << <usize>(n - half);
  // A sentinel is behind the lows, and one before the highs.
  highs = lows + lowBytes + 16;
  lowsEnd = lows + lowBytes;
  highsEnd = highs + highBytes;
  reserve(<u64>(highsEnd + highBytes));
  listPacked(first, first + 8 * <usize>half, n, 0, lows, highsEnd);
  listPacked(first + 8 * <usize>half, first + 8 * <usize>n, n, half, highs, highsEnd);
  const maskBits: i64 = (1 << n) - 1;
  for (let t = target; t < end; t += Target.BYTES) {
    const from = load<i64>(t, Target.FROM) << n;
    const to = (load<i64>(t, Target.TO) + 1) << n;
    const center = load<i64>(t, Target.CENTER) << n;
    const answer = answers + 4 * load<u32>(t, Target.ANSWER);
    if (isSizeFirst) {
      const found = fewestPacked(from, to, center, maskBits);
      if (packedWays) writeAnswer(answer, found >> n, packedWays, found & maskBits);
      continue;
    }
    countPacked(from, to, center);
    const ways = packedWays;
    if (!ways) continue;
    const isNearer = packedAbove < to && (packedAbove >> n) - (center >> n) < (center >> n) - (packedBelow >> n);
    // The least packed sum of a sum has its smallest mask.
    if (packedBelow >= from && !isNearer) countPacked(0, 0, packedBelow & ~maskBits);
    writeAnswer(answer, packedAbove >> n, ways, packedAbove & maskBits);
  }
}

/** The packed sum in from..to - 1 of the fewest items, of several the nearest one, and then the least. Sets `packedWays`. */
function fewestPacked(from: i64, to: i64, center: i64, maskBits: i64): i64 {
  let low = lows;
  let ways: u64 = 0;
  let least: u64 = u64.MAX_VALUE;
  let best: i64 = 0;
  for (let high = highsEnd - 8; high >= highs; high -= 8) {
    const upper = load<i64>(high);
    while (low < lowsEnd && load<i64>(low) + upper < from) low += 8;
    for (let p = low; p < lowsEnd; p += 8) {
      const found = load<i64>(p) + upper;
      if (found >= to) break;
      ways++;
      const size = <u64>popcnt(found & maskBits);
      if (size > least) continue;
      if (size == least) {
        const distance = abs((found & ~maskBits) - center);
        const bestDistance = abs((best & ~maskBits) - center);
        if (distance > bestDistance || (distance == bestDistance && found > best)) continue;
      }
      least = size;
      best = found;
    }
  }
  packedWays = ways;
  return best;
}

/** Writes the answer of a target that is reached. */
function writeAnswer(answer: usize, sum: i64, ways: u64, mask: u64): void {
  store<u32>(answer, 1);
  store<i64>(answer, sum, 4);
  store<u64>(answer, ways, 12);
  store<u64>(answer, mask, 20);
}

/** What `findFewest` found: the number of pairs in the window, and of the mask that is answered its sum. */
let fewestWays: u64 = 0;
let fewestSum: i64 = 0;

/**
 * The mask of the fewest items of any sum in from..to, of several the one of the sum nearest to `center`, where the first half
 * has `half` items.
 */
function findFewest(from: i64, to: i64, center: i64, half: u64): u64 {
  let low = lows;
  let ways: u64 = 0;
  let rank = u64.MAX_VALUE;
  let distance: u64 = 0;
  let sum: i64 = 0;
  for (let high = highsEnd - 8; high >= highs; high -= 8) {
    const upper = load<i64>(high);
    while (low < lowsEnd && load<i64>(low) + upper < from) low += 8;
    const upperMask = <u64>load<u32>(highMasks + ((high - highs) >> 1)) << half;
    for (let p = low; p < lowsEnd; p += 8) {
      const found = load<i64>(p) + upper;
      if (found > to) break;
      ways++;
      const foundRank = rankOf(upperMask | load<u32>(lowMasks + ((p - lows) >> 1)));
      if (foundRank >> 48 > rank >> 48) continue;
      const foundDistance = found < center ? <u64>center - <u64>found : <u64>found - <u64>center;
      if (foundRank >> 48 == rank >> 48) {
        if (foundDistance > distance) continue;
        if (foundDistance == distance && (found > sum || (found == sum && foundRank > rank))) continue;
      }
      rank = foundRank;
      distance = foundDistance;
      sum = found;
    }
  }
  fewestWays = ways;
  fewestSum = sum;
  return rank & MASK_BITS;
}

/**
 * Runs the kernel.
 *
 * @param params Params, u32.
 * @param items Items of all instances, i64.
 * @param starts First item and first target of every instance, u32.
 * @param targets Targets of all instances, at the offsets of `Target`.
 * @param answers Output.
 * @param scratch Where scratch memory begins.
 */
export function meet(
  params: usize,
  items: usize,
  starts: usize,
  targets: usize,
  answers: usize,
  scratch: usize,
): void {
  const instances: usize = load<u32>(params, INSTANCES);
  fewest = load<u32>(params, FEWEST) != 0;
  const isSizeFirst = load<u32>(params, FEWEST) == 2;
  memory.fill(answers, 0, 4 * load<u32>(params, ANSWERS));
  for (let k: usize = 0; k < instances; k++) {
    const start = starts + 8 * k;
    const n: usize = load<u32>(start, 8) - load<u32>(start);
    const half = n >> 1;
    const first = items + 8 * load<u32>(start);
    const end = targets + Target.BYTES * load<u32>(start, 12);
    const firstTarget = targets + Target.BYTES * load<u32>(start, 4);
    lows = scratch;
    if ((!fewest || isSizeFirst) && canPack(first, first + 8 * n, n)) {
      answerPacked(first, n, firstTarget, end, answers, isSizeFirst);
      continue;
    }
    lowsEnd = lows + (8 << half);
    highs = lowsEnd;
    highsEnd = highs + (8 << (n - half));
    lowMasks = highsEnd;
    highMasks = lowMasks + (4 << half);
    reserve(<u64>highMasks + (4 << (n - half)));
    listSums(first, first + 8 * half, lows, lowMasks);
    listSums(first + 8 * half, first + 8 * n, highs, highMasks);
    if (fewest) bringFirstMasks(lows, lowsEnd, lowMasks);

    for (let t = firstTarget; t < end; t += Target.BYTES) {
      const from = load<i64>(t, Target.FROM);
      const to = load<i64>(t, Target.TO);
      const center = load<i64>(t, Target.CENTER);
      const answer = answers + 4 * load<u32>(t, Target.ANSWER);
      if (isSizeFirst) {
        const mask = findFewest(from, to, center, half);
        if (fewestWays) writeAnswer(answer, fewestSum, fewestWays, mask);
        continue;
      }
      const waysBelow: u64 = from == i64.MIN_VALUE ? 0 : countUpTo(from - 1);
      const ways = countUpTo(to) - waysBelow;
      if (!ways) continue;
      // `below` and `above` belong to `to` here.
      if (center != to) countUpTo(center);
      const nearer = above <= to && <u64>above - <u64>center < <u64>center - <u64>below;
      const sum = below < from || nearer ? above : below;
      writeAnswer(answer, sum, ways, maskOf(sum, half));
    }
  }
}
