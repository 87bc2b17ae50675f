// The trials of a batch that one dispatch counts.

struct Part {
  first: u32,
  end: u32,
}

@group(1) @binding(1) var<uniform> part: Part;
