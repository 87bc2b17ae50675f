// Words of forward that hold one number of any size.

/// Hidden units in a word, and how often a tile goes through them.
const NUMBERS = 1u;
const PASSES = 1u;

/// A hidden unit for an input, and its weights to four outputs.
alias Word = Number;
alias Weights = vec4i;

fn placesFrom(unit: u32) -> u32 {
  return unit;
}

/// What a hidden unit multiplies by. Behind the last one stands any: it has no weights.
fn unitsAt(at: u32) -> i32 {
  return units[min(at, unitCount() - 1u)];
}

fn hiddenAt(factor: i32, input: u32, column: u32, byte: u32) -> Word {
  let value = multiply(factor, inputAt(input * params.columns + column));
  if (params.rectify == 1u && isNegative(value)) {
    return ZERO;
  }
  return value;
}

/// The weight from a hidden unit to an output; 0 where there is no such.
fn weightAt(row: u32, at: u32) -> i32 {
  if (row >= params.rows || at >= unitCount()) {
    return 0;
  }
  return weights[row * unitCount() + at];
}

fn weightsAt(row: u32, at: u32, byte: u32) -> Weights {
  return vec4i(
    weightAt(row, at),
    weightAt(row + 1u, at),
    weightAt(row + 2u, at),
    weightAt(row + 3u, at),
  );
}

fn addWord(sums: Sums, weights: Weights, hidden: Word) -> Sums {
  return addProducts(sums, weights, hidden);
}

fn raise(sums: Sums) -> Sums {
  return sums;
}
