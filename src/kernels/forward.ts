// forward: a layer of integers with hidden units, on many inputs.
//
// Hidden unit q of column c is u x, or max(0, u x) if rectified, where x is number c of the input and u the weight of the
// unit. Each output is a weighted sum of all hidden units, followed by an epilogue: a quantizer, a ReLU and a clamp. One
// kernel thus serves a pair of layers of a pruned network with all its hidden units, the dense layer that equals such a
// pair (units 1 and -1, rectified), and any dense layer (unit 1).

import type { Contract } from "../kernel.ts";

const params = [
  /** The number of inputs. */
  "samples",
  /** The numbers of one input. */
  "columns",
  /** The hidden units of each column. */
  "group",
  /** The outputs of one input. */
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
export type ForwardInput = "inputs" | "units" | "weights";

/**
 * - `inputs` [samples][columns], of one or two words;
 * - `units` [group][columns]: the weights of the hidden units;
 * - `weights` [rows][group][columns];
 * - `outputs` [samples][rows], of one or two words.
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
      length: ({ samples, columns, wide }) => samples * columns * (wide + 1),
    },
    units: {
      type: "i32",
      access: "read",
      length: ({ columns, group }) => columns * group,
    },
    weights: {
      type: "i32",
      access: "read",
      length: ({ rows, columns, group }) => rows * columns * group,
    },
    outputs: {
      type: "u32",
      access: "read_write",
      length: ({ samples, rows, wide }) => samples * rows * (wide + 1),
    },
  },
  twin(params, { inputs, units, weights, outputs }) {
    const { samples, columns, group, rows } = params;
    const hidden = columns * group;
    const layer = (params.wide ? wideLayer : narrowLayer)(params, inputs);
    for (let sample = 0; sample < samples; sample++) {
      layer.setInput(units, sample * columns);
      for (let row = 0; row < rows; row++) {
        const sum = layer.sumOf(weights.subarray(row * hidden, (row + 1) * hidden));
        layer.write(outputs, sample * rows + row, epilogue(params, sum));
      }
    }
  },
};

type Words = Int32Array | Uint32Array;

/** A layer whose hidden units, sums and outputs are 32-bit integers, which wrap. */
function narrowLayer({ columns, group, rectify }: ForwardParams, inputs: Words) {
  const hiddenUnits = new Int32Array(columns * group);
  return {
    /** Computes the hidden units of the input whose first number is at index `from`. */
    setInput(units: Words, from: number) {
      for (let unit = 0; unit < hiddenUnits.length; unit++) {
        const value = Math.imul(units[unit]!, inputs[from + (unit % columns)]!);
        hiddenUnits[unit] = rectify ? Math.max(value, 0) : value;
      }
    },
    sumOf(weights: Words) {
      let sum = 0;
      for (let unit = 0; unit < hiddenUnits.length; unit++)
        sum = (sum + Math.imul(weights[unit]!, hiddenUnits[unit]!)) | 0;
      return BigInt(sum);
    },
    write(outputs: Words, index: number, output: bigint) {
      outputs[index] = Number(BigInt.asUintN(32, output));
    },
  };
}

/** The same with 64-bit integers; `words` are the inputs in two words each. */
function wideLayer({ columns, group, rectify }: ForwardParams, words: Words) {
  const hiddenUnits = new BigInt64Array(columns * group);
  const inputs = Array.from({ length: words.length / 2 }, (_, i) =>
    BigInt.asIntN(64, (BigInt(words[2 * i + 1]!) << 32n) | BigInt(words[2 * i]! >>> 0)),
  );
  return {
    setInput(units: Words, from: number) {
      for (let unit = 0; unit < hiddenUnits.length; unit++) {
        const value = BigInt.asIntN(64, BigInt(units[unit]!) * inputs[from + (unit % columns)]!);
        hiddenUnits[unit] = rectify && value < 0n ? 0n : value;
      }
    },
    sumOf(weights: Words) {
      let sum = 0n;
      for (let unit = 0; unit < hiddenUnits.length; unit++)
        sum += BigInt(weights[unit]!) * hiddenUnits[unit]!;
      return BigInt.asIntN(64, sum);
    },
    write(outputs: Words, index: number, output: bigint) {
      outputs[2 * index] = Number(BigInt.asUintN(32, output));
      outputs[2 * index + 1] = Number(BigInt.asUintN(32, output >> 32n));
    },
  };
}

/** Quantizes, rectifies and clamps a sum. */
function epilogue({ shift, quantizer, relu, most }: ForwardParams, sum: bigint): bigint {
  const unit = 1n << BigInt(shift);
  // Added to a magnitude before its low bits are removed, for floor, truncate, nearest (half away from 0) and away.
  const rounding = [sum < 0n ? unit - 1n : 0n, 0n, unit >> 1n, unit - 1n][quantizer]!;
  const magnitude = ((sum < 0n ? -sum : sum) + rounding) >> BigInt(shift);
  const output = sum < 0n ? -magnitude : magnitude;
  const least = relu ? 0n : most ? -BigInt(most) : output;
  const greatest = most ? BigInt(most) : output;
  return output < least ? least : output > greatest ? greatest : output;
}
