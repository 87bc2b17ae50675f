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
];
