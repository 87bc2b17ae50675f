// Fields that the requests of several experiments on random instances have.

import * as z from "zod/mini";
import { integer, parse } from "../check.ts";
import { ensembles, halfRangeOf, isProduct, type Ensemble } from "../ensemble.ts";
import { RequestError } from "../errors.ts";

/** The schemas of the ensemble and of its half range. */
export const ensembleFields = {
  ensemble: z._default(z.enum(ensembles, `one of ${ensembles.join(", ")}`), "rssp"),
  // `askedHalfRange` checks them, since their ranges depend on the ensemble.
  bits: z.optional(z.unknown()),
  halfRange: z.optional(z.unknown()),
};

/** The schema of n or a range of n, in 0..most. */
export function itemsField(most: number) {
  const count = integer(0, most);
  return z.union(
    [count, z.strictObject({ from: count, to: count })],
    `n or a range A..B, integers in 0..${most}`,
  );
}

/**
 * M, from one of `bits` and `halfRange`.
 * @param most The largest M.
 * @throws {RequestError} Names the field that is wrong.
 */
export function askedHalfRange(
  { ensemble, bits, halfRange }: { ensemble: Ensemble; bits?: unknown; halfRange?: unknown },
  most: number,
): number {
  if ((bits === undefined) === (halfRange === undefined))
    throw new RequestError(
      "bits, halfRange",
      "exactly one of the two",
      bits === undefined ? undefined : "both",
    );
  const mostBits = Math.floor(Math.log2(most) / (isProduct(ensemble) ? 2 : 1));
  const M =
    bits === undefined
      ? parse(integer(1, most), halfRange, "halfRange")
      : halfRangeOf(ensemble, parse(integer(0, mostBits), bits, "bits"));
  if (isProduct(ensemble) && !Number.isInteger(Math.sqrt(M)))
    throw new RequestError("halfRange", `a perfect square for ${ensemble}`, M);
  return M;
}

/** The range of n that is asked for, both ends included. */
export function askedItems(items: number | { from: number; to: number }): { from: number; to: number } {
  const range = typeof items === "number" ? { from: items, to: items } : items;
  if (range.from > range.to)
    throw new RequestError("items", "A..B with A not above B", `${range.from}..${range.to}`);
  return range;
}
