// Brings a given instance into the form that the kernels take, and chooses the method that solves it.
//
// Every request reduces to one question: which sum of from..to is nearest to a center? A tolerance is a window around the
// target. `atMost` is a window that ends at the target. A partition is the window of all sums, centered at half of the total.
// Signs with the signed sum z give + to items that sum to (z + total) / 2 (Kumar & Natale, Lemma 2): the counts are equal.
// A size K is a shift of the items: with B larger than the span of all sums, index sets of K items and sum s are exactly
// those whose items x + B sum to s + K B. At most K items are the sizes 0..K, a query for each.

import { RequestError } from "../errors.ts";
import { frameOf } from "../kernels/instances.ts";
import { residuesFor } from "./residues.ts";
import { canListTable } from "./subsets.ts";
import { add, floorDivide, greatest, least, subtract, times, type Whole } from "./exact.ts";

/**
 * How an instance is solved: one table of its sums as a bitset for each workgroup or core, the same table in tiles that all
 * of a device works on, or meeting in the middle (Horowitz & Sahni).
 */
export const methods = ["bitset", "tiles", "meet-in-the-middle"] as const;
/** The name of a method: a table of sums in one piece (`bitset`) or in tiles, or meet in the middle. */
export type Method = (typeof methods)[number];

/** The most items of an instance. */
export const MAX_SOLVE_ITEMS = 10_000;
/** The most targets of an instance, and with a bound on the size the most pairs of a target and a size. */
export const MAX_TARGETS = 1_000_000;
/** The most items whose index sets one pass counts. More are counted where their number is asked for by name. */
export const MAX_UNASKED_COUNT_ITEMS = 64;
/** The most items that are solved by meeting in the middle. */
const MAX_MEET_ITEMS = 48;
/** For meeting in the middle, the greatest and the least sum differ by less than this, so that sums fit 64 bits. */
const MAX_MEET_SPAN = 2n ** 62n;
/** For a table, the greatest and the least sum differ by less than this. */
const MAX_TABLE_SPAN = 2 ** 31;
/** The most bytes of a table of the kernel `witness` (1 bit a sum, 17 with masks), and of any other table, on any engine. */
const MAX_WITNESS_BYTES = 3.5 * 2 ** 30;
const MAX_TABLE_BYTES = 2 ** 30;
/** A table with more sums, or with more updates (sums times items), is cut into tiles. */
const MAX_BITSET_SUMS = 2 ** 16;
const MAX_BITSET_UPDATES = 2 ** 24;
/** Targets whose common table would have more sums than this have a table each. */
const MAX_COMMON_SUMS = 2 ** 28;

export const MAX_ITEM = 2 ** 53;
export const MAX_TARGET = 2n ** 63n - 1n;

/** One instance as a caller gives it. */
export interface Instance {
  /** At most 10,000 integers of -2^53..2^53. */
  readonly items: readonly number[];
  /** The sum that is asked for, or 1 to 1,000,000 sums: integers of -(2^63 - 1)..2^63 - 1. A partition ignores both. */
  readonly target?: Whole | undefined;
  readonly targets?: readonly Whole[] | undefined;
  /** How far a sum may be from the target, 0..2^53, in place of the tolerance of the request, which must have one too. */
  readonly tolerance?: number | undefined;
  /**
   * With `profits`: the profit of each item, an integer of -2^53..2^53. The items are then weights of 0 or more, and a target is
   * a capacity.
   */
  readonly profits?: readonly number[] | undefined;
  /** A name, and the line of the file that holds the instance, from 1. Findings repeat both. */
  readonly id?: string | number | undefined;
  readonly line?: number | undefined;
}

export const answerNames = ["reachable", "count", "unique", "witness", "smallest"] as const;
/**
 * The name of an answer: whether a subset has the sum, how many have it, whether exactly one has it, the canonical one, the
 * smallest one.
 */
export type AnswerName = (typeof answerNames)[number];
/** The answers of a request that names none. */
export const defaultAnswers: readonly AnswerName[] = ["reachable", "count", "witness", "smallest"];

/** A request with every default filled in. */
export interface SolveConfig {
  /** The answers that are asked for, `reachable` among them. */
  readonly asked: ReadonlySet<AnswerName>;
  /** Whether they were asked for by name. An answer that cannot be given is then an error, and otherwise left out. */
  readonly byName: boolean;
  readonly size?: number | undefined;
  readonly atMostSize?: number | undefined;
  readonly tolerance?: number | undefined;
  readonly atMost: boolean;
  readonly partition: boolean;
  /** Whether every item enters a sum with + or -. An index set then has the items with +. */
  readonly signed: boolean;
  /** Whether instances are knapsacks with profits. */
  readonly profits: boolean;
  readonly method?: Method | undefined;
  /** The most index sets that are listed for each target; undefined where none is. */
  readonly list?: number | undefined;
}

