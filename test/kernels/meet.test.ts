// Kernel `meet`: the same answers on every engine.

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

const { engine } = describeParity("meet", {
  seams: [
    ...givenSeams("meet"),
    {
      title: "nearest sums within a window and at distances of 64 bits",
      works: () => [batchWords(batch)],
      on: ["reference", "cpu", "threads", "gpu", "workgroup", "storage", "tiles"],
    },
    {
      title: "masks of the fewest items",
      works: () => [batchWords(fewest)],
      on: ["reference", "cpu", "threads", "gpu", "workgroup", "storage", "tiles"],
    },
  ],
  random: givenRandom("meet"),
  probes: {
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
});

describe("Sums of 64 bits", () => {
  test("The nearest sums of meet are in the window and right at distances of 64 bits", async () => {
    const { words } = await (await engine("reference")).run(batchWords(batch));
    expect([...words]).toEqual(oracleWords(batch));
  });
});
