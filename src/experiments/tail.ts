// The tail experiment: the probability that targets are missed, far below what trials can count. Exactly, where there are few
// sets of subset sums; otherwise by trials that draw magnitudes alone and sum over all signs (kernel `tail`).

import * as z from "zod/mini";
import { RequestError } from "../errors.ts";
import { integer, parse } from "../check.ts";
import { bitsOf, isProduct, MAX_ITEMS, slicingOf, type Ensemble } from "../ensemble.ts";
import type { Failure, Provenance, TailFinding, TailMethod } from "../finding.ts";
import { tailWords } from "../kernels/tail.ts";
import type { Batch, WorkOf } from "../plan.ts";
import { seedSchema, streamKey, threefry2x32 } from "../random.ts";
import { askedHalfRange, askedItems, ensembleFields, itemsField } from "./request.ts";
import {
  binomialRow,
  checkTail,
  divisorFailure,
  exactTail,
  magnitudesOf,
  MAX_TAIL_HALF_RANGE,
  MAX_TAIL_ITEMS,
  maxExactHalfRange,
  nonzeroRows,
  tailTerms,
} from "../theory/tail.ts";
import type { SubsetEnsemble } from "../theory/window.ts";

export const tailMethods = ["exact", "conditional", "strata"] as const satisfies readonly TailMethod[];

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
  /** n, or a range of n with both ends included, 0..160; above 64 with the method `exact` alone. Default: 1 to 64. */
  items?: number | { from: number; to: number };
  /** Integers of -M..M. Default: 1 and M. */
  targets?: readonly number[];
  /**
   * - `exact`: the dynamic program of `exactTail`; M at most 12, for products 16.
   * - `conditional`: trials that draw magnitudes and sum over all signs. They are stratified by the number of odd items: 7 in 8
   *   trials are shared out by the probability of each number, the others evenly.
   * - `strata`: the same, with all trials shared out evenly.
   *
   * Default: `exact` for M up to 8 (products: 16), and where there are more than 64 items; otherwise `strata` for products and
   * `conditional` for uniform items.
   */
  method?: TailMethod;
  /** Trials of each number of items, 100..2^32 - 1; the method `exact` has none. Default 10,000. */
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
  trials: z._default(integer(MIN_TRIALS, 2 ** 32 - 1), DEFAULT_TRIALS),
  seed: z._default(seedSchema, 1n),
});

/**
 * Fills in the defaults of a request and checks it.
 * @throws {RequestError} Names the field that is wrong.
 */
export function tailConfig(request: TailRequest): TailConfig {
  const asked = parse(schema, request);
  const { ensemble, trials, seed } = asked;
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
  if (method !== "exact" && range.to > MAX_ITEMS)
    throw new RequestError(
      "items",
      `at most ${MAX_ITEMS} for the method ${method}, whose counts of signs have 64 bits`,
      `${range.from}..${range.to}`,
      halfRange > maxExactHalfRange(ensemble) ? undefined : { option: "method", value: "exact" },
    );
  return { ensemble, halfRange, items: range, targets, method, trials, seed };
}

/** The method that answers soonest. */
function chosenMethod(ensemble: SubsetEnsemble, halfRange: number, to: number): TailMethod {
  const most = maxExactHalfRange(ensemble);
  const quick = isProduct(ensemble) ? most : CHOSEN_EXACT_HALF_RANGE;
  if (halfRange <= (to > MAX_ITEMS ? most : quick)) return "exact";
  return isProduct(ensemble) ? "strata" : "conditional";
}

/** Trials of the kernel `tail` that are drawn alike: with a number of items that are not 0, and of odd ones among them. */
export interface TailRun {
  readonly items: number;
  /** The probability of this number of odd items. */
  readonly weight: number;
  readonly trials: number;
  /** The probability that all items have a common divisor; and for each target of the kernel, one that does not divide it. */
  readonly divisors: readonly number[];
  /** The trials of a batch that takes a thread some milliseconds. */
  readonly batch: number;
  readonly work: (batch: Batch) => WorkOf<"tail">;
}

/** The first stream of this experiment; lower ones draw ensembles, networks and layers. */
const STREAM = 2 ** 20;
/** Operations of a batch, about a nanosecond each. */
const BATCH_OPERATIONS = 2e7;
const MAX_BATCH = 2 ** 14;

/** The magnitudes of the targets that the kernel is asked for: a target and its opposite fail alike, and 0 never fails. */
function kernelTargets({ targets }: Pick<TailConfig, "targets">): number[] {
  return [...new Set(targets.map(Math.abs))].filter((target) => target > 0);
}

