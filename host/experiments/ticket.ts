// Prunes a random network to a target on an engine, many subset sums at a time.

import { parse } from "../../src/check.ts";
import { isGraph, type Graph } from "../../src/graph/model.ts";
import { outlineOfGraph, outlineText } from "../../src/graph/outline.ts";
import { outlineOf, type Network } from "../../src/network.ts";
import { seedSchema } from "../../src/random.ts";
import type { Instance } from "../../src/solve/problem.ts";
import { keepWeight } from "../../src/ticket/mask.ts";
import { pruneLevels } from "../../src/ticket/levels.ts";
import { keepAnswers, demandChunks, type DemandChunk } from "../../src/ticket/chunks.ts";
import {
  demandCount,
  demandsOf,
  matricesOf,
  ticketLayers,
  type Architecture,
  type Demand,
  type GraphScheme,
  type RandomLayer,
  type Scheme,
  type Target,
} from "../../src/ticket/scheme.ts";
import {
  checkTarget,
  deviationOf,
  emptyMasks,
  isGraphTicket,
  named,
  type Deviation,
  type GraphTicket,
  type Ticket,
} from "../../src/ticket/ticket.ts";
import { pump } from "../pump.ts";
import { runnerOf, type Engine } from "../runner.ts";
import type { Progress } from "../schedule.ts";
import { sha256 } from "./digest.ts";

/** The request of `pruneToTicket`. */
export interface PruneRequest extends PruneChoices {
  /** The target, and the bits of its weights, as `readNetwork` returns them. */
  readonly network: Network;
  readonly bits: number;
  /** The architecture of the random network and the way to prune it. */
  readonly scheme: Scheme;
}

/** The request of `pruneToTicket` for a graph. */
export interface GraphPruneRequest extends PruneChoices {
  /** The target, as `readGraph` returns it. */
  readonly network: Graph;
  /** The architecture of the random network and the way to prune it. */
  readonly scheme: GraphScheme;
}

/** What a request of `pruneToTicket` may leave open. */
export interface PruneChoices {
  /** The seed of the random network, 0..2^64 - 1; strings hold decimals. Default: 1. */
  readonly seed?: bigint | number | string;
  /** Keeps the subsets with the fewest items instead of those with the smallest masks. */
  readonly sparse?: boolean;
}

/** How `pruneToTicket` is stopped and watched. */
export interface PruneOptions {
  /** Stops the pruning. */
  readonly signal?: AbortSignal;
  /** Called after every 1000 subset sums or more with how many are decided. */
  readonly onProgress?: (progress: Progress) => void;
}

/** The least number of subset sums from one report of progress to the next. */
const PROGRESS_INTERVAL_SUMS = 1000;

/** The result of pruning: a ticket, which equals its target unless a weight has no subset. */
export interface Pruned<T = Ticket> {
  readonly ticket: T;
  /** Every weight without a subset, in the order of layers, outputs, copies, inputs, taps and signs. */
  readonly failures: readonly Deviation[];
}

/**
 * Prunes the random network of a seed to a target: decides one subset sum for each weight of the target and sign of its
 * input, and keeps the items of each subset.
 *
 * The ticket depends on the request alone, not on the engine. A graph has a ticket as well, by a scheme of `graphSchemeFor`.
 * @returns The ticket, and every weight without a subset. The ticket equals its target if and only if there is none.
 * @throws {RequestError} The seed is out of range, or the scheme cannot represent the target.
 * @throws {CapacityError} The engine has too little memory for the subset sums of one weight.
 * @throws The reason of `options.signal`, if it aborts. There is no partial ticket.
 * @example
 * ```ts
 * import { openEngine } from "exacta";
 * import { pruneToTicket, readNetwork, schemeFor, verifyTicket } from "exacta/ticket";
 *
 * const { network, bits } = readNetwork({
 *   bits: 2,
 *   activationBits: 3,
 *   layers: [{ weights: [[4, -1], [0, 3]] }, { weights: [[-4, 2]] }],
 * });
 * const { scheme } = schemeFor(network, bits);
 * const engine = await openEngine({ engine: "cpu" });
 * const { ticket, failures } = await pruneToTicket(engine, { network, bits, scheme, seed: 1 });
 * engine.close();
 * console.log(scheme.units, failures.length, verifyTicket(network, ticket)); // [ 47, 35 ] 0 { certified: true }
 * ```
 */
