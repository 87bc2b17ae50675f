// The controls of a ticket: the same random network without its pruning, and cut at random instead.

import { streamKey, threefry2x32, type WordPair } from "../random.ts";
import { isKept, keepWeight, keptCount, maskBytes, type Mask } from "./mask.ts";
import { ticketLayers, weightCount } from "./scheme.ts";
import type { GraphTicket, Ticket } from "./ticket.ts";

/** `uncut` keeps every weight. `random` keeps as many weights of each layer as the ticket does, chosen by its seed. */
export type Control = "uncut" | "random";

/** The first stream of a seed that cuts at random. Lower streams draw weights and decide which products are accepted. */
const CUT_STREAM = 2 ** 18;

/** The random network of a ticket with the masks of a control. */
export function controlOf<T extends Ticket | GraphTicket>(ticket: T, control: Control): T {
  const { seed } = ticket;
  const masks = ticketLayers(ticket).map((layer, index) => {
    const weights = weightCount(layer);
    if (control === "uncut") return fullMask(weights);
    return randomMask(weights, keptCount(ticket.masks[index]!), streamKey(seed, [CUT_STREAM + index, 0]));
  });
  return { ...ticket, masks };
}

function fullMask(weights: number): Mask {
  const mask = new Uint8Array(maskBytes(weights)).fill(0xff);
  if (weights % 8 > 0) mask[mask.length - 1] = 2 ** (weights % 8) - 1;
  return mask;
}

/** Keeps `kept` of the weights, every such set with the same probability (Floyd's method; Bentley & Floyd 1987). */
function randomMask(weights: number, kept: number, key: WordPair): Mask {
  const mask = new Uint8Array(maskBytes(weights));
  for (let last = weights - kept; last < weights; last++) {
    const index = drawBelow(last + 1, key, last);
    keepWeight(mask, isKept(mask, index) ? last : index);
  }
  return mask;
}

/** A uniform integer of 0..range - 1, range at most 2^31. Words from the last incomplete run of `range` words are rejected. */
function drawBelow(range: number, key: WordPair, index: number): number {
  const accepted = 2 ** 32 - (2 ** 32 % range);
  for (let attempt = 0; ; attempt++) {
    const [word] = threefry2x32(key, [index, attempt]);
    if (word < accepted) return word % range;
  }
}
