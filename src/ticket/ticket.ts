// A ticket: a seed, and masks that say which weights of the random network of that seed are kept.

import { RequestError } from "../errors.ts";
import { outlineOf, type Network, type Outline } from "../network.ts";
import { keepWeight, maskBytes, type Mask } from "./mask.ts";
import { weightCount, type Demand, type RandomLayer, type Scheme } from "./scheme.ts";

/** A seed, and the masks that prune the random network of that seed to the target. */
export interface Ticket {
  readonly scheme: Scheme;
  readonly seed: bigint;
  readonly target: Outline;
  /** One mask for every layer of the random network. */
  readonly masks: readonly Mask[];
}

/** A weight of the target that a ticket does not represent. */
export interface Deviation {
  /** The layer of the target, and the output and input of the weight, counted from 0. */
  readonly layer: number;
  readonly output: number;
  readonly input: number;
  /** The sign of the inputs for which the weight differs, and the copy of the output in which it does. */
  readonly sign: 1 | -1;
  readonly copy: number;
  /** The sum that the kept weights should have, and the sum that they have; undefined where no subset has the sum. */
  readonly expected: number;
  readonly got: number | undefined;
}

/** Masks that keep no weight. */
export function emptyMasks(layers: readonly RandomLayer[]): Mask[] {
  return layers.map((layer) => new Uint8Array(maskBytes(weightCount(layer))));
}

/** Keeps weight `first` + q for every bit q that is set in words[from..to). Bit q is bit q % 32 of word floor(q / 32). */
export function keep(mask: Mask, first: number, words: Uint32Array, from: number, to: number): void {
  for (let w = from; w < to; w++)
    for (let bits = words[w]!; bits !== 0; bits &= bits - 1)
      keepWeight(mask, first + 32 * (w - from) + 31 - Math.clz32(bits & -bits));
}

/** The deviation of the target weight behind a demand, whose kept weights sum to `got`. */
export function deviationOf(
  layers: readonly RandomLayer[],
  { index, row, input, sign, sum }: Pick<Demand, "index" | "row" | "input" | "sign" | "sum">,
  got: number | undefined,
): Deviation {
  const { layer, copies } = layers[index]!;
  return { layer, output: Math.floor(row / copies), input, sign, copy: row % copies, expected: sum, got };
}

/**
 * Checks that a network has the outline of a ticket's target; its weights may be any.
 * @throws {RequestError} Names the first field of the outline that differs.
 */
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
