// The phase experiment: how often a random instance reaches its targets, for every number of items of a range.

import * as z from "zod/mini";
import { RequestError } from "../errors.ts";
import { integer, parse } from "../check.ts";
import {
  bitsOf,
  ensembleKey,
  lawOf,
  maxHalfRange,
  MAX_ITEMS,
  MAX_TRIALS,
  type Ensemble,
} from "../ensemble.ts";
import type { PhaseFinding, Provenance } from "../finding.ts";
import { reachTally } from "../kernels/reach.ts";
import type { Plan } from "../plan.ts";
import { seedSchema } from "../random.ts";
import { askedHalfRange, askedItems, ensembleFields, itemsField } from "./request.ts";
import { reachPlan } from "../reach-plan.ts";
import { checkConstrained } from "./constrained.ts";
import { bounds, certainty, estimate } from "../statistics.ts";

/** The most counts of a tally: results.jsonl and results.csv have about 100 bytes for each, and each must fit a string. */
const MAX_TALLY = 2 ** 21;
/** The most instances that are enumerated: their indices have 32 bits. */
const MAX_INSTANCES = 2 ** 32 - 1;

/** A request for the phase experiment. */
export interface PhaseRequest {
  /** Default `rssp`. */
  ensemble?: Ensemble;
  /** k: the half range is 2^k, for products 4^k. One of `bits` and `halfRange` is needed. */
  bits?: number;
  /** M, 1..2^20, for products a perfect square; for `rnpp` 1..2^22 - 1. */
  halfRange?: number;
  /** n, or a range of n with both ends included, 0..64. Default: 1 to log2 M + 14. */
  items?: number | { from: number; to: number };
  /** Integers of 32 bits, or every target of -M..M. Default: 1 and M; 0 and 1 for `rnpp`. */
  targets?: readonly number[] | "all";
  /** D: a target counts as reached where a sum is at most D away. Default 0. Not for `rnpp`. */
  within?: number;
  /** s: only subsets of exactly s items count. Default: subsets of any size. Not for `rnpp`. */
  size?: number;
  /** 1..2^48, or `all` to count every instance once instead of drawing. Default 1,000,000. */
  trials?: number | "all";
  /** 0..2^64 - 1; a string is read as a decimal. Default 1. */
  seed?: bigint | number | string;
}

/** A request with all defaults filled in. */
export interface PhaseConfig {
  readonly ensemble: Ensemble;
  readonly halfRange: number;
  readonly items: { readonly from: number; readonly to: number };
  readonly targets: readonly number[];
  readonly within: number;
  readonly size: number | undefined;
  readonly trials: number;
  /** Whether every instance is counted once instead of drawn. */
  readonly enumerate: boolean;
  readonly seed: bigint;
}

const ALL = '"all"';
/** The largest distance from a target. */
const MAX_WITHIN = 2 ** 20;

const requestSchema = z.strictObject({
  ...ensembleFields,
  items: z.optional(itemsField(MAX_ITEMS)),
  targets: z.optional(
    z.union(
      [z.literal("all"), z.array(integer(-(2 ** 31), 2 ** 31 - 1)).check(z.minLength(1))],
      `${ALL} or a list of integers in -2147483648..2147483647`,
    ),
  ),
  within: z._default(integer(0, MAX_WITHIN), 0),
  size: z.optional(integer(0, MAX_ITEMS)),
  trials: z._default(
    z.union([z.literal("all"), integer(1, MAX_TRIALS)], `${ALL} or an integer in 1..${MAX_TRIALS}`),
    1e6,
  ),
  seed: z._default(seedSchema, 1n),
});

/**
 * Checks a request and fills in its defaults.
 * @throws {RequestError} for a field with a wrong value.
 */
export function phaseConfig(request: PhaseRequest): PhaseConfig {
  const asked = parse(requestSchema, request);
  const { ensemble } = asked;
  const halfRange = askedHalfRange(asked, maxHalfRange(ensemble));
  const range = askedItems(
    asked.items ?? { from: 1, to: Math.min(Math.ceil(Math.log2(halfRange)) + 14, MAX_ITEMS) },
  );
  const targets =
    asked.targets === "all"
      ? Array.from({ length: 2 * halfRange + 1 }, (_, i) => i - halfRange)
      : [...new Set(asked.targets ?? (ensemble === "rnpp" ? [0, 1] : [1, halfRange]))];
  const words = reachTally({ itemsFrom: range.from, itemsTo: range.to, targets: targets.length }).length;
  if (words > MAX_TALLY)
    throw new RequestError(
      "targets",
      `at most ${MAX_TALLY} counts, (targets + 3) x (numbers of items)`,
      words,
      "ask for fewer targets or items",
    );
  const instances = lawOf(ensemble, halfRange).range ** range.to;
  if (asked.trials === "all" && instances > MAX_INSTANCES)
    throw new RequestError("trials", `a number where there are more than ${MAX_INSTANCES} instances`, "all");
  const trials = asked.trials === "all" ? instances : asked.trials;
  const config: PhaseConfig = {
    ensemble,
    halfRange,
    items: range,
    targets,
    within: asked.within,
    size: asked.size,
    trials,
    enumerate: asked.trials === "all",
    seed: asked.seed,
  };
  checkConstrained(config);
  return config;
}

