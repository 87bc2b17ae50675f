// The ceiling `copy`: bytes a second of storage. Copies `rounds` blocks of a buffer, 16 bytes an invocation in each block.

struct Params {
  shift: u32,
  rounds: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> results: array<vec4u>;
@group(0) @binding(2) var<storage, read> source: array<vec4u>;

override WIDTH: u32 = 64u;

const MAX_ROUNDS = 65536u;

@compute @workgroup_size(WIDTH)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var round = 0u; round < MAX_ROUNDS; round++) {
    if (round >= params.rounds) {
      break;
    }
    let at = round * groups.x * WIDTH + id.x;
    results[at] = source[at];
  }
}
