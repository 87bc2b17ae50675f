// Sums over the trials of a tail as a tally of exact integers, which is the same for every cut into batches and in any order.
//
// The value of a trial is a double. Values are added up within their group of four, which are never apart, and only then rounded
// up to a multiple of 2^-224, or of 2^-448 for squares. A mean failure of up to 160 items is at least 2^-160, so that rounding
// changes no digit of it; and what is not 0 stays so.

import { failingSigns, stratumOf, tailWords, TRIALS_OF_STRATUM } from "../kernels/tail.ts";
import type { ParamsOf } from "../kernels/index.ts";
import type { WorkOf } from "../plan.ts";
import { addTally, type TallyLayout } from "../tally.ts";
import type { TailRun } from "./tail.ts";

/** The words behind the binary point of a sum, and of a sum of squares. One word stands before it. */
const SUM_WORDS = 7;
const SQUARE_WORDS = 14;
/** The words of a sum and a sum of squares, and of an event: those of its failures and of its successes. */
const MOMENT_WORDS = SUM_WORDS + SQUARE_WORDS + 2;
const EVENT_WORDS = 2 * MOMENT_WORDS;

/** The layout of a tally of some events; one run has those of all of -M..M and of each target of the kernel. */
export function sumsLayout(events: number): TallyLayout {
  const numbers = 2 * events;
  const pairs = Array.from({ length: numbers }, (_, i) => [
    ...Array.from({ length: SUM_WORDS }, (_, k) => MOMENT_WORDS * i + k),
    ...Array.from({ length: SQUARE_WORDS }, (_, k) => MOMENT_WORDS * i + SUM_WORDS + 1 + k),
  ]);
  return { length: MOMENT_WORDS * numbers, pairs: pairs.flat() };
}

/** The tally of a batch of a run: whole groups of four trials, at most 2^21. */
export function sumsOf(run: TailRun, work: WorkOf<"tail">, words: Uint32Array): Float64Array {
  const { divisors, components, densities } = run.mixture;
  const { firstLow, firstHigh, items, count, targets } = work.params;
  const first = firstHigh * 2 ** 32 + firstLow;
  const length = tailWords(work.params);
  const layout = sumsLayout(1 + targets);
  const all = 2 ** items;
  const squaredDensities = densities.map((density) => density ** 2);
  // Words of up to 2^32 each, which are carried in the end.
  const sums = new Float64Array(layout.length);
  const weights = new Float64Array(TRIALS_OF_STRATUM);
  const failures = new Float64Array(TRIALS_OF_STRATUM);
  const successes = new Float64Array(TRIALS_OF_STRATUM);
  const signs = new Float64Array(2);
  for (let k = 0; k < count; k += TRIALS_OF_STRATUM) {
    const component = components[stratumOf(first + k, components.length)]!;
    for (let j = 0; j < TRIALS_OF_STRATUM; j++) {
      const at = (k + j) * length;
      let squares = squaredDensities[0]!;
      for (let i = 0; i < divisors.length; i++)
        squares += squaredDensities[1 + (items + 1) * i + words[at + 1 + i]!]!;
      weights[j] = densities[component]! / squares;
    }
    for (let i = 0; i <= targets; i++) {
      for (let j = 0; j < TRIALS_OF_STRATUM; j++) {
        const at = (k + j) * length;
        const divisor = words[at]!;
        const isDecided = i === 0 ? divisor > 1 : work.inputs.targets[i - 1]! % divisor > 0;
        signsOf(work.params, all, words, at, i, signs);
        failures[j] = isDecided ? 0 : (weights[j]! * signs[0]!) / all;
        successes[j] = isDecided ? 0 : (weights[j]! * signs[1]!) / all;
      }
      addGroup(sums, EVENT_WORDS * i, failures);
      addGroup(sums, EVENT_WORDS * i + MOMENT_WORDS, successes);
    }
  }
  const tally = new Float64Array(layout.length);
  addTally(layout, tally, sums);
  return tally;
}

/**
 * Writes how many choices of signs fail an event in a trial, and how many do not. Each number is rounded once.
 * @param all The number of choices of signs, 2^items.
 * @param into 2 numbers: choices that fail, and others.
 */
function signsOf(
  params: ParamsOf<"tail">,
  all: number,
  words: Uint32Array,
  at: number,
  event: number,
  into: Float64Array,
): void {
  if (params.residues > 1) {
    const failing = failingSigns(params, words, at, event);
    into[0] = Number(failing);
    into[1] = Number((1n << BigInt(params.items)) - failing);
    return;
  }
  // A single residue, of two words, is the number itself. 0 stands for 2^64, since at least one choice of signs fails.
  const first = at + 1 + params.divisors + 2 * event;
  const [low, high] = [words[first]!, words[first + 1]!];
  const isAll = low === 0 && high === 0;
  into[0] = isAll ? all : high * 2 ** 32 + low;
  into[1] = isAll ? 0 : all - high * 2 ** 32 - low;
}

/** Adds the values of a group, and the squares of their deviations from their mean, to sums of events. */
function addGroup(sums: Float64Array, at: number, values: Float64Array): void {
  let sum = 0;
  for (let j = 0; j < TRIALS_OF_STRATUM; j++) sum += values[j]!;
  if (sum === 0) return;
  let squares = 0;
  for (let j = 0; j < TRIALS_OF_STRATUM; j++) squares += (values[j]! - sum / TRIALS_OF_STRATUM) ** 2;
  addRoundedUp(sums, at, SUM_WORDS, sum);
  addRoundedUp(sums, at + SUM_WORDS + 1, SQUARE_WORDS, squares);
}

/** Adds a value to a sum with some words behind the binary point, rounded up to a multiple of the last of them. */
function addRoundedUp(sums: Float64Array, at: number, fraction: number, value: number): void {
  let rest = value;
  // A double minus its integer part, and times 2^32, is exact.
  for (let k = fraction; k > 0 && rest > 0; k--) {
    const whole = Math.floor(rest);
    sums[at + k]! += whole;
    rest = (rest - whole) * 2 ** 32;
  }
  sums[at]! += Math.ceil(rest);
}

/** The sum of some values, and that of the squares of their deviations from the means of their groups. */
export interface Moments {
  readonly sum: number;
  readonly squares: number;
}

/** The moments of an event of a tally, for its failures and for its successes. */
export function eventSums(
  words: Float64Array,
  event: number,
): { readonly failures: Moments; readonly successes: Moments } {
  const momentsAt = (at: number): Moments => ({
    sum: numberOf(words.subarray(at, at + SUM_WORDS + 1)),
    squares: numberOf(words.subarray(at + SUM_WORDS + 1, at + MOMENT_WORDS)),
  });
  const at = EVENT_WORDS * event;
  return { failures: momentsAt(at), successes: momentsAt(at + MOMENT_WORDS) };
}

/** The number of some words, the last of which stands before the binary point. */
function numberOf(words: Float64Array): number {
  return words.reduce((sum, word, k) => sum + word * 2 ** (32 * (k + 1 - words.length)), 0);
}
