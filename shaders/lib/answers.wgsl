// Answers of 64 bits that invocations share.

/// Adds to the two words of an answer. Every carry is seen by exactly one invocation, so the order does not matter.
fn addToAnswer(at: u32, by: vec2u) {
  let before = atomicAdd(&answers[at], by.x);
  let high = by.y + u32(before + by.x < before);
  if (high > 0u) {
    atomicAdd(&answers[at + 1u], high);
  }
}
