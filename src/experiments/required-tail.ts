// The required experiment far below what trials can count: the fewest items by the exact tail, or by trials that draw magnitudes
// alone (tail.ts). P(failure of the worst target) falls with every item, so that a search by halves finds them.

import { MAX_ITEMS } from "../ensemble.ts";
import type { Failure, Provenance, RequiredFinding } from "../finding.ts";
import { products } from "../theory/rejection.ts";
import { magnitudesOf, MAX_TAIL_ITEMS, maxExactHalfRange, tailByItems } from "../theory/tail.ts";
import { measuredPools, type RequiredConfig } from "./required.ts";
import {
  certain,
  exactCount,
  numbersOf,
  runCount,
  runFailures,
  tailKey,
  tailRun,
  wordsOfNumbers,
  type RunSetting,
  type TailCount,
} from "./tail.ts";

type Pool = RequiredFinding["pool"];

/** The failure of the worst target with some number of items, with that target. */
type Worst = Failure & { readonly target: number };

const SOURCES = { uniform: "rssp", products: "products", support: "support" } as const;

function poolMagnitudes(pool: Pool, halfRange: number): number[] {
  return pool === "support"
    ? [...products(Math.sqrt(halfRange))]
    : magnitudesOf(pool === "uniform" ? "rssp" : "products", halfRange);
}

/** Whether the exact method serves a pool. */
const isExact = (pool: Pool, halfRange: number): boolean =>
  halfRange <= maxExactHalfRange(pool === "uniform" ? "rssp" : "products");

/**
 * The targets of which the worst is taken. With few magnitudes all are; otherwise those that range and divisors make the worst:
 * the least, which divide nothing, and the highest, of which some are odd and no multiple of 3.
 */
function worstCandidates(pool: Pool, halfRange: number): number[] {
  const all = Array.from({ length: halfRange }, (_, i) => i + 1);
  return isExact(pool, halfRange) ? all : all.filter((target) => target <= 3 || target > halfRange - 6);
}

function worstOf(failures: readonly Failure[], targets: readonly number[]): Worst {
  let worst = 0;
  for (let i = 1; i < failures.length; i++) if (failures[i]!.failure > failures[worst]!.failure) worst = i;
  return { ...failures[worst]!, target: targets[worst]! };
}

/** A count that the search may ask for: the exact failures of a pool, or trials of a pool with a number of items. */
export interface SearchCount extends TailCount {
  readonly pool: Pool;
  /** 1..160; undefined for the exact failures. */
  readonly items: number | undefined;
}

/** All counts that the search of a configuration may ask for. */
export function searchCounts(config: RequiredConfig): SearchCount[] {
  return measuredPools(config).flatMap((pool) =>
    isExact(pool, 2 ** config.bits)
      ? [exactSearch(config, pool)]
      : Array.from({ length: MAX_TAIL_ITEMS }, (_, i) => trialsWith(config, pool, i + 1)),
  );
}

const exactSearch = (config: RequiredConfig, pool: Pool): SearchCount => ({
  ...exactCount(2 * (MAX_TAIL_ITEMS + 1), () => exactSearchWords(config, pool)),
  pool,
  items: undefined,
});

const trialsWith = (config: RequiredConfig, pool: Pool, items: number): SearchCount => ({
  ...runCount(settingOf(config, pool, items)),
  pool,
  items,
});

function settingOf(
  { bits, tailTrials: trials, seed }: RequiredConfig,
  pool: Pool,
  items: number,
): RunSetting {
  const halfRange = 2 ** bits;
  return {
    magnitudes: poolMagnitudes(pool, halfRange),
    halfRange,
    targets: worstCandidates(pool, halfRange),
    items,
    trials,
    key: tailKey(seed, SOURCES[pool], halfRange),
  };
}

/**
 * The failure of the worst target and that target for 0, 1, ... items, until all failures asked for are reached, in steps between
 * which a caller may stop: numbers of 64 bits, the rest of which are 0.
 */
function* exactSearchWords(
  { bits, failures }: RequiredConfig,
  pool: Pool,
): Generator<void, Float64Array, undefined> {
  const halfRange = 2 ** bits;
  const targets = worstCandidates(pool, halfRange);
  const rows = tailByItems(poolMagnitudes(pool, halfRange), halfRange, targets);
  const least = Math.min(...failures);
  const numbers = Array.from({ length: 2 * (MAX_TAIL_ITEMS + 1) }, () => 0);
  for (let n = 0; n <= MAX_TAIL_ITEMS; n++) {
    const [, ...values] = rows.next().value;
    const { failure, target } = worstOf(values.map(certain), targets);
    numbers.splice(2 * n, 2, failure, target);
    if (failure <= least) break;
    yield;
  }
  return wordsOfNumbers(numbers);
}

