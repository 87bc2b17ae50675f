// A ticket in words: its sizes, and the weights that deviate from the target.

import { isLinear, type Graph } from "../../../src/graph/model.ts";
import type { Scheme } from "../../../src/ticket/scheme.ts";
import type { Sizes } from "../../../src/ticket/sizes.ts";
import type { Deviation } from "../../../src/ticket/ticket.ts";
import { quoted } from "../../../src/import/text.ts";
import { counted, grouped, wrap } from "./table.ts";

/** Columns of a terminal that lines of text fit. */
const COLUMNS = 80;

/** Sentences, each on lines of its own. */
export const lines = (texts: readonly string[]): string =>
  texts.flatMap((text) => wrap(text, COLUMNS).map((line) => `${line}\n`)).join("");

/** How many weights a ticket keeps. */
export function keptText({ initial, kept, dead }: Pick<Sizes, "initial" | "kept" | "dead">): string {
  const needless = dead > 0 ? `, and ${counted(dead, "further weight")} without effect` : "";
  return `keeps ${grouped(kept)} of ${grouped(initial)} weights${needless}`;
}

/** How many weights a ticket keeps, and how many a random network has beside the bound by counting. */
export function sizesTexts(sizes: Sizes): string[] {
  const { target, bitsPerWeight, lowerBound, gap } = sizes;
  return [
    `${keptText(sizes)}, ${bitsPerWeight.toFixed(1)} bits of masks for each weight of the network`,
    `a network with a mask for every choice of ${counted(target, "weight")} has at least ${counted(Math.ceil(lowerBound), "weight")}: ` +
      `this has ${gap.structured.toFixed(1)} times as many, ${gap.dense.toFixed(1)} times with dense first matrices`,
  ];
}

/** The widths of a random network, a number for each of its layers that has them. */
export function widthText({
  units,
  copies = [],
}: Pick<Scheme, "units"> & Partial<Pick<Scheme, "copies">>): string {
  const layers = units.length > 1 ? ", layer by layer" : "";
  const copied = copies.length > 0 ? `; copies: ${copies.join(", ")}` : "";
  return `hidden units for each input${layers}: ${units.join(", ")}${copied}`;
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
