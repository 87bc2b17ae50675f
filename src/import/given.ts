// A network as it is in a file: matrices and biases with ReLUs between the layers, of integers or of real numbers.

import { RequestError } from "../errors.ts";
import { MAX_LAYERS, MAX_WIDTH } from "../ticket/scheme.ts";
import { quoted } from "./text.ts";

export interface GivenLayer {
  /** The name of the matrix in the file. */
  readonly name: string;
  /** The number of outputs, and of inputs. */
  readonly rows: number;
  readonly columns: number;
  /** Shape [rows, columns], row by row. */
  readonly weights: Float64Array;
  /** One for every row. */
  readonly biases: Float64Array | undefined;
}

export interface GivenNetwork {
  readonly layers: readonly GivenLayer[];
  /** Whether all numbers are integers, which are then the integers of the network. */
  readonly integer: boolean;
  /** Sentences about parts of the file that the network leaves out. */
  readonly notes: readonly string[];
}

/** The most weights of a network, which bounds the memory that importing it takes, about 50 bytes a weight. */
export const MAX_WEIGHTS = 2 ** 24;

/** @throws {RequestError} For too many layers, layers that are too wide or do not fit together, infinities and NaN. */
export function checkLayers(layers: readonly GivenLayer[]): void {
  if (layers.length < 1 || layers.length > MAX_LAYERS)
    throw new RequestError("layers", `1..${MAX_LAYERS}`, layers.length);
  layers.forEach(({ name, rows, columns, weights, biases }, l) => {
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
  });
}

/** The transpose of a matrix of shape [rows, columns]. */
export function transposed(values: Float64Array, rows: number, columns: number): Float64Array {
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
