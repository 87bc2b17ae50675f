// The phase experiment with other subsets: sums within a distance of their targets, and subsets of a fixed size.
//
// Both are subset sums of changed instances, so that kernel `witness` answers them. Sums within D of a target are sums that equal
// it when items of the sums -D..D are added. Subsets of size s are those whose sum has the summand s B when B is added to every
// item, B larger than all sums. The smallest mask of a sum ends with the item with which the sum was first reached, so that it
// decides every number of items.

import { drawValue, ensembleKey, itemOf, lawOf } from "../ensemble.ts";
import { RequestError } from "../errors.ts";
import { frameOf, maskWords, TARGET_WORDS, totalsOf } from "../kernels/instances.ts";
import { reachTally } from "../kernels/reach.ts";
import { witnessWords } from "../kernels/witness.ts";
import type { Batch, WorkOf } from "../plan.ts";
import type { PhaseConfig } from "./phase.ts";

/** Whether subsets have a fixed size, or sums a distance from their targets. */
export function isConstrained({ within, size }: Pick<PhaseConfig, "within" | "size">): boolean {
  return within > 0 || size !== undefined;
}

/** The most sums of a table, and the most answers of a trial. */
const MAX_SUMS = 2 ** 22;
const MAX_ANSWERS = 2 ** 18;
/** The most words of the answers of a batch, and its most trials. */
const BATCH_WORDS = 2 ** 20;
const MAX_BATCH_TRIALS = 2 ** 12;

/** Positive integers whose subset sums are exactly 0..most: powers of two, and what is left. */
function ladder(most: number): number[] {
  const steps: number[] = [];
  for (let left = most, step = 1; left > 0; left -= steps.at(-1)!, step *= 2)
    steps.push(Math.min(step, left));
  return steps;
}

/** What the instances of a configuration have in common. */
interface Frame {
  /** Items before the drawn ones, whose subset sums are -D..D. */
  readonly fixed: readonly number[];
  /** B, which is added to every drawn item; 0 where subsets may have any size. */
  readonly offset: number;
  /** The sums that are asked for: those of -M..M first, then those of other targets. */
  readonly sums: readonly number[];
  /** The index in `sums` of each target of the configuration. */
  readonly targetIndices: readonly number[];
}

function frameFor({ halfRange: M, items, targets, within, size }: PhaseConfig): Frame {
  const others = targets.filter((target) => Math.abs(target) > M);
  const largestTarget = others.reduce((most, target) => Math.max(most, Math.abs(target)), M);
  const offset = size === undefined ? 0 : items.to * M + within + largestTarget + 1;
  const asked = [...Array.from({ length: 2 * M + 1 }, (_, i) => i - M), ...others];
  return {
    fixed: ladder(within).flatMap((step) => [step, -step]),
    offset,
    sums: asked.map((target) => target + (size ?? 0) * offset),
    targetIndices: targets.map((target) =>
      Math.abs(target) > M ? 2 * M + 1 + others.indexOf(target) : target + M,
    ),
  };
}

/** The sum of all magnitudes that an instance may have. */
const largestTotal = ({ halfRange, items, within }: PhaseConfig, { offset }: Frame): number =>
  items.to * (halfRange + offset) + 2 * within;

/**
 * Checks what is asked of subsets.
 * @throws {RequestError} For signed sums, and for tables that are too large.
 */
export function checkConstrained(config: PhaseConfig): void {
  if (!isConstrained(config)) return;
  const { ensemble, within, size } = config;
  if (ensemble === "rnpp")
    throw new RequestError(
      size === undefined ? "within" : "size",
      "none for rnpp, in whose sums every item has a sign",
      size ?? within,
    );
  const frame = frameFor(config);
  const sums = largestTotal(config, frame) + 1;
  if (sums > MAX_SUMS)
    throw new RequestError(
      size === undefined ? "within" : "size",
      `tables of at most ${MAX_SUMS} sums, about n M with within and 2 n^2 M with size`,
      sums,
      "ask for fewer items or a smaller half range",
    );
  if (frame.sums.length > MAX_ANSWERS)
    throw new RequestError("targets", `at most ${MAX_ANSWERS} with within or size`, frame.sums.length);
}

/** The items of a trial. */
function drawnItems({ ensemble, halfRange, items, enumerate, seed }: PhaseConfig, trial: number): number[] {
  const law = lawOf(ensemble, halfRange);
  const key = ensembleKey(seed, ensemble, halfRange);
  return Array.from({ length: items.to }, (_, i) =>
    itemOf(
      law,
      enumerate ? Math.floor(trial / law.range ** i) % law.range : drawValue(law.range, key, trial, i),
    ),
  );
}

