// The CPU runner: what it does when threads fail, memory is short, or it is closed.

import { expect, describe, test } from "vitest";
import { cpuRunner } from "../host/cpu/runner.ts";
import { startThread } from "../host/node/platform/threads.ts";
import { CapacityError } from "../src/errors.ts";
import { phaseConfig, plan } from "../src/experiments/phase.ts";
import { batchWork, type Work } from "../src/plan.ts";

describe("CPU runner", () => {
  const work = plan(
    phaseConfig({ ensemble: "rssp0", halfRange: 9, items: { from: 2, to: 8 }, targets: [3], seed: 1n }),
  );

  test("A closed CPU runner rejects the batches in flight and further ones", async () => {
    const runner = await cpuRunner(2, startThread);
    const pending = runner.run(batchWork(work, { first: 0, count: 2 ** 31 - 1 }));
    runner.close();
    await expect(pending).rejects.toThrow("the CPU runner was closed");
    await expect(runner.run(batchWork(work, { first: 0, count: 1 }))).rejects.toThrow(
      "the CPU runner was closed",
    );
  });

  test("A CPU runner refuses a table beyond the memory of a thread and answers the next work", async () => {
    const runner = await cpuRunner(1, startThread);
    const count = (items: number[], target: number): Work => ({
      kernel: "count",
      params: {
        instances: 1,
        items: items.length,
        targets: 1,
        answers: 3,
        longest: items.length,
        sums: target + 1,
        masks: 0,
        tiles: 1,
        reduction: 0,
      },
      inputs: {
        items: Int32Array.from(items),
        starts: Uint32Array.of(0, 0, items.length, 1),
        targets: Int32Array.of(target, target, target, 0),
      },
    });
    const wide = count(new Array<number>(64).fill(2 ** 25 - 1), 32 * (2 ** 25 - 1));
    await expect(runner.run(wide)).rejects.toThrow(
      /^kernel count: expected tables that the memory of a thread can hold, got /,
    );
    await expect(runner.run(wide)).rejects.toBeInstanceOf(CapacityError);
    expect([...(await runner.run(count([1, 2, 3], 3))).words]).toEqual([2, 0, 0]);
    runner.close();
  });
});
