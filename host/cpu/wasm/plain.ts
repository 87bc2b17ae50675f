// Answers small instances in columns without a host in between: poses each one as src/solve/columns.ts does, and answers as the
// kernels `witness`, `count` and `smallest` do.

import { findCounts } from "./count";
import { enterTargets, Target } from "./instances";
import { reserve } from "./memory";
import { findSmallest } from "./smallest";
import { findWitnesses, MARGIN } from "./witness";

/** Byte offsets of what the host tells: addresses of columns, and how answers are asked for. */
const enum Plain {
  COUNT = 0,
  ITEMS = 4,
  OFFSETS = 8,
  TARGETS = 12,
  TARGET_OFFSETS = 16,
  /** Bits 0 and 1: whether there is a tolerance, and whether sums may not exceed their target. Bits 2 to 4: what is asked for. */
  FLAGS = 20,
  /** Answers: u8, i32, u32. The best sums are always answered. */
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
  /** Further answers, where they are asked for: counts u64, sizes i32 and masks u32 of smallest index sets. */
  COUNTS = 64,
  SIZES = 68,
  SMALLEST = 72,
  BYTES = 80,
}

const BOUNDED: u32 = 1;
const AT_MOST: u32 = 2;
const WITNESS: u32 = 4;
const COUNT: u32 = 8;
const SMALLEST: u32 = 16;
/** Words of an answer of the kernel `count`. */
const COUNT_WORDS: usize = 3;
/** More items may have 2^64 index sets, which are not counted in 64 bits. */
const MAX_COUNTED_ITEMS: usize = 63;

/** The limits of the method `bitset` in src/solve/problem.ts, and the most items that meet in the middle. */
const MAX_SUMS: u64 = 1 << 16;
const MAX_UPDATES: u64 = 1 << 24;
const MAX_MEET_ITEMS: usize = 48;

// @ts-ignore: decorator
@inline
function word(at: usize): usize {
  return <usize>load<u32>(at);
}

/** The number of items in the mask that `isSumOf` read last. */
let sizeOfMask: u32 = 0;

/** Whether the items in a mask add up to a sum. */
function isSumOf(items: usize, mask: usize, words: usize, sum: i32): bool {
  let total: i32 = 0;
  sizeOfMask = 0;
  for (let w: usize = 0; w < words; w++)
    for (let bits = load<u32>(mask + 4 * w); bits != 0; bits &= bits - 1) {
      total += load<i32>(items + 4 * (32 * w + <usize>ctz(bits)));
      sizeOfMask++;
    }
  return total == sum;
}

/**
 * Writes a question for each best sum that was found, and enters them as the targets of the current items. Answers false where
 * none was found.
 *
 * @param windows Whether the questions ask for all sums of the windows from which the best sums were taken.
 * @param answerWords Words of an answer of the kernel that is asked.
 */
function enterFound(
  items: usize,
  itemsEnd: usize,
  negative: i32,
  positive: i32,
  answers: usize,
  answerBytes: usize,
  questions: usize,
  queries: usize,
  windows: usize,
  answerWords: usize,
): bool {
  let question = questions;
  let lowest = i32.MAX_VALUE;
  let highest = i32.MIN_VALUE;
  for (let q: usize = 0; q < queries; q++) {
    const answer = answers + answerBytes * q;
    if (!load<u32>(answer)) continue;
    const sum = load<i32>(answer, 4);
    const from: i32 = windows ? load<i32>(windows + 8 * q) : sum;
    const to: i32 = windows ? load<i32>(windows + 8 * q, 4) : sum;
    store<i32>(question, from, Target.FROM);
    store<i32>(question, to, Target.TO);
    store<i32>(question, sum, Target.CENTER);
    store<u32>(question, <u32>(q * answerWords), Target.ANSWER);
    question += Target.BYTES;
    lowest = min(lowest, from);
    highest = max(highest, to);
  }
  if (question == questions) return false;
  enterTargets(items, itemsEnd, questions, question, negative, positive, lowest, highest);
  return true;
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
  const counts = word(plain + Plain.COUNTS);
  const sizes = word(plain + Plain.SIZES);
  let smallestAt = word(plain + Plain.SMALLEST);
  // Where a tolerance lets sums differ to both sides, all sums within it count. Otherwise only the best one does.
  const countsWindows = (flags & COUNT) != 0 && (flags & BOUNDED) != 0 && (flags & AT_MOST) == 0;
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
    if (flags & COUNT && n > MAX_COUNTED_ITEMS) return k;
    const first = word(targetOffsets + 4 * k);
    const last = word(targetOffsets + 4 * k + 4);
    const lowSum = <f64>-negative;
    const highSum = <f64>positive;
    const queries = last - first;
    const maskWords: usize = (n + 31) >> 5;
    const words: usize = masks ? maskWords : 0;
    // Behind the questions: the windows of sums that serve, then the answers of the kernel (flag, sum, mask).
    const windows: usize = questions + <usize>Target.BYTES * queries;
    const answers: usize = windows + (countsWindows ? 8 * queries : 0);
    const answerBytes: usize = 8 + 4 * words;
    // Behind them: the answers of `count` and of `smallest`, one after the other in the same place.
    const more: usize = (answers + answerBytes * queries + 7) & ~7;
    let moreWords: usize = 0;
    if (flags & COUNT) moreWords = COUNT_WORDS;
    if (flags & SMALLEST) moreWords = max(moreWords, 1 + maskWords);
    const moreBytes: usize = 4 * moreWords * queries;
    const bits: usize = (more + moreBytes + 15) & ~15;
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
      if (countsWindows) {
        store<i32>(windows + 8 * (q - first), <i32>low);
        store<i32>(windows + 8 * (q - first), <i32>high, 4);
      }
      question += Target.BYTES;
      lowest = min(lowest, low);
      highest = max(highest, high);
    }
    const tableSums = question == questions ? 1 : <u64>min(highest - lowSum, highSum - lowest) + 1;
    if (tableSums > MAX_SUMS || n * tableSums > MAX_UPDATES) return k;
    if (listCosts && n <= MAX_MEET_ITEMS) {
      const meeting = load<f64>(listCosts + 8 * n) * <f64>(1 + queries);
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
    if (
      flags & COUNT &&
      enterFound(
        items,
        itemsEnd,
        <i32>negative,
        <i32>positive,
        answers,
        answerBytes,
        questions,
        queries,
        countsWindows ? windows : 0,
        COUNT_WORDS,
      )
    ) {
      findCounts(0, more, bits + MARGIN);
      for (let q: usize = 0; q < queries; q++)
        if (load<u32>(answers + answerBytes * q))
          store<u64>(counts + 8 * (first + q), load<u64>(more + 4 * COUNT_WORDS * q));
    }
    if (flags & SMALLEST) {
      const found = enterFound(
        items,
        itemsEnd,
        <i32>negative,
        <i32>positive,
        answers,
        answerBytes,
        questions,
        queries,
        0,
        1 + maskWords,
      );
      if (found) {
        memory.fill(more, 0, moreBytes);
        findSmallest(true, more, bits + MARGIN);
        for (let q: usize = 0, answer = more; q < queries; q++, answer += 4 * (1 + maskWords)) {
          if (!load<u32>(answers + answerBytes * q)) continue;
          const mask = smallestAt + 4 * maskWords * q;
          memory.copy(mask, answer + 4, 4 * maskWords);
          store<u32>(sizes + 4 * (first + q), load<u32>(answer));
          if (!isSumOf(items, mask, maskWords, load<i32>(answers + answerBytes * q, 4))) return k;
          if (sizeOfMask != load<u32>(answer)) return k;
        }
      }
      smallestAt += 4 * maskWords * queries;
    }
  }
  return count;
}

