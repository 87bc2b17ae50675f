// forward: what a layer with hidden units makes of many inputs.
//
// Hidden unit q of input c is u x or, rectified, max(0, u x). Each output adds up its weights times all hidden units, and
// what follows a sum is the quantizer, a ReLU and a clamp. So one kernel serves a pair of layers of a pruned network with
// all its hidden units, the dense layer that equals such a pair (units 1 and -1, rectified), and any dense layer (unit 1).

import type { Contract } from "../kernel.ts";

const params = [
  /** Inputs. */
  "samples",
  /** Numbers of an input, and hidden units of each: hidden unit q of number c is the one at q * columns + c. */
  "columns",
  "group",
  /** Outputs. */
  "rows",
  /** 1: hidden units are rectified. */
  "rectify",
  /** Bits that the quantizer takes off sums, 0..52, 0..31 where they are not wide, and its place in `quantizers`. */
  "shift",
  "quantizer",
  /** 1: outputs are rectified. */
  "relu",
  /** Outputs are held within -most..most, below 2^31; 0: they are not. */
  "most",
  /** 1: inputs, sums and outputs have 64 bits, in two words, low word first. 0: 32 bits. */
  "wide",
] as const;

export type ForwardParams = Readonly<Record<(typeof params)[number], number>>;
export type ForwardInput = "inputs" | "units" | "weights";

/**
 * `inputs` [samples][columns], `units` [group][columns], `weights` [rows][group][columns], `outputs` [samples][rows]. Sums
 * and products wrap; hidden units and the final sums must fit.
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
    const words = (params.wide ? wide : narrow)(params, inputs);
    for (let sample = 0; sample < samples; sample++) {
      words.hide(units, sample * columns);
      for (let row = 0; row < rows; row++) {
        const output = follow(params, words.sumOf(weights.subarray(row * hidden, (row + 1) * hidden)));
        words.write(outputs, sample * rows + row, output);
      }
    }
  },
};

type Words = Int32Array | Uint32Array;

/** Hidden units, sums and outputs in words of 32 bits. */
function narrow({ columns, group, rectify }: ForwardParams, inputs: Words) {
  const values = new Int32Array(columns * group);
  return {
    hide(units: Words, from: number) {
      for (let unit = 0; unit < values.length; unit++) {
        const value = Math.imul(units[unit]!, inputs[from + (unit % columns)]!);
        values[unit] = rectify ? Math.max(value, 0) : value;
      }
    },
    sumOf(weights: Words) {
      let sum = 0;
      for (let unit = 0; unit < values.length; unit++)
        sum = (sum + Math.imul(weights[unit]!, values[unit]!)) | 0;
      return BigInt(sum);
    },
    write(outputs: Words, at: number, output: bigint) {
      outputs[at] = Number(BigInt.asUintN(32, output));
    },
  };
}

/** The same in two words each. */
function wide({ columns, group, rectify }: ForwardParams, words: Words) {
  const values = new BigInt64Array(columns * group);
  const inputs = Array.from({ length: words.length / 2 }, (_, i) =>
    BigInt.asIntN(64, (BigInt(words[2 * i + 1]!) << 32n) | BigInt(words[2 * i]! >>> 0)),
  );
  return {
    hide(units: Words, from: number) {
      for (let unit = 0; unit < values.length; unit++) {
        const value = BigInt.asIntN(64, BigInt(units[unit]!) * inputs[from + (unit % columns)]!);
        values[unit] = rectify && value < 0n ? 0n : value;
      }
    },
    sumOf(weights: Words) {
      let sum = 0n;
      for (let unit = 0; unit < values.length; unit++) sum += BigInt(weights[unit]!) * values[unit]!;
      return BigInt.asIntN(64, sum);
    },
    write(outputs: Words, at: number, output: bigint) {
      outputs[2 * at] = Number(BigInt.asUintN(32, output));
      outputs[2 * at + 1] = Number(BigInt.asUintN(32, output >> 32n));
    },
  };
}

/** What follows a sum. */
function follow({ shift, quantizer, relu, most }: ForwardParams, sum: bigint): bigint {
  const unit = 1n << BigInt(shift);
  // floor, truncate, nearest, away: what is added to a magnitude before bits are cut off it.
  const rounding = [sum < 0n ? unit - 1n : 0n, 0n, unit >> 1n, unit - 1n][quantizer]!;
  const size = ((sum < 0n ? -sum : sum) + rounding) >> BigInt(shift);
  const output = sum < 0n ? -size : size;
  const least = relu ? 0n : most ? -BigInt(most) : output;
  const greatest = most ? BigInt(most) : output;
  return output < least ? least : output > greatest ? greatest : output;
}
