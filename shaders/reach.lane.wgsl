// reach, one trial per invocation, common to its variants: drawing and counting. A variant follows: where an invocation has the bits of its trial, and how many at most.
//
// Loops end with their test, and what can be is kept out of conditions: some devices run both sides of a condition, and
// the body of a loop once more for nobody.

override WIDTH: u32 = 64u;
/// Whether one number of items is asked for.
override ONE_SIZE: bool = false;
/// Whether an item may be 0.
override ZEROS: bool = true;
/// Places for items, at least as many as a trial has.
override ITEMS: u32 = 64u;
var<workgroup> items: array<i32, ITEMS * WIDTH>;
/// What drawing asks of the parameters, read once: some devices take as long to read them as to draw an item.
struct Drawing {
  items: u32,
  perWord: u32,
  /// What moves the next slice of a word to its top, and how far that is from the bottom.
  next: u32,
  rest: u32,
  range: u32,
  half: i32,
  gap: i32,
  /// Larger magnitudes come last. With one number of items their order does not matter, and while they are small, there
  /// are fewer sums.
  middle: i32,
}

fn drawing() -> Drawing {
  let middle = select(0x7fffffff, i32(params.halfRange >> 1u), ONE_SIZE);
  return Drawing(
    params.itemsTo,
    32u / params.bits,
    1u << params.bits,
    32u - params.bits,
    params.range,
    i32(params.half),
    i32(params.gap),
    middle,
  );
}

/// Draws the items of a trial, at least one. Returns the sum of their magnitudes and that of the negative ones.
fn drawItems(lane: u32, trial: vec2u, by: Drawing) -> vec2i {
  var sum = 0;
  var negative = 0;
  var digits = trial.x;
  // Small ones take the first places in turn, large ones the last places, from the end.
  var small = 0u;
  var first = 0u;
  for (var block = 0u; block < 32u; block++) {
    let words = randomWords(trial, block);
    let last = min(by.items - first, 2u * by.perWord) - 1u;
    var word = words.x;
    for (var k = 0u; k < 64u; k++) {
      var item: i32;
      if (ENUMERATED) {
        item = itemOf(digits % by.range);
        digits /= by.range;
      } else if (EXACT && PLAIN) {
        item = i32(word >> by.rest) - by.half;
        item += select(0, by.gap, item >= 0);
      } else {
        item = itemFrom(trial, first + k, word);
      }
      let a = abs(item);
      sum += a;
      negative -= min(item, 0);
      let isLarge = a > by.middle;
      items[select(small, by.items - 1u - (first + k - small), isLarge) * WIDTH + lane] = item;
      small += u32(!isLarge);
      word = select(word * by.next, words.y, k + 1u == by.perWord);
      if (k >= last) {
        break;
      }
    }
    first += last + 1u;
    if (first >= by.items) {
      break;
    }
  }
  return vec2i(sum, negative);
}

/// What the items that have entered add up to, and where target 0 of the subset sums stands.
struct Entered {
  done: i32,
  zero: i32,
}

/// Has item `n` of a trial enter.
fn enter(lane: u32, frame: Frame, n: u32, before: Entered) -> Entered {
  let item = items[n * WIDTH + lane];
  let a = abs(item);
  let done = before.done + a;
  if (!ZEROS || a > 0) {
    grow(lane, u32(a), u32(min(done, frame.top)), u32(max(0, done - frame.keep)));
  }
  return Entered(done, before.zero - min(select(item, -item, frame.mirrored == 1u), 0));
}

/// Counts the sums of a number of items, the j-th asked for. Returns how many targets they miss.
fn countSums(lane: u32, frame: Frame, j: u32, now: Entered) -> u32 {
  let misses = 2u * params.halfRange + 1u - onesOf(lane, vec2u(windowOf(now.zero, now.done)));
  add64(lane, missingWord(j), misses);
  if (select(misses > 0u, !isSet(lane, (now.done + 1) >> 1u, now.done), params.signed == 1u)) {
    add(lane, uncoveredWord(j), 1u);
  }
  var open = misses;
  for (var t = 0u; t < params.targets; t++) {
    if (!isSet(lane, placeOf(frame, targets[t], now.zero, now.done), now.done)) {
      add(lane, unsolvedWord(t, j), 1u);
      open++;
    }
  }
  return open;
}

/// Counts a trial, or leaves it where its bits have no room. Returns how many it counted.
fn countTrial(lane: u32, t: u32, by: Drawing) -> u32 {
  var sum: vec2i;
  if (by.items > 0u) {
    sum = drawItems(lane, trialIndex(t), by);
  }
  let frame = frameOf(sum.x, sum.y);
  if (frame.top >= capacity()) {
    leave(t);
    return 0u;
  }
  clear(lane, u32(frame.top));
  var entered: Entered;
  if (params.itemsFrom > 0u) {
    for (var n = 0u; n < 64u; n++) {
      entered = enter(lane, frame, n, entered);
      if (n + 1u >= params.itemsFrom) {
        break;
      }
    }
  }
  for (var j = 0u; j <= 64u; j++) {
    let open = countSums(lane, frame, j, entered);
    if (ONE_SIZE || (open == 0u && params.signed == 0u) || j + 1u == sizes()) {
      break;
    }
    entered = enter(lane, frame, params.itemsFrom + j, entered);
  }
  return 1u;
}

@compute @workgroup_size(WIDTH)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let by = drawing();
  var counted = 0u;
  for (var t = part.first + group.x * WIDTH + lane; t < part.end; t += groups.x * WIDTH) {
    counted += countTrial(lane, t, by);
  }
  add(lane, 0u, counted);
  flush(lane);
}
