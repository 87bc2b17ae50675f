// Threefry2x32 with 20 rounds: 64 random bits for a 64-bit key and a 64-bit counter (src/random.ts).

fn rotateLeft(x: u32, count: u32) -> u32 {
  return (x << count) | (x >> (32u - count));
}

fn fourRounds(words: vec2u, rotations: vec4u, key: vec2u) -> vec2u {
  var x = words.x;
  var y = words.y;
  x += y; y = rotateLeft(y, rotations.x) ^ x;
  x += y; y = rotateLeft(y, rotations.y) ^ x;
  x += y; y = rotateLeft(y, rotations.z) ^ x;
  x += y; y = rotateLeft(y, rotations.w) ^ x;
  return vec2u(x, y) + key;
}

fn threefry2x32(key: vec2u, counter: vec2u) -> vec2u {
  const EVEN = vec4u(13u, 15u, 26u, 6u);
  const ODD = vec4u(17u, 29u, 16u, 24u);
  let parity = key.x ^ key.y ^ 0x1bd11bdau;
  var words = counter + key;
  words = fourRounds(words, EVEN, vec2u(key.y, parity + 1u));
  words = fourRounds(words, ODD, vec2u(parity, key.x + 2u));
  words = fourRounds(words, EVEN, vec2u(key.x, key.y + 3u));
  words = fourRounds(words, ODD, vec2u(key.y, parity + 4u));
  return fourRounds(words, EVEN, vec2u(parity, key.x + 5u));
}

/// The high 32 bits of the product of a u32 and a `b` below 2^22.
fn multiplyHigh(a: u32, b: u32) -> u32 {
  let al = a & 0xffffu;
  let ah = a >> 16u;
  let bl = b & 0xffffu;
  let bh = b >> 16u;
  // bh < 2^6, so no sum below overflows.
  let middle = ah * bl;
  let low = (middle & 0xffffu) + ((al * bl) >> 16u) + al * bh;
  return ah * bh + (middle >> 16u) + (low >> 16u);
}
