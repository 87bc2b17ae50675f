// smallest (src/kernels/smallest.ts). A row has the least size of an index set for every sum. With masks, a bit for every
// item and every place follows: whether the item is taken.

const NO_SIZE = 0xffffffffu;

/// The places of a row are shared out in stripes: bit b of stripe c is place c + b * stripes(), so that neighbours read
/// what is side by side, and yet the bits of a word belong to one invocation.
fn stripes() -> u32 {
  return (params.sums + 31u) >> 5u;
}

fn rowAt(i: u32) -> u32 {
  return HEADER_WORDS + (i & 1u) * params.sums;
}

fn takenAt(i: u32) -> u32 {
  return HEADER_WORDS + 2u * params.sums + i * stripes();
}

fn beginTable(slab: u32) {
  setWord(slab, rowAt(0u), 0u);
}

/// The size at a place of the row of the first i items, which add up to `done`. Places below 0 wrap, far beyond `done`.
fn sizeOf(slab: u32, i: u32, place: u32, done: u32) -> u32 {
  if (place > done) {
    return NO_SIZE;
  }
  return wordOf(slab, rowAt(i) + place);
}

fn step(slab: u32, k: u32, i: u32, worker: u32, workers: u32) {
  let entry = enter(slab, k, i, worker);
  for (var c = worker; c < stripes(); c += workers) {
    var bits = 0u;
    for (var b = 0u; b < 32u; b++) {
      let place = c + b * stripes();
      if (place > entry.last) {
        break;
      }
      if (place < entry.first) {
        continue;
      }
      let stays = sizeOf(slab, i, place, entry.done);
      let moves = sizeOf(slab, i, place - entry.size, entry.done);
      let without = select(stays, moves, entry.negative);
      let before = select(moves, stays, entry.negative);
      let with_ = select(before + 1u, NO_SIZE, before == NO_SIZE);
      setWord(slab, rowAt(i + 1u) + place, min(without, with_));
      bits |= u32(with_ < without) << b;
    }
    if (params.masks == 1u) {
      setWord(slab, takenAt(i) + c, bits);
    }
  }
}

fn scan(slab: u32, k: u32, t: u32, worker: u32, workers: u32) {}

fn finish(slab: u32, k: u32, worker: u32, workers: u32) {
  let frame = frameOf(slab);
  let n = stepsOf(k);
  for (var t = firstTarget(k) + worker; t < firstTarget(k + 1u); t += workers) {
    let goal = targetOf(frame, t);
    let size = wordOf(slab, rowAt(n) + goal.first);
    atomicStore(&answers[goal.answerAt], size);
    if (params.masks == 0u || size == NO_SIZE) {
      continue;
    }
    var place = goal.first;
    for (var i = n; i > 0u; i--) {
      let item = itemOf(k, frame, i - 1u);
      let word = wordOf(slab, takenAt(i - 1u) + place % stripes());
      let taken = ((word >> (place / stripes())) & 1u) == 1u;
      if (taken) {
        atomicOr(&answers[goal.answerAt + 1u + ((i - 1u) >> 5u)], 1u << ((i - 1u) & 31u));
      }
      if (taken != (item < 0)) {
        place -= u32(abs(item));
      }
    }
  }
}
