// Turns networks of real numbers into networks of integers, and measures how far their outputs are off.
//
// Let the weights of layer l be W_l = s_l I_l 2^-k with integers I_l of -2^k..2^k, and the inputs x = u X 2^-m with integers X
// of -2^m..2^m. Since ReLUs commute with positive factors, every activation of layer l is S_l 2^-m times an integer, up to
// rounding, with S_l = u s_1 ... s_l. A bias b_l is a weight of the constant unit, which is 2^m in every layer, and becomes the
// integer b_l 2^k / S_l.
//
// A layer that is given as integers Q with a scale t_r for each row has s = t_r 2^k / f in row r, and keeps its integers: it has
// f Q, with f the largest power of two for which f Q fits k bits. Then S differs between rows. That is no matter behind the last
// layer: each output has a scale of its own. Behind a hidden layer, row r is also multiplied by the integer t_r / t, where t is
// the greatest number of which all scales are multiples. Where those integers are too large, the layer still has f Q, and
// column c of the next layer is multiplied by S_c and rounded.

import { RequestError } from "../errors.ts";
import { drawValue } from "../ensemble.ts";
import { forward, withConstant, type Network } from "../network.ts";
import { streamKey } from "../random.ts";
import { largestOf, realWeights, type GivenLayer } from "./given.ts";
import { quoted } from "./text.ts";

/** The scale of one layer and the errors of its weights. */
export interface LayerQuantization {
  /** The name of its matrix in the file, its outputs and its inputs; of a convolution, its channels and the inputs of each. */
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
  /** s_l: the real weight that the integer weight 2^k represents; the largest one where rows or columns differ in it. */
  readonly scale: number;
  /** Whether its integers are those of the file, each row perhaps multiplied by an integer. */
  readonly kept: boolean;
  /** The largest error of a weight, and of a bias (undefined without biases). */
  readonly weightError: number;
  readonly biasError: number | undefined;
}

/** The scales of a quantized network and the errors of its outputs. */
export interface Quantization {
  /** u: the real input that the integer input 2^m represents. */
  readonly inputScale: number;
  /** S_L: the real output that the integer output 2^m represents; one for each output where they differ. */
  readonly outputScale: number | readonly number[];
  readonly layers: readonly LayerQuantization[];
  /** The number of inputs, uniform on the integers of -2^m..2^m, that were run through both networks. */
  readonly inputs: number;
  /** The difference of the greatest and the least real output. */
  readonly outputRange: number;
  /** The largest error of an output, and the root mean square of the errors. */
  readonly outputError: number;
  readonly outputErrorRms: number;
}

/** The real value of 2^m in each activation of a layer: S_l, or one for each row where they differ. */
export type Total = number | Float64Array;

/** What relates the inputs and outputs of a network of integers to real numbers: parts of the network and its quantization. */
export interface RealScales {
  /** m: 2^m stands for `inputScale` and `outputScale`. */
  readonly activationBits: number;
  readonly inputScale: number;
  readonly outputScale: number | readonly number[];
}

/**
 * The integer input for a real one: the nearest integer to x 2^m / u, computed in float64, ties away from 0. It is beyond
 * -2^m..2^m for inputs beyond the input scale.
 * @example
 * ```ts
 * import { integerInput } from "exacta/ticket";
 *
 * console.log(integerInput({ activationBits: 8, inputScale: 2 }, 0.5)); // 64
 * ```
 */
export function integerInput(
  { activationBits, inputScale }: Pick<RealScales, "activationBits" | "inputScale">,
  x: number,
): number {
  return roundAway((x * 2 ** activationBits) / inputScale);
}

/**
 * The real numbers that the outputs of a network stand for: each integer times 2^-m, which is exact, times its output scale in
 * float64.
 * @param outputs Shape [samples, outputs], row by row.
 * @example
 * ```ts
 * import { realOutputs } from "exacta/ticket";
 *
 * console.log(realOutputs({ activationBits: 2, outputScale: 3 }, Float64Array.of(1, -8))); // Float64Array(2) [ 0.75, -6 ]
 * ```
 */
