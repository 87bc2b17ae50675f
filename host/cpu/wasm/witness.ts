// witness in WebAssembly SIMD: the contract of src/kernels/witness.ts on a bitset of sums.
//
// The smallest mask of a sum is traced from the last item back: an item is left out where the items before it reach what
// remains. There are two records of what the first i items reach. A history keeps the row before every item; it serves small
// instances and instances of few items. A table keeps for every bit the number of items after which it is set; it serves the
// others, since in the positive frame a bit that is set stays set.

import { blockOffset, firstSet, isSet, lastSet, step, stepNoting } from "./bitset";
import {
  addToMask,
  ANSWERS,
  enterInstance,
  INSTANCES,
  itemsFrom,
  itemsTo,
  liveTo,
  MASKS,
  sign,
  Target,
  targetsFrom,
  targetsTo,
  TILES,
  windowDepth,
} from "./instances";
import { reserve } from "./memory";

/** Bytes of a v128. */
const BLOCK: usize = 16;
/** Bytes of zeros that a row needs below bit 0: a step reads up to this far below. */
export const MARGIN: usize = 64;
/**
 * The most bytes of a history, and of one of at most 128 items (4 bytes each). A history is written 16 bytes at a time, a table
 * bit by bit: histories for few items made `prune` 3 to 16 times faster, together with compacting its items.
 */
const MAX_HISTORY_BYTES: u64 = 65536;
const FEW_ITEMS_BYTES: usize = 4 * 128;
const MAX_HISTORY_BYTES_OF_FEW_ITEMS: u64 = 1 << 28;

/** The address of the history or the table. */
let record: usize = 0;
/** Bytes from a row of the history to the next; 0 where the record is a table. */
let recordStride: usize = 0;

/**
 * Writes the smallest mask of the first items that ends at a bit.
 *
 * @param bits The last row.
 * @param count How many items have entered.
 * @param prefixSum The sum of their magnitudes.
 * @param bit A bit that is set.
 * @param mask Where the mask goes; it is 0 before.
 */
function traceMask(bits: usize, count: usize, prefixSum: i32, bit: i32, mask: usize): void {
  for (let i = count; i-- > 0; ) {
    const item = sign * load<i32>(itemsFrom + 4 * i);
    prefixSum -= abs(item);
    const without = bit + min(item, 0);
    const reached =
      <u32>without <= <u32>prefixSum &&
      (recordStride
        ? isSet(record + i * recordStride, without) != 0
        : isSet(bits, without) != 0 && load<u16>(record + (<usize>without << 1)) <= i);
    if (reached) {
      bit = without;
    } else {
      bit -= max(item, 0);
      addToMask(mask, i);
    }
  }
}

/**
 * Answers the current instance.
 *
 * @param masks Whether answers have masks.
 * @param tiles Whether tables are too large for fast memory; then there is no history.
 * @param answers The output of the kernel.
 * @param bits Scratch memory of any size, with MARGIN zeros below.
 */
export function findWitnesses(masks: bool, tiles: bool, answers: usize, bits: usize): void {
  const from = itemsFrom;
  const to = itemsTo;
  const rowBytes = ((<usize>liveTo >> 7) + 1) * BLOCK;
  const historyBytes = <u64>rowBytes * ((to - from) >> 2);
  const history =
    masks && !tiles && historyBytes <= (to - from <= FEW_ITEMS_BYTES ? MAX_HISTORY_BYTES_OF_FEW_ITEMS : MAX_HISTORY_BYTES);
  const table = masks && !history;
  record = bits + rowBytes;
  recordStride = history ? rowBytes : 0;
  reserve(<u64>record + (history ? historyBytes : table ? 16 * <u64>rowBytes : 0));

  // A single target needs no more items once its center is reached, so the row is cleared as the prefix sum grows.
  const single = targetsTo - targetsFrom == Target.BYTES;
  const singleCenter = sign * load<i32>(targetsFrom, Target.CENTER);
  v128.store(bits, i64x2(1, 0));
  if (table) store<u16>(record, 0);
  let cleared = bits + BLOCK;
  let prefixSum = 0;
  let zeroBit = 0;
  let p = from;
  for (let row = record; p < to; p += 4, row += rowBytes) {
    if (single && <u32>(singleCenter + zeroBit) <= <u32>prefixSum && isSet(bits, singleCenter + zeroBit)) break;
    if (history) {
      const lastOffset: usize = blockOffset(min(prefixSum, liveTo));
      for (let offset: usize = blockOffset(max(0, prefixSum - windowDepth)); offset <= lastOffset; offset += BLOCK)
        v128.store(row + offset, v128.load(bits + offset));
    }
    const item = sign * load<i32>(p);
    const a = abs(item);
    prefixSum += a;
    zeroBit -= min(item, 0);
    const high = min(prefixSum, liveTo);
    const low = max(a, prefixSum - windowDepth);
    const highest = bits + blockOffset(high);
    for (; cleared <= highest; cleared += BLOCK) v128.store(cleared, i64x2.splat(0));
    if (low > high) continue;
    if (table) stepNoting(highest, bits + blockOffset(low), a, bits, record, <u16>((p - from) >> 2) + 1);
    else step(highest, bits + blockOffset(low), a);
  }

  for (let t = targetsFrom, end = targetsTo; t < end; t += Target.BYTES) {
    const mirrored = sign < 0;
    const center = zeroBit + sign * load<i32>(t, Target.CENTER);
    const low = zeroBit + sign * (mirrored ? load<i32>(t, Target.TO) : load<i32>(t, Target.FROM));
    const high = zeroBit + sign * (mirrored ? load<i32>(t, Target.FROM) : load<i32>(t, Target.TO));
    let bit = lastSet(bits, low, center);
    if (bit != center) {
      const distance = bit < 0 ? high - center : min(high - center, center - bit);
      const above = firstSet(bits, center, center + distance);
      // Of two sums equally near, the lower one is the answer. Mirrored, it is the higher bit.
      if (above >= 0 && (bit < 0 || mirrored || above - center < center - bit)) bit = above;
    }
    if (bit < 0) continue;
    const answer = answers + 4 * load<u32>(t, Target.ANSWER);
    store<u32>(answer, 1);
    store<i32>(answer, sign * (bit - zeroBit), 4);
    if (masks) traceMask(bits, (p - from) >> 2, prefixSum, bit, answer + 8);
  }
}

/**
 * Runs the kernel.
 *
 * @param params Params, u32 at the offsets of instances.ts.
 * @param items Items of all instances, i32.
 * @param starts First item and first target of every instance, u32.
 * @param targets Targets of all instances, at the offsets of `Target`.
 * @param answers Output.
 * @param scratch Where scratch memory begins.
 */
export function witness(
  params: usize,
  items: usize,
  starts: usize,
  targets: usize,
  answers: usize,
  scratch: usize,
): void {
  const instances: usize = load<u32>(params, INSTANCES);
  const masks = load<u32>(params, MASKS) != 0;
  const tiles = load<u32>(params, TILES) != 0;
  memory.fill(answers, 0, 4 * load<u32>(params, ANSWERS));
  reserve(<u64>scratch + MARGIN);
  memory.fill(scratch, 0, MARGIN);
  for (let k: usize = 0; k < instances; k++) {
    enterInstance(k, items, starts, targets);
    findWitnesses(masks, tiles, answers, scratch + MARGIN);
  }
}
