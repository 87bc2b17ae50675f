// Faults planted in the shaders of `forward`: numbers of one word, of two, and packed ones.

import type { Fault } from "./parity.ts";

export type ForwardProbe = "one word" | "two words" | "packed" | "windows";

export const forwardFaults: readonly Fault<ForwardProbe>[] = [
  // A hidden unit is not rectified.
  {
    variant: "workgroup",
    probe: "one word",
    replace: "params.rectify == 1u && isNegative(value)",
    by: "false",
  },
  // Inputs are those of the sample before.
  {
    variant: "workgroup",
    probe: "one word",
    replace: "return output * params.channels + column;",
    by: "return (max(output, 1u) - 1u) * params.channels + column;",
  },
  // The last hidden unit of a block is left out.
  { variant: "workgroup", probe: "one word", replace: "k < DEPTH; k++", by: "k < DEPTH - 1u; k++" },
  // An output is not rectified.
  {
    variant: "workgroup",
    probe: "one word",
    replace: "params.relu == 1u && isNegative(output)",
    by: "false",
  },
  // The floor of a negative sum is rounded towards 0.
  {
    variant: "workgroup",
    probe: "one word",
    replace: "(params.quantizer == FLOOR && negative)",
    by: "false",
  },
  // Outputs are not clamped.
  { variant: "workgroup", probe: "one word", replace: "params.most > 0u", by: "false" },
  // A half is rounded down.
  {
    variant: "workgroup",
    probe: "one word",
    replace: "params.quantizer == NEAREST",
    by: "params.quantizer == 9u",
  },
  // One of four sums is another one.
  { variant: "workgroup", probe: "one word", replace: "sumOf(sums, r)", by: "sumOf(sums, r & 2u)" },
  // The upper half of a tile has the rows of the lower half.
  { variant: "workgroup", probe: "one word", replace: "row + ROWS / 2u", by: "row" },
  // An index is past the end of a tile.
  {
    variant: "workgroup",
    probe: "one word",
    replace: "= HIDDEN_PITCH * DEPTH;",
    by: "= HIDDEN_PITCH;",
    watched: true,
  },
  // A carry is lost.
  {
    variant: "workgroup",
    probe: "two words",
    replace: "sums.high + high + select(vec4u(), vec4u(1u), sum < low)",
    by: "sums.high + high",
  },
  // A negative weight is taken for a large one.
  { variant: "workgroup", probe: "two words", replace: "f * number.y - negative", by: "f * number.y" },
  // A negative factor is taken for a large one.
  { variant: "workgroup", probe: "two words", replace: "select(0u, number.x, factor < 0)", by: "0u" },
  // A product of the middle halves loses its carry.
  { variant: "workgroup", probe: "two words", replace: "ah * bl + (low >> 16u)", by: "ah * bl" },
  // A point beside the image is the first one.
  {
    variant: "packed",
    probe: "windows",
    replace: "return ZERO_INDEX;",
    by: "return 0u;",
  },
  { variant: "workgroup", probe: "windows", replace: "return ZERO_INDEX;", by: "return 0u;" },
  // All points of an output read what the first one reads.
  {
    variant: "workgroup",
    probe: "windows",
    replace: "output % params.points * params.taps",
    by: "0u * params.taps",
  },
  // All outputs read the first image.
  { variant: "packed", probe: "windows", replace: "output / params.points * params.pixels", by: "0u" },
  // Every column is the first channel.
  { variant: "packed", probe: "windows", replace: "column % params.channels", by: "0u" },
  // The constant unit is another power of two.
  {
    variant: "workgroup",
    probe: "windows",
    replace: "WINDOWS == 1u && i == CONSTANT_INDEX",
    by: "false",
  },
  // The columns lack the constant unit.
  { variant: "packed", probe: "windows", replace: "+ params.biased", by: "" },
  // A high byte lacks the carry of the low byte.
  { variant: "packed", probe: "packed", replace: "(numbers + vec4i(128))", by: "numbers" },
  // A high byte is worth no more than a low one.
  { variant: "packed", probe: "packed", replace: "sums << vec4u(8u)", by: "sums" },
  // A low byte is left out.
  { variant: "packed", probe: "packed", replace: "pass_ > 0u; pass_--", by: "pass_ > PASSES - 1u; pass_--" },
  // A hidden unit is not rectified.
  { variant: "packed", probe: "packed", replace: "max(values, vec4i())", by: "values" },
  // Weights behind the last hidden unit are not 0.
  {
    variant: "packed",
    probe: "packed",
    replace: "select(vec4i(), numbers, unit < vec4u(unitCount()))",
    by: "numbers",
    watched: true,
  },
  // Hidden units enter twice.
  { variant: "packed", probe: "packed", replace: "unit + 2u * DEPTH", by: "unit + DEPTH" },
  // A product is left out.
  { variant: "packed", probe: "packed", replace: "dot4I8Packed(hidden, weights.w)", by: "0" },
];