export function realOutputs(
  { activationBits, outputScale }: Pick<RealScales, "activationBits" | "outputScale">,
  outputs: Float64Array,
): Float64Array {
  return outputs.map(
    (y, i) =>
      y *
      2 ** -activationBits *
      (typeof outputScale === "number" ? outputScale : outputScale[i % outputScale.length]!),
  );
}

/** A layer of integers and its scales. */
export interface QuantizedLayer {
  /** The real value of 2^m in each input of the layer. */
  readonly before: Total;
  /** Which of those inputs weight i multiplies. */
  readonly inputOf: (i: number) => number;
  /** Shape [rows, columns], row by row. */
  readonly weights: Float64Array;
  readonly biases: Float64Array | undefined;
  /** s_l; the largest one where they differ. */
  readonly scale: number;
  readonly total: Total;
  /** By which integers its rows are multiplied; undefined for a layer that is rounded. */
  readonly factors: Float64Array | undefined;
}

/** The fewest bits to which real numbers are rounded by default, and the most bits of a network. */
const DEFAULT_BITS = 8;
const MAX_BITS = 20;

/**
 * Turns layers into integers of -2^bits..2^bits. Layers with scales keep their integers where they fit. Real weights are
 * rounded to the nearest integer, ties away from 0. The scale of such a layer is the smallest one that clips no weight and no
 * bias; 1 for a layer of zeros.
 * @param asked The bits. Where they are left open: 8, or those in which the fewest layers with scales are rounded.
 * @throws {RequestError} Where a product of scales is beyond 2^-1000..2^1000.
 */
export function quantizeLayers(
  layers: readonly GivenLayer[],
  asked: number | undefined,
  inputScale: number,
): QuantizedLayers {
  return fewestRounded(layers, asked, (bits) => ({ quantized: quantizeTo(layers, bits, inputScale), bits }));
}

interface QuantizedLayers {
  readonly quantized: readonly QuantizedLayer[];
  readonly bits: number;
}

/**
 * Layers in the bits that are asked for; without scales in 8; else in those with which the fewest layers with scales are rounded.
 * @param quantize All layers as integers of that many bits.
 * @throws {RequestError} What `quantize` throws for 20 bits, where it throws for all.
 */
export function fewestRounded<Q extends QuantizedLayers>(
  layers: readonly GivenLayer[],
  asked: number | undefined,
  quantize: (bits: number) => Q,
): Q {
  if (asked !== undefined || layers.every(({ scales }) => !scales)) return quantize(asked ?? DEFAULT_BITS);
  let best: { readonly result: Q; readonly rounded: number } | undefined;
  for (let bits = 0; bits <= MAX_BITS && best?.rounded !== 0; bits++) {
    let result: Q;
    try {
      result = quantize(bits);
    } catch (error) {
      // Scales that few bits do not bring together may need more.
      if (error instanceof RequestError && (best || bits < MAX_BITS)) continue;
      throw error;
    }
    const areRounded = result.quantized.map(({ factors }) => !factors);
    const rounded = areRounded.filter((isRounded, l) => isRounded && layers[l]!.scales).length;
    if (bits < DEFAULT_BITS && areRounded.includes(true)) continue;
    if (!best || rounded < best.rounded) best = { result, rounded };
  }
  return best!.result;
}

function quantizeTo(layers: readonly GivenLayer[], bits: number, inputScale: number): QuantizedLayer[] {
  let before: Total = inputScale;
  return layers.map((layer, l) => {
    const quantized = quantizeLayer(layer, bits, before, { isLast: l === layers.length - 1 });
    checkTotal(`scale of layer ${l + 1}`, quantized.total);
    before = quantized.total;
    return quantized;
  });
}

