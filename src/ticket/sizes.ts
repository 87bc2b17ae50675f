// The size of a ticket, and the least size that it could have.

import type { Outline } from "../network.ts";
import { countsOf, type KeptCounts, type KeptLayer } from "./kept.ts";
import { nonzeroWeights, weightCount } from "./scheme.ts";
import type { Ticket } from "./ticket.ts";

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
   * The fewest nonzero weights with which a random network can contain every target of this shape with probability 1: log2 of
   * the number of such targets, two of them being different if a weight differs (the counting argument of Theorem 3). For a
   * probability p it is log2 1/p less. `gap` is `nonzero` divided by this bound.
   */
  readonly lowerBound: number;
  readonly gap: number;
}

/** The sizes of a ticket, given its pruned network. */
export function sizesOf(ticket: Ticket, kept: readonly KeptLayer[]): Sizes {
  const target = freeWeights(ticket.target);
  const initial = kept.reduce((sum, layer) => sum + weightCount(layer), 0);
  const nonzero = nonzeroWeights(kept, ticket.scheme, ticket.seed);
  const lowerBound = target * Math.log2(2 ** (ticket.target.bits + 1) + 1);
  return {
    target,
    initial,
    nonzero,
    ...countsOf(kept, ticket),
    bitsPerWeight: initial / target,
    lowerBound,
    gap: nonzero / lowerBound,
  };
}

/** The weights that a target of an outline chooses. The row that passes the constant unit on is fixed in every hidden layer. */
function freeWeights({ widths, constant }: Outline): number {
  return widths
    .slice(1)
    .reduce((sum, rows, l) => sum + (rows - Number(constant && l < widths.length - 2)) * widths[l]!, 0);
}
