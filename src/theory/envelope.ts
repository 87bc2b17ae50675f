// Proven bounds on the probability that a target is reached, and predictions of it, at every finite size. Bounds are theorems and
// allow for their rounding. Predictions are not theorems and have another type.

import { RequestError } from "../errors.ts";
import { isProduct, type Ensemble } from "../ensemble.ts";
import {
  addStep,
  checkTheory,
  itemDistribution,
  nothing,
  positivePart,
  stepOf,
  type ItemRange,
} from "./distribution.ts";
import {
  firstMoment,
  pairsOf,
  secondMoments,
  slicesOf,
  momentTables,
  type Moments,
  type Slices,
  type MomentTables,
} from "./moments.ts";
import { parityShare } from "./signed.ts";

/** Upper bounds on P(Y > 0); `proofs` says what each is. */
export const upperBounds = ["markov", "markov_cond", "parity", "divisor", "range"] as const;
/** Lower bounds on P(Y > 0). Dawson & Sankoff (Proc. AMS 18, 1967) is never below Cauchy-Schwarz. */
export const lowerBounds = ["empty", "cs", "ds", "cs_cond", "ds_cond", "amplification"] as const;

/** What the proof of each bound is, as plain text. P is the probability that a target is reached. */
export const proofs: Record<(typeof upperBounds)[number] | (typeof lowerBounds)[number], string> = {
  markov: "Markov: P is at most E Y (half of it for signed sum 0, whose solutions come in pairs)",
  markov_cond: "Markov, conditioned on the total of the items",
  parity: "a signed sum has the parity of the plain sum",
  divisor: "all items may share a divisor that does not divide the target",
  range: "the items of the target's sign may sum to less than it",
  empty: "the empty subset sums to 0",
  cs: "Cauchy-Schwarz: P is at least (E Y)^2 / E Y^2",
  ds: "Dawson-Sankoff: the best bound from E Y and E Y^2",
  cs_cond: "Cauchy-Schwarz, conditioned on the total of the items",
  ds_cond: "Dawson-Sankoff, conditioned on the total of the items",
  amplification: "disjoint groups of items fail independently",
};

/** A proven bound on the probability of success. */
export type Bound = (
  | { readonly kind: "upper"; readonly name: (typeof upperBounds)[number] }
  | { readonly kind: "lower"; readonly name: (typeof lowerBounds)[number] }
) & {
  /** The bound on P(Y > 0), in 0..1. */
  readonly value: number;
  /** The bound on P(Y = 0), which is 1 - `value` and keeps its digits where `value` is near 1. */
  readonly failure: number;
};

/** A number close to the probability of success, on either side of it. */
export interface Prediction {
  /**
   * `poisson`: given Lambda (for `rnpp` the parity of the sum) the number of solutions is taken to be Poisson, its mean
   * exact. `window`: the law of the scaling window with the corrections of window.ts; for the perfect partitions of
   * `rnpp` the limit of Borgs, Chayes & Pittel.
   */
  readonly name: "poisson" | "window";
  readonly value: number;
  readonly failure: number;
}

/** The moments, bounds and predictions of one target for one number of items. */
export interface EnvelopePoint extends Moments {
  readonly bounds: readonly Bound[];
  readonly predictions: readonly Prediction[];
  /** The greatest lower and the least upper bound among `bounds`. */
  readonly lower: Bound;
  readonly upper: Bound;
}

/** The result of `envelope`. */
export interface Envelope {
  readonly ensemble: Ensemble;
  readonly halfRange: number;
  /** The largest number of items for which `cs_cond` and `ds_cond` were computed; -1 if for none. */
  readonly conditionalTo: number;
  /** By items, then by targets in the order given. */
  readonly points: readonly EnvelopePoint[];
}

/**
 * Every bound gives way by this much, relatively, to rounding. In the worst case 64 steps of half + 2 factor + 4 additions
 * leave errors near 2^-35, so that a first moment is within that and a second, a sum over 2^18 values more, within 2^-34.
 * Dawson & Sankoff's bound triples the first error and doubles the second; sums over slices add 2^-34 to 5 times 2^-35.
 */
const ROUNDING = 2 ** -32;

function lower(name: (typeof lowerBounds)[number], value: number): Bound {
  const safe = Math.min(1, value * (1 - ROUNDING));
  return { kind: "lower", name, value: safe, failure: 1 - safe };
}

function upper(name: (typeof upperBounds)[number], value: number): Bound {
  const safe = Math.min(1, value * (1 + ROUNDING));
  return { kind: "upper", name, value: safe, failure: 1 - safe };
}

/** An upper bound from a failure that is at least this probable. */
function obstruction(name: (typeof upperBounds)[number], failure: number): Bound {
  const safe = Math.min(1, failure * (1 - ROUNDING));
  return { kind: "upper", name, value: 1 - safe, failure: safe };
}

/** The bound (E Y)^2 / E Y^2 <= P(Y > 0); 0 where Y is always 0. */
function cauchySchwarz(first: number, second: number): number {
  return first > 0 ? (first / second) * first : 0;
}

