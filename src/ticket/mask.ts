// Which places of a layer are kept: place p is bit p & 7 of byte p >> 3, in memory as in the file.

/** One bit for each of at most 2^31 places, 1 where the weight is kept; bits behind the last place are 0. */
export type Mask = Uint8Array;

export function maskBytes(places: number): number {
  return Math.ceil(places / 8);
}

export function isKept(mask: Mask, place: number): boolean {
  return ((mask[place >>> 3]! >> (place & 7)) & 1) === 1;
}

export function keepPlace(mask: Mask, place: number): void {
  mask[place >>> 3]! |= 1 << (place & 7);
}

/** How many places are kept. */
export function keptCount(mask: Mask): number {
  let count = 0;
  for (let at = 0; at < mask.length; at++) for (let rest = mask[at]!; rest > 0; rest &= rest - 1) count++;
  return count;
}
