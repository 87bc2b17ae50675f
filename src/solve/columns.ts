// Instances as columns: posed, packed and answered without an object for any of them. It serves what `problem.ts` gives the
// method `bitset` and items of 32 bits; its questions and its choices are those of `problem.ts`, in plain numbers.

import { COUNT_WORDS } from "../kernels/count.ts";
import { maskWords, TARGET_WORDS } from "../kernels/instances.ts";
import { smallestWords } from "../kernels/smallest.ts";
import { witnessWords } from "../kernels/witness.ts";
import type { WorkOf } from "../plan.ts";
import {
  MAX_UNASKED_COUNT_ITEMS,
  meetingCost,
  methodOf,
  needsMasks,
  tableCost,
  type SolveConfig,
} from "./problem.ts";

/** Instances whose items have 32 bits. */
export interface PlainInstances {
  /** The items of instance 0, of instance 1, and so on. */
  readonly items: Int32Array<ArrayBuffer>;
  /** The index of the first item of each instance; the last entry is the end. */
  readonly offsets: Uint32Array<ArrayBuffer>;
  /** The targets in the same form, integers of -2^53..2^53. A partition has none. */
  readonly targets: Float64Array<ArrayBuffer>;
  readonly targetOffsets: Uint32Array<ArrayBuffer>;
}

/** A question for each query: which sum of from..to is nearest to the center? */
interface Questions {
  /** 1 where there is a question: some sum of the instance lies in from..to. */
  readonly asked: Uint8Array;
  readonly from: Int32Array;
  readonly to: Int32Array;
  readonly center: Int32Array;
}

/** Instances in the form of the kernels. A query is a target of an instance; a partition has one query for each instance. */
export interface PosedInstances extends PlainInstances {
  readonly questions: Questions;
  /** The index of the first query of each instance; the last entry is the end. */
  readonly queryOffsets: Uint32Array<ArrayBuffer>;
  /** By instance: the magnitudes of its negative items added up, and its positive items. */
  readonly negative: Int32Array;
  readonly positive: Int32Array;
  /** By instance: the sums in a table for its questions; 0 where there are none. */
  readonly sums: Int32Array;
  /** By instance: an estimate of the time on one CPU thread, in nanoseconds; -1 for one that only `problemOf` can pose. */
  readonly costs: Float64Array;
}

/** A contiguous range of instances. */
export interface InstanceRange {
  readonly first: number;
  readonly end: number;
}

/** Estimates for one CPU thread: of an item, and of a target, whatever the kernel. */
const ITEM_COST_NS = 4;
const TARGET_COST_NS = 200;
const MAX_SUM = 2 ** 31 - 1;

const questionsOf = (queries: number): Questions => ({
  asked: new Uint8Array(queries),
  from: new Int32Array(queries),
  to: new Int32Array(queries),
  center: new Int32Array(queries),
});

/** Whether columns serve a request: it asks for nothing but what the method `bitset` finds in one table of all index sets. */
export const servesColumns = ({
  asked,
  size,
  atMostSize,
  profits,
  signed,
  list,
  method = "bitset",
}: SolveConfig): boolean =>
  method === "bitset" &&
  size === undefined &&
  atMostSize === undefined &&
  list === undefined &&
  !profits &&
  !signed &&
  !asked.has("unique");

