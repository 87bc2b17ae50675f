// smallest in WebAssembly SIMD: the contract of src/kernels/smallest.ts, in place from the highest sum down.
//
// In the positive frame a positive item costs 1 where it enters the sum, and a negative one saves 1, for it is left out.
// All begin as if every negative item were taken. So a place changes only where an item enters, and after the last
// item its size stands there, counted from the least number of the type T. Where nothing is reached stands the greatest
// number of T, or a little less, which stays above all sizes as long as T has room for both.

import { isSet } from "./bitset";
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
  top,
} from "./instances";
import { reserve } from "./memory";

const BLOCK: usize = 16;
export const NO_SIZE: u32 = 0xffffffff;

/** Writes the mask that the entries say. Row i of them has the places where item i enters; below its magnitude none. */
function walk(entries: usize, stride: usize, place: i32, mask: usize): void {
  for (let i = (itemsTo - itemsFrom) >> 2; i-- > 0; ) {
    const item = sign * load<i32>(itemsFrom + 4 * i);
    const a = abs(item);
    const enters = place >= a && isSet(entries + i * stride, place);
    if (enters) place -= a;
    if (enters != item < 0) take(mask, i);
  }
}

/** Answers the instance at hand. `sizes` has a number of type T for every place, and a block below them. */
function answer<T>(masks: bool, negatives: i32, answers: usize, sizes: usize): void {
  const least: i32 = sizeof<T>() == 1 ? i8.MIN_VALUE : i16.MIN_VALUE;
  const never = v128.splat<T>(<T>~least);
  const n = (itemsTo - itemsFrom) >> 2;
  const end = sizes + ((<usize>top * sizeof<T>()) & ~15) + BLOCK;
  const stride = (end - sizes) / (8 * sizeof<T>());
  reserve(<u64>sizes + (<u64>top + 1) * sizeof<T>() + BLOCK + (masks ? <u64>n * stride : 0));
  for (let p = sizes - BLOCK; p < end; p += BLOCK) v128.store(p, never);
  store<T>(sizes, <T>(least + negatives));
  let done = 0;
  let row = end;
  for (let p = itemsFrom, last = itemsTo; p < last; p += 4, row += stride) {
    const item = sign * load<i32>(p);
    const a = abs(item);
    done += a;
    const low = max(a, done - keep);
    const high = min(done, top);
    if (low > high) continue;
    const back: usize = <usize>a * sizeof<T>();
    const floor = sizes + ((<usize>low * sizeof<T>()) & ~15);
    const cost = v128.splat<T>(<T>(item < 0 ? -1 : 1));
    // A set as small decides for leaving the item out: a negative one then enters.
    const tie = v128.splat<T>(<T>(item < 0 ? -2 : 1));
    for (let s = sizes + ((<usize>high * sizeof<T>()) & ~15); s >= floor; s -= BLOCK) {
      const without = v128.load(s);
      const rest = v128.load(s - back);
      v128.store(s, v128.min<T>(without, v128.add_sat<T>(rest, cost)));
      if (!masks) continue;
      const enters = v128.bitmask<T>(v128.lt<T>(v128.add_sat<T>(rest, tie), without));
      const at = row + (s - sizes) / (8 * sizeof<T>());
      if (sizeof<T>() == 1) store<u16>(at, enters);
      else store<u8>(at, enters);
    }
  }
  for (let t = targetsFrom, last = targetsTo; t < last; t += Target.BYTES) {
    const place = origin + sign * load<i32>(t, Target.FROM);
    const size: i32 = <i32>load<T>(sizes + <usize>place * sizeof<T>()) - least;
    const at = answers + 4 * load<u32>(t, Target.ANSWER);
    store<u32>(at, <usize>size > n ? NO_SIZE : size);
    if (masks && <usize>size <= n) walk(end, stride, place, at + 4);
  }
}

/** Answers the instance at hand. */
export function findSmallest(masks: bool, answers: usize, scratch: usize): void {
  let negatives = 0;
  for (let p = itemsFrom, end = itemsTo; p < end; p += 4) negatives += i32(sign * load<i32>(p) < 0);
  // The greatest number of T falls by 1 a negative item at most, and must stay above the sizes up to n.
  if (((itemsTo - itemsFrom) >> 2) + negatives < 255) answer<i8>(masks, negatives, answers, scratch + BLOCK);
  else answer<i16>(masks, negatives, answers, scratch + BLOCK);
}

/** The kernel. */
export function smallest(
  params: usize,
  items: usize,
  starts: usize,
  targets: usize,
  answers: usize,
  scratch: usize,
): void {
  const instances: usize = load<u32>(params, INSTANCES);
  const masks = load<u32>(params, MASKS) != 0;
  memory.fill(answers, 0, 4 * load<u32>(params, ANSWERS));
  for (let k: usize = 0; k < instances; k++) {
    enter(k, items, starts, targets);
    findSmallest(masks, answers, scratch);
  }
}
