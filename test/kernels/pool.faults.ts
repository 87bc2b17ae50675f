// Faults planted in the shaders of `pool`, with numbers of one word and of two.

import type { Fault } from "./parity.ts";

export type PoolProbe = "one word" | "two words";

const thread = (probe: PoolProbe, replace: string, by: string): Fault<PoolProbe> => ({
  variant: "thread",
  probe,
  replace,
  by,
});

export const poolFaults: readonly Fault<PoolProbe>[] = [
  // A number beside the image is that of the last point before it.
  thread("one word", "if (place >= 0) {", "if (place >= -1) {"),
  // All outputs read the first image.
  thread("one word", "sample * params.pixels", "0u * params.pixels"),
  // The largest number of negative ones is 0.
  thread("one word", "first || isLess(result, number)", "isLess(result, number)"),
  // A sum is the last number.
  thread("one word", "result = add(result, number);", "result = number;"),
  // Outputs are not rectified.
  thread("one word", "params.relu == 1u && isLess(output, ZERO)", "false"),
  // Outputs are not clamped.
  thread("one word", "params.most > 0u", "false"),
  // Sums are divided by the divisor of the first point.
  thread("one word", "divisors[point]", "divisors[0]"),
  // The bits that are shifted out do not count.
  thread("one word", "2u * rest + half >= divisor", "2u * rest >= divisor"),
  thread("one word", "&& shifted << params.shift == magnitude", ""),
  // The floor of a negative sum is rounded towards 0.
  thread("one word", "(params.quantizer == FLOOR && negative)", "false"),
  // An index is past the end of a list.
  {
    ...thread("one word", "if (output < count) {", "if (output <= count) {"),
    watched: true,
  },
  // Numbers are compared without their signs.
  thread("two words", "vec2u(a.x, a.y ^ 0x80000000u)", "a"),
  // A digit loses the rest of the digit above it.
  thread("two words", "((third % divisor) << 16u) | ", ""),
  thread("two words", "((first % divisor) << 16u) | ", ""),
  // The bits that are shifted out do not count.
  thread("two words", "2u * rest + half >= divisor", "2u * rest >= divisor"),
  thread("two words", "&& all(back == magnitude)", ""),
  // A negative sum becomes a positive output.
  thread("two words", "return subtractWide(ZERO, rounded);", "return rounded;"),
];
