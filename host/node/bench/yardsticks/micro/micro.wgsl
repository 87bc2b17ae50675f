// Common to micro-kernels that work on eight words of an invocation: what is bound, and the words they begin with.

struct Params {
  /// 1..31; where words move between invocations, by how many lanes.
  shift: u32,
  rounds: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> results: array<u32>;

override WIDTH: u32 = 64u;

const MOST_ROUNDS = 65536u;

fn seed(column: u32, word: u32) -> u32 {
  return (8u * column + word + 1u) * 0x9e3779b9u;
}

