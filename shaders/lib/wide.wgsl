// Numbers of 64 bits, low word first, modulo 2^64; unsigned where they are compared.

fn addWide(a: vec2u, b: vec2u) -> vec2u {
  let low = a.x + b.x;
  return vec2u(low, a.y + b.y + u32(low < a.x));
}

fn subtractWide(a: vec2u, b: vec2u) -> vec2u {
  return vec2u(a.x - b.x, a.y - b.y - u32(a.x < b.x));
}

fn lessWide(a: vec2u, b: vec2u) -> bool {
  return select(a.y < b.y, a.x < b.x, a.y == b.y);
}

/// The product of two words.
fn multiplyWords(a: u32, b: u32) -> vec2u {
  let al = a & 0xffffu;
  let ah = a >> 16u;
  let bl = b & 0xffffu;
  let bh = b >> 16u;
  let low = al * bl;
  let middle = ah * bl + (low >> 16u);
  let other = al * bh + (middle & 0xffffu);
  return vec2u((other << 16u) | (low & 0xffffu), ah * bh + (middle >> 16u) + (other >> 16u));
}

fn shiftLeftWide(a: vec2u, count: u32) -> vec2u {
  if (count >= 32u) {
    return vec2u(0u, a.x << (count & 31u));
  }
  return vec2u(a.x << count, (a.y << count) | ((a.x >> 1u) >> (31u - count)));
}

fn shiftRightWide(a: vec2u, count: u32) -> vec2u {
  if (count >= 32u) {
    return vec2u(a.y >> (count & 31u), 0u);
  }
  return vec2u((a.x >> count) | ((a.y << 1u) << (31u - count)), a.y >> count);
}
