// The CPU stands in for a GPU that refuses work.

import { describe, expect, test } from "vitest";
import { CapacityError } from "../src/errors.ts";
import { measurePhase } from "../host/experiments/phase.ts";
import { gpuRunner } from "../host/gpu/runner.ts";
import { referenceRunner } from "../host/reference.ts";
import type { Runner } from "../host/runner.ts";
import { withStandIn } from "../host/standIn.ts";
import { testAdapter } from "./gpu/devices.ts";

const request = { ensemble: "rssp", halfRange: 30, items: 5, trials: 40 } as const;

/** A runner that refuses all work, or fails in another way; and whether it is closed. */
function refusing(error: Error): Runner & { closed: number } {
  async function fail(): Promise<never> {
    throw error;
  }
  const runner = {
    ...referenceRunner(),
    engine: "gpu",
    adapter: "a GPU",
    prepare: fail,
    run: fail,
    closed: 0,
  };
  return Object.assign(runner, { close: () => void runner.closed++ }) as Runner & { closed: number };
}

describe("Stand-in", () => {
  test("Work that a runner refuses is answered by its stand-in, which is opened once and named", async () => {
    const first = refusing(new CapacityError("reach", "memory that it has", {}, ""));
    const second = { ...referenceRunner(), queueDepth: 7, closed: 0 };
    let opened = 0;
    const notices: string[] = [];
    const runner = withStandIn(
      first,
      async () => (opened++, Object.assign(second, { close: () => void second.closed++ })),
      (sentence) => notices.push(sentence),
    );
    expect([runner.engine, runner.adapter, runner.queueDepth]).toEqual(["gpu", "a GPU", 1]);
    const [found] = await measurePhase(runner, request);
    const [expected] = await measurePhase(referenceRunner(), request);
    expect(found).toEqual({ ...expected, engine: "gpu", adapter: "a GPU, and TypeScript" });
    expect([opened, runner.queueDepth]).toEqual([1, 7]);
    expect(notices).toEqual(["kernel reach exceeds memory that it has: TypeScript answers instead of a GPU"]);
    runner.close();
    await Promise.resolve();
    expect([first.closed, second.closed]).toEqual([1, 1]);
  });

  test("Errors of another kind are thrown, and a stand-in that is never needed is never opened", async () => {
    const runner = withStandIn(
      refusing(new Error("lost")),
      () => expect.unreachable("opened"),
      () => expect.unreachable("noticed"),
    );
    await expect(measurePhase(runner, request)).rejects.toThrow("lost");
    runner.close();
  });

  test("A GPU refuses a trial that takes longer than a dispatch may, and its stand-in counts it", async () => {
    const notices: string[] = [];
    const gpu = await gpuRunner(testAdapter, { maxDispatchMilliseconds: 1e-6 });
    const runner = withStandIn(
      gpu,
      async () => referenceRunner(),
      (sentence) => notices.push(sentence),
    );
    const [found] = await measurePhase(runner, request);
    const [expected] = await measurePhase(referenceRunner(), request);
    expect(found).toEqual({ ...expected, engine: "gpu", adapter: `${gpu.adapter}, and TypeScript` });
    expect(notices).toEqual([
      `kernel reach exceeds dispatches of 0.000001 ms on a slow GPU: TypeScript answers instead of ${gpu.adapter}`,
    ]);
    runner.close();
  });
});
