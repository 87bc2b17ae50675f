// count in WebAssembly SIMD: the contract of src/kernels/count.ts. The table of ways is updated in place, from the highest
// bit of the live window down, so that each item is used once.

import {
  ANSWERS,
  enterInstance,
  INSTANCES,
  itemsFrom,
  itemsTo,
  liveTo,
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

/** Answers the current instance. `ways` is scratch memory for a T for every bit of the sums, with a block below. */
function answerInstance<T>(answers: usize, ways: usize): void {
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
    for (let w = ways + ((<usize>high * sizeof<T>()) & ~15); w >= lowest; w -= BLOCK)
      v128.store(w, v128.add<T>(v128.load(w), v128.load(w - offset)));
  }
  for (let t = targetsFrom, last = targetsTo; t < last; t += Target.BYTES) {
    const from: usize = zeroBit + sign * load<i32>(t, Target.FROM);
    const to: usize = zeroBit + sign * load<i32>(t, Target.TO);
    let total: u64 = 0;
    // Mirrored, `from` is the higher bit.
    for (let bit = min(from, to); bit <= max(from, to); bit++) total += <u64>load<T>(ways + bit * sizeof<T>());
    store<u64>(answers + 4 * load<u32>(t, Target.ANSWER), total);
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
export function count(
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
    enterInstance(k, items, starts, targets);
    // Up to 31 items have at most 2^31 index sets, whose number fits into 32 bits.
    if (itemsTo - itemsFrom <= 4 * 31) answerInstance<u32>(answers, scratch + BLOCK);
    else answerInstance<u64>(answers, scratch + BLOCK);
  }
}