/** The plan of a configuration, for any range of its trials. */
export function plan(config: PhaseConfig): Plan {
  const { ensemble, halfRange, seed } = config;
  return reachPlan({
    ...config,
    law: lawOf(ensemble, halfRange),
    key: ensembleKey(seed, ensemble, halfRange),
  });
}

/** A configuration with its work. */
export interface PlannedPhase {
  readonly config: PhaseConfig;
  readonly plan: Plan;
}

/** The counts of the first `trials` trials. */
export interface Counts {
  readonly trials: number;
  /** A sum of tallies of kernel `reach`. */
  readonly words: ArrayLike<number>;
}

/** The trials that were asked for, and the look at which they are. */
export interface Asked {
  /** Default: the trials of the configuration. */
  readonly asked?: number;
  /** A look at the intervals of a sweep that ends by their width. */
  readonly look?:
    | {
        /** The number of looks until now, this one included. */
        readonly looks: number;
        /** The probability with which each limit may be wrong. */
        readonly tail: number;
      }
    | undefined;
}

/** The findings of a sweep from its counts, one for each number of items in ascending order; none where no trial was counted. */
export function find(
  { config, plan }: PlannedPhase,
  { trials, words }: Counts,
  provenance: Provenance,
  { asked = config.trials, look }: Asked = {},
): PhaseFinding[] {
  const { ensemble, halfRange, items, targets, within, size, enumerate, seed } = config;
  if (trials === 0) return [];
  const layout = reachTally(plan.params);
  const bits = bitsOf(ensemble, halfRange);
  const complete = trials >= asked;
  const success = (failures: number) => {
    const solved = trials - failures;
    if (!enumerate) return estimate(solved, trials, look?.tail);
    return complete ? certainty(solved, trials) : bounds(solved, trials, asked);
  };
  return Array.from({ length: items.to - items.from + 1 }, (_, j) => {
    // A count of 64 bits or more, low word first.
    const missing = BigInt(words[layout.missing(j)]!) + (BigInt(words[layout.missing(j) + 1]!) << 32n);
    return {
      kind: "phase",
      ensemble,
      ...(bits === undefined ? {} : { bits }),
      halfRange,
      ...(within > 0 && { within }),
      ...(size !== undefined && { size }),
      items: items.from + j,
      trials,
      asked,
      complete,
      ...(look && { looks: look.looks }),
      ...(enumerate ? {} : { seed: String(seed) }),
      interval: enumerate ? (complete ? "exact" : "bounds") : "clopper-pearson",
      targets: targets.map((target, t) => ({ target, ...success(words[layout.unsolved(t, j)]!) })),
      [ensemble === "rnpp" ? "perfect" : "covered"]: success(words[layout.uncovered(j)]!),
      meanCovered: Number(BigInt(2 * halfRange + 1) * BigInt(trials) - missing) / trials,
      ...provenance,
    };
  });
}

/** The width of the widest interval of a sum of tallies, high - low. */
export function widestInterval(
  { config, plan }: PlannedPhase,
  { trials, words }: Counts,
  tail: number,
): number {
  const layout = reachTally(plan.params);
  // The interval is widest for the share that is nearest to one half.
  let nearest = 0;
  const see = (failures: number) => (nearest = Math.max(nearest, Math.min(failures, trials - failures)));
  for (let j = 0; j <= config.items.to - config.items.from; j++) {
    see(words[layout.uncovered(j)]!);
    for (let t = 0; t < config.targets.length; t++) see(words[layout.unsolved(t, j)]!);
  }
  const { low, high } = estimate(nearest, trials, tail);
  return high - low;
}

/** The fields of a configuration that decide its numbers: all but the trials, with `all` for every target of -M..M. */
export function phaseFields(config: PhaseConfig) {
  const { ensemble, halfRange, items, targets, within, size, enumerate, seed } = config;
  const isAll =
    targets.length === 2 * halfRange + 1 && targets.every((target, i) => target === i - halfRange);
  return {
    ensemble,
    halfRange,
    items: { ...items },
    targets: isAll ? ("all" as const) : [...targets],
    ...(within > 0 && { within }),
    ...(size !== undefined && { size }),
    ...(enumerate ? { trials: "all" as const } : { seed: String(seed) }),
  };
}
