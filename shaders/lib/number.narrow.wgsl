// Numbers of forward in one word.

alias Number = i32;

const ZERO = 0;

/// The sums of four outputs.
alias Sums = vec4i;

fn sumOf(sums: Sums, i: u32) -> Number {
  return sums[i];
}

fn addProducts(sums: Sums, factors: vec4i, number: Number) -> Sums {
  return sums + factors * number;
}

fn inputAt(i: u32) -> Number {
  return inputs[i];
}

fn writeOutput(i: u32, output: Number) {
  outputs[i] = u32(output);
}

fn multiply(factor: i32, number: Number) -> Number {
  return factor * number;
}

fn isNegative(a: Number) -> bool {
  return a < 0;
}

/// What the quantizer makes of a sum.
fn quantized(sum: Number) -> Number {
  let unit = 1u << params.shift;
  let size = (u32(abs(sum)) + select(0u, unit - 1u, roundsUp(sum < 0)) + select(0u, unit >> 1u, params.quantizer == NEAREST)) >> params.shift;
  return select(i32(size), -i32(size), sum < 0);
}

/// Holds an output within -most..most.
fn clamped(output: Number, most: u32) -> Number {
  return clamp(output, -i32(most), i32(most));
}