/** The best lower bound on P(Y > 0) from two moments of an integer Y >= 0. It scales linearly with both moments. */
function dawsonSankoff(first: number, second: number): number {
  if (!(first > 0)) return 0;
  const excess = Math.max(0, second - first);
  const k = 1 + Math.floor(excess / first);
  return (2 * first) / (k + 1) - excess / (k * (k + 1));
}

/**
 * The largest P(d divides X) over the d of 2..M + 1 that do not divide the target. If d divides every item, it divides every
 * sum. The last d, M + 1, divides the item 0 only.
 */
function sharedDivisor(ensemble: Ensemble, halfRange: number, target: number): number {
  if (ensemble === "rnpp") {
    // The smallest divisor has the most multiples.
    let d = 2;
    while (target % d === 0) d++;
    return Math.floor(halfRange / d) / halfRange;
  }
  const pmf = itemDistribution(ensemble, halfRange).mass;
  let best = 0;
  for (let d = 2; d <= halfRange + 1; d++) {
    if (target % d === 0) continue;
    let share = 0;
    for (let i = halfRange % d; i < pmf.length; i += d) share += pmf[i]!;
    best = Math.max(best, share);
  }
  return best;
}

/** The probability that the positive items sum to less than a positive target, by the number of items n = 0..items. */
function positivesFallShort(ensemble: Ensemble, halfRange: number, items: number, target: number): number[] {
  const step = positivePart(stepOf(ensemble, halfRange));
  const failures: number[] = [];
  for (let n = 0, sum = nothing; n <= items; n++) {
    failures.push(
      Math.min(
        1,
        sum.mass.reduce((total, mass) => total + mass, 0),
      ),
    );
    const { offset, mass } = addStep(sum, step);
    sum = { offset, mass: mass.subarray(0, target) };
  }
  return failures;
}

/** Bounds and predictions made on each slice of Lambda and summed over the slices. */
function overSlices({ probability, first, second }: Slices) {
  let [markov, cs, ds, poissonFailure] = [0, 0, 0, 0];
  for (let i = 0; i < first.length; i++) {
    const mean = first[i]!;
    const weight = probability[i]!;
    if (weight > 0) poissonFailure += weight * Math.exp(-mean / weight);
    if (!(mean > 0)) continue;
    markov += Math.min(mean, weight);
    if (second === undefined) continue;
    cs += cauchySchwarz(mean, second[i]!);
    ds += dawsonSankoff(mean, second[i]!);
  }
  return { markov, cs, ds, poissonFailure };
}

/** The bounds and predictions of one signed sum. */
function signedPoint({ halfRange }: MomentTables, { items, target, first, second }: Moments) {
  // The opposite signs of a solution of target 0 are a solution too, so that N_0 / 2 is an integer.
  const copies = target === 0 && items > 0 ? 2 : 1;
  // A target of the other parity than the plain sum has no solutions.
  const share = parityShare(halfRange, items, target);
  const bounds = [
    upper("markov", first / copies),
    upper("parity", share),
    lower("cs", cauchySchwarz(first, second)),
    lower("ds", dawsonSankoff(first / copies, second / copies ** 2)),
  ];
  // Without items the only sum is 0.
  const failure =
    items === 0
      ? Number(target !== 0)
      : share > 0
        ? 1 - share + share * Math.exp(-first / copies / share)
        : 1;
  return { bounds, predictions: [{ name: "poisson", value: 1 - failure, failure } as const] };
}

/**
 * A number proportional to the additions that the second moments of the slices take, for one number of items and one target: n
 * steps over up to 2 n M + 1 values, times N for products.
 */
function conditionalWork(ensemble: Ensemble, halfRange: number, n: number): number {
  return 4 * n * n * halfRange * (isProduct(ensemble) ? Math.sqrt(halfRange) : 1);
}

/** The default limit of conditional work. */
const DEFAULT_CONDITIONAL_WORK = 2e9;

/**
 * Moments, proven bounds and predictions of the probability that a target is reached, for every number of items of a range
 * and every target. They are about Y, the number of index sets (sign vectors for `rnpp`) that hit the target exactly.
 *
 * The bounds hold in double precision: each gives way by 2^-32, relatively, for its rounding. For large sizes `cs` and `ds`
 * cannot exceed sqrt(3)/2, because two subset sums have correlation 1/2. Conditioned on Lambda, the total of all items, they
 * can, and `amplification` then makes the failure exponentially small. The empty set reaches target 0 (not for `rnpp`).
 * @param halfRange M, 1..2^12, for products a perfect square; for `rnpp` 1..2^22 - 1.
 * @param items 0..64.
 * @param targets Integers of 32 bits.
 * @param work How much the conditional second moments may take, in units of a few nanoseconds: the sum over items and
 * targets of 4 n^2 M, times N for products. `cs_cond` and `ds_cond` are given up to the largest number of items within
 * it, and `amplification` uses them beyond. Default 2 * 10^9: all of them for two targets up to M = 2^11.
 * @throws {RequestError} An argument is out of range.
 * @example
 * ```ts
 * import { envelope } from "exacta/theory";
 *
 * const { points } = envelope("rssp", 64, { from: 12, to: 12 }, [1]);
 * for (const { kind, name, value } of points[0]!.bounds.slice(0, 2))
 *   console.log(kind, name, value.toFixed(4)); // upper markov 1.0000
 *   // lower cs 0.8255
 * ```
 */
