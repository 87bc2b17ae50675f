// Pruning a random network to a target on an engine, many subset sums at a time.

import { outlineOf, type Network } from "../src/network.ts";
import { keepAnswers, tilesOf } from "../src/ticket/prune.ts";
import { layersOf, type Scheme } from "../src/ticket/scheme.ts";
import { emptyMasks, type Deviation, type Ticket } from "../src/ticket/ticket.ts";
import { runnerOf, type Engine } from "./runner.ts";

export interface PruneOptions {
  /** Keeps the smallest subsets instead of canonical ones. */
  readonly sparse?: boolean;
  readonly signal?: AbortSignal;
  /** Called now and then with the number of subset sums that are decided. */
  readonly onProgress?: (done: number) => void;
}

/** Subset sums from one report of progress to the next, at least. */
const PROGRESS = 1000;

/** What came of pruning: a ticket that equals its target unless some weights have no subset. */
export interface Pruned {
  readonly ticket: Ticket;
  readonly failures: readonly Deviation[];
}

/**
 * Prunes the random network of a seed to a target whose weights have `targetBits` bits. What a signal stops is not a ticket.
 * Throws TypeError or RangeError for a scheme that cannot serve the target, or that the engine has no room for.
 */
export async function prune(
  engine: Engine,
  target: Network,
  targetBits: number,
  scheme: Scheme,
  seed: bigint,
  { sparse = false, signal, onProgress }: PruneOptions = {},
): Promise<Pruned> {
  const runner = runnerOf(engine);
  const outline = outlineOf(target, targetBits);
  const layers = layersOf(outline.widths, targetBits, scheme);
  const tiles = tilesOf(target, layers, scheme, seed, sparse)[Symbol.iterator]();
  const masks = emptyMasks(layers);
  // Tiles are answered in any order; failures are listed in that of the tiles.
  const failures: Deviation[][] = [];
  let issued = 0;
  let done = 0;
  let reported = 0;
  let failed = false;

  async function lane(): Promise<void> {
    while (!failed && !signal?.aborted) {
      const { value: tile } = tiles.next();
      if (!tile) return;
      const turn = issued++;
      failures[turn] = keepAnswers(target, layers, masks, tile, await runner.run(tile.work));
      done += tile.count;
      if (done < reported + PROGRESS) continue;
      reported = done;
      onProgress?.(done);
    }
  }

  // A failed lane stops the others from issuing more, and all are waited for before the error is passed on.
  const results = await Promise.allSettled(
    Array.from({ length: runner.depth }, () =>
      lane().catch((error: unknown) => ((failed = true), Promise.reject(error))),
    ),
  );
  const failure = results.find((result) => result.status === "rejected");
  if (failure) throw failure.reason;
  return { ticket: { scheme, seed, target: outline, masks }, failures: failures.flat() };
}
