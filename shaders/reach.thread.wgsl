// reach, one trial per invocation: the bits of a workgroup's trials interleaved in workgroup memory, so that no two
// invocations meet and none waits for another.

/// Words of a trial's bitset.
override WORDS: u32 = 64u;
/// Words beside it: zeros below, which shifts reach into, and above what is cleared with it.
const BELOW = 4u;
const ABOVE = 6u;

var<workgroup> sums: array<u32, (BELOW + WORDS + ABOVE) * WIDTH>;

fn capacity() -> i32 {
  return 32 * i32(WORDS);
}

fn at(lane: u32, place: u32) -> u32 {
  return (BELOW + (place >> 5u)) * WIDTH + lane;
}

fn clear(lane: u32, top: u32) {
  let last = at(lane, top);
  var w = at(lane, 0u);
  sums[w] = 1u;
  w += WIDTH;
  for (var k = 0u; k < WORDS; k++) {
    sums[w] = 0u;
    sums[w + WIDTH] = 0u;
    sums[w + 2u * WIDTH] = 0u;
    sums[w + 3u * WIDTH] = 0u;
    sums[w + 4u * WIDTH] = 0u;
    sums[w + 5u * WIDTH] = 0u;
    w += 6u * WIDTH;
    if (w > last) {
      break;
    }
  }
}

/// R |= R << a where high..low are, and what lies below in the last four words; a is 1 or more.
fn grow(lane: u32, a: u32, high: u32, low: u32) {
  // Words move by a - 1 and one bit more: no shift is by 32 bits then. Shifts to the left are products, which some devices
  // compute beside shifts, and others faster.
  let back = ((a - 1u) >> 5u) * WIDTH;
  let left = 2u << ((a - 1u) & 31u);
  let right = 31u - ((a - 1u) & 31u);
  let last = at(lane, max(low, a));
  // No item is larger than what `high` counts up to, so there is at least one step.
  var w = at(lane, high);
  var x0 = sums[w - back];
  for (var k = 0u; k < WORDS; k++) {
    let x1 = sums[w - back - WIDTH];
    let x2 = sums[w - back - 2u * WIDTH];
    let x3 = sums[w - back - 3u * WIDTH];
    let x4 = sums[w - back - 4u * WIDTH];
    sums[w] |= (x0 * left) | (x1 >> right);
    sums[w - WIDTH] |= (x1 * left) | (x2 >> right);
    sums[w - 2u * WIDTH] |= (x2 * left) | (x3 >> right);
    sums[w - 3u * WIDTH] |= (x3 * left) | (x4 >> right);
    x0 = x4;
    w -= 4u * WIDTH;
    if (w < last) {
      break;
    }
  }
}

/// The ones of a window.
fn onesOf(lane: u32, window: vec2u) -> u32 {
  let first = at(lane, window.x);
  let last = at(lane, window.y);
  var ones = 0u;
  var w = first;
  for (var k = 0u; k < WORDS; k++) {
    ones += countOneBits(sums[w]);
    w += WIDTH;
    if (w > last) {
      break;
    }
  }
  let below = sums[first] & ~(0xffffffffu << (window.x & 31u));
  let above = sums[last] & ~(0xffffffffu >> (31u - (window.y & 31u)));
  return ones - countOneBits(below) - countOneBits(above);
}

fn isSet(lane: u32, place: i32, done: i32) -> bool {
  return place >= 0 && place <= done && ((sums[at(lane, u32(place))] >> (u32(place) & 31u)) & 1u) == 1u;
}
