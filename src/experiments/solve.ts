// The solve experiment: turns a request and its instances into work, and the answers of the kernels into findings.
//
// Work comes in two steps. The first step finds the best sum of every query, with its witness. The second step counts the
// index sets that have the sums that were found, and finds the smallest ones.

import * as z from "zod/mini";
import { RequestError } from "../errors.ts";
import { integer, parse } from "../check.ts";
import type { Provenance, SolveFinding } from "../finding.ts";
import { packQuestions, type Answers, type KernelQuestion, type PackedWork } from "../solve/packing.ts";
import { maskWords } from "../kernels/instances.ts";
import {
  answerNames,
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
  /** The answers of a finding. Default: all that the size of the instance allows. `reachable` is always answered. */
  ask?: readonly AnswerName[];
  /** Counts only index sets of exactly this many items, 0..10,000. */
  size?: number;
  /** How far a sum may be from the target, 0..2^53. The nearest sum is the best one, and of two the lower one. */
  tolerance?: number;
  /** Makes the greatest sum that does not exceed the target the best one. */
  atMost?: boolean;
  /** Makes the sum nearest to half of the total the best one: it splits the items into two groups of nearly equal sums. */
  partition?: boolean;
  /** Forces a method. Default: the cheapest for each instance. `halves` is an older name of meet-in-the-middle. */
  method?: Method | "halves";
}

const requestSchema = z.strictObject({
  ask: z.optional(
    z.array(z.enum(answerNames, `one of ${answerNames.join(", ")}`), `a list of ${answerNames.join(", ")}`),
  ),
  size: z.optional(integer(0, MAX_SOLVE_ITEMS)),
  tolerance: z.optional(integer(0, MAX_ITEM)),
  atMost: z._default(z.boolean("true or false"), false),
  partition: z._default(z.boolean("true or false"), false),
  method: z.optional(
    z.pipe(
      z.transform((name) => (name === "halves" ? "meet-in-the-middle" : name)),
      z.enum(methods, `one of ${methods.join(", ")}`),
    ),
  ),
});

/**
 * Fills in the defaults of a request and checks it.
 * @throws {RequestError} Names the field that is wrong.
 */
