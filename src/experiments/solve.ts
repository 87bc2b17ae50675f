// The solve experiment: turns a request and its instances into work, and the answers of the kernels into findings.
//
// Work comes in two steps. The first step finds the best sum of every query, with its witness. The second step counts the
// index sets that have the sums that were found, and finds the smallest ones and those with the greatest masks. A finding puts
// together the queries of all sizes of its target.

import * as z from "zod/mini";
import { RequestError } from "../errors.ts";
import { integer, parse } from "../check.ts";
import type { Provenance, SolveFinding, SubsetFinding } from "../finding.ts";
import { packQuestions, type Answers, type KernelQuestion, type PackedWork } from "../solve/packing.ts";
import { listByMeeting, listByTable } from "../solve/subsets.ts";
import { fromResidues, reductionOf } from "../solve/residues.ts";
import { maskWords } from "../kernels/instances.ts";
import {
  answerNames,
  defaultAnswers,
  isSized,
  MAX_ITEM,
  MAX_SOLVE_ITEMS,
  methods,
  needsMasks,
  whereOf,
  type AnswerName,
  type Method,
  type Problem,
  type Query,
  type Question,
  type SolveConfig,
} from "../solve/problem.ts";
import { add, floorDivide, greatest, least, subtract, times, toJson, type Whole } from "../solve/exact.ts";

/** The questions that are asked about every instance. */
export interface SolveRequest {
  /**
   * The answers of a finding. `reachable` is always answered. Default: all but `unique` that the instance allows; `count` then
   * only for up to 64 items, since counts take a pass over the table for each 62 items.
   */
  ask?: readonly AnswerName[];
  /** Considers only index sets of exactly this many items, or of at most this many, 0..10,000. One of the two. */
  size?: number;
  atMostSize?: number;
  /** How far a sum may be from the target, 0..2^53. The nearest sum is the best one, and of two the lower one. */
  tolerance?: number;
  /** Makes the greatest sum that does not exceed the target the best one. */
  atMost?: boolean;
  /** Makes the sum nearest to half of the total the best one: it splits the items into two groups of nearly equal sums. */
  partition?: boolean;
  /**
   * Makes a target a signed sum: every item enters with + or -, and index sets have the items with +. Of Kumar & Natale's
   * Lemma 2: as many signs have the sum z as index sets have the sum (z + total) / 2.
   */
  signed?: boolean;
  /**
   * Makes each instance a 0/1 knapsack: items are weights, a target is a capacity, and the best index set has the greatest total
   * of `profits` among those that weigh no more. It answers `witness`, and takes no other condition.
   */
  profits?: boolean;
  /** Forces a method. Default: the cheapest for each instance. `halves` is an older name of meet-in-the-middle. */
  method?: Method | "halves";
}

/** A request whose findings are each followed by index sets. */
export interface ListRequest extends SolveRequest {
  /** The most index sets that are listed for each target, by ascending masks; or `all` that `count` counts. */
  list: number | "all";
}

const requestSchema = z.strictObject({
  ask: z.optional(
    z.array(z.enum(answerNames, `one of ${answerNames.join(", ")}`), `a list of ${answerNames.join(", ")}`),
  ),
  size: z.optional(integer(0, MAX_SOLVE_ITEMS)),
  atMostSize: z.optional(integer(0, MAX_SOLVE_ITEMS)),
  tolerance: z.optional(integer(0, MAX_ITEM)),
  atMost: z._default(z.boolean("true or false"), false),
  partition: z._default(z.boolean("true or false"), false),
  signed: z._default(z.boolean("true or false"), false),
  profits: z._default(z.boolean("true or false"), false),
  method: z.optional(
    z.pipe(
      z.transform((name) => (name === "halves" ? "meet-in-the-middle" : name)),
      z.enum(methods, `one of ${methods.join(", ")}`),
    ),
  ),
  list: z.optional(
    z.pipe(
      z.transform((list) => (list === "all" ? Number.MAX_SAFE_INTEGER : list)),
      integer(1, Number.MAX_SAFE_INTEGER, "a positive integer below 2^53, or all"),
    ),
  ),
});

/**
 * Fills in the defaults of a request and checks it.
 * @throws {RequestError} Names the field that is wrong.
 */
