// Networks of real numbers as networks of integers, and what that does to their outputs.
//
// With weights W_l = s_l I_l 2^-k for integers I_l of -2^k..2^k, and inputs x = u X 2^-m for integers X of -2^m..2^m, every
// activation of layer l is S_l 2^-m times an integer but for rounding, S_l = u s_1 ... s_l, because ReLUs commute with factors
// above 0. A bias b_l is a weight of the constant unit, 2^m behind every layer, so that I = b_l 2^k / S_l.

import { RequestError } from "../errors.ts";
import { drawValue } from "../ensemble.ts";
import { forward, withConstant, type Network } from "../network.ts";
import { streamKey } from "../random.ts";
import { largestOf, type GivenLayer } from "./given.ts";

/** What became of one layer. */
export interface LayerQuantization {
  /** Of its matrix in the file, its outputs and inputs. */
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
  /** s_l: the real weight that an integer weight of 2^k stands for. */
  readonly scale: number;
  /** How far a weight, or a bias, is off at most. */
  readonly weightError: number;
  readonly biasError: number | undefined;
}

/** What quantization did to a network. */
export interface Quantization {
  /** u: the real input that an integer input of 2^m stands for. */
  readonly inputScale: number;
  /** S_L: the real output that an integer output of 2^m stands for. */
  readonly outputScale: number;
  readonly layers: readonly LayerQuantization[];
  /** So many inputs, uniform on the integers of -2^m..2^m, were run through both networks. */
  readonly inputs: number;
  /** From the least to the greatest of all real outputs. */
  readonly outputRange: number;
  /** How far outputs are off: the most, and the root of the mean square. */
  readonly outputError: number;
  readonly outputErrorRms: number;
}

/** A layer of integers, row by row, and its scales. */
interface QuantizedLayer {
  readonly weights: Float64Array;
  readonly biases: Float64Array | undefined;
  readonly scale: number;
  /** S_l. */
  readonly total: number;
}

/**
 * Integers of -2^bits..2^bits for real weights: the nearest, halves away from 0, in units of the smallest scale that cuts off
 * no weight and no bias of the layer; 1 for a layer of zeros.
 * Throws RangeError where scales leave the range of numbers.
 */
export function quantizeLayers(
  layers: readonly GivenLayer[],
  bits: number,
  inputScale: number,
): QuantizedLayer[] {
  let before = inputScale;
  return layers.map(({ weights, biases }, l) => {
    const relative = biases?.map((bias) => bias / before);
    const scale = Math.max(largestOf(weights), largestOf(relative ?? [])) || 1;
    const total = before * scale;
    if (!(total >= 2 ** -1000 && total <= 2 ** 1000))
      throw new RequestError(`scale of layer ${l + 1}`, "2^-1000..2^1000", total);
    before = total;
    const round = (value: number) => Math.sign(value) * Math.round((Math.abs(value) / scale) * 2 ** bits);
    return { weights: weights.map(round), biases: relative?.map(round), scale, total };
  });
}

/** Inputs that are run through both networks, or fewer where that takes more multiplications. */
const SAMPLES = 256;
const MAX_WORK = 2 ** 26;
/** The stream of a seed from which these inputs come; those below belong to ensembles and networks. */
const INPUT_STREAM = 2 ** 17;

/** Compares real layers with the network of their integers. */
export function quantizationOf(
  layers: readonly GivenLayer[],
  quantized: readonly QuantizedLayer[],
  network: Network,
  bits: number,
  inputScale: number,
): Quantization {
  const work = layers.reduce((sum, { weights }) => sum + weights.length, 0);
  const count = Math.min(Math.max(Math.floor(MAX_WORK / work), 8), SAMPLES);
  const { activationBits } = network;
  const inputs = inputsOf(count * layers[0]!.columns, activationBits);
  const outputScale = quantized.at(-1)!.total;
  const real = forwardReal(
    layers,
    Float64Array.from(inputs, (x) => x * 2 ** -activationBits * inputScale),
  );
  const integers = forward(network, withConstant(network, network.layers[0]!.columns, inputs));
  let [least, greatest, most, squares] = [Infinity, -Infinity, 0, 0];
  real.forEach((y, i) => {
    const error = Math.abs(integers[i]! * 2 ** -activationBits * outputScale - y);
    [least, greatest, most] = [Math.min(least, y), Math.max(greatest, y), Math.max(most, error)];
    squares += error * error;
  });
  return {
    inputScale,
    outputScale,
    layers: layers.map(({ name, rows, columns, weights, biases }, l) => {
      const { weights: I, biases: B, scale, total } = quantized[l]!;
      return {
        name,
        rows,
        columns,
        scale,
        weightError: errorOf(weights, I, scale * 2 ** -bits),
        biasError: biases && errorOf(biases, B!, total * 2 ** -bits),
      };
    }),
    inputs: count,
    outputRange: greatest - least,
    outputError: most,
    outputErrorRms: Math.sqrt(squares / real.length),
  };
}

/** What layers of real numbers make of inputs, one after the other, with a ReLU behind all but the last. */
function forwardReal(layers: readonly GivenLayer[], inputs: Float64Array): Float64Array {
  let values = inputs;
  layers.forEach(({ rows, columns, weights, biases }, l) => {
    const count = values.length / columns;
    const outputs = new Float64Array(count * rows);
    for (let k = 0; k < count; k++)
      for (let row = 0; row < rows; row++) {
        let sum = biases?.[row] ?? 0;
        for (let i = 0; i < columns; i++) sum += weights[row * columns + i]! * values[k * columns + i]!;
        outputs[k * rows + row] = l === layers.length - 1 ? sum : Math.max(sum, 0);
      }
    values = outputs;
  });
  return values;
}

/** Integers of -2^bits..2^bits, the same ones in every run. */
function inputsOf(count: number, bits: number): Int32Array {
  const range = 2 ** (bits + 1) + 1;
  const key = streamKey(0n, [INPUT_STREAM, range]);
  return Int32Array.from({ length: count }, (_, at) => drawValue(range, key, at, 0) - 2 ** bits);
}

/** How far integers in a unit are off at most. */
function errorOf(values: Float64Array, integers: Float64Array, unit: number): number {
  return values.reduce((most, value, i) => Math.max(most, Math.abs(value - integers[i]! * unit)), 0);
}