export function pruneToTicket(engine: Engine, request: PruneRequest, options?: PruneOptions): Promise<Pruned>;
export function pruneToTicket(
  engine: Engine,
  request: GraphPruneRequest,
  options?: PruneOptions,
): Promise<Pruned<GraphTicket>>;
export function pruneToTicket(
  engine: Engine,
  request: PruneRequest | GraphPruneRequest,
  options?: PruneOptions,
): Promise<Pruned<Ticket | GraphTicket>>;
export async function pruneToTicket(
  engine: Engine,
  request: PruneRequest | GraphPruneRequest,
  options: PruneOptions = {},
): Promise<Pruned<Ticket | GraphTicket>> {
  const { network, sparse = false } = request;
  const seed = parse(seedSchema, request.seed ?? 1n, "seed");
  const architecture = architectureOf(request);
  checkTarget(network, architecture.target);
  const layers = ticketLayers(architecture);
  const ticket: Ticket | GraphTicket = { ...architecture, seed, masks: emptyMasks(layers) };
  const total = layers.reduce((sum, layer) => sum + demandCount(layer), 0);
  const { signal, onProgress } = options;
  if (isGraphTicket(ticket) && ticket.scheme.copies) {
    // Single edges are looked up, and no subset sum is left to an engine.
    const failures = pruneLevels(network, layers, { ...ticket, scheme: ticket.scheme });
    onProgress?.({ done: total, total });
    return { ticket, failures: failures.map((failure) => named(network, failure)) };
  }
  const { scheme } = ticket;
  // Kernel `prune` draws the pool of each weight by itself, from all hidden units of an input and with every product as it
  // comes. The paper's literal schemes are not like that: `halves` gives each sign of an input its own half of the units, and
  // `support` rejects products until they are uniform. Hidden units of attention serve inputs of both signs. Such pools are
  // drawn here and solved as given instances.
  const isLiteral = scheme.pools === "halves" || scheme.support;
  const isGiven = ({ rectified }: RandomLayer) => isLiteral || !rectified;
  const given = layers.reduce((sum, layer) => (isGiven(layer) ? sum + demandCount(layer) : sum), 0);
  const pruning = { network, layers, ticket, sparse, isGiven };
  const watchFrom = (first: number) => ({
    signal,
    onDone: (done: number) => onProgress?.({ done: first + done, total }),
  });
  const failures = isLiteral ? [] : await pruneDrawn(engine, pruning, watchFrom(0));
  if (given > 0) failures.push(...(await pruneGiven(engine, pruning, watchFrom(total - given))));
  failures.sort((a, b) => a.layer - b.layer);
  return { ticket, failures: failures.map((failure) => named(network, failure)) };
}

function architectureOf(request: PruneRequest | GraphPruneRequest): Architecture {
  return "bits" in request
    ? { target: outlineOf(request.network, request.bits), scheme: request.scheme }
    : { target: outlineOfGraph(request.network), scheme: request.scheme };
}

interface Watch {
  readonly signal: AbortSignal | undefined;
  readonly onDone: (done: number) => void;
}

/** The instance of a demand: which items of its pool add up to the weight? */
interface DemandInstance extends Instance {
  readonly demand: Demand;
}

/** A target and the random network that is pruned to it; pruning fills in the masks of the ticket. */
interface Pruning {
  readonly network: Target;
  readonly layers: readonly RandomLayer[];
  readonly ticket: Ticket | GraphTicket;
  readonly sparse: boolean;
  /** Whether the pools of a layer are drawn in TypeScript. */
  readonly isGiven: (layer: RandomLayer) => boolean;
}