/**
 * Which sum of from..to is nearest to the center? Of two that are equally near, the lower one counts. All three numbers are
 * between the least and the greatest sum of the problem.
 */
export interface Question {
  readonly from: Whole;
  readonly to: Whole;
  readonly center: Whole;
}

/** One target of a problem; with a condition on the size, one target and one size. */
export interface Query {
  readonly problem: Problem;
  /** The target as it was given; undefined for a partition. */
  readonly target: Whole | undefined;
  readonly sized: Sized;
  /** The question about sums of the form; undefined where no sum can be an answer. */
  readonly question: Question | undefined;
}

/** The items that the kernels sum: those of the instance, or with a condition on the size the shifted ones. */
interface Form {
  readonly items: readonly Whole[];
  /** The least and the greatest of all sums. */
  readonly low: Whole;
  readonly high: Whole;
  /** For a bound of low..high, the greatest sum that does not exceed it is at most this far below it. */
  readonly reach: Whole;
  /** The factor of sums. */
  readonly scale: number;
  /** The sizes that the request admits, ascending; one element without a size where it admits all. */
  readonly sizes: readonly Sized[];
}

/** The sums of a form that belong to index sets of one size, or of any. */
interface Sized {
  readonly size: number | undefined;
  /** A sum s of the instance is the sum scale s + offset of the form. */
  readonly offset: Whole;
  /** The least and the greatest sum that can be an answer. */
  readonly first: Whole;
  readonly last: Whole;
  /** The sum of the form that stands for half of the total, rounded down. */
  readonly middle: Whole;
}

/** An instance with its form, its questions and its method. */
export interface Problem {
  /** The index of the instance in the input, from 0. */
  readonly index: number;
  readonly instance: Instance;
  readonly form: Form;
  /** For each target the queries of all sizes of the form. */
  readonly queries: readonly Query[];
  readonly method: Method;
  /** Whether each target has a table of its own, because a common one would have too many sums. */
  readonly apart: boolean;
  /** The answers that the method gives. */
  readonly answers: ReadonlySet<AnswerName>;
  /** How many residues make up a count (residues.ts). */
  readonly residues: number;
  /** How index sets are listed (subsets.ts); undefined where none is. */
  readonly listing: "table" | "meeting" | undefined;
  /** An estimate of the time on one CPU thread, in nanoseconds. */
  readonly cost: number;
}

/**
 * Brings an instance into the form that the kernels take and chooses its method.
 * @param index The index of the instance in the input, from 0.
 * @throws {RequestError} Names the instance and the field that is wrong; also where no method can solve the instance.
 */
export function problemOf(config: SolveConfig, instance: Instance, index: number): Problem {
  try {
    checkInstance(instance, config.partition);
    checkProfits(instance, config.profits);
    if (instance.tolerance !== undefined && config.tolerance === undefined)
      throw new RequestError("tolerance", "one in the request as well, which this one replaces", undefined);
    const form = formOf(config, instance.items);
    // A partition has one query, whose target is undefined.
    const targets = config.partition ? [undefined] : (instance.targets ?? [instance.target]);
    const asked = targets.length * form.sizes.length;
    if (asked > MAX_TARGETS)
      throw new RequestError("targets", `at most ${MAX_TARGETS}, one for each size`, asked);
    const { tolerance } = instance;
    const conditions = tolerance === undefined ? config : { ...config, tolerance };
    const questions = targets.flatMap((target) =>
      form.sizes.map((sized) => questionOf(conditions, form, sized, target)),
    );
    const choice = config.profits
      ? chooseKnapsack(config, form, questions)
      : chooseMethod(config, form, questions);
    const cost = choice.cost + ITEM_COST_NS * instance.items.length + TARGET_COST_NS * questions.length;
    const queries: Query[] = [];
    const listing = config.list === undefined ? undefined : listingOf(config, form, questions);
    const problem = { index, instance, form, queries, ...choice, listing, cost };
    for (const target of targets)
      for (const sized of form.sizes)
        queries.push({ problem, target, sized, question: questions[queries.length] });
    return problem;
  } catch (error) {
    throw error instanceof RequestError ? error.at(whereOf(instance, index)) : error;
  }
}

