// The size of a ticket, and the least size that it could have.

import { isFactored, isLinear } from "../graph/model.ts";
import type { GraphOutline } from "../graph/outline.ts";
import type { Outline } from "../network.ts";
import { countsOf, type KeptCounts, type KeptLayer } from "./kept.ts";
import {
  lawAt,
  nonzeroShare,
  nonzeroWeights,
  weightCount,
  type RandomLayer,
  type WeightLaws,
} from "./scheme.ts";
import type { GraphTicket, Ticket } from "./ticket.ts";

/** Sizes in weights and in bits. */
export interface Sizes extends KeptCounts {
  /** Free weights of the target, biases among them. */
  readonly target: number;
  /** Weights of the random network, one mask bit each, and the number of them that are not 0. */
  readonly initial: number;
  readonly nonzero: number;
  /** Bits of the masks for each weight of the target. */
  readonly bitsPerWeight: number;
  /**
   * log2 of the number of choices of the target's weights (the counting argument of Theorem 3). A random network that has a mask
   * for each choice has at least as many nonzero weights; for a share p of random networks it is log2 1/p less. For a target of
   * one layer this bounds every network that contains all such targets. For more layers it does not: different weights may be
   * one function, and the bound counts weights.
   */
  readonly lowerBound: number;
  /**
   * The nonzero weights divided by `lowerBound`: those of this network, in which each hidden unit of a pair of layers has one
   * input, and those of the paper's, in which it has all. The paper's other weights are not drawn and count by their mean.
   */
  readonly gap: { readonly structured: number; readonly dense: number };
}

/** The sizes of a ticket, given its pruned network. */
export function sizesOf(ticket: Ticket | GraphTicket, kept: readonly KeptLayer[]): Sizes {
  const counts = freeWeights(ticket.target, kept);
  const target = counts.reduce((sum, { weights }) => sum + weights, 0);
  const initial = kept.reduce((sum, layer) => sum + weightCount(layer), 0);
  const nonzero = nonzeroWeights(kept, ticket.scheme, ticket.seed);
  const lowerBound = counts.reduce((sum, { free, bits }) => sum + free * Math.log2(2 ** (bits + 1) + 1), 0);
  return {
    target,
    initial,
    nonzero,
    ...countsOf(kept, ticket),
    bitsPerWeight: initial / target,
    lowerBound,
    gap: {
      structured: nonzero / lowerBound,
      dense: (nonzero + undrawn(kept, ticket.scheme)) / lowerBound,
    },
  };
}

/** The mean number of weights other than 0 that dense hidden layers would have beside those that are drawn. */
function undrawn(layers: readonly RandomLayer[], laws: WeightLaws): number {
  const counts = new Map<number, number>();
  for (const [index, layer] of layers.entries()) {
    const share = nonzeroShare(lawAt(laws, index));
    const isOwn = layer.kind === "hidden" || layer.kind === "level";
    const rows = isOwn ? layer.inputs * layer.group : 0;
    counts.set(share, (counts.get(share) ?? 0) + rows * (layer.columns - layer.fan));
  }
  return [...counts].reduce((sum, [share, count]) => sum + share * count, 0);
}

/**
 * The weights that a target of an outline has, and how many of them, at least, it chooses freely from -2^bits..2^bits. The row
 * that passes the constant unit of a network on is fixed in every hidden layer.
 */
function freeWeights(target: Outline | GraphOutline, layers: readonly RandomLayer[]) {
  if ("nodes" in target) {
    const pooled = layers.filter(({ kind }) => kind === "pooled");
    return target.nodes.filter(isLinear).map((node, l) => {
      const { outputs, slots } = pooled[l]!;
      // Of two matrices the larger one is free where the other one has a diagonal of ones.
      const free = isFactored(node)
        ? Math.max(Math.min(node.inner, outputs) * slots, Math.min(node.inner, slots) * outputs)
        : outputs * slots;
      return { weights: outputs * slots, free, bits: node.bits };
    });
  }
  const { widths, bits, constant } = target;
  const weights = widths
    .slice(1)
    .reduce((sum, rows, l) => sum + (rows - Number(constant && l < widths.length - 2)) * widths[l]!, 0);
  return [{ weights, free: weights, bits }];
}