/** Poses instances. Where columns do not serve the request, it leaves all of them to `problemOf`. */
export function poseColumns(config: SolveConfig, plain: PlainInstances): PosedInstances {
  const { items, offsets, targets, targetOffsets } = plain;
  const { tolerance = 0, atMost, partition, asked } = config;
  const count = offsets.length - 1;
  const queryOffsets = partition ? Uint32Array.from({ length: count + 1 }, (_, k) => k) : targetOffsets;
  const questions = questionsOf(queryOffsets[count]!);
  const [negatives, positives, tables] = [
    new Int32Array(count),
    new Int32Array(count),
    new Int32Array(count),
  ];
  const costs = new Float64Array(count).fill(-1);
  const posed = {
    ...plain,
    questions,
    queryOffsets,
    negative: negatives,
    positive: positives,
    sums: tables,
    costs,
  };
  if (!servesColumns(config)) return posed;
  const { asked: isAsked, from, to, center } = questions;
  const meetingServes = config.method === undefined;
  const most = asked.has("count") ? MAX_UNASKED_COUNT_ITEMS - 1 : Infinity;
  const bounded = config.tolerance !== undefined;
  for (let k = 0; k < count; k++) {
    const [first, end] = [offsets[k]!, offsets[k + 1]!];
    const n = end - first;
    let [negative, positive, largest] = [0, 0, 0];
    for (let i = first; i < end; i++) {
      const item = items[i]!;
      if (item < 0) {
        negative -= item;
        if (-item > largest) largest = -item;
      } else {
        positive += item;
        if (item > largest) largest = item;
      }
    }
    // One more than 63 items may have 2^64 index sets, which are not counted in 64 bits.
    if (negative + positive > MAX_SUM || n > most) continue;
    negatives[k] = negative;
    positives[k] = positive;
    let [lowest, highest] = [positive, -negative];
    let any = false;
    for (let q = queryOffsets[k]!; q < queryOffsets[k + 1]!; q++) {
      const middle = partition ? Math.floor((positive - negative) / 2) : targets[q]!;
      let low: number;
      if (partition) low = middle - largest;
      else if (atMost && !bounded) low = Math.min(middle, positive) - largest;
      else low = middle - tolerance;
      const high = partition || atMost ? middle : middle + tolerance;
      if (low > positive || high < -negative) continue;
      any = true;
      isAsked[q] = 1;
      from[q] = low = Math.max(low, -negative);
      to[q] = Math.min(high, positive);
      center[q] = Math.max(-negative, Math.min(middle, positive));
      if (low < lowest) lowest = low;
      if (to[q]! > highest) highest = to[q]!;
    }
    const queries = queryOffsets[k + 1]! - queryOffsets[k]!;
    const sums = any ? Math.min(highest + negative, positive - lowest) + 1 : 1;
    if (methodOf(sums, n * sums) !== "bitset") continue;
    if (any) tables[k] = sums;
    const cost = tableCost(asked, n * sums);
    if (meetingServes && meetingCost(asked, n, queries, false) < cost) continue;
    costs[k] = cost + ITEM_COST_NS * n + TARGET_COST_NS * queries;
  }
  return posed;
}

type TableKernel = "witness" | "count" | "smallest";

/** Work about instances: the answer to query queries[i] starts at the word that target i of its inputs names. */
interface ColumnWork {
  readonly work: WorkOf<TableKernel>;
  readonly queries: Int32Array;
}

const answerWords: Record<TableKernel, (n: number, masks: boolean) => number> = {
  witness: witnessWords,
  smallest: smallestWords,
  count: () => COUNT_WORDS,
};

/** More than the classes of table sizes: sums are below 2^31, and a class spans a factor of 4. */
const SIZE_CLASSES = 16;

/** Packs the questions about a range of instances into work, by table sizes within a factor of 4 as `packQuestions` does. */
function packColumns(
  kernel: TableKernel,
  posed: PosedInstances,
  range: InstanceRange,
  questions: Questions,
  masks: boolean,
): ColumnWork[] {
  const { first, end } = range;
  const classes = new Int8Array(end - first).fill(-1);
  const mostSums = new Int32Array(SIZE_CLASSES);
  const isFirst = questions === posed.questions;
  for (let k = first; k < end; k++) {
    const sums = isFirst ? posed.sums[k]! : tableOf(posed, k, questions);
    if (sums === 0) continue;
    const of = (31 - Math.clz32(sums)) >> 1;
    classes[k - first] = of;
    if (sums > mostSums[of]!) mostSums[of] = sums;
  }
  const packed: ColumnWork[] = [];
  for (let of = 0; of < SIZE_CLASSES; of++)
    if (mostSums[of]! > 0)
      packed.push(packClass(kernel, posed, range, questions, masks, classes, of, mostSums[of]!));
  return packed;
}

/** The sums in a table for the questions about an instance; 0 where there are none. */
function tableOf(
  { queryOffsets, negative, positive }: PosedInstances,
  k: number,
  questions: Questions,
): number {
  const { asked, from, to } = questions;
  const [low, high] = [-negative[k]!, positive[k]!];
  let [lowest, highest, isAsked] = [high, low, false];
  for (let q = queryOffsets[k]!; q < queryOffsets[k + 1]!; q++) {
    if (!asked[q]) continue;
    isAsked = true;
    if (from[q]! < lowest) lowest = from[q]!;
    if (to[q]! > highest) highest = to[q]!;
  }
  return isAsked ? Math.min(highest - low, high - lowest) + 1 : 0;
}

