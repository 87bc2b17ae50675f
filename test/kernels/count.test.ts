// Kernel `count`: the same counts on every engine.

import { describe, expect, test } from "vitest";
import { batchWords, oracleWords, type GivenBatch } from "../oracle.ts";
import { countFaults } from "./count.faults.ts";
import { exactly, givenRandom, givenSeams, nearEnds, shown } from "./given.ts";
import { describeParity } from "./parity.ts";

const ones = new Array<number>(64).fill(1);
const zeros = new Array<number>(64).fill(0);

/** Counts beyond the modulus, which wraps in steps and in totals of a window. */
const reduced: GivenBatch = {
  kernel: "count",
  reduction: 57,
  instances: [
    {
      items: new Array<number>(70).fill(1),
      targets: [
        [35, 35, 35],
        [0, 69, 0],
        [30, 41, 30],
      ],
    },
    {
      items: new Array<number>(66).fill(0).with(3, -2),
      targets: [
        [0, 0, 0],
        [-2, 0, 0],
      ],
    },
    exactly([3, 5, -8, 13, 21], 10),
  ],
};

const { engine } = describeParity("count", {
  seams: [
    ...givenSeams("count"),
    {
      title: "counts beyond 2^32 and up to 2^64",
      works: () => [
        batchWords({
          kernel: "count",
          instances: [
            exactly(ones, 32, 1, 64),
            exactly(zeros, 0),
            exactly(zeros.with(9, 1), 0, 1),
            {
              items: ones.map((one, i) => (i % 2 === 0 ? one : -one)),
              targets: [
                [-32, 31, 0],
                [-3, 3, 0],
                [0, 0, 0],
              ],
            },
            exactly(new Array<number>(34).fill(2), 34, 33, 36),
          ],
        }),
      ],
    },
    {
      title: "counts modulo 2^62 - 57",
      works: () => [batchWords(reduced), batchWords({ ...reduced, reduction: 2 ** 31 - 1 })],
    },
  ],
  random: givenRandom("count"),
  probes: {
    reduced: () => [batchWords(reduced)],
    batch: () => [
      batchWords(
        shown("count", [
          {
            items: new Array<number>(40).fill(1),
            targets: [
              [20, 20, 20],
              [9, 30, 9],
            ],
          },
        ]),
      ),
    ],
    "1500 instances": () => [
      batchWords({ kernel: "count", instances: Array.from({ length: 1500 }, (_, k) => exactly([k, 1], k)) }),
    ],
    "9000 instances": () => [
      batchWords({ kernel: "count", instances: Array.from({ length: 9000 }, (_, k) => exactly([k], k)) }),
    ],
  },
  faults: countFaults,
});

describe("Reduced counts", () => {
  test("Counts of 2^62 - 57 and more are reduced, and their totals are not", async () => {
    const { words } = await (await engine("cpu")).run(batchWords(reduced));
    const modulus = 2n ** 62n - 57n;
    /** n over k. */
    const ways = (n: number, k: number): bigint =>
      k === 0 ? 1n : (ways(n, k - 1) * BigInt(n - k + 1)) / BigInt(k);
    const totals = (from: number, to: number) =>
      Array.from({ length: to - from + 1 }, (_, i) => ways(70, from + i) % modulus).reduce((a, b) => a + b);
    const zeros = 2n ** 65n % modulus;
    const expected = [totals(35, 35), totals(0, 69), totals(30, 41), zeros, 2n * zeros, 1n];
    const { targets } = batchWords(reduced).inputs;
    const found = expected.map((_, i) =>
      [2, 1, 0].reduce((value, word) => (value << 32n) | BigInt(words[targets[4 * i + 3]! + word]!), 0n),
    );
    expect(found).toEqual(expected);
  });
});

describe("Large sums of count", () => {
  test("The CPU answers count near both ends of sums that span almost 2^31", async () => {
    const batch = { kernel: "count", instances: nearEnds } as const;
    const { words } = await (await engine("cpu")).run(batchWords(batch));
    expect([...words]).toEqual(oracleWords(batch));
  });
});
