// Words of forward that hold a byte of four numbers, which are multiplied at a time.
//
// Hidden units or weights may have two bytes: a tile goes through the high ones first and then, what it has added up taken
// 256 times, through the low ones. A number is 256 high + low, both of them with a sign. Sums wrap as they do elsewhere.

/// Bytes of hidden units and of weights: one of each, or two of either.
override HIDDEN_BYTES: u32 = 1u;
override WEIGHT_BYTES: u32 = 1u;

/// Hidden units in a word, and how often a tile goes through them.
const NUMBERS = 4u;
override PASSES = max(HIDDEN_BYTES, WEIGHT_BYTES);

/// Four hidden units for an input, and their weights to four outputs.
alias Word = u32;
alias Weights = vec4u;

fn placesFrom(unit: u32) -> vec4u {
  return vec4u(unit, unit + DEPTH, unit + 2u * DEPTH, unit + 3u * DEPTH);
}

/// Byte `byte` of four numbers that have so many.
fn bytesOf(numbers: vec4i, byte: u32, bytes: u32) -> u32 {
  if (byte > 0u && bytes > 1u) {
    return pack4xI8((numbers + vec4i(128)) >> vec4u(8u));
  }
  return pack4xI8(numbers);
}

/// What hidden units multiply by. Behind the last one stands any: it has no weights.
fn unitsAt(at: vec4u) -> vec4i {
  let place = min(at, vec4u(unitCount() - 1u));
  return vec4i(units[place.x], units[place.y], units[place.z], units[place.w]);
}

fn hiddenAt(factors: vec4i, input: u32, columns: vec4u, byte: u32) -> Word {
  let place = vec4u(input * params.columns) + columns;
  let values = factors * vec4i(inputs[place.x], inputs[place.y], inputs[place.z], inputs[place.w]);
  return bytesOf(select(values, max(values, vec4i()), params.rectify == 1u), byte, HIDDEN_BYTES);
}

/// The weights from hidden units to an output; 0 where there are no such.
fn weightAt(row: u32, at: vec4u, byte: u32) -> u32 {
  let first = min(row, params.rows - 1u) * unitCount();
  let place = vec4u(first) + min(at, vec4u(unitCount() - 1u));
  let numbers = vec4i(weights[place.x], weights[place.y], weights[place.z], weights[place.w]);
  return bytesOf(select(vec4i(), numbers, at < vec4u(unitCount())), byte, WEIGHT_BYTES);
}

fn weightsAt(row: u32, at: vec4u, byte: u32) -> Weights {
  return vec4u(
    weightAt(row, at, byte),
    weightAt(row + 1u, at, byte),
    weightAt(row + 2u, at, byte),
    weightAt(row + 3u, at, byte),
  );
}

fn addWord(sums: Sums, weights: Weights, hidden: Word) -> Sums {
  return sums + vec4i(
    dot4I8Packed(hidden, weights.x),
    dot4I8Packed(hidden, weights.y),
    dot4I8Packed(hidden, weights.z),
    dot4I8Packed(hidden, weights.w),
  );
}

fn raise(sums: Sums) -> Sums {
  return sums << vec4u(8u);
}
