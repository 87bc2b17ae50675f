// Answers small instances in columns without a host in between: poses each one as src/solve/columns.ts does, and finds its best
// sums as the kernel `witness` does.

import { enterTargets, Target } from "./instances";
import { reserve } from "./memory";
import { findWitnesses, MARGIN } from "./witness";

/** Byte offsets of what the host tells: addresses of columns, and how answers are asked for. */
const enum Plain {
  COUNT = 0,
  ITEMS = 4,
  OFFSETS = 8,
  TARGETS = 12,
  TARGET_OFFSETS = 16,
  /** Whether there is a tolerance, whether sums may not exceed their target, and whether masks are wanted: bits 0 to 2. */
  FLAGS = 20,
  /** Answers: u8, i32, u32. */
  REACHABLE = 24,
  SUMS = 28,
  MASKS = 32,
  /** The costs of the lists of meeting in the middle by the number of items, f64; 0 where that method does not serve. */
  LIST_COSTS = 36,
  SCRATCH = 40,
  /** f64 each. */
  TOLERANCE = 48,
  /** The cost of an update of a table. */
  UPDATE_COST = 56,
}

const BOUNDED: u32 = 1;
const AT_MOST: u32 = 2;
const WITNESS: u32 = 4;

/** The limits of the method `bitset` in src/solve/problem.ts, and the most items that meet in the middle. */
const MAX_SUMS: u64 = 1 << 16;
const MAX_UPDATES: u64 = 1 << 24;
const MAX_MEET_ITEMS: usize = 48;

// @ts-ignore: decorator
@inline
function word(at: usize): usize {
  return <usize>load<u32>(at);
}

/** Whether the items in a mask add up to a sum. */
function isSumOf(items: usize, mask: usize, words: usize, sum: i32): bool {
  let total: i32 = 0;
  for (let w: usize = 0; w < words; w++)
    for (let bits = load<u32>(mask + 4 * w); bits != 0; bits &= bits - 1)
      total += load<i32>(items + 4 * (32 * w + <usize>ctz(bits)));
  return total == sum;
}

/**
 * Answers instances up to the first one that it leaves to other methods, whose index it returns; their number where it answers
 * all. Answers are 0 before.
 */
export function answerPlain(plain: usize): usize {
  const count = word(plain + Plain.COUNT);
  const offsets = word(plain + Plain.OFFSETS);
  const targetOffsets = word(plain + Plain.TARGET_OFFSETS);
  const targets = word(plain + Plain.TARGETS);
  const flags = load<u32>(plain, Plain.FLAGS);
  const reachable = word(plain + Plain.REACHABLE);
  const sums = word(plain + Plain.SUMS);
  const listCosts = word(plain + Plain.LIST_COSTS);
  const tolerance = load<f64>(plain, Plain.TOLERANCE);
  const updateCost = load<f64>(plain, Plain.UPDATE_COST);
  const masks = (flags & WITNESS) != 0;
  let maskAt = word(plain + Plain.MASKS);
  const questions = word(plain + Plain.SCRATCH);
  for (let k: usize = 0; k < count; k++) {
    const items = word(plain + Plain.ITEMS) + 4 * word(offsets + 4 * k);
    const itemsEnd = word(plain + Plain.ITEMS) + 4 * word(offsets + 4 * k + 4);
    const n = (itemsEnd - items) >> 2;
    let negative: i64 = 0;
    let positive: i64 = 0;
    let largest: i64 = 0;
    for (let p = items; p < itemsEnd; p += 4) {
      const item: i64 = load<i32>(p);
      negative -= min(item, 0);
      positive += max(item, 0);
      largest = max(largest, abs(item));
    }
    if (negative + positive > i32.MAX_VALUE) return k;
    const first = word(targetOffsets + 4 * k);
    const last = word(targetOffsets + 4 * k + 4);
    const lowSum = <f64>-negative;
    const highSum = <f64>positive;
    const words: usize = masks ? (n + 31) >> 5 : 0;
    // The answers of the kernel, behind the questions: flag, sum, mask.
    const answers: usize = questions + <usize>Target.BYTES * (last - first);
    const answerBytes: usize = 8 + 4 * words;
    const bits: usize = (answers + answerBytes * (last - first) + 15) & ~15;
    reserve(<u64>bits + MARGIN);
    memory.fill(answers, 0, bits + MARGIN - answers);
    let question = questions;
    let lowest = highSum;
    let highest = lowSum;
    for (let q = first; q < last; q++) {
      const center = load<f64>(targets + 8 * q);
      let low = center - tolerance;
      let high = center + tolerance;
      if (flags & AT_MOST) {
        if (!(flags & BOUNDED)) low = min(center, highSum) - <f64>largest;
        high = center;
      }
      if (low > highSum || high < lowSum) continue;
      low = max(low, lowSum);
      high = min(high, highSum);
      store<i32>(question, <i32>low, Target.FROM);
      store<i32>(question, <i32>high, Target.TO);
      store<i32>(question, <i32>max(lowSum, min(center, highSum)), Target.CENTER);
      store<u32>(question, <u32>((q - first) * (2 + words)), Target.ANSWER);
      question += Target.BYTES;
      lowest = min(lowest, low);
      highest = max(highest, high);
    }
    const tableSums = question == questions ? 1 : <u64>min(highest - lowSum, highSum - lowest) + 1;
    if (tableSums > MAX_SUMS || n * tableSums > MAX_UPDATES) return k;
    if (listCosts && n <= MAX_MEET_ITEMS) {
      const meeting = load<f64>(listCosts + 8 * n) * <f64>(1 + last - first);
      if (meeting < updateCost * <f64>(n * tableSums)) return k;
    }
    if (question > questions) {
      enterTargets(items, itemsEnd, questions, question, <i32>negative, <i32>positive, <i32>lowest, <i32>highest);
      findWitnesses(masks, false, answers, bits + MARGIN);
    }
    for (let q = first, answer = answers; q < last; q++, answer += answerBytes, maskAt += 4 * words) {
      if (!load<u32>(answer)) continue;
      const sum = load<i32>(answer, 4);
      if (masks && !isSumOf(items, answer + 8, words, sum)) return k;
      store<u8>(reachable + q, 1);
      store<i32>(sums + 4 * q, sum);
      memory.copy(maskAt, answer + 8, 4 * words);
    }
  }
  return count;
}
