// knapsack: for each capacity of given instances, the greatest profit of items that weigh no more, and the smallest mask of it.

import type { Contract } from "../kernel.ts";
import { maskWords, writeMask, type InstanceInput } from "./instances.ts";

const knapsackParams = [
  /** The number of instances, each with at least one target. */
  "instances",
  /** The numbers of items, of targets and of words of answers, of all instances together. */
  "items",
  "targets",
  "answers",
  /** The most items of one instance, 0..10,000. */
  "longest",
  /** One more than the greatest capacity, 1..2^31 - 1. */
  "sums",
  /** 1: tables exceed fast memory, and one instance is enough work for a whole device. */
  "tiles",
] as const;

export type KnapsackParam = (typeof knapsackParams)[number];
export type KnapsackInput = InstanceInput | "profits";

/** Words of one target: its capacity, and the offset of its answer. */
export const CAPACITY_WORDS = 2;

/** Words of an answer. */
export const knapsackWords = (n: number): number => 2 + maskWords(n);

/**
 * - `items` [items]: weights, 0..2^31 - 1.
 * - `profits` [items][2]: 64 bits each, low word first, not negative. Those of one instance add up to less than 2^63.
 * - `starts` as in instances.ts.
 * - `targets` [targets][2]: a capacity, 0..2^31 - 2, and the offset of the answer in words.
 *
 * An answer is the greatest profit in two words, and the smallest mask that has it, maskWords(n) words.
 */
export const knapsack: Contract<KnapsackParam, KnapsackInput, "answers"> = {
  name: "knapsack",
  params: knapsackParams,
  buffers: {
    items: { type: "u32", access: "read", length: (params) => params.items },
    profits: { type: "u32", access: "read", length: (params) => 2 * params.items },
    starts: { type: "u32", access: "read", length: (params) => 2 * (params.instances + 1) },
    targets: { type: "u32", access: "read", length: (params) => CAPACITY_WORDS * params.targets },
    answers: { type: "u32", access: "read_write", length: (params) => params.answers },
  },
  twin(params, { items, profits, starts, targets, answers }) {
    answers.fill(0);
    for (let k = 0; k < params.instances; k++) {
      const [item, target, nextItem, nextTarget] = starts.subarray(2 * k, 2 * k + 4);
      const weights = items.subarray(item, nextItem);
      const asked = targets.subarray(CAPACITY_WORDS * target!, CAPACITY_WORDS * nextTarget!);
      const capacities = Array.from(asked).filter((_, word) => word % CAPACITY_WORDS === 0);
      // rows[i][c]: the greatest profit of some of the first i items that weigh at most c.
      let row = new BigUint64Array(capacities.reduce((a, b) => Math.max(a, b)) + 1);
      const rows = [row];
      weights.forEach((weight, i) => {
        const at = 2 * (item! + i);
        const profit = (BigInt(profits[at + 1]!) << 32n) | BigInt(profits[at]!);
        const before = row;
        row = before.map((without, c) => {
          const taken = c < weight ? 0n : before[c - weight]! + profit;
          return taken > without ? taken : without;
        });
        rows.push(row);
      });
      capacities.forEach((capacity, j) => {
        const answerAt = asked[CAPACITY_WORDS * j + 1]!;
        const profit = row[capacity]!;
        answers[answerAt] = Number(profit & 0xffffffffn);
        answers[answerAt + 1] = Number(profit >> 32n);
        writeMask(answers, answerAt + 2, takenItems(weights, rows, capacity));
      });
    }
  },
};

/** The indices of the smallest mask, from the last on: an item is taken only if the items before it have less profit alone. */
function* takenItems(
  weights: Int32Array | Uint32Array,
  rows: readonly BigUint64Array[],
  capacity: number,
): Generator<number> {
  for (let i = weights.length - 1; i >= 0; i--)
    if (rows[i]![capacity] !== rows[i + 1]![capacity]) {
      yield i;
      capacity -= weights[i]!;
    }
}
