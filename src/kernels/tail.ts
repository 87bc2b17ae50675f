// tail: draws the magnitudes of trials and counts, among all choices of signs, those that fail to reach targets.
//
// Failures can be far too rare to be counted by trials. Here a trial only draws magnitudes, and the 2^n signs are summed exactly:
// with the negative items summing to -p, a target t is reached if and only if t + p is a subset sum of the magnitudes. So the
// failing signs are counted by c(p), the number of subsets with sum p, over the p for which t + p is not a sum. The mean of
// these counts over trials is 2^n P(failure), with a relative error of a trial of about 1 to 2.3 at any depth.
//
// Trials are drawn by strata, so that rare magnitudes can be drawn often: all but a few items multiples of 3, say. Beside the
// signs a trial has the numbers of its magnitudes that some divisors do not divide, from which its weight is known.

import { drawValue } from "../ensemble.ts";
import type { Contract } from "../kernel.ts";

const tailParams = [
  /** Index of the first trial: low 32 and high 16 bits. */
  "firstLow",
  "firstHigh",
  /** Trials of the batch, 0..2^31 - 1. */
  "count",
  /** The number of classes of items in `classes`. */
  "classes",
  /** The number of strata in `strata`, 1..2^16. */
  "strata",
  /** n, 1..64. */
  "items",
  /** M, 1..2^12: no magnitude is larger. */
  "halfRange",
  /** The length of `magnitudes`. */
  "listed",
  /** The number of divisors in `divisors`. */
  "divisors",
  /** The number of targets in `targets`. */
  "targets",
] as const;

type TailParam = (typeof tailParams)[number];
export type TailParams = Readonly<Record<TailParam, number>>;
export type TailInput = "classes" | "strata" | "magnitudes" | "divisors" | "targets";

/**
 * Words of a class of items, which are drawn alike:
 *
 * - its Threefry key, low and high 32 bits, which no other class has;
 * - the number of magnitudes to draw from, 1..2^22 - 1, and the slicing of random words that it asks for (ensemble.ts);
 * - the index of the first of these magnitudes.
 */
const CLASS_WORDS = 6;

/** Words of a stratum: a class, and how many first items of a trial are of it. The other items are of the next class. */
const STRATUM_WORDS = 2;

/** The number of consecutive trials of one stratum. The first one is a multiple of it. */
export const TRIALS_OF_STRATUM = 4;

/** Words of a trial in the output. */
export const tailWords = ({ divisors, targets }: Pick<TailParams, "divisors" | "targets">): number =>
  3 + divisors + 2 * targets;

/** The stratum of a trial. */
export const stratumOf = (trial: number, strata: number): number =>
  Math.floor(trial / TRIALS_OF_STRATUM) % strata;

/**
 * - `classes` [classes][6].
 * - `strata` [strata][2]: trial k is of stratum floor(k / 4) modulo their number.
 * - `magnitudes` [listed]: the magnitudes that drawn values stand for, 1..M, those of a class one after another.
 * - `divisors` [divisors]: each at least 1.
 * - `targets` [targets]: each 1..M. A target and its opposite fail for equally many signs.
 * - `failures` [count][3 + divisors + 2 targets]: the greatest common divisor of the magnitudes; for each divisor the number of
 *   magnitudes that are not its multiples; the number of signs that miss some target of -M..M; and for each target the number of
 *   signs that miss it. Numbers of signs have 64 bits, low word first. One choice of signs at least misses a target, that which
 *   has only negative items, so that 0 stands for 2^64.
 */
export const tail: Contract<TailParam, TailInput, "failures"> = {
  name: "tail",
  params: tailParams,
  buffers: {
    classes: { type: "u32", access: "read", length: (params) => CLASS_WORDS * params.classes },
    strata: { type: "u32", access: "read", length: (params) => STRATUM_WORDS * params.strata },
    magnitudes: { type: "u32", access: "read", length: (params) => params.listed },
    divisors: { type: "u32", access: "read", length: (params) => params.divisors },
    targets: { type: "u32", access: "read", length: (params) => params.targets },
    failures: { type: "u32", access: "read_write", length: (params) => params.count * tailWords(params) },
  },
  twin(params, { classes, strata, magnitudes, divisors, targets, failures }) {
    const M = params.halfRange;
    for (let k = 0; k < params.count; k++) {
      const trial = params.firstHigh * 2 ** 32 + params.firstLow + k;
      const stratum = STRATUM_WORDS * stratumOf(trial, params.strata);
      const [first, firstItems] = [strata[stratum]!, strata[stratum + 1]!];
      const draw = (c: number, items: number) => {
        const [low, high, range, , , start] = classes.subarray(CLASS_WORDS * c) as Uint32Array;
        return Array.from(
          { length: items },
          (_, i) => magnitudes[start! + drawValue(range!, [low!, high!], trial, i)]!,
        );
      };
      const drawn = [...draw(first, firstItems), ...draw(first + 1, params.items - firstItems)];
      const total = drawn.reduce((sum, a) => sum + a, 0);
      // counts[p]: the number of subsets with sum p.
      const counts = new BigUint64Array(total + 1);
      counts[0] = 1n;
      for (const a of drawn) for (let p = total; p >= a; p--) counts[p]! += counts[p - a]!;
      const isMissed = (sum: number) => sum < 0 || sum > total || counts[sum] === 0n;
      /** The number of signs that miss some target of low..high. */
      const missing = (low: number, high: number): bigint => {
        let signs = 0n;
        // The distance from the last sum that is missed to p + high.
        let since = Infinity;
        for (let sum = low; sum < high; sum++) since = isMissed(sum) ? 1 : since + 1;
        for (let p = 0; p <= total; p++) {
          since = isMissed(p + high) ? 0 : since;
          if (since <= high - low) signs += counts[p]!;
          since++;
        }
        return signs;
      };
      const words = [missing(-M, M), ...Array.from(targets, (t) => missing(t, t))];
      let at = k * tailWords(params);
      failures[at++] = drawn.reduce(gcd);
      for (const divisor of divisors) failures[at++] = drawn.filter((a) => a % divisor > 0).length;
      for (const signs of words) {
        failures[at++] = Number(signs & 0xffffffffn);
        failures[at++] = Number((signs >> 32n) & 0xffffffffn);
      }
    }
  },
};

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
