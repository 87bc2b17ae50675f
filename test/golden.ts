// Networks that another program pruned, as networks of ours.

import { quantize, type Network, type Quantizer } from "../src/network.ts";
import fixture from "./fixtures/networks.json" with { type: "json" };

export const golden = fixture.rows;
export type GoldenRow = (typeof golden)[number];

export function targetNetwork({ widths, target, targetBits, activationBits, quantizer }: GoldenRow): Network {
  return {
    layers: target.map((weights, l) => ({
      rows: widths[l + 1]!,
      columns: widths[l]!,
      weights: Int32Array.from(weights),
      shift: targetBits,
    })),
    quantizer: quantizer as Quantizer,
    activationBits,
    clamp: false,
    constant: false,
  };
}

/** The random network, its weights reduced, all of them kept. */
export function randomNetwork({
  theorem,
  shapes,
  random,
  initialBits,
  bits,
  weightQuantizer,
  ...row
}: GoldenRow): Network {
  const shiftOf = (l: number) =>
    theorem === 1 ? 2 * bits * (l % 2) : l === 0 ? 0 : l === 1 ? 2 * bits : bits;
  return {
    layers: random.map((letters, l) => ({
      rows: shapes[l]![0]!,
      columns: shapes[l]![1]!,
      weights: Int32Array.from(letters, (letter) =>
        quantize(
          weightQuantizer as Quantizer,
          letter.charCodeAt(0) - "A".charCodeAt(0) - 2 ** initialBits,
          initialBits - bits,
        ),
      ),
      shift: shiftOf(l),
    })),
    quantizer: row.quantizer as Quantizer,
    activationBits: row.activationBits,
    clamp: false,
    constant: false,
  };
}
