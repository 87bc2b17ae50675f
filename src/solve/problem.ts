// A given instance brought to the form of the kernels, and the method that solves it.
//
// Every question comes down to one: which sum of from..to is nearest to a center? A tolerance is a window around the
// target, `atMost` a window that ends there, a partition the window of all sums with half of the total for its center.
// Index sets of exactly K items are those of sum s + K B of the items x + B, where B exceeds what all sums span.

import { RequestError } from "../errors.ts";
import type { Method } from "../finding.ts";
import { frameOf } from "../kernels/instances.ts";
import { add, floorDivide, greatest, least, subtract, times, type Whole } from "./exact.ts";

/** The most items of an instance. */
export const MAX_SOLVE_ITEMS = 10_000;
/** The most targets of an instance. */
const MAX_TARGETS = 1_000_000;
/** The most items whose index sets are counted: more could be beyond 64 bits. */
const MAX_COUNT_ITEMS = 64;
/** The most items that are solved by meeting in the middle. */
const MAX_MEET_ITEMS = 48;
/** Sums that meeting in the middle may have: 64 bits. */
const MAX_MEET_SPAN = 2n ** 62n;
/** Sums that have a table span less than this. */
const MAX_SPAN = 2 ** 31;
/** The most bytes of a table of sums, 1 bit each and 17 with their witnesses, and of other tables on any engine. */
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
  /** The sum asked for, or at most 1,000,000 sums; integers of 64 bits. A partition needs none and looks at none. */
  readonly target?: Whole | undefined;
  readonly targets?: readonly Whole[] | undefined;
  /** A name, and the line of a file that it stands in; findings repeat both. */
  readonly id?: string | number | undefined;
  readonly line?: number | undefined;
}

export const answerNames = ["reachable", "count", "witness", "smallest"] as const;
/** The name of an answer: whether a subset has the sum, how many have it, the canonical one, the smallest one. */
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

/** Items that are summed up. */
interface Form {
  readonly items: readonly Whole[];
  /** The least and the greatest of all sums, and between them the least and the greatest that may serve. */
  readonly low: Whole;
  readonly high: Whole;
  readonly first: Whole;
  readonly last: Whole;
  /** Sum s of the instance is the sum scale s + offset of the form. */
  readonly scale: number;
  readonly offset: Whole;
  /** Half the total, and how far below it, or below any other bound, the best sum is at most. */
  readonly middle: Whole;
  readonly reach: Whole;
}

/** An instance in the form of the kernels. */
export interface Problem {
  /** The place of the instance in the input. */
  readonly index: number;
  readonly instance: Instance;
  readonly form: Form;
  readonly queries: readonly Query[];
  readonly method: Method;
  /** Each target has a table of its own: one for all of them would have too many sums. */
  readonly apart: boolean;
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
    const form = formOf(config, instance.items);
    // A partition has one target, which has no number.
    const targets = config.partition ? [undefined] : (instance.targets ?? [instance.target]);
    const questions = targets.map((target) => questionOf(config, form, target));
    const choice = choose(config, form, questions);
    const cost = choice.cost + COST_ITEM * instance.items.length + COST_TARGET * targets.length;
    const queries: Query[] = [];
    const problem = { index, instance, form, queries, ...choice, cost };
    for (let k = 0; k < targets.length; k++)
      queries.push({ problem, target: targets[k], question: questions[k] });
    return problem;
  } catch (error) {
    throw error instanceof RequestError ? error.at(whereOf(instance, index)) : error;
  }
}

function formOf({ size, partition }: SolveConfig, given: readonly number[]): Form {
  const { low, high, largest } = rangeOf(given);
  const total = add(low, high);
  // From the least sum to the greatest, one item after the other, no step is longer than the largest magnitude.
  if (size === undefined)
    return {
      items: given,
      low,
      high,
      first: low,
      last: high,
      scale: 1,
      offset: 0,
      middle: floorDivide(total, 2),
      reach: largest,
    };
  // Half of an odd total is a whole number among doubled items.
  const scale = partition ? 2 : 1;
  const step = add(times(subtract(high, low), scale), 1);
  const offset = times(step, size);
  const items = given.map((item) => add(times(item, scale), step));
  const range = rangeOf(items);
  return {
    items,
    low: range.low,
    high: range.high,
    first: greatest(range.low, add(times(low, scale), offset)),
    last: least(range.high, add(times(high, scale), offset)),
    scale,
    offset,
    middle: add(total, offset),
    reach: subtract(range.high, range.low),
  };
}

