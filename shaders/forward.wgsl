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

/// Invocations in a row of a workgroup; each has 4 inputs by 4 rows of its tile.
const SIDE = 8u;
const TILE = 4u * SIDE;
/// Hidden units at a time.
const DEPTH = 16u;

/// Of each hidden unit its values for the inputs of the tile, and its weights to the outputs, four of them side by side.
var<workgroup> hiddenTile: array<Number, TILE * DEPTH>;
var<workgroup> weightTile: array<vec4i, SIDE * DEPTH>;

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

/// Writes the outputs of an input from a row on.
fn finish(network: u32, sample: u32, row: u32, sums: Sums) {
  let outputAt = (network * params.samples + sample) * params.rows + row;
  for (var r = 0u; r < 4u; r++) {
    if (sample < params.samples && row + r < params.rows) {
      writeOutput(outputAt + r, follow(sumOf(sums, r)));
    }
  }
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
    let sample = (i % sampleTiles) * TILE;
    for (var row = id.y * TILE; row < params.rows; row += groups.y * TILE) {
      var a = Sums();
      var b = Sums();
      var c = Sums();
      var d = Sums();
      for (var unit = 0u; unit < count; unit += DEPTH) {
        workgroupBarrier();
        // Neighbours read neighbours.
        for (var j = lane; j < TILE * DEPTH; j += SIDE * SIDE) {
          hiddenTile[(j % DEPTH) * TILE + j / DEPTH] = hiddenAt(network, sample + j / DEPTH, unit + j % DEPTH);
        }
        for (var j = lane; j < SIDE * DEPTH; j += SIDE * SIDE) {
          let from_ = row + 4u * (j / DEPTH);
          let k = unit + j % DEPTH;
          weightTile[(j % DEPTH) * SIDE + j / DEPTH] = vec4i(
            weightAt(network, from_, k),
            weightAt(network, from_ + 1u, k),
            weightAt(network, from_ + 2u, k),
            weightAt(network, from_ + 3u, k),
          );
        }
        workgroupBarrier();
        for (var k = 0u; k < DEPTH; k++) {
          let by = weightTile[k * SIDE + local.y];
          let at = k * TILE + 4u * local.x;
          a = addProducts(a, by, hiddenTile[at]);
          b = addProducts(b, by, hiddenTile[at + 1u]);
          c = addProducts(c, by, hiddenTile[at + 2u]);
          d = addProducts(d, by, hiddenTile[at + 3u]);
        }
      }
      let first = sample + 4u * local.x;
      finish(network, first, row + 4u * local.y, a);
      finish(network, first + 1u, row + 4u * local.y, b);
      finish(network, first + 2u, row + 4u * local.y, c);
      finish(network, first + 3u, row + 4u * local.y, d);
    }
  }
}
