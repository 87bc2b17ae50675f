// Given instances, each worked on by many workgroups: one phase to a dispatch, tables stay in their slabs in between.

override WIDTH: u32 = 64u;

struct Phase {
  /// The instance of the first slab.
  first: u32,
  kind: u32,
  /// Which step, or which target.
  index: u32,
  /// What one dispatch could not do in good time is done by several: this is one of so many, as many for FINISH as for
  /// SCAN, so that both know the same workers.
  part: u32,
  parts: u32,
}

const BEGIN = 0u;
const STEP = 1u;
const SCAN = 2u;
const FINISH = 3u;

@group(1) @binding(1) var<uniform> phase: Phase;

@compute @workgroup_size(WIDTH)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let slab = id.y;
  let k = phase.first + slab;
  if (k >= params.instances) {
    return;
  }
  let worker = (phase.part * groups.x + id.x) * WIDTH + lane;
  let workers = phase.parts * groups.x * WIDTH;
  switch phase.kind {
    case BEGIN: {
      if (worker == 0u) {
        begin(slab, k);
      }
    }
    case STEP: {
      if (phase.index < stepsOf(k)) {
        step(slab, k, phase.index, worker, workers);
      }
    }
    case SCAN: {
      let t = firstTarget(k) + phase.index;
      if (t < firstTarget(k + 1u)) {
        scan(slab, k, t, worker, workers);
      }
    }
    case FINISH: {
      finish(slab, k, worker, workers);
    }
    default: {}
  }
}
