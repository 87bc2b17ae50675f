// Pruning a random network to a target on an engine, many subset sums at a time.

import { parse } from "../../src/check.ts";
import { outlineOf, type Network } from "../../src/network.ts";
import { seedSchema } from "../../src/random.ts";
import type { Instance } from "../../src/solve/problem.ts";
import { keepWeight } from "../../src/ticket/mask.ts";
import { keepAnswers, demandChunks, type DemandChunk } from "../../src/ticket/chunks.ts";
import { demandsOf, layersOf, type Demand, type RandomLayer, type Scheme } from "../../src/ticket/scheme.ts";
import {
  checkTarget,
  deviationOf,
  emptyMasks,
  type Deviation,
  type Ticket,
} from "../../src/ticket/ticket.ts";
import { inFlight } from "../flight.ts";
import { runnerOf, type Engine } from "../runner.ts";
import { solve } from "./solve.ts";

export interface PruneRequest {
  /** The target, and the bits of its weights, as `readNetwork` has them. */
  readonly network: Network;
  readonly bits: number;
  /** Which random network is pruned, and how. */
  readonly scheme: Scheme;
  /** What it is drawn from, 0..2^64 - 1; strings hold decimals. Default: 1. */
  readonly seed?: bigint | number | string;
  /** Keeps the smallest subsets instead of canonical ones. */
  readonly sparse?: boolean;
}

export interface PruneOptions {
  /** Stops; there is then no ticket. */
  readonly signal?: AbortSignal;
  /** Called now and then with the number of subset sums that are decided. */
  readonly onProgress?: (done: number) => void;
}

/** Subset sums from one report of progress to the next, at least. */
const PROGRESS = 1000;

/** What came of pruning: a ticket that equals its target unless some weights have no subset. */
export interface Pruned {
  readonly ticket: Ticket;
  /** Every weight without a subset, in the order of layers, outputs, copies, inputs and signs. */
  readonly failures: readonly Deviation[];
}

/**
 * Prunes the random network of a seed to a target; undefined where it was stopped. The ticket depends on the request alone,
 * not on the engine.
 * Throws TypeError or RangeError for a scheme that cannot serve the target, or that the engine has no room for.
 */
export async function pruneToTicket(
  engine: Engine,
  request: PruneRequest,
  options: PruneOptions = {},
): Promise<Pruned | undefined> {
  const { network, bits, scheme, sparse = false } = request;
  const seed = parse(seedSchema, request.seed ?? 1n, "seed");
  const target = outlineOf(network, bits);
  checkTarget(network, target);
  const layers = layersOf(target.widths, bits, scheme);
  const ticket = { scheme, seed, target, masks: emptyMasks(layers) };
  // The paper's literal scheme has less to choose from than kernel prune draws.
  const isLiteral = scheme.pools === "halves" || scheme.support;
  const failures = await (isLiteral ? pruneGiven : pruneDrawn)(
    engine,
    { network, layers, ticket, sparse },
    options,
  );
  return options.signal?.aborted ? undefined : { ticket, failures };
}

/** What is pruned to what; the masks of the ticket are filled in. */
interface Pruning {
  readonly network: Network;
  readonly layers: readonly RandomLayer[];
  readonly ticket: Ticket;
  readonly sparse: boolean;
}

/** Has the engine draw what it decides. */
async function pruneDrawn(
  engine: Engine,
  { network, layers, ticket: { scheme, seed, masks }, sparse }: Pruning,
  { signal, onProgress }: PruneOptions,
): Promise<Deviation[]> {
  const runner = runnerOf(engine);
  // Tiles are answered in any order; failures are listed in that of the tiles.
  const failures: Deviation[][] = [];
  let [done, reported] = [0, 0];
  const run = async (tile: DemandChunk, turn: number) => {
    failures[turn] = keepAnswers(network, layers, masks, tile, await runner.run(tile.work));
    done += tile.count;
    if (done < reported + PROGRESS) return;
    reported = done;
    onProgress?.(done);
  };
  await inFlight(runner.queueDepth, demandChunks(network, layers, scheme, seed, sparse), run, signal);
  return failures.flat();
}

/** Draws here, and has the engine solve given instances. */
async function pruneGiven(
  engine: Engine,
  { network, layers, ticket: { scheme, seed, masks }, sparse }: Pruning,
  { signal, onProgress }: PruneOptions,
): Promise<Deviation[]> {
  const failures: Deviation[] = [];
  let done = 0;
  // Instances are taken ahead of their findings, which come in the same order.
  const waiting: Demand[] = [];
  function* instances(): Generator<Instance> {
    for (const demand of demandsOf(network, layers, scheme, seed)) {
      waiting.push(demand);
      yield { items: demand.items, target: demand.sum };
    }
  }
  const findings = solve(engine, instances(), { ask: [sparse ? "smallest" : "witness"] }, { signal });
  for await (const { witness, smallestWitness } of findings) {
    const demand = waiting.shift()!;
    const { index, firstWeight, input, members } = demand;
    const subset = sparse ? smallestWitness : witness;
    if (!subset) failures.push(deviationOf(layers, demand, undefined));
    for (const i of subset ?? []) {
      const { kind, group } = layers[index]!;
      keepWeight(masks[index]!, firstWeight + members[i]!);
      if (kind === "pooled") keepWeight(masks[index - 1]!, input * group + members[i]!);
    }
    if (++done % PROGRESS === 0) onProgress?.(done);
  }
  return failures;
}

/**
 * SHA-256 of a target whose weights have `bits` bits, in hexadecimal digits: its outline, then its weights layer by layer. A
 * ticket's file names its target by it. In browsers for secure pages only.
 */
export async function targetDigest(network: Network, bits: number): Promise<string> {
  const { quantizer, activationBits, clamp, constant } = network;
  const lines = network.layers.map(({ rows, columns, weights }) => `${rows} ${columns} ${weights.join(" ")}`);
  const text = [`${bits} ${quantizer} ${activationBits} ${clamp} ${constant}`, ...lines, ""].join("\n");
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
