// How often the loops of `reach` run, by drawing trials with the project's own code.

import { itemsOf } from "../../host/node/bench/measure/updates.ts";
import type { Plan } from "../../src/plan.ts";

/** The extents of a trial in words of its bitset. */
interface TrialWords {
  /** The words that each item updates: from that of bit min(prefix sum, top) down to that of bit max(liveFrom, item). */
  readonly updated: readonly number[];
  /** The word of the top. */
  readonly top: number;
  /** The words of the target window after all items. */
  readonly counted: number;
}

const wordOf = (bit: number) => Math.floor(bit / 32);

/** How items enter: those up to M/2 first, where an invocation has a trial for itself; by magnitude, where lanes share it. */
type Order = "small first" | "ascending";

/** The extents of a trial. */
function wordsOf(plan: Plan, trial: number, order: Order): TrialWords {
  const { halfRange: M } = plan.params;
  const items = itemsOf(plan, trial);
  const magnitudes = items.map(Math.abs);
  const entering =
    order === "ascending"
      ? magnitudes.toSorted((a, b) => a - b)
      : [...magnitudes.filter((a) => a <= M / 2), ...magnitudes.filter((a) => a > M / 2).toReversed()];
  const sum = magnitudes.reduce((total, a) => total + a, 0);
  const negative = items.reduce((total, item) => total + Math.max(-item, 0), 0);
  const lesser = Math.min(negative, sum - negative);
  const top = Math.min(sum, lesser + M);
  const depth = sum - lesser + M;
  let prefixSum = 0;
  const updated = entering.map((a) => {
    prefixSum += a;
    const from = Math.max(prefixSum - depth, a, 0);
    return wordOf(Math.min(prefixSum, top)) - wordOf(from) + 1;
  });
  const counted = wordOf(Math.min(sum, lesser + M)) - wordOf(Math.max(0, lesser - M)) + 1;
  return { updated, top: wordOf(top), counted };
}

const mean = (numbers: readonly number[]) => numbers.reduce((sum, x) => sum + x, 0) / numbers.length;

/** Trials of a sample in groups of `lanes`, which run in lockstep: each loop runs as often as the slowest of its lanes needs. */
export class Lockstep {
  readonly #groups: readonly (readonly TrialWords[])[];

  /** The samples that were drawn, by size and shape. */
  static readonly #drawn = new Map<string, Lockstep>();

  /** A sample of `groups` groups of trials of one number of items. */
  static of(plan: Plan, lanes: number, groups: number, order: Order): Lockstep {
    const { halfRange, itemsTo } = plan.params;
    const key = [halfRange, itemsTo, lanes, groups, order].join();
    let drawn = this.#drawn.get(key);
    if (!drawn) this.#drawn.set(key, (drawn = new Lockstep(plan, lanes, groups, order)));
    return drawn;
  }

  private constructor(plan: Plan, lanes: number, groups: number, order: Order) {
    this.#groups = Array.from({ length: groups }, (_, group) =>
      Array.from({ length: lanes }, (_, lane) => wordsOf(plan, group * lanes + lane, order)),
    );
  }

  #mean(ofGroup: (group: readonly TrialWords[]) => number): number {
    return mean(this.#groups.map(ofGroup));
  }

  /** Iterations over all items of a trial of a loop that updates `words` words in each. */
  updates(words: number): number {
    return this.#mean((group) =>
      group[0]!.updated.reduce(
        (sum, _, item) =>
          sum + Math.max(...group.map(({ updated }) => Math.max(1, Math.ceil(updated[item]! / words)))),
        0,
      ),
    );
  }

  /** Iterations of a loop that clears the words above the lowest, `words` words in each. */
  clears(words: number): number {
    return this.#mean((group) => Math.max(...group.map(({ top }) => Math.max(1, Math.ceil(top / words)))));
  }

  /** Iterations of a loop that counts the bits of `words` words of the target window in each. */
  counts(words: number): number {
    return this.#mean((group) => Math.max(...group.map(({ counted }) => Math.ceil(counted / words))));
  }
}