const answerWords = ({ items }: PhaseConfig, { fixed }: Frame) => witnessWords(fixed.length + items.to, true);

/** The work of a range of trials: the witness of every sum that is asked for. */
export function constrainedWork(config: PhaseConfig, { first, count }: Batch): WorkOf<"witness"> {
  const frame = frameFor(config);
  const { fixed, offset, sums } = frame;
  const n = fixed.length + config.items.to;
  const words = answerWords(config, frame);
  const items = new Int32Array(n * count);
  const targets = new Int32Array(TARGET_WORDS * sums.length * count);
  const starts = new Uint32Array(2 * (count + 1));
  let [target, most] = [0, 1];
  for (let k = 0; k < count; k++) {
    const own = items.subarray(n * k, n * (k + 1));
    own.set(fixed);
    drawnItems(config, first + k).forEach((item, i) => (own[fixed.length + i] = item + offset));
    const { negative, positive } = totalsOf(own);
    let [lowest, highest] = [positive, -negative];
    sums.forEach((sum, i) => {
      // Other sums are never reached.
      if (sum < -negative || sum > positive) return;
      targets.set([sum, sum, sum, words * (sums.length * k + i)], TARGET_WORDS * target++);
      lowest = Math.min(lowest, sum);
      highest = Math.max(highest, sum);
    });
    if (lowest <= highest) most = Math.max(most, frameOf(negative, positive, lowest, highest).liveTo + 1);
    starts.set([n * (k + 1), target], 2 * (k + 1));
  }
  return {
    kernel: "witness",
    params: {
      instances: count,
      items: n * count,
      targets: target,
      answers: words * sums.length * count,
      longest: n,
      sums: most,
      masks: 1,
      tiles: 0,
      reduction: 0,
    },
    inputs: { items, starts, targets: targets.slice(0, TARGET_WORDS * target) },
  };
}

/** The tally of a range of trials, as kernel `reach` counts them, from the answers to their work. */
export function constrainedTally(config: PhaseConfig, count: number, answers: Uint32Array): Float64Array {
  const { halfRange, items } = config;
  const frame = frameFor(config);
  const { fixed, sums, targetIndices } = frame;
  const layout = reachTally({ itemsFrom: items.from, itemsTo: items.to, targets: targetIndices.length });
  const tally = new Float64Array(layout.length);
  const words = answerWords(config, frame);
  const masks = maskWords(fixed.length + items.to);
  const inWindow = 2 * halfRange + 1;
  /** By sum: the number of items with which it is first reached. */
  const reachedWith = new Float64Array(sums.length);
  tally[layout.trials] = count;
  for (let k = 0; k < count; k++) {
    for (let i = 0; i < sums.length; i++) {
      const at = words * (sums.length * k + i);
      reachedWith[i] = answers[at]
        ? Math.max(lastBit(answers, at + 2, masks) + 1 - fixed.length, 0)
        : Infinity;
    }
    for (let n = items.from; n <= items.to; n++) {
      const j = n - items.from;
      let misses = 0;
      for (let i = 0; i < inWindow; i++) misses += Number(reachedWith[i]! > n);
      tally[layout.missing(j)]! += misses;
      tally[layout.uncovered(j)]! += Number(misses > 0);
      targetIndices.forEach((index, t) => (tally[layout.unsolved(t, j)]! += Number(reachedWith[index]! > n)));
    }
  }
  for (let j = 0; j <= items.to - items.from; j++) {
    const misses = tally[layout.missing(j)]!;
    tally[layout.missing(j)] = misses % 2 ** 32;
    tally[layout.missing(j) + 1] = Math.floor(misses / 2 ** 32);
  }
  return tally;
}

/** The highest bit that is set in a mask; -1 for none. */
function lastBit(words: Uint32Array, from: number, count: number): number {
  for (let w = count - 1; w >= 0; w--) if (words[from + w]) return 32 * w + 31 - Math.clz32(words[from + w]!);
  return -1;
}

/** The trials of a batch. */
export function constrainedBatch(config: PhaseConfig): number {
  const frame = frameFor(config);
  const words = answerWords(config, frame) * frame.sums.length;
  return Math.max(1, Math.min(MAX_BATCH_TRIALS, Math.floor(BATCH_WORDS / words)));
}

/**
 * The trials of a unit: a power of two that takes one thread about a second. It depends on the configuration alone. The formula
 * must never change.
 */
export function constrainedUnit(config: PhaseConfig): number {
  const frame = frameFor(config);
  const n = frame.fixed.length + config.items.to;
  const nanoseconds =
    2000 + 300 * n + 0.05 * n * largestTotal(config, frame) + frame.sums.length * (100 + 10 * n);
  return 2 ** Math.max(0, Math.round(Math.log2(1e9 / nanoseconds)));
}
