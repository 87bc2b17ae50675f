// Kernel `knapsack`: the same profits and masks on every engine.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { knapsackBatch, knapsackAnswers, type GivenKnapsack } from "../oracle.ts";
import { knapsackFaults } from "./knapsack.faults.ts";
import { describeParity } from "./parity.ts";

const list = <T>(length: number, element: (i: number) => T) => Array.from({ length }, (_, i) => element(i));

/** n items of small weights, with profits beyond one word, many of them equal. */
const ofLength = (n: number, capacities: readonly number[]): GivenKnapsack => ({
  items: list(n, (i) => (i * 7) % 5),
  profits: list(n, (i) => BigInt((i * 11) % 4) * (2n ** 33n - 1n)),
  capacities,
});

const few: readonly GivenKnapsack[] = [
  { items: [3, 4, 5, 9, 4], profits: [3n, 4n, 4n, 10n, 4n], capacities: [11, 0, 25, 8, 4] },
  { items: [], profits: [], capacities: [0, 9] },
  { items: [0, 0, 7], profits: [1n, 0n, 2n ** 40n], capacities: [6, 7] },
  { items: [9, 8], profits: [1n, 2n], capacities: [7] },
  // Two sets of one profit, and profits whose low words carry.
  { items: [2, 3, 5], profits: [2n ** 32n - 1n, 1n, 2n ** 32n], capacities: [5, 10] },
  { items: [1, 1, 1], profits: [2n ** 61n, 2n ** 61n, 2n ** 62n - 1n], capacities: [1, 2, 3] },
  ...[31, 32, 33, 63, 64, 65].map((n) => ofLength(n, [0, 31, 32, 63])),
];

const tiny = (count: number) =>
  list(count, (k): GivenKnapsack => ({
    items: [1 + (k % 3), 2],
    profits: [BigInt(k), 3n],
    capacities: [k % 5],
  }));

const drawn = fc
  .array(fc.tuple(fc.nat(9), fc.oneof(fc.bigInt(0n, 9n), fc.bigInt(0n, 2n ** 50n))), { maxLength: 12 })
  .chain((items) =>
    fc.array(fc.nat(60), { minLength: 1, maxLength: 3 }).map((capacities): GivenKnapsack => ({
      items: items.map(([weight]) => weight),
      profits: items.map(([, profit]) => profit),
      capacities,
    })),
  );

const { engine } = describeParity("knapsack", {
  seams: [
    {
      title: "profits of 64 bits, equal profits, no items and no capacity",
      works: () => [knapsackBatch(few)],
    },
    {
      title: "capacities about the ends of words",
      wide: true,
      works: () => [
        knapsackBatch(
          [1, 7, 8, 9, 30, 31, 32, 33, 63, 64, 65, 127, 128, 129].map((most) =>
            ofLength(14, [most, most - 1]),
          ),
        ),
        knapsackBatch(few, true),
      ],
    },
    {
      title: "1500 instances, more than have tables in storage at a time",
      works: () => [knapsackBatch(tiny(1500))],
      on: ["reference", "cpu", "storage"],
    },
  ],
  random: [
    {
      title: "random batches",
      wide: true,
      works: fc
        .array(drawn, { minLength: 20, maxLength: 40 })
        .map((some) => [knapsackBatch([...some, ofLength(12, [60])])]),
      seed: 3,
      runs: 6,
    },
  ],
  probes: { batch: () => [knapsackBatch(few)], "1500 instances": () => [knapsackBatch(tiny(1500))] },
  faults: knapsackFaults,
});

describe("Answers of knapsack", () => {
  test("Profits and masks of knapsack are those of all index sets", async () => {
    const some = [
      ...few.filter(({ items }) => items.length < 20),
      ...fc.sample(drawn, { seed: 9, numRuns: 60 }),
    ];
    for (const name of ["reference", "cpu"] as const) {
      const { words } = await (await engine(name)).run(knapsackBatch(some));
      expect([...words]).toEqual(knapsackAnswers(some));
    }
  });
});