/** @throws {RequestError} For a scale that is beyond 2^-1000..2^1000. */
export function checkTotal(what: string, total: Total): void {
  for (const scale of typeof total === "number" ? [total] : total)
    if (!(scale >= 2 ** -1000 && scale <= 2 ** 1000)) throw new RequestError(what, "2^-1000..2^1000", scale);
}

/** What the place of a layer in its network asks of it. */
interface Place {
  /** Whether each of its outputs may have a scale of its own. */
  readonly isLast: boolean;
  /** Which input weight i multiplies. By default the one of its column. */
  readonly inputOf?: ((i: number) => number) | undefined;
  /** The least real value of 2^m in its outputs, all of which then have one scale. */
  readonly least?: number | undefined;
}

/** A layer in integers of -2^bits..2^bits: its own, where it keeps them. */
export function quantizeLayer(
  layer: GivenLayer,
  bits: number,
  before: Total,
  { isLast, inputOf = (i) => i % layer.columns, least }: Place,
): QuantizedLayer {
  const kept =
    typeof before === "number" && least === undefined ? keep(layer, bits, before, isLast) : undefined;
  return { before, inputOf, ...(kept ?? round(layer, bits, before, inputOf, least)) };
}

type Rounded = Omit<QuantizedLayer, "before" | "inputOf">;

/** A layer that keeps its integers; undefined for a layer of real numbers and for integers beyond -2^bits..2^bits. */
function keep(
  { rows, columns, weights, scales, biases }: GivenLayer,
  bits: number,
  before: number,
  isLast: boolean,
): Rounded | undefined {
  if (!scales) return undefined;
  const most = 2 ** bits;
  const ones = new Float64Array(rows).fill(1);
  const unit = scales.reduce(commonUnit);
  const largest = Float64Array.from(ones, (_, row) =>
    largestOf(weights.subarray(row * columns, (row + 1) * columns)),
  );
  /** The layer with row r multiplied by multiples[r], whose integers then stand for multiples of units[r]. */
  const multiplied = (multiples: Float64Array, units: Float64Array): Rounded | undefined => {
    const relative = biases?.map((bias, row) => bias / before / units[row]!) ?? new Float64Array();
    const needed = Math.max(
      largestOf(largest.map((weight, row) => weight * multiples[row]!)),
      largestOf(relative.map(roundAway)),
    );
    if (needed > most) return undefined;
    // Every layer divides its sums by 2^k, so integers that are small beside 2^k would lose the digits of activations.
    let power = 1;
    while (needed > 0 && needed * power * 2 <= most) power *= 2;
    const factors = multiples.map((multiple) => multiple * power);
    const totals = units.map((scale) => (before * scale * most) / power);
    return {
      weights: weights.map((weight, i) => weight * factors[Math.floor(i / columns)]!),
      biases: biases && relative.map((bias) => roundAway(bias * power)),
      scale: (largestOf(units) * most) / power,
      total: totals.every((total) => total === totals[0]) ? totals[0]! : totals,
      factors,
    };
  };
  const ownUnits = () => multiplied(ones, scales);
  // Each output may have a scale, but a layer that follows had to be rounded.
  if (isLast) return ownUnits();
  return (
    multiplied(
      scales.map((scale) => scale / unit),
      ones.map(() => unit),
    ) ?? ownUnits()
  );
}

/** The greatest number of which two positive numbers are multiples, exactly: the remainder of two floats is a float. */
function commonUnit(a: number, b: number): number {
  while (b > 0) [a, b] = [b, a % b];
  return a;
}

/** A layer that is rounded. */
function round(
  layer: GivenLayer,
  bits: number,
  before: Total,
  inputOf: (i: number) => number,
  least = 0,
): Rounded {
  const own = realWeights(layer);
  const [unit, weights] =
    typeof before === "number"
      ? [before, own]
      : ((most) => [most, own.map((weight, i) => weight * (before[inputOf(i)]! / most))] as const)(
          largestOf(before),
        );
  const relative = layer.biases?.map((bias) => bias / unit);
  const smallest = Math.max(largestOf(weights), largestOf(relative ?? [])) || 1;
  const isRaised = unit * smallest < least;
  const scale = isRaised ? least / unit : smallest;
  const toInteger = (value: number) => roundAway((value / scale) * 2 ** bits);
  return {
    weights: weights.map(toInteger),
    biases: relative?.map(toInteger),
    scale,
    total: isRaised ? least : unit * scale,
    factors: undefined,
  };
}

