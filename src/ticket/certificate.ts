// What proves that a ticket equals its target on every input. That is a matter of integers: in every layer the kept products
// sum up to the target's weights.

import type { Graph } from "../graph/model.ts";
import { graphOf, type GraphOutline } from "../graph/outline.ts";
import type { Network, Outline } from "../network.ts";
import { keptLayers, rowSums, type KeptLayer } from "./kept.ts";
import { withoutLevels } from "./levels.ts";
import { addSkip, askedWeights, slotsOf, withMatrices, type Target } from "./scheme.ts";
import { checkTarget, deviationOf, named, type Deviation, type GraphTicket, type Ticket } from "./ticket.ts";

/**
 * The first weight of a target that a pruned network does not represent; undefined where there is none, and then they are
 * equal on all inputs.
 */
export function firstDeviation(target: Target, layers: readonly KeptLayer[]): Deviation | undefined {
  const kept = withoutLevels(layers);
  const matrices = askedWeights(target, kept);
  for (const { index, layer, row, sums } of rowSums(kept)) {
    const { copies, slots, scaleBits, rectified } = layer;
    const output = Math.floor(row / copies);
    const weights = matrices[layer.layer]!;
    for (const [slot, { signed }] of slotsOf(layer, output).entries()) {
      const sum = weights[output * slots + slot]! * 2 ** scaleBits;
      const positive = rectified ? 1 : 0;
      const sign = sums[slot] !== sum ? positive : signed && sums[slots + slot] !== sum ? -1 : undefined;
      if (sign === undefined) continue;
      const got = sums[sign < 0 ? slots + slot : slot];
      return named(target, deviationOf(kept, { index, row, slot, sign, sum }, got));
    }
  }
  return undefined;
}

/**
 * Reads the weights of the target off a ticket: the sums of the kept weights for the first copy of each output and
 * nonnegative inputs.
 *
 * Whether the ticket equals this network on every input, only `verifyTicket` can tell.
 * @example
 * ```ts
 * import { openEngine } from "exacta";
 * import { pruneToTicket, readNetwork, representedNetwork, schemeFor } from "exacta/ticket";
 *
 * const { network, bits } = readNetwork({ bits: 1, activationBits: 1, layers: [{ weights: [[2, -1]] }] });
 * const { scheme } = schemeFor(network, bits);
 * const engine = await openEngine({ engine: "cpu" });
 * const { ticket } = await pruneToTicket(engine, { network, bits, scheme });
 * engine.close();
 * console.log(representedNetwork(ticket).layers[0]!.weights); // Int32Array(2) [ 2, -1 ]
 * ```
 */
export function representedNetwork(ticket: Ticket): Network {
  return representedWeights(ticket.target, keptLayers(ticket));
}

/**
 * The network or graph of an outline whose weights are the sums of kept weights, for first copies.
 * @param inputs The sign of the inputs whose sums are taken, in layers that have sums for both.
 */
export function representedWeights(target: Outline, kept: readonly KeptLayer[], inputs?: 1 | -1): Network;
export function representedWeights(
  target: Outline | GraphOutline,
  kept: readonly KeptLayer[],
  inputs?: 1 | -1,
): Network | Graph;
export function representedWeights(
  target: Outline | GraphOutline,
  layers: readonly KeptLayer[],
  inputs: 1 | -1 = 1,
): Network | Graph {
  const kept = withoutLevels(layers);
  const matrices = kept
    .filter(({ kind }) => kind !== "hidden")
    .map(({ outputs, slots }) => new Int32Array(outputs * slots));
  for (const { layer, row, sums } of rowSums(kept)) {
    const { slots, copies, scaleBits } = layer;
    if (row % copies > 0) continue;
    const matrix = matrices[layer.layer]!;
    for (const [slot, { signed }] of slotsOf(layer, row / copies).entries()) {
      const sum = sums[inputs < 0 && signed ? slots + slot : slot]!;
      matrix[(row / copies) * slots + slot] = Math.floor(sum / 2 ** scaleBits);
    }
  }
  for (const layer of kept)
    if (layer.kind === "pooled" && layer.skip) addSkip(matrices, layer, -layer.skip.weight);
  if ("nodes" in target) return withMatrices(graphOf(target), matrices);
  const { widths, bits, ...rest } = target;
  return {
    ...rest,
    layers: matrices.map((weights, l) => ({
      rows: widths[l + 1]!,
      columns: widths[l]!,
      weights,
      shift: bits,
    })),
  };
}

/** The verdict on a ticket. */
export interface Verification {
  /** Whether the pruned network equals the target on every input. */
  readonly certified: boolean;
  /** The first weight that differs, in the order of layers, outputs, copies, inputs and signs. */
  readonly deviation?: Deviation;
}

/**
 * Draws the random network of a ticket again from its seed and compares the sums of its kept weights with a target. Equal
 * sums make the two networks equal on every input.
 * @throws {RequestError} The network's outline (widths, bits, quantizer, clamp, constant) is not that of the ticket's target.
 * @example
 * ```ts
 * import { openEngine } from "exacta";
 * import { pruneToTicket, readNetwork, schemeFor, verifyTicket } from "exacta/ticket";
 *
 * const { network, bits } = readNetwork({ bits: 1, activationBits: 1, layers: [{ weights: [[2, -1]] }] });
 * const { scheme } = schemeFor(network, bits);
 * const engine = await openEngine({ engine: "cpu" });
 * const { ticket } = await pruneToTicket(engine, { network, bits, scheme });
 * engine.close();
 * console.log(verifyTicket(network, ticket)); // { certified: true }
 * console.log(verifyTicket(network, { ...ticket, seed: 2n }).certified); // false
 * ```
 */
export function verifyTicket(network: Network | Graph, ticket: Ticket | GraphTicket): Verification {
  checkTarget(network, ticket.target);
  const deviation = firstDeviation(network, keptLayers(ticket));
  return deviation ? { certified: false, deviation } : { certified: true };
}
