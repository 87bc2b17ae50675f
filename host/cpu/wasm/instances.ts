// The instances of a ragged batch (src/kernels/instances.ts), one at a time, in the positive frame.
//
// In the positive frame every item enters as a magnitude: a positive item enters the sum where it is taken, a negative one
// where it is left out. After some items, the sum s is at bit s + (the magnitudes of the negative ones among them).

/** Byte offsets of the u32 fields of Params, in the order of the contract; test/kernels/layout.test.ts compares them. */
export const INSTANCES: usize = 0;
export const ITEMS: usize = 4;
export const TARGETS: usize = 8;
export const ANSWERS: usize = 12;
export const LONGEST: usize = 16;
export const SUMS: usize = 20;
export const MASKS: usize = 24;
export const TILES: usize = 28;
export const REDUCTION: usize = 32;

/** Byte offsets of the fields of a target. */
export const enum Target {
  FROM = 0,
  TO = 4,
  CENTER = 8,
  ANSWER = 12,
  BYTES = 16,
}

/** Addresses of the current instance's items (i32) and targets, and of their ends. */
export let itemsFrom: usize = 0;
export let itemsTo: usize = 0;
export let targetsFrom: usize = 0;
export let targetsTo: usize = 0;
/** The factor of items and sums: -1 where the frame is mirrored, else 1. */
export let sign: i32 = 1;
/** The bit of the sum 0 after all items. */
export let zeroBit: i32 = 0;
/** The highest live bit: that of the highest target. */
export let liveTo: i32 = 0;
/** How far the live window reaches below the prefix sum. */
export let windowDepth: i32 = 0;

/** Makes instance k of a batch the current one, and sets its frame. */
export function enterInstance(k: usize, items: usize, starts: usize, targets: usize): void {
  const start = starts + 8 * k;
  itemsFrom = items + 4 * load<u32>(start);
  itemsTo = items + 4 * load<u32>(start, 8);
  targetsFrom = targets + Target.BYTES * load<u32>(start, 4);
  targetsTo = targets + Target.BYTES * load<u32>(start, 12);
  let negative = 0;
  let positive = 0;
  for (let p = itemsFrom, end = itemsTo; p < end; p += 4) {
    const item = load<i32>(p);
    negative -= min(item, 0);
    positive += max(item, 0);
  }
  let lowest = i32.MAX_VALUE;
  let highest = i32.MIN_VALUE;
  for (let t = targetsFrom, end = targetsTo; t < end; t += Target.BYTES) {
    lowest = min(lowest, load<i32>(t, Target.FROM));
    highest = max(highest, load<i32>(t, Target.TO));
  }
  setFrame(negative, positive, lowest, highest);
}

/**
 * Makes items with a single target the current instance, and sets its frame.
 *
 * @param from The items, i32.
 * @param to Their end.
 * @param target The target.
 * @param negative The magnitudes of the negative items, added up.
 * @param positive The positive items, added up.
 */
export function enterSingle(from: usize, to: usize, target: usize, negative: i32, positive: i32): void {
  itemsFrom = from;
  itemsTo = to;
  targetsFrom = target;
  targetsTo = target + Target.BYTES;
  setFrame(negative, positive, load<i32>(target, Target.FROM), load<i32>(target, Target.TO));
}

/**
 * Makes items with any targets the current instance, and sets its frame.
 *
 * @param from The items, i32.
 * @param to Their end.
 * @param targets The targets.
 * @param end Their end.
 * @param negative The magnitudes of the negative items, added up.
 * @param positive The positive items, added up.
 * @param lowest The lowest sum that serves a target.
 * @param highest The highest one.
 */
export function enterTargets(
  from: usize,
  to: usize,
  targets: usize,
  end: usize,
  negative: i32,
  positive: i32,
  lowest: i32,
  highest: i32,
): void {
  itemsFrom = from;
  itemsTo = to;
  targetsFrom = targets;
  targetsTo = end;
  setFrame(negative, positive, lowest, highest);
}

/** Mirrors the frame where that lowers the highest target: `frameOf` of src/kernels/instances.ts. */
function setFrame(negative: i32, positive: i32, lowest: i32, highest: i32): void {
  const plain = highest + negative;
  const mirrored = positive - lowest;
  sign = mirrored < plain ? -1 : 1;
  zeroBit = mirrored < plain ? positive : negative;
  liveTo = min(plain, mirrored);
  windowDepth = max(plain, mirrored);
}

/** Adds item i to a mask. */
// @ts-ignore: decorator
@inline
export function addToMask(mask: usize, i: usize): void {
  store<u8>(mask + (i >> 3), load<u8>(mask + (i >> 3)) | (<u8>1 << <u8>(i & 7)));
}
