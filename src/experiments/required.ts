// The required experiment: the fewest random items for which the worst target of -M..M fails with a given probability at
// most. A scan of every target finds the candidates for the worst; fresh trials then measure the candidates alone. The
// maximum is so taken over a few noisy counts instead of thousands, and is less biased.

import * as z from "zod/mini";
import { RequestError } from "../errors.ts";
import { integer, parse } from "../check.ts";
import { lawOf, listedLaw, MAX_ITEMS, MAX_TRIALS } from "../ensemble.ts";
import type { Provenance, RequiredFinding } from "../finding.ts";
import { reachTally } from "../kernels/reach.ts";
import { TRIALS_OF_STRATUM } from "../kernels/tail.ts";
import type { Plan } from "../plan.ts";
import { seedSchema, streamKey } from "../random.ts";
import { reachPlan } from "../reach-plan.ts";
import { estimate } from "../statistics.ts";
import { products } from "../theory/rejection.ts";

export const requiredMethods = ["counts", "tail"] as const;

const pools = ["uniform", "products", "support"] as const;
type Pool = (typeof pools)[number];

/** The most bits of a half range: a scan counts every one of its 2^bits targets. */
const MAX_BITS = 12;
/** The fewest failures that a measurement should expect; the standard error is then 10 % of the probability. */
const MIN_EXPECTED_FAILURES = 100;
const MIN_COUNTED_FAILURE = 1e-6;
const MIN_FAILURE = 1e-15;
/** Trials of each number of items by the tail. */
const TAIL_TRIALS = 10_000;

/** The request of `measureRequired`. */
export interface RequiredRequest {
  /** k, M = 2^k, 0..12. */
  bits: number;
  /** Probabilities with which the worst target may fail, each in 1e-15..0.5. Default 0.5, 0.1, 0.01, 0.001. */
  failures?: readonly number[];
  /**
   * - `counts`: trials that fail are counted; failures are at least 1e-6.
   * - `tail`: as `measureTail` does, exactly for M up to 12 (products: 16), otherwise by trials that sum over all signs.
   *
   * Default: `counts`, where no failure is below 1e-6.
   */
  method?: (typeof requiredMethods)[number];
  /**
   * Trials that measure the candidates, at least 100 / (smallest failure). Default: that number, or 1,000,000 if larger. By the
   * method `tail` trials of each number of items, 100..2^32 - 4, rounded up to a multiple of 4; default 10,000.
   */
  trials?: number;
  /** 0..2^64 - 1; a string is read as a decimal. Default 1. */
  seed?: bigint | number | string;
}

export interface RequiredConfig {
  readonly bits: number;
  readonly failures: readonly number[];
  readonly method: (typeof requiredMethods)[number];
  readonly trials: number;
  readonly scanTrials: number;
  /** Trials of each number of items by the method `tail`. */
  readonly tailTrials: number;
  readonly seed: bigint;
}

const FAILURE = `a number in ${MIN_FAILURE}..0.5`;
const schema = z.strictObject({
  bits: integer(0, MAX_BITS),
  failures: z._default(
    z
      .array(z.number(FAILURE).check(z.refine((value) => value >= MIN_FAILURE && value <= 0.5, FAILURE)))
      .check(z.minLength(1, FAILURE)),
    [0.5, 0.1, 0.01, 0.001],
  ),
  method: z.optional(z.enum(requiredMethods, `one of ${requiredMethods.join(", ")}`)),
  trials: z.optional(integer(100, MAX_TRIALS)),
  seed: z._default(seedSchema, 1n),
});

/**
 * Fills in the defaults of a request and checks it.
 * @throws {RequestError} Names the field that is wrong.
 */
export function requiredConfig(request: RequiredRequest): RequiredConfig {
  const { bits, failures, method: askedMethod, trials: asked, seed } = parse(schema, request);
  const least = Math.min(...failures);
  const method = askedMethod ?? (least < MIN_COUNTED_FAILURE ? "tail" : "counts");
  if (method === "tail") {
    const tailTrials = TRIALS_OF_STRATUM * Math.ceil((asked ?? TAIL_TRIALS) / TRIALS_OF_STRATUM);
    parse(integer(100, 2 ** 32 - 4), tailTrials, "trials");
    return { bits, failures, method, trials: 0, scanTrials: 0, tailTrials, seed };
  }
  if (least < MIN_COUNTED_FAILURE)
    throw new RequestError("failures", `at least ${MIN_COUNTED_FAILURE} for the method counts`, least, {
      option: "method",
      value: "tail",
    });
  parse(z.optional(integer(1000, MAX_TRIALS)), asked, "trials");
  const fewest = Math.ceil(MIN_EXPECTED_FAILURES / least);
  const trials = asked ?? Math.max(1e6, fewest);
  if (trials < fewest)
    throw new RequestError(
      "trials",
      `at least ${fewest} to tell a failure of ${Math.min(...failures)}`,
      trials,
    );
  const scanTrials = Math.max(1000, Math.round(trials / 20));
  return { bits, failures, method, trials, scanTrials, tailTrials: 0, seed };
}

/** The pools that are measured: all three where 2^bits is a square, which products need, and otherwise `uniform` alone. */
export function measuredPools({ bits }: RequiredConfig): readonly Pool[] {
  return bits % 2 === 0 ? pools : ["uniform"];
}

