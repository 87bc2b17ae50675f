// prune (src/kernels/prune.ts), one demand to a workgroup. Its items and a table of sums lie in workgroup memory or in
// storage (lib/sums.*.wgsl).
//
// The kept items are found from the last one back, and each takes a pass over those before it: the last item is the one
// with which the first items reach the sum at last, or by a set as small as all of them do. So a table needs two rows and no
// memory of earlier ones, and mostly ends long before all items have entered.

override WIDTH: u32 = 64u;

struct Params {
  demands: u32,
  group: u32,
  hiddenLow: u32,
  hiddenHigh: u32,
  weightsLow: u32,
  weightsHigh: u32,
  range: u32,
  bits: u32,
  threshold: u32,
  sparse: u32,
  sums: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> values: array<i32>;
@group(0) @binding(2) var<storage, read> demands: array<i32>;
@group(0) @binding(3) var<storage, read_write> answers: array<u32>;

const NO_SIZE = 0xffffffffu;

/// How the sums of some items are laid out: items enter by magnitude, mirrored as in frameOf of instances.ts, and after items
/// that add up to `done` only the places from done - keep to top can still lead to the sum. What memory held before may
/// stand below them: it never gets any higher.
struct Frame {
  /// -1 where it is mirrored: a factor for items and sums.
  sign: i32,
  /// -1 where the sum is out of reach.
  top: i32,
  keep: i32,
}

/// The item that enters next, and the size of the sum among those before.
struct Step {
  item: i32,
  size: u32,
}

/// The least size of a set with the sum (0 for any without `sparse`), of how many of the first items, and the last of those.
struct Found {
  size: u32,
  count: u32,
  item: i32,
}

var<workgroup> negative: atomic<i32>;
var<workgroup> positive: atomic<i32>;
var<workgroup> frame: Frame;
var<workgroup> next: Step;

fn syncWorkgroup() {
  storageBarrier();
  workgroupBarrier();
}

/// What the drawn value at a place of a layer stands for: item p % 64 of trial p / 64.
fn weightAt(key: vec2u, place: u32) -> i32 {
  let trial = place >> 6u;
  let i = place & 63u;
  let perWord = 32u / params.bits;
  let rest = 32u - params.bits;
  let word = i / perWord;
  let words = threefry2x32(key, vec2u(trial, word >> 1u));
  var slice = ((select(words.x, words.y, (word & 1u) == 1u) << ((i % perWord) * params.bits)) >> rest) << rest;
  // Exact rejection: attempt a >= 1 of item i has block 64 a + i to itself.
  for (var attempt = 1u; attempt < 1024u; attempt++) {
    if (slice * params.range >= params.threshold) {
      break;
    }
    slice = (threefry2x32(key, vec2u(trial, 64u * attempt + i)).x >> rest) << rest;
  }
  return values[multiplyHigh(slice, params.range)];
}

fn drawItems(slab: u32, lane: u32, hidden: u32, weights: u32, side: i32) {
  for (var q = lane; q < params.group; q += WIDTH) {
    var unit = 1;
    if (side != 0) {
      unit = weightAt(vec2u(params.hiddenLow, params.hiddenHigh), hidden + q);
    }
    var item = 0;
    if (side == 0 || sign(unit) == side) {
      item = unit * weightAt(vec2u(params.weightsLow, params.weightsHigh), weights + q);
    }
    setWord(slab, q, u32(item));
  }
}

fn itemAt(slab: u32, i: u32) -> i32 {
  return i32(wordOf(slab, i));
}

/// Row i & 1 has what the first i items make: a bit for every place, or its size.
fn rowAt(i: u32) -> u32 {
  return params.group + (i & 1u) * select((params.sums + 31u) >> 5u, params.sums, params.sparse == 1u);
}

/// Word `w` of the bits that the first i items make, which add up to `done`. Words below 0 wrap, far beyond `done`.
fn bitsOf(slab: u32, i: u32, w: u32, done: u32) -> u32 {
  if (w > done >> 5u) {
    return 0u;
  }
  return wordOf(slab, rowAt(i) + w);
}

/// The size at a place of the same row. Places below 0 wrap, far beyond `done`.
fn sizeOf(slab: u32, i: u32, place: u32, done: u32) -> u32 {
  if (place > done) {
    return NO_SIZE;
  }
  if (params.sparse == 0u) {
    return select(NO_SIZE, 0u, ((wordOf(slab, rowAt(i) + (place >> 5u)) >> (place & 31u)) & 1u) == 1u);
  }
  return wordOf(slab, rowAt(i) + place);
}

/// Row i + 1 on the places that matter: each stays and moves up by `size`. What stays leaves a positive item out and takes a
/// negative one, and what moves does the opposite.
fn enter(slab: u32, lane: u32, i: u32, item: i32, done: u32, first: u32, last: u32) {
  let size = u32(abs(item));
  if (params.sparse == 0u) {
    let words = size >> 5u;
    let shift = size & 31u;
    for (var w = (first >> 5u) + lane; w <= last >> 5u; w += WIDTH) {
      let upper = bitsOf(slab, i, w - words, done);
      let lower = bitsOf(slab, i, w - words - 1u, done);
      let moves = (upper << shift) | ((lower >> 1u) >> (31u - shift));
      setWord(slab, rowAt(i + 1u) + w, bitsOf(slab, i, w, done) | moves);
    }
    return;
  }
  for (var place = first + lane; place <= last; place += WIDTH) {
    let stays = sizeOf(slab, i, place, done);
    let moves = sizeOf(slab, i, place - size, done);
    let without = select(stays, moves, item < 0);
    let before = select(moves, stays, item < 0);
    setWord(slab, rowAt(i + 1u) + place, min(without, select(before + 1u, NO_SIZE, before == NO_SIZE)));
  }
}

/// The frame for the first `count` items and a sum.
fn layOut(slab: u32, lane: u32, count: u32, sum: i32) {
  if (lane == 0u) {
    atomicStore(&negative, 0);
    atomicStore(&positive, 0);
  }
  syncWorkgroup();
  for (var i = lane; i < count; i += WIDTH) {
    atomicAdd(&negative, max(-itemAt(slab, i), 0));
    atomicAdd(&positive, max(itemAt(slab, i), 0));
  }
  workgroupBarrier();
  if (lane == 0u) {
    let down = -atomicLoad(&negative);
    let up = atomicLoad(&positive);
    frame = Frame(1, -1, 0);
    if (down <= sum && sum <= up) {
      let mirrored = up - sum < sum - down;
      frame = Frame(select(1, -1, mirrored), min(up - sum, sum - down), max(up - sum, sum - down));
    }
    // Place 0 alone: a size of 0, or the lowest bit.
    setWord(slab, rowAt(0u), 1u - params.sparse);
  }
  syncWorkgroup();
}

/// With how many of the first `count` items the sum is first had by the fewest items that have it. A size of `enough` ends
/// the search: no other can be less.
fn search(slab: u32, lane: u32, count: u32, sum: i32, enough: u32) -> Found {
  layOut(slab, lane, count, sum);
  let place_ = workgroupUniformLoad(&frame);
  var found = Found(NO_SIZE, 0u, 0);
  if (place_.top < 0) {
    return found;
  }
  var done = 0;
  var zero = 0;
  var item = 0;
  for (var i = 0u; i <= count; i++) {
    if (lane == 0u) {
      next.item = 0;
      if (i < count) {
        next.item = itemAt(slab, i);
      }
      next.size = sizeOf(slab, i, u32(zero + place_.sign * sum), u32(done));
    }
    let step = workgroupUniformLoad(&next);
    if (step.size < found.size) {
      found = Found(step.size, i, item);
    }
    if (found.size <= enough) {
      break;
    }
    item = step.item;
    let entering = place_.sign * item;
    let after = done + abs(entering);
    zero += max(-entering, 0);
    enter(slab, lane, i, entering, u32(done), u32(max(after - place_.keep, 0)), u32(min(after, place_.top)));
    done = after;
    syncWorkgroup();
  }
  return found;
}

@compute @workgroup_size(WIDTH)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let slab = id.x;
  let words = 1u + ((params.group + 31u) >> 5u);
  for (var k = id.x; k < params.demands; k += groups.x) {
    drawItems(slab, lane, u32(demands[4u * k]), u32(demands[4u * k + 1u]), demands[4u * k + 3u]);
    var count = params.group;
    var sum = demands[4u * k + 2u];
    // One item is as few as can be for a sum that is not 0.
    var enough = 1u;
    for (var taken = 0u; taken <= params.group; taken++) {
      let found = search(slab, lane, count, sum, enough);
      if (found.size == NO_SIZE) {
        break;
      }
      if (lane == 0u) {
        answers[k * words] = 1u;
      }
      if (found.count == 0u) {
        break;
      }
      count = found.count - 1u;
      sum -= found.item;
      enough = max(found.size, 1u) - 1u;
      if (lane == 0u) {
        answers[k * words + 1u + (count >> 5u)] |= 1u << (count & 31u);
      }
    }
    syncWorkgroup();
  }
}
