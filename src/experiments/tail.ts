// The tail experiment: the probability that targets are missed, far below what trials can count. Exactly, where there are few
// sets of subset sums; otherwise by trials that draw magnitudes alone and sum over all signs (kernel `tail`).

import * as z from "zod/mini";
import { RequestError } from "../errors.ts";
import { integer, parse } from "../check.ts";
import { bitsOf, isProduct, MAX_ITEMS, slicingOf, type Ensemble } from "../ensemble.ts";
import type { Failure, Provenance, TailFinding, TailMethod } from "../finding.ts";
import { residueParams, TRIALS_OF_STRATUM } from "../kernels/tail.ts";
import type { Batch, WorkOf } from "../plan.ts";
import { seedSchema, streamKey, threefry2x32, type WordPair } from "../random.ts";
import { askedHalfRange, askedItems, ensembleFields, itemsField } from "./request.ts";
import {
  binomialRow,
  checkTail,
  divisorFailure,
  exactTailSteps,
  magnitudesOf,
  MAX_TAIL_HALF_RANGE,
  MAX_TAIL_ITEMS,
  maxExactHalfRange,
  multiplesShare,
  nonzeroRows,
  tailTerms,
} from "../theory/tail.ts";
import type { SubsetEnsemble } from "../theory/window.ts";
import type { TallyLayout } from "../tally.ts";
import { eventSums, sumsLayout } from "./tail-sums.ts";

export const tailMethods = ["exact", "conditional"] as const satisfies readonly TailMethod[];

/** The largest M for which the exact method is chosen: it takes about 2 seconds to 160 items. */
const CHOSEN_EXACT_HALF_RANGE = 8;
const MIN_TRIALS = 100;
const DEFAULT_TRIALS = 10_000;
/** Numbers of items that are not 0 are left out where they are less likely than this share of the failures. */
const NEGLIGIBLE = 1e-12;

/** The request of `measureTail`. */
export interface TailRequest {
  /** Default `rssp`. Not `rnpp`: its items have no signs to sum over. */
  ensemble?: Ensemble;
  /** k: the half range is 2^k, for products 4^k. One of `bits` and `halfRange` is needed. */
  bits?: number;
  /** M, 1..2^12, for products a perfect square. */
  halfRange?: number;
  /** n, or a range of n with both ends included, 0..160; Default: 1 to 64. */
  items?: number | { from: number; to: number };
  /** Integers of -M..M. Default: 1 and M. */
  targets?: readonly number[];
  /**
   * - `exact`: the dynamic program of `exactTail`; M at most 12, for products 16.
   * - `conditional`: trials that draw magnitudes and sum over all signs. Half of them are drawn from the ensemble, the others
   *   with a given number of items that are not multiples of d = 2..9, and all are weighted by how likely they are.
   *
   * Default: `exact` for M up to 8 (products: 16), and where there are more than 64 items.
   */
  method?: TailMethod;
  /** Trials of each number of items, 100..2^32 - 4, rounded up to a multiple of 4. `exact` has none. Default 10,000. */
  trials?: number;
  /** 0..2^64 - 1; a string is read as a decimal. Default 1. */
  seed?: bigint | number | string;
}

export interface TailConfig {
  readonly ensemble: SubsetEnsemble;
  readonly halfRange: number;
  readonly items: { readonly from: number; readonly to: number };
  readonly targets: readonly number[];
  readonly method: TailMethod;
  readonly trials: number;
  readonly seed: bigint;
}

const TARGETS = "a list of integers of -M..M";
const schema = z.strictObject({
  ...ensembleFields,
  items: z._default(itemsField(MAX_TAIL_ITEMS), { from: 1, to: MAX_ITEMS }),
  targets: z.optional(z.array(z.number(TARGETS), TARGETS).check(z.minLength(1, TARGETS))),
  method: z.optional(z.enum(tailMethods, `one of ${tailMethods.join(", ")}`)),
  trials: z._default(integer(MIN_TRIALS, 2 ** 32 - 4), DEFAULT_TRIALS),
  seed: z._default(seedSchema, 1n),
});

