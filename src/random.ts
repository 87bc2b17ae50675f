// Counter-based random words: a trial depends on the seed and its index alone, not on the engine, the batch or the order.

import * as z from "zod/mini";
import { NumberFault, readInteger } from "./numbers.ts";
import { rotateLeft } from "./u32.ts";

/** Two u32: a Threefry key, counter or output, low word first where it is one number of 64 bits. */
export type WordPair = readonly [number, number];

const PARITY = 0x1bd11bda;
const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24] as const;

/**
 * Threefry2x32 with 20 rounds: 64 random bits for a 64-bit key and a 64-bit counter.
 * Source: Salmon, Moraes, Dror & Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011); Random123.
 */
export function threefry2x32(key: WordPair, counter: WordPair): WordPair {
  const schedule = [key[0], key[1], (key[0] ^ key[1] ^ PARITY) >>> 0] as const;
  let x = (counter[0] + schedule[0]) >>> 0;
  let y = (counter[1] + schedule[1]) >>> 0;
  for (let round = 0; round < 20; round++) {
    x = (x + y) >>> 0;
    y = (rotateLeft(y, ROTATIONS[round % 8]!) ^ x) >>> 0;
    if (round % 4 === 3) {
      const injection = (round + 1) / 4;
      x = (x + schedule[injection % 3]!) >>> 0;
      y = (y + schedule[(injection + 1) % 3]! + injection) >>> 0;
    }
  }
  return [x, y];
}

/** The key of one stream of a 64-bit seed. Streams that differ in either of their two numbers are independent. */
export function streamKey(seed: bigint, stream: WordPair): WordPair {
  return threefry2x32([Number(seed & 0xffffffffn), Number(seed >> 32n)], stream);
}

const SEED = `an integer in 0..${2n ** 64n - 1n}`;
/** The schema of a 64-bit seed, which takes bigints, safe integers and text that `readInteger` reads, and gives a bigint. */
export const seedSchema = z
  .pipe(
    z.transform((seed: unknown) => {
      const read = typeof seed === "string" ? readInteger(seed, "plain") : seed;
      return read instanceof NumberFault ? seed : read;
    }),
    z.pipe(
      z.union([z.bigint(), z.number().check(z.refine(Number.isSafeInteger, SEED))], SEED),
      z.transform((seed) => BigInt(seed)),
    ),
  )
  .check(z.refine((seed) => seed >= 0n && seed < 2n ** 64n, SEED));
