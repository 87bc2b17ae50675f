// witness (src/kernels/witness.ts). A row is a bitset of the sums that are reached. With masks, the prefix of every place
// follows, 16 bits of it: how many of the first items it took until it was reached, which it then is for good.

fn rowWords() -> u32 {
  return (params.sums + 31u) >> 5u;
}

fn rowAt(i: u32) -> u32 {
  return HEADER_WORDS + (i & 1u) * rowWords();
}

fn prefixAt(place: u32) -> u32 {
  return HEADER_WORDS + 2u * rowWords() + (place >> 1u);
}

/// Whether the first i items reach a place. Places below 0 wrap, far beyond the top.
fn isReached(slab: u32, frame: Frame, place: u32, i: u32) -> bool {
  return place <= frame.top && ((wordOf(slab, prefixAt(place)) >> (16u * (place & 1u))) & 0xffffu) <= i;
}

/// No prefix reaches a place of word `w` yet: it would take more items than there are.
fn clearPrefixes(slab: u32, w: u32) {
  for (var j = 0u; j < 16u; j++) {
    setWord(slab, prefixAt(32u * w) + j, 0xffffffffu);
  }
}

/// The first i items reach the places of word `w` that `fresh` has. Whoever has the word has its prefixes.
fn setPrefixes(slab: u32, w: u32, fresh: u32, i: u32) {
  var rest = fresh;
  for (var b = 0u; b < 32u; b++) {
    if (rest == 0u) {
      break;
    }
    let place = 32u * w + firstTrailingBit(rest);
    let shift = 16u * (place & 1u);
    setWord(slab, prefixAt(place), (wordOf(slab, prefixAt(place)) & ~(0xffffu << shift)) | (i << shift));
    rest &= rest - 1u;
  }
}

fn beginTable(slab: u32) {
  setWord(slab, rowAt(0u), 1u);
  if (params.masks == 1u) {
    clearPrefixes(slab, 0u);
    setPrefixes(slab, 0u, 1u, 0u);
  }
}

/// Word `w` of the row of the first i items, which add up to `done`. Words below 0 wrap, far beyond `done`.
fn bitsOf(slab: u32, i: u32, w: u32, done: u32) -> u32 {
  if (w > done >> 5u) {
    return 0u;
  }
  return wordOf(slab, rowAt(i) + w);
}

/// The bits of word `w` from a place on.
fn bitsFrom(place: u32, w: u32) -> u32 {
  return select(0xffffffffu << (max(place, 32u * w) & 31u), 0u, place >> 5u > w);
}

/// Step i: R |= R << size, and the prefixes of what is new.
fn step(slab: u32, k: u32, i: u32, worker: u32, workers: u32) {
  let entry = enter(slab, k, i, worker);
  let words = entry.size >> 5u;
  let shift = entry.size & 31u;
  for (var w = (entry.first >> 5u) + worker; w <= entry.last >> 5u; w += workers) {
    let stays = bitsOf(slab, i, w, entry.done);
    let upper = bitsOf(slab, i, w - words, entry.done);
    let lower = bitsOf(slab, i, w - words - 1u, entry.done);
    let moves = (upper << shift) | ((lower >> 1u) >> (31u - shift));
    setWord(slab, rowAt(i + 1u) + w, stays | moves);
    if (params.masks == 1u) {
      if (w > entry.done >> 5u) {
        clearPrefixes(slab, w);
      }
      setPrefixes(slab, w, moves & ~stays, i + 1u);
    }
  }
}

/// How near a place is to the center: the nearer the more, the lower sum of two the more, and never 0: where the center
/// is that far away it is an end of all sums, and reached itself.
fn nearnessOf(frame: Frame, goal: Target, place: u32) -> u32 {
  let above = (place > goal.center) != (frame.mirrored == 1u);
  return ~(2u * u32(abs(i32(place - goal.center))) + u32(above && place != goal.center));
}

/// The nearest sum, as its nearness, to where it is to be in the answer.
fn scan(slab: u32, k: u32, t: u32, worker: u32, workers: u32) {
  let frame = frameOf(slab);
  let goal = targetOf(frame, t);
  let n = stepsOf(k);
  var best = 0u;
  for (var w = (goal.first >> 5u) + worker; w <= goal.last >> 5u; w += workers) {
    let bits = wordOf(slab, rowAt(n) + w) & bitsFrom(goal.first, w) & ~bitsFrom(goal.last + 1u, w);
    let above = bits & bitsFrom(goal.center, w);
    let below = bits & ~above;
    if (above != 0u) {
      best = max(best, nearnessOf(frame, goal, 32u * w + firstTrailingBit(above)));
    }
    if (below != 0u) {
      best = max(best, nearnessOf(frame, goal, 32u * w + firstLeadingBit(below)));
    }
  }
  if (best > 0u) {
    atomicMax(&answers[goal.answerAt + 1u], best);
  }
}

fn finish(slab: u32, k: u32, worker: u32, workers: u32) {
  let frame = frameOf(slab);
  for (var t = firstTarget(k) + worker; t < firstTarget(k + 1u); t += workers) {
    let answerAt = u32(targets[4u * t + 3u]);
    let far = ~atomicLoad(&answers[answerAt + 1u]);
    if (far == 0xffffffffu) {
      continue;
    }
    let distance = i32(far >> 1u);
    let nearest = targets[4u * t + 2u] + select(-distance, distance, (far & 1u) == 1u);
    atomicStore(&answers[answerAt], 1u);
    atomicStore(&answers[answerAt + 1u], u32(nearest));
    if (params.masks == 1u) {
      var place = placeOf(frame, nearest);
      for (var i = stepsOf(k); i > 0u; i--) {
        let item = itemOf(k, frame, i - 1u);
        let size = u32(abs(item));
        let left = place - select(0u, size, item < 0);
        if (isReached(slab, frame, left, i - 1u)) {
          place = left;
        } else {
          place -= select(size, 0u, item < 0);
          atomicOr(&answers[answerAt + 2u + ((i - 1u) >> 5u)], 1u << ((i - 1u) & 31u));
        }
      }
    }
  }
}
