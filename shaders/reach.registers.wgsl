// reach, one trial per invocation: its bits in registers, four words to a block.

alias Block = vec4u;

/// How far an item moves the sums within a block: by words, and then by 1..32 bits, as a product does to the left.
struct Shift {
  left: u32,
  right: u32,
  one: bool,
  two: bool,
}

fn capacity() -> i32 {
  return 128 * i32(BLOCKS);
}

fn moved(from_: array<vec4u, 2>, by: Shift) -> vec4u {
  let upper = select(from_[0], vec4u(from_[1].zw, from_[0].xy), by.two);
  let lower = select(from_[1].zw, from_[1].xy, by.two);
  let words = select(upper, vec4u(lower.y, upper.xyz), by.one);
  let below = vec4u(select(lower.y, lower.x, by.one), words.xyz);
  return (words * by.left) | (below >> vec4u(by.right));
}

fn onesIn(block: vec4u, b: i32, window: vec2i) -> u32 {
  let first = 128 * b + vec4i(0, 32, 64, 96);
  let above = vec4u(0xffffffffu) << vec4u(clamp(window.x - first, vec4i(0), vec4i(31)));
  let below = vec4u(0xffffffffu) >> vec4u(clamp(first + 31 - window.y, vec4i(0), vec4i(31)));
  let inside = (vec4i(window.x) <= first + 31) & (first <= vec4i(window.y));
  let ones = select(vec4u(), countOneBits(block & above & below), inside);
  return ones.x + ones.y + ones.z + ones.w;
}

fn clear(lane: u32, top: u32) {
  clearBlocks(vec4u(1u, 0u, 0u, 0u));
}

/// R |= R << a on the blocks of high..low; a is 1 or more.
fn grow(lane: u32, a: u32, high: u32, low: u32) {
  let less = a - 1u;
  let by = Shift(2u << (less & 31u), 31u - (less & 31u), (less & 32u) != 0u, (less & 64u) != 0u);
  growBlocks(less >= 128u, by, high >> 7u, low >> 7u);
}

fn onesOf(lane: u32, window: vec2u) -> u32 {
  return onesOfBlocks(vec2i(window));
}

fn isSet(lane: u32, place: i32, done: i32) -> bool {
  if (place < 0 || place > done) {
    return false;
  }
  let block = blockAt(u32(place) >> 7u);
  let words = select(block.xy, block.zw, (place & 64) != 0);
  return ((select(words.x, words.y, (place & 32) != 0) >> u32(place & 31)) & 1u) == 1u;
}
