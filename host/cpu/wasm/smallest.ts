// smallest in WebAssembly SIMD: the contract of src/kernels/smallest.ts. The table of sizes is updated in place, from the
// highest bit of the live window down, so that each item is used once.
//
// In the positive frame a positive item adds 1 to the size where it enters, and a negative one takes 1 off, since it is left
// out where it enters. The initial size counts every negative item as taken, so an entry changes only where an item enters.
// Sizes are stored in the signed type T less its least number, so that the range of T is used in full. The entry of an
// unreached bit is the greatest number of T or, after negative items, a little less; it stays above all sizes as long as T
// has room for both.

import { isSet } from "./bitset";
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
  windowDepth,
  zeroBit,
} from "./instances";
import { reserve } from "./memory";

/** Bytes of a v128. */
const BLOCK: usize = 16;
/** The size of an index set where there is none. */
export const NO_SIZE: u32 = 0xffffffff;

/**
 * Writes the mask of a smallest index set.
 *
 * @param entered Row i has the bits at which item i enters a smallest set; below its magnitude it has none.
 * @param rowBytes Bytes from a row to the next.
 * @param bit The bit of the sum.
 * @param mask Where the mask goes; it is 0 before.
 */
function traceMask(entered: usize, rowBytes: usize, bit: i32, mask: usize): void {
  for (let i = (itemsTo - itemsFrom) >> 2; i-- > 0; ) {
    const item = sign * load<i32>(itemsFrom + 4 * i);
    const a = abs(item);
    const enters = bit >= a && isSet(entered + i * rowBytes, bit);
    if (enters) bit -= a;
    if (enters != item < 0) addToMask(mask, i);
  }
}

/**
 * Answers the current instance in sizes of type T.
 *
 * @param masks Whether answers have masks.
 * @param negatives How many items are negative in the frame.
 * @param answers The output of the kernel.
 * @param sizes Scratch memory for a T for every bit of the sums, with a block below.
 */
function answerInstance<T>(masks: bool, negatives: i32, answers: usize, sizes: usize): void {
  const least: i32 = sizeof<T>() == 1 ? i8.MIN_VALUE : i16.MIN_VALUE;
  const unreached = v128.splat<T>(<T>~least);
  const n = (itemsTo - itemsFrom) >> 2;
  const end = sizes + ((<usize>liveTo * sizeof<T>()) & ~15) + BLOCK;
  const rowBytes = (end - sizes) / (8 * sizeof<T>());
  reserve(<u64>sizes + (<u64>liveTo + 1) * sizeof<T>() + BLOCK + (masks ? <u64>n * rowBytes : 0));
  for (let p = sizes - BLOCK; p < end; p += BLOCK) v128.store(p, unreached);
  store<T>(sizes, <T>(least + negatives));
  let prefixSum = 0;
  let row = end;
  for (let p = itemsFrom, last = itemsTo; p < last; p += 4, row += rowBytes) {
    const item = sign * load<i32>(p);
    const a = abs(item);
    prefixSum += a;
    const low = max(a, prefixSum - windowDepth);
    const high = min(prefixSum, liveTo);
    if (low > high) continue;
    const offset: usize = <usize>a * sizeof<T>();
    const lowest = sizes + ((<usize>low * sizeof<T>()) & ~15);
    const change = v128.splat<T>(<T>(item < 0 ? -1 : 1));
    // Of two sets of one size, the smallest mask is the one that leaves the item out: it enters if it is negative.
    const changeOnTie = v128.splat<T>(<T>(item < 0 ? -2 : 1));
    for (let s = sizes + ((<usize>high * sizeof<T>()) & ~15); s >= lowest; s -= BLOCK) {
      const stays = v128.load(s);
      const enters = v128.load(s - offset);
      v128.store(s, v128.min<T>(stays, v128.add_sat<T>(enters, change)));
      if (!masks) continue;
      const entered = v128.bitmask<T>(v128.lt<T>(v128.add_sat<T>(enters, changeOnTie), stays));
      const bits = row + (s - sizes) / (8 * sizeof<T>());
      if (sizeof<T>() == 1) store<u16>(bits, entered);
      else store<u8>(bits, entered);
    }
  }
  for (let t = targetsFrom, last = targetsTo; t < last; t += Target.BYTES) {
    const bit = zeroBit + sign * load<i32>(t, Target.FROM);
    const size: i32 = <i32>load<T>(sizes + <usize>bit * sizeof<T>()) - least;
    const answer = answers + 4 * load<u32>(t, Target.ANSWER);
    store<u32>(answer, <usize>size > n ? NO_SIZE : size);
    if (masks && <usize>size <= n) traceMask(end, rowBytes, bit, answer + 4);
  }
}

/** Answers the current instance, in the narrowest type that serves. Scratch memory begins at `scratch`. */
export function findSmallest(masks: bool, answers: usize, scratch: usize): void {
  let negatives = 0;
  for (let p = itemsFrom, end = itemsTo; p < end; p += 4) negatives += i32(sign * load<i32>(p) < 0);
  // An unreached entry falls by at most 1 for every negative item, and must stay above the sizes 0..n.
  if (((itemsTo - itemsFrom) >> 2) + negatives < 255) answerInstance<i8>(masks, negatives, answers, scratch + BLOCK);
  else answerInstance<i16>(masks, negatives, answers, scratch + BLOCK);
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
    enterInstance(k, items, starts, targets);
    findSmallest(masks, answers, scratch);
  }
}
