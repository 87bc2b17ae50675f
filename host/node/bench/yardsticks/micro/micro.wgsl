// The bindings and the initial words of the micro-kernels, which work on a column of eight words of each invocation.

struct Params {
  /// Bits of a shift, 1..31; for `shuffle`, the distance of lanes.
  shift: u32,
  rounds: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> results: array<u32>;

override WIDTH: u32 = 64u;

/// A fixed end of loops, which are otherwise ended by `rounds`.
const MAX_ROUNDS = 65536u;

/// The initial value of a word of a column.
fn seed(column: u32, word: u32) -> u32 {
  return (8u * column + word + 1u) * 0x9e3779b9u;
}

