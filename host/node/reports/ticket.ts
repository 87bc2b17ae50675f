// A ticket in words: its sizes, and the weights that deviate from the target.

import { isLinear, type Graph } from "../../../src/graph/model.ts";
import type { Scheme } from "../../../src/ticket/scheme.ts";
import type { Sizes } from "../../../src/ticket/sizes.ts";
import type { Deviation } from "../../../src/ticket/ticket.ts";
import { quoted } from "../../../src/import/text.ts";
import { grouped } from "./table.ts";

/** How many weights a ticket keeps, and how many a random network has beside the bound by counting. */
export function sizesText({ target, initial, kept, dead, bitsPerWeight, lowerBound, gap }: Sizes): string {
  const needless = dead > 0 ? `; ${grouped(dead)} further kept weights have no effect` : "";
  const least = grouped(Math.ceil(lowerBound));
  return (
    `keeps ${grouped(kept)} of ${grouped(initial)} weights for ${grouped(target)}, ${bitsPerWeight.toFixed(1)} bits a ` +
    `weight; a random network with a mask for each choice of these ${grouped(target)} has at least ${least} weights (here ${gap.structured.toFixed(1)}x ` +
    `that, ${gap.dense.toFixed(1)}x with dense first matrices)${needless}`
  );
}

/** The widths of a random network: `51 54 hidden units an input`. */
export function widthText({
  units,
  copies = [],
}: Pick<Scheme, "units"> & Partial<Pick<Scheme, "copies">>): string {
  return `${units.join(" ")} hidden units${copies.length > 0 ? ` and ${copies.join(" ")} copies` : ""} an input`;
}

/** The weight that deviates, and what the kept items behind it sum up to. */
export function deviationText(deviation: Deviation): string {
  const { sign, copy, node, expected, got } = deviation;
  const signs = sign === 0 ? "all inputs" : `${sign > 0 ? "positive" : "negative"} inputs`;
  if (deviation.level !== undefined)
    return `${placeText(deviation)}, ${signs}: copy ${copy} of ${expected} x has too few edges\n`;
  const place =
    node === undefined
      ? `${placeText(deviation)}, ${signs}, copy ${copy}`
      : `${placeText(deviation)}, ${signs}`;
  return `${place}: expected a subset sum of ${expected}, got ${got ?? "none"}\n`;
}

/** `layer 0, output 1, input 2`, or `layer conv1, output 1, input 2, tap [0, 1]` in a graph. */
function placeText({ layer, node, output, input, tap, bias, level }: Deviation): string {
  const from = bias ? "bias" : `input ${input}${tap ? `, tap [${tap.join(", ")}]` : ""}`;
  const to = level === undefined ? `output ${output}` : `level ${level}`;
  return `layer ${node === undefined ? layer : quoted(node)}, ${to}, ${from}`;
}

/** The layers with weights of a graph, with the bits and the number of their weights and biases. */
export function layerSizes({ nodes }: Graph) {
  return nodes.filter(isLinear).map(({ name, bits, weights, biases }) => ({
    node: name,
    targetBits: bits,
    weights: weights.length + (biases?.length ?? 0),
  }));
}

/** A probability with two significant digits. */
export function shortProbability(probability: number): string {
  return String(Number(probability.toPrecision(2)));
}