function formOf(
  { size, atMostSize, partition, signed, tolerance, atMost }: SolveConfig,
  given: readonly number[],
): Form {
  const { low, high, largest } = rangeOf(given);
  const total = add(low, high);
  // Adding the items to the least sum one by one (a negative item: leaving it out) leads to the greatest sum, and no step is
  // longer than the largest magnitude. So every interval of that length between the two ends holds a sum.
  if (size === undefined && (atMostSize === undefined || atMostSize >= given.length)) {
    const all = { size: undefined, offset: 0, first: low, last: high, middle: floorDivide(total, 2) };
    if (!signed || tolerance === undefined || atMost)
      return { items: given, low, high, reach: largest, scale: 1, sizes: [all] };
    // Items are doubled, so that half of an odd total is an integer, to which sums are near.
    const [first, last] = [times(low, 2), times(high, 2)];
    return {
      items: given.map((item) => times(item, 2)),
      low: first,
      high: last,
      reach: times(largest, 2),
      scale: 2,
      sizes: [{ ...all, first, last, middle: total }],
    };
  }
  // As above, for a partition.
  const scale = partition ? 2 : 1;
  const step = add(times(subtract(high, low), scale), 1);
  const items = given.map((item) => add(times(item, scale), step));
  const range = rangeOf(items);
  const sizes = size === undefined ? Array.from({ length: atMostSize! + 1 }, (_, k) => k) : [size];
  return {
    items,
    low: range.low,
    high: range.high,
    reach: subtract(range.high, range.low),
    scale,
    sizes: sizes.map((size) => {
      const offset = times(step, size);
      return {
        size,
        offset,
        first: greatest(range.low, add(times(low, scale), offset)),
        last: least(range.high, add(times(high, scale), offset)),
        middle: add(total, offset),
      };
    }),
  };
}

/** The question that a target asks about the sums of a form; undefined where no sum can be an answer. */
function questionOf(
  config: Pick<SolveConfig, "tolerance" | "atMost" | "profits" | "signed">,
  form: Form,
  sized: Sized,
  target: Whole | undefined,
): Question | undefined {
  const { tolerance, atMost, profits } = config;
  const { items, reach, scale } = form;
  const { size, offset, first, last, middle } = sized;
  if ((size ?? 0) > items.length) return undefined;
  if (target === undefined)
    // All sums are symmetric about their middle, so that the lower half is enough; sums of one size are not symmetric.
    return size === undefined
      ? clipped(sized, subtract(middle, reach), middle, middle)
      : clipped(sized, first, last, middle);
  // A knapsack of no capacity has the empty index set; one of less has none.
  if (profits)
    return target < 0 ? undefined : { from: 0, to: least(target, last), center: least(target, last) };
  if (config.signed) return signedQuestion(config, form, sized, target);
  const center = add(times(target, scale), offset);
  if (!atMost) return clipped(sized, subtract(center, tolerance ?? 0), add(center, tolerance ?? 0), center);
  const from = tolerance === undefined ? subtract(least(center, last), reach) : subtract(center, tolerance);
  return clipped(sized, from, center, center);
}

/** The question about the sums of the items with +; undefined where the signed sums miss the target by their parity alone. */
function signedQuestion(
  { tolerance, atMost }: Pick<SolveConfig, "tolerance" | "atMost">,
  { reach, scale }: Form,
  sized: Sized,
  target: Whole,
): Question | undefined {
  const { first, last } = sized;
  const twice = add(times(target, scale), add(first, last));
  const margin = times(tolerance ?? 0, scale);
  const center = floorDivide(twice, 2);
  const from =
    atMost && tolerance === undefined
      ? subtract(least(center, last), reach)
      : floorDivide(add(subtract(twice, margin), 1), 2);
  const to = atMost ? center : floorDivide(add(twice, margin), 2);
  return from > to ? undefined : clipped(sized, from, to, center);
}

/** A question clipped to the sums that can be an answer. */
function clipped({ first, last }: Sized, from: Whole, to: Whole, center: Whole): Question | undefined {
  if (from > last || to < first) return undefined;
  return {
    from: greatest(from, first),
    to: least(to, last),
    center: greatest(first, least(center, last)),
  };
}

/** How errors name an instance. */
export function whereOf(instance: Instance | null | undefined, index: number): string {
  return instance?.line === undefined ? `instance ${index}` : `line ${instance.line}`;
}

