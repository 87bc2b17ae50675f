// One output of the target's first layer as the random network makes it, a hidden unit or the kernel of a convolution: the
// products of two random weights that each of its weights has, those of them that are kept, and their sums.

import { isLinear } from "../graph/model.ts";
import { unitOf } from "./kept.ts";
import { isKept } from "./mask.ts";
import { drawnWeights, lawAt, ticketLayers } from "./scheme.ts";
import type { GraphTicket, Ticket } from "./ticket.ts";

/** The products behind one unit. Its inputs are those that a window reads at one place; the constant unit is none of them. */
export interface UnitProducts {
  readonly inputs: number;
  /** Inputs of a row of its picture. */
  readonly across: number;
  /** Products of each input. */
  readonly group: number;
  /** The largest magnitude of a product, and the largest magnitude of a weight of the target, as a sum. */
  readonly mostProduct: number;
  readonly mostSum: number;
  /** Shape [inputs, group]. */
  readonly products: Int32Array;
  /** 0 where a weight of the product is cut, else the sign of the inputs that it passes on: 1 or -1; shape [inputs, group]. */
  readonly kept: Int8Array;
  /** For each input, the sum of the kept products that pass on a positive input. */
  readonly sums: Int32Array;
  /** How many kept products pass on positive inputs, and how many pass on negative ones. */
  readonly positive: number;
  readonly negative: number;
}

/** The number of outputs of a target's first layer, beside the one that passes the constant unit on. */
export function unitCount(ticket: Ticket | GraphTicket): number {
  const { target } = ticket;
  return ticketLayers(ticket)[1]!.outputs - Number("constant" in target && target.constant);
}

/** The products behind output `unit` of the target's first layer, in the first of its copies. */
export function unitProducts(ticket: Ticket | GraphTicket, unit: number): UnitProducts {
  const { scheme, seed, target, masks } = ticket;
  const layer = ticketLayers(ticket)[1]!;
  const { group, columns, copies, scaleBits, slots, constant, taps } = layer;
  const inputs = slots - Number("constant" in target ? target.constant : constant);
  const random = drawnWeights(scheme, seed);
  const [hiddenAt, weightAt] = [random(0), random(1)];
  const [hiddenMask, mask] = [masks[0]!, masks[1]!];
  const first = unit * copies * columns;
  const products = new Int32Array(inputs * group);
  const kept = new Int8Array(products.length);
  const sums = new Int32Array(inputs);
  let [positive, negative] = [0, 0];
  for (let i = 0; i < products.length; i++) {
    const hidden = unitOf(layer, unit * copies, i);
    const u = hiddenAt(hidden);
    const product = u * weightAt(first + i);
    products[i] = product;
    if (product === 0 || !isKept(hiddenMask, hidden) || !isKept(mask, first + i)) continue;
    kept[i] = u < 0 ? -1 : 1;
    if (u < 0) negative++;
    else {
      positive++;
      sums[Math.floor(i / group)]! += product;
    }
  }
  const bits = "nodes" in target ? target.nodes.find(isLinear)!.bits : target.bits;
  return {
    inputs,
    across: taps ? taps[1] : Math.ceil(Math.sqrt(inputs)),
    group,
    mostProduct: 4 ** lawAt(scheme, 0).bits,
    mostSum: 2 ** (bits + scaleBits),
    products,
    kept,
    sums,
    positive,
    negative,
  };
}

/** The kept products that pass on a positive input: they add up to its weight. */
export function termsOf({ group, products, kept }: UnitProducts, input: number): number[] {
  const [from, to] = [input * group, (input + 1) * group];
  return Array.from(products.subarray(from, to)).filter((_, i) => kept[from + i] === 1);
}