export function solveConfig(request: SolveRequest | ListRequest): SolveConfig {
  const { ask, ...config } = parse(requestSchema, request);
  if (config.partition && (config.atMost || config.tolerance !== undefined))
    throw new RequestError(
      "partition",
      "neither atMost nor tolerance beside it",
      config.atMost ? "atMost" : "tolerance",
    );
  if (config.size !== undefined && config.atMostSize !== undefined)
    throw new RequestError("size, atMostSize", "one of the two", "both");
  if (config.partition && ask?.includes("unique"))
    throw new RequestError(
      "ask",
      "no unique beside partition: the two groups of a split are two subsets",
      "unique",
    );
  if (config.signed) checkSigned(config);
  if (config.profits) checkKnapsack(config, ask);
  const asked = new Set<AnswerName>(ask ?? (config.profits ? ["witness"] : defaultAnswers));
  return { ...config, asked: asked.add("reachable"), byName: ask !== undefined };
}

/** @throws {RequestError} Where a condition beside signs has no meaning: every item enters, and a partition seeks the sum 0. */
function checkSigned(config: z.output<typeof requestSchema>): void {
  const other = (["size", "atMostSize", "partition", "profits"] as const).find(
    (name) => config[name] !== undefined && config[name] !== false,
  );
  if (other) throw new RequestError("signed", `no ${other} beside it`, other);
}

/** @throws {RequestError} Where something is asked about knapsacks that has no meaning, or no method. */
function checkKnapsack(config: z.output<typeof requestSchema>, ask: readonly AnswerName[] | undefined): void {
  const conditions = ["size", "atMostSize", "tolerance", "atMost", "partition", "list"] as const;
  const other = conditions.find((name) => config[name] !== undefined && config[name] !== false);
  if (other) throw new RequestError("profits", `no ${other} beside it`, other);
  const answer = ask?.find((name) => name !== "reachable" && name !== "witness");
  if (answer) throw new RequestError("ask", "reachable or witness beside profits", answer);
  if (config.method === "meet-in-the-middle")
    throw new RequestError("method", "bitset or tiles beside profits", config.method);
}

/** The best sum of a query. */
interface Best {
  /** The sum in the form of the problem. */
  readonly sum: Whole;
  /** The words that hold its mask, and the index of the first of them. */
  readonly words: Uint32Array;
  readonly maskOffset: number;
  /** The number of index sets with a sum of from..to, where the kernel has counted them. */
  readonly ways: bigint | undefined;
}

/** The best sum of every query, undefined where the question has no answer. */
export type BestSums = readonly (Best | undefined)[];

/** The work of the first step: asks for the best sums, and for their witnesses where a finding needs masks. */
export function askBest(config: SolveConfig, queries: readonly Query[]): PackedWork[] {
  const questions: KernelQuestion[] = [];
  queries.forEach(({ problem, question }, query) => {
    if (question) questions.push({ query, problem, question });
  });
  return packQuestions("witness", questions, needsMasks(config));
}

/** Reads the answers of the first step. */
export function readBest(queries: readonly Query[], answers: Answers): BestSums {
  return queries.map(({ problem }, k) => bestOf(problem, k, answers));
}

/** The answer of the kernels `witness` and `meet` to question k; undefined where no sum serves. */
function bestOf({ method }: Problem, k: number, { words, offsets }: Answers): Best | undefined {
  const [answer, offset] = [words[k], offsets[k]!];
  if (!answer?.[offset]) return undefined;
  if (method !== "meet-in-the-middle")
    return { sum: answer[offset + 1]! | 0, words: answer, maskOffset: offset + 2, ways: undefined };
  const sum = add(BigInt.asIntN(64, wideWord(answer, offset + 1)), 0);
  return { sum, words: answer, maskOffset: offset + MEET_MASK, ways: wideWord(answer, offset + 3) };
}

/** The word of an answer of `meet` at which its mask begins. */
const MEET_MASK = 5;

/**
 * Work of the second step: asks for the number of index sets that have the sums that were found. The work at index i answers
 * with residue i of the counts that need it.
 */
