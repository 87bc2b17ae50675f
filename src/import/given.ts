// A network as it is in a file: matrices and biases with ReLUs between the layers, of integers or of real numbers.

import { RequestError } from "../errors.ts";
import { MAX_LAYERS, MAX_WIDTH } from "../ticket/scheme.ts";
import { quoted } from "./text.ts";

/** A matrix with its biases, as it is in a file. */
export interface GivenLayer {
  /** The name of the matrix in the file. */
  readonly name: string;
  /** The number of outputs, and of inputs. */
  readonly rows: number;
  readonly columns: number;
  /** Shape [rows, columns], row by row. */
  readonly weights: Float64Array;
  /** One positive scale for every row. Weights are then integers; a real weight is its integer times the scale of its row. */
  readonly scales?: Float64Array | undefined;
  /** One for every row. */
  readonly biases: Float64Array | undefined;
}

/** The layers of a file, and what else is to be said of it. */
export interface GivenNetwork {
  readonly layers: readonly GivenLayer[];
  /** Whether all numbers are integers without scales, which are then the integers of the network. */
  readonly integer: boolean;
  /** Sentences about parts of the file that the network leaves out. */
  readonly notes: readonly string[];
}

/** The most weights of a network, which bounds the memory that importing it takes, about 50 bytes a weight. */
export const MAX_WEIGHTS = 2 ** 24;

/**
 * Checks layers.
 * @throws {RequestError} For too many layers, layers that are too wide or do not fit together, infinities and NaN, scales that
 * are not positive, and weights with scales that are no integers.
 */
export function checkLayers(layers: readonly GivenLayer[]): void {
  if (layers.length < 1 || layers.length > MAX_LAYERS)
    throw new RequestError("layers", `1..${MAX_LAYERS}`, layers.length);
  layers.forEach(({ name, rows, columns, weights, scales, biases }, l) => {
    for (const width of [rows, columns])
      if (width > MAX_WIDTH) throw new RequestError(quoted(name), `1..${MAX_WIDTH} rows and columns`, width);
    const inputs = layers[l - 1]?.rows ?? columns;
    if (columns !== inputs)
      throw new RequestError(quoted(name), `${inputs} columns, as many as rows before it`, columns);
    for (const numbers of [weights, biases ?? []]) {
      const wrong = numbers.findIndex((value) => !Number.isFinite(value));
      if (wrong >= 0)
        throw new RequestError(
          `${quoted(name)}, ${numbers === weights ? "weight" : "bias"} ${wrong}`,
          "a finite number",
          numbers[wrong],
        );
    }
    const unscaled = scales?.findIndex((scale) => !(scale > 0 && scale < Infinity)) ?? -1;
    if (unscaled >= 0)
      throw new RequestError(
        `${quoted(name)}, scale ${unscaled}`,
        "a finite number above 0",
        scales![unscaled],
      );
    const broken = scales ? weights.findIndex((weight) => !Number.isSafeInteger(weight)) : -1;
    if (broken >= 0)
      throw new RequestError(
        `${quoted(name)}, weight ${broken}`,
        "an integer beside its scale",
        weights[broken],
      );
  });
}

/** Integers with any finite scale for each row, as integers with positive ones: rows of the scale 0 become zeros. */
export function positiveScales(
  integers: Float64Array,
  scales: Float64Array,
): Pick<GivenLayer, "weights" | "scales"> {
  const columns = integers.length / scales.length;
  return {
    weights: integers.map((integer, i) => integer * Math.sign(scales[Math.floor(i / columns)]!)),
    scales: scales.map((scale) => Math.abs(scale) || 1),
  };
}

/** The real weights of a layer: those with scales are multiplied out. */
export function realWeights({ columns, weights, scales }: GivenLayer): Float64Array {
  return scales ? weights.map((weight, i) => weight * scales[Math.floor(i / columns)]!) : weights;
}

/** The transpose of a matrix of shape [rows, columns]. */
export function transposed(values: Float64Array, rows: number, columns: number): Float64Array<ArrayBuffer> {
  const result = new Float64Array(values.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      result[column * rows + row] = values[row * columns + column]!;
  return result;
}

/** The largest magnitude of an element, 0 for an empty list. */
export function largestOf(values: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < values.length; i++) largest = Math.max(largest, Math.abs(values[i]!));
  return largest;
}
