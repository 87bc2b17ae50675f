// forward (src/kernels/forward.ts): its contract, and what follows a sum. In front stands what its numbers are
// (lib/number.*.wgsl), behind it what a word holds of them, and the shape (forward.tile.wgsl).

struct Params {
  samples: u32,
  columns: u32,
  group: u32,
  rows: u32,
  rectify: u32,
  shift: u32,
  quantizer: u32,
  relu: u32,
  most: u32,
  wide: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> inputs: array<i32>;
@group(0) @binding(2) var<storage, read> units: array<i32>;
@group(0) @binding(3) var<storage, read> weights: array<i32>;
@group(0) @binding(4) var<storage, read_write> outputs: array<u32>;

/// Quantizers, by their places in `quantizers` of src/network.ts.
const FLOOR = 0u;
const NEAREST = 2u;
const AWAY = 3u;

/// The number of hidden units.
fn unitCount() -> u32 {
  return params.columns * params.group;
}

/// Whether a quantizer takes a sum's magnitude up to the next multiple.
fn roundsUp(negative: bool) -> bool {
  return params.quantizer == AWAY || (params.quantizer == FLOOR && negative);
}

/// What follows a sum.
fn follow(sum: Number) -> Number {
  var output = quantized(sum);
  if (params.relu == 1u && isNegative(output)) {
    output = ZERO;
  }
  if (params.most > 0u) {
    output = clamped(output, params.most);
  }
  return output;
}

/// Writes the outputs of an input from a row on.
fn finish(sample: u32, row: u32, sums: Sums) {
  let outputAt = sample * params.rows + row;
  for (var r = 0u; r < 4u; r++) {
    if (sample < params.samples && row + r < params.rows) {
      writeOutput(outputAt + r, follow(sumOf(sums, r)));
    }
  }
}
