// 32-bit integer operations spelled as WGSL defines them, so that a twin and its shader read alike.
// Every argument and result is a u32 in a number, 0..2^32 - 1, unless said otherwise.

/** Rotates a u32 left; valid for `count` in 1..31. */
export function rotateLeft(x: number, count: number): number {
  return ((x << count) | (x >>> (32 - count))) >>> 0;
}

/** The low 32 bits of the product of two u32: multiplication that wraps modulo 2^32. */
export function multiplyLow(a: number, b: number): number {
  return Math.imul(a, b) >>> 0;
}

/** The high 32 bits of the product of a u32 and `b`. Valid for `b` below 2^22, so that partial products stay below 2^53. */
export function multiplyHigh(a: number, b: number): number {
  const low = (a & 0xffff) * b;
  const high = (a >>> 16) * b + Math.floor(low / 0x10000);
  return Math.floor(high / 0x10000);
}
