// The stages of a forward pass cut into blocks of their output matrix, each of them work for the kernel `forward`, in 32-bit
// words where its sums fit and in 64-bit words otherwise.

import { RequestError } from "../errors.ts";
import type { ForwardParams } from "../kernels/forward.ts";
import { MAX_SUM, quantize, quantizers, type Activation } from "../network.ts";
import type { WorkOf } from "../plan.ts";
import type { Stage } from "./passes.ts";

/** The most weights of a block, the most numbers of its inputs or outputs, and the most multiplications that it takes. */
const MAX_BLOCK_WEIGHTS = 2 ** 20;
const MAX_BLOCK_NUMBERS = 2 ** 22;
const MAX_BLOCK_PRODUCTS = 2 ** 30;

/** A stage with its inputs. */
export interface StageInput {
  readonly activation: Activation;
  readonly stage: Stage;
  /** The index of the stage in its pass, from 0. No ReLU follows the last stage. */
  readonly index: number;
  readonly last: boolean;
  readonly samples: number;
  /** Integers of -largest..largest, shape [samples, columns], row by row. */
  readonly inputs: Float64Array;
  readonly largest: number;
}

/** Rows row..row + rows - 1 for samples sample..sample + samples - 1. */
export interface OutputBlock {
  readonly work: WorkOf<"forward">;
  readonly row: number;
  readonly rows: number;
  readonly sample: number;
  readonly samples: number;
  /** A bound on the magnitude of its outputs. */
  readonly largest: number;
}

/**
 * The blocks of a stage, all samples of some rows before the next rows, so that the weights of one group of rows are in
 * memory at a time.
 * @throws {RequestError} When a group of rows is reached in which a sum could exceed 2^53.
 */
export function* outputBlocks(stageInput: StageInput): Generator<OutputBlock, void, undefined> {
  const { stage, activation, index, inputs } = stageInput;
  const { columns, group, units, shift } = stage;
  const width = columns * group;
  const largestHidden = units.reduce((most, unit) => Math.max(most, Math.abs(unit)), 1) * stageInput.largest;
  const mostRows = Math.max(1, Math.floor(MAX_BLOCK_WEIGHTS / width));
  for (let row = 0; row < stage.rows; row += mostRows) {
    const rows = Math.min(mostRows, stage.rows - row);
    const weights = stage.weightsOf(row, row + rows);
    const largestSum = largestGain(stage, weights) * stageInput.largest;
    if (largestSum > MAX_SUM)
      throw new RequestError(`layer ${index + 1} of the pass`, `sums of at most ${MAX_SUM}`, largestSum);
    const wide = Math.max(largestSum, largestHidden) >= 2 ** 31;
    const mostSamples = Math.max(
      1,
      Math.floor(Math.min(MAX_BLOCK_PRODUCTS / (width * rows), MAX_BLOCK_NUMBERS / Math.max(columns, rows))),
    );
    for (let sample = 0; sample < stageInput.samples; sample += mostSamples) {
      const samples = Math.min(mostSamples, stageInput.samples - sample);
      const values = inputs.subarray(sample * columns, (sample + samples) * columns);
      const params: ForwardParams = {
        samples,
        columns,
        group,
        rows,
        rectify: Number(stage.rectify),
        shift,
        quantizer: quantizers.indexOf(activation.quantizer),
        relu: Number(!stageInput.last),
        most: clampOf(stageInput),
        wide: Number(wide),
      };
      const words = { inputs: wide ? wideWords(values) : Int32Array.from(values), units, weights };
      const work = { kernel: "forward", params, inputs: words } as const;
      yield { work, row, rows, sample, samples, largest: largestOutput(stageInput, largestSum) };
    }
  }
}

/** Writes the answer of the kernel `forward` to a block into the outputs of its stage, shape [samples, rows]. */
export function writeBlock(
  outputs: Float64Array,
  { rows: stageRows }: Stage,
  block: OutputBlock,
  words: Uint32Array,
): void {
  const { work, row, rows, sample } = block;
  const { buffer, byteOffset, length } = words;
  const numbers = work.params.wide
    ? new BigInt64Array(buffer, byteOffset, length / 2)
    : new Int32Array(buffer, byteOffset, length);
  for (let i = 0; i < numbers.length; i++)
    outputs[(sample + Math.floor(i / rows)) * stageRows + row + (i % rows)] = Number(numbers[i]);
}

/**
 * The largest magnitude of a sum for inputs of -1..1, over the rows of `weights`. A rectified input reaches the units of one
 * sign only, so the larger of the two partial sums counts.
 */
function largestGain({ columns, group, units, rectify }: Stage, weights: Int32Array): number {
  const width = columns * group;
  let largest = 0;
  for (let start = 0; start < weights.length; start += width) {
    let sum = 0;
    for (let column = 0; column < columns; column++) {
      let [positive, negative] = [0, 0];
      for (let unit = column; unit < width; unit += columns) {
        const product = weights[start + unit]! * units[unit]!;
        if (rectify && units[unit]! < 0) negative += product;
        else positive += product;
      }
      sum += Math.max(Math.abs(positive), Math.abs(negative));
    }
    largest = Math.max(largest, sum);
  }
  return largest;
}

/** The bound that outputs are clamped to, 0 where they are not clamped. */
function clampOf({ activation }: StageInput): number {
  return activation.clamp ? 2 ** activation.activationBits : 0;
}

function largestOutput(stageInput: StageInput, largestSum: number): number {
  const { quantizer } = stageInput.activation;
  // Rounding down takes a negative sum away from 0.
  const output = quantize(quantizer === "floor" ? "away" : quantizer, largestSum, stageInput.stage.shift);
  return Math.min(output, clampOf(stageInput) || output);
}

/** Integers as 64-bit two's complement, low word first. */
function wideWords(values: Float64Array): Int32Array<ArrayBuffer> {
  return new Int32Array(BigInt64Array.from(values, BigInt).buffer);
}
