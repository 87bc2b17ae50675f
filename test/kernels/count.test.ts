// Kernel `count`: the same counts on every engine.

import { describe, expect, test } from "vitest";
import { batchWords, oracleWords } from "../oracle.ts";
import { countFaults } from "./count.faults.ts";
import { exactly, givenRandom, givenSeams, nearEnds, shown } from "./given.ts";
import { describeParity } from "./parity.ts";

const ones = new Array<number>(64).fill(1);
const zeros = new Array<number>(64).fill(0);

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
  ],
  random: givenRandom("count"),
  probes: {
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

describe("Large sums of count", () => {
  test("The CPU answers count near both ends of sums that span almost 2^31", async () => {
    const batch = { kernel: "count", instances: nearEnds } as const;
    const { words } = await (await engine("cpu")).run(batchWords(batch));
    expect([...words]).toEqual(oracleWords(batch));
  });
});
