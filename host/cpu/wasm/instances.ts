// The instances of a ragged batch one by one, in the positive frame (src/kernels/instances.ts).
//
// There an item is a magnitude that may enter the frame's sum: a positive item does where it is taken, a negative one
// where it is left out. So, after some of the items, sum s stands at s + (the magnitudes of the negative ones among them).

/** Byte offsets of the u32 fields of Params, in the order of the contract (a test compares them). */
export const INSTANCES: usize = 0;
export const ITEMS: usize = 4;
export const TARGETS: usize = 8;
export const ANSWERS: usize = 12;
export const LONGEST: usize = 16;
export const SUMS: usize = 20;
export const MASKS: usize = 24;
export const TILES: usize = 28;

/** Byte offsets of the fields of a target. */
export const enum Target {
  FROM = 0,
  TO = 4,
  CENTER = 8,
  ANSWER = 12,
  BYTES = 16,
}

/** The instance at hand: where its items and its targets begin and end. */
export let itemsFrom: usize = 0;
export let itemsTo: usize = 0;
export let targetsFrom: usize = 0;
export let targetsTo: usize = 0;
/** -1 where the frame is mirrored: a factor for items and sums. */
export let sign: i32 = 1;
/** The place of sum 0 after all items. */
export let origin: i32 = 0;
/** The place of the highest target. */
export let top: i32 = 0;
/** After items of sum `done`, only places from `done - keep` on can still end at a target. */
export let keep: i32 = 0;

/** Makes instance k the one at hand. */
export function enter(k: usize, items: usize, starts: usize, targets: usize): void {
  const row = starts + 8 * k;
  itemsFrom = items + 4 * load<u32>(row);
  itemsTo = items + 4 * load<u32>(row, 8);
  targetsFrom = targets + Target.BYTES * load<u32>(row, 4);
  targetsTo = targets + Target.BYTES * load<u32>(row, 12);
  let negative = 0;
  let positive = 0;
  for (let p = itemsFrom, end = itemsTo; p < end; p += 4) {
    const item = load<i32>(p);
    negative -= min(item, 0);
    positive += max(item, 0);
  }
  let low = i32.MAX_VALUE;
  let high = i32.MIN_VALUE;
  for (let t = targetsFrom, end = targetsTo; t < end; t += Target.BYTES) {
    low = min(low, load<i32>(t, Target.FROM));
    high = max(high, load<i32>(t, Target.TO));
  }
  lay(negative, positive, low, high);
}

/** Makes items at from..to and one target the one at hand; the negative and the positive items sum up to these magnitudes. */
export function enterOne(from: usize, to: usize, target: usize, negative: i32, positive: i32): void {
  itemsFrom = from;
  itemsTo = to;
  targetsFrom = target;
  targetsTo = target + Target.BYTES;
  lay(negative, positive, load<i32>(target, Target.FROM), load<i32>(target, Target.TO));
}

/** Sets the frame. */
function lay(negative: i32, positive: i32, low: i32, high: i32): void {
  const plain = high + negative;
  const mirrored = positive - low;
  sign = mirrored < plain ? -1 : 1;
  origin = mirrored < plain ? positive : negative;
  top = min(plain, mirrored);
  keep = max(plain, mirrored);
}

/** Puts item i into a mask. */
// @ts-ignore: decorator
@inline
export function take(mask: usize, i: usize): void {
  store<u8>(mask + (i >> 3), load<u8>(mask + (i >> 3)) | (<u8>1 << <u8>(i & 7)));
}
