// The bits of a trial in registers: up to four blocks, each with a name of its own, since what is found by a computed place
// would be spilled to memory. What a block is, and how a part of two of them is cut, is the variant's.

/// Blocks of a trial's bitset, 1..4, and whether an item may move the sums by a whole block.
override BLOCKS: u32 = 4u;
override STEPS: bool = true;

var<private> r0: Block;
var<private> r1: Block;
var<private> r2: Block;
var<private> r3: Block;

/// What falls to the place of a block of R << a, and what lies under that: the blocks of R at and below its place, or those
/// under them.
fn pair(a: Block, b: Block, c: Block, step: bool) -> array<Block, 2> {
  if (STEPS) {
    return array(select(a, b, step), select(b, c, step));
  }
  return array(a, b);
}

/// R |= R << a on the blocks from `high` down to `low`, where a moves by a whole block or not, and `by` says the rest.
fn growBlocks(step: bool, by: Shift, high: u32, low: u32) {
  let none = Block();
  if (BLOCKS > 3u && high >= 3u && low <= 3u) {
    r3 |= moved(pair(r3, r2, r1, step), by);
  }
  if (BLOCKS > 2u && high >= 2u && low <= 2u) {
    r2 |= moved(pair(r2, r1, r0, step), by);
  }
  if (BLOCKS > 1u && high >= 1u && low <= 1u) {
    r1 |= moved(pair(r1, r0, none, step), by);
  }
  if (low == 0u) {
    r0 |= moved(pair(r0, none, none, step), by);
  }
}

/// The ones of a window.
fn onesOfBlocks(window: vec2i) -> u32 {
  var ones = onesIn(r0, 0, window);
  if (BLOCKS > 1u) {
    ones += onesIn(r1, 1, window);
  }
  if (BLOCKS > 2u) {
    ones += onesIn(r2, 2, window);
  }
  if (BLOCKS > 3u) {
    ones += onesIn(r3, 3, window);
  }
  return ones;
}

fn blockAt(b: u32) -> Block {
  return select(select(r0, r1, b == 1u), select(r2, r3, b == 3u), b >= 2u);
}
