// The tables of the instances of a workgroup, one to an invocation, interleaved in workgroup memory: no two invocations
// meet, and neighbours that read the same word of their tables read neighbours.

override WORDS: u32 = 64u;

var<workgroup> sums: array<u32, WORDS * WIDTH>;

fn wordOf(lane: u32, w: u32) -> u32 {
  return sums[w * WIDTH + lane];
}

fn setWord(lane: u32, w: u32, value: u32) {
  sums[w * WIDTH + lane] = value;
}