/**
 * Fills in the defaults of a request and checks it.
 * @throws {RequestError} Names the field that is wrong.
 */
export function tailConfig(request: TailRequest): TailConfig {
  const asked = parse(schema, request);
  const { ensemble, seed } = asked;
  const trials = TRIALS_OF_STRATUM * Math.ceil(asked.trials / TRIALS_OF_STRATUM);
  const halfRange = askedHalfRange(asked, MAX_TAIL_HALF_RANGE);
  const range = askedItems(asked.items);
  const targets = [...new Set(asked.targets ?? [1, halfRange])];
  checkTail(ensemble, halfRange, range.to, targets);
  const method = asked.method ?? chosenMethod(ensemble, halfRange, range.to);
  if (method === "exact" && halfRange > maxExactHalfRange(ensemble))
    throw new RequestError(
      "halfRange",
      `at most ${maxExactHalfRange(ensemble)} for the method exact`,
      halfRange,
    );
  return { ensemble, halfRange, items: range, targets, method, trials, seed };
}

/** The method that answers soonest. */
function chosenMethod(ensemble: SubsetEnsemble, halfRange: number, to: number): TailMethod {
  const most = maxExactHalfRange(ensemble);
  const quick = isProduct(ensemble) ? most : CHOSEN_EXACT_HALF_RANGE;
  return halfRange <= (to > MAX_ITEMS ? most : quick) ? "exact" : "conditional";
}

/**
 * How the trials with a number of items that are not 0 are drawn, and what one of them weighs.
 *
 * Failures come from most magnitudes with small probabilities, and from rare magnitudes with large ones: where all but a few are
 * multiples of 2 or 3, say, which trials of the ensemble would not see. So every other group of four trials is drawn from the
 * ensemble, and the groups between them from it on the condition that exactly j of the n magnitudes are not multiples of d: for
 * d = 2..9, where some magnitude is a multiple, and j = 0..n in turn.
 *
 * A component is one of these conditions, or none. Let c be the share of its trials, divided by its probability b; magnitudes
 * that fulfil the conditions of several components weigh in those of one by its c / (sum of all c^2). So the mean over all
 * trials of weight times value is the mean of the ensemble, whatever the value ("power heuristic": Veach & Guibas 1995, (15);
 * "defensive mixture": Hesterberg 1995). No weight is more than 2, and where a condition is drawn far more often than by the
 * ensemble, the few such trials of the ensemble weigh nearly nothing.
 */
interface Mixture {
  readonly divisors: readonly number[];
  /** The component of each stratum of the kernel: 0 for the ensemble, otherwise 1 + (n + 1) * (index of d) + j. */
  readonly components: readonly number[];
  /** The share of trials of each component, divided by its probability. */
  readonly densities: Float64Array;
  /** The trials of component 0. */
  readonly ensembleTrials: number;
}

const MOST_DIVISOR = 9;

function mixtureOf(magnitudes: readonly number[], n: number, trials: number): Mixture {
  const divisors = Array.from({ length: MOST_DIVISOR - 1 }, (_, i) => i + 2).filter(
    (divisor) => multiplesShare(magnitudes, divisor) > 0,
  );
  const components: number[] = [];
  for (let j = 0; j <= n; j++) for (const i of divisors.keys()) components.push(0, 1 + (n + 1) * i + j);
  if (divisors.length === 0) components.push(0);
  const densities = new Float64Array(1 + (n + 1) * divisors.length);
  const groups = trials / TRIALS_OF_STRATUM;
  for (const [stratum, component] of components.entries())
    densities[component]! += Math.ceil((groups - stratum) / components.length);
  const ensembleTrials = TRIALS_OF_STRATUM * densities[0]!;
  for (let c = 0; c < densities.length; c++) densities[c]! /= groups;
  for (const [i, divisor] of divisors.entries())
    for (const [j, probability] of binomialRow(n, 1 - multiplesShare(magnitudes, divisor)).entries())
      densities[1 + (n + 1) * i + j]! /= probability;
  return { divisors, components, densities, ensembleTrials };
}