/** The failures of the worst target that `exactSearchWords` has. */
function exactWorst(words: Float64Array): Worst[] {
  const numbers = numbersOf(words);
  const worst = Array.from({ length: MAX_TAIL_ITEMS + 1 }, (_, n) => ({
    ...certain(numbers[2 * n]!),
    target: numbers[2 * n + 1]!,
  }));
  return worst.filter(({ failure }) => failure > 0);
}

/** About the most trials that the search takes, for progress. */
export function mostSearchTrials(config: RequiredConfig): number {
  const steps = Math.min(MAX_TAIL_ITEMS, SEARCH_STEPS * config.failures.length);
  return measuredPools(config).reduce(
    (sum, pool) => sum + (isExact(pool, 2 ** config.bits) ? 1 : steps * config.tailTrials),
    0,
  );
}

/** About how many numbers of items the search for one failure tries. */
const SEARCH_STEPS = 8;

/**
 * The findings of each pool, one for each failure in the order asked. A pool whose counts are not complete has none.
 * @param measure Counts all trials, and resolves to their tally; to undefined where they are not complete.
 */
export async function* requiredTailFindings(
  config: RequiredConfig,
  measure: (count: SearchCount) => Promise<Float64Array | undefined>,
  provenance: () => Provenance,
): AsyncGenerator<RequiredFinding[], void, undefined> {
  for (const pool of measuredPools(config)) {
    const search = searchPool(config, pool, provenance);
    let step = search.next();
    while (!step.done) {
      const words = await measure(step.value);
      if (!words) break;
      step = search.next(words);
    }
    if (step.done) yield step.value;
  }
}

/** A search that yields the counts that it needs, takes their tallies, and depends on nothing else. */
type Search<Found> = Generator<SearchCount, Found, Float64Array>;

function* searchPool(
  config: RequiredConfig,
  pool: Pool,
  provenance: () => Provenance,
): Search<RequiredFinding[]> {
  const { bits, failures, tailTrials: trials, seed } = config;
  const halfRange = 2 ** bits;
  const exact = isExact(pool, halfRange);
  const known: Worst[] = exact ? exactWorst(yield exactSearch(config, pool)) : [{ ...certain(1), target: 1 }];
  const itemsTo = exact ? known.length - 1 : MAX_TAIL_ITEMS;
  function* worstAt(items: number): Search<Worst> {
    if (!known[items]) {
      const words = yield trialsWith(config, pool, items);
      const setting = settingOf(config, pool, items);
      known[items] = worstOf(runFailures(tailRun(setting), words).slice(1), setting.targets);
    }
    return known[items];
  }
  /** The fewest items with which a side of the interval is at most `failure`; undefined where `itemsTo` are not enough. */
  function* fewest(failure: number, side: "failure" | "low" | "high"): Search<number | undefined> {
    function* between(fails: number, serves: number): Search<number> {
      if (serves - fails <= 1) return serves;
      const middle = (fails + serves) >> 1;
      const worst = yield* worstAt(middle);
      return yield* worst[side] <= failure ? between(fails, middle) : between(middle, serves);
    }
    // Trials of more than 64 items, which are counted by several moduli, take longer: they come last.
    const few = Math.min(MAX_ITEMS, itemsTo);
    const items = yield* between(0, few + 1);
    if (items <= few) return items;
    const more = yield* between(few, itemsTo + 1);
    return more > itemsTo ? undefined : more;
  }
  const found: RequiredFinding[] = [];
  for (const failure of failures) {
    const items = yield* fewest(failure, "failure");
    const common = {
      kind: "required",
      method: exact ? "exact" : "conditional",
      pool,
      bits,
      halfRange,
      failure,
      itemsTo: MAX_TAIL_ITEMS,
      information: Math.log2(2 * halfRange + 1),
      cost: pool === "support" ? halfRange / poolMagnitudes(pool, halfRange).length : 1,
      ...(exact ? {} : { trials, seed: String(seed) }),
      ...provenance(),
    } as const;
    if (items === undefined) {
      found.push(common);
      continue;
    }
    const low = yield* fewest(failure, "low");
    const high = yield* fewest(failure, "high");
    const measured = yield* worstAt(items);
    const before = yield* worstAt(items - 1);
    const probabilityOf = ({ failure: probability, low, high }: Worst) => ({ probability, low, high });
    found.push({
      ...common,
      items,
      ...(exact ? {} : { itemsLow: low!, ...(high === undefined ? {} : { itemsHigh: high }) }),
      target: measured.target,
      measured: probabilityOf(measured),
      before: probabilityOf(before),
      decided: low === high,
    });
  }
  return found;
}
