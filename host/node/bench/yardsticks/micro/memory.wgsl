// The most word updates that workgroup memory gives: R |= R << shift on the words of an invocation, which lie between those
// of the others, in place from the top. `host/node/bench/ceilings.ts` computes the same integers.

/// Steps from one change of the bits to the next, without which they would soon all be set.
const STEPS = 64u;
const WORDS = 8u;

/// Row 0 comes in from below.
var<workgroup> sums: array<u32, (WORDS + 1u) * WIDTH>;

@compute @workgroup_size(WIDTH)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let column = id.x & 63u;
  for (var w = 0u; w < WORDS; w++) {
    sums[(w + 1u) * WIDTH + lane] = seed(column, w);
  }
  var z = 1u;
  for (var round = 0u; round < MOST_ROUNDS; round++) {
    if (round >= params.rounds) {
      break;
    }
    sums[lane] = z;
    for (var step_ = 0u; step_ < STEPS; step_++) {
      var at = WORDS * WIDTH + lane;
      var upper = sums[at];
      for (var w = 0u; w < WORDS; w++) {
        let lower = sums[at - WIDTH];
        sums[at] |= (upper << params.shift) | ((lower >> 1u) >> (31u - params.shift));
        upper = lower;
        at -= WIDTH;
      }
    }
    for (var w = 1u; w <= WORDS; w++) {
      sums[w * WIDTH + lane] ^= z;
    }
    z = z * 1664525u + 1013904223u;
  }
  var result = 0u;
  for (var w = 1u; w <= WORDS; w++) {
    result += (2u * w - 1u) * sums[w * WIDTH + lane];
  }
  results[id.x] = result;
}
