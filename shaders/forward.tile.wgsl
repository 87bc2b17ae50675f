// forward, a tile of outputs to a workgroup. In front stands what a word holds (forward.single.wgsl, forward.packed.wgsl).
//
// A tile is SAMPLES inputs by ROWS rows, and each invocation has 4 by 8 of it. A workgroup goes through DEPTH words of
// hidden units at a time: makes them, for its inputs, in workgroup memory beside the weights that they meet, and adds up
// the products in registers. So a hidden unit is made once for a whole tile, and never leaves it.

/// Invocations beside each other, of different inputs, and below each other, of different rows: a multiple of DEPTH in all.
override ACROSS: u32 = 8u;
override DOWN: u32 = 8u;
override LANES = ACROSS * DOWN;
override SAMPLES = 4u * ACROSS;
override ROWS = 8u * DOWN;
/// Word d of DEPTH has hidden units d, d + DEPTH and so on, so that neighbours read neighbours.
override DEPTH: u32 = 16u;

/// Of each word its values for the inputs, and its weights to four outputs each. Words are one place further apart than they
/// need to be, so that what neighbours write lies in different banks.
override HIDDEN_PITCH = SAMPLES + 1u;
override WEIGHTS_PITCH = ROWS / 4u + 1u;
var<workgroup> hiddenTile: array<Word, HIDDEN_PITCH * DEPTH>;
var<workgroup> weightTile: array<Weights, WEIGHTS_PITCH * DEPTH>;

/// The sums of an input for the four rows of an invocation in either half of a tile.
struct Eight {
  upper: Sums,
  lower: Sums,
}

fn addEight(sums: Eight, upper: Weights, lower: Weights, hidden: Word) -> Eight {
  return Eight(addWord(sums.upper, upper, hidden), addWord(sums.lower, lower, hidden));
}

fn raiseEight(sums: Eight) -> Eight {
  return Eight(raise(sums.upper), raise(sums.lower));
}

fn finishEight(sample: u32, row: u32, sums: Eight) {
  finish(sample, row, sums.upper);
  finish(sample, row + ROWS / 2u, sums.lower);
}

@compute @workgroup_size(ACROSS, DOWN)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let sampleTiles = (params.samples + SAMPLES - 1u) / SAMPLES;
  // The word that an invocation makes, and the first input and the first four rows that it makes it for.
  let d = lane % DEPTH;
  let first = lane / DEPTH;
  for (var i = id.x; i < sampleTiles; i += groups.x) {
    let sample = i * SAMPLES;
    for (var row = id.y * ROWS; row < params.rows; row += groups.y * ROWS) {
      var a = Eight();
      var b = Eight();
      var c = Eight();
      var e = Eight();
      for (var left = PASSES; left > 0u; left--) {
        a = raiseEight(a);
        b = raiseEight(b);
        c = raiseEight(c);
        e = raiseEight(e);
        for (var unit = 0u; unit < unitCount(); unit += NUMBERS * DEPTH) {
          let at = placesFrom(unit + d);
          let factors = unitsAt(at);
          let columns = at % params.columns;
          workgroupBarrier();
          for (var j = first; j < SAMPLES; j += LANES / DEPTH) {
            let input = min(sample + j, params.samples - 1u);
            hiddenTile[d * HIDDEN_PITCH + j] = hiddenAt(factors, input, columns, left - 1u);
          }
          for (var j = first; j < ROWS / 4u; j += LANES / DEPTH) {
            weightTile[d * WEIGHTS_PITCH + j] = weightsAt(row + 4u * j, at, left - 1u);
          }
          workgroupBarrier();
          for (var k = 0u; k < DEPTH; k++) {
            let upper = weightTile[k * WEIGHTS_PITCH + local.y];
            let lower = weightTile[k * WEIGHTS_PITCH + DOWN + local.y];
            let hidden = k * HIDDEN_PITCH + local.x;
            a = addEight(a, upper, lower, hiddenTile[hidden]);
            b = addEight(b, upper, lower, hiddenTile[hidden + ACROSS]);
            c = addEight(c, upper, lower, hiddenTile[hidden + 2u * ACROSS]);
            e = addEight(e, upper, lower, hiddenTile[hidden + 3u * ACROSS]);
          }
        }
      }
      let output = sample + local.x;
      finishEight(output, row + 4u * local.y, a);
      finishEight(output + ACROSS, row + 4u * local.y, b);
      finishEight(output + 2u * ACROSS, row + 4u * local.y, c);
      finishEight(output + 3u * ACROSS, row + 4u * local.y, e);
    }
  }
}
