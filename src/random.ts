// Counter-based random words: what a trial holds depends on the seed and its index alone, never on who draws it or when.

import { rotateLeft } from "./integer.ts";

/** Two u32: a Threefry key, counter or output. */
export type Words = readonly [number, number];

const PARITY = 0x1bd11bda;
const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24] as const;

/**
 * Threefry2x32 with 20 rounds: 64 random bits for a 64-bit key and a 64-bit counter.
 * Source: Salmon, Moraes, Dror & Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011); Random123.
 */
export function threefry2x32(key: Words, counter: Words): Words {
  const schedule = [key[0], key[1], (key[0] ^ key[1] ^ PARITY) >>> 0] as const;
  let x = (counter[0] + schedule[0]) >>> 0;
  let y = (counter[1] + schedule[1]) >>> 0;
  for (let round = 0; round < 20; round++) {
    x = (x + y) >>> 0;
    y = (rotateLeft(y, ROTATIONS[round % 8]!) ^ x) >>> 0;
    if (round % 4 === 3) {
      const turn = (round + 1) / 4;
      x = (x + schedule[turn % 3]!) >>> 0;
      y = (y + schedule[(turn + 1) % 3]! + turn) >>> 0;
    }
  }
  return [x, y];
}

/** The key of one stream of a 64-bit seed. Streams that differ in either number are independent. */
export function streamKey(seed: bigint, stream: Words): Words {
  return threefry2x32([Number(seed & 0xffffffffn), Number(seed >> 32n)], stream);
}
