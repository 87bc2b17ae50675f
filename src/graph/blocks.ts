// The stages of a forward pass cut into blocks of their output, each of them work for the kernel `forward` or `pool`, in 32-bit
// words where its sums fit and in 64-bit words otherwise.

import { RequestError } from "../errors.ts";
import { MAX_SUM, quantizeBy, quantizers } from "../network.ts";
import type { WorkOf } from "../plan.ts";
import type { Epilogue } from "./model.ts";
import {
  columnsOfStage,
  elementsOf,
  type BilinearStage,
  type ComputedStage,
  type LinearStage,
  type PoolStage,
  type Stage,
} from "./stages.ts";

/** The most weights of a block, the most numbers of its inputs or outputs, and the most multiplications that it takes. */
const MAX_BLOCK_WEIGHTS = 2 ** 20;
const MAX_BLOCK_NUMBERS = 2 ** 22;
const MAX_BLOCK_PRODUCTS = 2 ** 30;

/** Integers of 32 bits, or larger ones. */
export type Numbers = Int32Array | Float64Array;

/** A value of all samples. */
export interface Value {
  /** Integers of -largest..largest, shape [samples, elements]. */
  readonly numbers: Numbers;
  readonly elements: number;
  readonly largest: number;
}

/** Outputs of rows row..row + rows - 1 at points point..point + points - 1 of some samples from `sample` on. */
export interface OutputBlock {
  readonly work: WorkOf<"forward"> | WorkOf<"pool">;
  readonly row: number;
  readonly rows: number;
  readonly point: number;
  readonly sample: number;
  /** The products that it adds up. */
  readonly products: number;
  /** A bound on the magnitude of its outputs. */
  readonly largest: number;
}

/** The products that a stage adds up for each sample. */
export function productsOf(stage: Stage): number {
  switch (stage.kind) {
    case "linear":
      return stage.grid.points * stage.rows * columnsOfStage(stage) * stage.group;
    case "pool":
      return stage.grid.points * stage.grid.taps * stage.channels;
    case "bilinear":
      return stage.grid.points * stage.rows * stage.channels;
    default:
      return 0;
  }
}

/**
 * The blocks of a stage, all samples of some rows before the next rows, so that the weights of one group of rows are in
 * memory at a time.
 * @param reads What the stage reads.
 * @throws {RequestError} When a group of rows is reached in which a sum could exceed 2^53.
 */
export function outputBlocks(stage: ComputedStage, reads: readonly Value[]): Iterable<OutputBlock> {
  switch (stage.kind) {
    case "linear":
      return linearBlocks(stage, reads[0]!);
    case "bilinear":
      return bilinearBlocks(stage, reads as readonly [Value, Value]);
    default:
      return poolBlocks(stage, reads);
  }
}

function* linearBlocks(stage: LinearStage, read: Value): Generator<OutputBlock, void, undefined> {
  const { grid, groups, group, epilogue, constantBits } = stage;
  const columns = columnsOfStage(stage);
  const [channels, groupRows, width] = [stage.channels / groups, stage.rows / groups, columns * group];
  const mostRows = Math.max(1, Math.floor(MAX_BLOCK_WEIGHTS / width));
  const constant = constantBits === undefined ? 0 : 2 ** constantBits;
  for (let part = 0; part < groups; part++) {
    const units = stage.unitsOf(part);
    const largestHidden =
      units.reduce((most, unit) => Math.max(most, Math.abs(unit)), 1) * Math.max(read.largest, constant);
    const end = (part + 1) * groupRows;
    for (let row = part * groupRows; row < end; row += mostRows) {
      const rows = Math.min(mostRows, end - row);
      const weights = stage.weightsOf(row, row + rows);
      const largestSum = largestSumOf(stage, units, weights, read.largest);
      checkSum(stage, largestSum * 2 ** Math.max(-epilogue.shift, 0));
      const wide = isWide(Math.max(largestSum, largestHidden), epilogue);
      const common = {
        taps: grid.taps,
        channels,
        biased: Number(constantBits !== undefined),
        constantBits: constantBits ?? 0,
        group,
        rows,
        rectify: Number(stage.rectify),
        ...epilogueParams(epilogue),
        wide: Number(wide),
      };
      const slice = { from: part * channels, count: channels, of: stage.channels };
      for (const { sample, samples, point, points } of ranges(stage, read, width * rows, rows))
        yield {
          work: {
            kernel: "forward",
            params: { ...common, samples, pixels: grid.pixels, points },
            inputs: {
              inputs: wordsOf([read], [0], sample, samples, wide, slice),
              places: grid.placesOf(point, point + points),
              units,
              weights,
            },
          },
          row,
          rows,
          point,
          sample,
          products: samples * points * rows * width,
          largest: largestOutput(epilogue, largestSum),
        };
    }
  }
}

