// Masks: which weights of a random layer are kept. Weight i is bit i & 7 of byte i >> 3, in memory as in the file.

/** One bit for each of at most 2^31 weights, 1 where the weight is kept; the bits after the last weight are 0. */
export type Mask = Uint8Array;

export function maskBytes(weights: number): number {
  return Math.ceil(weights / 8);
}

export function isKept(mask: Mask, index: number): boolean {
  return ((mask[index >>> 3]! >> (index & 7)) & 1) === 1;
}

export function keepWeight(mask: Mask, index: number): void {
  mask[index >>> 3]! |= 1 << (index & 7);
}

/** The number of kept weights. */
export function keptCount(mask: Mask): number {
  let count = 0;
  for (let byte = 0; byte < mask.length; byte++)
    for (let bits = mask[byte]!; bits > 0; bits &= bits - 1) count++;
  return count;
}
