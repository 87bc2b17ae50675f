// reach: the contract of src/kernels/reach.ts, common to its variants: what is bound, how items are drawn, where
// counts go and how a trial is laid out. A variant follows: how the bits of a trial are spread over invocations.

/// What the law makes needless: division where items are neither products nor listed, and multiplication and rejection
/// where every slice of a random word is a value.
override PLAIN: bool = false;
override EXACT: bool = false;
/// Whether trials are not drawn.
override ENUMERATED: bool = false;

struct Params {
  firstLow: u32,
  firstHigh: u32,
  count: u32,
  keyLow: u32,
  keyHigh: u32,
  enumerate: u32,
  range: u32,
  factor: u32,
  half: u32,
  gap: u32,
  signed: u32,
  listed: u32,
  bits: u32,
  threshold: u32,
  halfRange: u32,
  itemsFrom: u32,
  itemsTo: u32,
  targets: u32,
  extent: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> targets: array<i32>;
@group(0) @binding(2) var<storage, read> magnitudes: array<i32>;
@group(0) @binding(3) var<storage, read_write> tally: array<atomic<u32>>;

/// The 48-bit index of a trial of the batch: low word, high word.
fn trialIndex(t: u32) -> vec2u {
  let low = params.firstLow + t;
  return vec2u(low, params.firstHigh + u32(low < t));
}

/// The item that a value of 0..range-1 stands for.
fn itemOf(value: u32) -> i32 {
  if (PLAIN) {
    let plain = i32(value) - i32(params.half);
    return select(plain, plain + i32(params.gap), plain >= 0);
  }
  let below = i32(value / params.factor) - i32(params.half);
  let v = select(below, below + i32(params.gap), below >= 0);
  if (params.listed == 1u) {
    return sign(v) * magnitudes[abs(v) - 1];
  }
  return i32(value % params.factor + 1u) * v;
}

fn randomWords(trial: vec2u, block: u32) -> vec2u {
  return threefry2x32(vec2u(params.keyLow, params.keyHigh), vec2u(trial.x, (trial.y << 16u) | block));
}

/// Item `i` of a trial, given a word that begins with its slice.
fn itemFrom(trial: vec2u, i: u32, word: u32) -> i32 {
  let rest = 32u - params.bits;
  if (EXACT) {
    return itemOf(word >> rest);
  }
  var slice = (word >> rest) << rest;
  // Exact rejection: attempt a >= 1 of item i has block 64 a + i to itself.
  for (var attempt = 1u; attempt < 1024u; attempt++) {
    if (slice * params.range >= params.threshold) {
      break;
    }
    slice = (randomWords(trial, 64u * attempt + i).x >> rest) << rest;
  }
  return itemOf(multiplyHigh(slice, params.range));
}

/// Item `i` of an enumerated trial: digit i of its index.
fn itemAt(trial: vec2u, i: u32) -> i32 {
  var digits = trial.x;
  for (var k = 0u; k < 64u; k++) {
    if (k >= i) {
      break;
    }
    digits /= params.range;
  }
  return itemOf(digits % params.range);
}

/// Item `i` of a trial by itself.
fn itemOfTrial(trial: vec2u, i: u32) -> i32 {
  if (ENUMERATED) {
    return itemAt(trial, i);
  }
  let perWord = 32u / params.bits;
  let word = i / perWord;
  let words = randomWords(trial, word >> 1u);
  return itemFrom(trial, i, select(words.x, words.y, (word & 1u) == 1u) << ((i % perWord) * params.bits));
}

/// How the sums of a trial are laid out: items enter by magnitude, mirrored where the negatives weigh more, and after
/// items that add up to `done` only the sums from done - keep to top can still end at a target.
struct Frame {
  mirrored: u32,
  top: i32,
  keep: i32,
}

fn frameOf(sum: i32, negative: i32) -> Frame {
  let extent = i32(params.extent);
  if (params.signed == 1u) {
    return Frame(0u, min(sum, (sum + extent) >> 1u), (sum + extent + 1) >> 1u);
  }
  let mirrored = negative > sum - negative;
  let lighter = select(negative, sum - negative, mirrored);
  return Frame(u32(mirrored), min(sum, lighter + extent), sum - lighter + extent);
}

/// Where a target stands after items that add up to `done`, when target 0 of the subset sums stands at `zero`; outside
/// 0..done where no sum can be. Far targets may wrap, to a negative place.
fn placeOf(frame: Frame, target_: i32, zero: i32, done: i32) -> i32 {
  if (params.signed == 1u) {
    return select((target_ + done) >> 1u, -1, ((target_ + done) & 1) == 1);
  }
  return select(zero + target_, zero - target_, frame.mirrored == 1u);
}

/// The first and last place of the targets -M..M, clipped to the sums there are.
fn windowOf(zero: i32, done: i32) -> vec2i {
  let M = i32(params.halfRange);
  if (params.signed == 1u) {
    return vec2i(max(0, (done - M + 1) >> 1u), min(done, (done + M) >> 1u));
  }
  return vec2i(max(0, zero - M), min(done, zero + M));
}

/// The bits of word `w`, one of those from window.x / 32 to window.y / 32, that lie in a window.
fn windowMask(window: vec2i, w: i32) -> u32 {
  let above = 0xffffffffu << u32(clamp(window.x - 32 * w, 0, 31));
  let below = 0xffffffffu >> u32(clamp(32 * w + 31 - window.y, 0, 31));
  return above & below;
}

fn sizes() -> u32 {
  return params.itemsTo - params.itemsFrom + 1u;
}

fn uncoveredWord(j: u32) -> u32 {
  return 1u + j;
}

fn missingWord(j: u32) -> u32 {
  return 1u + sizes() + 2u * j;
}

fn unsolvedWord(t: u32, j: u32) -> u32 {
  return 1u + (3u + t) * sizes() + j;
}
