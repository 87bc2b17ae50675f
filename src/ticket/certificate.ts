// What proves that a ticket equals its target on every input. That is a matter of integers: in every layer the kept products
// sum up to the target's weights.

import type { Network } from "../network.ts";
import { keptLayers, rowSums, type KeptLayer } from "./kept.ts";
import { checkTarget, type Deviation, type Ticket } from "./ticket.ts";

/**
 * The first weight of a target that a pruned network does not represent; undefined where there is none, and then they are
 * equal on all inputs.
 */
export function firstDeviation(target: Network, kept: readonly KeptLayer[]): Deviation | undefined {
  for (const { layer, row, sums } of rowSums(kept)) {
    const { inputs, copies, scaleBits: lift, signed } = layer;
    const output = Math.floor(row / copies);
    const { weights } = target.layers[layer.layer]!;
    for (let input = 0; input < inputs; input++) {
      const sum = weights[output * inputs + input]! * 2 ** lift;
      const sign = sums[input] !== sum ? 1 : signed && sums[inputs + input] !== sum ? -1 : undefined;
      if (sign === undefined) continue;
      const got = sums[sign > 0 ? input : inputs + input];
      return { layer: layer.layer, output, input, sign, copy: row % copies, expected: sum, got };
    }
  }
  return undefined;
}

/**
 * The target that a ticket stands for, its weights read off the first copies and nonnegative inputs: whether the ticket
 * equals it is for `verify` to say.
 */
export function representedNetwork(ticket: Ticket, kept = keptLayers(ticket)): Network {
  const { widths, bits, ...rest } = ticket.target;
  const layers = widths.slice(1).map((rows, l) => ({
    rows,
    columns: widths[l]!,
    weights: new Int32Array(rows * widths[l]!),
    shift: bits,
  }));
  for (const { layer, row, sums } of rowSums(kept)) {
    const { inputs, copies, scaleBits: lift } = layer;
    if (row % copies > 0) continue;
    const { weights } = layers[layer.layer]!;
    for (let input = 0; input < inputs; input++)
      weights[(row / copies) * inputs + input] = Math.floor(sums[input]! / 2 ** lift);
  }
  return { ...rest, layers };
}

/**
 * The first weight of a network that a ticket does not represent, after drawing everything again from its seed; undefined
 * where there is none, and then the ticket's pruned network and this one are equal on all inputs.
 * Throws RangeError for a network of another outline than the ticket's target has.
 */
export function verifyTicket(network: Network, ticket: Ticket): Deviation | undefined {
  checkTarget(network, ticket.target);
  return firstDeviation(network, keptLayers(ticket));
}
