// Numbers of 64 bits, low word first, modulo 2^64; unsigned where they are compared.

fn addWide(a: vec2u, b: vec2u) -> vec2u {
  let low = a.x + b.x;
  return vec2u(low, a.y + b.y + u32(low < a.x));
}

fn subtractWide(a: vec2u, b: vec2u) -> vec2u {
  return vec2u(a.x - b.x, a.y - b.y - u32(a.x < b.x));
}

fn lessWide(a: vec2u, b: vec2u) -> bool {
  return select(a.y < b.y, a.x < b.x, a.y == b.y);
}

/// Adds to the two words of an answer. Every carry is seen by exactly one invocation, so the order does not matter.
fn addToAnswer(at: u32, by: vec2u) {
  let before = atomicAdd(&answers[at], by.x);
  let high = by.y + u32(before + by.x < before);
  if (high > 0u) {
    atomicAdd(&answers[at + 1u], high);
  }
}
