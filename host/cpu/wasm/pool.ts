// pool in WebAssembly: the contract of src/kernels/pool.ts.

import { AWAY, FLOOR, NEAREST } from "./forward";

/** Byte offsets of the u32 fields of Params, in the order of the contract; test/kernels/layout.test.ts compares them. */
export const SAMPLES: usize = 0;
export const PIXELS: usize = 4;
export const CHANNELS: usize = 8;
export const POINTS: usize = 12;
export const TAPS: usize = 16;
export const LARGEST: usize = 20;
export const SHIFT: usize = 24;
export const QUANTIZER: usize = 28;
export const RELU: usize = 32;
export const MOST: usize = 36;
export const WIDE: usize = 40;

/** The largest number, or the sum, of a channel in a window, 0 if it has no number; `x` is the channel at point 0. */
// @ts-ignore: decorator
@inline
function combined<T>(x: usize, places: usize, end: usize, pixelBytes: usize, isLargest: bool): T {
  let result: T = 0;
  let isFirst = isLargest;
  for (; places < end; places += 4) {
    const place = load<i32>(places);
    if (place < 0) continue;
    const number = load<T>(x + <usize>place * pixelBytes);
    result = isFirst ? number : isLargest ? max<T>(result, number) : <T>(result + number);
    isFirst = false;
  }
  return result;
}

function run<T>(params: usize, inputs: usize, places: usize, divisors: usize, outputs: usize): void {
  const samples: usize = load<u32>(params, SAMPLES);
  const channels: usize = load<u32>(params, CHANNELS);
  const points: usize = load<u32>(params, POINTS);
  const listBytes: usize = 4 * <usize>load<u32>(params, TAPS);
  const isLargest = load<u32>(params, LARGEST) != 0;
  const quantizer = load<u32>(params, QUANTIZER);
  const shift = <u64>load<u32>(params, SHIFT);
  const most = <i64>load<u32>(params, MOST);
  const greatest = most ? most : i64.MAX_VALUE;
  const least = load<u32>(params, RELU) ? 0 : most ? -most : i64.MIN_VALUE;
  const wordBytes = sizeof<T>();
  const pixelBytes = wordBytes * channels;
  const imageBytes = <usize>load<u32>(params, PIXELS) * pixelBytes;
  for (let s: usize = 0; s < samples; s++, inputs += imageBytes)
    for (let p: usize = 0; p < points; p++) {
      const divisor: u64 = load<u32>(divisors + 4 * p);
      const from = places + p * listBytes;
      for (let x = inputs; x < inputs + pixelBytes; x += wordBytes, outputs += wordBytes) {
        const sum = <i64>combined<T>(x, from, from + listBytes, pixelBytes, isLargest);
        store<T>(outputs, <T>min(max(quotient(sum, divisor, shift, quantizer), least), greatest));
      }
    }
}

/** A sum divided by `divisor` 2^shift, rounded by the quantizer. */
// @ts-ignore: decorator
@inline
function quotient(sum: i64, divisor: u64, shift: u64, quantizer: u32): i64 {
  if (divisor == 1 && shift == 0) return sum;
  const sign = sum >> 63;
  const magnitude = <u64>((sum ^ sign) - sign);
  const shifted = magnitude >> shift;
  const truncated = shifted / divisor;
  const rest = shifted - truncated * divisor;
  // The highest of the bits that are shifted out counts for a half.
  const half: u64 = shift > 0 ? (magnitude >> (shift - 1)) & 1 : 0;
  const isInexact = rest > 0 || shifted << shift != magnitude;
  const roundsUp =
    quantizer == NEAREST
      ? 2 * rest + half >= divisor
      : isInexact && (quantizer == AWAY || (quantizer == FLOOR && sign != 0));
  return (<i64>(truncated + u64(roundsUp)) ^ sign) - sign;
}

/**
 * Runs the kernel.
 *
 * @param params Params, u32 at the offsets above.
 * @param inputs [samples][pixels][channels], i32 or, where wide, i64.
 * @param places [points][taps], i32.
 * @param divisors [points], u32.
 * @param outputs [samples][points][channels], as inputs.
 */
export function pool(params: usize, inputs: usize, places: usize, divisors: usize, outputs: usize): void {
  if (load<u32>(params, WIDE)) run<i64>(params, inputs, places, divisors, outputs);
  else run<i32>(params, inputs, places, divisors, outputs);
}
