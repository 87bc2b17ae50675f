// A given instance brought to the form of the kernels, and the method that solves it.
//
// Every question comes down to one: which sum of from..to is nearest to a center? A tolerance is a window around the
// target, `atMost` a window that ends there, a partition the window of all sums with half of the total for its center.
// Index sets of exactly K items are those of sum s + K B of the items x + B, where B exceeds what all sums span.

import { expected, isRefusal, refusalAt } from "./check.ts";
import type { Method } from "./finding.ts";
import { frameOf } from "./kernels/instances.ts";
import { add, floorDivide, greatest, least, subtract, times, type Whole } from "./whole.ts";

/** The most items of an instance. */
export const MAX_SOLVE_ITEMS = 10_000;
/** The most items whose index sets are counted: more could be beyond 64 bits. */
const MAX_COUNT_ITEMS = 64;
/** The most items that are solved by halves. */
const MAX_HALVES_ITEMS = 48;
/** Sums that halves may have: 64 bits. */
const MAX_HALVES_SPAN = 2n ** 62n;
/** Sums that have a table span less than this. */
const MAX_SPAN = 2 ** 31;
/** The most bytes of a table of sums with their witnesses, 17 bits each, and of other tables. */
const MAX_WITNESS_BYTES = 3.5 * 2 ** 30;
const MAX_TABLE_BYTES = 2 ** 30;
/** Tables with more sums, or with more updates of them, are work for all of a device. */
const BITSET_SUMS = 2 ** 16;
const BITSET_UPDATES = 2 ** 24;
/** Targets that need more sums than this in common have a table each. */
const COMMON_SUMS = 2 ** 28;

export const MAX_ITEM = 2 ** 53;
const MAX_TARGET = 2n ** 63n - 1n;

/** One instance as a caller gives it. */
export interface Instance {
  /** Integers of -2^53..2^53, at most 10,000 of them. */
  readonly items: readonly number[];
  /** The sum asked for, or several sums; integers of 64 bits. A partition needs none and looks at none. */
  readonly target?: Whole | undefined;
  readonly targets?: readonly Whole[] | undefined;
  /** A name, and the line of a file that it stands in; findings repeat both. */
  readonly id?: string | number | undefined;
  readonly line?: number | undefined;
}

export const answerNames = ["reachable", "count", "witness", "smallest"] as const;
export type AnswerName = (typeof answerNames)[number];

/** What is asked of every instance, with nothing left open. */
export interface SolveConfig {
  /** Answers beside `reachable`. */
  readonly asked: ReadonlySet<AnswerName>;
  /** They were asked for by name, so that one that cannot be given is an error. */
  readonly byName: boolean;
  readonly size?: number | undefined;
  readonly tolerance?: number | undefined;
  readonly atMost: boolean;
  readonly partition: boolean;
  readonly method?: Method | undefined;
}

/** Which sum of from..to is nearest to the center? All three lie between the least and the greatest sum of a problem. */
export interface Question {
  readonly from: Whole;
  readonly to: Whole;
  readonly center: Whole;
}

/** One target of a problem. */
export interface Query {
  readonly problem: Problem;
  /** As it was given; undefined for a partition. */
  readonly target: Whole | undefined;
  /** In the sums of the problem; undefined where no sum can serve. */
  readonly question: Question | undefined;
}

/** An instance in the form of the kernels. */
export interface Problem {
  /** The place of the instance in the input. */
  readonly index: number;
  readonly instance: Instance;
  /** The items that are summed up, and the least and the greatest of their sums. */
  readonly items: readonly Whole[];
  readonly low: Whole;
  readonly high: Whole;
  /** Sum s of the instance is the sum scale s + offset of the problem. */
  readonly scale: number;
  readonly offset: Whole;
  readonly queries: readonly Query[];
  readonly method: Method;
  /** Answers that are given. */
  readonly answers: ReadonlySet<AnswerName>;
  /** About how long it takes one thread of a CPU, in nanoseconds. */
  readonly cost: number;
}

/**
 * Brings an instance to the form of the kernels and chooses its method; `index` is its place in the input.
 * Throws TypeError or RangeError that names the instance, what it may be and what came.
 */
