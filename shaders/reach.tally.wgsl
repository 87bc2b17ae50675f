// reach: the tally that a workgroup keeps to itself until it is done.

/// Its words, and how many copies of it there are for different invocations, a power of two; 1 word where it has no room and
/// counts go straight to memory.
override TALLY: u32 = 1u;
override COPIES: u32 = 1u;

var<workgroup> counts: array<atomic<u32>, TALLY * COPIES>;

fn add(lane: u32, word: u32, by: u32) -> u32 {
  if (TALLY > 1u) {
    return atomicAdd(&counts[word * COPIES + (lane & (COPIES - 1u))], by);
  }
  return atomicAdd(&tally[word], by);
}

fn add64(lane: u32, word: u32, by: u32) {
  if (add(lane, word, by) + by < by) {
    add(lane, word + 1u, 1u);
  }
}

/// Adds what the workgroup has to the tally of all. Begins with a barrier.
fn flush(lane: u32) {
  if (TALLY > 1u) {
    workgroupBarrier();
    for (var i = lane; i < TALLY; i += WIDTH) {
      var sum = 0u;
      var carry = 0u;
      for (var copy = 0u; copy < COPIES; copy++) {
        let by = atomicLoad(&counts[i * COPIES + copy]);
        sum += by;
        carry += u32(sum < by);
      }
      let before = atomicAdd(&tally[i], sum);
      carry += u32(before + sum < sum);
      // The low words of the missing targets carry into their high words.
      let missing = i - missingWord(0u);
      if (missing < 2u * sizes() && (missing & 1u) == 0u) {
        atomicAdd(&tally[i + 1u], carry);
      }
    }
  }
}