export function askCounts(config: SolveConfig, queries: readonly Query[], best: BestSums): PackedWork[][] {
  const questions: KernelQuestion[] = [];
  queries.forEach((query, k) => {
    const { problem } = query;
    if (!best[k] || !problem.answers.has("count")) return;
    const window = countedWindow(config, query, best[k].sum);
    if (knownWays(query, best[k], window) === undefined)
      questions.push({ query: k, problem, question: window });
  });
  const most = questions.reduce((most, { problem }) => Math.max(most, problem.residues), 0);
  return Array.from({ length: most }, (_, i) =>
    packQuestions(
      "count",
      questions.filter(({ problem }) => i < problem.residues),
      false,
      reductionOf(i),
    ),
  );
}

/** Work of the second step: asks for the smallest index sets that have the sums that were found. */
export function askSmallest(queries: readonly Query[], best: BestSums): PackedWork[] {
  const questions: KernelQuestion[] = [];
  queries.forEach(({ problem }, k) => {
    if (best[k] && problem.answers.has("smallest") && !isSized(problem.form))
      questions.push({ query: k, problem, question: exactly(best[k].sum) });
  });
  return packQuestions("smallest", questions, true);
}

/**
 * Work of the second step: asks for the complements of the greatest masks of the greatest and of the least sum that is counted,
 * since an index set is the only one if it has the smallest and the greatest mask of all. Complements have the mirrored sums.
 */
export function askGreatest(
  config: SolveConfig,
  queries: readonly Query[],
  best: BestSums,
): [ofGreatestSum: PackedWork[], ofLeastSum: PackedWork[]] {
  const questions: [KernelQuestion[], KernelQuestion[]] = [[], []];
  queries.forEach((query, k) => {
    const { problem } = query;
    if (!best[k] || !problem.answers.has("unique")) return;
    const window = countedWindow(config, query, best[k].sum);
    const total = add(problem.form.low, problem.form.high);
    const [from, to] = [subtract(total, window.to), subtract(total, window.from)];
    questions[0].push({ query: k, problem, question: { from, to, center: from } });
    questions[1].push({ query: k, problem, question: { from, to, center: to } });
  });
  return [packQuestions("witness", questions[0], true), packQuestions("witness", questions[1], true)];
}

const exactly = (sum: Whole): Question => ({ from: sum, to: sum, center: sum });

/** The u64 in two words, low word first. */
function wideWord(words: Uint32Array, offset: number): bigint {
  return (BigInt(words[offset + 1]!) << 32n) | BigInt(words[offset]!);
}

/**
 * The sums whose index sets are counted: all within a tolerance, or the best sum alone. For a partition the mirrored sum
 * (total - sum) is as good. With a size, both are counted, and no other sum is between them. Without a size, the complements
 * of the index sets have the mirrored sum, so that `findSolution` doubles the count.
 */
function countedWindow(config: SolveConfig, { problem, sized, question }: Query, sum: Whole): Question {
  if (config.tolerance !== undefined && !config.atMost) return question!;
  if (!config.partition || sized.size === undefined) return exactly(sum);
  const { low, high, scale } = problem.form;
  const mirror = subtract(add(times(totalOf(problem.instance.items), scale), times(sized.offset, 2)), sum);
  // The mirrored sum of index sets of one size can be beyond all sums of the form.
  return {
    from: greatest(least(sum, mirror), low),
    to: least(greatest(sum, mirror), high),
    center: sum,
  };
}

/** The number of index sets with a sum of a window, where it is known without the kernel `count`; otherwise undefined. */
function knownWays(
  { problem, sized, question }: Query,
  { ways }: Best,
  { from, to }: Question,
): bigint | undefined {
  const { low, high, items } = problem.form;
  if (sized.size === undefined && from <= low && to >= high) return 1n << BigInt(items.length);
  return from === question!.from && to === question!.to ? ways : undefined;
}

/** The answers of both steps, by query. */
export interface Replies {
  readonly best: BestSums;
  /** Residue i of each count. */
  readonly counted: readonly Answers[];
  readonly fewest: Answers;
  /** The complements of the greatest masks of the greatest and of the least sum. */
  readonly greatest: readonly [Answers, Answers];
}

