// Rejection of products to a uniform law on all products that there are: what is possible of the step of Kumar & Natale that
// makes products uniform. See src/theory/rejection.ts for what is not.

import { drawValue } from "../ensemble.ts";
import { streamKey } from "../random.ts";
import { productWays } from "../theory/rejection.ts";

/** Streams of a seed from this one on say which products are used; those below it are weights and ensembles. */
const SUPPORT_STREAM = 2 ** 17;

/** Whether the product at a place of a layer is used. */
type Acceptance = (place: number, product: number) => boolean;

/**
 * Which products of each layer, by its index, a seed lets a scheme use: z with a probability of exactly 1 / r(|z|), every
 * place by itself, and never 0; undefined where it uses all of them.
 */
export function acceptance(
  { support, bits }: { readonly support: boolean; readonly bits: number },
  seed: bigint,
): (index: number) => Acceptance | undefined {
  if (!support) return () => undefined;
  const ways = productWays(2 ** bits);
  return (index) => {
    const key = streamKey(seed, [SUPPORT_STREAM + index, bits]);
    return (place, product) => {
      const count = ways[Math.abs(product)]!;
      return count > 0 && drawValue(count, key, place, 0) === 0;
    };
  };
}
