// The table of one trial or instance in storage: a slab for each that is being worked on.

override WORDS: u32 = 1024u;

@group(1) @binding(0) var<storage, read_write> slabs: array<u32>;

fn wordOf(group: u32, w: u32) -> u32 {
  return slabs[group * WORDS + w];
}

fn setWord(group: u32, w: u32, value: u32) {
  slabs[group * WORDS + w] = value;
}
