// meet (src/kernels/meet.ts): its contract, and the list of the sums of the first items, ascending, that the sums of
// the others meet. Which items are the first ones does not change an answer, so their number is what memory allows.
//
// Numbers have 64 bits. A sum of some items stands at its place, the sum less the least one, so that no place is negative.
// Invocations share out what there is to do; `worker` is one of `workers`, which come in workgroups of WIDTH.

/// The most items of the list.
override LOWER: u32 = 8u;

struct Params {
  instances: u32,
  items: u32,
  targets: u32,
  answers: u32,
  longest: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> items: array<u32>;
@group(0) @binding(2) var<storage, read> starts: array<u32>;
@group(0) @binding(3) var<storage, read> targets: array<u32>;
@group(0) @binding(4) var<storage, read_write> answers: array<atomic<u32>>;

/// The words of a slab before its lists: the magnitudes of the negative items of the list summed up, and of the others.
const HEADER_WORDS = 4u;
/// Words of an entry of a list: its place, and its mask.
const ENTRY_WORDS = 3u;
const NOBODY = 0xffffffffu;

/// A sum of all items: its place, and which of the other items it has; NOBODY for none.
struct Found {
  place: vec2u,
  upper: u32,
}

var<workgroup> found: array<Found, WIDTH>;

fn firstTarget(k: u32) -> u32 {
  return starts[2u * k + 1u];
}

fn sizeOf(k: u32) -> u32 {
  return starts[2u * k + 2u] - starts[2u * k];
}

/// The items of the list, which enter it one by one.
fn stepsOf(k: u32) -> u32 {
  return min(sizeOf(k) >> 1u, LOWER);
}

fn itemOf(k: u32, i: u32) -> vec2u {
  let at = 2u * (starts[2u * k] + i);
  return vec2u(items[at], items[at + 1u]);
}

fn wideOf(slab: u32, at: u32) -> vec2u {
  return vec2u(wordOf(slab, at), wordOf(slab, at + 1u));
}

/// The list of the first i items. Those of all `h` stand in the longer one of two tables.
fn listAt(i: u32, h: u32) -> u32 {
  return HEADER_WORDS + select(0u, ENTRY_WORDS << LOWER, ((h - i) & 1u) == 1u);
}

/// What workgroup `slot` of `slots` found for target `t`.
fn foundAt(k: u32, t: u32, slot: u32, slots: u32) -> u32 {
  let lists = (ENTRY_WORDS << LOWER) + ((ENTRY_WORDS << LOWER) >> 1u);
  return HEADER_WORDS + lists + 3u * ((t - firstTarget(k)) * slots + slot);
}

fn setEntry(slab: u32, at: u32, place: vec2u, mask: u32) {
  setWord(slab, at, place.x);
  setWord(slab, at + 1u, place.y);
  setWord(slab, at + 2u, mask);
}

/// Lays out an instance: one invocation calls it.
fn begin(slab: u32, k: u32) {
  let h = stepsOf(k);
  var lower = vec2u(0u);
  var upper = vec2u(0u);
  for (var i = 0u; i < sizeOf(k); i++) {
    let item = itemOf(k, i);
    if (item.y >> 31u == 1u) {
      if (i < h) {
        lower = subtractWide(lower, item);
      } else {
        upper = subtractWide(upper, item);
      }
    }
  }
  setWord(slab, 0u, lower.x);
  setWord(slab, 1u, lower.y);
  setWord(slab, 2u, upper.x);
  setWord(slab, 3u, upper.y);
  // No items: sum 0.
  setEntry(slab, listAt(0u, h), lower, 0u);
}

/// How many of the 2^i places of a list, each moved by `by`, are below a place, or not above it.
fn rankOf(slab: u32, list: u32, i: u32, by: vec2u, place: vec2u, orEqual: bool) -> u32 {
  var rank = 0u;
  for (var b = 0u; b < 32u; b++) {
    if (b > i) {
      break;
    }
    let next = rank + (1u << (i - b));
    if (next > 1u << i) {
      continue;
    }
    let other = addWide(wideOf(slab, list + ENTRY_WORDS * (next - 1u)), by);
    if (lessWide(other, place) || (orEqual && all(other == place))) {
      rank = next;
    }
  }
  return rank;
}

/// Step i merges a list with itself moved by item i. Of equal sums those without the item come first, so that they stand
/// by ascending masks.
fn step(slab: u32, k: u32, i: u32, worker: u32, workers: u32) {
  let h = stepsOf(k);
  let before = listAt(i, h);
  let after = listAt(i + 1u, h);
  let item = itemOf(k, i);
  for (var j = worker; j < 1u << i; j += workers) {
    let without = wideOf(slab, before + ENTRY_WORDS * j);
    let taken = addWide(without, item);
    let mask = wordOf(slab, before + ENTRY_WORDS * j + 2u);
    let less = j + rankOf(slab, before, i, item, without, false);
    let more = j + rankOf(slab, before, i, vec2u(0u), taken, true);
    setEntry(slab, after + ENTRY_WORDS * less, without, mask);
    setEntry(slab, after + ENTRY_WORDS * more, taken, mask | (1u << i));
  }
}

/// The place of a target's first, second or third number among all sums.
fn goalOf(slab: u32, t: u32, number: u32) -> vec2u {
  let at = 8u * t + 2u * number;
  return addWide(vec2u(targets[at], targets[at + 1u]), addWide(wideOf(slab, 0u), wideOf(slab, 2u)));
}

/// The place of a mask of the items that are not in the list, among their sums.
fn upperPlace(slab: u32, k: u32, mask: u32) -> vec2u {
  let h = stepsOf(k);
  var place = wideOf(slab, 2u);
  for (var i = 0u; i < 32u; i++) {
    if (mask >> i == 0u) {
      break;
    }
    if (((mask >> i) & 1u) == 1u) {
      place = addWide(place, itemOf(k, h + i));
    }
  }
  return place;
}

fn distanceOf(a: vec2u, b: vec2u) -> vec2u {
  if (lessWide(a, b)) {
    return subtractWide(b, a);
  }
  return subtractWide(a, b);
}

/// Whether `a` serves better than `b`: nearer to the center, or the lower sum, or the smaller mask.
fn isBetter(a: Found, b: Found, center: vec2u) -> bool {
  if (a.upper == NOBODY || b.upper == NOBODY) {
    return a.upper != NOBODY;
  }
  let near = distanceOf(a.place, center);
  let far = distanceOf(b.place, center);
  if (any(near != far)) {
    return lessWide(near, far);
  }
  if (any(a.place != b.place)) {
    return lessWide(a.place, b.place);
  }
  return a.upper < b.upper;
}

fn scan(slab: u32, k: u32, t: u32, worker: u32, workers: u32) {
  let h = stepsOf(k);
  let list = listAt(h, h);
  let first = goalOf(slab, t, 0u);
  let last = goalOf(slab, t, 1u);
  let center = goalOf(slab, t, 2u);
  var best = Found(vec2u(0u), NOBODY);
  var ways = vec2u(0u);
  for (var mask = worker; mask < 1u << (sizeOf(k) - h); mask += workers) {
    let place = upperPlace(slab, k, mask);
    if (lessWide(last, place)) {
      continue;
    }
    let to = rankOf(slab, list, h, place, last, true);
    let from_ = rankOf(slab, list, h, place, first, false);
    if (from_ == to) {
      continue;
    }
    ways = addWide(ways, vec2u(to - from_, 0u));
    let middle = rankOf(slab, list, h, place, center, false);
    for (var side = 0u; side < 2u; side++) {
      // Before the first entry the difference wraps, far beyond `to`.
      let j = middle - side;
      if (j >= from_ && j < to) {
        let other = Found(addWide(place, wideOf(slab, list + ENTRY_WORDS * j)), mask);
        if (isBetter(other, best, center)) {
          best = other;
        }
      }
    }
  }
  addToAnswer(targets[8u * t + 6u] + 3u, ways);
  let lane = worker % WIDTH;
  found[lane] = best;
  workgroupBarrier();
  for (var half = WIDTH / 2u; half > 0u; half /= 2u) {
    if (lane < half && isBetter(found[lane + half], found[lane], center)) {
      found[lane] = found[lane + half];
    }
    workgroupBarrier();
  }
  if (lane == 0u) {
    setEntry(slab, foundAt(k, t, worker / WIDTH, workers / WIDTH), found[0].place, found[0].upper);
  }
}

fn finish(slab: u32, k: u32, worker: u32, workers: u32) {
  let h = stepsOf(k);
  for (var t = firstTarget(k) + worker; t < firstTarget(k + 1u); t += workers) {
    let center = goalOf(slab, t, 2u);
    var best = Found(vec2u(0u), NOBODY);
    for (var slot = 0u; slot < workers / WIDTH; slot++) {
      let at = foundAt(k, t, slot, workers / WIDTH);
      let other = Found(wideOf(slab, at), wordOf(slab, at + 2u));
      if (isBetter(other, best, center)) {
        best = other;
      }
    }
    if (best.upper == NOBODY) {
      continue;
    }
    let sum = subtractWide(best.place, addWide(wideOf(slab, 0u), wideOf(slab, 2u)));
    let rest = subtractWide(best.place, upperPlace(slab, k, best.upper));
    let j = rankOf(slab, listAt(h, h), h, vec2u(0u), rest, false);
    let lower = wordOf(slab, listAt(h, h) + ENTRY_WORDS * j + 2u);
    let answerAt = targets[8u * t + 6u];
    atomicStore(&answers[answerAt], 1u);
    atomicStore(&answers[answerAt + 1u], sum.x);
    atomicStore(&answers[answerAt + 2u], sum.y);
    atomicStore(&answers[answerAt + 5u], lower | (best.upper << h));
    atomicStore(&answers[answerAt + 6u], (best.upper >> 1u) >> (31u - h));
  }
}