export function problemOf(config: SolveConfig, instance: Instance, index: number): Problem {
  try {
    checkInstance(instance, config.partition);
  } catch (error) {
    throw isRefusal(error) ? refusalAt(whereOf(instance, index), error) : error;
  }
  const { size } = config;
  const n = instance.items.length;
  const [smallest, largest] = rangeOf(instance.items);

  // Halves of an odd total are whole numbers among doubled items.
  const scale = config.partition && size !== undefined ? 2 : 1;
  const step = size === undefined ? 0 : add(times(subtract(largest, smallest), scale), 1);
  const offset = times(step, size ?? 0);
  const items =
    size === undefined ? instance.items : instance.items.map((item) => add(times(item, scale), step));
  const [low, high] = size === undefined ? [smallest, largest] : rangeOf(items);
  const inProblem = (sum: Whole) => add(times(sum, scale), offset);
  const [first, last] = [greatest(low, inProblem(smallest)), least(high, inProblem(largest))];
  const clipped = (from: Whole, to: Whole, center: Whole): Question | undefined =>
    from > last || to < first || (size ?? 0) > n
      ? undefined
      : { from: greatest(from, first), to: least(to, last), center: greatest(first, least(center, last)) };

  const questionOf = (target: Whole | undefined): Question | undefined => {
    if (target === undefined) {
      // All sums lie in symmetry about half the total, but those of index sets of one size do not.
      const total = add(smallest, largest);
      if (size !== undefined) return clipped(first, last, add(total, offset));
      const half = floorDivide(total, 2);
      return clipped(below(half), half, half);
    }
    const place = inProblem(target);
    const { tolerance = 0, atMost } = config;
    if (!atMost) return clipped(subtract(place, tolerance), add(place, tolerance), place);
    return clipped(config.tolerance === undefined ? below(place) : subtract(place, tolerance), place, place);
  };
  // From the least sum to the greatest, one item after the other, no step is longer than the largest magnitude: the best
  // sum of any size is no further below its bound.
  const below = (bound: Whole): Whole =>
    size === undefined ? subtract(least(bound, last), largestMagnitude(items)) : first;
  const asked = targetsOf(config, instance).map((target) => ({ target, question: questionOf(target) }));
  const queries: Query[] = [];
  const form = { index, instance, items, low, high, scale, offset };
  const problem = {
    ...form,
    ...choose(
      config,
      form,
      asked.flatMap(({ question }) => question ?? []),
    ),
    queries,
  };
  for (const query of asked) queries.push({ problem, ...query });
  return problem;
}

/** An instance in the words of an error. */
export function whereOf(instance: Instance | null | undefined, index: number): string {
  return instance?.line === undefined ? `instance ${index}` : `line ${instance.line}`;
}

/** The targets that an instance asks for; a partition has one, which has no number. */
function targetsOf(config: SolveConfig, { target, targets }: Instance): readonly (Whole | undefined)[] {
  if (config.partition) return [undefined];
  return targets ?? [target];
}

/** The least and the greatest sum of some items. */
function rangeOf(items: readonly Whole[]): [Whole, Whole] {
  let [low, high] = [0, 0];
  for (const item of items) {
    if (item < 0) low += Number(item);
    else high += Number(item);
  }
  if (high - low <= Number.MAX_SAFE_INTEGER) return [low, high];
  return [false, true].map((positive) => items.filter((item) => item > 0 === positive).reduce(add, 0)) as [
    Whole,
    Whole,
  ];
}

function largestMagnitude(items: readonly Whole[]): Whole {
  let largest: Whole = 0;
  for (const item of items) largest = greatest(largest, item < 0 ? subtract(0, item) : item);
  return largest;
}

/**
 * Checks kinds and ranges, by hand: a schema would take longer than solving. A partition needs no target.
 * Throws TypeError or RangeError that says what was expected and what came.
 */
export function checkInstance(value: unknown, partition: boolean): asserts value is Instance {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new TypeError(expected("instance", "an object with items and a target", value));
  const { items, target, targets, id } = value as Record<keyof Instance, unknown>;
  checkList("items", items, isItem, ITEM);
  if (items.length > MAX_SOLVE_ITEMS)
    throw new RangeError(expected("items", `at most ${MAX_SOLVE_ITEMS}`, items.length));
  if (targets !== undefined) checkList("targets", targets, isTarget, TARGET);
  if (target !== undefined && !isTarget(target)) throw new RangeError(expected("target", TARGET, target));
  if (!partition && (target === undefined) === (targets === undefined))
    throw new TypeError(
      expected("target, targets", "one of the two", target === undefined ? undefined : "both"),
    );
  if (Array.isArray(targets) && targets.length === 0)
    throw new RangeError(expected("targets", "at least one", 0));
  if (id !== undefined && typeof id !== "string" && !Number.isFinite(id))
    throw new TypeError(expected("id", "a text or a number of at most 2^53", id));
}

const isItem = (value: unknown) => Number.isInteger(value) && Math.abs(value as number) <= MAX_ITEM;
const isTarget = (value: unknown) =>
  isItem(value) || (typeof value === "bigint" && value >= -MAX_TARGET && value <= MAX_TARGET);
