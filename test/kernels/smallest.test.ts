// Kernel `smallest`: the same answers on every engine.

import { describe, expect, test } from "vitest";
import { batchWords, oracleWords } from "../oracle.ts";
import { exactly, givenRandom, givenSeams, nearEnds, shown } from "./given.ts";
import { describeParity } from "./parity.ts";
import { smallestFaults } from "./smallest.faults.ts";

/** Ten thousand items, most of them 0. */
const long = Array.from({ length: 10_000 }, (_, i) => (i % 9 === 0 ? [1, -1, 2][(i / 9) % 3]! : 0));

const { engine } = describeParity("smallest", {
  seams: [
    ...givenSeams("smallest"),
    {
      title: "10,000 small items",
      works: () => [batchWords({ kernel: "smallest", instances: [exactly(long, 0, 300, 741, -371)] })],
      on: ["reference", "cpu", "threads"],
    },
  ],
  random: givenRandom("smallest"),
  probes: { batch: () => [batchWords(shown("smallest"))] },
  faults: smallestFaults,
});

describe("Large sums of smallest", () => {
  test("The CPU answers smallest near both ends of sums that span almost 2^31", async () => {
    const batch = { kernel: "smallest", instances: nearEnds } as const;
    const { words } = await (await engine("cpu")).run(batchWords(batch));
    expect([...words]).toEqual(oracleWords(batch));
  });
});
