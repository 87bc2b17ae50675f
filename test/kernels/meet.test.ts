// Kernel `meet`: the same answers on every engine.

import { describe, expect, test } from "vitest";
import { batchWords, oracleWords, type Given, type GivenBatch } from "../oracle.ts";
import { givenRandom, givenSeams, shown, tie } from "./given.ts";
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

const { engine } = describeParity("meet", {
  seams: [
    ...givenSeams("meet"),
    {
      title: "nearest sums within a window and at distances of 64 bits",
      works: () => [batchWords(batch)],
      on: ["reference", "cpu", "threads", "gpu", "workgroup", "storage", "tiles"],
    },
  ],
  random: givenRandom("meet"),
  probes: { batch: () => [batchWords(shown("meet", [tie]))] },
  faults: meetFaults,
});

describe("Sums of 64 bits", () => {
  test("The nearest sums of meet are in the window and right at distances of 64 bits", async () => {
    const { words } = await (await engine("reference")).run(batchWords(batch));
    expect([...words]).toEqual(oracleWords(batch));
  });
});
