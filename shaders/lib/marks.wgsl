// A bit for each trial of a dispatch, set where its bitset has no room: those trials are left to the dispatch after it
// (reach.marked.wgsl).

@group(1) @binding(0) var<storage, read_write> marks: array<atomic<u32>>;

fn leave(t: u32) {
  let i = t - part.first;
  atomicOr(&marks[i >> 5u], 1u << (i & 31u));
}