/**
 * The finding of the target whose queries begin at query k, one for each size, from the answers of both steps.
 * @throws {Error} Where an index set of an answer does not have the sum or the size that it should have.
 */
export function findSolution(
  config: SolveConfig,
  queries: readonly Query[],
  k: number,
  replies: Replies,
  provenance: Provenance,
): SolveFinding {
  const { problem, target } = queries[k]!;
  const { instance, answers, method } = problem;
  const { size, atMostSize, tolerance, atMost, partition, signed } = config;
  const counted = countedQueries(config, queries, k, replies.best);
  const first = counted.find(({ isBest }) => isBest);
  const sum = first?.sum;
  const finding = begunFinding(problem, target);
  if (size !== undefined) finding.size = size;
  if (atMostSize !== undefined) finding.atMostSize = atMostSize;
  if (tolerance !== undefined) finding.tolerance = instance.tolerance ?? tolerance;
  if (atMost) finding.atMost = true;
  if (partition) finding.partition = true;
  if (signed) finding.signed = true;
  finding.reachable = first !== undefined;
  if (tolerance !== undefined || atMost || partition)
    finding.sum = sum === undefined ? null : toJson(shownSum(config, instance.items, sum));
  const difference = partition && sum !== undefined ? differenceOf(instance.items, sum) : undefined;
  if (partition) finding.difference = difference === undefined ? null : toJson(difference);
  if (answers.has("count")) {
    let ways = 0n;
    for (const { query, k, best } of counted) ways += waysOf(config, query, k, best, replies.counted);
    // The complements have the mirrored sum, which was not counted; it is the same sum where the difference is 0.
    finding.count = String(difference && !isSized(problem.form) ? 2n * ways : ways);
  }
  if (answers.has("unique")) finding.unique = counted.length === 1 && isOnly(counted[0]!, replies.greatest);
  const indices = ({ best, query }: Counted) =>
    indicesOf(problem, best.words, best.maskOffset, sum!, query.sized.size);
  const ofSum = counted.filter((one) => one.isBest);
  if (answers.has("witness")) finding.witness = first ? indices(ofSum.reduce(withSmallerMask)) : null;
  if (answers.has("smallest")) {
    const smallest =
      first && (isSized(problem.form) ? indices(first) : fewestOf(problem, k, sum!, replies.fewest));
    finding.smallest = smallest ? smallest.length : null;
    finding.smallestWitness = smallest ?? null;
  }
  finding.method = method;
  return Object.assign(finding, provenance) as SolveFinding;
}

/** A finding whose fields are set one by one in reading order: spreading optional ones can take longer than solving. */
type BegunFinding = { -readonly [Field in keyof SolveFinding]?: SolveFinding[Field] };

/** The fields that name an instance and its target. */
function begunFinding({ instance, index }: Problem, target: Whole | undefined): BegunFinding {
  const finding: BegunFinding = { kind: "solve", instance: index };
  if (instance.id !== undefined) finding.id = instance.id;
  if (instance.line !== undefined) finding.line = instance.line;
  finding.items = instance.items.length;
  if (target !== undefined) finding.target = toJson(target);
  return finding;
}

/** A query with index sets that are counted. */
interface Counted {
  readonly query: Query;
  readonly k: number;
  readonly best: Best;
  /** The best sum, as a sum of the instance. */
  readonly sum: Whole;
  /** Whether it is the best sum of all sizes. */
  readonly isBest: boolean;
}

/**
 * The queries of a target with index sets that are counted, by size: all that have one within a tolerance, or those that come as
 * near as any.
 */
