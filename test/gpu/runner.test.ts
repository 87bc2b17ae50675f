// The GPU runner: lost devices and exhausted memory.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cpuRunner } from "../../host/cpu/runner.ts";
import { gpuRunner } from "../../host/gpu/runner.ts";
import { startThread } from "../../host/node/platform/threads.ts";
import type { Runner } from "../../host/runner.ts";
import { withStandIn } from "../../host/standIn.ts";
import { schedule } from "../../host/schedule.ts";
import { phaseConfig, plan } from "../../src/experiments/phase.ts";
import { batchWork } from "../../src/plan.ts";
import { batchWords, oracleWords, type GivenBatch } from "../oracle.ts";
import { tamperedAdapter } from "./devices.ts";

let cpu: Runner;
beforeAll(async () => void (cpu = await cpuRunner(1, startThread)));
afterAll(() => cpu.close());

describe("Lost device", () => {
  const sweep = (halfRange: number) =>
    plan(phaseConfig({ ensemble: "rssp0", halfRange, items: { from: 2, to: 8 }, targets: [3], seed: 1n }));
  const work = sweep(9);
  const batch = { first: 11, count: 2000 };

  /**
   * A runner on devices that pass through `tamper`, the first `losses` of which are lost at their `when`-th submission; and all
   * its devices.
   */
  async function onLosingDevices(
    losses: number,
    when: number,
    tamper: (device: GPUDevice) => void = () => {},
  ): Promise<{ runner: Runner; devices: GPUDevice[] }> {
    const devices: GPUDevice[] = [];
    const runner = await gpuRunner(
      tamperedAdapter((device) => {
        devices.push(device);
        tamper(device);
        if (devices.length > losses) return;
        let submissions = 0;
        const { queue } = device;
        const submit = queue.submit.bind(queue);
        const losing = (buffers: Iterable<GPUCommandBuffer>) => {
          submit(buffers);
          if (++submissions === when) device.destroy();
        };
        Object.defineProperty(device, "queue", {
          value: Object.defineProperty(queue, "submit", { value: losing }),
        });
      }),
      { variant: "thread" },
    );
    return { runner, devices };
  }

  test("Batches of a lost device are replayed on a new one with the same words", async () => {
    const expected = [...(await cpu.run(batchWork(work, batch))).words];
    const { runner, devices } = await onLosingDevices(1, 2);
    const parts = await Promise.all([
      runner.run(batchWork(work, batch)),
      runner.run(batchWork(work, batch)),
      runner.run(batchWork(work, batch)),
    ]);
    expect(parts.map(({ words }) => [...words])).toEqual([expected, expected, expected]);
    expect(devices).toHaveLength(2);
    runner.close();
  });

  test("A device that is lost between batches is replaced", async () => {
    const expected = [...(await cpu.run(batchWork(work, batch))).words];
    const { runner, devices } = await onLosingDevices(0, 0);
    await runner.run(batchWork(work, batch));
    devices[0]!.destroy();
    expect([...(await runner.run(batchWork(work, batch))).words]).toEqual(expected);
    expect(devices).toHaveLength(2);
    runner.close();
  });

  test("A device that is lost before another sweep is replaced", async () => {
    const { runner, devices } = await onLosingDevices(0, 0);
    await runner.run(batchWork(work, batch));
    devices[0]!.destroy();
    await devices[0]!.lost;
    const other = sweep(4);
    const totals = await schedule(runner, other, 2000);
    expect([...totals.words]).toEqual([
      ...(await cpu.run(batchWork(other, { first: 0, count: 2000 }))).words,
    ]);
    expect(devices).toHaveLength(2);
    runner.close();
  });

  test("A device that is lost during a sweep does not change its totals", async () => {
    const { runner, devices } = await onLosingDevices(1, 3);
    const totals = await schedule(runner, work, 20_000);
    expect([...totals.words]).toEqual([
      ...(await cpu.run(batchWork(work, { first: 0, count: 20_000 }))).words,
    ]);
    expect(devices).toHaveLength(2);
    runner.close();
  });

  test("Two devices that are lost during a sweep do not change its totals", async () => {
    const { runner, devices } = await onLosingDevices(2, 2);
    const totals = await schedule(runner, work, 20_000);
    expect([...totals.words]).toEqual([
      ...(await cpu.run(batchWork(work, { first: 0, count: 20_000 }))).words,
    ]);
    expect(devices).toHaveLength(3);
    runner.close();
  });

  test("A sweep keeps its totals where results are rejected before the device says that it is lost", async () => {
    const { runner, devices } = await onLosingDevices(2, 2, (device) => {
      const { lost } = device;
      const late = lost.then((info) => new Promise((resolve) => setTimeout(resolve, 50, info)));
      Object.defineProperty(device, "lost", { value: late });
    });
    const totals = await schedule(runner, work, 20_000);
    expect([...totals.words]).toEqual([
      ...(await cpu.run(batchWork(work, { first: 0, count: 20_000 }))).words,
    ]);
    expect(devices).toHaveLength(3);
    runner.close();
  });

  test("A batch that is lost on every device rejects after the last of its retries", async () => {
    const { runner, devices } = await onLosingDevices(9, 1);
    await expect(runner.run(batchWork(work, batch))).rejects.toThrow(/the GPU was lost/);
    // Four tries, and a device for later work.
    await expect.poll(() => devices.length).toBe(5);
    runner.close();
  });
});

