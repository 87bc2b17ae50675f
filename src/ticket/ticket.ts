// A ticket: a seed and which weights of its random network are kept. It equals its target on every input, and that is a
// matter of integers: in every layer the kept products sum up to the target's weights.

import type { Network, Outline } from "../network.ts";
import {
  demandsOf,
  layersOf,
  drawnWeights,
  placesOf,
  type Demand,
  type RandomLayer,
  type RandomWeights,
  type Scheme,
} from "./scheme.ts";

export interface Ticket {
  readonly scheme: Scheme;
  readonly seed: bigint;
  readonly target: Outline;
  /** For every layer of the random network a byte for each place of its structure: 1 where the weight is kept. */
  readonly masks: readonly Uint8Array[];
}

/** A weight of the target that a ticket does not represent. */
export interface Deviation {
  /** The layer of the target, and the output and input of the weight, from 0. */
  readonly layer: number;
  readonly output: number;
  readonly input: number;
  /** The sign of the inputs for which it differs, and which of the output's copies does. */
  readonly sign: 1 | -1;
  readonly copy: number;
  /** What the kept weights should sum up to, and what they do; undefined where no subset does. */
  readonly expected: number;
  readonly got: number | undefined;
}

/** Masks that keep nothing. */
export function emptyMasks(layers: readonly RandomLayer[]): Uint8Array[] {
  return layers.map((layer) => new Uint8Array(placesOf(layer)));
}

/** Keeps places from `first` on: place first + q where bit q of the words from..to is 1. */
export function keep(mask: Uint8Array, first: number, words: Uint32Array, from: number, to: number): void {
  for (let w = from; w < to; w++)
    for (let rest = words[w]!; rest !== 0; rest &= rest - 1)
      mask[first + 32 * (w - from) + 31 - Math.clz32(rest & -rest)] = 1;
}

/** The weight of the target behind a demand, and what it got. */
export function deviationOf(
  layers: readonly RandomLayer[],
  { index, row, input, sign, sum }: Omit<Demand, "place" | "items" | "members">,
  got: number | undefined,
): Deviation {
  const { layer, copies } = layers[index]!;
  return { layer, output: Math.floor(row / copies), input, sign, copy: row % copies, expected: sum, got };
}

/**
 * The first weight of a target that masks over a random network do not represent; undefined where there is none, and then
 * the pruned network and the target are equal on all inputs.
 */
export function firstDeviation(
  target: Network,
  layers: readonly RandomLayer[],
  random: RandomWeights,
  masks: readonly Uint8Array[],
): Deviation | undefined {
  for (const demand of demandsOf(target, layers, random)) {
    const got = keptSum(layers, masks, demand);
    if (got !== demand.sum) return deviationOf(layers, demand, got);
  }
  return undefined;
}

/** What the kept items of a demand sum up to. */
function keptSum(
  layers: readonly RandomLayer[],
  masks: readonly Uint8Array[],
  { index, place, input, items, members }: Demand,
): number {
  const { kind, group } = layers[index]!;
  const hidden = kind === "direct" ? undefined : masks[index - 1]!.subarray(input * group);
  return items.reduce((sum, item, i) => {
    const q = members[i]!;
    return masks[index]![place + q] && (!hidden || hidden[q]) ? sum + item : sum;
  }, 0);
}

/**
 * The target that a ticket stands for, its weights read off the first copies and nonnegative inputs: whether the ticket
 * equals it is for `verify` to say.
 */
export function representedNetwork({ scheme, seed, target, masks }: Ticket): Network {
  const { widths, bits, ...rest } = target;
  const layers = layersOf(widths, bits, scheme);
  const network: Network = {
    ...rest,
    layers: widths.slice(1).map((rows, l) => ({
      rows,
      columns: widths[l]!,
      weights: new Int32Array(rows * widths[l]!),
      shift: bits,
    })),
  };
  for (const demand of demandsOf(network, layers, drawnWeights(scheme, seed))) {
    const { layer, copies, inputs, lift } = layers[demand.index]!;
    if (demand.sign < 0 || demand.row % copies > 0) continue;
    const at = (demand.row / copies) * inputs + demand.input;
    network.layers[layer]!.weights[at] = Math.floor(keptSum(layers, masks, demand) / 2 ** lift);
  }
  return network;
}

/** The first weight of a target that a ticket does not represent, after drawing everything again from its seed. */
export function verify(network: Network, { scheme, seed, target, masks }: Ticket): Deviation | undefined {
  return firstDeviation(
    network,
    layersOf(target.widths, target.bits, scheme),
    drawnWeights(scheme, seed),
    masks,
  );
}