const ITEM = `an integer in ${-MAX_ITEM}..${MAX_ITEM}`;
const TARGET = `an integer in ${-MAX_TARGET}..${MAX_TARGET}`;

function checkList(
  what: string,
  list: unknown,
  is: (value: unknown) => boolean,
  range: string,
): asserts list is readonly unknown[] {
  if (!Array.isArray(list)) throw new TypeError(expected(what, "a list of integers", list));
  const wrong = list.findIndex((value) => !is(value));
  if (wrong >= 0) throw new RangeError(expected(`${what}.${wrong}`, range, list[wrong]));
}

interface Choice {
  readonly method: Method;
  readonly answers: ReadonlySet<AnswerName>;
  readonly cost: number;
}

/** The cheapest method that can give what is asked, or the one that is forced. Throws RangeError where there is none. */
function choose(
  { asked, byName, size, method }: SolveConfig,
  { index, instance, items, low, high }: Omit<Problem, keyof Choice | "queries">,
  questions: readonly Question[],
): Choice {
  const n = items.length;
  const span = subtract(high, low);
  const sums = span < MAX_SPAN && questions.length > 0 ? mostSums(low, high, questions) : 1;
  const choices: Choice[] = [];
  if (method !== "halves" && span < MAX_SPAN && (17 / 8) * sums <= MAX_WITNESS_BYTES) {
    const updates = n * sums;
    const count = n <= MAX_COUNT_ITEMS && 8 * sums <= MAX_TABLE_BYTES;
    const smallest = size !== undefined || updates / 8 + 4 * sums <= MAX_TABLE_BYTES;
    choices.push({
      method: method ?? (sums > BITSET_SUMS || updates > BITSET_UPDATES ? "tiles" : "bitset"),
      answers: without(asked, !count && "count", !smallest && "smallest"),
      cost:
        COST_INSTANCE +
        updates *
          (COST_SUM.witness +
            (asked.has("count") && count ? COST_SUM.count : 0) +
            (asked.has("smallest") && smallest ? COST_SUM.smallest : 0)),
    });
  }
  if ((method ?? "halves") === "halves" && n <= MAX_HALVES_ITEMS && span < MAX_HALVES_SPAN)
    choices.push({
      method: "halves",
      answers: without(asked, size === undefined && "smallest"),
      cost: COST_INSTANCE + COST_HALF * 2 ** (n / 2),
    });
  // What no method can give is left out, unless it was asked for by name.
  const most = byName ? asked.size : Math.max(...choices.map(({ answers }) => answers.size));
  const able = choices.filter(({ answers }) => answers.size === most);
  if (able.length > 0) return able.reduce((a, b) => (b.cost < a.cost ? b : a));
  const range =
    choices.length === 0
      ? { bitset: TABLE, tiles: TABLE, halves: HALVES, any: `${TABLE}, or ${HALVES}` }[method ?? "any"]
      : `sums and items few enough for ${[...asked].filter((name) => !choices.some(({ answers }) => answers.has(name))).join(" and ")}`;
  throw refusalAt(
    whereOf(instance, index),
    new RangeError(expected("items", range, n, `their sums span ${span}`)),
  );
}

/** Nanoseconds of an instance by itself, of one sum in one step of each kernel, and of one sum of a half. */
const COST_INSTANCE = 2000;
const COST_SUM = { witness: 0.007, count: 0.05, smallest: 0.025 };
const COST_HALF = 30;

const TABLE = `sums that span less than ${MAX_SPAN}`;
const HALVES = `at most ${MAX_HALVES_ITEMS} items whose sums span less than ${MAX_HALVES_SPAN}`;

/** A set without some of its members; the same set where it has none of them. */
function without<T>(set: ReadonlySet<T>, ...members: (T | false)[]): ReadonlySet<T> {
  return members.some((member) => member !== false && set.has(member))
    ? new Set([...set].filter((member) => !members.includes(member)))
    : set;
}

/** How many sums the largest table for these questions needs. */
function mostSums(low: Whole, high: Whole, questions: readonly Question[]): number {
  const sums = sumsOf(low, high, questions);
  return areFarApart(sums) ? Math.max(...questions.map((question) => sumsOf(low, high, [question]))) : sums;
}

/** How many sums a table for these questions needs. */
export function sumsOf(low: Whole, high: Whole, questions: readonly Question[]): number {
  let [first, last] = [high, low];
  for (const { from, to } of questions) {
    first = least(first, from);
    last = greatest(last, to);
  }
  return frameOf(-Number(low), Number(high), Number(first), Number(last)).top + 1;
}

/** Whether questions that need so many sums in common have a table each. */
export const areFarApart = (sums: number): boolean => sums > COMMON_SUMS;
