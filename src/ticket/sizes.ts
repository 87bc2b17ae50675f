// How large a ticket is, and how small it could be at best.

import type { Network } from "../network.ts";
import { countsOf, type KeptCounts, type KeptLayer } from "./kept.ts";
import { placesOf } from "./scheme.ts";

/** Sizes in weights and in bits. */
export interface Sizes extends KeptCounts {
  /** Weights of the target, and of the random network. */
  readonly target: number;
  readonly initial: number;
  /** Bits of the masks for each weight of the target. */
  readonly bitsPerWeight: number;
  /**
   * So many weights a network must have for every target of this shape to be in it, log2 of the number of those (the
   * counting of Theorem 3), and how many times as many the random network has.
   */
  readonly lowerBound: number;
  readonly gap: number;
}

export function sizesOf({ layers }: Network, bits: number, kept: readonly KeptLayer[]): Sizes {
  const weights = layers.reduce((sum, { rows, columns }) => sum + rows * columns, 0);
  const initial = kept.reduce((sum, layer) => sum + placesOf(layer), 0);
  const lowerBound = weights * Math.log2(2 ** (bits + 1) + 1);
  return {
    target: weights,
    initial,
    ...countsOf(kept),
    bitsPerWeight: initial / weights,
    lowerBound,
    gap: initial / lowerBound,
  };
}
