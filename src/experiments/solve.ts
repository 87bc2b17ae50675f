// The solve experiment: from a request and instances to work, and from what the kernels answer to findings.
//
// Work comes in two steps. The first finds for every question the best sum and its witness; the second, for the sums that
// were found, the number of index sets and the smallest one.

import * as z from "zod/mini";
import { expected, integer, parse } from "../check.ts";
import { methods, type Method, type Provenance, type SolveFinding } from "../finding.ts";
import { COUNT_WORDS } from "../kernels/count.ts";
import { HALVES_WORDS, WIDE_TARGET_WORDS } from "../kernels/halves.ts";
import { maskWords, TARGET_WORDS } from "../kernels/instances.ts";
import type { KernelName } from "../kernels/index.ts";
import { smallestWords } from "../kernels/smallest.ts";
import { witnessWords } from "../kernels/witness.ts";
import type { Work } from "../plan.ts";
import {
  answerNames,
  MAX_ITEM,
  MAX_SOLVE_ITEMS,
  tablesOf,
  type AnswerName,
  type Problem,
  type Query,
  type Question,
  type SolveConfig,
  type Table,
} from "../problem.ts";
import { add, floorDivide, greatest, least, subtract, times, toJson, type Whole } from "../whole.ts";

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
  /** Forces a method; by default the cheapest is taken for each instance. */
  method?: Method;
}

const requestSchema = z.strictObject({
  ask: z.optional(
    z.array(z.enum(answerNames, `one of ${answerNames.join(", ")}`), `a list of ${answerNames.join(", ")}`),
  ),
  size: z.optional(integer(0, MAX_SOLVE_ITEMS)),
  tolerance: z.optional(integer(0, MAX_ITEM)),
  atMost: z._default(z.boolean("true or false"), false),
  partition: z._default(z.boolean("true or false"), false),
  method: z.optional(z.enum(methods, `one of ${methods.join(", ")}`)),
});

/** Completes and checks a request. Throws TypeError or RangeError naming the field, what it may be and what came. */
export function solveConfig(request: SolveRequest): SolveConfig {
  const { ask, ...config } = parse(requestSchema, request);
  if (config.partition && (config.atMost || config.tolerance !== undefined))
    throw new TypeError(
      expected("partition", "neither atMost nor tolerance beside it", config.atMost ? "atMost" : "tolerance"),
    );
  const asked = new Set<AnswerName>(ask ?? answerNames);
  return { ...config, asked: asked.add("reachable"), byName: ask !== undefined };
}

/** One call of a kernel, and where the answers to queries start in its output. */
export interface Call {
  readonly work: Work;
  readonly places: readonly { readonly query: number; readonly at: number }[];
}

/** The words that answer each query, undefined where nothing was asked. */
export type Answers = readonly (Uint32Array | undefined)[];

/** Sorts what calls of a kernel answered by query. */
export function answersOf(
  queries: readonly Query[],
  calls: readonly Call[],
  outputs: readonly Uint32Array[],
): Answers {
  const answers = new Array<Uint32Array | undefined>(queries.length).fill(undefined);
  calls.forEach(({ places }, k) => {
    for (const { query, at } of places) answers[query] = outputs[k]!.subarray(at);
  });
  return answers;
}

/** The first step: the best sum for every query, and its witness where that is asked for. */
export function locate(config: SolveConfig, queries: readonly Query[]): Call[] {
  const masks = config.asked.has("witness") || (config.size !== undefined && config.asked.has("smallest"));
  return callsOf(
    queries,
    ({ question, problem }) => question && [problem.method === "halves" ? "halves" : "witness", question],
    masks,
  );
}

/** The second step, for the sums that were found: how many index sets have them. */
export function count(config: SolveConfig, queries: readonly Query[], found: Answers): Call[] {
  return callsOf(
    queries,
    (query, k) => {
      const best = bestOf(query, found[k]);
      if (!best || !query.problem.answers.has("count")) return undefined;
      const window = countedWindow(config, query, best.sum);
      if (knownWays(config, query, best, window) !== undefined) return undefined;
      return [query.problem.method === "halves" ? "halves" : "count", window];
    },
    false,
  );
}

/** The second step: the smallest of the index sets that have the sums that were found. */
export function smallest(config: SolveConfig, queries: readonly Query[], found: Answers): Call[] {
  // Index sets of one size are all as small.
  if (config.size !== undefined) return [];
  return callsOf(
    queries,
    (query, k) => {
      const best = bestOf(query, found[k]);
      return best && query.problem.answers.has("smallest") ? ["smallest", exactly(best.sum)] : undefined;
    },
    true,
  );
}

const exactly = (sum: Whole): Question => ({ from: sum, to: sum, center: sum });

