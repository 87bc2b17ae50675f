// A ticket: a seed, and masks that say which weights of the random network of that seed are kept.

import { firstDifference } from "../check.ts";
import { Described, RequestError } from "../errors.ts";
import { isGraph, isLinear, type Graph } from "../graph/model.ts";
import { outlineOfGraph, type GraphOutline } from "../graph/outline.ts";
import { outlineOf, type Network, type Outline } from "../network.ts";
import { keepWeight, maskBytes, type Mask } from "./mask.ts";
import {
  slotsOf,
  weightCount,
  type Demand,
  type GraphScheme,
  type InputSign,
  type RandomLayer,
  type Scheme,
  type Target,
} from "./scheme.ts";

/** A seed, and the masks that prune the random network of that seed to the target. */
export interface Ticket {
  readonly scheme: Scheme;
  readonly seed: bigint;
  readonly target: Outline;
  /** One mask for every layer of the random network. */
  readonly masks: readonly Mask[];
}

/** The ticket of a graph. */
export interface GraphTicket {
  readonly scheme: GraphScheme;
  readonly seed: bigint;
  readonly target: GraphOutline;
  /** One mask for every layer of the random network, two or more for every layer with weights, in the order of the nodes. */
  readonly masks: readonly Mask[];
}

export function isGraphTicket(ticket: Ticket | GraphTicket): ticket is GraphTicket {
  return "nodes" in ticket.target;
}

/** A weight of the target that a ticket does not represent. */
export interface Deviation {
  /** The layer of the target, and the output and input of the weight, counted from 0: channels, if the layer is a convolution. */
  readonly layer: number;
  readonly output: number;
  readonly input: number;
  /** The name of the layer, if the target is a graph. */
  readonly node?: string;
  /** The row and the column of the weight in the window of a convolution. */
  readonly tap?: readonly [number, number];
  /** Whether the weight is a bias of a graph; `input` is then the number of inputs. */
  readonly bias?: boolean;
  /**
   * The level in which a copy of the power `expected` of an input has too few edges, where weights are made in depth; `output` is
   * then the row of the copy in that level.
   */
  readonly level?: number;
  /**
   * The sign of the inputs for which the weight differs, 0 for both where hidden units are not rectified, and the copy of the
   * output in which it does.
   */
  readonly sign: InputSign;
  readonly copy: number;
  /** The sum that the kept weights should have, and the sum that they have; undefined where no subset has the sum. */
  readonly expected: number;
  readonly got: number | undefined;
}

/** Masks that keep no weight. */
export function emptyMasks(layers: readonly RandomLayer[]): Mask[] {
  return layers.map((layer) => new Uint8Array(maskBytes(weightCount(layer))));
}

/** Keeps weight `first` + q for every bit q that is set in words[from..to). Bit q is bit q % 32 of word floor(q / 32). */
export function keep(mask: Mask, first: number, words: Uint32Array, from: number, to: number): void {
  for (let w = from; w < to; w++)
    for (let bits = words[w]!; bits !== 0; bits &= bits - 1)
      keepWeight(mask, first + 32 * (w - from) + 31 - Math.clz32(bits & -bits));
}

/** The deviation of the target weight behind a demand, whose kept weights sum to `got`. */
export function deviationOf(
  layers: readonly RandomLayer[],
  { index, row, slot, sign, sum }: Pick<Demand, "index" | "row" | "slot" | "sign" | "sum">,
  got: number | undefined,
): Deviation {
  const { layer, copies } = layers[index]!;
  const output = Math.floor(row / copies);
  const { input, tap, bias } = slotsOf(layers[index]!, output)[slot]!;
  const place = { ...(tap && { tap }), ...(bias && { bias }) };
  return { layer, output, input, ...place, sign, copy: row % copies, expected: sum, got };
}

/** A deviation with the name of its layer, if its target is a graph. */
export function named(target: Target, deviation: Deviation): Deviation {
  if (!("nodes" in target)) return deviation;
  return { node: target.nodes.filter(isLinear)[deviation.layer]!.name, ...deviation };
}

/**
 * Checks that a network has the outline of a ticket's target; its weights may be any.
 * @throws {RequestError} Names the first field of the outline that differs.
 */
export function checkTarget(network: Network | Graph, target: Outline | GraphOutline): void {
  if (isGraph(network) !== "nodes" in target)
    throw new RequestError(
      "network",
      `a ${isGraph(network) ? "list of layers" : "graph"}, as the ticket's target is`,
      new Described(isGraph(network) ? "a graph" : "a list of layers"),
    );
  if (isGraph(network)) {
    const different = firstDifference("network", target, outlineOfGraph(network));
    if (different) throw differing(different.path, JSON.stringify(different.wanted), different.got);
  } else if (!("nodes" in target)) {
    const other = network.layers.find(({ shift }) => shift !== target.bits);
    const given = outlineOf(network, other?.shift ?? target.bits);
    for (const name of Object.keys(target) as (keyof Outline)[])
      if (String(given[name]) !== String(target[name]))
        throw differing(`network, ${name}`, String(target[name]), given[name]);
  }
}

function differing(field: string, wanted: string, got: unknown): RequestError {
  return new RequestError(field, `${wanted}, as the ticket's target has`, got);
}
