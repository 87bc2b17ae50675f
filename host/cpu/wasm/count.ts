// count in WebAssembly SIMD: the contract of src/kernels/count.ts. The table of ways is updated in place, from the highest
// bit of the live window down, so that each item is used once.

import {
  ANSWERS,
  enterInstance,
  INSTANCES,
  itemsFrom,
  itemsTo,
  liveTo,
  REDUCTION,
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

/**
 * Answers the current instance. `ways` is scratch memory for a T for every bit of the sums, with a block below.
 *
 * @param modulus Counts are reduced by it; 0 for counts that wrap, or for those that are smaller anyway.
 */
function answerInstance<T>(modulus: i64, answers: usize, ways: usize): void {
  const end = ways + ((<usize>liveTo * sizeof<T>()) & ~15) + BLOCK;
  reserve(<u64>ways + (<u64>liveTo + 1) * sizeof<T>() + BLOCK);
  for (let p = ways - BLOCK; p < end; p += BLOCK) v128.store(p, i64x2.splat(0));
  store<T>(ways, <T>1);
  let prefixSum = 0;
  for (let p = itemsFrom, last = itemsTo; p < last; p += 4) {
    const a = abs(load<i32>(p));
    prefixSum += a;
    const low = max(a, prefixSum - windowDepth);
    const high = min(prefixSum, liveTo);
    if (low > high) continue;
    const offset: usize = <usize>a * sizeof<T>();
    const lowest = ways + ((<usize>low * sizeof<T>()) & ~15);
    const highest = ways + ((<usize>high * sizeof<T>()) & ~15);
    if (modulus) {
      enterModulo(modulus, offset, lowest, highest);
      continue;
    }
    for (let w = highest; w >= lowest; w -= BLOCK) v128.store(w, v128.add<T>(v128.load(w), v128.load(w - offset)));
  }
  for (let t = targetsFrom, last = targetsTo; t < last; t += Target.BYTES) {
    const from: usize = zeroBit + sign * load<i32>(t, Target.FROM);
    const to: usize = zeroBit + sign * load<i32>(t, Target.TO);
    let total: u64 = 0;
    let carries: u32 = 0;
    // Mirrored, `from` is the higher bit.
    for (let bit = min(from, to); bit <= max(from, to); bit++) {
      const number = <u64>load<T>(ways + bit * sizeof<T>());
      total += number;
      carries += u32(total < number);
    }
    const answer = answers + 4 * load<u32>(t, Target.ANSWER);
    store<u64>(answer, total);
    store<u32>(answer, carries, 8);
  }
}

/** Adds the count `offset` bytes below to each count of the blocks lowest..highest, modulo a number of at most 2^62. */
function enterModulo(modulus: i64, offset: usize, lowest: usize, highest: usize): void {
  const moduli = i64x2.splat(modulus);
  const greatest = i64x2.splat(modulus - 1);
  for (let w = highest; w >= lowest; w -= BLOCK) {
    const ways = i64x2.add(v128.load(w), v128.load(w - offset));
    v128.store(w, i64x2.sub(ways, v128.and(moduli, i64x2.gt_s(ways, greatest))));
  }
}

/** Answers the current instance, in the narrowest type that serves. Scratch memory begins at `scratch`. */
export function findCounts(modulus: i64, answers: usize, scratch: usize): void {
  // n items have 2^n index sets, so that 15 items need 16 bits, and 31 items 32 bits.
  if (itemsTo - itemsFrom <= 4 * 15) answerInstance<u16>(0, answers, scratch + BLOCK);
  else if (itemsTo - itemsFrom <= 4 * 31) answerInstance<u32>(0, answers, scratch + BLOCK);
  else answerInstance<u64>(modulus, answers, scratch + BLOCK);
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
export function count(
  params: usize,
  items: usize,
  starts: usize,
  targets: usize,
  answers: usize,
  scratch: usize,
): void {
  const instances: usize = load<u32>(params, INSTANCES);
  const reduction: i64 = load<u32>(params, REDUCTION);
  const modulus: i64 = reduction ? ((<i64>1) << 62) - reduction : 0;
  memory.fill(answers, 0, 4 * load<u32>(params, ANSWERS));
  for (let k: usize = 0; k < instances; k++) {
    enterInstance(k, items, starts, targets);
    findCounts(modulus, answers, scratch);
  }
}
