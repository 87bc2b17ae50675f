// A network as a file gives it: matrices and biases with ReLUs in between, of integers or of real numbers.

import { RequestError } from "../errors.ts";
import { MAX_LAYERS, MAX_WIDTH } from "../ticket/scheme.ts";
import { quoted } from "./text.ts";

/** One layer. */
export interface GivenLayer {
  /** Of the matrix, in the file. */
  readonly name: string;
  /** Outputs and inputs. */
  readonly rows: number;
  readonly columns: number;
  /** Row by row. */
  readonly weights: Float64Array;
  /** One for every row. */
  readonly biases: Float64Array | undefined;
}

export interface GivenNetwork {
  readonly layers: readonly GivenLayer[];
  /** All are integers, in units of the network that they are for. */
  readonly integer: boolean;
  /** What the file holds and the network does not, in sentences. */
  readonly notes: readonly string[];
}

/** The most weights of a network, far more than there is time to prune for. Each takes some 50 bytes on its way. */
export const MAX_WEIGHTS = 2 ** 24;

/** Throws RangeError where layers are too many, too wide, do not follow one another, or hold what is no number. */
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

/** A matrix whose rows are columns. */
export function transposed(values: Float64Array, rows: number, columns: number): Float64Array {
  const result = new Float64Array(values.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      result[column * rows + row] = values[row * columns + column]!;
  return result;
}

/** The largest magnitude; 0 where there are no numbers. */
export function largestOf(values: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < values.length; i++) largest = Math.max(largest, Math.abs(values[i]!));
  return largest;
}
