// Kernel `witness`: the same answers on every engine.

import { describe, expect, test } from "vitest";
import { batchWords, oracleWords } from "../oracle.ts";
import { exactly, givenRandom, givenSeams, nearEnds, shown, tie } from "./given.ts";
import { describeParity } from "./parity.ts";
import { witnessFaults } from "./witness.faults.ts";

/** Ten thousand items, most of them 0. */
const long = Array.from({ length: 10_000 }, (_, i) => (i % 9 === 0 ? [1, -1, 2][(i / 9) % 3]! : 0));

const { engine } = describeParity("witness", {
  seams: [
    ...givenSeams("witness"),
    {
      title: "10,000 small items",
      works: () => [batchWords({ kernel: "witness", instances: [exactly(long, 0, 300, 741, -371)] })],
      on: ["reference", "cpu", "threads"],
    },
    {
      title: "127 to 129 items, on both sides of the switch between the two kinds of history",
      works: () => {
        // Odd sums are out of reach, so that no search ends early.
        const instances = [127, 128, 129].flatMap((n) => {
          const items = Array.from({ length: n }, (_, i) => 2 * ((i * 71) % 211) - 200);
          return [exactly(items, 36), exactly(items, 4001), exactly(items, 36, 2000, -900)];
        });
        return [batchWords({ kernel: "witness", instances })];
      },
      on: ["reference", "cpu", "threads"],
    },
  ],
  random: givenRandom("witness"),
  probes: { batch: () => [batchWords(shown("witness", [tie]))] },
  faults: witnessFaults,
});

describe("Large sums of witness", () => {
  test("The CPU answers witness near both ends of sums that span almost 2^31", async () => {
    const batch = { kernel: "witness", instances: nearEnds } as const;
    const { words } = await (await engine("cpu")).run(batchWords(batch));
    expect([...words]).toEqual(oracleWords(batch));
  });
});
