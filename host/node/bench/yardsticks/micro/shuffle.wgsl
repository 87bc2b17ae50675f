// The ceiling `shuffle`: words a second that the lanes of a subgroup exchange. `host/node/bench/sections/ceilings.ts` computes
// the same integers.

const STEPS = 16u;

@compute @workgroup_size(WIDTH)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(subgroup_invocation_id) lane: u32,
  @builtin(subgroup_size) size: u32,
) {
  let other = (lane + params.shift) & (size - 1u);
  var a = seed(lane, 0u);
  var b = seed(lane, 1u);
  var c = seed(lane, 2u);
  var d = seed(lane, 3u);
  var e = seed(lane, 4u);
  var f = seed(lane, 5u);
  var g = seed(lane, 6u);
  var h = seed(lane, 7u);
  for (var round = 0u; round < MAX_ROUNDS; round++) {
    if (round >= params.rounds) {
      break;
    }
    for (var step_ = 0u; step_ < STEPS; step_++) {
      a += subgroupShuffle(a, other);
      b += subgroupShuffle(b, other);
      c += subgroupShuffle(c, other);
      d += subgroupShuffle(d, other);
      e += subgroupShuffle(e, other);
      f += subgroupShuffle(f, other);
      g += subgroupShuffle(g, other);
      h += subgroupShuffle(h, other);
    }
    let z = seed(lane, round);
    a ^= z;
    b ^= z;
    c ^= z;
    d ^= z;
    e ^= z;
    f ^= z;
    g ^= z;
    h ^= z;
  }
  results[id.x] = a + 3u * b + 5u * c + 7u * d + 9u * e + 11u * f + 13u * g + 15u * h;
}
