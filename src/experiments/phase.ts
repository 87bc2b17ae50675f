// The phase experiment: how often a random instance reaches its targets, for every number of items of a range.

import * as z from "zod/mini";
import { RequestError } from "../errors.ts";
import { integer, parse } from "../check.ts";
import {
  bitsOf,
  ensembleKey,
  ensembles,
  halfRangeOf,
  isProduct,
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
import { reachPlan } from "../reach-plan.ts";
import { certainty, estimate } from "../statistics.ts";

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
  readonly trials: number;
  /** Whether every instance is counted once instead of drawn. */
  readonly enumerate: boolean;
  readonly seed: bigint;
}

const items = integer(0, MAX_ITEMS);
const ALL = '"all"';

const requestSchema = z.strictObject({
  ensemble: z._default(z.enum(ensembles, `one of ${ensembles.join(", ")}`), "rssp"),
  // Checked later, since their ranges depend on the ensemble.
  bits: z.optional(z.unknown()),
  halfRange: z.optional(z.unknown()),
  items: z.optional(
    z.union(
      [items, z.strictObject({ from: items, to: items })],
      `n or a range A..B, integers in 0..${MAX_ITEMS}`,
    ),
  ),
  targets: z.optional(
    z.union(
      [z.literal("all"), z.array(integer(-(2 ** 31), 2 ** 31 - 1)).check(z.minLength(1))],
      `${ALL} or a list of integers in -2147483648..2147483647`,
    ),
  ),
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
  if ((asked.bits === undefined) === (asked.halfRange === undefined))
    throw new RequestError(
      "bits, halfRange",
      "exactly one of the two",
      asked.bits === undefined ? undefined : "both",
    );
  const most = maxHalfRange(ensemble);
  const mostBits = Math.floor(Math.log2(most) / (isProduct(ensemble) ? 2 : 1));
  const halfRange =
    asked.bits === undefined
      ? parse(integer(1, most), asked.halfRange, "halfRange")
      : halfRangeOf(ensemble, parse(integer(0, mostBits), asked.bits, "bits"));
  if (isProduct(ensemble) && !Number.isInteger(Math.sqrt(halfRange)))
    throw new RequestError("halfRange", `a perfect square for ${ensemble}`, halfRange);
  const range =
    typeof asked.items === "number"
      ? { from: asked.items, to: asked.items }
      : (asked.items ?? { from: 1, to: Math.min(Math.ceil(Math.log2(halfRange)) + 14, MAX_ITEMS) });
  if (range.from > range.to)
    throw new RequestError("items", "A..B with A not above B", `${range.from}..${range.to}`);
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
  return {
    ensemble,
    halfRange,
    items: range,
    targets,
    trials,
    enumerate: asked.trials === "all",
    seed: asked.seed,
  };
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
interface Counts {
  readonly trials: number;
  /** The tally of kernel `reach`, each word summed over batches. */
  readonly words: ArrayLike<number>;
}

/** The findings of a sweep from its counts, one for each number of items in ascending order. */
export function find(
  { config, plan }: PlannedPhase,
  { trials, words }: Counts,
  provenance: Provenance,
): PhaseFinding[] {
  const { ensemble, halfRange, items, targets, enumerate, seed } = config;
  const layout = reachTally(plan.params);
  const bits = bitsOf(ensemble, halfRange);
  const toEstimate = enumerate ? certainty : estimate;
  const success = (failures: number) => toEstimate(trials - failures, trials);
  return Array.from({ length: items.to - items.from + 1 }, (_, j) => {
    // A count of 64 bits, low word first.
    const missing = BigInt(words[layout.missing(j)]!) + (BigInt(words[layout.missing(j) + 1]!) << 32n);
    return {
      kind: "phase",
      ensemble,
      ...(bits === undefined ? {} : { bits }),
      halfRange,
      items: items.from + j,
      trials,
      ...(enumerate ? {} : { seed: String(seed) }),
      interval: enumerate ? "exact" : "clopper-pearson",
      targets: targets.map((target, t) => ({ target, ...success(words[layout.unsolved(t, j)]!) })),
      [ensemble === "rnpp" ? "perfect" : "covered"]: success(words[layout.uncovered(j)]!),
      meanCovered: Number(BigInt(2 * halfRange + 1) * BigInt(trials) - missing) / trials,
      ...provenance,
    };
  });
}