/** Packs the instances of one class of table sizes. */
function packClass(
  kernel: TableKernel,
  { items, offsets, queryOffsets }: PosedInstances,
  { first, end }: InstanceRange,
  { asked, from, to, center }: Questions,
  masks: boolean,
  classes: Int8Array,
  of: number,
  sums: number,
): ColumnWork {
  let [instances, itemCount, most] = [0, 0, 0];
  for (let k = first; k < end; k++) {
    if (classes[k - first] !== of) continue;
    instances++;
    itemCount += offsets[k + 1]! - offsets[k]!;
    most += queryOffsets[k + 1]! - queryOffsets[k]!;
  }
  // Where all instances are of one class, their items lie together already.
  const isWhole = instances === end - first;
  const taken = isWhole ? items.subarray(offsets[first], offsets[end]) : new Int32Array(itemCount);
  const starts = new Uint32Array(2 * (instances + 1));
  const targets = new Int32Array(TARGET_WORDS * most);
  const queries = new Int32Array(most);
  let [row, item, target, answers, longest] = [0, 0, 0, 0, 0];
  for (let k = first; k < end; k++) {
    if (classes[k - first] !== of) continue;
    const n = offsets[k + 1]! - offsets[k]!;
    if (!isWhole) for (let i = 0; i < n; i++) taken[item + i] = items[offsets[k]! + i]!;
    item += n;
    const length = answerWords[kernel](n, masks);
    for (let q = queryOffsets[k]!; q < queryOffsets[k + 1]!; q++) {
      if (!asked[q]) continue;
      const word = TARGET_WORDS * target;
      targets[word] = from[q]!;
      targets[word + 1] = to[q]!;
      targets[word + 2] = center[q]!;
      targets[word + 3] = answers;
      queries[target++] = q;
      answers += length;
    }
    row += 2;
    starts[row] = item;
    starts[row + 1] = target;
    if (n > longest) longest = n;
  }
  const counts = { instances, items: item, targets: target, answers, longest };
  const params = { ...counts, sums, masks: Number(masks), tiles: 0, reduction: 0 };
  const inputs = { items: taken, starts, targets: targets.subarray(0, TARGET_WORDS * target) };
  return { work: { kernel, params, inputs }, queries: queries.subarray(0, target) };
}

/** The answers to the queries of a range of instances. Entry k of a column belongs to query `firstQuery` + k. */
export interface PlainAnswers {
  readonly firstQuery: number;
  readonly reachable: Uint8Array<ArrayBuffer>;
  /** The best sums; 0 where none is reached. */
  readonly sums: Int32Array<ArrayBuffer>;
  /** Numbers of index sets, two words each, the low one first. Empty where they were not asked for. */
  readonly counts: Uint32Array<ArrayBuffer>;
  /** The first word of the mask of each query; the last entry is the end. Empty where no masks were asked for. */
  readonly maskOffsets: Uint32Array<ArrayBuffer>;
  readonly witnesses: Uint32Array<ArrayBuffer>;
  /** Sizes of the smallest index sets, and their masks. */
  readonly sizes: Int32Array<ArrayBuffer>;
  readonly smallest: Uint32Array<ArrayBuffer>;
}

/** Runs one piece of work and answers its words. */
export type RunWork = (work: WorkOf<TableKernel>) => Promise<Uint32Array>;

/**
 * Answers a range of posed instances, none of which has a cost of -1.
 * @throws {Error} Where an index set of an answer does not have the sum or the size that it should have.
 */
