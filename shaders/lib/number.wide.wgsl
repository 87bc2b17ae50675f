// Numbers of forward in two words, low word first (lib/wide.wgsl).

alias Number = vec2u;

const ZERO = vec2u();

/// The sums of four outputs.
struct Sums {
  low: vec4u,
  high: vec4u,
}

fn sumOf(sums: Sums, i: u32) -> Number {
  return vec2u(sums.low[i], sums.high[i]);
}

fn addProducts(sums: Sums, factors: vec4i, number: Number) -> Sums {
  let f = vec4u(factors);
  let al = f & vec4u(0xffffu);
  let ah = f >> vec4u(16u);
  let bl = number.x & 0xffffu;
  let bh = number.x >> 16u;
  let least = al * bl;
  let middle = ah * bl + (least >> vec4u(16u));
  let other = al * bh + (middle & vec4u(0xffffu));
  let low = (other << vec4u(16u)) | (least & vec4u(0xffffu));
  let negative = select(vec4u(), vec4u(number.x), factors < vec4i());
  let high = ah * bh + (middle >> vec4u(16u)) + (other >> vec4u(16u)) + f * number.y - negative;
  let sum = sums.low + low;
  return Sums(sum, sums.high + high + select(vec4u(), vec4u(1u), sum < low));
}

fn inputAt(i: u32) -> Number {
  return vec2u(u32(inputs[2u * i]), u32(inputs[2u * i + 1u]));
}

fn writeOutput(i: u32, output: Number) {
  outputs[2u * i] = output.x;
  outputs[2u * i + 1u] = output.y;
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
