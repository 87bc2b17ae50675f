// The table of one trial or instance in workgroup memory.

override WORDS: u32 = 1024u;

var<workgroup> sums: array<u32, WORDS>;

fn wordOf(group: u32, w: u32) -> u32 {
  return sums[w];
}

fn setWord(group: u32, w: u32, value: u32) {
  sums[w] = value;
}
