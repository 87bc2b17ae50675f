// count in WebAssembly SIMD: the contract of src/kernels/count.ts, in place from the highest sum down.

import {
  ANSWERS,
  enter,
  INSTANCES,
  itemsFrom,
  itemsTo,
  keep,
  origin,
  sign,
  Target,
  targetsFrom,
  targetsTo,
  top,
} from "./instances";
import { reserve } from "./memory";

const BLOCK: usize = 16;

/** Answers the instance at hand. `ways` has a number of type T for every place, and a block of zeros below them. */
function answer<T>(answers: usize, ways: usize): void {
  const end = ways + ((<usize>top * sizeof<T>()) & ~15) + BLOCK;
  reserve(<u64>ways + (<u64>top + 1) * sizeof<T>() + BLOCK);
  for (let p = ways - BLOCK; p < end; p += BLOCK) v128.store(p, i64x2.splat(0));
  store<T>(ways, <T>1);
  let done = 0;
  for (let p = itemsFrom, last = itemsTo; p < last; p += 4) {
    const a = abs(load<i32>(p));
    done += a;
    const low = max(a, done - keep);
    const high = min(done, top);
    if (low > high) continue;
    const back: usize = <usize>a * sizeof<T>();
    const least = ways + ((<usize>low * sizeof<T>()) & ~15);
    for (let w = ways + ((<usize>high * sizeof<T>()) & ~15); w >= least; w -= BLOCK)
      v128.store(w, v128.add<T>(v128.load(w), v128.load(w - back)));
  }
  for (let t = targetsFrom, last = targetsTo; t < last; t += Target.BYTES) {
    const a: usize = origin + sign * load<i32>(t, Target.FROM);
    const b: usize = origin + sign * load<i32>(t, Target.TO);
    let total: u64 = 0;
    for (let place = min(a, b); place <= max(a, b); place++) total += <u64>load<T>(ways + place * sizeof<T>());
    store<u64>(answers + 4 * load<u32>(t, Target.ANSWER), total);
  }
}

/** The kernel. */
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
    enter(k, items, starts, targets);
    // No more than 2^31 index sets: their numbers fit into 32 bits.
    if (itemsTo - itemsFrom <= 4 * 31) answer<u32>(answers, scratch + BLOCK);
    else answer<u64>(answers, scratch + BLOCK);
  }
}
