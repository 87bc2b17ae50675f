// pool: the largest number, or the sum, of a window of each channel, on many images.
//
// A sum is divided by the divisor of its point, which makes it an average, and becomes an output by the epilogue of `forward`.
// The addition of two values is the sum of a window of two points: the values lie behind one another, as two points of many
// channels.

import type { Contract } from "../kernel.ts";
import { epilogue, wideNumbers, writeNumber } from "./forward.ts";

const params = [
  /** The number of images. */
  "samples",
  /** The points of an image, and the numbers of each. */
  "pixels",
  "channels",
  /** The points of an output, and the points of the image that each of them reads. */
  "points",
  "taps",
  /** 1: the largest number; 0: the sum. */
  "largest",
  /** The bits that the quantizer removes beside the divisor: 0..52, or 0..31 for 32 bits. */
  "shift",
  /** The rounding of the quantizer, as an index of `quantizers` (network.ts). */
  "quantizer",
  /** 1: outputs are rectified. */
  "relu",
  /** Outputs are clamped to -most..most, below 2^31; 0: they are not clamped. */
  "most",
  /** 1: numbers are 64-bit integers in two words, low word first. 0: they are 32-bit. */
  "wide",
] as const;

export type PoolParams = Readonly<Record<(typeof params)[number], number>>;
export type PoolInput = "inputs" | "places" | "divisors";

/** The largest divisor: 64 bits are divided by it in digits of 16 bits. */
export const MAX_DIVISOR = 2 ** 16;

/**
 * - `inputs` [samples][pixels][channels], of one or two words;
 * - `places` [points][taps]: the points of the image that each point of the output reads, or -1 for none;
 * - `divisors` [points]: 1..MAX_DIVISOR;
 * - `outputs` [samples][points][channels], of one or two words; that of a window without numbers is 0.
 *
 * Sums wrap at 32 or 64 bits.
 */
export const pool: Contract<(typeof params)[number], PoolInput, "outputs"> = {
  name: "pool",
  params,
  buffers: {
    inputs: {
      type: "i32",
      access: "read",
      length: ({ samples, pixels, channels, wide }) => samples * pixels * channels * (wide + 1),
    },
    places: { type: "i32", access: "read", length: ({ points, taps }) => points * taps },
    divisors: { type: "u32", access: "read", length: ({ points }) => points },
    outputs: {
      type: "u32",
      access: "read_write",
      length: ({ samples, points, channels, wide }) => samples * points * channels * (wide + 1),
    },
  },
  twin(params, { inputs, places, divisors, outputs }) {
    const { samples, pixels, channels, points, taps, wide } = params;
    const numbers = wide ? wideNumbers(inputs) : Array.from(inputs, BigInt);
    for (let output = 0; output < samples * points; output++) {
      const [sample, point] = [Math.floor(output / points), output % points];
      const inside = [...places.subarray(point * taps, (point + 1) * taps)].filter((place) => place >= 0);
      for (let channel = 0; channel < channels; channel++) {
        const window = inside.map((place) => numbers[(sample * pixels + place) * channels + channel]!);
        const combined = window.reduce(
          params.largest ? (a, b) => (a > b ? a : b) : (a, b) => BigInt.asIntN(wide ? 64 : 32, a + b),
          params.largest ? (window[0] ?? 0n) : 0n,
        );
        writeNumber(
          outputs,
          output * channels + channel,
          epilogue(params, combined, BigInt(divisors[point]!)),
          wide,
        );
      }
    }
  },
};