function countedQueries(
  { tolerance, atMost, partition }: SolveConfig,
  queries: readonly Query[],
  k: number,
  bestSums: BestSums,
): Counted[] {
  const { problem, target } = queries[k]!;
  const { sizes, scale } = problem.form;
  if (sizes.length === 1) {
    const best = bestSums[k];
    if (!best) return [];
    const sum = floorDivide(subtract(best.sum, sizes[0]!.offset), scale);
    return [{ query: queries[k]!, k, best, sum, isBest: true }];
  }
  // Twice the distance, since half of a total may be no integer.
  const goal = partition ? totalOf(problem.instance.items) : times(target!, 2);
  const found = sizes.flatMap(({ offset }, i) => {
    const best = bestSums[k + i];
    if (!best) return [];
    const sum = floorDivide(subtract(best.sum, offset), scale);
    return [
      { query: queries[k + i]!, k: k + i, best, sum, distance: magnitude(subtract(times(sum, 2), goal)) },
    ];
  });
  if (found.length === 0) return [];
  const nearest = found.map(({ distance }) => distance).reduce(least);
  const near = found.filter(({ distance }) => distance === nearest);
  const sum = near.map(({ sum }) => sum).reduce(least);
  const counted = tolerance !== undefined && !atMost ? found : near;
  return counted.map((one) => ({ ...one, isBest: one.sum === sum }));
}

/** The one of two answers to queries of one problem whose mask is smaller. */
function withSmallerMask(a: Counted, b: Counted): Counted {
  for (let w = maskWords(a.query.problem.instance.items.length); w-- > 0;) {
    const more = a.best.words[a.best.maskOffset + w]! - b.best.words[b.best.maskOffset + w]!;
    if (more !== 0) return more < 0 ? a : b;
  }
  return a;
}

/** Whether the best index set of a query is the only one that is counted: its complement is that of the greatest masks. */
function isOnly({ query: { problem }, k, best }: Counted, complements: readonly [Answers, Answers]): boolean {
  const n = problem.instance.items.length;
  return complements.every((answers) => {
    const other = bestOf(problem, k, answers)!;
    for (let i = 0; i < n; i++)
      if (bitOf(best.words, best.maskOffset, i) === bitOf(other.words, other.maskOffset, i)) return false;
    return true;
  });
}

const bitOf = (words: Uint32Array, offset: number, i: number) =>
  (words[offset + (i >>> 5)]! >>> (i & 31)) & 1;

/** The number of index sets of a query that are counted. */
function waysOf(
  config: SolveConfig,
  query: Query,
  k: number,
  best: Best,
  counted: readonly Answers[],
): bigint {
  const { problem } = query;
  const known = knownWays(query, best, countedWindow(config, query, best.sum));
  if (known !== undefined) return known;
  if (problem.method === "meet-in-the-middle") return bestOf(problem, k, counted[0]!)!.ways!;
  return fromResidues(
    counted.slice(0, problem.residues).map(({ words, offsets }) => {
      const [answer, offset] = [words[k]!, offsets[k]!];
      return (BigInt(answer[offset + 2]!) << 64n) | wideWord(answer, offset);
    }),
  );
}

/** The smallest index set of query k, by the kernel `smallest` or `meet`. */
function fewestOf(problem: Problem, k: number, sum: Whole, { words, offsets }: Answers): number[] {
  const [answer, offset] = [words[k]!, offsets[k]!];
  return problem.method === "meet-in-the-middle"
    ? indicesOf(problem, answer, offset + MEET_MASK, sum)
    : indicesOf(problem, answer, offset + 1, sum, answer[offset]);
}

/**
 * The index sets of the target whose queries begin at query k, by ascending masks: those that are counted, up to the number that
 * is asked for. They are found as they are read.
 * @throws {Error} Where an index set does not have a sum that it should have.
 */
export function* subsetsOf(
  config: SolveConfig,
  queries: readonly Query[],
  k: number,
  best: BestSums,
): Generator<SubsetFinding, void, undefined> {
  const { problem, target } = queries[k]!;
  const { form, instance, index, listing } = problem;
  const windows = countedQueries(config, queries, k, best).flatMap(({ query, best }) => {
    const { from, to } = countedWindow(config, query, best.sum);
    const mirror = subtract(add(form.low, form.high), best.sum);
    const isMirrored = config.partition && query.sized.size === undefined && mirror !== best.sum;
    return isMirrored ? [exactly(best.sum), exactly(mirror)] : [{ from, to }];
  });
  if (windows.length === 0) return;
  const hasSums = config.tolerance !== undefined || config.atMost || config.partition;
  let rank = 0;
  for (const subset of (listing === "table" ? listByTable : listByMeeting)(form, windows)) {
    const total = subset.reduce<Whole>((sum, i) => add(sum, form.items[i]!), 0);
    if (!windows.some(({ from, to }) => total >= from && total <= to))
      throw new Error(
        `${whereOf(instance, index)}: the items ${subset.join(" ")} do not have a sum that is asked for`,
      );
    const finding: { -readonly [Field in keyof SubsetFinding]?: SubsetFinding[Field] } = {
      kind: "subset",
      instance: index,
    };
    if (instance.id !== undefined) finding.id = instance.id;
    if (instance.line !== undefined) finding.line = instance.line;
    if (target !== undefined) finding.target = toJson(target);
    finding.rank = ++rank;
    if (hasSums) {
      const sum = subset.reduce<Whole>((sum, i) => add(sum, instance.items[i]!), 0);
      finding.sum = toJson(shownSum(config, instance.items, sum));
    }
    finding.subset = subset;
    yield finding as SubsetFinding;
    if (rank === config.list) return;
  }
}