/** The least and the greatest subset sum of items, and the largest magnitude of an item. */
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
 * Checks an instance by hand, since a schema can take longer than solving a small instance. A partition needs no target.
 * @throws {RequestError} Names the first field that is wrong.
 */
function checkInstance(value: unknown, partition: boolean): asserts value is Instance {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new RequestError("instance", "an object with items and a target", value);
  const { items, target, targets, tolerance, id } = value as Record<keyof Instance, unknown>;
  checkList("items", items, isItem, ITEM);
  if (items.length > MAX_SOLVE_ITEMS)
    throw new RequestError("items", `at most ${MAX_SOLVE_ITEMS}`, items.length);
  if (targets !== undefined) checkList("targets", targets, isTarget, TARGET);
  if (target !== undefined && !isTarget(target)) throw new RequestError("target", TARGET, target);
  if (!partition && (target === undefined) === (targets === undefined))
    throw new RequestError("target, targets", "one of the two", target === undefined ? undefined : "both");
  if (Array.isArray(targets) && (targets.length === 0 || targets.length > MAX_TARGETS))
    throw new RequestError("targets", `1 to ${MAX_TARGETS} of them`, targets.length);
  if (tolerance !== undefined && !(isItem(tolerance) && (tolerance as number) >= 0))
    throw new RequestError("tolerance", `an integer in 0..${MAX_ITEM}`, tolerance);
  if (id !== undefined && typeof id !== "string" && !Number.isFinite(id))
    throw new RequestError("id", "a text or a number of at most 2^53", id);
}

/** @throws {RequestError} Where there are profits that the request does not ask about, or none that it does, or wrong ones. */
function checkProfits({ items, profits }: Instance, isAsked: boolean): void {
  if (!isAsked) {
    if (profits === undefined) return;
    throw new RequestError("profits", "none", profits, [
      { option: "profits", value: true },
      "leave them out",
    ]);
  }
  if (profits === undefined)
    throw new RequestError(
      "profits",
      "one for each item",
      profits,
      'JSON has them as "profits", a table in a column of that name; text has none',
    );
  checkList("profits", profits, isItem, ITEM);
  if (profits.length !== items.length)
    throw new RequestError("profits", `one for each of the ${items.length} items`, profits.length);
  const negative = items.findIndex((item) => item < 0);
  if (negative >= 0)
    throw new RequestError(`items.${negative}`, "a weight of 0 or more beside profits", items[negative]);
  const most = profits.filter((profit) => profit > 0).reduce<Whole>(add, 0);
  if (most > MAX_TARGET) throw new RequestError("profits", `a total of at most ${MAX_TARGET}`, most);
}

const isItem = (value: unknown) => Number.isInteger(value) && Math.abs(value as number) <= MAX_ITEM;
const isTarget = (value: unknown) =>
  isItem(value) || (typeof value === "bigint" && value >= -MAX_TARGET && value <= MAX_TARGET);
export const ITEM = `an integer in ${-MAX_ITEM}..${MAX_ITEM}`;
export const TARGET = `an integer in ${-MAX_TARGET}..${MAX_TARGET}`;

function checkList(
  what: string,
  list: unknown,
  isElement: (value: unknown) => boolean,
  range: string,
): asserts list is readonly unknown[] {
  if (!Array.isArray(list)) throw new RequestError(what, "a list of integers", list);
  for (let i = 0; i < list.length; i++)
    if (!isElement(list[i])) throw new RequestError(`${what}.${i}`, range, list[i]);
}

/** Whether the kernel `witness` has to return masks. With a size, the witness is a smallest set too: all have that size. */
export const needsMasks = ({ asked, size, atMostSize }: SolveConfig): boolean =>
  asked.has("witness") ||
  asked.has("unique") ||
  ((size !== undefined || atMostSize !== undefined) && asked.has("smallest"));

type MethodChoice = Pick<Problem, "method" | "apart" | "answers" | "residues" | "cost">;

/**
 * The method that gives most of the answers asked for, and of two the cheaper one; or the method that is forced.
 * @throws {RequestError} Where no method can solve the instance, or give an answer that is asked for by name.
 */
