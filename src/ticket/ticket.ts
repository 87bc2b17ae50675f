// A ticket: a seed and which weights of its random network are kept.

import { RequestError } from "../errors.ts";
import { outlineOf, type Network, type Outline } from "../network.ts";
import { keepPlace, maskBytes, type Mask } from "./mask.ts";
import { placesOf, type Demand, type RandomLayer, type Scheme } from "./scheme.ts";

export interface Ticket {
  readonly scheme: Scheme;
  readonly seed: bigint;
  readonly target: Outline;
  /** For every layer of the random network, which places of its structure are kept. */
  readonly masks: readonly Mask[];
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
export function emptyMasks(layers: readonly RandomLayer[]): Mask[] {
  return layers.map((layer) => new Uint8Array(maskBytes(placesOf(layer))));
}

/** Keeps places from `first` on: place first + q where bit q of the words from..to is 1. */
export function keep(mask: Mask, first: number, words: Uint32Array, from: number, to: number): void {
  for (let w = from; w < to; w++)
    for (let rest = words[w]!; rest !== 0; rest &= rest - 1)
      keepPlace(mask, first + 32 * (w - from) + 31 - Math.clz32(rest & -rest));
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

/** Throws RangeError where a network cannot be a target of this outline, whatever its weights are. */
export function checkTarget(network: Network, target: Outline): void {
  const other = network.layers.find(({ shift }) => shift !== target.bits);
  const given = outlineOf(network, other?.shift ?? target.bits);
  for (const name of Object.keys(target) as (keyof Outline)[])
    if (String(given[name]) !== String(target[name]))
      throw new RequestError(
        `network, ${name}`,
        `${String(target[name])}, as the ticket's target has`,
        given[name],
      );
}
