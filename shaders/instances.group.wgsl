// Given instances, each worked on by one workgroup from beginning to end.

override WIDTH: u32 = 64u;

fn syncWorkgroup() {
  storageBarrier();
  workgroupBarrier();
}

@compute @workgroup_size(WIDTH)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let slab = id.x;
  for (var k = id.x; k < params.instances; k += groups.x) {
    if (lane == 0u) {
      begin(slab, k);
    }
    syncWorkgroup();
    for (var i = 0u; i < stepsOf(k); i++) {
      step(slab, k, i, lane, WIDTH);
      syncWorkgroup();
    }
    for (var t = firstTarget(k); t < firstTarget(k + 1u); t++) {
      scan(slab, k, t, lane, WIDTH);
    }
    syncWorkgroup();
    finish(slab, k, lane, WIDTH);
    syncWorkgroup();
  }
}
