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
import { fromResidues, reductionOf, residuesFor } from "../solve/residues.ts";

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
  /** n, 1..160. */
  "items",
  /** M, 1..2^12: no magnitude is larger. */
  "halfRange",
  /** The length of `magnitudes`. */
  "listed",
  /** The number of divisors in `divisors`. */
  "divisors",
  /** The number of targets in `targets`. */
  "targets",
  /** What `residueParams` says of `items`: by how many moduli signs are counted, and the reductions of the second and third. */
  "residues",
  "reduction1",
  "reduction2",
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

/** Items from this one on are drawn as the items of another trial are, since 64 items fill the blocks of a trial. */
const ITEMS_OF_KEY = 64;

/**
 * The parameters that tell the numbers 1..2^n of signs apart: modulo 2^64, and beyond 64 items modulo 2^62 - `reduction1` and
 * 2^62 - `reduction2` as well.
 */
export function residueParams(items: number): Pick<TailParams, "residues" | "reduction1" | "reduction2"> {
  const residues = residuesFor(2n ** BigInt(items) - 1n);
  const reduction = (i: number) => (i < residues ? reductionOf(i) : 0);
  return { residues, reduction1: reduction(1), reduction2: reduction(2) };
}

/** Words of a trial in the output. */
export const tailWords = ({
  divisors,
  targets,
  residues,
}: Pick<TailParams, "divisors" | "targets" | "residues">): number =>
  1 + divisors + 2 * residues * (1 + targets);

/** The signs of a trial that miss some target of -M..M, for event 0, or target `event` - 1. The trial begins at word `at`. */
export function failingSigns(
  { items, divisors, residues }: Pick<TailParams, "items" | "divisors" | "residues">,
  words: ArrayLike<number>,
  at: number,
  event: number,
): bigint {
  const first = at + 1 + divisors + 2 * residues * event;
  const signs = fromResidues(
    Array.from(
      { length: residues },
      (_, i) => (BigInt(words[first + 2 * i + 1]!) << 32n) | BigInt(words[first + 2 * i]!),
    ),
  );
  // At least one choice of signs fails.
  return signs === 0n ? 1n << BigInt(items) : signs;
}

/** The stratum of a trial. */
export const stratumOf = (trial: number, strata: number): number =>
  Math.floor(trial / TRIALS_OF_STRATUM) % strata;

/**
 * - `classes` [classes][6].
 * - `strata` [strata][2]: trial k is of stratum floor(k / 4) modulo their number.
 * - `magnitudes` [listed]: the magnitudes that drawn values stand for, 1..M, those of a class one after another.
 * - `divisors` [divisors]: each at least 1.
 * - `targets` [targets]: each 1..M. A target and its opposite fail for equally many signs.
 * - `failures` [count][1 + divisors + 2 residues (1 + targets)]: the greatest common divisor of the magnitudes; for each divisor
 *   the number of magnitudes that are not its multiples; the number of signs that miss some target of -M..M; and for each target
 *   the number of signs that miss it. A number of signs is its residues, of two words each, low word first. One choice of signs
 *   at least misses a target, that which has only negative items, so that 0 stands for 2^64 where 64 items have one residue.
 *
 * Item i of a class is item i modulo 64 of a trial whose key is that of the class with floor(i / 64) in the high word, by xor.
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
        return Array.from({ length: items }, (_, i) => {
          const key = [low!, (high! ^ Math.floor(i / ITEMS_OF_KEY)) >>> 0] as const;
          return magnitudes[start! + drawValue(range!, key, trial, i % ITEMS_OF_KEY)]!;
        });
      };
      const drawn = [...draw(first, firstItems), ...draw(first + 1, params.items - firstItems)];
      const total = drawn.reduce((sum, a) => sum + a, 0);
      // counts[p]: the number of subsets with sum p.
      const counts = new Array<bigint>(total + 1).fill(0n);
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
      const reductions = [0, params.reduction1, params.reduction2].slice(0, params.residues);
      for (const signs of words)
        for (const reduction of reductions) {
          const residue = signs % (reduction === 0 ? 2n ** 64n : 2n ** 62n - BigInt(reduction));
          failures[at++] = Number(residue & 0xffffffffn);
          failures[at++] = Number(residue >> 32n);
        }
    }
  },
};

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