/** The trials of the kernel `tail` with a number of items that are not 0. */
export interface TailRun {
  readonly items: number;
  readonly trials: number;
  readonly mixture: Mixture;
  /**
   * What is computed and not drawn: the probability that all items have a common divisor; and for each target of the kernel, one
   * that does not divide it.
   */
  readonly known: readonly number[];
  /** The trials of a batch that takes a thread some milliseconds. */
  readonly batch: number;
  readonly work: (batch: Batch) => WorkOf<"tail">;
}

/** The first stream of this experiment; lower ones draw ensembles, networks and layers. */
const STREAM = 2 ** 20;
/** Operations of a batch, about a nanosecond each. */
const BATCH_OPERATIONS = 2e7;
const MAX_BATCH = 2 ** 14;

/** About the operations of a trial. */
function operationsOf(n: number, halfRange: number): number {
  // Counts are needed up to little more than M, and up to half of all sums where the items are too few.
  const isSparse = n < Math.log2(halfRange) + 10;
  return 500 + n * (2 * halfRange + (n * halfRange) / (isSparse ? 4 : 64));
}

/** The magnitudes of the targets that the kernel is asked for: a target and its opposite fail alike, and 0 never fails. */
function kernelTargets({ targets }: Pick<TailConfig, "targets">): number[] {
  return [...new Set(targets.map(Math.abs))].filter((target) => target > 0);
}

/** What decides the trials of a run. */
export interface RunSetting {
  /** The equally likely magnitudes of an item, each 1..M. */
  readonly magnitudes: readonly number[];
  readonly halfRange: number;
  /** Each in 1..M, without repetition. */
  readonly targets: readonly number[];
  readonly items: number;
  /** A multiple of 4. */
  readonly trials: number;
  /** The Threefry key, from which every number of items has streams of its own. */
  readonly key: WordPair;
}

/** P(a common divisor of n items decides an event), as a function of n, for all of -M..M and for each target. */
function divisorFailures({ magnitudes, halfRange, targets }: Omit<RunSetting, "items" | "trials" | "key">) {
  return [1, ...targets].map((target) => divisorFailure(magnitudes, halfRange, target));
}

/**
 * The trials of items that are never 0.
 * @param failures `divisorFailures` of the setting, which take a while for large M.
 */
export function tailRun(setting: RunSetting, failures = divisorFailures(setting)): TailRun {
  const { magnitudes, halfRange, targets, items: n, trials, key } = setting;
  const mixture = mixtureOf(magnitudes, n, trials);
  // All magnitudes, and for each divisor first those that are not its multiples and then those that are.
  const pools = [
    magnitudes,
    ...mixture.divisors.flatMap((divisor) => [
      magnitudes.filter((a) => a % divisor > 0),
      magnitudes.filter((a) => a % divisor === 0),
    ]),
  ];
  let start = 0;
  const classes = pools.flatMap((pool, c) => {
    const { range, bits, threshold } = slicingOf(pool.length);
    // Streams that no other run of this seed and half range has.
    const words = [...threefry2x32(key, [n, c]), range, bits, threshold, start];
    start += pool.length;
    return words;
  });
  const strata = mixture.components.flatMap((component) =>
    component === 0 ? [0, n] : [1 + 2 * Math.floor((component - 1) / (n + 1)), (component - 1) % (n + 1)],
  );
  const inputs = {
    classes: Uint32Array.from(classes),
    strata: Uint32Array.from(strata),
    magnitudes: Uint32Array.from(pools.flat()),
    divisors: Uint32Array.from(mixture.divisors),
    targets: Uint32Array.from(targets),
  };
  const params = {
    classes: pools.length,
    strata: mixture.components.length,
    items: n,
    halfRange,
    listed: start,
    divisors: mixture.divisors.length,
    targets: targets.length,
    ...residueParams(n),
  };
  const groups = Math.floor(BATCH_OPERATIONS / operationsOf(n, halfRange) / TRIALS_OF_STRATUM);
  return {
    items: n,
    trials,
    mixture,
    known: failures.map((failure) => failure(n)),
    batch: Math.min(Math.max(groups, 1) * TRIALS_OF_STRATUM, MAX_BATCH),
    work: ({ first, count }) => ({
      kernel: "tail",
      params: { firstLow: first % 2 ** 32, firstHigh: Math.floor(first / 2 ** 32), count, ...params },
      inputs,
    }),
  };
}