/** The points of the second value of a sample are the weights of a layer on the points of the first one. */
function* bilinearBlocks(
  stage: BilinearStage,
  [first, second]: readonly [Value, Value],
): Generator<OutputBlock, void, undefined> {
  const { grid, channels, epilogue } = stage;
  const mostRows = Math.max(1, Math.floor(MAX_BLOCK_WEIGHTS / channels));
  for (let sample = 0; sample * first.elements < first.numbers.length; sample++) {
    const numbers = first.numbers.subarray(sample * first.elements, (sample + 1) * first.elements);
    const factors = second.numbers.subarray(sample * second.elements, (sample + 1) * second.elements);
    const largestFactor = largestOf(factors);
    const largestSum = Math.max(largestTotal(numbers, channels), largestFactor) * largestFactor;
    checkSum(stage, largestSum * 2 ** Math.max(-epilogue.shift, 0));
    // Factors are below 2^27, since their squares are at most 2^53.
    const weights = Int32Array.from(factors);
    const wide = isWide(Math.max(largestSum, largestOf(numbers)), epilogue);
    const value = { numbers, elements: first.elements, largest: first.largest };
    for (let row = 0; row < stage.rows; row += mostRows) {
      const rows = Math.min(mostRows, stage.rows - row);
      for (const { point, points } of ranges(stage, value, channels * rows, rows))
        yield {
          work: {
            kernel: "forward",
            params: {
              samples: 1,
              pixels: grid.pixels,
              channels,
              points,
              taps: 1,
              biased: 0,
              constantBits: 0,
              group: 1,
              rows,
              rectify: 0,
              ...epilogueParams(epilogue),
              wide: Number(wide),
            },
            inputs: {
              inputs: wordsOf([value], [0], 0, 1, wide),
              places: grid.placesOf(point, point + points),
              units: new Int32Array(channels).fill(1),
              weights: weights.slice(row * channels, (row + rows) * channels),
            },
          },
          row,
          rows,
          point,
          sample,
          products: points * rows * channels,
          largest: largestOutput(epilogue, largestSum),
        };
    }
  }
}

function largestOf(numbers: Numbers): number {
  let largest = 0;
  for (const number of numbers) largest = Math.max(largest, Math.abs(number));
  return largest;
}

/** The largest sum of the magnitudes of a point's numbers. */
function largestTotal(numbers: Numbers, channels: number): number {
  let largest = 0;
  for (let start = 0; start < numbers.length; start += channels) {
    let total = 0;
    for (let c = 0; c < channels; c++) total += Math.abs(numbers[start + c]!);
    largest = Math.max(largest, total);
  }
  return largest;
}

function* poolBlocks(stage: PoolStage, reads: readonly Value[]): Generator<OutputBlock, void, undefined> {
  const { grid, channels, epilogue, lefts } = stage;
  const given = reads.map(({ largest }, i) => largest * 2 ** lefts[i]!);
  // Each of several values has one tap.
  const largestSum = stage.largest
    ? given[0]!
    : given.reduce((sum, largest) => sum + largest, 0) * (grid.taps / reads.length);
  checkSum(stage, largestSum);
  const wide = isWide(largestSum, epilogue);
  for (const { sample, samples, point, points } of ranges(stage, reads[0]!, grid.taps * channels, channels))
    yield {
      work: {
        kernel: "pool",
        params: {
          samples,
          pixels: grid.pixels,
          channels,
          points,
          taps: grid.taps,
          largest: Number(stage.largest),
          ...epilogueParams(epilogue),
          wide: Number(wide),
        },
        inputs: {
          inputs: wordsOf(reads, lefts, sample, samples, wide),
          places: grid.placesOf(point, point + points),
          divisors: stage.divisorsOf(point, point + points),
        },
      },
      row: 0,
      rows: channels,
      point,
      sample,
      products: samples * points * grid.taps * channels,
      largest: largestOutput(epilogue, largestSum),
    };
}

