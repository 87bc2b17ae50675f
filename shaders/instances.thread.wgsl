// Given instances, each worked on by one invocation from beginning to end, which waits for nobody.

override WIDTH: u32 = 64u;

@compute @workgroup_size(WIDTH)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  for (var k = id.x * WIDTH + lane; k < params.instances; k += groups.x * WIDTH) {
    begin(lane, k);
    for (var i = 0u; i < stepsOf(k); i++) {
      step(lane, k, i, 0u, 1u);
    }
    for (var t = firstTarget(k); t < firstTarget(k + 1u); t++) {
      scan(lane, k, t, 0u, 1u);
    }
    finish(lane, k, 0u, 1u);
  }
}