/** What the first step found. */
interface Best {
  /** In the sums of the problem. */
  readonly sum: Whole;
  readonly mask: Uint32Array;
  /** How many index sets have a sum of the question's window, where the kernel has counted them. */
  readonly ways?: bigint;
}

function bestOf({ problem }: Query, words: Uint32Array | undefined): Best | undefined {
  if (!words?.[0]) return undefined;
  if (problem.method !== "halves") return { sum: words[1]! | 0, mask: words.subarray(2) };
  const sum = add(BigInt.asIntN(64, wideWord(words, 1)), 0);
  return { sum, ways: wideWord(words, 3), mask: words.subarray(5) };
}

/** Two words as one of 64 bits. */
function wideWord(words: Uint32Array, at: number): bigint {
  return (BigInt(words[at + 1]!) << 32n) | BigInt(words[at]!);
}

/** The sums whose index sets are counted: all within a tolerance, those of both signs of a difference, or the best alone. */
function countedWindow(config: SolveConfig, { problem, question }: Query, sum: Whole): Question {
  if (config.tolerance !== undefined && !config.atMost) return question!;
  if (!config.partition) return exactly(sum);
  const { instance, scale, offset } = problem;
  const mirror = subtract(add(times(totalOf(instance.items), scale), times(offset, 2)), sum);
  return { from: least(sum, mirror), to: greatest(sum, mirror), center: sum };
}

/** How many index sets have a sum of a window, where that is known without counting. */
function knownWays(
  { size }: SolveConfig,
  { problem, question }: Query,
  { ways }: Best,
  { from, to }: Question,
): bigint | undefined {
  if (size === undefined && from <= problem.low && to >= problem.high)
    return 1n << BigInt(problem.items.length);
  return from === question!.from && to === question!.to ? ways : undefined;
}

/** Packs what is asked about queries into calls: alike instances together, so that none waits for the table of another. */
function callsOf(
  queries: readonly Query[],
  ask: (query: Query, k: number) => readonly [KernelName, Question] | undefined,
  masks: boolean,
): Call[] {
  const bins = new Map<string, { kernel: KernelName; tiles: boolean; rows: Row[] }>();
  for (let k = 0; k < queries.length;) {
    const { problem } = queries[k]!;
    const questions: (Question & { readonly query: number })[] = [];
    let kernel: KernelName = "witness";
    for (; k < queries.length && queries[k]!.problem === problem; k++) {
      const asked = ask(queries[k]!, k);
      if (!asked) continue;
      kernel = asked[0];
      questions.push({ ...asked[1], query: k });
    }
    const wide = kernel === "halves";
    const tables = wide
      ? [{ questions, sums: 2 ** (problem.items.length / 2) }]
      : tablesOf(problem.low, problem.high, questions);
    for (const table of tables) {
      if (table.questions.length === 0) continue;
      const tiles = !wide && problem.method === "tiles";
      const key = `${kernel} ${tiles} ${Math.floor(Math.log2(table.sums) / 3)}`;
      let bin = bins.get(key);
      if (!bin) bins.set(key, (bin = { kernel, tiles, rows: [] }));
      bin.rows.push({ items: problem.items, ...table });
    }
  }
  return [...bins.values()].map(({ kernel, tiles, rows }) => pack(kernel, rows, masks, tiles));
}

/** One instance of a call. */
interface Row extends Table<Question & { readonly query: number }> {
  readonly items: readonly Whole[];
}

const answerWords: Partial<Record<KernelName, (n: number, masks: boolean) => number>> = {
  witness: witnessWords,
  smallest: smallestWords,
  count: () => COUNT_WORDS,
  halves: () => HALVES_WORDS,
};

