// How large a ticket is, and how small it could be at best.

import type { Outline } from "../network.ts";
import { countsOf, type KeptCounts, type KeptLayer } from "./kept.ts";
import { nonzeroWeights, placesOf } from "./scheme.ts";
import type { Ticket } from "./ticket.ts";

/** Sizes in weights and in bits. */
export interface Sizes extends KeptCounts {
  /** Weights of the target that may be chosen, biases among them. */
  readonly target: number;
  /** Weights of the random network, which have a bit each, and those of them that are not 0. */
  readonly initial: number;
  readonly nonzero: number;
  /** Bits of the masks for each weight of the target. */
  readonly bitsPerWeight: number;
  /**
   * So many nonzero weights a random network must have for every target of this shape to be in it with probability 1: log2
   * of the number of those, told apart by their weights (the counting of Theorem 3; with a probability p instead it is less by
   * log2 1/p). `gap` is how many times as many the random network has.
   */
  readonly lowerBound: number;
  readonly gap: number;
}

/** The sizes of a ticket, given its pruned network. */
export function sizesOf(ticket: Ticket, kept: readonly KeptLayer[]): Sizes {
  const target = chosenWeights(ticket.target);
  const initial = kept.reduce((sum, layer) => sum + placesOf(layer), 0);
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

/** What passes the constant unit on is given, and no choice. */
function chosenWeights({ widths, constant }: Outline): number {
  return widths
    .slice(1)
    .reduce((sum, rows, l) => sum + (rows - Number(constant && l < widths.length - 2)) * widths[l]!, 0);
}