/** The ranges of samples and points of blocks: all points of some samples, or some points of one where these are too many. */
function* ranges(
  { grid: { points: allPoints, taps } }: ComputedStage,
  { elements, numbers }: Value,
  pointProducts: number,
  rows: number,
) {
  const allSamples = numbers.length / elements;
  const points = Math.min(
    allPoints,
    Math.max(
      1,
      Math.floor(Math.min(MAX_BLOCK_PRODUCTS / pointProducts, MAX_BLOCK_NUMBERS / Math.max(rows, taps))),
    ),
  );
  const most =
    points < allPoints
      ? 1
      : Math.max(
          1,
          Math.floor(
            Math.min(
              MAX_BLOCK_PRODUCTS / (pointProducts * points),
              MAX_BLOCK_NUMBERS / Math.max(elements, rows * points),
            ),
          ),
        );
  for (let sample = 0; sample < allSamples; sample += most)
    for (let point = 0; point < allPoints; point += points)
      yield {
        sample,
        samples: Math.min(most, allSamples - sample),
        point,
        points: Math.min(points, allPoints - point),
      };
}

function checkSum({ name }: Stage, largest: number): void {
  if (largest > MAX_SUM) throw new RequestError(name, `sums of at most ${MAX_SUM}`, largest);
}

/** Whether numbers need two words. */
const isWide = (largest: number, { shift }: Epilogue): boolean => largest >= 2 ** 31 || shift > 31;

/**
 * The epilogue of the kernels, which shift to the right and clamp below 2^31. Where sums are multiplied, a clamp to 2^m before
 * that is one to 2^(m + shift).
 */
function epilogueParams({ activationBits, shift, quantizer, relu, clamp }: Epilogue) {
  const bits = activationBits + Math.min(shift, 0);
  return {
    shift: Math.max(shift, 0),
    quantizer: quantizers.indexOf(quantizer),
    relu: Number(relu),
    most: clamp && bits < 31 ? 2 ** bits : 0,
  };
}

/** The bound that outputs are clamped to. */
const boundOf = ({ activationBits, clamp }: Epilogue): number => (clamp ? 2 ** activationBits : Infinity);

/** Numbers of the same kind, all 0. */
const like = (numbers: Numbers, length: number): Numbers =>
  numbers instanceof Int32Array ? new Int32Array(length) : new Float64Array(length);

/** The words of some samples of values, which lie behind one another, multiplied by 2^left; or of some channels of one. */
function wordsOf(
  reads: readonly Value[],
  lefts: readonly number[],
  sample: number,
  samples: number,
  wide: boolean,
  slice?: { readonly from: number; readonly count: number; readonly of: number },
): Int32Array<ArrayBuffer> {
  const [{ numbers, elements }] = reads as readonly [Value];
  let values = numbers.subarray(sample * elements, (sample + samples) * elements);
  if (slice && slice.count < slice.of) {
    const { from, count, of } = slice;
    const given = values;
    values = like(numbers, (given.length / of) * count);
    for (let to = 0, start = from; to < values.length; start += of)
      for (let channel = 0; channel < count; channel++) values[to++] = given[start + channel]!;
  } else if (lefts.some((left) => left > 0) || reads.length > 1) {
    const size = elements * reads.length;
    values = new Float64Array(samples * size);
    for (const [i, read] of reads.entries()) {
      const factor = 2 ** lefts[i]!;
      for (let k = 0; k < samples; k++)
        for (let e = 0; e < elements; e++)
          values[k * size + i * elements + e] = read.numbers[(sample + k) * elements + e]! * factor;
    }
  }
  return wide ? wideWords(values) : new Int32Array(values);
}

