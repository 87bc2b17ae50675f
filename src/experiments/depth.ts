// Weights of k_t bits from random weights of -1 and 1, in two layers and in depth: how wide and how deep the random network is
// that contains a weight with a given probability. The weight is uniform on -2^k_t..2^k_t, and its input may be negative.

import { integer, parse } from "../check.ts";
import type { DepthFinding } from "../finding.ts";
import { digitsProbability, firstLevelProbability, levelsProbability } from "../theory/levels.ts";
import { fewestUnits } from "../ticket/width.ts";
import { widthConfig } from "./width.ts";

/** The most bits of a weight: two layers then need several thousand units. */
const MAX_TARGET_BITS = 10;
const PROBABILITIES = [0.5, 0.9, 0.99];

/**
 * The widths of both constructions for weights of `targetBits` bits, 0..10.
 * @throws {RequestError} For other bits.
 */
export function depthFinding(targetBits: unknown): DepthFinding {
  const bits = parse(integer(0, MAX_TARGET_BITS), targetBits, "bits");
  const { predicted } = widthConfig({ bits: 0, targetBits: bits });
  const weights = Array.from({ length: 2 ** (bits + 1) + 1 }, (_, i) => i - 2 ** bits);
  /** P(the levels of both signs exist, and the digits of the weight for both signs), given the first copies. */
  const edges = (copies: number) =>
    (levelsProbability(bits, copies) ** 2 *
      weights.reduce((sum, weight) => sum + digitsProbability(weight, copies) ** 2, 0)) /
    weights.length;
  return {
    kind: "depth",
    targetBits: bits,
    layers: bits + 2,
    widths: PROBABILITIES.map((probability) => {
      const copies = fewestUnits((c) => c > 0 && edges(c) >= Math.sqrt(probability))!;
      const success = (units: number) => firstLevelProbability(units, copies) * edges(copies);
      const units = fewestUnits((h) => success(h) >= probability)!;
      return {
        probability,
        pairUnits: fewestUnits((h) => predicted(h) >= probability)!,
        copies,
        units,
        rows: Math.max(units, bits === 0 ? 0 : 2 * copies * (bits + 1)),
        predicted: success(units),
      };
    }),
  };
}
