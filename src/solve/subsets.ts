// Lists index sets by ascending masks: those whose sums, in the form of a problem, are in given windows.
//
// The highest item decides first, so the index sets are the leaves of a binary tree from left to right. A branch is entered only
// if it has a leaf. For a table of sums that is known from one number for each sum: after how many items it is first reached.
// Otherwise all sums of the lower half of the items are listed, and each mask of the upper half looks up those that complete it.

import { frameOf, type Frame } from "../kernels/instances.ts";
import type { Whole } from "./exact.ts";

/** The sums from..to of a form. */
export interface Window {
  readonly from: Whole;
  readonly to: Whole;
}

/** Items and the least and the greatest of all their sums. */
interface Summed {
  readonly items: readonly Whole[];
  readonly low: Whole;
  readonly high: Whole;
}

/** The most bytes of a table of first reached sums. */
const MAX_BYTES = 2 ** 30;
/** The most items for which the numbers of a table fit a byte, and one more stands for never. */
const MAX_BYTE_ITEMS = 254;

/** Whether a table of `sums` sums of n items can be listed from. */
export const canListTable = (sums: number, n: number): boolean =>
  sums * (n <= MAX_BYTE_ITEMS ? 1 : 2) <= MAX_BYTES;

/**
 * The index sets whose sums are in windows of a form, by ascending masks. An index set takes at most time in
 * proportion to the number of items, and the first one also that of a table of sums.
 * @param windows Within low..high and disjoint.
 * @returns Indices, ascending.
 */
export function* listByTable(
  { items, low, high }: Summed,
  windows: readonly Window[],
): Generator<number[], void, undefined> {
  const first = windows.map(({ from }) => Number(from)).reduce((a, b) => Math.min(a, b));
  const last = windows.map(({ to }) => Number(to)).reduce((a, b) => Math.max(a, b));
  const frame = frameOf(-Number(low), Number(high), first, last);
  // In the frame every item moves sums up by its magnitude: a positive one where it is taken, a negative one where it is not.
  const oriented = items.map((item) => (frame.mirrored ? -Number(item) : Number(item)));
  const n = items.length;
  const open = openTable(oriented, bitsOf(frame, Number(low), Number(high), windows), frame.liveTo);
  /** The bits that are left for the first i items, and whether item i is taken. */
  const left = new Float64Array(n + 1);
  const taken = new Uint8Array(n);
  left[n] = frame.liveTo;
  const leftAfter = (i: number, take: number) => {
    const item = oriented[i]!;
    return left[i + 1]! - (item < 0 === (take === 0) ? Math.abs(item) : 0);
  };
  /** Whether the first i items can fill the bits that are then left. */
  const isOpen = (i: number, bits: number) => bits >= 0 && open[bits]! <= i;
  if (!isOpen(n, left[n])) return;
  const indices: number[] = [];
  for (let i = n; ;) {
    while (i > 0) {
      i--;
      const without = leftAfter(i, 0);
      taken[i] = isOpen(i, without) ? 0 : 1;
      left[i] = taken[i] === 0 ? without : leftAfter(i, 1);
      if (taken[i] === 1) indices.push(i);
    }
    yield indices.toReversed();
    for (; ; i++) {
      if (i === n) return;
      if (taken[i] === 1) indices.pop();
      else {
        const bits = leftAfter(i, 1);
        if (!isOpen(i, bits)) continue;
        taken[i] = 1;
        left[i] = bits;
        indices.push(i);
        break;
      }
    }
  }
}

/** Windows as bits of a frame. */
function bitsOf(
  { mirrored }: Frame,
  low: number,
  high: number,
  windows: readonly Window[],
): { from: number; to: number }[] {
  return windows.map(({ from, to }) =>
    mirrored
      ? { from: high - Number(to), to: high - Number(from) }
      : { from: Number(from) - low, to: Number(to) - low },
  );
}

/**
 * For each number of bits that may be left: after how many of the first items some of the windows is reached, if what was taken
 * away from `top` is taken away from the windows as well.
 */
function openTable(
  items: readonly number[],
  windows: readonly { from: number; to: number }[],
  top: number,
): Uint8Array | Uint16Array {
  const reached = firstReached(items, top);
  if (windows.length === 1 && windows[0]!.from === top) return reached;
  const open = reached.slice().fill(-1);
  for (const { from, to } of windows) {
    // near[b] is the least number of the window of bits below b. Its width doubles, and the last two overlap.
    const near = reached.slice();
    const width = to - from + 1;
    for (let covered = 1; covered < width;) {
      const more = Math.min(covered, width - covered);
      for (let bit = top; bit >= more; bit--) near[bit] = Math.min(near[bit]!, near[bit - more]!);
      covered += more;
    }
    for (let bit = top - to; bit <= top; bit++) open[bit] = Math.min(open[bit]!, near[bit - (top - to)]!);
  }
  return open;
}