export function solveConfig(request: SolveRequest): SolveConfig {
  const { ask, ...config } = parse(requestSchema, request);
  if (config.partition && (config.atMost || config.tolerance !== undefined))
    throw new RequestError(
      "partition",
      "neither atMost nor tolerance beside it",
      config.atMost ? "atMost" : "tolerance",
    );
  const asked = new Set<AnswerName>(ask ?? answerNames);
  return { ...config, asked: asked.add("reachable"), byName: ask !== undefined };
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
export function readBest(queries: readonly Query[], { words, offsets }: Answers): BestSums {
  return queries.map(({ problem }, k): Best | undefined => {
    const [answer, offset] = [words[k], offsets[k]!];
    if (!answer?.[offset]) return undefined;
    if (problem.method !== "meet-in-the-middle")
      return { sum: answer[offset + 1]! | 0, words: answer, maskOffset: offset + 2, ways: undefined };
    const sum = add(BigInt.asIntN(64, wideWord(answer, offset + 1)), 0);
    return { sum, words: answer, maskOffset: offset + 5, ways: wideWord(answer, offset + 3) };
  });
}

/** Work of the second step: asks for the number of index sets that have the sums that were found. */
export function askCounts(config: SolveConfig, queries: readonly Query[], best: BestSums): PackedWork[] {
  const questions: KernelQuestion[] = [];
  queries.forEach((query, k) => {
    const { problem } = query;
    if (!best[k] || !problem.answers.has("count")) return;
    const window = countedWindow(config, query, best[k].sum);
    if (knownWays(config, query, best[k], window) === undefined)
      questions.push({ query: k, problem, question: window });
  });
  return packQuestions("count", questions, false);
}

/** Work of the second step: asks for the smallest index sets that have the sums that were found. */
export function askSmallest({ size }: SolveConfig, queries: readonly Query[], best: BestSums): PackedWork[] {
  const questions: KernelQuestion[] = [];
  queries.forEach(({ problem }, k) => {
    if (best[k] && problem.answers.has("smallest") && size === undefined)
      questions.push({ query: k, problem, question: exactly(best[k].sum) });
  });
  return packQuestions("smallest", questions, true);
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
function countedWindow(config: SolveConfig, { problem, question }: Query, sum: Whole): Question {
  if (config.tolerance !== undefined && !config.atMost) return question!;
  if (!config.partition || config.size === undefined) return exactly(sum);
  const { low, high, scale, offset } = problem.form;
  const mirror = subtract(add(times(totalOf(problem.instance.items), scale), times(offset, 2)), sum);
  // The mirrored sum of index sets of one size can be beyond all sums of the form.
  return {
    from: greatest(least(sum, mirror), low),
    to: least(greatest(sum, mirror), high),
    center: sum,
  };
}

/** The number of index sets with a sum of a window, where it is known without the kernel `count`; otherwise undefined. */
function knownWays(
  { size }: SolveConfig,
  { problem, question }: Query,
  { ways }: Best,
  { from, to }: Question,
): bigint | undefined {
  const { low, high, items } = problem.form;
  if (size === undefined && from <= low && to >= high) return 1n << BigInt(items.length);
  return from === question!.from && to === question!.to ? ways : undefined;
}

/**
 * The finding of query k, from the answers of both steps.
 * @throws {Error} Where an index set of an answer does not have the sum or the size that it should have.
 */
export function findSolution(
  config: SolveConfig,
  query: Query,
  k: number,
  answered: { readonly best: BestSums; readonly counted: Answers; readonly fewest: Answers },
  provenance: Provenance,
): SolveFinding {
  const { problem, target } = query;
  const { instance, index, answers, method } = problem;
  const { size, tolerance, atMost, partition } = config;
  const best = answered.best[k];
  const sum = best && floorDivide(subtract(best.sum, problem.form.offset), problem.form.scale);
  // Fields are set one by one in reading order: spreading optional fields can take longer than solving a small instance.
  const finding: { -readonly [Field in keyof SolveFinding]?: SolveFinding[Field] } = {
    kind: "solve",
    instance: index,
  };
  if (instance.id !== undefined) finding.id = instance.id;
  if (instance.line !== undefined) finding.line = instance.line;
  finding.items = instance.items.length;
  if (target !== undefined) finding.target = toJson(target);
  if (size !== undefined) finding.size = size;
  if (tolerance !== undefined) finding.tolerance = tolerance;
  if (atMost) finding.atMost = true;
  if (partition) finding.partition = true;
  finding.reachable = best !== undefined;
  if (tolerance !== undefined || atMost || partition) finding.sum = sum === undefined ? null : toJson(sum);
  const difference = partition && sum !== undefined ? differenceOf(instance.items, sum) : undefined;
  if (partition) finding.difference = difference === undefined ? null : toJson(difference);
  if (answers.has("count")) {
    const window = best && countedWindow(config, query, best.sum);
    const ways = best ? (knownWays(config, query, best, window!) ?? waysOf(method, answered.counted, k)) : 0n;
    // The complements have the mirrored sum, which was not counted; it is the same sum where the difference is 0.
    finding.count = String(difference && size === undefined ? 2n * ways : ways);
  }
  const indices = (words: Uint32Array, maskOffset: number, length?: number) =>
    indicesOf(problem, words, maskOffset, sum!, length);
  if (answers.has("witness")) finding.witness = best ? indices(best.words, best.maskOffset, size) : null;
  if (answers.has("smallest")) {
    const words = answered.fewest.words[k]!;
    const offset = answered.fewest.offsets[k]!;
    const smallest = !best
      ? null
      : size === undefined
        ? indices(words, offset + 1, words[offset])
        : indices(best.words, best.maskOffset, size);
    finding.smallest = smallest && smallest.length;
    finding.smallestWitness = smallest;
  }
  finding.method = method;
  return Object.assign(finding, provenance) as SolveFinding;
}

/** The number of index sets in an answer of the kernel `count` or `meet`. */
function waysOf(method: Method, { words, offsets }: Answers, k: number): bigint {
  return wideWord(words[k]!, offsets[k]! + (method === "meet-in-the-middle" ? 3 : 0));
}

/** The difference of the two groups of a partition, |total - 2 sum|. */
function differenceOf(items: readonly number[], sum: Whole): Whole {
  const difference = subtract(totalOf(items), times(sum, 2));
  return difference < 0 ? subtract(0, difference) : difference;
}

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
  const indices: number[] = [];
  let total: Whole = 0;
  for (let w = 0; w < maskWords(items.length); w++)
    for (let bits = words[maskOffset + w]!; bits !== 0; bits &= bits - 1) {
      const i = 32 * w + 31 - Math.clz32(bits & -bits);
      indices.push(i);
      total = add(total, items[i] ?? 0);
    }
  if (total !== sum || (length !== undefined && indices.length !== length))
    throw new Error(
      `${whereOf(instance, index)}: the ${indices.length} items ${indices.join(" ")} sum up to ${total}, and not ` +
        `${length ?? "any number of"} items to ${sum}; its answer is not kept`,
    );
  return indices;
}
