// Rounds networks of real numbers to networks of integers, and measures how far their outputs are off.
//
// Let the weights of layer l be W_l = s_l I_l 2^-k with integers I_l of -2^k..2^k, and the inputs x = u X 2^-m with integers X
// of -2^m..2^m. Since ReLUs commute with positive factors, every activation of layer l is S_l 2^-m times an integer, up to
// rounding, with S_l = u s_1 ... s_l. A bias b_l is a weight of the constant unit, which is 2^m in every layer, and becomes the
// integer b_l 2^k / S_l.

import { RequestError } from "../errors.ts";
import { drawValue } from "../ensemble.ts";
import { forward, withConstant, type Network } from "../network.ts";
import { streamKey } from "../random.ts";
import { largestOf, type GivenLayer } from "./given.ts";

/** The scale of one layer and the errors of its weights. */
export interface LayerQuantization {
  /** The name of its matrix in the file, its outputs and its inputs. */
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
  /** s_l: the real weight that the integer weight 2^k represents. */
  readonly scale: number;
  /** The largest error of a weight, and of a bias (undefined without biases). */
  readonly weightError: number;
  readonly biasError: number | undefined;
}

/** The scales of a quantized network and the errors of its outputs. */
export interface Quantization {
  /** u: the real input that the integer input 2^m represents. */
  readonly inputScale: number;
  /** S_L: the real output that the integer output 2^m represents. */
  readonly outputScale: number;
  readonly layers: readonly LayerQuantization[];
  /** The number of inputs, uniform on the integers of -2^m..2^m, that were run through both networks. */
  readonly inputs: number;
  /** The difference of the greatest and the least real output. */
  readonly outputRange: number;
  /** The largest error of an output, and the root mean square of the errors. */
  readonly outputError: number;
  readonly outputErrorRms: number;
}

/** A layer of integers and its scales. */
interface QuantizedLayer {
  /** Shape [rows, columns], row by row. */
  readonly weights: Float64Array;
  readonly biases: Float64Array | undefined;
  /** s_l. */
  readonly scale: number;
  /** S_l. */
  readonly total: number;
}

/**
 * Rounds real weights to integers of -2^bits..2^bits: to the nearest, ties away from 0. The scale of a layer is the smallest
 * one that clips no weight and no bias; 1 for a layer of zeros.
 * @throws {RequestError} Where a product of scales is beyond 2^-1000..2^1000.
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

/** The inputs that are run through both networks: at most 256, and fewer (but 8 at least) beyond 2^26 multiplications. */
const MAX_SAMPLES = 256;
const MIN_SAMPLES = 8;
const MAX_PRODUCTS = 2 ** 26;
/** The stream of seed 0 that draws these inputs. */
const INPUT_STREAM = 2 ** 17;

/** Compares the outputs of real layers with those of the network of their integers. */
export function quantizationOf(
  layers: readonly GivenLayer[],
  quantized: readonly QuantizedLayer[],
  network: Network,
  bits: number,
  inputScale: number,
): Quantization {
  const products = layers.reduce((sum, { weights }) => sum + weights.length, 0);
  const count = Math.min(Math.max(Math.floor(MAX_PRODUCTS / products), MIN_SAMPLES), MAX_SAMPLES);
  const { activationBits } = network;
  const inputs = drawInputs(count * layers[0]!.columns, activationBits);
  const outputScale = quantized.at(-1)!.total;
  const real = forwardReal(
    layers,
    Float64Array.from(inputs, (x) => x * 2 ** -activationBits * inputScale),
  );
  const integers = forward(network, withConstant(network, network.layers[0]!.columns, inputs));
  let [least, greatest, largestError, squares] = [Infinity, -Infinity, 0, 0];
  real.forEach((y, i) => {
    const error = Math.abs(integers[i]! * 2 ** -activationBits * outputScale - y);
    [least, greatest] = [Math.min(least, y), Math.max(greatest, y)];
    largestError = Math.max(largestError, error);
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
        weightError: largestErrorOf(weights, I, scale * 2 ** -bits),
        biasError: biases && largestErrorOf(biases, B!, total * 2 ** -bits),
      };
    }),
    inputs: count,
    outputRange: greatest - least,
    outputError: largestError,
    outputErrorRms: Math.sqrt(squares / real.length),
  };
}

/**
 * Runs layers of real numbers, with a ReLU after every layer but the last.
 * @param inputs Shape [samples, columns of the first layer], row by row.
 * @returns Shape [samples, rows of the last layer].
 */
function forwardReal(layers: readonly GivenLayer[], inputs: Float64Array): Float64Array {
  let values = inputs;
  layers.forEach(({ rows, columns, weights, biases }, l) => {
    const samples = values.length / columns;
    const outputs = new Float64Array(samples * rows);
    for (let k = 0; k < samples; k++)
      for (let row = 0; row < rows; row++) {
        let sum = biases?.[row] ?? 0;
        for (let i = 0; i < columns; i++) sum += weights[row * columns + i]! * values[k * columns + i]!;
        outputs[k * rows + row] = l === layers.length - 1 ? sum : Math.max(sum, 0);
      }
    values = outputs;
  });
  return values;
}

/** Draws integers of -2^bits..2^bits, the same in every run. */
function drawInputs(count: number, bits: number): Int32Array {
  const range = 2 ** (bits + 1) + 1;
  const key = streamKey(0n, [INPUT_STREAM, range]);
  return Int32Array.from({ length: count }, (_, i) => drawValue(range, key, i, 0) - 2 ** bits);
}

/** The largest distance of values from integer multiples of `unit`. */
function largestErrorOf(values: Float64Array, integers: Float64Array, unit: number): number {
  return values.reduce((most, value, i) => Math.max(most, Math.abs(value - integers[i]! * unit)), 0);
}
