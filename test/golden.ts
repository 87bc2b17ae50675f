// Networks that another program pruned, as networks of ours.

import { outlineOf, quantize, type Network, type Quantizer } from "../src/network.ts";
import { keepWeight, maskBytes } from "../src/ticket/mask.ts";
import {
  layersOf,
  weightCount,
  type RandomLayer,
  type RandomWeights,
  type Scheme,
} from "../src/ticket/scheme.ts";
import type { Ticket } from "../src/ticket/ticket.ts";
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

/** The scheme that a golden network follows. */
function schemeOf({ theorem, initialBits, bits, weightQuantizer, shapes, widths }: GoldenRow): Scheme {
  const depth = widths.length - 1;
  return {
    theorem: theorem as 1 | 2,
    initialBits,
    bits,
    weightQuantizer: weightQuantizer as Quantizer,
    zero: theorem === 1,
    pools: "shared",
    support: false,
    units:
      theorem === 1
        ? Array.from({ length: depth }, (_, l) => shapes[2 * l]![0]! / widths[l]!)
        : [shapes[0]![0]! / widths[0]!],
    copies:
      theorem === 1 ? [] : Array.from({ length: depth - 1 }, (_, l) => shapes[l + 1]![0]! / widths[l + 1]!),
  };
}

/** A golden network as the ticket of a random network that no seed gives, and the weights of that at their places. */
export function goldenTicket(row: GoldenRow): { ticket: Ticket; random: RandomWeights } {
  const scheme = schemeOf(row);
  const layers = layersOf(row.widths, row.targetBits, scheme);
  const network = randomNetwork(row);
  const structure = ({ columns, group, kind }: RandomLayer, place: number) =>
    kind === "hidden" ? place * columns + Math.floor(place / group) : place;
  const masks = layers.map((layer, index) => {
    const mask = new Uint8Array(maskBytes(weightCount(layer)));
    for (let place = 0; place < weightCount(layer); place++)
      if (row.masks[index]![structure(layer, place)] === "1") keepWeight(mask, place);
    return mask;
  });
  return {
    ticket: { scheme, seed: 0n, target: outlineOf(targetNetwork(row), row.targetBits), masks },
    random: (index) => (place) => network.layers[index]!.weights[structure(layers[index]!, place)]!,
  };
}