/** The key of trials of some magnitudes. */
export const tailKey = (
  seed: bigint,
  magnitudes: "rssp" | "products" | "support",
  halfRange: number,
): WordPair => streamKey(seed, [STREAM + ["rssp", "products", "support"].indexOf(magnitudes), halfRange]);

/** The runs of a configuration by trials: for every number of items that are not 0, but not for none. */
export function tailRuns(config: TailConfig): TailRun[] {
  const { ensemble, halfRange, trials, seed } = config;
  const magnitudes = magnitudesOf(ensemble, halfRange);
  const targets = kernelTargets(config);
  const key = tailKey(seed, isProduct(ensemble) ? "products" : "rssp", halfRange);
  const failures = divisorFailures({ magnitudes, halfRange, targets });
  return neededItems(config).map((items) =>
    tailRun({ magnitudes, halfRange, targets, items, trials, key }, failures),
  );
}

/** The numbers of items other than 0 that a configuration needs, from 1 on. */
function neededItems({ ensemble, halfRange, items }: TailConfig): number[] {
  const needed = mixtures({ ensemble, halfRange, items }).flatMap((mixture) => mixture.map(([m]) => m));
  return [...new Set(needed)].filter((m) => m > 0).toSorted((x, y) => x - y);
}

/**
 * For each number of items asked for, the numbers of items that are not 0 that matter, with their probabilities. The others are
 * so unlikely that they would change no digit if they failed always.
 */
function mixtures({ ensemble, halfRange, items }: Pick<TailConfig, "ensemble" | "halfRange" | "items">) {
  const terms = tailTerms(ensemble, halfRange, items.to);
  return nonzeroRows(ensemble, halfRange, items.to)
    .slice(items.from)
    .map((row, i) =>
      [...row.entries()].filter(([, weight]) => weight > NEGLIGIBLE * terms[items.from + i]!.bound),
    );
}

/** What a count takes: the trials of some runs, or the steps of a computation whose result is all words. */
export type TailWork =
  | { readonly runs: readonly TailRun[] }
  | { readonly steps: Generator<void, Float64Array, undefined> };

/** A tally that is counted in ranges of trials. A trial is one of each of some runs, or all that is computed exactly. */
export interface TailCount {
  readonly trials: number;
  /** The trials of a unit, a power of two. */
  readonly unit: number;
  readonly layout: TallyLayout;
  readonly workOf: () => TailWork;
}

/** The count of a configuration. */
export function tailCount(config: TailConfig): TailCount {
  const { items, targets, halfRange, method, trials } = config;
  if (method === "exact")
    return exactCount((items.to - items.from + 1) * (1 + targets.length), () => exactWords(config));
  const needed = neededItems(config);
  return {
    trials,
    unit: unitOf(needed.reduce((sum, n) => sum + operationsOf(n, halfRange), 0)),
    layout: sumsLayout(needed.length * (1 + kernelTargets(config).length)),
    workOf: () => ({ runs: tailRuns(config) }),
  };
}

/** The count of some doubles that are computed together. */
export const exactCount = (
  numbers: number,
  stepsOf: () => Generator<void, Float64Array, undefined>,
): TailCount => ({
  trials: 1,
  unit: 1,
  layout: { length: 2 * numbers, pairs: [] },
  workOf: () => ({ steps: stepsOf() }),
});

/** The count of a run. */
export const runCount = (setting: RunSetting): TailCount => ({
  trials: setting.trials,
  unit: unitOf(operationsOf(setting.items, setting.halfRange)),
  layout: sumsLayout(1 + setting.targets.length),
  workOf: () => ({ runs: [tailRun(setting)] }),
});

/** Operations of a unit, which take a thread about a second, and the fewest and the most trials of one. */
const UNIT_OPERATIONS = 1e9;
const MAX_UNIT = 2 ** 20;

