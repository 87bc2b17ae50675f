// Pruning a random network to a target on an engine: every weight is a given instance, and its witness a mask.

import { outlineOf, type Network } from "../src/network.ts";
import { demandsOf, drawnWeights, layersOf, type Demand, type Scheme } from "../src/ticket/scheme.ts";
import { deviationOf, emptyMasks, keep, type Deviation, type Ticket } from "../src/ticket/ticket.ts";
import type { Instance } from "../src/problem.ts";
import type { Engine } from "./runner.ts";
import { solve } from "./solve.ts";

export interface PruneOptions {
  /** Keeps the smallest subsets instead of canonical ones. */
  readonly sparse?: boolean;
  readonly signal?: AbortSignal;
  /** Called now and then with the number of subset sums that are decided. */
  readonly onProgress?: (done: number) => void;
}

/** Subset sums from one report of progress to the next. */
const PROGRESS = 1000;

/** What came of pruning: a ticket that equals its target unless some weights have no subset. */
export interface Pruned {
  readonly ticket: Ticket;
  readonly failures: readonly Deviation[];
}

/**
 * Prunes the random network of a seed to a target whose weights have `targetBits` bits.
 * Throws TypeError or RangeError for a scheme that cannot serve the target.
 */
export async function prune(
  engine: Engine,
  target: Network,
  targetBits: number,
  scheme: Scheme,
  seed: bigint,
  { sparse = false, signal, onProgress }: PruneOptions = {},
): Promise<Pruned> {
  const outline = outlineOf(target, targetBits);
  const layers = layersOf(outline.widths, targetBits, scheme);
  const random = drawnWeights(scheme, seed);
  const masks = emptyMasks(layers);
  const failures: Deviation[] = [];
  let done = 0;
  // Instances are taken ahead of their findings, which come in the same order.
  const waiting: Demand[] = [];
  function* instances(): Generator<Instance> {
    for (const demand of demandsOf(target, layers, random)) {
      waiting.push(demand);
      yield { items: demand.items, target: demand.sum };
    }
  }
  const findings = solve(engine, instances(), { ask: [sparse ? "smallest" : "witness"] }, { signal });
  for await (const { witness, smallestWitness } of findings) {
    const demand = waiting.shift()!;
    const subset = sparse ? smallestWitness : witness;
    if (subset) keep(masks, layers, demand, subset);
    else failures.push(deviationOf(layers, demand, undefined));
    if (++done % PROGRESS === 0) onProgress?.(done);
  }
  return { ticket: { scheme, seed, target: outline, masks }, failures };
}