/**
 * The finding of query k about a knapsack, from the answers of the kernel `knapsack`.
 * @throws {Error} Where the index set of an answer weighs too much or has another profit.
 */
export function findKnapsack(
  queries: readonly Query[],
  k: number,
  { words, offsets }: Answers,
  provenance: Provenance,
): SolveFinding {
  const { problem, target, question } = queries[k]!;
  const { instance, index, answers, method } = problem;
  const finding = begunFinding(problem, target);
  finding.reachable = question !== undefined;
  const [answer, offset] = [words[k]!, offsets[k]!];
  const indices = question ? maskIndices(answer, offset + 2, instance.items.length) : [];
  const weight = indices.reduce<Whole>((sum, i) => add(sum, instance.items[i]!), 0);
  const profit = indices.reduce<Whole>((sum, i) => add(sum, instance.profits![i]!), 0);
  if (question && (weight > target! || BigInt(profit) !== wideWord(answer, offset)))
    throw new Error(
      `${whereOf(instance, index)}: the items ${indices.join(" ")} weigh ${weight} and have a profit of ${profit}, and not ` +
        `at most ${target} and ${wideWord(answer, offset)}; its answer is not kept`,
    );
  finding.sum = question ? toJson(weight) : null;
  finding.profit = question ? toJson(profit) : null;
  if (answers.has("witness")) finding.witness = question ? indices : null;
  finding.method = method;
  return Object.assign(finding, provenance) as SolveFinding;
}

/** The indices in a mask over n items, ascending. */
function maskIndices(words: Uint32Array, maskOffset: number, n: number): number[] {
  const indices: number[] = [];
  for (let w = 0; w < maskWords(n); w++)
    for (let bits = words[maskOffset + w]!; bits !== 0; bits &= bits - 1)
      indices.push(32 * w + 31 - Math.clz32(bits & -bits));
  return indices;
}

/** The difference of the two groups of a partition, |total - 2 sum|. */
function differenceOf(items: readonly number[], sum: Whole): Whole {
  return magnitude(subtract(totalOf(items), times(sum, 2)));
}

/** The sum of index sets as findings show it: with signs, that of the items with + less that of the others. */
function shownSum({ signed }: SolveConfig, items: readonly number[], sum: Whole): Whole {
  return signed ? subtract(times(sum, 2), totalOf(items)) : sum;
}

const magnitude = (value: Whole): Whole => (value < 0 ? subtract(0, value) : value);

function totalOf(items: readonly number[]): Whole {
  return items.reduce<Whole>(add, 0);
}

/**
 * The indices in a mask, ascending.
 * @throws {Error} Where their items do not sum to `sum`, or are not `length` many.
 */
function indicesOf(
  { index, instance }: Problem,
  words: Uint32Array,
  maskOffset: number,
  sum: Whole,
  length?: number,
): number[] {
  const { items } = instance;
  const indices = maskIndices(words, maskOffset, items.length);
  const total = indices.reduce<Whole>((sum, i) => add(sum, items[i] ?? 0), 0);
  if (total !== sum || (length !== undefined && indices.length !== length))
    throw new Error(
      `${whereOf(instance, index)}: the ${indices.length} items ${indices.join(" ")} sum up to ${total}, and not ` +
        `${length ?? "any number of"} items to ${sum}; its answer is not kept`,
    );
  return indices;
}
