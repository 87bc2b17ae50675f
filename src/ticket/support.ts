// Rejection of products to the uniform law on all distinct products. This is as much of the paper's rejection step (Lemma 5)
// as is possible on the grid; src/theory/rejection.ts shows why no rejection reaches the uniform law on -M..M.

import { drawValue } from "../ensemble.ts";
import { streamKey } from "../random.ts";
import { productWays } from "../theory/rejection.ts";

/** The first stream of a seed that decides which products are accepted. Lower streams draw weights and ensembles. */
const SUPPORT_STREAM = 2 ** 17;

/** Whether a scheme accepts the product of the weight with this index in its layer. */
type Acceptance = (weightIndex: number, product: number) => boolean;

/**
 * The acceptance of each layer, by its index; undefined where the scheme uses all products. A product z is accepted with
 * probability exactly 1 / r(|z|), r the number of factorizations a b with a, b in 1..2^bits, and 0 never. Weights are
 * decided independently of each other.
 */
export function acceptance(
  { support, bits: given }: { readonly support: boolean; readonly bits: number | readonly number[] },
  seed: bigint,
): (layerIndex: number) => Acceptance | undefined {
  if (!support) return () => undefined;
  return (layerIndex) => {
    const bits = typeof given === "number" ? given : given[Math.floor(layerIndex / 2)]!;
    const ways = productWays(2 ** bits);
    const key = streamKey(seed, [SUPPORT_STREAM + layerIndex, bits]);
    return (weightIndex, product) => {
      const count = ways[Math.abs(product)]!;
      return count > 0 && drawValue(count, key, weightIndex, 0) === 0;
    };
  };
}
