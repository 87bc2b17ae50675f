// The required experiment far below what trials can count: the fewest items by the exact tail, or by trials that draw magnitudes
// alone (tail.ts). P(failure of the worst target) falls with every item, so that a search by halves finds them.

import { MAX_ITEMS } from "../ensemble.ts";
import type { Failure, Provenance, RequiredFinding } from "../finding.ts";
import { products } from "../theory/rejection.ts";
import { magnitudesOf, MAX_TAIL_ITEMS, maxExactHalfRange, tailByItems } from "../theory/tail.ts";
import { measuredPools, type RequiredConfig } from "./required.ts";
import { runFailures, tailKey, tailRun, type TailRun, type TailSums } from "./tail.ts";

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

/** The most trials that the search may take, for progress. */
export function mostTailTrials(config: RequiredConfig): number {
  const drawn = measuredPools(config).filter((pool) => !isExact(pool, 2 ** config.bits));
  return drawn.length * Math.min(MAX_TAIL_ITEMS, SEARCH_STEPS * config.failures.length) * config.tailTrials;
}

/** About how many numbers of items the search for one failure tries. */
const SEARCH_STEPS = 8;

/**
 * The findings of each pool, one for each failure in the order asked.
 * @param measure Runs the trials of a run.
 */
export async function* requiredTailFindings(
  config: RequiredConfig,
  measure: (run: TailRun) => Promise<TailSums>,
  provenance: () => Provenance,
): AsyncGenerator<RequiredFinding[], void, undefined> {
  const { bits, failures, tailTrials: trials, seed } = config;
  const halfRange = 2 ** bits;
  for (const pool of measuredPools(config)) {
    const magnitudes = poolMagnitudes(pool, halfRange);
    const targets = worstCandidates(pool, halfRange);
    const exact = isExact(pool, halfRange);
    const known = new Map<number, Worst>([[0, { failure: 1, low: 1, high: 1, target: 1 }]]);
    if (exact) {
      const rows = tailByItems(magnitudes, halfRange, targets);
      const least = Math.min(...failures);
      for (let n = 0; n <= MAX_TAIL_ITEMS; n++) {
        const [, ...values] = rows.next().value;
        const worst = worstOf(
          values.map((failure) => ({ failure, low: failure, high: failure })),
          targets,
        );
        known.set(n, worst);
        if (worst.failure <= least) break;
      }
    }
    const itemsTo = exact ? known.size - 1 : MAX_TAIL_ITEMS;
    const worstAt = async (items: number): Promise<Worst> => {
      let worst = known.get(items);
      if (!worst) {
        const key = tailKey(seed, SOURCES[pool], halfRange);
        const run = tailRun({ magnitudes, halfRange, targets, items, trials, key });
        worst = worstOf(runFailures(run, await measure(run)).slice(1), targets);
        known.set(items, worst);
      }
      return worst;
    };
    /** The fewest items with which a side of the interval is at most `failure`; undefined where `itemsTo` are not enough. */
    const fewest = async (failure: number, side: "failure" | "low" | "high"): Promise<number | undefined> => {
      const between = async (fails: number, serves: number): Promise<number> => {
        if (serves - fails <= 1) return serves;
        const middle = (fails + serves) >> 1;
        return (await worstAt(middle))[side] <= failure ? between(fails, middle) : between(middle, serves);
      };
      // Trials of more than 64 items, which are counted by several moduli, take longer: they come last.
      const few = Math.min(MAX_ITEMS, itemsTo);
      const items = await between(0, few + 1);
      if (items <= few) return items;
      const more = await between(few, itemsTo + 1);
      return more > itemsTo ? undefined : more;
    };
    const found: RequiredFinding[] = [];
    for (const failure of failures) {
      const items = await fewest(failure, "failure");
      const common = {
        kind: "required",
        method: exact ? "exact" : "conditional",
        pool,
        bits,
        halfRange,
        failure,
        itemsTo: MAX_TAIL_ITEMS,
        information: Math.log2(2 * halfRange + 1),
        cost: pool === "support" ? halfRange / magnitudes.length : 1,
        ...(exact ? {} : { trials, seed: String(seed) }),
        ...provenance(),
      } as const;
      if (items === undefined) {
        found.push(common);
        continue;
      }
      const [low, high] = [await fewest(failure, "low"), await fewest(failure, "high")];
      const [measured, before] = [await worstAt(items), await worstAt(items - 1)];
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
    yield found;
  }
}
