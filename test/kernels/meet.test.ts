// Kernel `meet`: the same answers on every engine.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { batchWords, oracleWords, type Given, type GivenBatch } from "../oracle.ts";
import { exactly, givenRandom, givenSeams, shown, tie } from "./given.ts";
import { meetFaults } from "./meet.faults.ts";
import { describeParity } from "./parity.ts";

const least = -(2n ** 63n);
const greatest = 2n ** 63n - 1n;
const far: Given[] = [
  // 6 is nearer than 3, but not in the window.
  { items: [3, 6], targets: [[2, 5, 5]] },
  {
    items: [least],
    targets: [
      [least, 0, least],
      [least, 0, 0],
      [least, -1, -1],
    ],
  },
  {
    items: [greatest],
    targets: [
      [0, greatest, greatest],
      [0, greatest, 0],
      [1, greatest, 1],
    ],
  },
  {
    items: [least, greatest],
    targets: [
      [least, greatest, -1],
      [least, greatest, -2],
      [least, greatest, 2n ** 62n],
    ],
  },
];
const batch: GivenBatch = { kernel: "meet", instances: far };
/** Sums with sets of several sizes, of which those with the smallest masks are not the smallest. */
const manySizes: Given[] = [
  exactly([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 10, 15, 27, 40, 3),
  exactly([0, 0, 2, 2, -2, 4, 0, -4, 6, 1], 0, 6, 2, -6),
  {
    items: [1, 1, 2, 3, 5, 8, 13, 21],
    targets: [
      [12, 23, 18],
      [7, 60, 24],
      [23, 25, 24],
    ],
  },
];
/** Enough masks for several workgroups. */
const manyMasks = Array.from({ length: 17 }, (_, i) => i + 1);
const fewest: GivenBatch = { ...shown("meet", [tie, ...manySizes]), fewest: true };
/** The instance with the numbers of its targets moved to the nearest one between its least and its greatest sum. */
function withinSums({ items, targets }: Given): Given {
  const total = (sign: number) => items.reduce<number>((sum, x) => sum + Math.max(sign * Number(x), 0), 0);
  return {
    items,
    targets: targets.map((numbers) =>
      numbers.map((number) => Math.min(Math.max(Number(number), -total(-1)), total(1))),
    ),
  };
}
/** Wide windows, in which a set of few items is further from the center than one of many. */
const windows: GivenBatch = {
  kernel: "meet",
  instances: [
    ...far,
    ...manySizes,
    {
      items: [7, -3, 12, 5, -9, 4, 1, 30, -22],
      targets: [
        [16, 20, 18],
        [-34, 59, 23],
        [-1, 1, 0],
        [55, 59, 57],
      ],
    },
    exactly(manyMasks, 60, 80, 100),
    { items: manyMasks.map((item) => 3 * item), targets: [[100, 104, 102]] },
  ],
  fewest: "of any sum",
};

/** The most items of a random instance. */
const LONGEST = 9;
/** An instance of as many items, which every random batch has, so that all batches share a shader. */
const largest = exactly(new Array<number>(LONGEST).fill(20), 20, 40, 60);

const { engine } = describeParity("meet", {
  seams: [
    ...givenSeams("meet"),
    {
      title: "nearest sums within a window and at distances of 64 bits",
      works: () => [batchWords(batch)],
      on: ["reference", "cpu", "threads", "workgroup", "storage", "tiles"],
    },
    {
      title: "2^29 index sets of one sum, and 2^16 of which the empty one is answered",
      works: () =>
        ([[29], [16, "of any sum"]] as const).map(([n, fewest]) =>
          batchWords({
            kernel: "meet",
            instances: [exactly(new Array<number>(n).fill(0), 0)],
            ...(fewest && { fewest }),
          }),
        ),
      on: ["reference", "cpu", "threads", "gpu"],
    },
    {
      title: "masks of the fewest items, of one sum and of any sum in a window",
      works: () => [batchWords(fewest), batchWords(windows)],
      on: ["reference", "cpu", "threads", "workgroup", "storage", "tiles"],
    },
  ],
  random: [
    ...givenRandom("meet"),
    {
      title: "random windows, for the fewest items of any sum",
      works: fc
        .array(
          fc.record({
            items: fc.array(fc.integer({ min: -40, max: 40 }), { maxLength: LONGEST }),
            targets: fc.array(
              fc
                .tuple(fc.integer({ min: -80, max: 80 }), fc.nat(20), fc.nat(20))
                .map(([from, below, above]) => [from, from + below + above, from + below]),
              { minLength: 1, maxLength: 3 },
            ),
          }),
          { minLength: 1, maxLength: 3 },
        )
        .map((drawn) => [
          batchWords({
            kernel: "meet",
            instances: [...drawn.map(withinSums), largest],
            fewest: "of any sum",
          }),
        ]),
      seed: 3,
      runs: 10,
    },
  ],
  probes: {
    windows: () => [batchWords(windows)],
    batch: () => [batchWords(shown("meet", [tie]))],
    fewest: () => [batchWords(fewest)],
    "many masks": () => [
      batchWords({ kernel: "meet", instances: [exactly(manyMasks, 60, 80, 100)], fewest: true }),
    ],
  },
  faults: meetFaults,
});

describe("Masks of the fewest items", () => {
  test("The masks of meet with the fewest items are those of all index sets", async () => {
    const { words } = await (await engine("reference")).run(batchWords(fewest));
    expect([...words]).toEqual(oracleWords(fewest));
    expect([...words]).not.toEqual(oracleWords({ ...fewest, fewest: false }));
  });

  test("The masks of meet with the fewest items of any sum are those of all index sets", async () => {
    const { words } = await (await engine("reference")).run(batchWords(windows));
    expect([...words]).toEqual(oracleWords(windows));
    expect([...words]).not.toEqual(oracleWords({ ...windows, fewest: true }));
  });
});

describe("Sums of 64 bits", () => {
  test("The nearest sums of meet are in the window and right at distances of 64 bits", async () => {
    const { words } = await (await engine("reference")).run(batchWords(batch));
    expect([...words]).toEqual(oracleWords(batch));
  });
});
