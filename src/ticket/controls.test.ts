import { describe, expect, test } from "vitest";
import { readNetwork } from "../network.ts";
import { controlOf } from "./controls.ts";
import { encodeTicket } from "./file.ts";
import { isKept, keepWeight, keptCount } from "./mask.ts";
import { layersOf, weightCount } from "./scheme.ts";
import { emptyMasks, type Ticket } from "./ticket.ts";
import { schemeFor } from "./width.ts";
import { outlineOf } from "../network.ts";

const { network, bits } = readNetwork({
  bits: 2,
  activationBits: 3,
  layers: [{ weights: [[4, -1]] }, { weights: [[-4]] }],
});
const { scheme } = schemeFor(network, bits, { units: [3, 5] });
const target = outlineOf(network, bits);
const layers = layersOf(target.widths, bits, scheme);
const weights = layers.map(weightCount);

/** A ticket whose layers keep 2, 3, 1 and 0 weights. */
function ticketOf(seed: bigint): Ticket {
  const masks = emptyMasks(layers);
  [2, 3, 1, 0].forEach((count, l) => {
    for (let i = 0; i < count; i++) keepWeight(masks[l]!, i);
  });
  return { scheme, seed, target, masks };
}

const keptOf = (ticket: Ticket, layer: number) =>
  Array.from({ length: weights[layer]! }, (_, i) => i).filter((i) => isKept(ticket.masks[layer]!, i));

describe("Controls of a ticket", () => {
  test("The uncut network keeps every weight, and its masks have no bits after the last one", () => {
    const uncut = controlOf(ticketOf(1n), "uncut");
    expect(uncut.masks.map(keptCount)).toEqual(weights);
    expect(weights.some((count) => count % 8 > 0)).toBe(true);
    expect(() => encodeTicket(uncut, "0".repeat(64))).not.toThrow();
  });

  test("The network cut at random keeps as many weights of each layer as the ticket, others for another seed", () => {
    const cuts = [1n, 2n, 3n].map((seed) => controlOf(ticketOf(seed), "random"));
    for (const cut of cuts) expect(cut.masks.map(keptCount)).toEqual([2, 3, 1, 0]);
    expect(new Set(cuts.map(({ masks }) => masks.join(" "))).size).toBe(3);
    expect(controlOf(ticketOf(1n), "random")).toEqual(cuts[0]);
  });

  test("All sets of two of six weights are equally likely", () => {
    const draws = 1500;
    const counts = new Map<string, number>();
    for (let seed = 0; seed < draws; seed++) {
      const set = String(keptOf(controlOf(ticketOf(BigInt(seed)), "random"), 0));
      counts.set(set, (counts.get(set) ?? 0) + 1);
    }
    expect(weights[0]).toBe(6);
    expect(counts.size).toBe(15);
    // Six standard deviations of a binomial count.
    const [mean, deviation] = [draws / 15, Math.sqrt((draws / 15) * (14 / 15))];
    for (const [set, count] of counts) expect(Math.abs(count - mean), set).toBeLessThan(6 * deviation);
  });
});