/** What a target asks of the sums of a form; undefined where none can serve. */
function questionOf(
  { size, tolerance, atMost }: SolveConfig,
  form: Form,
  target: Whole | undefined,
): Question | undefined {
  if ((size ?? 0) > form.items.length) return undefined;
  const { first, last, scale, offset, middle, reach } = form;
  if (target === undefined)
    // All sums lie in symmetry about their middle, but those of index sets of one size do not.
    return size === undefined
      ? clipped(form, subtract(middle, reach), middle, middle)
      : clipped(form, first, last, middle);
  const center = add(times(target, scale), offset);
  if (!atMost) return clipped(form, subtract(center, tolerance ?? 0), add(center, tolerance ?? 0), center);
  const from = tolerance === undefined ? subtract(least(center, last), reach) : subtract(center, tolerance);
  return clipped(form, from, center, center);
}

function clipped({ first, last }: Form, from: Whole, to: Whole, center: Whole): Question | undefined {
  if (from > last || to < first) return undefined;
  return {
    from: greatest(from, first),
    to: least(to, last),
    center: greatest(first, least(center, last)),
  };
}

/** An instance in the words of an error. */
export function whereOf(instance: Instance | null | undefined, index: number): string {
  return instance?.line === undefined ? `instance ${index}` : `line ${instance.line}`;
}

/** The least and the greatest sum of some items, and the largest of their magnitudes. */
function rangeOf(items: readonly Whole[]): { low: Whole; high: Whole; largest: Whole } {
  let [low, high, largest] = [0, 0, 0];
  for (const item of items) {
    const value = Number(item);
    if (value < 0) low += value;
    else high += value;
    largest = Math.max(largest, Math.abs(value));
  }
  if (high - low <= Number.MAX_SAFE_INTEGER) return { low, high, largest };
  const negative = items.filter((item) => item < 0);
  const positive = items.filter((item) => item > 0);
  return {
    low: negative.reduce(add, 0),
    high: positive.reduce(add, 0),
    largest: greatest(positive.reduce(greatest, 0), subtract(0, negative.reduce(least, 0))),
  };
}

/**
 * Checks kinds and ranges, by hand: a schema would take longer than solving. A partition needs no target.
 * Throws TypeError or RangeError that says what was expected and what came.
 */
export function checkInstance(value: unknown, partition: boolean): asserts value is Instance {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new RequestError("instance", "an object with items and a target", value);
  const { items, target, targets, id } = value as Record<keyof Instance, unknown>;
  checkList("items", items, isItem, ITEM);
  if (items.length > MAX_SOLVE_ITEMS)
    throw new RequestError("items", `at most ${MAX_SOLVE_ITEMS}`, items.length);
  if (targets !== undefined) checkList("targets", targets, isTarget, TARGET);
  if (target !== undefined && !isTarget(target)) throw new RequestError("target", TARGET, target);
  if (!partition && (target === undefined) === (targets === undefined))
    throw new RequestError("target, targets", "one of the two", target === undefined ? undefined : "both");
  if (Array.isArray(targets) && (targets.length === 0 || targets.length > MAX_TARGETS))
    throw new RequestError("targets", `1 to ${MAX_TARGETS} of them`, targets.length);
  if (id !== undefined && typeof id !== "string" && !Number.isFinite(id))
    throw new RequestError("id", "a text or a number of at most 2^53", id);
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
  if (!Array.isArray(list)) throw new RequestError(what, "a list of integers", list);
  for (let i = 0; i < list.length; i++)
    if (!is(list[i])) throw new RequestError(`${what}.${i}`, range, list[i]);
}

/** Whether the best sums are asked for with their index sets. Those of one size are all as small. */
export const needsMasks = ({ asked, size }: Pick<SolveConfig, "asked" | "size">): boolean =>
  asked.has("witness") || (size !== undefined && asked.has("smallest"));

type Choice = Pick<Problem, "method" | "apart" | "answers" | "cost">;

