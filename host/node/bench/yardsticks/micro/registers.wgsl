// The ceiling `registers`: word updates a second in registers. R |= R << shift on the 8 words of an invocation, the innermost
// step of `reach`. `host/node/bench/sections/ceilings.ts` computes the same integers.

/// Whether words are shifted up by a product: where products have a pipe of their own, that is faster.
override PRODUCTS: u32 = 0u;

/// Steps until the words are xored with z, without which all bits would soon be set.
const STEPS = 16u;

/// The shift is 1..31, so that neither part needs a second shift.
fn shifted(high: u32, low: u32, shift: u32) -> u32 {
  let down = low >> (32u - shift);
  if (PRODUCTS == 1u) {
    return (high * (1u << shift)) | down;
  }
  return (high << shift) | down;
}

@compute @workgroup_size(WIDTH)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let shift = params.shift;
  let column = id.x & 63u;
  var a = seed(column, 0u);
  var b = seed(column, 1u);
  var c = seed(column, 2u);
  var d = seed(column, 3u);
  var e = seed(column, 4u);
  var f = seed(column, 5u);
  var g = seed(column, 6u);
  var h = seed(column, 7u);
  var z = 1u;
  for (var round = 0u; round < MAX_ROUNDS; round++) {
    if (round >= params.rounds) {
      break;
    }
    for (var step_ = 0u; step_ < STEPS; step_++) {
      h |= shifted(h, g, shift);
      g |= shifted(g, f, shift);
      f |= shifted(f, e, shift);
      e |= shifted(e, d, shift);
      d |= shifted(d, c, shift);
      c |= shifted(c, b, shift);
      b |= shifted(b, a, shift);
      a |= shifted(a, z, shift);
    }
    a ^= z;
    b ^= z;
    c ^= z;
    d ^= z;
    e ^= z;
    f ^= z;
    g ^= z;
    h ^= z;
    z = z * 1664525u + 1013904223u;
  }
  results[id.x] = a + 3u * b + 5u * c + 7u * d + 9u * e + 11u * f + 13u * g + 15u * h;
}
