// reach, one trial per invocation: the bits of a workgroup's trials interleaved in workgroup memory, so that no two
// invocations meet and none waits for another.

override WIDTH: u32 = 64u;
/// Words of a trial's bitset.
override WORDS: u32 = 64u;
/// Words of the workgroup's own tally: the whole tally, or 1 where it does not fit and counts go straight to memory.
override TALLY: u32 = 1u;

const MAX_ITEMS = 64u;

var<workgroup> sums: array<u32, WORDS * WIDTH>;
var<workgroup> counts: array<atomic<u32>, TALLY>;

fn add(word: u32, by: u32) -> u32 {
  if (TALLY > 1u) {
    return atomicAdd(&counts[word], by);
  }
  return atomicAdd(&tally[word], by);
}

fn add64(word: u32, by: u32) {
  if (add(word, by) + by < by) {
    add(word + 1u, 1u);
  }
}

fn wordOf(lane: u32, w: i32) -> u32 {
  return sums[u32(w) * WIDTH + lane];
}

/// R |= R << a on the words from `high` down to `low`.
fn grow(lane: u32, a: u32, high: i32, low: i32) {
  let words = i32(a >> 5u);
  let shift = a & 31u;
  var w = high;
  let last = max(low, words);
  if (w < last) {
    return;
  }
  var upper = wordOf(lane, w - words);
  for (var k = 0u; k < WORDS; k++) {
    if (w < last) {
      break;
    }
    let lower = select(0u, wordOf(lane, max(w - words - 1, 0)), w > words);
    sums[u32(w) * WIDTH + lane] |= (upper << shift) | ((lower >> 1u) >> (31u - shift));
    upper = lower;
    w--;
  }
}

fn isSet(lane: u32, place: i32, done: i32) -> bool {
  return place >= 0 && place <= done && ((wordOf(lane, place >> 5u) >> u32(place & 31)) & 1u) == 1u;
}

fn countTrial(lane: u32, trial: vec2u) {
  var items: array<i32, MAX_ITEMS>;
  var sum = 0;
  var negative = 0;
  var digits = trial.x;
  var words = vec2u(0u);
  var word = 0u;
  var used = 32u;
  for (var i = 0u; i < MAX_ITEMS; i++) {
    if (i >= params.itemsTo) {
      break;
    }
    var item: i32;
    if (params.enumerate == 1u) {
      item = itemOf(digits % params.range);
      digits /= params.range;
    } else {
      if (used + params.bits > 32u) {
        if ((word & 1u) == 0u) {
          words = randomWords(trial, word >> 1u);
        } else {
          words.x = words.y;
        }
        word++;
        used = 0u;
      }
      item = itemFrom(trial, i, words.x, used);
      used += params.bits;
    }
    items[i] = item;
    sum += abs(item);
    negative += max(-item, 0);
  }

  let frame = frameOf(sum, negative);
  for (var w = 0u; w < WORDS; w++) {
    if (i32(w) > frame.top >> 5u) {
      break;
    }
    sums[w * WIDTH + lane] = u32(w == 0u);
  }

  var done = 0;
  var zero = 0;
  for (var n = 0u; n <= MAX_ITEMS; n++) {
    if (n > params.itemsTo) {
      break;
    }
    if (n > 0u) {
      let item = items[n - 1u];
      let a = abs(item);
      done += a;
      if ((item < 0) != (frame.mirrored == 1u)) {
        zero += a;
      }
      grow(lane, u32(a), min(done, frame.top) >> 5u, max(0, done - frame.keep) >> 5u);
    }
    if (n < params.itemsFrom) {
      continue;
    }
    let j = n - params.itemsFrom;
    let window = windowOf(zero, done);
    var misses = 2u * params.halfRange + 1u;
    var w = window.x >> 5u;
    for (var k = 0u; k < WORDS; k++) {
      if (w > window.y >> 5u) {
        break;
      }
      misses -= countOneBits(wordOf(lane, w) & windowMask(window, w));
      w++;
    }
    add64(missingWord(j), misses);
    let uncovered = select(misses > 0u, !isSet(lane, (done + 1) >> 1u, done), params.signed == 1u);
    if (uncovered) {
      add(uncoveredWord(j), 1u);
    }
    var open = misses;
    for (var t = 0u; t < params.targets; t++) {
      if (!isSet(lane, placeOf(frame, targets[t], zero, done), done)) {
        add(unsolvedWord(t, j), 1u);
        open++;
      }
    }
    if (open == 0u && params.signed == 0u) {
      break;
    }
  }
}

@compute @workgroup_size(WIDTH)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  var trials = 0u;
  for (var t = group.x * WIDTH + lane; t < params.count; t += groups.x * WIDTH) {
    countTrial(lane, trialIndex(t));
    trials++;
  }
  add(0u, trials);
  if (TALLY > 1u) {
    workgroupBarrier();
    for (var i = lane; i < TALLY; i += WIDTH) {
      let by = atomicLoad(&counts[i]);
      let before = atomicAdd(&tally[i], by);
      // The low words of the missing targets carry into their high words.
      let missing = i - missingWord(0u);
      if (before + by < by && missing < 2u * sizes() && (missing & 1u) == 0u) {
        atomicAdd(&tally[i + 1u], 1u);
      }
    }
  }
}