export async function answerColumns(
  config: SolveConfig,
  posed: PosedInstances,
  range: InstanceRange,
  run: RunWork,
): Promise<PlainAnswers> {
  const { queryOffsets, questions } = posed;
  const firstQuery = queryOffsets[range.first]!;
  const queries = queryOffsets[range.end]! - firstQuery;
  const [asksCount, asksSmallest] = [config.asked.has("count"), config.asked.has("smallest")];
  const masks = needsMasks(config);
  const maskOffsets =
    masks || asksSmallest ? maskOffsetsOf(posed.offsets, queryOffsets, range) : new Uint32Array(0);
  const maskLength = maskOffsets[queries] ?? 0;
  const answers: PlainAnswers = {
    firstQuery,
    reachable: new Uint8Array(queries),
    sums: new Int32Array(queries),
    counts: new Uint32Array(asksCount ? 2 * queries : 0),
    maskOffsets,
    witnesses: new Uint32Array(masks ? maskLength : 0),
    sizes: new Int32Array(asksSmallest ? queries : 0),
    smallest: new Uint32Array(asksSmallest ? maskLength : 0),
  };
  const { reachable, sums, counts, sizes } = answers;
  /** Calls `read` with the output of each piece of work, the first word of an answer in it, and its entry in the columns. */
  const ask = async (
    kernel: TableKernel,
    asked: Questions,
    masks: boolean,
    read: (words: Uint32Array, at: number, entry: number) => void,
  ) => {
    const packed = packColumns(kernel, posed, range, asked, masks);
    const outputs = await Promise.all(packed.map(({ work }) => run(work)));
    packed.forEach(({ work, queries }, part) => {
      const [words, { targets }] = [outputs[part]!, work.inputs];
      for (let t = 0; t < queries.length; t++)
        read(words, targets[TARGET_WORDS * t + 3]!, queries[t]! - firstQuery);
    });
  };
  const copyMask = (from: Uint32Array, at: number, to: Uint32Array, entry: number) => {
    for (let word = maskOffsets[entry]!; word < maskOffsets[entry + 1]!; word++) to[word] = from[at++]!;
  };
  await ask("witness", questions, masks, (words, at, entry) => {
    if (!words[at]) return;
    reachable[entry] = 1;
    sums[entry] = words[at + 1]!;
    if (masks) copyMask(words, at + 2, answers.witnesses, entry);
  });
  await Promise.all([
    asksCount &&
      ask("count", countedOf(config, posed, range, answers), false, (words, at, entry) => {
        counts[2 * entry] = words[at]!;
        counts[2 * entry + 1] = words[at + 1]!;
      }),
    asksSmallest &&
      ask("smallest", exactOf(posed, range, answers), true, (words, at, entry) => {
        sizes[entry] = words[at]!;
        copyMask(words, at + 1, answers.smallest, entry);
      }),
  ]);
  if (asksCount && config.partition) doubleCounts(posed, range, answers);
  if (masks) checkMasks(posed, range, answers, answers.witnesses);
  if (asksSmallest) checkMasks(posed, range, answers, answers.smallest, sizes);
  return answers;
}

/** Adds up the items of every mask. @throws {Error} A mask does not have the sum or the size that it should have. */
function checkMasks(
  { items, offsets, queryOffsets }: PosedInstances,
  { first, end }: InstanceRange,
  { firstQuery, reachable, sums, maskOffsets }: PlainAnswers,
  masks: Uint32Array,
  sizes?: Int32Array,
): void {
  for (let k = first; k < end; k++) {
    const [from, n] = [offsets[k]!, offsets[k + 1]! - offsets[k]!];
    for (let entry = queryOffsets[k]! - firstQuery; entry < queryOffsets[k + 1]! - firstQuery; entry++) {
      if (!reachable[entry]) continue;
      let [total, size] = [0, 0];
      for (let word = maskOffsets[entry]!, i = 0; word < maskOffsets[entry + 1]!; word++, i += 32)
        for (let bits = masks[word]!; bits !== 0; bits &= bits - 1) {
          const index = i + 31 - Math.clz32(bits & -bits);
          total += index < n ? items[from + index]! : NaN;
          size++;
        }
      if (total === sums[entry] && size === (sizes?.[entry] ?? size)) continue;
      throw new Error(
        `the items ${items.slice(from, from + n).join(" ")}: ${size} of them sum up to ${total}, and not ` +
          `${sizes?.[entry] ?? "any number of"} to ${sums[entry]}; the answer is not kept`,
      );
    }
  }
}

