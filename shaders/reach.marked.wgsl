// reach, one trial per workgroup: the trials that the dispatch before left (lib/marks.wgsl), whose marks are taken away.

var<workgroup> marked: u32;

@compute @workgroup_size(WIDTH)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  for (var i = id.x; i < (part.end - part.first + 31u) / 32u; i += groups.x) {
    if (lane == 0u) {
      marked = atomicExchange(&marks[i], 0u);
    }
    var left = workgroupUniformLoad(&marked);
    for (var k = 0u; k < 32u; k++) {
      if (left == 0u) {
        break;
      }
      countTrial(id.x, lane, part.first + 32u * i + countTrailingZeros(left));
      left &= left - 1u;
    }
  }
}
