// Integer ReLU networks whose layers are quantized (Kumar & Natale, Definitions 3 to 6).
//
// A weight is an integer in units of 2^-bits, an activation one in units of 2^-m, and a layer that is not quantized passes
// on its sums as they are. So one form serves the paper's precisions: with a shift behind every layer they are gamma-double,
// behind every second one gamma-triple, behind all but the first one reset in all layers except the first.

import * as z from "zod/mini";
import { RequestError } from "./errors.ts";
import { integer, parse } from "./check.ts";

/** How a sum is brought to a coarser unit. Away from 0 keeps uniform weights uniform; the others do not. */
export const quantizers = ["floor", "truncate", "nearest", "away"] as const;
/** How a sum is divided by a power of two: rounded down, towards 0, to the nearest integer, or away from 0. */
export type Quantizer = (typeof quantizers)[number];

/** One layer: a matrix, and what follows it. */
interface Layer {
  /** Outputs and inputs. */
  readonly rows: number;
  readonly columns: number;
  /** Integers, row by row. */
  readonly weights: Int32Array;
  /** Bits that the quantizer takes off its sums, 0..52. */
  readonly shift: number;
}

/** What follows the sums of every layer. */
export interface Activation {
  readonly quantizer: Quantizer;
  /** m: inputs are integers of -2^m..2^m. */
  readonly activationBits: number;
  /** The outputs of every layer are held within -2^m..2^m. */
  readonly clamp: boolean;
}

/** A ReLU network of integers with a quantizer after every layer. */
export interface Network extends Activation {
  /** Every layer but the last is followed by a ReLU. */
  readonly layers: readonly Layer[];
  /** The last input is the constant unit, always 2^m: biases are its weights, and hidden layers pass it on. */
  readonly constant: boolean;
}

/** A network without its weights. */
export interface Outline extends Activation {
  /** Its inputs, the constant unit among them, then the outputs of every layer. */
  readonly widths: readonly number[];
  /** k_t, the bits of its weights. */
  readonly bits: number;
  readonly constant: boolean;
}

export function outlineOf(
  { layers, quantizer, activationBits, clamp, constant }: Network,
  bits: number,
): Outline {
  const widths = [layers[0]?.columns ?? 0, ...layers.map(({ rows }) => rows)];
  return { widths, bits, quantizer, activationBits, clamp, constant };
}

/** Inputs, one after the other, as a first layer of so many columns has them: the constant unit behind each. */
export function withConstant(
  { activationBits, constant }: Pick<Network, "activationBits" | "constant">,
  columns: number,
  inputs: Int32Array,
): Int32Array {
  if (!constant) return inputs;
  const given = columns - 1;
  const all = new Int32Array((inputs.length / given) * columns).fill(2 ** activationBits);
  for (let k = 0; k * given < inputs.length; k++)
    all.set(inputs.subarray(k * given, (k + 1) * given), k * columns);
  return all;
}

/** The integers that a number of 53 bits holds exactly. */
export const MAX_SUM = 2 ** 53;

/** value / 2^shift, rounded: down, towards 0, to the nearest (halves away from 0), or away from 0. Exact up to 2^53. */
export function quantize(quantizer: Quantizer, value: number, shift: number): number {
  const unit = 2 ** shift;
  const magnitude = Math.abs(value);
  const rest = magnitude % unit;
  const below = (magnitude - rest) / unit;
  const up =
    quantizer === "floor"
      ? value < 0 && rest > 0
      : quantizer === "nearest"
        ? 2 * rest >= unit
        : quantizer === "away" && rest > 0;
  // Without the sum there would be a -0.
  return Math.sign(value) * (below + Number(up)) + 0;
}

/** How large the numbers of one layer can get. */
export interface LayerBound {
  /** The largest magnitude of a sum, and of an output behind the quantizer. */
  readonly sum: number;
  readonly output: number;
}

/**
 * Bounds of every layer for inputs of -2^m..2^m, before anything runs: a row's weights in magnitude, times the largest
 * input. Throws RangeError where a sum could exceed 2^53, beyond which no engine adds exactly.
 */
export function boundsOf({ layers, quantizer, activationBits, clamp }: Network): LayerBound[] {
  let input = 2 ** activationBits;
  return layers.map(({ rows, columns, weights, shift }, l) => {
    let largest = 0;
    for (let row = 0; row < rows; row++) {
      const magnitude = weights
        .subarray(row * columns, (row + 1) * columns)
        .reduce((sum, weight) => sum + Math.abs(weight), 0);
      largest = Math.max(largest, magnitude);
    }
    const sum = largest * input;
    if (sum > MAX_SUM)
      throw new RequestError(
        `layer ${l + 1}`,
        `sums of at most ${MAX_SUM}`,
        sum,
        "clamp activations or take fewer bits",
      );
    // Rounding down takes a negative sum away from 0.
    const output = quantize(quantizer === "floor" ? "away" : quantizer, sum, shift);
    input = clamp ? Math.min(output, 2 ** activationBits) : output;
    return { sum, output: input };
  });
}