const unitOf = (operations: number): number =>
  2 ** Math.round(Math.log2(Math.min(Math.max(UNIT_OPERATIONS / operations, TRIALS_OF_STRATUM), MAX_UNIT)));

/** The words of the run of an index in those of all runs. All have as many. */
export function wordsOfRun(words: Float64Array, { known }: TailRun, index: number): Float64Array {
  const { length } = sumsLayout(known.length);
  return words.subarray(length * index, length * (index + 1));
}

/** The fields of a configuration that decide its numbers. How many trials there are decides their weights. */
export function tailFields({ ensemble, halfRange, items, targets, method, trials, seed }: TailConfig) {
  return {
    ensemble,
    halfRange,
    items: { ...items },
    targets: [...targets],
    method,
    ...(method === "exact" ? {} : { trials, seed: String(seed) }),
  };
}

/** A probability of failure, of which a part is known and the rest is estimated. */
interface Parts {
  readonly failure: number;
  readonly known: number;
  readonly variance: number;
  /** Whether all signs of all trials failed, and then the least number of trials of the ensemble for each unit of weight. */
  readonly allFail: boolean;
  readonly trials: number;
}

/**
 * Trials that are alike may hide rarer ones that weigh more. So the variance counts one trial more, which is this many times the
 * mean away from it: of 10,000 trials, no standard deviation is below 6 in 10,000.
 */
const UNSEEN = 6;

/** The failure of an event of a run, from the failures of its trials or from their successes, whichever are rarer. */
function partsOf({ known: allKnown, trials, mixture }: TailRun, i: number, words: Float64Array): Parts {
  const known = allKnown[i]!;
  const { failures, successes } = eventSums(words, i);
  const ofFailures = failures.sum < successes.sum;
  const rarer = ofFailures ? failures : successes;
  // The variance of a mean of groups of trials, each around a mean of its own, which costs a degree of freedom.
  const variance = ((TRIALS_OF_STRATUM / (TRIALS_OF_STRATUM - 1)) * rarer.squares) / trials / trials;
  return {
    failure: ofFailures ? known + failures.sum / trials : Math.max(known, 1 - successes.sum / trials),
    known,
    variance: variance + ((UNSEEN * (rarer.sum / trials)) / trials) ** 2,
    allFail: successes.sum === 0,
    trials: mixture.ensembleTrials,
  };
}

/** The weighted sum of independent parts. */
function added(all: readonly (readonly [weight: number, parts: Parts])[]): Parts {
  const sumOf = (valueOf: (parts: Parts, weight: number) => number) =>
    all.reduce((sum, [weight, parts]) => sum + weight * valueOf(parts, weight), 0);
  return {
    failure: sumOf(({ failure }) => failure),
    known: sumOf(({ known }) => known),
    variance: sumOf(({ variance }, weight) => weight * variance),
    allFail: all.every(([, { allFail }]) => allFail),
    trials: all.reduce((least, [weight, { trials }]) => Math.min(least, trials / weight), Infinity),
  };
}

/** The quantile of the normal distribution for a 95 % interval. */
const NORMAL_QUANTILE = 1.959963984540054;
/** Trials that all fail have a probability of at most 2.5 % where t trials succeed with probability p and t p is above this. */
const ALL_FAIL = Math.log(40);

/**
 * A probability of failure with its 95 % interval. What is estimated is failure beyond what is known, or else success, whichever
 * is rarer; its logarithm is taken to be normal, with the variance that the weighted conditional probabilities of trials have
 * around the means of their groups. Where all signs of all trials failed, the lower end is that of successes that no trial saw.
 */
function failureOf({ failure, known, variance, allFail, trials }: Parts): Failure {
  if (allFail) return { failure: 1, low: Math.max(0, 1 - ALL_FAIL / trials), high: 1 };
  const [rest, success] = [failure - known, 1 - failure];
  const estimated = Math.min(rest, success);
  const spread = estimated > 0 ? Math.exp((NORMAL_QUANTILE * Math.sqrt(variance)) / estimated) : 1;
  return rest < success
    ? { failure, low: known + rest / spread, high: Math.min(1, known + rest * spread) }
    : { failure, low: Math.max(known, 1 - success * spread), high: 1 - success / spread };
}

