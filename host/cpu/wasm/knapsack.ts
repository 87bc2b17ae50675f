// knapsack in WebAssembly SIMD: the contract of src/kernels/knapsack.ts. The table of profits is updated in place, from the
// greatest capacity down, so that each item is used once.

import { isSet } from "./bitset";
import { addToMask } from "./instances";
import { reserve } from "./memory";

/** Byte offsets of the u32 fields of Params, in the order of the contract; test/kernels/layout.test.ts compares them. */
export const INSTANCES: usize = 0;
export const ITEMS: usize = 4;
export const TARGETS: usize = 8;
export const ANSWERS: usize = 12;
export const LONGEST: usize = 16;
export const SUMS: usize = 20;
export const TILES: usize = 24;

/** Byte offsets of the fields of a target. */
const enum Target {
  CAPACITY = 0,
  ANSWER = 4,
  BYTES = 8,
}

/** Bytes of the profits of eight capacities, whose bits are a byte. */
const GROUP: usize = 64;
/** Less than any profit, even with one added. */
const NEVER: i64 = i64.MIN_VALUE;

/** Two profits: the greater of each pair, and the bits of those that rise. */
let risen: u8 = 0;
// @ts-ignore: decorator
@inline
function raise(p: usize, offset: usize, profit: v128): void {
  const without = v128.load(p);
  const taken = i64x2.add(v128.load(p - offset), profit);
  const rises = i64x2.gt_s(taken, without);
  v128.store(p, v128.bitselect(taken, without, rises));
  risen = (risen << 2) | <u8>i64x2.bitmask(rises);
}

/**
 * Runs the kernel.
 *
 * @param params Params, u32.
 * @param items Weights of all instances, u32.
 * @param profits Profits of all instances, u64.
 * @param starts First item and first target of every instance, u32.
 * @param targets Targets of all instances, at the offsets of `Target`.
 * @param answers Output.
 * @param scratch Where scratch memory begins.
 */
export function knapsack(
  params: usize,
  items: usize,
  profits: usize,
  starts: usize,
  targets: usize,
  answers: usize,
  scratch: usize,
): void {
  const instances: usize = load<u32>(params, INSTANCES);
  memory.fill(answers, 0, 4 * load<u32>(params, ANSWERS));
  for (let k: usize = 0; k < instances; k++) {
    const start = starts + 8 * k;
    const first: usize = load<u32>(start);
    const n = <usize>load<u32>(start, 8) - first;
    const targetsFrom = targets + Target.BYTES * load<u32>(start, 4);
    const targetsTo = targets + Target.BYTES * load<u32>(start, 12);
    let most: u32 = 0;
    for (let t = targetsFrom; t < targetsTo; t += Target.BYTES) most = max(most, load<u32>(t, Target.CAPACITY));

    // Below capacity 0 is a group that nothing rises from.
    const best = scratch + GROUP;
    const rowBytes: usize = (<usize>most >> 3) + 1;
    const taken = best + rowBytes * GROUP;
    reserve(<u64>taken + <u64>n * rowBytes);
    for (let p = scratch; p < best; p += 8) store<i64>(p, NEVER);
    memory.fill(best, 0, taken - best);
    for (let i: usize = 0; i < n; i++) {
      const weight = load<u32>(items + 4 * (first + i));
      const profit = i64x2.splat(load<i64>(profits + 8 * (first + i)));
      const offset: usize = 8 * <usize>weight;
      const row = taken + i * rowBytes;
      for (let g = <i32>(most >> 3), last = <i32>(weight >> 3); g >= last; g--) {
        const p = best + <usize>g * GROUP;
        risen = 0;
        raise(p + 48, offset, profit);
        raise(p + 32, offset, profit);
        raise(p + 16, offset, profit);
        raise(p, offset, profit);
        store<u8>(row + g, risen);
      }
    }
    for (let t = targetsFrom; t < targetsTo; t += Target.BYTES) {
      let capacity = load<u32>(t, Target.CAPACITY);
      const answer = answers + 4 * load<u32>(t, Target.ANSWER);
      store<u64>(answer, load<u64>(best + 8 * <usize>capacity));
      for (let i = n; i-- > 0;) {
        const weight = load<u32>(items + 4 * (first + i));
        if (weight > capacity || !isSet(taken + i * rowBytes, capacity)) continue;
        addToMask(answer + 8, i);
        capacity -= weight;
      }
    }
  }
}