/**
 * What a network makes of inputs, one after the other, each of as many integers as the first layer has columns. This is
 * the definition. Exact wherever `boundsOf` does not throw.
 */
export function forward(
  network: Pick<Network, "layers"> & Activation,
  inputs: ArrayLike<number>,
): Float64Array {
  const { layers } = network;
  let values = Float64Array.from(inputs);
  layers.forEach(({ rows, columns, weights, shift }, l) => {
    const count = values.length / columns;
    const outputs = new Float64Array(count * rows);
    for (let k = 0; k < count; k++)
      for (let row = 0; row < rows; row++) {
        let sum = 0;
        for (let i = 0; i < columns; i++) sum += weights[row * columns + i]! * values[k * columns + i]!;
        outputs[k * rows + row] = activate(network, sum, shift, l === layers.length - 1);
      }
    values = outputs;
  });
  return values;
}

/** The most bits of weights and activations that are given. */
const MAX_BITS = 20;

const networkSchema = z.strictObject(
  {
    bits: integer(0, MAX_BITS),
    activationBits: integer(0, MAX_BITS),
    quantizer: z._default(z.enum(quantizers, `one of ${quantizers.join(", ")}`), "floor"),
    clamp: z._default(z.boolean("true or false"), false),
    layers: z
      .array(
        z.strictObject(
          {
            weights: z
              .array(
                z
                  .array(z.number("an integer"), "a row of integers")
                  .check(z.minLength(1, "an integer for each input")),
                "rows of integers",
              )
              .check(z.minLength(1, "a row for each output")),
            biases: z.optional(z.array(z.number("an integer"), "a list of integers")),
          },
          "an object with weights",
        ),
        "a list of layers",
      )
      .check(z.minLength(1, "one layer or more")),
  },
  "an object with bits, activationBits and layers",
);

/**
 * Reads a network from an object: `bits` and `activationBits`, and `layers`, each with `weights` of shape [outputs, inputs]
 * and optional `biases` of shape [outputs], integers of -2^bits..2^bits.
 *
 * A bias is the weight of an input that is always 1. The `quantizer` (default `floor`) follows every layer; `clamp` (default
 * false) keeps outputs within -2^activationBits..2^activationBits.
 * @returns The network, its weights in Int32Arrays row by row, and `bits`.
 * @throws {RequestError} A field is missing, has another shape or is out of range, or sums of the network could exceed 2^53.
 * @example
 * ```ts
 * import { readNetwork } from "exacta/ticket";
 *
 * const { network, bits } = readNetwork({
 *   bits: 2,
 *   activationBits: 3,
 *   layers: [{ weights: [[4, -1], [0, 3]] }, { weights: [[-4, 2]] }],
 * });
 * console.log(bits, network.layers.map(({ rows, columns }) => [rows, columns])); // 2 [ [ 2, 2 ], [ 1, 2 ] ]
 * ```
 */
export function readNetwork(value: unknown): { network: Network; bits: number } {
  const { bits, layers: given, ...rest } = parse(networkSchema, value, "network");
  given.forEach(({ weights, biases }, l) => {
    const columns = l === 0 ? weights[0]!.length : given[l - 1]!.weights.length;
    weights.forEach((row, r) => checkWeights(row, columns, bits, `layers.${l}.weights.${r}`));
    if (biases) checkWeights(biases, weights.length, bits, `layers.${l}.biases`);
  });
  const constant = given.some(({ biases }) => biases);
  const layers = given.map(({ weights, biases }, l) => {
    const rows = constant ? weights.map((row, r) => [...row, biases?.[r] ?? 0]) : weights;
    // A weight of 1 passes the constant unit on, whatever follows the sums.
    if (constant && l < given.length - 1) rows.push([...weights[0]!.map(() => 0), 2 ** bits]);
    return {
      rows: rows.length,
      columns: rows[0]!.length,
      weights: Int32Array.from(rows.flat()),
      shift: bits,
    };
  });
  const network: Network = { ...rest, layers, constant };
  boundsOf(network);
  return { network, bits };
}

function checkWeights(weights: readonly number[], length: number, bits: number, what: string): void {
  const most = 2 ** bits;
  if (weights.length !== length) throw new RequestError(what, `${length} weights`, weights.length);
  const wrong = weights.findIndex((weight) => !Number.isInteger(weight) || Math.abs(weight) > most);
  if (wrong >= 0)
    throw new RequestError(`${what}.${wrong}`, `an integer in ${-most}..${most}`, weights[wrong]);
}

/** What a layer makes of a sum. */
export function activate(
  { quantizer, activationBits, clamp }: Activation,
  sum: number,
  shift: number,
  last: boolean,
): number {
  const output = quantize(quantizer, sum, shift);
  const most = clamp ? 2 ** activationBits : Infinity;
  return Math.min(Math.max(output, last ? -most : 0), most);
}