/** The failures of a run by its tally: of all of -M..M, and of each of its targets. */
export const runFailures = (run: TailRun, words: Float64Array): Failure[] =>
  run.known.map((_, i) => failureOf(partsOf(run, i, words)));

export const certain = (failure: number): Failure => ({ failure, low: failure, high: failure });

/** The failures of every number of items asked for, with -M..M first and then each target asked for. */
type Failures = readonly (readonly Failure[])[];

/** The failures of the method `exact` as words, in steps between which a caller may stop. */
export function* exactWords(config: TailConfig): Generator<void, Float64Array, undefined> {
  const { ensemble, halfRange, items, targets } = config;
  const exact = yield* exactTailSteps(ensemble, halfRange, items.to, targets);
  const failures = [exact.covered, ...exact.targets].flatMap((values) => [...values.subarray(items.from)]);
  return wordsOfNumbers(failures);
}

/** The failures that `exactWords` are. */
function exactFailures({ items, targets }: TailConfig, words: Float64Array): Failures {
  const values = numbersOf(words);
  const length = items.to - items.from + 1;
  return Array.from({ length }, (_, i) =>
    [-1, ...targets.keys()].map((t) => certain(values[length * (1 + t) + i]!)),
  );
}

/** Doubles as words, two for each. */
export const wordsOfNumbers = (numbers: readonly number[]): Float64Array =>
  Float64Array.from(new Uint32Array(Float64Array.from(numbers).buffer));

/** The doubles of `wordsOfNumbers`. */
export const numbersOf = (words: Float64Array): Float64Array =>
  new Float64Array(Uint32Array.from(words).buffer);

function estimatedFailures(config: TailConfig, words: Float64Array): Failures {
  const { ensemble, halfRange, items, targets } = config;
  const asked = kernelTargets(config);
  const nothing: Parts = { failure: 1, known: 1, variance: 0, allFail: true, trials: Infinity };
  const byItems = new Map(
    tailRuns(config).map((run, r) => {
      const own = wordsOfRun(words, run, r);
      return [run.items, run.known.map((_, i) => partsOf(run, i, own))] as const;
    }),
  );
  return mixtures({ ensemble, halfRange, items })
    .map((mixture) => {
      const parts = [1, ...asked].map((_, i) =>
        added(mixture.map(([m, weight]) => [weight, byItems.get(m)?.[i] ?? nothing] as const)),
      );
      const missed = targets.map((target) =>
        target === 0 ? certain(0) : failureOf(parts[1 + asked.indexOf(Math.abs(target))]!),
      );
      return [failureOf(parts[0]!), ...missed];
    })
    .map(([covered, ...missed], i) => [
      // So few items have fewer subsets than there are targets.
      2 ** (items.from + i) <= 2 * halfRange ? certain(1) : covered!,
      ...missed,
    ]);
}

/**
 * The findings of a configuration, one for each number of items.
 * @param words The tally of all its trials.
 */
export function findTail(config: TailConfig, words: Float64Array, provenance: Provenance): TailFinding[] {
  const { ensemble, halfRange, items, targets, method, trials, seed } = config;
  const failures = method === "exact" ? exactFailures(config, words) : estimatedFailures(config, words);
  const terms = tailTerms(ensemble, halfRange, items.to);
  const bits = bitsOf(ensemble, halfRange);
  return failures.map(([covered, ...missed], i): TailFinding => {
    const n = items.from + i;
    const next = failures[i + 1]?.[0];
    return {
      kind: "tail",
      ensemble,
      ...(bits === undefined ? {} : { bits }),
      halfRange,
      items: n,
      method,
      ...(method === "exact" ? {} : { trials, seed: String(seed) }),
      interval: method === "exact" ? "exact" : "log-normal",
      covered: covered!,
      targets: targets.map((target, t) => ({ target, ...missed[t]! })),
      ...terms[n]!,
      ...(next === undefined ? {} : { rate: next.failure / covered!.failure }),
      ...provenance,
    };
  });
}
