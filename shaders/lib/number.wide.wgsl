// Numbers of forward in two words, low word first (lib/wide.wgsl).

alias Number = vec2u;

const ZERO = vec2u();

fn inputAt(i: u32) -> Number {
  return vec2u(u32(inputs[2u * i]), u32(inputs[2u * i + 1u]));
}

fn writeOutput(i: u32, output: Number) {
  outputs[2u * i] = output.x;
  outputs[2u * i + 1u] = output.y;
}

fn add(a: Number, b: Number) -> Number {
  return addWide(a, b);
}

fn multiply(factor: i32, number: Number) -> Number {
  let product = multiplyWords(u32(factor), number.x);
  return vec2u(product.x, product.y + u32(factor) * number.y - select(0u, number.x, factor < 0));
}

fn isNegative(a: Number) -> bool {
  return a.y >> 31u == 1u;
}

/// What the quantizer makes of a sum.
fn quantized(sum: Number) -> Number {
  let negative = isNegative(sum);
  let unit = shiftLeftWide(vec2u(1u, 0u), params.shift);
  var size = sum;
  if (negative) {
    size = subtractWide(ZERO, sum);
  }
  if (roundsUp(negative)) {
    size = addWide(size, subtractWide(unit, vec2u(1u, 0u)));
  }
  if (params.quantizer == NEAREST) {
    size = addWide(size, shiftRightWide(unit, 1u));
  }
  size = shiftRightWide(size, params.shift);
  if (negative) {
    return subtractWide(ZERO, size);
  }
  return size;
}

/// Holds an output within -most..most.
fn clamped(output: Number, most: u32) -> Number {
  if (isNegative(output)) {
    let least = subtractWide(ZERO, vec2u(most, 0u));
    if (lessWide(output, least)) {
      return least;
    }
  } else if (lessWide(vec2u(most, 0u), output)) {
    return vec2u(most, 0u);
  }
  return output;
}