/** The nearest integer, ties away from 0; never -0. */
export function roundAway(value: number): number {
  return Math.sign(value) * Math.round(Math.abs(value)) + 0;
}

/** Sentences about layers with scales whose integers did not stay as they are, and about outputs with scales of their own. */
export function notesOf(
  layers: readonly GivenLayer[],
  quantized: readonly QuantizedLayer[],
  { layers: measured, outputScale }: Quantization,
  bits: number,
): string[] {
  const notes = layers.flatMap(({ name, scales }, l) => {
    const { factors, before } = quantized[l]!;
    if (!scales) return [];
    if (factors) {
      const most = largestOf(factors);
      if (most === 1) return [];
      return factors.every((factor) => factor === most)
        ? [`${quoted(name)}: its integers are multiplied by ${most}, to fill ${bits} bits`]
        : [`${quoted(name)}: its rows are multiplied by integers up to ${most}, so that they have one scale`];
    }
    const reason =
      typeof before === "number"
        ? `its integers or biases do not fit ${bits} bits`
        : `its columns are multiplied by the scales of the rows before it, which differ up to ${shortNumber(largestOf(before) / before.reduce((a, b) => Math.min(a, b)))} times`;
    return [
      `${quoted(name)}: ${reason}, and it is rounded to ${bits} bits: weights are off by at most ${shortNumber(measured[l]!.weightError)}`,
    ];
  });
  if (typeof outputScale === "object")
    notes.push("each output has a scale of its own: compare outputs as real numbers, not as integers");
  return notes;
}

export function shortNumber(value: number): string {
  return String(Number(value.toPrecision(3)));
}

/** The inputs that are run through both networks: at most 256, and fewer (but 8 at least) beyond 2^26 multiplications. */
const MAX_SAMPLES = 256;
const MAX_PRODUCTS = 2 ** 26;
const MIN_SAMPLES = 8;
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
  const { activationBits } = network;
  const {
    count,
    integers: inputs,
    reals,
  } = sampledInputs(
    { count: Math.max(Math.floor(MAX_PRODUCTS / products), MIN_SAMPLES), size: layers[0]!.columns },
    { activationBits, inputScale },
  );
  const { total } = quantized.at(-1)!;
  const outputScale = typeof total === "number" ? total : Array.from(total);
  const outputs = forward(network, withConstant(network, network.layers[0]!.columns, inputs));
  return {
    inputScale,
    outputScale,
    layers: layers.map((layer, l) => layerQuantizationOf(layer, quantized[l]!, bits)),
    inputs: count,
    ...outputErrorsOf(forwardReal(layers, reals), realOutputs({ activationBits, outputScale }, outputs)),
  };
}

/** Draws at most 256 inputs of a network, the same in every run, as integers and as the real numbers that these stand for. */
export function sampledInputs(
  asked: { readonly count: number; readonly size: number },
  { activationBits, inputScale }: Pick<RealScales, "activationBits" | "inputScale">,
): { count: number; integers: Int32Array; reals: Float64Array } {
  const { size } = asked;
  const count = Math.min(asked.count, MAX_SAMPLES);
  const integers = drawInputs(count * size, activationBits);
  return {
    count,
    integers,
    reals: Float64Array.from(integers, (x) => x * 2 ** -activationBits * inputScale),
  };
}

