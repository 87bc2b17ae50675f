// forward (src/kernels/forward.ts). In front stands what its numbers are (lib/number.*.wgsl).
//
// A workgroup has a square of outputs, TILE inputs by TILE rows, and each of its invocations a square of those. It goes
// through the hidden units DEPTH at a time: makes them, for its inputs, in workgroup memory beside the weights that they
// meet, and adds up the products in registers. So a hidden unit is made once for a whole tile, and never leaves it.

struct Params {
  networks: u32,
  samples: u32,
  columns: u32,
  group: u32,
  rows: u32,
  broadcast: u32,
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

/// Invocations in a row of a workgroup, outputs in a row of an invocation, and both.
const SIDE = 8u;
const EACH = 4u;
const TILE = SIDE * EACH;
/// Hidden units at a time.
const DEPTH = 16u;

/// Of each hidden unit: its values for the inputs of the tile, and its weights to the outputs of the tile.
var<workgroup> hiddenTile: array<Number, TILE * DEPTH>;
var<workgroup> weightTile: array<i32, TILE * DEPTH>;

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

/// Hidden unit `unit` of a network for an input; 0 where there is no such.
fn hiddenAt(network: u32, sample: u32, unit: u32) -> Number {
  if (sample >= params.samples || unit >= params.columns * params.group) {
    return ZERO;
  }
  let first = select(network, 0u, params.broadcast == 1u) * params.samples + sample;
  let input = inputAt(first * params.columns + unit % params.columns);
  let value = multiply(units[network * params.columns * params.group + unit], input);
  if (params.rectify == 1u && isNegative(value)) {
    return ZERO;
  }
  return value;
}

/// The weight from a hidden unit to an output of a network; 0 where there is no such.
fn weightAt(network: u32, row: u32, unit: u32) -> i32 {
  let count = params.columns * params.group;
  if (row >= params.rows || unit >= count) {
    return 0;
  }
  return weights[(network * params.rows + row) * count + unit];
}

@compute @workgroup_size(SIDE, SIDE)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let sampleTiles = (params.samples + TILE - 1u) / TILE;
  let count = params.columns * params.group;
  for (var i = id.x; i < params.networks * sampleTiles; i += groups.x) {
    let network = i / sampleTiles;
    let firstSample = (i % sampleTiles) * TILE;
    for (var firstRow = id.y * TILE; firstRow < params.rows; firstRow += groups.y * TILE) {
      var sums: array<Number, EACH * EACH>;
      for (var unit = 0u; unit < count; unit += DEPTH) {
        workgroupBarrier();
        for (var j = lane; j < TILE * DEPTH; j += SIDE * SIDE) {
          // Neighbours read neighbours.
          hiddenTile[(j % DEPTH) * TILE + j / DEPTH] = hiddenAt(network, firstSample + j / DEPTH, unit + j % DEPTH);
          weightTile[(j % DEPTH) * TILE + j / DEPTH] = weightAt(network, firstRow + j / DEPTH, unit + j % DEPTH);
        }
        workgroupBarrier();
        for (var d = 0u; d < DEPTH; d++) {
          for (var s = 0u; s < EACH; s++) {
            let value = hiddenTile[d * TILE + s * SIDE + local.x];
            for (var r = 0u; r < EACH; r++) {
              let weight = weightTile[d * TILE + r * SIDE + local.y];
              sums[s * EACH + r] = add(sums[s * EACH + r], multiply(weight, value));
            }
          }
        }
      }
      for (var s = 0u; s < EACH; s++) {
        let sample = firstSample + s * SIDE + local.x;
        for (var r = 0u; r < EACH; r++) {
          let row = firstRow + r * SIDE + local.y;
          if (sample < params.samples && row < params.rows) {
            writeOutput((network * params.samples + sample) * params.rows + row, follow(sums[s * EACH + r]));
          }
        }
      }
    }
  }
}
