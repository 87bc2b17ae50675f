// The required experiment: how many random items it takes until the worst target of -M..M fails at most so often. A scan
// of every target finds the candidates for the worst; fresh trials then measure those alone, so that the maximum is over
// few noisy counts and not over thousands.

import * as z from "zod/mini";
import { RequestError } from "../errors.ts";
import { integer, parse } from "../check.ts";
import { lawOf, listedLaw, MAX_ITEMS, MAX_TRIALS } from "../ensemble.ts";
import type { Provenance, RequiredFinding } from "../finding.ts";
import { reachTally } from "../kernels/reach.ts";
import type { Plan } from "../plan.ts";
import { seedSchema, streamKey } from "../random.ts";
import { estimate } from "../statistics.ts";
import { products } from "../theory/rejection.ts";
import { instancesPlan } from "./phase.ts";

const pools = ["uniform", "products", "support"] as const;
type Pool = (typeof pools)[number];

/** Beyond this a scan of every target takes minutes. */
const MAX_BITS = 12;
/** Fewer failures than this say little about a probability. */
const TELLING = 100;
const LEAST_FAILURE = 1e-6;

/** The request of `measureRequired`. */
export interface RequiredRequest {
  /** k, M = 2^k, 0..12. */
  bits: number;
  /** How often the worst target may fail, each in 1e-6..0.5. Default 0.5, 0.1, 0.01, 0.001. */
  failures?: readonly number[];
  /** Trials that measure the candidates, at least 100 over the smallest failure. Default that, and 1,000,000 at least. */
  trials?: number;
  /** 0..2^64 - 1; a string is read as a decimal. Default 1. */
  seed?: bigint | number | string;
}

export interface RequiredConfig {
  readonly bits: number;
  readonly failures: readonly number[];
  readonly trials: number;
  readonly scanTrials: number;
  readonly seed: bigint;
}

const FAILURE = `a number in ${LEAST_FAILURE}..0.5`;
const schema = z.strictObject({
  bits: integer(0, MAX_BITS),
  failures: z._default(
    z
      .array(z.number(FAILURE).check(z.refine((value) => value >= LEAST_FAILURE && value <= 0.5, FAILURE)))
      .check(z.minLength(1, FAILURE)),
    [0.5, 0.1, 0.01, 0.001],
  ),
  trials: z.optional(integer(1000, MAX_TRIALS)),
  seed: z._default(seedSchema, 1n),
});

/** Completes and checks a request. Throws TypeError or RangeError naming the field, what it may be and what came. */
export function requiredConfig(request: RequiredRequest): RequiredConfig {
  const { bits, failures, trials: asked, seed } = parse(schema, request);
  const telling = Math.ceil(TELLING / Math.min(...failures));
  const trials = asked ?? Math.max(1e6, telling);
  if (trials < telling)
    throw new RequestError(
      "trials",
      `at least ${telling} to tell a failure of ${Math.min(...failures)}`,
      trials,
    );
  return { bits, failures, trials, scanTrials: Math.max(1000, Math.round(trials / 20)), seed };
}

/** The pools that have a half range of 2^bits: products need a square. */
export function poolsOf({ bits }: RequiredConfig): readonly Pool[] {
  return bits % 2 === 0 ? pools : ["uniform"];
}

/**
 * The work of counting, for every number of items, the failures of some targets. `stage` 0 and 1 draw differently.
 * The largest number of items suffices where failures fall at least like (3/4)^n, the rate of odd targets of products.
 */
export function requiredPlan(
  { bits, failures, seed }: RequiredConfig,
  pool: Pool,
  targets: readonly number[],
  stage: 0 | 1,
): Plan {
  const halfRange = 2 ** bits;
  const to = Math.ceil(bits + 2 - Math.log(Math.min(...failures)) / Math.log(4 / 3));
  const magnitudes = pool === "support" ? products(Math.sqrt(halfRange)) : undefined;
  return instancesPlan({
    law: magnitudes ? listedLaw(magnitudes) : lawOf(pool === "uniform" ? "rssp" : "products", halfRange),
    ...(magnitudes ? { magnitudes } : {}),
    key: streamKey(seed, [2 ** 16 + 2 * pools.indexOf(pool) + stage, halfRange]),
    halfRange,
    items: { from: 0, to: Math.min(to, MAX_ITEMS) },
    targets,
    enumerate: false,
  });
}

/** Every target that can be the worst: by symmetry the positive ones. */
export function scanTargets({ bits }: RequiredConfig): number[] {
  return Array.from({ length: 2 ** bits }, (_, i) => i + 1);
}

/** Index and failures of the target that fails most often with `n` items. */
function worst(plan: Plan, words: ArrayLike<number>, n: number): { t: number; failed: number } {
  const place = reachTally(plan.params);
  let [t, failed] = [0, -1];
  for (let i = 0; i < plan.params.targets; i++) {
    const count = words[place.unsolved(i, n)]!;
    if (count > failed) [t, failed] = [i, count];
  }
  return { t, failed };
}

/** The targets that the scan found worst with some number of items, and the ends of the range. */
export function candidates(config: RequiredConfig, plan: Plan, words: ArrayLike<number>): number[] {
  const M = 2 ** config.bits;
  const ends = [1, M - 1, M].filter((target) => target >= 1);
  const scanned = Array.from({ length: plan.params.itemsTo }, (_, i) => worst(plan, words, i + 1).t + 1);
  return [...new Set([...ends, ...scanned])];
}

/** What the measurement says, one finding for each failure asked. */
export function findRequired(
  config: RequiredConfig,
  pool: Pool,
  plan: Plan,
  targets: readonly number[],
  trials: number,
  words: ArrayLike<number>,
  provenance: Provenance,
): RequiredFinding[] {
  const halfRange = 2 ** config.bits;
  const cost = pool === "support" ? halfRange / products(Math.sqrt(halfRange)).length : 1;
  return config.failures.map((failure) => {
    const common = {
      kind: "required",
      pool,
      bits: config.bits,
      halfRange,
      failure,
      itemsTo: plan.params.itemsTo,
      information: Math.log2(2 * halfRange + 1),
      cost,
      trials,
      seed: String(config.seed),
      ...provenance,
    } as const;
    for (let n = 1; n <= plan.params.itemsTo; n++) {
      const { t, failed } = worst(plan, words, n);
      if (failed > failure * trials) continue;
      const measured = estimate(failed, trials);
      const before = estimate(worst(plan, words, n - 1).failed, trials);
      return {
        ...common,
        items: n,
        target: targets[t]!,
        measured,
        before,
        decided: measured.high <= failure && before.low > failure,
      };
    }
    return common;
  });
}
