// How large a ticket is, and how small it could be at best.

import type { Network } from "../network.ts";
import { layersOf, placesOf } from "./scheme.ts";
import type { Ticket } from "./ticket.ts";

/** Sizes in weights and in bits. */
export interface Sizes {
  /** Weights of the target, of the random network, and those of it that are kept. */
  readonly target: number;
  readonly initial: number;
  readonly kept: number;
  /** Bits of the masks for each weight of the target. */
  readonly bitsPerWeight: number;
  /**
   * So many weights a network must have for every target of this shape to be in it, log2 of the number of those (the
   * counting of Theorem 3), and how many times as many the random network has.
   */
  readonly lowerBound: number;
  readonly gap: number;
}

export function sizesOf({ layers }: Network, { scheme, target, masks }: Ticket): Sizes {
  const weights = layers.reduce((sum, { rows, columns }) => sum + rows * columns, 0);
  const initial = layersOf(target.widths, target.bits, scheme).reduce(
    (sum, layer) => sum + placesOf(layer),
    0,
  );
  const kept = masks.reduce((sum, mask) => mask.reduce((a, b) => a + b, sum), 0);
  const lowerBound = weights * Math.log2(2 ** (target.bits + 1) + 1);
  return {
    target: weights,
    initial,
    kept,
    bitsPerWeight: initial / weights,
    lowerBound,
    gap: initial / lowerBound,
  };
}
