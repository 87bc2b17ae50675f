// Stages cut into pieces of work: some outputs for some inputs, in words as wide as their sums need.

import { RequestError } from "../errors.ts";
import type { ForwardParams } from "../kernels/forward.ts";
import { MAX_SUM, quantize, quantizers, type Activation } from "../network.ts";
import type { Work } from "../plan.ts";
import type { Stage } from "./passes.ts";

/** The most words of weights in a piece, of its inputs or its outputs, and its most multiplications. */
const PIECE_WEIGHTS = 2 ** 20;
const PIECE_NUMBERS = 2 ** 22;
const PIECE_PRODUCTS = 2 ** 30;

/** A stage for given inputs. */
export interface Layer {
  readonly activation: Activation;
  readonly stage: Stage;
  /** Counted from 0; the last one is followed by no ReLU. */
  readonly index: number;
  readonly last: boolean;
  readonly samples: number;
  /** Row by row, integers of at most `largest` in magnitude. */
  readonly inputs: Float64Array;
  readonly largest: number;
}

export interface Piece {
  readonly work: Work;
  /** The first output and how many there are, and the same of inputs. */
  readonly row: number;
  readonly rows: number;
  readonly sample: number;
  readonly samples: number;
  /** How large its outputs can get in magnitude. */
  readonly largest: number;
}

/**
 * The pieces of a layer. Weights come one part after the other, so that there are no more of them than are in work.
 * Throws RangeError where a sum could exceed 2^53.
 */
export function* piecesOf(layer: Layer): Generator<Piece, void, undefined> {
  const { stage, activation, index, inputs } = layer;
  const { columns, group, units, shift } = stage;
  const width = columns * group;
  const hidden = units.reduce((most, unit) => Math.max(most, Math.abs(unit)), 1) * layer.largest;
  const mostRows = Math.max(1, Math.floor(PIECE_WEIGHTS / width));
  for (let row = 0; row < stage.rows; row += mostRows) {
    const rows = Math.min(mostRows, stage.rows - row);
    const weights = stage.weightsOf(row, row + rows);
    const sum = largestWeight(stage, weights) * layer.largest;
    if (sum > MAX_SUM)
      throw new RequestError(`layer ${index + 1} of the pass`, `sums of at most ${MAX_SUM}`, sum);
    const wide = Math.max(sum, hidden) >= 2 ** 31;
    const mostSamples = Math.max(
      1,
      Math.floor(Math.min(PIECE_PRODUCTS / (width * rows), PIECE_NUMBERS / Math.max(columns, rows))),
    );
    for (let sample = 0; sample < layer.samples; sample += mostSamples) {
      const samples = Math.min(mostSamples, layer.samples - sample);
      const values = inputs.subarray(sample * columns, (sample + samples) * columns);
      const params: ForwardParams = {
        samples,
        columns,
        group,
        rows,
        rectify: Number(stage.rectify),
        shift,
        quantizer: quantizers.indexOf(activation.quantizer),
        relu: Number(!layer.last),
        most: clampOf(layer),
        wide: Number(wide),
      };
      const words = { inputs: wide ? wideWords(values) : Int32Array.from(values), units, weights };
      const work = { kernel: "forward", params, inputs: words } as const;
      yield { work, row, rows, sample, samples, largest: largestOutput(layer, sum) };
    }
  }
}

/** Puts what kernel `forward` answered to a piece into the outputs of its stage. */
export function writePiece(
  outputs: Float64Array,
  { rows: width }: Stage,
  piece: Piece,
  words: Uint32Array,
): void {
  const { work, row, rows, sample } = piece;
  const { buffer, byteOffset, length } = words;
  const numbers = work.params.wide
    ? new BigInt64Array(buffer, byteOffset, length / 2)
    : new Int32Array(buffer, byteOffset, length);
  for (let i = 0; i < numbers.length; i++)
    outputs[(sample + Math.floor(i / rows)) * width + row + (i % rows)] = Number(numbers[i]);
}

/** What the weights of one output add up to at most, for inputs of at most 1. */
function largestWeight({ columns, group, units, rectify }: Stage, weights: Int32Array): number {
  const width = columns * group;
  let largest = 0;
  for (let at = 0; at < weights.length; at += width) {
    let sum = 0;
    for (let c = 0; c < columns; c++) {
      let [positive, negative] = [0, 0];
      for (let unit = c; unit < width; unit += columns) {
        const product = weights[at + unit]! * units[unit]!;
        if (rectify && units[unit]! < 0) negative += product;
        else positive += product;
      }
      sum += Math.max(Math.abs(positive), Math.abs(negative));
    }
    largest = Math.max(largest, sum);
  }
  return largest;
}

function clampOf({ activation }: Layer): number {
  return activation.clamp ? 2 ** activation.activationBits : 0;
}

function largestOutput(layer: Layer, sum: number): number {
  const { quantizer } = layer.activation;
  // Rounding down takes a negative sum away from 0.
  const output = quantize(quantizer === "floor" ? "away" : quantizer, sum, layer.stage.shift);
  return Math.min(output, clampOf(layer) || output);
}

function wideWords(values: Float64Array): Int32Array<ArrayBuffer> {
  return new Int32Array(BigInt64Array.from(values, BigInt).buffer);
}
