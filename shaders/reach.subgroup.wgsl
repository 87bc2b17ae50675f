// reach, one trial per subgroup: its bits in registers, a word of a block in each lane, so that no two wait for each other.

override WIDTH: u32 = 64u;

alias Block = u32;

/// How far an item moves the sums within a block: bits, and words.
struct Shift {
  bits: u32,
  words: u32,
}

/// Lanes of the subgroup, 4..128, and which of them this one is.
var<private> size: u32;
var<private> me: u32;
/// Trials that the workgroup has begun.
var<workgroup> begun: atomic<u32>;

/// The word that lies so many words, 0..size, under this lane's, given its block and the one below.
fn under(from_: array<u32, 2>, words: u32) -> u32 {
  // Exactly one lane reads a word of this one: of the upper block if it is no earlier lane.
  let mine = select(from_[1], from_[0], me + words < size);
  return subgroupShuffle(mine, (me - words) & (size - 1u));
}

fn moved(from_: array<u32, 2>, by: Shift) -> u32 {
  return (under(from_, by.words) << by.bits) | ((under(from_, by.words + 1u) >> 1u) >> (31u - by.bits));
}

fn onesIn(block: u32, b: i32, window: vec2i) -> u32 {
  let w = b * i32(size) + i32(me);
  let inside = window.x >> 5u <= w && w <= window.y >> 5u;
  return select(0u, countOneBits(block & windowMask(window, w)), inside);
}

fn isSet(place: i32, done: i32) -> bool {
  let w = u32(max(place, 0)) >> 5u;
  let word = subgroupShuffle(blockAt(w / size), w & (size - 1u));
  return place >= 0 && place <= done && ((word >> u32(place & 31)) & 1u) == 1u;
}

fn itemOrNone(trial: vec2u, i: u32) -> i32 {
  if (i < params.itemsTo) {
    return itemOfTrial(trial, i);
  }
  return 0;
}

/// Counts a trial, or leaves it where its bits have no room; all lanes of the subgroup take part.
fn countTrial(t: u32) {
  let trial = trialIndex(t);
  var sum = 0;
  var negative = 0;
  for (var i = 0u; i < params.itemsTo; i += size) {
    let item = itemOrNone(trial, i + me);
    sum += abs(item);
    negative += max(-item, 0);
  }
  let frame = frameOf(subgroupAdd(sum), subgroupAdd(negative));
  if (frame.top >= i32(32u * BLOCKS * size)) {
    if (me == 0u) {
      leave(t);
    }
    return;
  }
  clearBlocks(u32(me == 0u));
  let perBlock = 32u * size;
  var mine = 0;
  var done = 0;
  var zero = 0;
  var left = 1u;
  for (var n = 0u; n <= params.itemsTo; n++) {
    if (n > 0u) {
      // A lane draws one of the next items for all.
      let from_ = (n - 1u) & (size - 1u);
      if (from_ == 0u) {
        mine = itemOrNone(trial, n - 1u + me);
      }
      let item = subgroupShuffle(mine, from_);
      let a = u32(abs(item));
      done += abs(item);
      zero += select(0, abs(item), (item < 0) != (frame.mirrored == 1u));
      let high = u32(min(done, frame.top)) / perBlock;
      let low = u32(max(0, done - frame.keep)) / perBlock;
      growBlocks(a >= perBlock, Shift(a & 31u, (a >> 5u) & (size - 1u)), high, low);
    }
    if (n < params.itemsFrom) {
      continue;
    }
    let j = n - params.itemsFrom;
    let misses = 2u * params.halfRange + 1u - subgroupAdd(onesOfBlocks(windowOf(zero, done)));
    let uncovered = select(misses > 0u, !isSet((done + 1) >> 1u, done), params.signed == 1u);
    if (me == 0u) {
      add64(0u, missingWord(j), misses);
      add(0u, uncoveredWord(j), u32(uncovered));
    }
    var open = misses;
    for (var t = 0u; t < params.targets; t++) {
      let unsolved = u32(!isSet(placeOf(frame, targets[t], zero, done), done));
      open += unsolved;
      if (me == 0u) {
        add(0u, unsolvedWord(t, j), unsolved);
      }
    }
    if (open == 0u && params.signed == 0u) {
      break;
    }
  }
  if (me == 0u) {
    add(0u, 0u, 1u);
  }
}

@compute @workgroup_size(WIDTH)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
  @builtin(subgroup_size) lanes: u32,
  @builtin(subgroup_invocation_id) id: u32,
) {
  size = lanes;
  me = id;
  // Subgroups have no numbers, so each takes the next trial of its workgroup.
  for (var t = part.first; t < part.end; ) {
    var turn = 0u;
    if (me == 0u) {
      turn = atomicAdd(&begun, 1u);
    }
    t = part.first + group.x + groups.x * subgroupShuffle(turn, 0u);
    if (t < part.end) {
      countTrial(t);
    }
  }
  flush(lane);
}