/** Answers adapters whose devices refuse buffers of more than `most` bytes; `asked` collects the sizes of all. */
const refusingAdapter = (most: number, asked: number[] = []) =>
  tamperedAdapter((device) => {
    let isRefused = false;
    const create = device.createBuffer.bind(device);
    device.createBuffer = (descriptor) => {
      asked.push(descriptor.size);
      isRefused ||= descriptor.size > most;
      return create({ ...descriptor, size: Math.min(descriptor.size, most) });
    };
    const pop = device.popErrorScope.bind(device);
    device.popErrorScope = async () => {
      const error = await pop();
      const refused = isRefused ? ({ message: "no memory" } as GPUError) : error;
      isRefused = false;
      return refused;
    };
  });

describe("Exhausted memory", () => {
  const instances = Array.from({ length: 40 }, (_, k) => ({
    items: [200, 300, k + 1],
    targets: [[300, 300 + k, 300]],
  }));
  const batch: GivenBatch = { kernel: "count", instances };

  test("A GPU runner goes on with fewer tables at a time where it cannot allocate all of them, and says so", async () => {
    const [asked, notices]: [number[], string[]] = [[], []];
    const onNotice = (sentence: string) => void notices.push(sentence);
    const gpu = await gpuRunner(refusingAdapter(2 ** 16, asked), { variant: "storage", onNotice });
    const work = batchWords(batch);
    expect([...(await gpu.run(work)).words]).toEqual(oracleWords(batch));
    const large = asked.filter((size) => size > 2 ** 14);
    expect(large.length).toBeGreaterThan(1);
    expect(large).toEqual(large.toSorted((a, b) => b - a));
    expect(large.at(-1)).toBeLessThanOrEqual(2 ** 16);
    expect(notices).toHaveLength(large.length - 1);
    expect(notices[0]).toMatch(
      / has no [\d.]+ MiB of memory for kernel count, which goes on with [\d.]+ MiB$/,
    );
    // Later work begins with what could be allocated.
    const before = asked.length;
    await gpu.run(batchWords({ kernel: "count", instances: instances.toReversed() }));
    expect(Math.max(...asked.slice(before))).toBeLessThanOrEqual(2 ** 16);
    gpu.close();
  });

  test("The CPU stands in for a GPU that cannot allocate a single table", async () => {
    const notices: string[] = [];
    const gpu = await gpuRunner(refusingAdapter(2 ** 11), { variant: "storage" });
    const runner = withStandIn(
      gpu,
      async () => cpu,
      (sentence) => notices.push(sentence),
    );
    expect([...(await runner.run(batchWords(batch))).words]).toEqual(oracleWords(batch));
    expect(notices).toEqual([
      `kernel count exceeds sums that this GPU's memory can hold: ${cpu.adapter} answers instead of ${gpu.adapter}`,
    ]);
    gpu.close();
  });

  test("A GPU runner refuses tables beyond its memory and answers the next work", async () => {
    let missing = true;
    const gpu = await gpuRunner(
      tamperedAdapter((device) => {
        const answer = device.popErrorScope.bind(device);
        device.popErrorScope = async () => {
          const error = await answer();
          return missing ? ({ message: "no memory" } as GPUError) : error;
        };
      }),
    );
    const batch: GivenBatch = { kernel: "count", instances: [{ items: [1, 1], targets: [[1, 1, 1]] }] };
    const work = batchWords(batch);
    await expect(gpu.run(work)).rejects.toThrow(
      /^kernel count: expected sums that this GPU's memory can hold, got \{/,
    );
    missing = false;
    expect([...(await gpu.run(work)).words]).toEqual(oracleWords(batch));
    gpu.close();
  });
});