/** Byte offsets of the parameters of `answerColumns`, in the order of src/solve/plain.ts. */
const INSTANCES: usize = 0;
const QUERIES: usize = 4;
const FIRST_ITEM: usize = 8;
const FIRST_QUERY: usize = 12;
const FLAGS: usize = 16;
const MASK_WORDS: usize = 20;
const TOLERANCE: usize = 24;
const UPDATE_COST: usize = 32;

/**
 * Answers a range of instances in columns, which a host sends as it sends the inputs of kernels.
 *
 * @param params Parameters.
 * @param items Items from FIRST_ITEM on, i32.
 * @param offsets The first item of every instance, u32, and their end.
 * @param targets Targets from FIRST_QUERY on, f64.
 * @param targetOffsets The first target of every instance, u32, and their end.
 * @param listCosts The costs of meeting in the middle, f64; 0 for the first one where that method does not serve.
 * @param output The number of instances that were answered and a word of padding. Then, where they are asked for, counts, sums,
 * sizes, masks of witnesses and of smallest index sets, and a byte for each target: whether it is reachable.
 * @param scratch Where scratch memory begins.
 */
export function answerColumns(
  params: usize,
  items: usize,
  offsets: usize,
  targets: usize,
  targetOffsets: usize,
  listCosts: usize,
  output: usize,
  scratch: usize,
): void {
  const queries = word(params + QUERIES);
  const flags = load<u32>(params, FLAGS);
  const masks: usize = 4 * word(params + MASK_WORDS);
  const plain = scratch;
  reserve(<u64>plain + Plain.BYTES);
  store<u32>(plain, load<u32>(params, INSTANCES), Plain.COUNT);
  store<u32>(plain, <u32>(items - 4 * word(params + FIRST_ITEM)), Plain.ITEMS);
  store<u32>(plain, <u32>offsets, Plain.OFFSETS);
  store<u32>(plain, <u32>(targets - 8 * word(params + FIRST_QUERY)), Plain.TARGETS);
  store<u32>(plain, <u32>targetOffsets, Plain.TARGET_OFFSETS);
  store<u32>(plain, flags, Plain.FLAGS);
  store<u32>(plain, load<f64>(listCosts) ? <u32>listCosts : 0, Plain.LIST_COSTS);
  store<u32>(plain, <u32>(plain + Plain.BYTES), Plain.SCRATCH);
  store<f64>(plain, load<f64>(params, TOLERANCE), Plain.TOLERANCE);
  store<f64>(plain, load<f64>(params, UPDATE_COST), Plain.UPDATE_COST);
  // Columns of answers are addressed by the index of a target, which begins with FIRST_QUERY.
  const first = word(params + FIRST_QUERY);
  let at = output + 8;
  store<u32>(plain, <u32>(at - 8 * first), Plain.COUNTS);
  if (flags & COUNT) at += 8 * queries;
  store<u32>(plain, <u32>(at - 4 * first), Plain.SUMS);
  at += 4 * queries;
  store<u32>(plain, <u32>(at - 4 * first), Plain.SIZES);
  if (flags & SMALLEST) at += 4 * queries;
  store<u32>(plain, <u32>at, Plain.MASKS);
  if (flags & WITNESS) at += masks;
  store<u32>(plain, <u32>at, Plain.SMALLEST);
  if (flags & SMALLEST) at += masks;
  store<u32>(plain, <u32>(at - first), Plain.REACHABLE);
  at += (queries + 3) & ~3;
  memory.fill(output, 0, at - output);
  store<u32>(output, <u32>answerPlain(plain));
}
