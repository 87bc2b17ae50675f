// The order in which the items of four trials enter, where any order serves: the window of sums that matter is narrow
// at both ends, so that is where small items go. Windows have a quarter less words than in draw order, and a tenth less than
// with small items before large ones (counted at n = k + 6).

import { ITEM_STRIDE } from "./draw";

/** Items that are compared with all others at a time. */
const BATCH: usize = 4 * ITEM_STRIDE;
/** So many of the smallest enter first; of the others every second one enters last. */
const FRONT: i32 = 8;

/** Bytes of scratch memory for so many items. */
export function arrangeBytes(count: usize): usize {
  return count * ITEM_STRIDE + BATCH;
}

/** Where an item enters that is larger than `rank` others. */
// @ts-ignore: decorator
@inline
function placeOf(rank: v128, count: i32): v128 {
  const beyond = i32x4.sub(rank, i32x4.splat(FRONT));
  const half = i32x4.shr_s(beyond, 1);
  const odd = i32x4.shr_s(i32x4.shl(beyond, 31), 31);
  const place = v128.bitselect(
    i32x4.sub(i32x4.splat(count - 1), half), i32x4.add(half, i32x4.splat(FRONT)), odd,
  );
  return v128.bitselect(rank, place, i32x4.shr_s(beyond, 31));
}

// @ts-ignore: decorator
@inline
function put(magnitude: usize, rank: v128, order: usize, count: i32): void {
  const place = i32x4.shl(placeOf(rank, count), 4);
  store<i32>(order + i32x4.extract_lane(place, 0), load<i32>(magnitude));
  store<i32>(order + i32x4.extract_lane(place, 1), load<i32>(magnitude, 4), 4);
  store<i32>(order + i32x4.extract_lane(place, 2), load<i32>(magnitude, 8), 8);
  store<i32>(order + i32x4.extract_lane(place, 3), load<i32>(magnitude, 12), 12);
}

/** Puts `count` magnitudes (i32, below 2^25, four trials side by side) in order. `keys` is scratch. */
export function arrange(magnitudes: usize, count: usize, order: usize, keys: usize): void {
  const end = keys + count * ITEM_STRIDE;
  // Equal ones are ranked by their index.
  let index = i32x4.splat(0);
  for (let key = keys, m = magnitudes; key < end; key += ITEM_STRIDE, m += ITEM_STRIDE) {
    v128.store(key, i32x4.add(i32x4.shl(v128.load(m), 6), index));
    index = i32x4.add(index, i32x4.splat(1));
  }
  for (let key = keys; key < end; key += BATCH) {
    const a = v128.load(key), b = v128.load(key, 16), c = v128.load(key, 32), d = v128.load(key, 48);
    let rankA = i32x4.splat(0), rankB = rankA, rankC = rankA, rankD = rankA;
    for (let other = keys; other < end; other += ITEM_STRIDE) {
      const by = v128.load(other);
      rankA = i32x4.sub(rankA, i32x4.gt_s(a, by));
      rankB = i32x4.sub(rankB, i32x4.gt_s(b, by));
      rankC = i32x4.sub(rankC, i32x4.gt_s(c, by));
      rankD = i32x4.sub(rankD, i32x4.gt_s(d, by));
    }
    const m = magnitudes + (key - keys);
    put(m, rankA, order, <i32>count);
    if (key + ITEM_STRIDE < end) put(m + ITEM_STRIDE, rankB, order, <i32>count);
    if (key + 2 * ITEM_STRIDE < end) put(m + 2 * ITEM_STRIDE, rankC, order, <i32>count);
    if (key + 3 * ITEM_STRIDE < end) put(m + 3 * ITEM_STRIDE, rankD, order, <i32>count);
  }
}