/**
 * The work of counting the failures of targets for every number of items. It goes up to the number of items that is enough
 * where failures fall at least like (3/4)^n. That is the rate for odd targets of products: a product of two weights is even
 * with probability 3/4, and even products miss every odd target.
 * @param stage 0 for the scan and 1 for the measurement, which draw different trials.
 */
function requiredPlan(
  { bits, failures, seed }: RequiredConfig,
  pool: Pool,
  targets: readonly number[],
  stage: 0 | 1,
): Plan {
  const halfRange = 2 ** bits;
  const to = Math.ceil(bits + 2 - Math.log(Math.min(...failures)) / Math.log(4 / 3));
  const magnitudes = pool === "support" ? products(Math.sqrt(halfRange)) : undefined;
  return reachPlan({
    law: magnitudes ? listedLaw(magnitudes) : lawOf(pool === "uniform" ? "rssp" : "products", halfRange),
    ...(magnitudes ? { magnitudes } : {}),
    key: streamKey(seed, [2 ** 16 + 2 * pools.indexOf(pool) + stage, halfRange]),
    halfRange,
    items: { from: 0, to: Math.min(to, MAX_ITEMS) },
    targets,
    enumerate: false,
  });
}

/** Every target that can be the worst: 1..M, since a target and its opposite fail equally often. */
function scanTargets({ bits }: RequiredConfig): number[] {
  return Array.from({ length: 2 ** bits }, (_, i) => i + 1);
}

/** The target that fails most often with `n` items, by its index, and the number of its failures. */
function worstTarget(plan: Plan, words: ArrayLike<number>, n: number): { index: number; failures: number } {
  const layout = reachTally(plan.params);
  let [index, failures] = [0, -1];
  for (let t = 0; t < plan.params.targets; t++) {
    const count = words[layout.unsolved(t, n)]!;
    if (count > failures) [index, failures] = [t, count];
  }
  return { index, failures };
}

/** The most targets that are measured whatever the scan finds. */
const ENDS = 3;

/** The targets that the scan found worst for some number of items, and 1, M - 1 and M, which theory expects to be the worst. */
function candidates(config: RequiredConfig, plan: Plan, words: ArrayLike<number>): number[] {
  const M = 2 ** config.bits;
  const ends = [1, M - 1, M].filter((target) => target >= 1);
  const scanned = Array.from(
    { length: plan.params.itemsTo },
    (_, i) => worstTarget(plan, words, i + 1).index + 1,
  );
  return [...new Set([...ends, ...scanned])];
}

/** A count that the experiment asks for: the scan of a pool, or the measurement of its candidates. */
export interface RequiredCount {
  readonly pool: Pool;
  readonly stage: "scan" | "measurement";
  readonly plan: Plan;
  readonly trials: number;
}

/** The counts of a configuration before anything is known, with as many targets as the measurements can have. */
export function longestCounts(config: RequiredConfig): RequiredCount[] {
  return measuredPools(config).flatMap((pool): RequiredCount[] => {
    const scan = requiredPlan(config, pool, scanTargets(config), 0);
    const most = ENDS + scan.params.itemsTo;
    const plan = requiredPlan(config, pool, scanTargets(config).slice(0, most), 1);
    return [
      { pool, stage: "scan", plan: scan, trials: config.scanTrials },
      { pool, stage: "measurement", plan, trials: config.trials },
    ];
  });
}

/**
 * Runs the experiment on counts that `count` makes: for each pool a scan, and then the measurement of what it found. The
 * findings of a pool are yielded when they are known, one for each failure in the order asked. A pool whose counts have fewer
 * trials than were asked for has none.
 */
export async function* requiredFindings(
  config: RequiredConfig,
  count: (wanted: RequiredCount) => Promise<{ readonly trials: number; readonly words: ArrayLike<number> }>,
  provenance: () => Provenance,
): AsyncGenerator<RequiredFinding[], void, undefined> {
  for (const pool of measuredPools(config)) {
    const scan = requiredPlan(config, pool, scanTargets(config), 0);
    const scanned = await count({ pool, stage: "scan", plan: scan, trials: config.scanTrials });
    if (scanned.trials < config.scanTrials) continue;
    const targets = candidates(config, scan, scanned.words);
    const plan = requiredPlan(config, pool, targets, 1);
    const { trials, words } = await count({ pool, stage: "measurement", plan, trials: config.trials });
    if (trials < config.trials) continue;
    yield findRequired(config, pool, plan, targets, trials, words, provenance());
  }
}

/**
 * The fields of a configuration, all of which decide its numbers: the scan chooses the targets by a share of the trials, and the
 * trials of the tail are weighted by how many they are.
 */
export function requiredFields({ bits, failures, method, trials, tailTrials, seed }: RequiredConfig) {
  const counts = method === "tail" ? { method, trials: tailTrials } : { trials };
  return { bits, failures: [...failures], ...counts, seed: String(seed) };
}

/** The findings of a pool, one for each failure in the order asked. `words` may hold sums over batches. */
function findRequired(
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
      method: "counts",
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
      const worst = worstTarget(plan, words, n);
      if (worst.failures > failure * trials) continue;
      const measured = estimate(worst.failures, trials);
      const before = estimate(worstTarget(plan, words, n - 1).failures, trials);
      return {
        ...common,
        items: n,
        target: targets[worst.index]!,
        measured,
        before,
        decided: measured.high <= failure && before.low > failure,
      };
    }
    return common;
  });
}