/** The cheapest method that can give what is asked, or the one that is forced. Throws RangeError where there is none. */
function choose(config: SolveConfig, form: Form, questions: readonly (Question | undefined)[]): Choice {
  const { asked, byName, method } = config;
  const n = form.items.length;
  const span = subtract(form.high, form.low);
  const table =
    method === "meet-in-the-middle" || span >= MAX_SPAN ? undefined : byTable(config, form, questions);
  const meeting =
    (method ?? "meet-in-the-middle") === "meet-in-the-middle" && n <= MAX_MEET_ITEMS && span < MAX_MEET_SPAN
      ? byMeeting(config, n, questions.length)
      : undefined;
  // What no method can give is left out, unless it was asked for by name.
  const best = table && meeting ? better(table, meeting) : (table ?? meeting);
  if (best && (!byName || best.answers.size === asked.size)) return best;
  const range = best
    ? `sums and items few enough for ${[...asked].filter((name) => !best.answers.has(name)).join(" and ")}`
    : { bitset: TABLE, tiles: TABLE, "meet-in-the-middle": MEET, any: `${TABLE}, or ${MEET}` }[
        method ?? "any"
      ];
  throw new RequestError("items", range, n, `their sums span ${span}`);
}

/** The choice that gives more answers, or the cheaper one. */
function better(a: Choice, b: Choice): Choice {
  if (a.answers.size !== b.answers.size) return a.answers.size > b.answers.size ? a : b;
  return b.cost < a.cost ? b : a;
}

function byTable(
  { asked, size, method }: SolveConfig,
  form: Form,
  questions: readonly (Question | undefined)[],
): Choice | undefined {
  const { items } = form;
  const { apart, sums } = tableFor(
    form,
    questions.filter((question) => question !== undefined),
  );
  if (((needsMasks({ asked, size }) ? 17 : 1) / 8) * sums > MAX_WITNESS_BYTES) return undefined;
  const updates = items.length * sums;
  const count = items.length <= MAX_COUNT_ITEMS && 16 * sums <= MAX_TABLE_BYTES;
  const smallest = size !== undefined || updates / 8 + 8 * sums <= MAX_TABLE_BYTES;
  const answers = without(without(asked, "count", !count), "smallest", !smallest);
  return {
    method: method ?? (sums > BITSET_SUMS || updates > BITSET_UPDATES ? "tiles" : "bitset"),
    apart,
    answers,
    cost:
      updates *
      (apart ? questions.length : 1) *
      (COST_SUM.witness +
        (answers.has("count") ? COST_SUM.count : 0) +
        (answers.has("smallest") ? COST_SUM.smallest : 0)),
  };
}

function byMeeting({ asked, size }: SolveConfig, n: number, targets: number): Choice {
  return {
    method: "meet-in-the-middle",
    apart: false,
    answers: without(asked, "smallest", size === undefined),
    cost: COST_HALF * 2 ** (n / 2) * (1 + targets),
  };
}

/**
 * Nanoseconds of an item and of a target by themselves, of one sum in one step of each kernel, and of one sum of a half,
 * in its list and for every target.
 */
const COST_ITEM = 20;
const COST_TARGET = 2000;
const COST_SUM = { witness: 0.007, count: 0.05, smallest: 0.025 };
const COST_HALF = 15;

const TABLE = `sums that span less than ${MAX_SPAN} and fit a table of ${MAX_WITNESS_BYTES / 2 ** 30} GiB`;
const MEET = `at most ${MAX_MEET_ITEMS} items whose sums span less than ${MAX_MEET_SPAN}`;

/** A set without a member, if it is to be so. */
function without<T>(set: ReadonlySet<T>, member: T, removed: boolean): ReadonlySet<T> {
  return removed && set.has(member) ? new Set([...set].filter((other) => other !== member)) : set;
}

/** Whether questions have a table each, and how many sums the largest table needs. */
function tableFor(form: Form, questions: readonly Question[]): { apart: boolean; sums: number } {
  const together = sumsOf(form, questions);
  if (together <= COMMON_SUMS) return { apart: false, sums: together };
  const sums = questions.reduce((most, question) => Math.max(most, sumsOf(form, [question])), 1);
  return { apart: true, sums };
}

/** How many sums a table for these questions needs, at least 1. */
export function sumsOf({ low, high }: Pick<Form, "low" | "high">, questions: readonly Question[]): number {
  if (questions.length === 0) return 1;
  let [first, last] = [high, low];
  for (const { from, to } of questions) {
    first = least(first, from);
    last = greatest(last, to);
  }
  return frameOf(-Number(low), Number(high), Number(first), Number(last)).top + 1;
}
