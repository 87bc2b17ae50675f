// The bits of a trial in registers: up to 16 blocks, each with a name of its own, since what is found by a computed place
// would be spilled to memory. What a block is, and how a part of two of them is cut, is the variant's.

/// Blocks of a trial's bitset, 1..16, and whether an item may move the sums by a whole block.
override BLOCKS: u32 = 16u;
override STEPS: bool = true;

var<private> r0: Block;
var<private> r1: Block;
var<private> r2: Block;
var<private> r3: Block;
var<private> r4: Block;
var<private> r5: Block;
var<private> r6: Block;
var<private> r7: Block;
var<private> r8: Block;
var<private> r9: Block;
var<private> r10: Block;
var<private> r11: Block;
var<private> r12: Block;
var<private> r13: Block;
var<private> r14: Block;
var<private> r15: Block;

fn clearBlocks(first: Block) {
  r0 = first;
  r1 = Block();
  r2 = Block();
  r3 = Block();
  r4 = Block();
  r5 = Block();
  r6 = Block();
  r7 = Block();
  r8 = Block();
  r9 = Block();
  r10 = Block();
  r11 = Block();
  r12 = Block();
  r13 = Block();
  r14 = Block();
  r15 = Block();
}

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
  if (BLOCKS > 15u && high >= 15u && low <= 15u) {
    r15 |= moved(pair(r15, r14, r13, step), by);
  }
  if (BLOCKS > 14u && high >= 14u && low <= 14u) {
    r14 |= moved(pair(r14, r13, r12, step), by);
  }
  if (BLOCKS > 13u && high >= 13u && low <= 13u) {
    r13 |= moved(pair(r13, r12, r11, step), by);
  }
  if (BLOCKS > 12u && high >= 12u && low <= 12u) {
    r12 |= moved(pair(r12, r11, r10, step), by);
  }
  if (BLOCKS > 11u && high >= 11u && low <= 11u) {
    r11 |= moved(pair(r11, r10, r9, step), by);
  }
  if (BLOCKS > 10u && high >= 10u && low <= 10u) {
    r10 |= moved(pair(r10, r9, r8, step), by);
  }
  if (BLOCKS > 9u && high >= 9u && low <= 9u) {
    r9 |= moved(pair(r9, r8, r7, step), by);
  }
  if (BLOCKS > 8u && high >= 8u && low <= 8u) {
    r8 |= moved(pair(r8, r7, r6, step), by);
  }
  if (BLOCKS > 7u && high >= 7u && low <= 7u) {
    r7 |= moved(pair(r7, r6, r5, step), by);
  }
  if (BLOCKS > 6u && high >= 6u && low <= 6u) {
    r6 |= moved(pair(r6, r5, r4, step), by);
  }
  if (BLOCKS > 5u && high >= 5u && low <= 5u) {
    r5 |= moved(pair(r5, r4, r3, step), by);
  }
  if (BLOCKS > 4u && high >= 4u && low <= 4u) {
    r4 |= moved(pair(r4, r3, r2, step), by);
  }
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
  if (BLOCKS > 4u) {
    ones += onesIn(r4, 4, window);
  }
  if (BLOCKS > 5u) {
    ones += onesIn(r5, 5, window);
  }
  if (BLOCKS > 6u) {
    ones += onesIn(r6, 6, window);
  }
  if (BLOCKS > 7u) {
    ones += onesIn(r7, 7, window);
  }
  if (BLOCKS > 8u) {
    ones += onesIn(r8, 8, window);
  }
  if (BLOCKS > 9u) {
    ones += onesIn(r9, 9, window);
  }
  if (BLOCKS > 10u) {
    ones += onesIn(r10, 10, window);
  }
  if (BLOCKS > 11u) {
    ones += onesIn(r11, 11, window);
  }
  if (BLOCKS > 12u) {
    ones += onesIn(r12, 12, window);
  }
  if (BLOCKS > 13u) {
    ones += onesIn(r13, 13, window);
  }
  if (BLOCKS > 14u) {
    ones += onesIn(r14, 14, window);
  }
  if (BLOCKS > 15u) {
    ones += onesIn(r15, 15, window);
  }
  return ones;
}

fn blockAt(b: u32) -> Block {
  var block = r0;
  if (BLOCKS > 1u) {
    block = select(block, r1, b == 1u);
  }
  if (BLOCKS > 2u) {
    block = select(block, r2, b == 2u);
  }
  if (BLOCKS > 3u) {
    block = select(block, r3, b == 3u);
  }
  if (BLOCKS > 4u) {
    block = select(block, r4, b == 4u);
  }
  if (BLOCKS > 5u) {
    block = select(block, r5, b == 5u);
  }
  if (BLOCKS > 6u) {
    block = select(block, r6, b == 6u);
  }
  if (BLOCKS > 7u) {
    block = select(block, r7, b == 7u);
  }
  if (BLOCKS > 8u) {
    block = select(block, r8, b == 8u);
  }
  if (BLOCKS > 9u) {
    block = select(block, r9, b == 9u);
  }
  if (BLOCKS > 10u) {
    block = select(block, r10, b == 10u);
  }
  if (BLOCKS > 11u) {
    block = select(block, r11, b == 11u);
  }
  if (BLOCKS > 12u) {
    block = select(block, r12, b == 12u);
  }
  if (BLOCKS > 13u) {
    block = select(block, r13, b == 13u);
  }
  if (BLOCKS > 14u) {
    block = select(block, r14, b == 14u);
  }
  if (BLOCKS > 15u) {
    block = select(block, r15, b == 15u);
  }
  return block;
}