/** For each bit 0..top: after how many items it is first a sum of their magnitudes; the greatest number where it never is. */
function firstReached(items: readonly number[], top: number): Uint8Array | Uint16Array {
  const first = items.length <= MAX_BYTE_ITEMS ? new Uint8Array(top + 1) : new Uint16Array(top + 1);
  first.fill(-1);
  first[0] = 0;
  const row = new Uint32Array((top >>> 5) + 1);
  row[0] = 1;
  let prefixSum = 0;
  items.forEach((item, i) => {
    const magnitude = Math.abs(item);
    prefixSum = Math.min(prefixSum + magnitude, top);
    const [words, shift] = [Math.floor(magnitude / 32), magnitude % 32];
    for (let w = prefixSum >>> 5; w >= words; w--) {
      let moved = row[w - words]! << shift;
      if (shift > 0 && w > words) moved |= row[w - words - 1]! >>> (32 - shift);
      let fresh = moved & ~row[w]!;
      row[w]! |= fresh;
      for (; fresh !== 0; fresh &= fresh - 1) {
        const bit = 32 * w + 31 - Math.clz32(fresh & -fresh);
        if (bit <= top) first[bit] = i + 1;
      }
    }
  });
  return first;
}

/**
 * The index sets whose sums are in windows of a form of up to 48 items, by ascending masks, by meeting in the middle. It takes
 * 12 bytes for each of the 2^(n/2) masks of the lower half, and a search for each mask of the upper half.
 * @param windows Disjoint, ascending.
 * @returns Indices, ascending.
 */
export function* listByMeeting(
  { items }: Summed,
  windows: readonly Window[],
): Generator<number[], void, undefined> {
  const half = items.length >> 1;
  const lower = sortedSums(items.slice(0, half).map(wideOf));
  const upper = items.slice(half).map(wideOf);
  const bounds = windows.map(({ from, to }) => ({ from: wideOf(from), beyond: wideOf(BigInt(to) + 1n) }));
  // Upper masks ascend, and each differs from the one before in its lowest bits.
  let sum = wideOf(0);
  for (let mask = 0; mask < 2 ** upper.length; mask++) {
    if (mask > 0) {
      const bit = 31 - Math.clz32(mask & -mask);
      sum = plus(sum, upper[bit]!, 1);
      for (let i = 0; i < bit; i++) sum = plus(sum, upper[i]!, -1);
    }
    const found: Uint32Array[] = [];
    for (const { from, beyond } of bounds) {
      const start = lowerBound(lower, plus(from, sum, -1));
      const end = lowerBound(lower, plus(beyond, sum, -1));
      if (start < end) found.push(lower.masks.subarray(start, end));
    }
    if (found.length === 0) continue;
    const high = bitsIn(mask, half);
    for (const low of ascending(found)) yield [...bitsIn(low, 0), ...high];
  }
}

function ascending(lists: readonly Uint32Array[]): Uint32Array {
  const all = new Uint32Array(lists.reduce((length, list) => length + list.length, 0));
  let at = 0;
  for (const list of lists) {
    all.set(list, at);
    at += list.length;
  }
  return all.toSorted();
}

/** The bits of a mask, each plus `by`. */
function bitsIn(mask: number, by: number): number[] {
  const bits: number[] = [];
  for (let rest = mask; rest !== 0; rest &= rest - 1) bits.push(by + 31 - Math.clz32(rest & -rest));
  return bits;
}

/** An integer of 64 bits as high 2^32 + low, with low in 0..2^32 - 1, since arithmetic on many bigints is slow. */
interface Wide {
  readonly high: number;
  readonly low: number;
}

const wideOf = (value: Whole): Wide => ({
  high: Number(BigInt(value) >> 32n),
  low: Number(BigInt.asUintN(32, BigInt(value))),
});

function plus(a: Wide, b: Wide, factor: 1 | -1): Wide {
  const low = a.low + factor * b.low;
  const carry = Math.floor(low / 2 ** 32);
  return { high: a.high + factor * b.high + carry, low: low - carry * 2 ** 32 };
}

/** All sums of some items, ascending, and their masks. Equal sums have ascending masks. */
interface SortedSums {
  readonly high: Int32Array;
  readonly low: Uint32Array;
  readonly masks: Uint32Array;
}

/** Each item merges the list with a copy of itself that is moved by the item, in place and from the end. */
function sortedSums(items: readonly Wide[]): SortedSums {
  const length = 2 ** items.length;
  const [high, low, masks] = [new Int32Array(length), new Uint32Array(length), new Uint32Array(length)];
  items.forEach((item, i) => {
    let without = 2 ** i - 1;
    let taken = without;
    for (let last = 2 ** (i + 1) - 1; taken >= 0; last--) {
      const sumLow = low[taken]! + item.low;
      const carry = sumLow >= 2 ** 32 ? 1 : 0;
      const movedHigh = high[taken]! + item.high + carry;
      const movedLow = sumLow - carry * 2 ** 32;
      if (without >= 0 && isLess(movedHigh, movedLow, high[without]!, low[without]!)) {
        high[last] = high[without]!;
        low[last] = low[without]!;
        masks[last] = masks[without--]!;
      } else {
        high[last] = movedHigh;
        low[last] = movedLow;
        masks[last] = masks[taken--]! + 2 ** i;
      }
    }
  });
  return { high, low, masks };
}

const isLess = (high: number, low: number, otherHigh: number, otherLow: number) =>
  high < otherHigh || (high === otherHigh && low < otherLow);

/** The index of the first sum that is at least `value`. */
function lowerBound({ high, low }: SortedSums, value: Wide): number {
  let [from, to] = [0, low.length];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (isLess(high[middle]!, low[middle]!, value.high, value.low)) from = middle + 1;
    else to = middle;
  }
  return from;
}
