// reach, one trial per workgroup: its bitset lies in workgroup memory or in storage (lib/sums.*.wgsl), and every step
// is taken by tiles from the top, each read by all invocations before any of it is written.

override WIDTH: u32 = 64u;

const MAX_ITEMS = 64u;
/// Words of a tile held by one invocation.
const DEPTH = 4u;

var<workgroup> items: array<i32, MAX_ITEMS>;
var<workgroup> frame: Frame;
var<workgroup> ones: atomic<u32>;
var<workgroup> unsolved: atomic<u32>;
var<workgroup> finished: u32;

fn syncWorkgroup() {
  storageBarrier();
  workgroupBarrier();
}

fn isSet(group: u32, place: i32, done: i32) -> bool {
  return place >= 0 && place <= done && ((wordOf(group, u32(place >> 5u)) >> u32(place & 31)) & 1u) == 1u;
}

/// What word `w` of R << a has; 0 below the word of a.
fn shifted(group: u32, w: u32, a: u32) -> u32 {
  let words = a >> 5u;
  let shift = a & 31u;
  if (w < words) {
    return 0u;
  }
  let upper = wordOf(group, w - words);
  let lower = select(0u, wordOf(group, max(w - words, 1u) - 1u), w > words);
  return (upper << shift) | ((lower >> 1u) >> (31u - shift));
}

/// R |= R << a on the words from `high` down to `low`.
fn grow(group: u32, lane: u32, a: u32, high: i32, low: i32) {
  for (var tile = high; tile >= low; tile -= i32(WIDTH * DEPTH)) {
    var fresh: vec4u;
    for (var d = 0u; d < DEPTH; d++) {
      let w = tile - i32(d * WIDTH + lane);
      if (w >= low) {
        fresh[d] = wordOf(group, u32(w)) | shifted(group, u32(w), a);
      }
    }
    syncWorkgroup();
    for (var d = 0u; d < DEPTH; d++) {
      let w = tile - i32(d * WIDTH + lane);
      if (w >= low) {
        setWord(group, u32(w), fresh[d]);
      }
    }
    syncWorkgroup();
  }
}

fn add64(word: u32, by: u32) {
  if (atomicAdd(&tally[word], by) + by < by) {
    atomicAdd(&tally[word + 1u], 1u);
  }
}

fn drawItems(lane: u32, trial: vec2u) {
  for (var i = lane; i < params.itemsTo; i += WIDTH) {
    items[i] = itemOfTrial(trial, i);
  }
  workgroupBarrier();
  if (lane == 0u) {
    var sum = 0;
    var negative = 0;
    for (var i = 0u; i < params.itemsTo; i++) {
      sum += abs(items[i]);
      negative += max(-items[i], 0);
    }
    frame = frameOf(sum, negative);
  }
}

/// Counts the trial with its first `n` items. Returns whether nothing is left to reach.
fn evaluate(group: u32, lane: u32, layout_: Frame, n: u32, zero: i32, done: i32) -> bool {
  let j = n - params.itemsFrom;
  let window = windowOf(zero, done);
  var mine = 0u;
  for (var w = (window.x >> 5u) + i32(lane); w <= window.y >> 5u; w += i32(WIDTH)) {
    mine += countOneBits(wordOf(group, u32(w)) & windowMask(window, w));
  }
  atomicAdd(&ones, mine);
  for (var t = lane; t < params.targets; t += WIDTH) {
    if (!isSet(group, placeOf(layout_, targets[t], zero, done), done)) {
      atomicAdd(&tally[unsolvedWord(t, j)], 1u);
      atomicAdd(&unsolved, 1u);
    }
  }
  workgroupBarrier();
  if (lane == 0u) {
    let misses = 2u * params.halfRange + 1u - atomicExchange(&ones, 0u);
    add64(missingWord(j), misses);
    if (select(misses > 0u, !isSet(group, (done + 1) >> 1u, done), params.signed == 1u)) {
      atomicAdd(&tally[uncoveredWord(j)], 1u);
    }
    finished = u32(misses + atomicExchange(&unsolved, 0u) == 0u && params.signed == 0u);
  }
  return workgroupUniformLoad(&finished) == 1u;
}

/// Counts one trial of the batch; all invocations of the workgroup take part.
fn countTrial(group: u32, lane: u32, t: u32) {
  drawItems(lane, trialIndex(t));
  let layout_ = workgroupUniformLoad(&frame);
  for (var w = i32(lane); w <= layout_.top >> 5u; w += i32(WIDTH)) {
    setWord(group, u32(w), u32(w == 0));
  }
  syncWorkgroup();
  var done = 0;
  var zero = 0;
  for (var n = 0u; n <= params.itemsTo; n++) {
    if (n > 0u) {
      let item = workgroupUniformLoad(&items[n - 1u]);
      let a = abs(item);
      done += a;
      if ((item < 0) != (layout_.mirrored == 1u)) {
        zero += a;
      }
      grow(group, lane, u32(a), min(done, layout_.top) >> 5u, max(0, done - layout_.keep) >> 5u);
    }
    if (n >= params.itemsFrom) {
      if (evaluate(group, lane, layout_, n, zero, done)) {
        break;
      }
    }
  }
  if (lane == 0u) {
    atomicAdd(&tally[0], 1u);
  }
  workgroupBarrier();
}
