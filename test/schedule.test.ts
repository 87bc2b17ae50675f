// The scheduler: totals do not depend on how a sweep is cut into batches, and stopping keeps a contiguous prefix.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cpuRunner } from "../host/cpu/runner.ts";
import { gpuRunner } from "../host/gpu/runner.ts";
import { startThread } from "../host/node/platform/threads.ts";
import type { Runner } from "../host/runner.ts";
import { schedule } from "../host/schedule.ts";
import { phaseConfig, plan } from "../src/experiments/phase.ts";
import { batchWork, type Batch } from "../src/plan.ts";
import { testAdapter } from "./gpu/devices.ts";
import { paramOf } from "./work.ts";

const engines = {} as Record<"cpu" | "threads" | "thread", Runner>;
beforeAll(async () => {
  engines.cpu = await cpuRunner(1, startThread);
  engines.threads = await cpuRunner(2, startThread);
  engines.thread = await gpuRunner(testAdapter, { variant: "thread" });
});
afterAll(() => Object.values(engines).forEach((engine) => engine.close()));

describe("Scheduler", () => {
  const work = plan(
    phaseConfig({ ensemble: "rssp", halfRange: 12, items: { from: 0, to: 9 }, targets: [1, -12], seed: 1n }),
  );
  const trials = 30_000;

  /** A runner that records its batches. */
  function watched(runner: Runner, change: Partial<Runner> = {}): Runner & { batches: Batch[] } {
    const batches: Batch[] = [];
    const changed = { ...runner, ...change };
    return {
      ...changed,
      batches,
      run: (work) => {
        batches.push({
          first: paramOf(work, "firstHigh") * 2 ** 32 + paramOf(work, "firstLow"),
          count: paramOf(work, "count"),
        });
        return changed.run(work);
      },
    };
  }

  /** Where batches end that follow one another from 0; NaN where one of them does not. */
  const endOf = (batches: readonly Batch[]): number =>
    batches.reduce((next, { first, count }) => (first === next && count > 0 ? next + count : NaN), 0);

  test("The scheduler adds up to the same totals for every batch size, queue depth and engine", async () => {
    const once = [...(await engines.cpu.run(batchWork(work, { first: 0, count: trials }))).words];
    const cuts = new Set<number>();
    for (const runner of [
      watched(engines.cpu),
      watched(engines.threads),
      watched(engines.threads, { targetMilliseconds: 0.01, queueDepth: 7 }),
      watched(engines.cpu, { targetMilliseconds: 1e6, queueDepth: 1 }),
      watched(engines.thread),
      watched(engines.cpu, { queueDepth: 5, parallelism: 2, targetMilliseconds: 1 }),
    ]) {
      const totals = await schedule(runner, work, trials);
      expect([totals.trials, [...totals.words]]).toEqual([trials, once]);
      expect(endOf(runner.batches)).toBe(trials);
      cuts.add(runner.batches.length);
    }
    expect(cuts.size).toBeGreaterThan(2);
  });

  test("The scheduler sizes batches by device time where an engine measures it, however long they wait", async () => {
    const runner = watched(engines.cpu, {
      targetMilliseconds: 64,
      queueDepth: 2,
      run: async (work) => ({
        ...(await engines.cpu.run(work)),
        // An eighth of a millisecond for each trial.
        deviceMilliseconds: paramOf(work, "count") / 8,
      }),
    });
    await schedule(runner, work, trials);
    expect(new Set(runner.batches.slice(12, -2).map(({ count }) => count))).toEqual(new Set([512]));
  });

  test("The scheduler reports totals after every batch and runs exactly the trials asked for", async () => {
    for (const trials of [1, 2, 2000]) {
      const seen: number[] = [];
      const totals = await schedule(engines.threads, work, trials, {
        onBatch: (progress, { trials: counted, words }) => {
          expect([progress.total, progress.done, words[0]]).toEqual([trials, counted, counted]);
          seen.push(counted);
        },
      });
      expect([totals.trials, seen.at(-1)]).toEqual([trials, trials]);
      expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    }
  });

  test("A stopped sweep keeps a contiguous prefix, whose totals are those of a run of as many trials", async () => {
    for (const batchesBefore of [1, 4]) {
      const stop = new AbortController();
      let batches = 0;
      const runner = watched(engines.threads, { targetMilliseconds: 0.01 });
      const totals = await schedule(runner, work, 1e7, {
        signal: stop.signal,
        onBatch: () => void (++batches === batchesBefore && stop.abort()),
      });
      expect(totals.trials).toBeLessThan(1e7);
      expect(endOf(runner.batches)).toBe(totals.trials);
      const fresh = await schedule(engines.cpu, work, totals.trials);
      expect([...totals.words]).toEqual([...fresh.words]);
    }
  });

  test("A sweep that is stopped before it begins counts nothing", async () => {
    expect(await schedule(engines.cpu, work, 10, { signal: AbortSignal.abort() })).toEqual({
      trials: 0,
      words: new Float64Array(0),
    });
  });

  test("The scheduler refuses a tally that does not count the trials of its batch", async () => {
    const short: Runner = {
      ...engines.cpu,
      run: async (work) => ({
        words: (await engines.cpu.run(work)).words.with(0, paramOf(work, "count") - 1),
      }),
    };
    await expect(schedule(short, work, 5000)).rejects.toThrow(
      /counted \d+ trials of a batch of \d+; its results are not kept/,
    );
  });

  test("The scheduler rejects with the error of a batch once all batches in flight have ended, and issues no further one", async () => {
    let ended = 0;
    const runner = watched(engines.cpu, {
      queueDepth: 4,
      run: async (work) => {
        if (runner.batches.length === 3) throw new Error("the third batch");
        await new Promise((resolve) => setTimeout(resolve, 20));
        ended++;
        return engines.cpu.run(work);
      },
    });
    await expect(schedule(runner, work, 1e6)).rejects.toThrow("the third batch");
    expect([runner.batches.length, ended]).toEqual([4, 3]);
  });
});
