// The ceiling `dot`: multiplications a second of packed bytes. Each word x of a column becomes x + (the four bytes of x) . (the
// four bytes of z), signed. `host/node/bench/sections/ceilings.ts` computes the same integers.

const STEPS = 16u;

fn dotted(x: u32, z: u32) -> u32 {
  return x + u32(dot4I8Packed(x, z));
}

@compute @workgroup_size(WIDTH)
fn main(@builtin(global_invocation_id) id: vec3u) {
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
      a = dotted(a, z);
      b = dotted(b, z);
      c = dotted(c, z);
      d = dotted(d, z);
      e = dotted(e, z);
      f = dotted(f, z);
      g = dotted(g, z);
      h = dotted(h, z);
    }
    z = z * 1664525u + 1013904223u;
  }
  results[id.x] = a + 3u * b + 5u * c + 7u * d + 9u * e + 11u * f + 13u * g + 15u * h;
}