/** How far outputs are off. */
export function outputErrorsOf(
  real: Float64Array,
  integers: Float64Array,
): Pick<Quantization, "outputRange" | "outputError" | "outputErrorRms"> {
  let [least, greatest, largestError, squares] = [Infinity, -Infinity, 0, 0];
  real.forEach((y, i) => {
    const error = Math.abs(integers[i]! - y);
    [least, greatest] = [Math.min(least, y), Math.max(greatest, y)];
    largestError = Math.max(largestError, error);
    squares += error * error;
  });
  return {
    outputRange: greatest - least,
    outputError: largestError,
    outputErrorRms: Math.sqrt(squares / real.length),
  };
}

/** The scale of a layer and its errors. */
export function layerQuantizationOf(
  layer: GivenLayer,
  quantized: QuantizedLayer,
  bits: number,
): LayerQuantization {
  const { name, rows, columns, biases } = layer;
  const { scale, total, biases: integers, factors } = quantized;
  const biasUnits = (row: number) => (typeof total === "number" ? total : total[row]!) * 2 ** -bits;
  return {
    name,
    rows,
    columns,
    scale,
    kept: factors !== undefined,
    weightError: factors ? 0 : weightErrorOf(layer, quantized, bits),
    biasError: biases && largestErrorOf(biases, integers!, biasUnits),
  };
}

/** The largest error of a weight of a layer that was rounded. */
function weightErrorOf(
  layer: GivenLayer,
  { weights, scale, before, inputOf }: QuantizedLayer,
  bits: number,
): number {
  const unit = scale * 2 ** -bits;
  const most = typeof before === "number" ? 1 : largestOf(before);
  return largestErrorOf(realWeights(layer), weights, (i) =>
    typeof before === "number" ? unit : (unit * most) / before[inputOf(i)]!,
  );
}

/**
 * Runs layers of real numbers, with a ReLU after every layer but the last.
 * @param inputs Shape [samples, columns of the first layer], row by row.
 * @returns Shape [samples, rows of the last layer].
 */
export function forwardReal(layers: readonly GivenLayer[], inputs: Float64Array): Float64Array {
  let values = inputs;
  layers.forEach((layer, l) => {
    const { rows, columns, biases } = layer;
    const weights = realWeights(layer);
    const samples = values.length / columns;
    const outputs = new Float64Array(samples * rows);
    const isLast = l === layers.length - 1;
    const positions = new Int32Array(columns);
    const present = new Float64Array(columns);
    const sums = new Float64Array(4);
    for (let k = 0; k < samples; k++) {
      // Inputs of 0, such as blank pixels and the outputs of most ReLUs, are left out.
      let count = 0;
      for (let i = 0; i < columns; i++) {
        const value = values[k * columns + i]!;
        if (value === 0) continue;
        positions[count] = i;
        present[count++] = value;
      }
      // Four rows at a time, since an addition need not wait for one of another row. Where the number of rows is no multiple of
      // four, the last row is computed several times.
      for (let first = 0; first < rows; first += 4) {
        const rowAt = (i: number) => Math.min(first + i, rows - 1);
        const [a, b, c, d] = [rowAt(0) * columns, rowAt(1) * columns, rowAt(2) * columns, rowAt(3) * columns];
        for (let i = 0; i < 4; i++) sums[i] = biases?.[rowAt(i)] ?? 0;
        let [s, t, u, v] = [sums[0]!, sums[1]!, sums[2]!, sums[3]!];
        for (let j = 0; j < count; j++) {
          const at = positions[j]!;
          const value = present[j]!;
          s += weights[a + at]! * value;
          t += weights[b + at]! * value;
          u += weights[c + at]! * value;
          v += weights[d + at]! * value;
        }
        [sums[0], sums[1], sums[2], sums[3]] = [s, t, u, v];
        for (let i = 0; i < 4; i++) outputs[k * rows + rowAt(i)] = isLast ? sums[i]! : Math.max(sums[i]!, 0);
      }
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

/** The largest distance of values from integer multiples of their units. */
function largestErrorOf(values: Float64Array, integers: Float64Array, unitOf: (i: number) => number): number {
  return values.reduce((most, value, i) => Math.max(most, Math.abs(value - integers[i]! * unitOf(i))), 0);
}
