// The shadow engine: it answers the words of equal engines, and names the first word in which two engines differ.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cpuRunner } from "../host/cpu/runner.ts";
import { startThread } from "../host/node/platform/threads.ts";
import { referenceRunner } from "../host/reference.ts";
import type { Runner } from "../host/runner.ts";
import { DifferenceError, shadowRunner } from "../host/shadow.ts";
import { phaseConfig, plan } from "../src/experiments/phase.ts";
import { batchWork } from "../src/plan.ts";

const sweep = plan(
  phaseConfig({
    ensemble: "rssp0",
    halfRange: 70,
    items: { from: 0, to: 7 },
    targets: [1, -70, 200],
    seed: 1n,
  }),
);
let cpu: Runner;
beforeAll(async () => void (cpu = await cpuRunner(1, startThread)));
afterAll(() => cpu.close());

describe("Shadow engine", () => {
  test("A shadow of equal engines answers their words", async () => {
    const reference = referenceRunner();
    const work = batchWork(sweep, { first: 1, count: 20 });
    const { words } = await shadowRunner(cpu, reference).run(work);
    expect([...words]).toEqual([...(await reference.run(work)).words]);
  });

  test("A difference is named by kernel, buffer, word, both values and the parameters", async () => {
    const work = batchWork(sweep, { first: 9, count: 5 });
    const { words } = await cpu.run(work);
    for (const index of [0, 7, 40]) {
      const other: Runner = { ...cpu, engine: "gpu", run: async () => ({ words: words.with(index, 12345) }) };
      const difference = shadowRunner(cpu, other).run(work);
      await expect(difference).rejects.toBeInstanceOf(DifferenceError);
      await expect(difference).rejects.toThrow(
        `kernel reach, buffer tally, word ${index} of 49: cpu says ${words[index]}, gpu says 12345 ` +
          `(${JSON.stringify(work.params)})`,
      );
    }
  });

  test.each([48, 50])("A tally of %i words in place of 49 is a difference", async (length) => {
    const other: Runner = {
      ...cpu,
      async run(work) {
        const all = [...(await cpu.run(work)).words, 0];
        return { words: Uint32Array.from(all.slice(0, length)) };
      },
    };
    const work = batchWork(sweep, { first: 0, count: 3 });
    await expect(shadowRunner(cpu, other).run(work)).rejects.toBeInstanceOf(DifferenceError);
  });
});
