// The orders of the view Digits: a random network by its seed and by the way it is cut, its outputs beside those of the trained
// network, and the products behind one of its hidden units.

import { forwardStages, runNetwork } from "../../host/experiments/network.ts";
import { pruneToTicket } from "../../host/experiments/ticket.ts";
import type { Engine } from "../../host/runner.ts";
import { columnsOfStage, type Stage, type StagedNetwork } from "../../src/graph/stages.ts";
import { withConstant, type Network } from "../../src/network.ts";
import { representedNetwork, representedWeights } from "../../src/ticket/certificate.ts";
import { controlOf, type Control } from "../../src/ticket/controls.ts";
import { keptLayers } from "../../src/ticket/kept.ts";
import { keptCount } from "../../src/ticket/mask.ts";
import { ticketStages } from "../../src/ticket/passes.ts";
import { layersOf, weightCount } from "../../src/ticket/scheme.ts";
import type { Ticket } from "../../src/ticket/ticket.ts";
import { unitProducts, type UnitProducts } from "../../src/ticket/unit.ts";
import packed from "../../examples/digits/digits.safetensors?ticket";
import { engineOf } from "./engine.ts";
import type { Context, Order, PageEngine } from "./orders.ts";

/** A random network: pruned to the trained one, or a control. */
export type RandomNetwork = "pruned" | Control;

/** A random network and the seed that draws it, 0..2^64 - 1 in decimals. */
interface Chosen {
  readonly engine: PageEngine;
  readonly seed: string;
  readonly network: RandomNetwork;
}

export interface DigitsNetworkOrder extends Order {
  readonly request: Chosen;
  /** Subset sums that are decided, of all. */
  readonly report: { readonly done: number; readonly total: number };
  readonly answer: {
    /** The weights of the random network, and how many are kept. */
    readonly weights: number;
    readonly kept: number;
    /** The sums of the kept weights of each hidden unit, shape [units, pixels], and the largest weight of the target as a sum. */
    readonly units: number;
    readonly sums: Int32Array;
    readonly mostSum: number;
  };
}

export interface DigitsReadingOrder extends Order {
  /** The brightness of each pixel, 0..255, row by row from the top. */
  readonly request: Chosen & { readonly image: Int32Array };
  readonly report: never;
  /** The ten outputs of the trained network, and those of the random one. */
  readonly answer: { readonly trained: readonly number[]; readonly random: readonly number[] };
}

export interface DigitsUnitOrder extends Order {
  readonly request: Chosen & { readonly unit: number };
  readonly report: never;
  readonly answer: UnitProducts;
}

/** The ticket of the build, and the trained network, which is read off it. */
interface Built {
  readonly ticket: Ticket;
  readonly trained: Network;
}

/** A random network that is ready to compute. */
interface Prepared {
  readonly name: string;
  readonly ticket: Ticket;
  readonly staged: StagedNetwork;
}

let built: Promise<Built> | undefined;
/** The last seed's ticket, and the last network. */
let pruned: Ticket | undefined;
let prepared: Prepared | undefined;

async function readBuilt(): Promise<Built> {
  const { masks: base64, maskBytes, seed, ...rest } = packed;
  const compressed = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  const stream = new Blob([compressed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  let end = 0;
  const masks = maskBytes.map((length) => bytes.subarray(end, (end += length)));
  const ticket: Ticket = { ...rest, seed: BigInt(seed), masks };
  return { ticket, trained: representedNetwork(ticket) };
}

const builtTicket = () => (built ??= readBuilt());

type Watch = Pick<Context<DigitsNetworkOrder>, "signal" | "report">;

/** The ticket of a seed: that of the build, or a random network pruned anew. */
async function ticketOf(engine: Engine, seed: string, { signal, report }: Watch): Promise<Ticket> {
  const { ticket, trained } = await builtTicket();
  const found = [ticket, pruned].find((known) => known?.seed === BigInt(seed));
  if (found) return found;
  const { scheme, target } = ticket;
  const result = await pruneToTicket(
    engine,
    { network: trained, bits: target.bits, scheme, seed, sparse: true },
    { signal, onProgress: report },
  );
  const { failures } = result;
  if (failures.length > 0)
    throw new Error(
      `Seed ${seed} draws a network that does not contain the trained one: ${failures.length} of its weights are no sums`,
    );
  return (pruned = result.ticket);
}

/** Prepares a random network, unless it is the last one. */
async function prepare(
  { engine, seed, network }: Chosen,
  watch: Watch,
): Promise<Prepared & { engine: Engine }> {
  const { runner } = await engineOf(engine);
  const name = `${seed} ${network}`;
  if (prepared?.name === name) return { ...prepared, engine: runner };
  const whole = await ticketOf(runner, seed, watch);
  const ticket = network === "pruned" ? whole : controlOf(whole, network);
  const staged = ticketStages(keptLayers(ticket), ticket.target, "collapsed");
  prepared = { name, ticket, staged: { ...staged, stages: staged.stages.map(withWeights) } };
  return { ...prepared, engine: runner };
}

/** A stage that has its weights in memory, since it will compute many images. */
function withWeights(stage: Stage): Stage {
  if (stage.kind !== "linear") return stage;
  const weights = stage.weightsOf(0, stage.rows);
  const width = columnsOfStage(stage) * stage.group;
  return { ...stage, weightsOf: (from, to) => weights.slice(from * width, to * width) };
}

const unwatched = (signal: AbortSignal): Watch => ({ signal, report: () => {} });

export async function digitsNetwork(
  request: DigitsNetworkOrder["request"],
  context: Context<DigitsNetworkOrder>,
): Promise<DigitsNetworkOrder["answer"]> {
  const { ticket } = await prepare(request, context);
  const layers = layersOf(ticket.target.widths, ticket.target.bits, ticket.scheme);
  const { weights, rows, columns } = representedWeights(ticket.target, keptLayers(ticket)).layers[0]!;
  // The last row passes the constant unit on, and the last column is that unit.
  const constants = Number(ticket.target.constant);
  const [units, pixels] = [rows - constants, columns - constants];
  const sums = new Int32Array(units * pixels);
  for (let unit = 0; unit < units; unit++)
    sums.set(weights.subarray(unit * columns, unit * columns + pixels), unit * pixels);
  return {
    weights: layers.reduce((sum, layer) => sum + weightCount(layer), 0),
    kept: ticket.masks.reduce((sum, mask) => sum + keptCount(mask), 0),
    units,
    sums,
    mostSum: 2 ** ticket.target.bits,
  };
}

export async function digitsReading(
  { image, ...chosen }: DigitsReadingOrder["request"],
  { signal }: Context<DigitsReadingOrder>,
): Promise<DigitsReadingOrder["answer"]> {
  const { engine, ticket, staged } = await prepare(chosen, unwatched(signal));
  const { trained } = await builtTicket();
  const inputs = withConstant(ticket.target, staged.elements, image);
  const [ours, theirs] = await Promise.all([
    runNetwork(engine, trained, image, { signal }),
    forwardStages(engine, staged, inputs, { signal }),
  ]);
  return { trained: [...ours], random: [...theirs] };
}

export async function digitsUnit(
  { unit, ...chosen }: DigitsUnitOrder["request"],
  { signal }: Context<DigitsUnitOrder>,
): Promise<DigitsUnitOrder["answer"]> {
  return unitProducts((await prepare(chosen, unwatched(signal))).ticket, unit);
}