/** The first word of the mask of each query of a range of instances; the last entry is the end. Items begin at `offsets`. */
export function maskOffsetsOf(
  offsets: ArrayLike<number>,
  queryOffsets: ArrayLike<number>,
  { first, end }: InstanceRange,
): Uint32Array<ArrayBuffer> {
  const firstQuery = queryOffsets[first]!;
  const maskOffsets = new Uint32Array(queryOffsets[end]! - firstQuery + 1);
  for (let k = first, word = 0; k < end; k++)
    for (let q = queryOffsets[k]!; q < queryOffsets[k + 1]!; q++)
      maskOffsets[q - firstQuery + 1] = word += maskWords(offsets[k + 1]! - offsets[k]!);
  return maskOffsets;
}

/** Questions for exactly the sums that were found. */
function exactOf(
  { queryOffsets }: PosedInstances,
  { end }: InstanceRange,
  { firstQuery, reachable, sums }: PlainAnswers,
): Questions {
  const exact = questionsOf(queryOffsets[end]!);
  exact.asked.set(reachable, firstQuery);
  for (const column of [exact.from, exact.to, exact.center]) column.set(sums, firstQuery);
  return exact;
}

/** The windows whose index sets are counted, as in `countedWindow`. Where every index set counts, it writes their number. */
function countedOf(
  { tolerance, atMost }: SolveConfig,
  posed: PosedInstances,
  range: InstanceRange,
  answers: PlainAnswers,
): Questions {
  const { offsets, queryOffsets, negative, positive, questions } = posed;
  const { firstQuery, counts } = answers;
  const counted = exactOf(posed, range, answers);
  const isWide = tolerance !== undefined && !atMost;
  for (let k = range.first; k < range.end; k++)
    for (let q = queryOffsets[k]!; q < queryOffsets[k + 1]!; q++) {
      if (isWide) {
        counted.from[q] = questions.from[q]!;
        counted.to[q] = questions.to[q]!;
      }
      if (!counted.asked[q] || counted.from[q]! > -negative[k]! || counted.to[q]! < positive[k]!) continue;
      counted.asked[q] = 0;
      const n = offsets[k + 1]! - offsets[k]!;
      counts[2 * (q - firstQuery) + (n >> 5)] = 1 << (n & 31);
    }
  return counted;
}

/** Adds the complements of the index sets of a partition, which have the mirrored sum unless both sums are equal. */
function doubleCounts(
  { negative, positive }: PosedInstances,
  { first, end }: InstanceRange,
  { sums, counts }: PlainAnswers,
): void {
  for (let k = first; k < end; k++) {
    const entry = k - first;
    const total = positive[k]! - negative[k]!;
    if (total === 2 * sums[entry]!) continue;
    const low = counts[2 * entry]!;
    counts[2 * entry] = low << 1;
    counts[2 * entry + 1] = (counts[2 * entry + 1]! << 1) | (low >>> 31);
  }
}

/** The estimated cost of what goes to the engine together, on one CPU thread: enough to be worth a call of a kernel. */
export const PIECE_COST_NS = 20e6;
const MAX_PIECE_INSTANCES = 2 ** 14;
/** Fewer instances in columns between others are not worth a piece of their own. */
export const MIN_RUN = 256;

/** A range of posed instances that goes to the engine as it is, or one whose instances `problemOf` poses. */
export interface InstancePiece extends InstanceRange {
  readonly isPlain: boolean;
}

/** Cuts posed instances from `first` on into pieces, in their order. */
export function* piecesOf(
  { costs }: Pick<PosedInstances, "costs">,
  first: number,
): Generator<InstancePiece, void, undefined> {
  let others = first;
  for (let from = first; from < costs.length;) {
    let end = from;
    while (end < costs.length && costs[end]! >= 0) end++;
    if (end - from >= MIN_RUN || (from === first && end === costs.length)) {
      if (others < from) yield { isPlain: false, first: others, end: from };
      others = end;
      while (from < end) {
        let [to, cost] = [from, 0];
        while (to < end && to - from < MAX_PIECE_INSTANCES && cost < PIECE_COST_NS) cost += costs[to++]!;
        yield { isPlain: true, first: from, end: to };
        from = to;
      }
    }
    from = end + 1;
  }
  if (others < costs.length) yield { isPlain: false, first: others, end: costs.length };
}