/** Prunes with kernel `prune`, which draws the pools itself: nothing but the demands is sent to the engine. */
async function pruneDrawn(
  engine: Engine,
  { network, layers, ticket: { scheme, seed, masks }, sparse }: Pruning,
  { signal, onDone }: Watch,
): Promise<Deviation[]> {
  const runner = runnerOf(engine);
  // Chunks are answered in any order; failures are listed in the order of the chunks.
  const failures: Deviation[][] = [];
  let [done, reported] = [0, 0];
  const chunks = numbered(demandChunks(network, layers, scheme, seed, sparse));
  const run = async ([number, chunk]: [number, DemandChunk]) => {
    const { words } = await runner.run(chunk.work);
    return { number, chunk, words };
  };
  for await (const { number, chunk, words } of pump(chunks, run, { depth: runner.queueDepth, signal })) {
    failures[number] = keepAnswers(layers, masks, chunk, words);
    done += chunk.count;
    if (done < reported + PROGRESS_INTERVAL_SUMS) continue;
    reported = done;
    onDone(done);
  }
  return failures.flat();
}

function* numbered<T>(items: Iterable<T>): Generator<[number, T]> {
  let number = 0;
  for (const item of items) yield [number++, item];
}

/** Prunes by solving given instances: the pools are drawn in TypeScript. */
async function pruneGiven(
  engine: Engine,
  { network, layers, ticket: { scheme, seed, masks }, sparse, isGiven }: Pruning,
  { signal, onDone }: Watch,
): Promise<Deviation[]> {
  const failures: Deviation[] = [];
  let done = 0;
  function* instances(): Generator<DemandInstance> {
    for (const demand of demandsOf(network, layers, scheme, seed, isGiven))
      yield { items: demand.items, target: demand.sum, demand };
  }
  const request = { ask: [sparse ? "smallest" : "witness"] } as const;
  // Loaded here, since only literal schemes need it, and the page's first view would fetch it.
  const { solveEach } = await import("./solve.ts");
  const answers = solveEach(engine, instances(), request, { signal });
  for await (const { instance, finding } of answers) {
    const { demand } = instance;
    const { index, firstWeight, input, members } = demand;
    const subset = sparse ? finding.smallestWitness : finding.witness;
    if (!subset) failures.push(deviationOf(layers, demand, undefined));
    for (const i of subset ?? []) {
      const { kind, group } = layers[index]!;
      keepWeight(masks[index]!, firstWeight + members[i]!);
      if (kind === "pooled") keepWeight(masks[index - 1]!, input * group + members[i]!);
    }
    if (++done % PROGRESS_INTERVAL_SUMS === 0) onDone(done);
  }
  return failures;
}

/**
 * Computes the SHA-256 digest of a target, 64 hexadecimal digits in lower case. The file of a ticket names its target by it.
 *
 * The digest covers the outline and the weights, layer by layer; the names of the nodes of a graph do not matter. Browsers
 * compute it in secure contexts only (https, localhost).
 * @param bits Weights of a network that is no graph are integers of -2^bits..2^bits.
 * @example
 * ```ts
 * import { readNetwork, targetDigest } from "exacta/ticket";
 *
 * const { network, bits } = readNetwork({ bits: 1, activationBits: 1, layers: [{ weights: [[2, -1]] }] });
 * console.log((await targetDigest(network, bits)).slice(0, 16)); // 94e1cf90ec99340c
 * ```
 */
export async function targetDigest(network: Network, bits: number): Promise<string>;
export async function targetDigest(network: Graph): Promise<string>;
export async function targetDigest(network: Network | Graph, bits?: number): Promise<string> {
  if (isGraph(network)) {
    const lines = matricesOf(network).map((weights) => weights.join(" "));
    return digestOf([outlineText(outlineOfGraph(network)), ...lines]);
  }
  const { quantizer, activationBits, clamp, constant } = network;
  const lines = network.layers.map(({ rows, columns, weights }) => `${rows} ${columns} ${weights.join(" ")}`);
  return digestOf([`${bits} ${quantizer} ${activationBits} ${clamp} ${constant}`, ...lines]);
}

function digestOf(lines: readonly string[]): Promise<string> {
  return sha256(new TextEncoder().encode([...lines, ""].join("\n")));
}