function chooseMethod(
  config: SolveConfig,
  form: Form,
  questions: readonly (Question | undefined)[],
): MethodChoice {
  const { asked, byName, method } = config;
  const n = form.items.length;
  const span = subtract(form.high, form.low);
  const table =
    method === "meet-in-the-middle" || span >= MAX_TABLE_SPAN ? undefined : byTable(config, form, questions);
  const meeting =
    (method ?? "meet-in-the-middle") === "meet-in-the-middle" && n <= MAX_MEET_ITEMS && span < MAX_MEET_SPAN
      ? byMeeting(config, form, questions.length)
      : undefined;
  // Answers that no method can give are left out, unless they were asked for by name.
  const best = table && meeting ? better(table, meeting) : (table ?? meeting);
  if (best && (!byName || best.answers.size === asked.size)) return best;
  const range = best
    ? `sums and items few enough for ${[...asked].filter((name) => !best.answers.has(name)).join(" and ")}`
    : { bitset: TABLE, tiles: TABLE, "meet-in-the-middle": MEET, any: `${TABLE}, or ${MEET}` }[
        method ?? "any"
      ];
  throw new RequestError("items", range, n, `their sums span ${span}`);
}

/**
 * The choice of a table of profits.
 * @throws {RequestError} Where the table is too large.
 */
function chooseKnapsack(
  { asked, method }: SolveConfig,
  { items }: Form,
  questions: readonly (Question | undefined)[],
): MethodChoice {
  const sums = questions.reduce((most, question) => Math.max(most, Number(question?.to ?? 0)), 0) + 1;
  const updates = items.length * sums;
  // Two rows of 64-bit profits, and a bit for every update.
  if (16 * sums + updates / 8 > MAX_TABLE_BYTES)
    throw new RequestError(
      "target",
      "capacities and items few enough for a table of 1 GiB",
      sums - 1,
      `${items.length} items`,
    );
  return {
    method: method ?? methodOf(sums, updates),
    apart: false,
    answers: asked,
    residues: 1,
    cost: updates * UPDATE_COST_NS.knapsack,
  };
}

/** The method of a table with this many sums, and updates. */
export const methodOf = (sums: number, updates: number): Method =>
  sums > MAX_BITSET_SUMS || updates > MAX_BITSET_UPDATES ? "tiles" : "bitset";

/** The choice that gives more answers, or else the cheaper one. */
function better(a: MethodChoice, b: MethodChoice): MethodChoice {
  if (a.answers.size !== b.answers.size) return a.answers.size > b.answers.size ? a : b;
  return b.cost < a.cost ? b : a;
}

/** The choice of a table of sums; undefined where the table is too large. */
function byTable(
  config: SolveConfig,
  form: Form,
  questions: readonly (Question | undefined)[],
): MethodChoice | undefined {
  const { asked, byName, method } = config;
  const n = form.items.length;
  const { apart, sums } = tableFor(
    form,
    questions.filter((question) => question !== undefined),
  );
  if (((needsMasks(config) ? 17 : 1) / 8) * sums > MAX_WITNESS_BYTES) return undefined;
  const updates = n * sums;
  // `count` has two rows of 64-bit counts; `smallest` has two rows of 32-bit sizes, and a bit for every update.
  const canCount = (byName || n <= MAX_UNASKED_COUNT_ITEMS) && 16 * sums <= MAX_TABLE_BYTES;
  const canFindSmallest = isSized(form) || updates / 8 + 8 * sums <= MAX_TABLE_BYTES;
  const answers = without(without(asked, "count", !canCount), "smallest", !canFindSmallest);
  const residues = answers.has("count") && n > MAX_UNASKED_COUNT_ITEMS ? residuesFor(mostSubsets(form)) : 1;
  return {
    method: method ?? methodOf(sums, updates),
    apart,
    answers,
    residues,
    cost: tableCost(answers, updates * (apart ? questions.length : 1), residues),
  };
}

/** An estimate of the time that the updates of tables take one CPU thread, in nanoseconds. */
export const tableCost = (answers: ReadonlySet<AnswerName>, updates: number, residues = 1): number =>
  updates *
  (UPDATE_COST_NS.witness * (answers.has("unique") ? 2 : 1) +
    (answers.has("count") ? residues * UPDATE_COST_NS.count : 0) +
    (answers.has("smallest") ? UPDATE_COST_NS.smallest : 0));

/** Whether index sets of each size have sums of their own. */
export const isSized = ({ sizes }: Form): boolean => sizes[0]?.size !== undefined;

/** The most index sets of one of the sizes that a form admits, or of all. */
function mostSubsets({ items: { length }, sizes }: Form): bigint {
  let [most, binomial, from] = [0n, 1n, 0];
  for (const { size } of sizes) {
    if (size === undefined) return 1n << BigInt(length);
    for (; from < size; from++) binomial = (binomial * BigInt(length - from)) / BigInt(from + 1);
    if (binomial > most) most = binomial;
  }
  return most;
}

