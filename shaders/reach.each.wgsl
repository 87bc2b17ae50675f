// reach, one trial per workgroup: every trial.

@compute @workgroup_size(WIDTH)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  for (var t = part.first + id.x; t < part.end; t += groups.x) {
    countTrial(id.x, lane, t);
  }
}
