// The order in which the items of four trials enter, where any order serves.
//
// A step updates the words of the live window, which is narrow after few items and narrow again before the last ones. Small
// items keep it narrow for longer, so they enter at both ends and large ones in between. Windows then have a quarter fewer
// words than in draw order, and a tenth fewer than in ascending order (counted at n = k + 6).

import { ITEM_STRIDE } from "./draw";

/** Bytes of the items that are compared with all others at a time, four of each trial. */
const BATCH_BYTES: usize = 4 * ITEM_STRIDE;
/** The number of smallest items that enter first. Of the others, every second one by rank enters from the end backwards. */
const FRONT: i32 = 8;

/** Bytes of scratch memory that `arrange` needs for `count` items. */
export function arrangeBytes(count: usize): usize {
  return count * ITEM_STRIDE + BATCH_BYTES;
}

/** The index in the order of an item that is larger than `rank` others. */
// @ts-ignore: decorator
@inline
function indexOf(rank: v128, count: i32): v128 {
  const beyond = i32x4.sub(rank, i32x4.splat(FRONT));
  const half = i32x4.shr_s(beyond, 1);
  const odd = i32x4.shr_s(i32x4.shl(beyond, 31), 31);
  const index = v128.bitselect(
    i32x4.sub(i32x4.splat(count - 1), half), i32x4.add(half, i32x4.splat(FRONT)), odd,
  );
  return v128.bitselect(rank, index, i32x4.shr_s(beyond, 31));
}

/** Stores four trials' magnitudes at the indices of their ranks. */
// @ts-ignore: decorator
@inline
function put(magnitude: usize, rank: v128, order: usize, count: i32): void {
  const offset = i32x4.shl(indexOf(rank, count), 4);
  store<i32>(order + i32x4.extract_lane(offset, 0), load<i32>(magnitude));
  store<i32>(order + i32x4.extract_lane(offset, 1), load<i32>(magnitude, 4), 4);
  store<i32>(order + i32x4.extract_lane(offset, 2), load<i32>(magnitude, 8), 8);
  store<i32>(order + i32x4.extract_lane(offset, 3), load<i32>(magnitude, 12), 12);
}

/**
 * Writes the magnitudes of four trials in the order in which they are to enter. The rank of an item is counted by comparing
 * it with all others, which needs no branches.
 *
 * @param magnitudes i32 below 2^25, ITEM_STRIDE apart, at most 64.
 * @param count How many a trial has.
 * @param order Where they go, as many bytes as `magnitudes`.
 * @param keys Scratch memory of `arrangeBytes(count)`.
 */
export function arrange(magnitudes: usize, count: usize, order: usize, keys: usize): void {
  const end = keys + count * ITEM_STRIDE;
  // A key is the magnitude with the index in its low 6 bits, so that equal magnitudes have different ranks.
  let index = i32x4.splat(0);
  for (let key = keys, m = magnitudes; key < end; key += ITEM_STRIDE, m += ITEM_STRIDE) {
    v128.store(key, i32x4.add(i32x4.shl(v128.load(m), 6), index));
    index = i32x4.add(index, i32x4.splat(1));
  }
  for (let key = keys; key < end; key += BATCH_BYTES) {
    const key0 = v128.load(key), key1 = v128.load(key, 16), key2 = v128.load(key, 32), key3 = v128.load(key, 48);
    let rank0 = i32x4.splat(0), rank1 = rank0, rank2 = rank0, rank3 = rank0;
    for (let other = keys; other < end; other += ITEM_STRIDE) {
      const otherKey = v128.load(other);
      rank0 = i32x4.sub(rank0, i32x4.gt_s(key0, otherKey));
      rank1 = i32x4.sub(rank1, i32x4.gt_s(key1, otherKey));
      rank2 = i32x4.sub(rank2, i32x4.gt_s(key2, otherKey));
      rank3 = i32x4.sub(rank3, i32x4.gt_s(key3, otherKey));
    }
    const m = magnitudes + (key - keys);
    put(m, rank0, order, <i32>count);
    if (key + ITEM_STRIDE < end) put(m + ITEM_STRIDE, rank1, order, <i32>count);
    if (key + 2 * ITEM_STRIDE < end) put(m + 2 * ITEM_STRIDE, rank2, order, <i32>count);
    if (key + 3 * ITEM_STRIDE < end) put(m + 3 * ITEM_STRIDE, rank3, order, <i32>count);
  }
}
