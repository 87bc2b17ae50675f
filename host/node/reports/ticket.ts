// A ticket in words: its sizes, and the weights that deviate from the target.

import type { Scheme } from "../../../src/ticket/scheme.ts";
import type { Sizes } from "../../../src/ticket/sizes.ts";
import type { Deviation } from "../../../src/ticket/ticket.ts";
import { grouped } from "./table.ts";

/** How many weights a ticket keeps, and how many a random network has beside the bound by counting. */
export function sizesText({ target, initial, kept, dead, bitsPerWeight, lowerBound, gap }: Sizes): string {
  const needless = dead > 0 ? `; ${grouped(dead)} more are kept and change nothing` : "";
  const least = grouped(Math.ceil(lowerBound));
  return (
    `keeps ${grouped(kept)} of ${grouped(initial)} weights for ${grouped(target)}, ${bitsPerWeight.toFixed(1)} bits a ` +
    `weight; a mask for each choice of these ${grouped(target)} takes at least ${least} weights (here ${gap.structured.toFixed(1)}x ` +
    `that, ${gap.dense.toFixed(1)}x with dense first matrices)${needless}`
  );
}

/** The widths of a random network: `51 54 hidden units an input`. */
export function widthText({ units, copies }: Scheme): string {
  return `${units.join(" ")} hidden units${copies.length > 0 ? ` and ${copies.join(" ")} copies` : ""} an input`;
}

/** The weight that deviates, and what the kept items behind it sum up to. */
export function deviationText({ layer, output, input, sign, copy, expected, got }: Deviation): string {
  return (
    `layer ${layer}, output ${output}, input ${input}, ${sign > 0 ? "positive" : "negative"} inputs, copy ${copy}: ` +
    `expected a subset sum of ${expected}, got ${got ?? "none"}\n`
  );
}

/** A probability with two significant digits. */
export function shortProbability(probability: number): string {
  return String(Number(probability.toPrecision(2)));
}
