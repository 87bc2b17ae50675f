// witness in WebAssembly SIMD: the contract of src/kernels/witness.ts on a bitset of sums.
//
// The smallest mask of a sum is found from the last item back: an item is left out where the items before it reach the
// rest. What they reach is remembered in one of two forms. A history has the bitset before every item, for small
// instances and for few items. Otherwise a table has for every place how many items it took to reach it, because in the
// positive frame a place that is reached stays reached.

import { firstSet, isSet, lastSet, step, stepNoting } from "./bitset";
import {
  ANSWERS,
  enter,
  INSTANCES,
  itemsFrom,
  itemsTo,
  keep,
  MASKS,
  origin,
  sign,
  take,
  Target,
  targetsFrom,
  targetsTo,
  TILES,
  top,
} from "./instances";
import { reserve } from "./memory";

const BLOCK: usize = 16;
/** Zero bytes below the bitset: a step reads up to this far under sum 0. */
export const MARGIN: usize = 64;
/** The most bytes of a history, and of one of few items: it is written faster than a table, place by place (16 times). */
const HISTORY: u64 = 65536;
const FEW: usize = 4 * 128;
const LONG_HISTORY: u64 = 1 << 28;

/** Where what the items reach is remembered, and the bytes from one bitset of a history to the next; 0 for a table. */
let memo: usize = 0;
let stride: usize = 0;

/** Writes the smallest mask of the first `count` items, whose magnitudes sum up to `done`, that ends at `place`. */
function walk(bits: usize, count: usize, done: i32, place: i32, mask: usize): void {
  for (let i = count; i-- > 0; ) {
    const item = sign * load<i32>(itemsFrom + 4 * i);
    done -= abs(item);
    const without = place + min(item, 0);
    const reached =
      <u32>without <= <u32>done &&
      (stride
        ? isSet(memo + i * stride, without) != 0
        : isSet(bits, without) != 0 && load<u16>(memo + (<usize>without << 1)) <= i);
    if (reached) {
      place = without;
    } else {
      place -= max(item, 0);
      take(mask, i);
    }
  }
}

/** Answers the instance at hand. Bits are scratch, with a margin of zeros below them. */
export function findWitnesses(masks: bool, tiles: bool, answers: usize, bits: usize): void {
  const from = itemsFrom;
  const to = itemsTo;
  /** Of one bitset. */
  const bytes = ((<usize>top >> 7) + 1) * BLOCK;
  const needed = <u64>bytes * ((to - from) >> 2);
  const history = masks && !tiles && needed <= (to - from <= FEW ? LONG_HISTORY : HISTORY);
  const table = masks && !history;
  memo = bits + bytes;
  stride = history ? bytes : 0;
  reserve(<u64>memo + (history ? needed : table ? 16 * <u64>bytes : 0));

  // Later items change nothing once the only target's center is reached. So memory is cleared as the sums grow.
  const single = targetsTo - targetsFrom == Target.BYTES;
  const center = sign * load<i32>(targetsFrom, Target.CENTER);
  v128.store(bits, i64x2(1, 0));
  if (table) store<u16>(memo, 0);
  let clean = bits + BLOCK;
  let done = 0;
  /** The place of sum 0. */
  let zero = 0;
  let p = from;
  for (let row = memo; p < to; p += 4, row += bytes) {
    if (single && <u32>(center + zero) <= <u32>done && isSet(bits, center + zero)) break;
    if (history) {
      const last: usize = (min(done, top) >> 3) & ~15;
      for (let b: usize = (max(0, done - keep) >> 3) & ~15; b <= last; b += BLOCK)
        v128.store(row + b, v128.load(bits + b));
    }
    const item = sign * load<i32>(p);
    const a = abs(item);
    done += a;
    zero -= min(item, 0);
    const high = min(done, top);
    const low = max(a, done - keep);
    const last = bits + ((high >> 3) & ~15);
    for (; clean <= last; clean += BLOCK) v128.store(clean, i64x2.splat(0));
    if (low > high) continue;
    if (table) stepNoting(last, bits + ((low >> 3) & ~15), a, bits, memo, <u16>((p - from) >> 2) + 1);
    else step(last, bits + ((low >> 3) & ~15), a);
  }

  for (let t = targetsFrom, end = targetsTo; t < end; t += Target.BYTES) {
    // Mirrored, the lower sum of two is the higher place.
    const mirrored = sign < 0;
    const center = zero + sign * load<i32>(t, Target.CENTER);
    const low = zero + sign * (mirrored ? load<i32>(t, Target.TO) : load<i32>(t, Target.FROM));
    const high = zero + sign * (mirrored ? load<i32>(t, Target.FROM) : load<i32>(t, Target.TO));
    let place = lastSet(bits, low, center);
    if (place != center) {
      const far = place < 0 ? high - center : min(high - center, center - place);
      const above = firstSet(bits, center, center + far);
      if (above >= 0 && (place < 0 || mirrored || above - center < center - place)) place = above;
    }
    if (place < 0) continue;
    const at = answers + 4 * load<u32>(t, Target.ANSWER);
    store<u32>(at, 1);
    store<i32>(at, sign * (place - zero), 4);
    if (masks) walk(bits, (p - from) >> 2, done, place, at + 8);
  }
}

/** The kernel. */
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
    enter(k, items, starts, targets);
    findWitnesses(masks, tiles, answers, scratch + MARGIN);
  }
}