/** Puts instances into the buffers of their kernel. */
function pack(kernel: KernelName, rows: readonly Row[], masks: boolean, tiles: boolean): Call {
  const wide = kernel === "halves";
  const sum = (lengthOf: (row: Row) => number) => rows.reduce((sum, row) => sum + lengthOf(row), 0);
  const itemCount = sum(({ items }) => items.length);
  const targetCount = sum(({ questions }) => questions.length);
  const items = wide ? new BigInt64Array(itemCount) : new Int32Array(itemCount);
  const starts = new Uint32Array(2 * (rows.length + 1));
  const targets = wide
    ? new BigInt64Array((WIDE_TARGET_WORDS / 2) * targetCount)
    : new Int32Array(TARGET_WORDS * targetCount);
  const places: { query: number; at: number }[] = [];
  let [item, target, answer, longest, sums] = [0, 0, 0, 0, 1];
  rows.forEach((row, k) => {
    const n = row.items.length;
    longest = Math.max(longest, n);
    sums = Math.max(sums, row.sums);
    for (const value of row.items) {
      if (items instanceof BigInt64Array) items[item++] = BigInt(value);
      else items[item++] = Number(value);
    }
    for (const { query, from, to, center } of row.questions) {
      const at = target++ * (targets.length / targetCount);
      [from, to, center, answer].forEach((word, w) => {
        if (targets instanceof BigInt64Array) targets[at + w] = BigInt(word);
        else targets[at + w] = Number(word);
      });
      places.push({ query, at: answer });
      answer += answerWords[kernel]!(n, masks);
    }
    starts.set([item, target], 2 * (k + 1));
  });
  const common = { instances: rows.length, items: itemCount, targets: targetCount, answers: answer, longest };
  return {
    work: {
      kernel,
      params: wide ? common : { ...common, sums, masks: Number(masks), tiles: Number(tiles) },
      inputs: {
        items: items instanceof BigInt64Array ? new Uint32Array(items.buffer) : items,
        starts,
        targets: targets instanceof BigInt64Array ? new Uint32Array(targets.buffer) : targets,
      },
    },
    places,
  };
}

/** What was answered about one query. */
export interface Answered {
  /** The first step. */
  readonly found: Uint32Array | undefined;
  /** The second step. */
  readonly count: Uint32Array | undefined;
  readonly smallest: Uint32Array | undefined;
}

/** What the answers say of a query. Throws where an index set is not what it is said to be. */
export function find(
  config: SolveConfig,
  query: Query,
  { found, count, smallest }: Answered,
  provenance: Provenance,
): SolveFinding {
  const { problem, target } = query;
  const { instance, index, answers, scale, offset, method } = problem;
  const { size, tolerance, atMost, partition } = config;
  const best = bestOf(query, found);
  const sum = best && floorDivide(subtract(best.sum, offset), scale);
  const witness = best && answers.has("witness") ? indicesOf(problem, best.mask, sum!, size) : null;
  const few =
    best && answers.has("smallest")
      ? size === undefined
        ? indicesOf(problem, smallest!.subarray(1), sum!, smallest![0])
        : indicesOf(problem, best.mask, sum!, size)
      : null;
  return {
    kind: "solve",
    instance: index,
    ...(instance.id === undefined ? undefined : { id: instance.id }),
    items: instance.items.length,
    ...(target === undefined ? undefined : { target: toJson(target) }),
    ...(size === undefined ? undefined : { size }),
    ...(tolerance === undefined ? undefined : { tolerance }),
    ...(atMost ? { atMost } : undefined),
    ...(partition ? { partition } : undefined),
    reachable: best !== undefined,
    ...(tolerance !== undefined || atMost || partition
      ? { sum: sum === undefined ? null : toJson(sum) }
      : undefined),
    ...(partition
      ? { difference: sum === undefined ? null : toJson(differenceOf(instance.items, sum)) }
      : undefined),
    ...(answers.has("count") ? { count: String(best ? waysOf(config, query, best, count) : 0n) } : undefined),
    ...(answers.has("witness") ? { witness } : undefined),
    ...(answers.has("smallest") ? { smallest: few && few.length, smallestWitness: few } : undefined),
    method,
    ...provenance,
  };
}

function waysOf(config: SolveConfig, query: Query, best: Best, words: Uint32Array | undefined): bigint {
  const known = knownWays(config, query, best, countedWindow(config, query, best.sum));
  return known ?? wideWord(words!, query.problem.method === "halves" ? 3 : 0);
}

/** |sum - rest|, what the two groups of a partition differ by. */
function differenceOf(items: readonly number[], sum: Whole): Whole {
  const difference = subtract(totalOf(items), times(sum, 2));
  return difference < 0 ? subtract(0, difference) : difference;
}

function totalOf(items: readonly number[]): Whole {
  return items.reduce<Whole>(add, 0);
}

/** The indices in a mask, after adding up what they stand for. */
function indicesOf({ index, instance }: Problem, mask: Uint32Array, sum: Whole, length?: number): number[] {
  const { items } = instance;
  const indices: number[] = [];
  for (let w = 0; w < maskWords(items.length); w++)
    for (let bits = mask[w]!; bits !== 0; bits &= bits - 1)
      indices.push(32 * w + 31 - Math.clz32(bits & -bits));
  const total = indices.reduce<Whole>((total, i) => add(total, items[i] ?? NaN), 0);
  if (total !== sum || (length !== undefined && indices.length !== length))
    throw new Error(
      `instance ${index}: the ${indices.length} items ${indices.join(" ")} sum up to ${total}, and not ` +
        `${length ?? "any number of"} items to ${sum}; its answer is not kept`,
    );
  return indices;
}
