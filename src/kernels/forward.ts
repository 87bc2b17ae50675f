// forward: a layer of integers with hidden units, dense or convolutional, on many inputs.
//
// An input is an image: points with channels. An output has points as well, and each of them reads some points of the input, its
// taps: the columns of a convolution are the channels of all taps, and those of taps beside the image are 0. A dense layer is a
// convolution of images of one point. The last column may be the constant unit, 2^m, the weights of which are biases.
//
// Hidden unit q of column c is u x, or max(0, u x) if rectified, where x is the number of the column and u the weight of the
// unit. Each output is a weighted sum of all hidden units, followed by an epilogue: a quantizer, a ReLU and a clamp. One
// kernel thus serves a pair of layers of a pruned network with all its hidden units, the layer that equals such a pair (units 1
// and -1, rectified), and any other layer (unit 1).

import type { Contract } from "../kernel.ts";

const params = [
  /** The number of inputs. */
  "samples",
  /** The points of an input, and the numbers of each. */
  "pixels",
  "channels",
  /** The points of an output, and the points of the input that each of them reads. */
  "points",
  "taps",
  /** 1: the last column is the constant unit 2^constantBits, 0..52, or 0..30 for 32 bits. */
  "biased",
  "constantBits",
  /** The hidden units of each column. */
  "group",
  /** The outputs of each point. */
  "rows",
  /** 1: hidden units are rectified. */
  "rectify",
  /** The bits that the quantizer removes from a sum: 0..52, or 0..31 for 32 bits. */
  "shift",
  /** The rounding of the quantizer, as an index of `quantizers` (network.ts): floor, truncate, nearest, away. */
  "quantizer",
  /** 1: outputs are rectified. */
  "relu",
  /** Outputs are clamped to -most..most, below 2^31; 0: they are not clamped. */
  "most",
  /** 1: inputs, sums and outputs are 64-bit integers in two words, low word first. 0: they are 32-bit. */
  "wide",
] as const;

export type ForwardParams = Readonly<Record<(typeof params)[number], number>>;
export type ForwardInput = "inputs" | "places" | "units" | "weights";

/** The columns of a layer: the channels of every tap, tap by tap, and the constant unit. */
export const columnsOf = ({ channels, taps, biased }: Pick<ForwardParams, "channels" | "taps" | "biased">) =>
  channels * taps + biased;

/** The parameters of a dense layer that say which numbers it reads, and its places. */
export const denseColumns = (columns: number) =>
  ({ pixels: 1, channels: columns, points: 1, taps: 1, biased: 0, constantBits: 0 }) as const;
export const densePlaces = (): Int32Array<ArrayBuffer> => new Int32Array(1);

/**
 * - `inputs` [samples][pixels][channels], of one or two words;
 * - `places` [points][taps]: the points of the input that each point of the output reads, or -1 for zeros;
 * - `units` [group][columns]: the weights of the hidden units, where columns are [taps][channels] and the constant unit;
 * - `weights` [rows][group][columns];
 * - `outputs` [samples][points][rows], of one or two words.
 *
 * Products and sums wrap at 32 or 64 bits. The result is exact if hidden units and final sums fit: partial sums need not.
 */
export const forward: Contract<(typeof params)[number], ForwardInput, "outputs"> = {
  name: "forward",
  params,
  buffers: {
    inputs: {
      type: "i32",
      access: "read",
      length: ({ samples, pixels, channels, wide }) => samples * pixels * channels * (wide + 1),
    },
    places: {
      type: "i32",
      access: "read",
      length: ({ points, taps }) => points * taps,
    },
    units: {
      type: "i32",
      access: "read",
      length: (params) => columnsOf(params) * params.group,
    },
    weights: {
      type: "i32",
      access: "read",
      length: (params) => params.rows * columnsOf(params) * params.group,
    },
    outputs: {
      type: "u32",
      access: "read_write",
      length: ({ samples, points, rows, wide }) => samples * points * rows * (wide + 1),
    },
  },
  twin(params, { inputs, places, units, weights, outputs }) {
    const { samples, points, group, rows } = params;
    const hidden = columnsOf(params) * group;
    const layer = (params.wide ? wideLayer : narrowLayer)(params, inputs);
    for (let output = 0; output < samples * points; output++) {
      layer.setInput(units, inputIndices(params, places, output));
      for (let row = 0; row < rows; row++) {
        const sum = layer.sumOf(weights.subarray(row * hidden, (row + 1) * hidden));
        writeNumber(outputs, output * rows + row, epilogue(params, sum), params.wide);
      }
    }
  },
};

