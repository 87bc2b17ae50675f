import { expect, test } from "vitest";
import { phaseConfig, plan } from "../../../../src/experiments/phase.ts";
import { itemsOf } from "../measure/updates.ts";
import { reachPlain } from "./javascript.ts";

/** The number of targets of -M..M that subsets reach, by listing all sums. */
function reached(M: number, items: readonly number[]): number {
  let sums = new Set([0]);
  for (const item of items) sums = new Set([...sums, ...[...sums].map((sum) => sum + item)]);
  return [...sums].filter((sum) => Math.abs(sum) <= M).length;
}

test("the plain loop reaches as many targets as listing all sums does", () => {
  for (const [bits, items] of [
    [0, 1],
    [3, 1],
    [3, 9],
    [5, 11],
    [9, 10],
  ] as const) {
    const trials = plan(phaseConfig({ bits, items, targets: [0] }));
    const drawn = Array.from({ length: 20 }, (_, trial) => itemsOf(trials, trial));
    // These shift by whole words, and by one bit.
    drawn.push(
      drawn[0]!.map((_, i) => (i % 2 ? -1 : 1) * 2 ** bits),
      drawn[0]!.map(() => -1),
    );
    const total = drawn.reduce((sum, list) => sum + reached(2 ** bits, list), 0);
    expect([bits, items, reachPlain(2 ** bits, items, Int32Array.from(drawn.flat()))]).toEqual([
      bits,
      items,
      total,
    ]);
  }
});
