// count (src/kernels/count.ts). A row has the low words of how many index sets have a sum, then the high words.

fn lowAt(i: u32) -> u32 {
  return HEADER_WORDS + (i & 1u) * 2u * params.sums;
}

fn beginTable(slab: u32) {
  setWord(slab, lowAt(0u), 1u);
  setWord(slab, lowAt(0u) + params.sums, 0u);
}

fn waysOf(slab: u32, i: u32, place: u32) -> vec2u {
  let at = lowAt(i) + place;
  return vec2u(wordOf(slab, at), wordOf(slab, at + params.sums));
}

fn step(slab: u32, k: u32, i: u32, worker: u32, workers: u32) {
  let entry = enter(slab, k, i, worker);
  for (var place = entry.first + worker; place <= entry.last; place += workers) {
    var ways = vec2u(0u);
    if (place <= entry.done) {
      ways = waysOf(slab, i, place);
    }
    if (place >= entry.size) {
      ways = addWide(ways, waysOf(slab, i, place - entry.size));
    }
    let at = lowAt(i + 1u) + place;
    setWord(slab, at, ways.x);
    setWord(slab, at + params.sums, ways.y);
  }
}

fn scan(slab: u32, k: u32, t: u32, worker: u32, workers: u32) {
  let goal = targetOf(frameOf(slab), t);
  let n = stepsOf(k);
  var total = vec2u(0u);
  for (var place = goal.first + worker; place <= goal.last; place += workers) {
    total = addWide(total, waysOf(slab, n, place));
  }
  addToAnswer(goal.answerAt, total);
}

fn finish(slab: u32, k: u32, worker: u32, workers: u32) {}