/** The choice of meeting in the middle. */
function byMeeting({ asked }: SolveConfig, form: Form, targets: number): MethodChoice {
  return {
    method: "meet-in-the-middle",
    apart: false,
    answers: asked,
    residues: 1,
    cost: meetingCost(asked, form.items.length, targets, isSized(form)),
  };
}

/** An estimate of the time of meeting in the middle on one CPU thread, in nanoseconds; Infinity for more items than it takes. */
export function meetingCost(
  asked: ReadonlySet<AnswerName>,
  n: number,
  targets: number,
  isSized: boolean,
): number {
  const passes = 1 + Number(asked.has("unique")) + Number(asked.has("smallest") && !isSized);
  return n > MAX_MEET_ITEMS ? Infinity : passes * listCosts[n]! * (1 + targets);
}

/** Estimates for one CPU thread: of an item, and of a target, whatever the method. */
const ITEM_COST_NS = 20;
const TARGET_COST_NS = 2000;
/** Of one update of a sum by an item, for each table kernel. */
const UPDATE_COST_NS = { witness: 0.007, count: 0.05, smallest: 0.025, knapsack: 0.6 };
/** Of one of the 2^(n/2) sums of a half: once to list and sort it, and once for each target. */
const HALF_SUM_COST_NS = 15;
/** Of the lists of both halves, by the number of items. */
export const listCosts = Float64Array.from(
  { length: MAX_MEET_ITEMS + 1 },
  (_, n) => HALF_SUM_COST_NS * 2 ** (n / 2),
);

const TABLE = `sums that span less than ${MAX_TABLE_SPAN} and fit a table of ${MAX_WITNESS_BYTES / 2 ** 30} GiB`;
const MEET = `at most ${MAX_MEET_ITEMS} items whose sums span less than ${MAX_MEET_SPAN}`;

/** A set, without one of its members if `removed`. */
function without<T>(set: ReadonlySet<T>, member: T, removed: boolean): ReadonlySet<T> {
  return removed && set.has(member) ? new Set([...set].filter((other) => other !== member)) : set;
}

/**
 * How the index sets of each target are listed.
 * @throws {RequestError} Where neither way can list them.
 */
function listingOf(
  { partition }: SolveConfig,
  form: Form,
  questions: readonly (Question | undefined)[],
): "table" | "meeting" {
  const { items, low, high, sizes } = form;
  const n = items.length;
  const span = subtract(high, low);
  const isMeeting = n <= MAX_MEET_ITEMS && span < MAX_MEET_SPAN;
  if (span < MAX_TABLE_SPAN) {
    let sums = 1;
    for (let k = 0; k < questions.length; k += sizes.length) {
      const ofTarget = questions.slice(k, k + sizes.length).filter((question) => question !== undefined);
      // The complements of the index sets of the lower half of a partition are listed as well.
      const windows =
        partition && !isSized(form)
          ? ofTarget.map((question) => ({ ...question, to: subtract(add(low, high), question.from) }))
          : ofTarget;
      sums = Math.max(sums, tableSums(form, windows));
    }
    if (canListTable(sums, n) && !(isMeeting && 2 ** (n / 2) < sums)) return "table";
  }
  if (isMeeting) return "meeting";
  throw new RequestError("items", `sums that fit ${LISTED}, or ${MEET}`, n, `their sums span ${span}`);
}

const LISTED = "a table of 1 GiB, to be listed (a byte for each sum, two beyond 254 items)";

/** Whether questions have a table each, and the number of sums in the largest table. */
function tableFor(form: Form, questions: readonly Question[]): { apart: boolean; sums: number } {
  const together = tableSums(form, questions);
  if (together <= MAX_COMMON_SUMS) return { apart: false, sums: together };
  const sums = questions.reduce((most, question) => Math.max(most, tableSums(form, [question])), 1);
  return { apart: true, sums };
}

/** The number of sums in a table for some questions, at least 1. */
export function tableSums({ low, high }: Pick<Form, "low" | "high">, questions: readonly Question[]): number {
  if (questions.length === 0) return 1;
  let [first, last] = [high, low];
  for (const { from, to } of questions) {
    first = least(first, from);
    last = greatest(last, to);
  }
  return frameOf(-Number(low), Number(high), Number(first), Number(last)).liveTo + 1;
}
