// Integer ReLU networks whose layers are quantized (Kumar & Natale, Definitions 3 to 6).
//
// A weight is an integer in units of 2^-bits, an activation an integer in units of 2^-m. The shift of a layer brings its sums
// back to units of 2^-m; a layer with a shift of 0 passes them on exactly. The shifts express all the paper's precisions: every
// layer shifts for gamma-double (Definition 5), every second layer for gamma-triple (Definition 6), and all layers but the first
// for the networks of Theorem 2.

import * as z from "zod/mini";
import { RequestError } from "./errors.ts";
import { integer, parse } from "./check.ts";

/**
 * How an integer is rounded to a coarser unit: down, towards 0, to the nearest with ties away from 0, or away from 0. The index
 * is the code that kernel `forward` takes. Only `away` maps uniform weights without 0 to uniform weights without 0.
 */
export const quantizers = ["floor", "truncate", "nearest", "away"] as const;
/** How a sum is divided by a power of two: rounded down, towards 0, to the nearest integer, or away from 0. */
export type Quantizer = (typeof quantizers)[number];

/** One layer: a matrix, and the shift of its quantizer. */
export interface Layer {
  /** The number of outputs, and of inputs. */
  readonly rows: number;
  readonly columns: number;
  /** Shape [rows, columns], row by row. */
  readonly weights: Int32Array;
  /** How many low bits the quantizer drops from a sum, 0..52. */
  readonly shift: number;
}

/** How the sums of every layer become its outputs. */
export interface Activation {
  readonly quantizer: Quantizer;
  /** m: inputs are integers of -2^m..2^m. */
  readonly activationBits: number;
  /** Whether the outputs of every layer are clamped to -2^m..2^m. */
  readonly clamp: boolean;
}

/** A ReLU network of integers with a quantizer after every layer. */
export interface Network extends Activation {
  /** A ReLU follows every layer but the last. */
  readonly layers: readonly Layer[];
  /** Whether the last input is the constant unit 2^m, whose weights are the biases. Every hidden layer passes it on. */
  readonly constant: boolean;
}

/** A network without its weights. */
export interface Outline extends Activation {
  /** The inputs, with the constant unit, then the outputs of every layer. */
  readonly widths: readonly number[];
  /** k_t: weights are integers of -2^k_t..2^k_t. */
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

/**
 * Appends the constant unit to every input, if the network has one.
 * @param columns The columns of the first layer, with the constant unit.
 * @param inputs Shape [samples, columns without the constant unit], row by row.
 * @returns Shape [samples, columns].
 */
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

/** The largest sum: float64 holds every integer up to it exactly. */
export const MAX_SUM = 2 ** 53;

/** Rounds value / 2^shift to an integer, never -0. Exact for values of at most 2^53 in magnitude. */
export function quantize(quantizer: Quantizer, value: number, shift: number): number {
  return quantizeBy(quantizer, value, 2 ** shift);
}

/** Rounds value / unit to an integer, never -0. Exact for integers of at most 2^53 in magnitude and positive integer units. */
export function quantizeBy(quantizer: Quantizer, value: number, unit: number): number {
  const magnitude = Math.abs(value);
  const remainder = magnitude % unit;
  const truncated = (magnitude - remainder) / unit;
  const roundsUp =
    quantizer === "floor"
      ? value < 0 && remainder > 0
      : quantizer === "nearest"
        ? 2 * remainder >= unit
        : quantizer === "away" && remainder > 0;
  // Adding 0 turns -0 into 0.
  return Math.sign(value) * (truncated + Number(roundsUp)) + 0;
}

/** Bounds on the numbers of one layer. */
export interface LayerBound {
  /** The largest magnitude of a sum, and of a quantized output. */
  readonly sum: number;
  readonly output: number;
}

/**
 * The bounds of every layer for inputs of -2^m..2^m: the largest sum of a row's magnitudes, times the largest input.
 * @throws {RequestError} Where a sum could exceed 2^53, beyond which no engine adds exactly.
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
    // `floor` rounds a negative sum away from 0.
    const output = quantize(quantizer === "floor" ? "away" : quantizer, sum, shift);
    input = clamp ? Math.min(output, 2 ** activationBits) : output;
    return { sum, output: input };
  });
}

/**
 * Runs a network. This is the definition of a forward pass; it is exact wherever `boundsOf` does not throw.
 * @param inputs Shape [samples, columns of the first layer], row by row.
 * @returns Shape [samples, rows of the last layer].
 */
export function forward(
  network: Pick<Network, "layers"> & Activation,
  inputs: ArrayLike<number>,
): Float64Array {
  const { layers } = network;
  let values = Float64Array.from(inputs);
  layers.forEach(({ rows, columns, weights, shift }, l) => {
    const samples = values.length / columns;
    const outputs = new Float64Array(samples * rows);
    for (let k = 0; k < samples; k++)
      for (let row = 0; row < rows; row++) {
        let sum = 0;
        for (let i = 0; i < columns; i++) sum += weights[row * columns + i]! * values[k * columns + i]!;
        outputs[k * rows + row] = activate(network, sum, shift, l === layers.length - 1);
      }
    values = outputs;
  });
  return values;
}

/** The most bits of weights and of activations in a network file. */
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
    // A weight of 2^bits, which is 1 in units of 2^-bits, passes the constant unit on through any quantizer, ReLU and clamp.
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

/** The output of a sum: quantized, rectified unless the layer is the last one, and clamped. */
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
