// Threefry2x32 with 20 rounds: 64 random bits for a 64-bit key and a 64-bit counter (src/random.ts).

fn rotateLeft(x: u32, count: u32) -> u32 {
  return (x << count) | (x >> (32u - count));
}

// Two functions with literal counts and not one that is given them: some compilers do not follow a constant into a vector.
fn evenRounds(words: vec2u, key: vec2u) -> vec2u {
  var x = words.x;
  var y = words.y;
  x += y; y = rotateLeft(y, 13u) ^ x;
  x += y; y = rotateLeft(y, 15u) ^ x;
  x += y; y = rotateLeft(y, 26u) ^ x;
  x += y; y = rotateLeft(y, 6u) ^ x;
  return vec2u(x, y) + key;
}

fn oddRounds(words: vec2u, key: vec2u) -> vec2u {
  var x = words.x;
  var y = words.y;
  x += y; y = rotateLeft(y, 17u) ^ x;
  x += y; y = rotateLeft(y, 29u) ^ x;
  x += y; y = rotateLeft(y, 16u) ^ x;
  x += y; y = rotateLeft(y, 24u) ^ x;
  return vec2u(x, y) + key;
}

fn threefry2x32(key: vec2u, counter: vec2u) -> vec2u {
  let parity = key.x ^ key.y ^ 0x1bd11bdau;
  var words = counter + key;
  words = evenRounds(words, vec2u(key.y, parity + 1u));
  words = oddRounds(words, vec2u(parity, key.x + 2u));
  words = evenRounds(words, vec2u(key.x, key.y + 3u));
  words = oddRounds(words, vec2u(key.y, parity + 4u));
  return evenRounds(words, vec2u(parity, key.x + 5u));
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