/** The runs of a configuration by trials: for every number of items that are not 0, but not for none. */
export function tailRuns(config: TailConfig): TailRun[] {
  const { ensemble, halfRange, method, trials, seed } = config;
  const all = magnitudesOf(ensemble, halfRange);
  const odd = all.filter((a) => a % 2 === 1);
  const pools = halfRange === 1 ? [all] : [odd, all.filter((a) => a % 2 === 0)];
  const listed = Uint32Array.from(pools.flat());
  const starts = [0, odd.length];
  const targets = Uint32Array.from(kernelTargets(config));
  const divisors = [1, ...targets].map((target) => divisorFailure(pools, halfRange, target));
  const key = streamKey(seed, [STREAM + Number(isProduct(ensemble)), halfRange]);

  const runOf = (counts: readonly number[], weight: number, runTrials: number): TailRun => {
    const n = counts.reduce((sum, count) => sum + count, 0);
    const classes = counts.flatMap((count, c) => {
      const { range, bits, threshold } = slicingOf(pools[c]!.length);
      // Streams that no other run of this seed and half range has.
      const stream = threefry2x32(key, [n, 2 * counts[0]! + c]);
      return count === 0 ? [] : [[count, ...stream, range, bits, threshold, starts[c]!]];
    });
    const inputs = { classes: Uint32Array.from(classes.flat()), magnitudes: listed, targets };
    const params = {
      classes: classes.length,
      items: n,
      halfRange,
      listed: listed.length,
      targets: targets.length,
    };
    // Counts are needed up to little more than M, and up to half of all sums where the items are too few.
    const isSparse = n < Math.log2(halfRange) + 10;
    const operations = 500 + n * (2 * halfRange + (n * halfRange) / (isSparse ? 4 : 64));
    return {
      items: n,
      weight,
      trials: runTrials,
      divisors: divisors.map((failure) => failure(counts)),
      batch: Math.min(Math.max(Math.floor(BATCH_OPERATIONS / operations), 1), MAX_BATCH),
      work: ({ first, count }) => ({
        kernel: "tail",
        params: { firstLow: first % 2 ** 32, firstHigh: Math.floor(first / 2 ** 32), count, ...params },
        inputs,
      }),
    };
  };
  // Common divisors are what no sign changes. Where few items are odd, odd targets are missed far more often, and so rarely that
  // no trial would see it without strata.
  return neededItems(config).flatMap((n) => {
    if (pools.length === 1) return [runOf([n], 1, trials)];
    const even = 1 / (n + 1);
    return [...binomialRow(n, odd.length / all.length)].map((weight, j) =>
      runOf([j, n - j], weight, Math.ceil(trials * (method === "strata" ? even : (7 * weight + even) / 8))),
    );
  });
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

/** Sums over the trials of a run that are not decided by their divisor: of the failing signs, and of their squares. */
export interface TailSums {
  count: number;
  sum: bigint;
  squares: bigint;
}

/** The sums of a run before its first trial: for all of -M..M, and for each target of the kernel. */
export function emptySums(run: TailRun): TailSums[] {
  return run.divisors.map(() => ({ count: 0, sum: 0n, squares: 0n }));
}

/** Adds the words of a batch to the sums of its run. */
export function addTrials(sums: readonly TailSums[], work: WorkOf<"tail">, words: Uint32Array): void {
  const { items, count, targets } = work.params;
  const length = tailWords({ targets });
  for (let k = 0; k < count; k++) {
    const at = k * length;
    const divisor = words[at]!;
    for (const [i, into] of sums.entries()) {
      const target = i === 0 ? 1 : work.inputs.targets[i - 1]!;
      if (target % divisor !== 0) continue;
      const signs = (BigInt(words[at + 2 + 2 * i]!) << 32n) | BigInt(words[at + 1 + 2 * i]!);
      // At least one choice of signs fails.
      const failing = signs === 0n ? 1n << BigInt(items) : signs;
      into.count++;
      into.sum += failing;
      into.squares += failing * failing;
    }
  }
}

/** A probability of failure as the sum of a part that is known and one that is estimated, with the variance of the latter. */
interface Parts {
  readonly known: number;
  readonly estimated: number;
  readonly variance: number;
  /** By how much one trial more might differ from the mean. */
  readonly unseen: number;
  /** Whether all signs of all trials failed, and then the least number of trials for each unit of weight. */
  readonly allFail: boolean;
  readonly trials: number;
}

/**
 * Trials that are alike may hide rare ones that fail far more often. So the variance counts one trial more, with this many times
 * the mean: of 2000 trials that differ as usual it makes intervals wider by less than 3 %.
 */
const UNSEEN = 6;

/** The failures of all trials of a run: those that the divisor decides, and the mean of the others. */
function partsOf(run: TailRun, i: number, { count, sum, squares }: TailSums): Parts {
  const known = run.divisors[i]!;
  const rest = 1 - known;
  const trials = rest > 0 ? run.trials : Infinity;
  // The divisor decides nearly all trials. Nothing is known of the others, which are taken to fail.
  if (count < 2) return { known, estimated: rest, variance: 0, unseen: 0, allFail: true, trials };
  const allFail = sum === BigInt(count) << BigInt(run.items);
  const scale = 2 ** -run.items;
  const mean = (Number(sum) / count) * scale;
  const deviation = Number(BigInt(count) * squares - sum * sum) * scale * scale;
  const variance = deviation / (count * count * (count - 1));
  const unseen = rest * (Math.min(1, UNSEEN * mean) - mean);
  return { known, estimated: rest * mean, variance: rest * rest * variance, unseen, allFail, trials };
}

/** The weighted sum of independent parts. */
function added(all: readonly (readonly [weight: number, parts: Parts])[]): Parts {
  return {
    known: all.reduce((sum, [weight, { known }]) => sum + weight * known, 0),
    estimated: all.reduce((sum, [weight, { estimated }]) => sum + weight * estimated, 0),
    variance: all.reduce((sum, [weight, { variance }]) => sum + weight * weight * variance, 0),
    unseen: all.reduce((sum, [weight, { unseen }]) => sum + weight * unseen, 0),
    allFail: all.every(([, { allFail }]) => allFail),
    trials: all.reduce((least, [weight, { trials }]) => Math.min(least, trials / weight), Infinity),
  };
}

/** The quantile of the normal distribution for a 95 % interval. */
const NORMAL_QUANTILE = 1.959963984540054;
/** Trials that all fail have a probability of at most 2.5 % where t trials succeed with probability p and t p is above this. */
const ALL_FAIL = Math.log(40);

/**
 * A probability with its 95 % interval: the logarithm of the part that is estimated is taken to be normal, with the variance of
 * the conditional probabilities of the trials. Where all signs of all trials failed, the lower end is that of successes that no
 * trial saw.
 */
function failureOf({ known, estimated, variance, allFail, trials }: Parts): Failure {
  if (allFail) return { failure: 1, low: Math.max(0, 1 - ALL_FAIL / trials), high: 1 };
  const spread = estimated > 0 ? Math.exp((NORMAL_QUANTILE * Math.sqrt(variance)) / estimated) : 1;
  const [failure, low, high] = [known + estimated, known + estimated / spread, known + estimated * spread];
  return { failure: Math.min(1, failure), low: Math.min(1, low), high: Math.min(1, high) };
}

const certain = (failure: number): Failure => ({ failure, low: failure, high: failure });

/** The failures of every number of items asked for, with -M..M first and then each target asked for. */
type Failures = readonly (readonly Failure[])[];

function exactFailures({ ensemble, halfRange, items, targets }: TailConfig): Failures {
  const exact = exactTail(ensemble, halfRange, items.to, targets);
  return Array.from({ length: items.to - items.from + 1 }, (_, i) =>
    [exact.covered, ...exact.targets].map((failures) => certain(failures[items.from + i]!)),
  );
}

function estimatedFailures(
  config: TailConfig,
  runs: readonly (readonly [TailRun, readonly TailSums[]])[],
): Failures {
  const { ensemble, halfRange, items, targets } = config;
  const asked = kernelTargets(config);
  const nothing: Parts = {
    known: 1,
    estimated: 0,
    variance: 0,
    unseen: 0,
    allFail: true,
    trials: Infinity,
  };
  const byItems = new Map<number, Parts[]>();
  for (const n of new Set(runs.map(([run]) => run.items))) {
    const mine = runs.filter(([run]) => run.items === n);
    const parts = [1, ...asked].map((_, i): Parts => {
      const { unseen, ...all } = added(
        mine.map(([run, sums]) => [run.weight, partsOf(run, i, sums[i]!)] as const),
      );
      const trials = mine.reduce((sum, [run]) => sum + run.trials, 0);
      return { ...all, variance: all.variance + (unseen / trials) ** 2, unseen: 0 };
    });
    byItems.set(n, parts);
  }
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
 * @param runs The runs of `tailRuns` with their sums; none for the method `exact`.
 */
export function findTail(
  config: TailConfig,
  runs: readonly (readonly [TailRun, readonly TailSums[]])[],
  provenance: Provenance,
): TailFinding[] {
  const { ensemble, halfRange, items, targets, method, trials, seed } = config;
  const failures = method === "exact" ? exactFailures(config) : estimatedFailures(config, runs);
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
