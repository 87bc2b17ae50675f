// The contract of src/kernels/instances.ts, and where tables have their sums. A kernel follows: what a table holds of a
// sum, `beginTable`, `step`, `scan` and `finish`. Then the memory of a table (lib/sums.*.wgsl), and a shape: who takes
// which step (instances.group.wgsl, instances.tiles.wgsl).
//
// A table has two rows: row i & 1 is what the first i items make, and step i writes the other one from it. Invocations
// share out the places of a row; `worker` is one of `workers`.

struct Params {
  instances: u32,
  items: u32,
  targets: u32,
  answers: u32,
  longest: u32,
  sums: u32,
  masks: u32,
  tiles: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> items: array<i32>;
@group(0) @binding(2) var<storage, read> starts: array<u32>;
@group(0) @binding(3) var<storage, read> targets: array<i32>;
@group(0) @binding(4) var<storage, read_write> answers: array<atomic<u32>>;

/// The words of a slab before its table: a frame, then for each row the magnitudes of the items that it is made of, and
/// those of the negative ones, summed up.
const HEADER_WORDS = 8u;

/// How the sums of an instance are laid out: items enter by magnitude, mirrored as in frameOf of instances.ts, and after
/// items that add up to `done` only the places from done - keep to top can still lead to a target. What memory held
/// before may stand below them: it never gets any higher.
struct Frame {
  mirrored: u32,
  top: u32,
  keep: u32,
  /// The place of sum 0 when all items have entered.
  zero: u32,
}

fn frameOf(slab: u32) -> Frame {
  return Frame(wordOf(slab, 0u), wordOf(slab, 1u), wordOf(slab, 2u), wordOf(slab, 3u));
}

/// A sum in its frame.
fn signed(frame: Frame, sum: i32) -> i32 {
  return select(sum, -sum, frame.mirrored == 1u);
}

fn placeOf(frame: Frame, sum: i32) -> u32 {
  return frame.zero + u32(signed(frame, sum));
}

fn itemOf(k: u32, frame: Frame, i: u32) -> i32 {
  return signed(frame, items[starts[2u * k] + i]);
}

struct Target {
  /// The first and the last place that serve, and the one that serves best.
  first: u32,
  last: u32,
  center: u32,
  answerAt: u32,
}

fn targetOf(frame: Frame, t: u32) -> Target {
  let low = placeOf(frame, targets[4u * t]);
  let high = placeOf(frame, targets[4u * t + 1u]);
  return Target(min(low, high), max(low, high), placeOf(frame, targets[4u * t + 2u]), u32(targets[4u * t + 3u]));
}

/// For every instance, and for one more: its first target.
fn firstTarget(k: u32) -> u32 {
  return starts[2u * k + 1u];
}

fn stepsOf(k: u32) -> u32 {
  return starts[2u * k + 2u] - starts[2u * k];
}

/// Lays out an instance: one invocation calls it.
fn begin(slab: u32, k: u32) {
  var negative = 0;
  var positive = 0;
  for (var i = starts[2u * k]; i < starts[2u * k + 2u]; i++) {
    negative += max(-items[i], 0);
    positive += max(items[i], 0);
  }
  var low = targets[4u * firstTarget(k)];
  var high = low;
  for (var t = firstTarget(k); t < firstTarget(k + 1u); t++) {
    low = min(low, targets[4u * t]);
    high = max(high, targets[4u * t + 1u]);
  }
  let mirrored = positive - low < high + negative;
  let below = u32(high + negative);
  let above = u32(positive - low);
  setWord(slab, 0u, u32(mirrored));
  setWord(slab, 1u, min(below, above));
  setWord(slab, 2u, max(below, above));
  setWord(slab, 3u, u32(select(negative, positive, mirrored)));
  setWord(slab, 4u, 0u);
  setWord(slab, 5u, 0u);
  beginTable(slab);
}

/// What happens to the places of a row when an item enters: each stays and moves up by `size`. What stays leaves a
/// positive item out and takes a negative one, and what moves does the opposite.
struct Entry {
  negative: bool,
  size: u32,
  /// Nothing of the row before stands above this place.
  done: u32,
  /// The place of sum 0 in the row after.
  zero: u32,
  /// The places of the row after that matter.
  first: u32,
  last: u32,
}

fn enter(slab: u32, k: u32, i: u32, worker: u32) -> Entry {
  let frame = frameOf(slab);
  let item = itemOf(k, frame, i);
  let size = u32(abs(item));
  let done = wordOf(slab, 4u + 2u * (i & 1u));
  let zero = wordOf(slab, 5u + 2u * (i & 1u)) + select(0u, size, item < 0);
  if (worker == 0u) {
    setWord(slab, 6u - 2u * (i & 1u), done + size);
    setWord(slab, 7u - 2u * (i & 1u), zero);
  }
  let first = max(done + size, frame.keep) - frame.keep;
  return Entry(item < 0, size, done, zero, first, min(done + size, frame.top));
}
