// The shapes in which the CPU engine counts trials of `reach` all count the same, at the seams between them too.

import { describe, expect, test } from "vitest";
import { loadKernel } from "../host/node/bench/measure/kernel.ts";
import { referenceRunner } from "../host/reference.ts";
import { phaseConfig, plan } from "../src/experiments/phase.ts";
import { batchWork } from "../src/plan.ts";

const NEVER = 2 ** 30;
const shapes = [
  [0, 0],
  [0, NEVER],
  [NEVER, 0],
  [NEVER, NEVER],
] as const;
const reference = referenceRunner();

/** What every shape writes, and what is right. */
async function compare(
  halfRange: number,
  items: number | { from: number; to: number },
  count: number,
  ensemble: "rssp" | "rnpp" = "rssp",
): Promise<void> {
  const trials = plan(phaseConfig({ ensemble, halfRange, items, targets: [0, 1, -halfRange], seed: 7 }));
  const work = batchWork(trials, { first: 5, count });
  const { words: expected } = await reference.run(work);
  for (const shape of [undefined, ...shapes]) {
    const kernel = await loadKernel(work);
    if (shape) kernel.chooseShapes(...shape);
    kernel.run();
    expect(kernel.output(), String(shape)).toEqual(expected);
    kernel.draw();
    kernel.count();
    expect(kernel.output(), `${String(shape)}, in two steps`).toEqual(expected);
  }
}

describe("Loop shapes of the CPU", () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 9])("Every loop shape counts the same for %i trials", (count) =>
    compare(100, 10, count),
  );

  // Up to 64 sums below 512 are in registers: 14 to 20 items are around that.
  test.each([60, 63, 64, 65])(
    "Every loop shape counts the same for half ranges around 64: %i",
    async (halfRange) => {
      for (const items of [0, 1, 7, 13, 15, 17, 20]) await compare(halfRange, items, 23);
    },
  );

  test.each([127, 511, 512, 513, 1000])(
    "Every loop shape counts the same for a half range of %i",
    async (halfRange) => {
      for (const items of [1, 5, 9, 12]) await compare(halfRange, items, 11);
      await compare(halfRange, { from: 6, to: 13 }, 11);
    },
  );

  test.each([4095, 4096, 4097, 70_000])(
    "Every loop shape counts the same for a half range of %i",
    async (halfRange) => {
      await compare(halfRange, 11, 6);
      await compare(halfRange, { from: 0, to: 9 }, 3);
    },
  );

  test("Every loop shape counts the same for 64 items", async () => {
    await compare(3, 64, 9);
    await compare(300, 64, 3);
  });

  test("Every loop shape counts the same for signed sums", async () => {
    for (const halfRange of [64, 600, 5000]) await compare(halfRange, 12, 7, "rnpp");
  });
});

test("Equal items and equal magnitudes are ranked apart", () => compare(2, 30, 40));

test("Another seed gives other counts", async () => {
  const of = (seed: number) =>
    batchWork(plan(phaseConfig({ halfRange: 600, items: 11, targets: [0], seed })), { first: 0, count: 50 });
  const [one, two] = [await loadKernel(of(1)), await loadKernel(of(2))];
  one.run();
  two.run();
  expect(one.output()).not.toEqual(two.output());
});