/** Codes of columns that are no number of the input. */
const ZERO = -1;
const CONSTANT = -2;

/** The index of the number of each column, or its code, for a point of an output; `output` counts the points of all samples. */
function inputIndices(params: ForwardParams, places: Words, output: number): Int32Array {
  const { pixels, channels, points, taps } = params;
  const [sample, point] = [Math.floor(output / points), output % points];
  return Int32Array.from({ length: columnsOf(params) }, (_, column) => {
    const tap = Math.floor(column / channels);
    if (tap === taps) return CONSTANT;
    const place = places[point * taps + tap]!;
    return place < 0 ? ZERO : (sample * pixels + place) * channels + (column % channels);
  });
}

type Words = Int32Array | Uint32Array;

/** A layer whose hidden units, sums and outputs are 32-bit integers, which wrap. */
function narrowLayer(params: ForwardParams, inputs: Words) {
  const { group, rectify, constantBits } = params;
  const hiddenUnits = new Int32Array(columnsOf(params) * group);
  const numberAt = (index: number) =>
    index === CONSTANT ? 2 ** constantBits : index === ZERO ? 0 : inputs[index]!;
  return {
    /** Computes the hidden units of the columns with these indices. */
    setInput(units: Words, indices: Int32Array) {
      for (let unit = 0; unit < hiddenUnits.length; unit++) {
        const value = Math.imul(units[unit]!, numberAt(indices[unit % indices.length]!));
        hiddenUnits[unit] = rectify ? Math.max(value, 0) : value;
      }
    },
    sumOf(weights: Words) {
      let sum = 0;
      for (let unit = 0; unit < hiddenUnits.length; unit++)
        sum = (sum + Math.imul(weights[unit]!, hiddenUnits[unit]!)) | 0;
      return BigInt(sum);
    },
  };
}

/** The same with 64-bit integers; `words` are the inputs in two words each. */
function wideLayer(params: ForwardParams, words: Words) {
  const { group, rectify, constantBits } = params;
  const hiddenUnits = new BigInt64Array(columnsOf(params) * group);
  const inputs = wideNumbers(words);
  const numberAt = (index: number) =>
    index === CONSTANT ? 1n << BigInt(constantBits) : index === ZERO ? 0n : inputs[index]!;
  return {
    setInput(units: Words, indices: Int32Array) {
      for (let unit = 0; unit < hiddenUnits.length; unit++) {
        const value = BigInt.asIntN(64, BigInt(units[unit]!) * numberAt(indices[unit % indices.length]!));
        hiddenUnits[unit] = rectify && value < 0n ? 0n : value;
      }
    },
    sumOf(weights: Words) {
      let sum = 0n;
      for (let unit = 0; unit < hiddenUnits.length; unit++)
        sum += BigInt(weights[unit]!) * hiddenUnits[unit]!;
      return BigInt.asIntN(64, sum);
    },
  };
}

/** What becomes of a sum. */
export type EpilogueParams = Pick<ForwardParams, "shift" | "quantizer" | "relu" | "most">;

/** Divides a sum by `divisor` 2^shift, rounds the quotient by the quantizer, rectifies and clamps it. */
export function epilogue(
  { shift, quantizer, relu, most }: EpilogueParams,
  sum: bigint,
  divisor = 1n,
): bigint {
  const unit = divisor << BigInt(shift);
  // Added to a magnitude before it is divided, for floor, truncate, nearest (half away from 0) and away.
  const rounding = [sum < 0n ? unit - 1n : 0n, 0n, unit >> 1n, unit - 1n][quantizer]!;
  const magnitude = ((sum < 0n ? -sum : sum) + rounding) / unit;
  const output = sum < 0n ? -magnitude : magnitude;
  const least = relu ? 0n : most ? -BigInt(most) : output;
  const greatest = most ? BigInt(most) : output;
  return output < least ? least : output > greatest ? greatest : output;
}

/** Numbers of two words each. */
export const wideNumbers = (words: Words): bigint[] =>
  Array.from({ length: words.length / 2 }, (_, i) =>
    BigInt.asIntN(64, (BigInt(words[2 * i + 1]!) << 32n) | BigInt(words[2 * i]! >>> 0)),
  );

/** Writes an output in one word, or in two where `wide` is 1. */
export function writeNumber(outputs: Words, index: number, output: bigint, wide: number): void {
  if (!wide) outputs[index] = Number(BigInt.asUintN(32, output));
  else {
    outputs[2 * index] = Number(BigInt.asUintN(32, output));
    outputs[2 * index + 1] = Number(BigInt.asUintN(32, output >> 32n));
  }
}
