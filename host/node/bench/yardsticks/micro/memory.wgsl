// The ceiling `memory`: word updates a second in workgroup memory. R |= R << shift on the 8 words of an invocation, which are
// interleaved with those of the others, in place from the top. `host/node/bench/sections/ceilings.ts` computes the same integers.

/// Steps until the words are xored with z, without which all bits would soon be set.
const STEPS = 64u;
const WORDS = 8u;

/// Row 0 is shifted in from below.
var<workgroup> sums: array<u32, (WORDS + 1u) * WIDTH>;

@compute @workgroup_size(WIDTH)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let column = id.x & 63u;
  for (var w = 0u; w < WORDS; w++) {
    sums[(w + 1u) * WIDTH + local] = seed(column, w);
  }
  var z = 1u;
  for (var round = 0u; round < MAX_ROUNDS; round++) {
    if (round >= params.rounds) {
      break;
    }
    sums[local] = z;
    for (var step_ = 0u; step_ < STEPS; step_++) {
      var at = WORDS * WIDTH + local;
      var upper = sums[at];
      for (var w = 0u; w < WORDS; w++) {
        let lower = sums[at - WIDTH];
        sums[at] |= (upper << params.shift) | ((lower >> 1u) >> (31u - params.shift));
        upper = lower;
        at -= WIDTH;
      }
    }
    for (var w = 1u; w <= WORDS; w++) {
      sums[w * WIDTH + local] ^= z;
    }
    z = z * 1664525u + 1013904223u;
  }
  var result = 0u;
  for (var w = 1u; w <= WORDS; w++) {
    result += (2u * w - 1u) * sums[w * WIDTH + local];
  }
  results[id.x] = result;
}