export function envelope(
  ensemble: Ensemble,
  halfRange: number,
  items: ItemRange,
  targets: readonly number[],
  work = DEFAULT_CONDITIONAL_WORK,
): Envelope {
  checkTheory(ensemble, halfRange, items, targets);
  if (!(work >= 0)) throw new RequestError("work", "a number from 0 up", work);
  const tables = momentTables(ensemble, halfRange, items.to);
  let conditionalTo = -1;
  for (let remaining = work; ensemble !== "rnpp" && conditionalTo < items.to; conditionalTo++) {
    remaining -= targets.length * conditionalWork(ensemble, halfRange, conditionalTo + 1);
    if (remaining < 0) break;
  }
  const byTarget = targets.map((target) => targetPoints(tables, items, target, conditionalTo));
  const points = Array.from({ length: items.to - items.from + 1 }, (_, i) =>
    byTarget.map((points) => points[i]!),
  ).flat();
  return { ensemble, halfRange, conditionalTo, points };
}

/** The points of one target, for every number of items of the range. */
function targetPoints(
  tables: MomentTables,
  items: ItemRange,
  target: number,
  conditionalTo: number,
): EnvelopePoint[] {
  const { ensemble, halfRange } = tables;
  const signed = ensemble === "rnpp";
  const pairs = signed ? undefined : pairsOf(tables, target);
  const seconds = secondMoments(tables, target, pairs);
  // All sums are below items.to M + 1, so that larger targets behave like it.
  const capped = Math.min(Math.abs(target), items.to * halfRange + 1);
  const short =
    signed || target === 0 ? undefined : positivesFallShort(ensemble, halfRange, items.to, capped);
  const divisor = target === 0 ? 0 : sharedDivisor(ensemble, halfRange, target);
  /** The smallest proven bound on the failure of 0, 1, ... items, which may be split into disjoint groups. */
  const failures: number[] = [];
  const points: EnvelopePoint[] = [];
  for (let n = signed ? items.from : 0; n <= items.to; n++) {
    const asked = n >= items.from;
    const moments: Moments = { items: n, target, first: firstMoment(tables, n, target), second: seconds[n]! };
    const { bounds, predictions } = signed
      ? signedPoint(tables, moments)
      : subsetPoint(tables, moments, asked, n <= conditionalTo ? pairs : undefined);
    if (divisor > 0) bounds.push(obstruction("divisor", divisor ** n));
    if (short) bounds.push(obstruction("range", short[n]!));
    if (!signed) {
      let failure = Math.min(...bounds.filter(({ kind }) => kind === "lower").map((bound) => bound.failure));
      for (let group = 1; group <= n / 2; group++)
        failure = Math.min(failure, failures[group]! * failures[n - group]!);
      failures.push(failure);
      const safe = target === 0 ? 0 : Math.min(1, failure * (1 + ROUNDING));
      bounds.push({ kind: "lower", name: "amplification", value: 1 - safe, failure: safe });
    }
    if (!asked) continue;
    const best = (kind: Bound["kind"], better: (a: Bound, b: Bound) => boolean) =>
      bounds.filter((bound) => bound.kind === kind).reduce((a, b) => (better(b, a) ? b : a));
    points.push({
      ...moments,
      bounds,
      predictions,
      lower: best("lower", (a, b) => a.failure < b.failure),
      upper: best("upper", (a, b) => a.failure > b.failure),
    });
  }
  return points;
}

/**
 * The bounds and predictions of one subset sum, but for those that need all numbers of items.
 * @param asked Whether the point is returned; otherwise only lower bounds are computed, for `amplification`.
 * @param pairs The result of `pairsOf`; undefined where the conditional second moments exceed the work limit.
 */
function subsetPoint(
  tables: MomentTables,
  moments: Moments,
  asked: boolean,
  pairs: Parameters<typeof slicesOf>[3],
) {
  const { items, target, first, second } = moments;
  const bounds = [lower("cs", cauchySchwarz(first, second)), lower("ds", dawsonSankoff(first, second))];
  const predictions: Prediction[] = [];
  if (target === 0) bounds.unshift({ kind: "lower", name: "empty", value: 1, failure: 0 });
  if (asked) bounds.unshift(upper("markov", first));
  if (!asked && !pairs) return { bounds, predictions };
  const slices = overSlices(slicesOf(tables, items, target, pairs));
  if (pairs) bounds.push(lower("cs_cond", slices.cs), lower("ds_cond", slices.ds));
  if (asked) {
    bounds.push(upper("markov_cond", slices.markov));
    const failure = target === 0 ? 0 : slices.poissonFailure;
    predictions.push({ name: "poisson", value: 1 - failure, failure });
  }
  return { bounds, predictions };
}