/** Integers of 64 bits, the low word first. BigInts would give the same words in ten times the time. */
function wideWords(values: Numbers): Int32Array<ArrayBuffer> {
  const words = new Int32Array(2 * values.length);
  for (let i = 0; i < values.length; i++) {
    // A stored number is reduced modulo 2^32.
    words[2 * i] = values[i]!;
    words[2 * i + 1] = Math.floor(values[i]! / 2 ** 32);
  }
  return words;
}

/** The integers of words from {@link wideWords}. */
function wideNumbers(words: Int32Array): Float64Array {
  const numbers = new Float64Array(words.length / 2);
  for (let i = 0; i < numbers.length; i++) numbers[i] = words[2 * i + 1]! * 2 ** 32 + (words[2 * i]! >>> 0);
  return numbers;
}

/** Writes the answer of a kernel to a block into the outputs of its stage, shape [samples, elements of the stage]. */
export function writeBlock(
  outputs: Numbers,
  stage: ComputedStage,
  { work, row, rows, point, sample }: OutputBlock,
  { buffer, byteOffset, length }: Uint32Array,
): void {
  const { params } = work;
  const { grid, epilogue } = stage;
  const words = new Int32Array(buffer, byteOffset, length);
  let numbers: Numbers = params.wide ? wideNumbers(words) : words;
  const [elements, all] = [elementsOf(stage), stage.kind === "pool" ? stage.channels : stage.rows];
  const factor = 2 ** Math.max(-epilogue.shift, 0);
  // What the kernel leaves to do.
  if (factor > 1 || (epilogue.clamp && params.most === 0)) {
    const bound = boundOf(epilogue);
    const given = numbers;
    numbers = new Float64Array(given.length);
    for (let i = 0; i < given.length; i++) numbers[i] = Math.min(Math.max(given[i]! * factor, -bound), bound);
  }
  if (rows === all && params.points === grid.points) outputs.set(numbers, sample * elements);
  else
    for (let k = 0; k < params.samples; k++)
      for (let p = 0; p < params.points; p++) {
        const from = (k * params.points + p) * rows;
        const to = (sample + k) * elements + (point + p) * all + row;
        for (let r = 0; r < rows; r++) outputs[to + r] = numbers[from + r]!;
      }
}

/** The outputs of a stage that transposes. */
export function transposed(rows: number, columns: number, { numbers, elements }: Value): Numbers {
  const outputs = numbers.slice();
  for (let start = 0; start < numbers.length; start += elements)
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++)
        outputs[start + column * rows + row] = numbers[start + row * columns + column]!;
  return outputs;
}

/**
 * A bound on the magnitude of sums, over the rows of `weights`, for inputs of -largest..largest. A rectified input reaches the
 * units of one sign only, so the larger of the two partial sums counts.
 */
function largestSumOf(stage: LinearStage, units: Int32Array, weights: Int32Array, largest: number): number {
  const { group, rectify, constantBits } = stage;
  const columns = columnsOfStage(stage);
  const width = columns * group;
  let most = 0;
  for (let start = 0; start < weights.length; start += width) {
    let sum = 0;
    for (let column = 0; column < columns; column++) {
      let [positive, negative] = [0, 0];
      for (let unit = column; unit < width; unit += columns) {
        const product = weights[start + unit]! * units[unit]!;
        if (rectify && units[unit]! < 0) negative += product;
        else positive += product;
      }
      const isConstant = constantBits !== undefined && column === columns - 1;
      sum += Math.max(Math.abs(positive), Math.abs(negative)) * (isConstant ? 2 ** constantBits : largest);
    }
    most = Math.max(most, sum);
  }
  return most;
}

function largestOutput(epilogue: Epilogue, largestSum: number): number {
  const { quantizer, shift } = epilogue;
  const numerator = largestSum * 2 ** Math.max(-shift, 0);
  // Rounding down takes a negative sum away from 0.
  const output = quantizeBy(quantizer === "floor" ? "away" : quantizer, numerator, 2 ** Math.max(shift, 0));
  return Math.min(output, boundOf(epilogue));
}
