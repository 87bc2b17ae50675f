// The solve experiment: from a request and instances to work, and from what the kernels answer to findings.
//
// Work comes in two steps. The first finds for every question the best sum and its witness; the second, for the sums that
// were found, the number of index sets and the smallest one.

import * as z from "zod/mini";
import { RequestError } from "../errors.ts";
import { integer, parse } from "../check.ts";
import { methods, type Method, type Provenance, type SolveFinding } from "../finding.ts";
import { callsOf, type Answers, type Asked, type Call } from "../solve/calls.ts";
import { maskWords } from "../kernels/instances.ts";
import {
  answerNames,
  MAX_ITEM,
  MAX_SOLVE_ITEMS,
  needsMasks,
  whereOf,
  type AnswerName,
  type Problem,
  type Query,
  type Question,
  type SolveConfig,
} from "../solve/problem.ts";
import { add, floorDivide, greatest, least, subtract, times, toJson, type Whole } from "../solve/exact.ts";

/** What a caller wants to know of every instance. */
export interface SolveRequest {
  /** Default: all that the instance's size allows. `reachable` is always told. */
  ask?: readonly AnswerName[];
  /** Only index sets of exactly so many items, 0..10,000. */
  size?: number;
  /** Sums may differ from the target by so much, 0..2^53; the nearest one is the best, the lower one of two. */
  tolerance?: number;
  /** The best sum is the greatest one not above the target. */
  atMost?: boolean;
  /** The best sum is the one nearest to half of all: the items in two groups as equal as can be. */
  partition?: boolean;
  /** Forces a method; by default the cheapest is taken for each instance. `halves` is an older name of meet-in-the-middle. */
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

/** Completes and checks a request. Throws TypeError or RangeError naming the field, what it may be and what came. */
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

/** What the first step found: the best sum of a query. */
interface Best {
  /** In the sums of the problem. */
  readonly sum: Whole;
  /** Where its mask is. */
  readonly words: Uint32Array;
  readonly place: number;
  /** How many index sets have a sum of the question's window, where the kernel has counted them. */
  readonly ways: bigint | undefined;
}

/** The best sum of every query, undefined where none serves. */
export type Found = readonly (Best | undefined)[];

/** The first step: asks for the best sums, and for their witnesses where those are wanted. */
export function locate(config: SolveConfig, queries: readonly Query[]): Call[] {
  const questions: Asked[] = [];
  queries.forEach(({ problem, question }, query) => {
    if (question) questions.push({ query, problem, question });
  });
  return callsOf("witness", questions, needsMasks(config));
}

/** What the first step found. */
export function found(queries: readonly Query[], { words, places }: Answers): Found {
  return queries.map(({ problem }, k): Best | undefined => {
    const [answer, place] = [words[k], places[k]!];
    if (!answer?.[place]) return undefined;
    if (problem.method !== "meet-in-the-middle")
      return { sum: answer[place + 1]! | 0, words: answer, place: place + 2, ways: undefined };
    const sum = add(BigInt.asIntN(64, wideWord(answer, place + 1)), 0);
    return { sum, words: answer, place: place + 5, ways: wideWord(answer, place + 3) };
  });
}

/** The second step: asks how many index sets have the sums that were found. */
export function count(config: SolveConfig, queries: readonly Query[], best: Found): Call[] {
  const questions: Asked[] = [];
  queries.forEach((query, k) => {
    const { problem } = query;
    if (!best[k] || !problem.answers.has("count")) return;
    const window = countedWindow(config, query, best[k].sum);
    if (knownWays(config, query, best[k], window) === undefined)
      questions.push({ query: k, problem, question: window });
  });
  return callsOf("count", questions, false);
}

/** The second step: asks for the smallest of the index sets that have the sums that were found. */
export function smallest({ size }: SolveConfig, queries: readonly Query[], best: Found): Call[] {
  const questions: Asked[] = [];
  queries.forEach(({ problem }, k) => {
    if (best[k] && problem.answers.has("smallest") && size === undefined)
      questions.push({ query: k, problem, question: exactly(best[k].sum) });
  });
  return callsOf("smallest", questions, true);
}

const exactly = (sum: Whole): Question => ({ from: sum, to: sum, center: sum });

/** Two words as one of 64 bits. */
function wideWord(words: Uint32Array, at: number): bigint {
  return (BigInt(words[at + 1]!) << 32n) | BigInt(words[at]!);
}

/**
 * The sums whose index sets are counted: all within a tolerance, or the best alone. With a size, a partition has the best
 * sum and its mirror, between which there is none; without one as many have the mirror, which `find` knows.
 */
function countedWindow(config: SolveConfig, { problem, question }: Query, sum: Whole): Question {
  if (config.tolerance !== undefined && !config.atMost) return question!;
  if (!config.partition || config.size === undefined) return exactly(sum);
  const { low, high, scale, offset } = problem.form;
  const mirror = subtract(add(times(totalOf(problem.instance.items), scale), times(offset, 2)), sum);
  // With index sets of one size the mirrored sum may be none that the problem's items could have.
  return {
    from: greatest(least(sum, mirror), low),
    to: least(greatest(sum, mirror), high),
    center: sum,
  };
}

/** How many index sets have a sum of a window, where that is known without counting. */
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

/** What the steps say of query k. Throws where an index set is not what it is said to be. */
export function find(
  config: SolveConfig,
  query: Query,
  k: number,
  answered: { readonly best: Found; readonly counted: Answers; readonly fewest: Answers },
  provenance: Provenance,
): SolveFinding {
  const { problem, target } = query;
  const { instance, index, answers, method } = problem;
  const { size, tolerance, atMost, partition } = config;
  const best = answered.best[k];
  const sum = best && floorDivide(subtract(best.sum, problem.form.offset), problem.form.scale);
  // Field by field, in the order in which people read them: spreading what may be absent would take longer than solving.
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
    // What one choice of signs takes, the opposite one leaves.
    finding.count = String(difference && size === undefined ? 2n * ways : ways);
  }
  const indices = (words: Uint32Array, place: number, length?: number) =>
    indicesOf(problem, words, place, sum!, length);
  if (answers.has("witness")) finding.witness = best ? indices(best.words, best.place, size) : null;
  if (answers.has("smallest")) {
    const words = answered.fewest.words[k]!;
    const place = answered.fewest.places[k]!;
    const few = !best
      ? null
      : size === undefined
        ? indices(words, place + 1, words[place])
        : indices(best.words, best.place, size);
    finding.smallest = few && few.length;
    finding.smallestWitness = few;
  }
  finding.method = method;
  return Object.assign(finding, provenance) as SolveFinding;
}

function waysOf(method: Method, { words, places }: Answers, k: number): bigint {
  return wideWord(words[k]!, places[k]! + (method === "meet-in-the-middle" ? 3 : 0));
}

/** |sum - rest|, what the two groups of a partition differ by. */
function differenceOf(items: readonly number[], sum: Whole): Whole {
  const difference = subtract(totalOf(items), times(sum, 2));
  return difference < 0 ? subtract(0, difference) : difference;
}

function totalOf(items: readonly number[]): Whole {
  return items.reduce<Whole>(add, 0);
}

/** The indices in the mask at a place, after adding up what they stand for. */
function indicesOf(
  { index, instance }: Problem,
  words: Uint32Array,
  place: number,
  sum: Whole,
  length?: number,
): number[] {
  const { items } = instance;
  const indices: number[] = [];
  let total: Whole = 0;
  for (let w = 0; w < maskWords(items.length); w++)
    for (let bits = words[place + w]!; bits !== 0; bits &= bits - 1) {
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
