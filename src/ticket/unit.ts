// One unit of the target's first hidden layer as the random network makes it: the products of two random weights that each
// input offers, those of them that are kept, and their sums.

import { isKept } from "./mask.ts";
import { drawnWeights, layersOf } from "./scheme.ts";
import type { Ticket } from "./ticket.ts";

/** The products behind one unit. The constant unit is no input here. */
export interface UnitProducts {
  readonly inputs: number;
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

/** The products behind unit `unit` of the target's first layer, in the first of its copies. */
export function unitProducts({ scheme, seed, target, masks }: Ticket, unit: number): UnitProducts {
  const layers = layersOf(target.widths, target.bits, scheme);
  const { group, columns, copies, scaleBits } = layers[1]!;
  const inputs = layers[1]!.inputs - Number(target.constant);
  const random = drawnWeights(scheme, seed);
  const [hiddenAt, weightAt] = [random(0), random(1)];
  const [hiddenMask, mask] = [masks[0]!, masks[1]!];
  const first = unit * copies * columns;
  const products = new Int32Array(inputs * group);
  const kept = new Int8Array(products.length);
  const sums = new Int32Array(inputs);
  let [positive, negative] = [0, 0];
  const hidden = Int32Array.from(products, (_, i) => hiddenAt(i));
  for (let i = 0; i < products.length; i++) {
    const u = hidden[i]!;
    const product = u * weightAt(first + i);
    products[i] = product;
    if (product === 0 || !isKept(hiddenMask, i) || !isKept(mask, first + i)) continue;
    kept[i] = u < 0 ? -1 : 1;
    if (u < 0) negative++;
    else {
      positive++;
      sums[Math.floor(i / group)]! += product;
    }
  }
  const mostProduct = 4 ** scheme.bits;
  return {
    inputs,
    group,
    mostProduct,
    mostSum: 2 ** (target.bits + scaleBits),
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
