// Which shape serves: the choice itself by a clock of its own, what is kept of it and where, and that a runner heeds it.

import { chmod, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { gpuRunner } from "../../host/gpu/runner.ts";
import { choose, memoryStore, Tuner, type Choice } from "../../host/gpu/tune.ts";
import { profileOf } from "../../host/gpu/device.ts";
import { launchesOf, launchLabel, tuningKey } from "../../host/gpu/kernels/index.ts";
import { fileStore } from "../../host/node/platform/store.ts";
import { referenceRunner } from "../../host/reference.ts";
import { phaseConfig, plan } from "../../src/experiments/phase.ts";
import { batchWork } from "../../src/plan.ts";
import { rewriteShaders, tamperedAdapter, testAdapter } from "./devices.ts";

/** Candidates that take `costs` milliseconds for each unit after `compiling` milliseconds, on a clock that they alone move. */
function fake(costs: Record<string, number>, compiling = 0) {
  let clock = 0;
  const passes: [string, number][] = [];
  const compiled = new Set<string>();
  return {
    candidates: Object.keys(costs),
    passes,
    now: () => clock,
    time: async (candidate: string, units: number) => {
      if (!compiled.has(candidate)) clock += compiling;
      compiled.add(candidate);
      passes.push([candidate, units]);
      const took = costs[candidate]! * units;
      if (Number.isNaN(took)) throw new Error("does not compile");
      clock += took;
      return took;
    },
  };
}

describe("Choice by measurement", () => {
  test("The candidate with the highest rate is chosen, by passes that grow until they are long enough", async () => {
    const { candidates, passes, now, time } = fake({ slow: 1, fast: 0.001, middle: 0.01 });
    const choice = await choose(candidates, time, { first: 1, most: 1e6 }, now);
    expect(choice).toEqual({ best: "fast", rates: { slow: 1000, fast: 1e6, middle: 1e5 } });
    expect(passes.filter(([name]) => name === "slow").map(([, units]) => units)).toEqual([1, 10, 10, 10]);
    expect(passes.filter(([name]) => name === "fast").map(([, units]) => units)).toEqual([
      1, 32, 1024, 10_000, 10_000, 10_000,
    ]);
  });

  test("The choice is made on at most the work of the request", async () => {
    const { candidates, passes, now, time } = fake({ a: 0.001, b: 0.0001 });
    expect((await choose(candidates, time, { first: 64, most: 100 }, now)).best).toBe("b");
    expect(passes).toEqual([
      ["a", 64],
      ...Array.from({ length: 3 }, () => ["a", 100]),
      ["b", 64],
      ...Array.from({ length: 3 }, () => ["b", 100]),
    ]);
  });

  test("The shortest pass of a candidate counts, and a long pass is not repeated", async () => {
    const disturbed = [9, 9, 9, 5, 2, 60];
    const { best, rates } = await choose(["a", "b"], async () => disturbed.shift()!, { first: 1, most: 1 });
    expect([best, rates]).toEqual(["b", { a: 111, b: 500 }]);
    const long = fake({ slow: 60, other: 30 });
    await choose(long.candidates, long.time, { first: 1, most: 1 }, long.now);
    expect(long.passes.map(([name]) => name)).toEqual(["slow", "other", "other", "other"]);
  });

  test("The choice is made among the candidates measured in time, at least the likeliest", async () => {
    const late = fake({ a: 2, b: 1, c: 0.5 }, 600);
    const options = { first: 10, most: 1e6, budget: 1000 };
    expect(await choose(late.candidates, late.time, options, late.now)).toEqual({
      best: "b",
      rates: { a: 500, b: 1000 },
    });
    const never = fake({ a: 2, b: 1 }, 5000);
    expect(Object.keys((await choose(never.candidates, never.time, options, never.now)).rates)).toEqual([
      "a",
    ]);
  });

  test("A candidate that fails is not chosen", async () => {
    const { candidates, now, time } = fake({ broken: NaN, whole: 3 });
    expect(await choose(candidates, time, { first: 1, most: 9 }, now)).toEqual({
      best: "whole",
      rates: { broken: 0, whole: 333 },
    });
    await expect(choose(["broken"], time, { first: 1, most: 9 }, now)).rejects.toThrow("does not compile");
  });
});

describe("Stored choices", () => {
  const choice: Choice = { best: "a", rates: { a: 2, b: 1 } };
  let folder: string;
  beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), "exacta-tune-"))));
  afterAll(() => rm(folder, { recursive: true }));

  test("A stored choice is found by the same adapter and by no other", async () => {
    const store = memoryStore();
    await new Tuner(store, "one").keep("reach: 8", choice);
    await new Tuner(store, "two").keep("reach: 8", { ...choice, best: "b" });
    expect(await new Tuner(store, "one").choices()).toEqual({ "reach: 8": choice });
    expect(await new Tuner(store, "two").choices()).toEqual({ "reach: 8": { ...choice, best: "b" } });
    expect(await new Tuner(store, "three").choices()).toEqual({});
  });

  test("A stored choice is in a file, in folders made for it, complete or absent", async () => {
    const file = join(folder, "deep", "er", "gpu.json");
    const tuner = new Tuner(
      fileStore(() => file),
      "one",
    );
    await Promise.all(["x", "y", "z"].map((size) => tuner.keep(size, choice)));
    expect(await readdir(join(folder, "deep", "er"))).toEqual(["gpu.json"]);
    expect(JSON.parse(await readFile(file, "utf8"))).toEqual({
      [Object.keys(JSON.parse(await readFile(file, "utf8")) as object)[0]!]: {
        x: choice,
        y: choice,
        z: choice,
      },
    });
    expect(
      Object.keys(
        await new Tuner(
          fileStore(() => file),
          "one",
        ).choices(),
      ),
    ).toEqual(["x", "y", "z"]);
  });

  test.each(["", "{", "[]", "7", '{"exacta": 3}', '{"a":{"b":{"best":1,"rates":{}}}}', "\u0000\u0001"])(
    "A choice is measured again where the file contains %j, which is then replaced",
    async (text) => {
      const file = join(folder, "bad.json");
      await writeFile(file, text);
      const tuner = new Tuner(
        fileStore(() => file),
        "one",
      );
      expect(await tuner.choices()).toEqual({});
      await tuner.keep("x", choice);
      expect(
        await new Tuner(
          fileStore(() => file),
          "one",
        ).choices(),
      ).toEqual({ x: choice });
    },
  );

  test("A choice is remembered while the program runs where files cannot be read or written", async () => {
    const file = join(folder, "file");
    await writeFile(file, "");
    await chmod(file, 0o444);
    const tuner = new Tuner(
      fileStore(() => join(file, "gpu.json")),
      "one",
    );
    await tuner.keep("x", choice);
    expect(await tuner.choices()).toEqual({ x: choice });
  });
});

describe("Runner with a store", () => {
  const work = batchWork(plan(phaseConfig({ halfRange: 9, items: { from: 6, to: 6 } })), {
    first: 0,
    count: 500,
  });

  test("A GPU runner measures once, stores its choice, and answers the same words with every choice", async () => {
    const store = memoryStore();
    const expected = [...(await referenceRunner().run(work)).words];
    const first = await gpuRunner(testAdapter, { store });
    expect([...(await first.run(work)).words]).toEqual(expected);
    first.close();
    const kept = JSON.parse((await store.read())!) as Record<string, Record<string, Choice>>;
    const [[adapter, choices]] = Object.entries(kept) as [[string, Record<string, Choice>]];
    const [[size, { best, rates }]] = Object.entries(choices) as [[string, Choice]];
    expect(size).toBe(tuningKey(work));
    expect(rates[best]).toBeGreaterThan(0);
    expect(rates[best]).toBe(Math.max(...Object.values(rates)));

    const opened = await testAdapter();
    const room = profileOf(opened, opened.info, {});
    const labels = launchesOf(work, room).map(launchLabel);
    expect(new Set(labels).size).toBe(labels.length);
    for (const label of [labels[0]!, labels.at(-1)!]) {
      const compiled: string[] = [];
      const chosen = memoryStore(JSON.stringify({ [adapter]: { [size]: { best: label, rates } } }));
      const runner = await gpuRunner(
        tamperedAdapter((device) => rewriteShaders(device, (code) => (compiled.push(code), code))),
        { store: chosen },
      );
      await runner.prepare(work);
      expect([...(await runner.run(work)).words]).toEqual(expected);
      runner.close();
      const { source, fallback } = launchesOf(work, room).find((launch) => launchLabel(launch) === label)!;
      expect(compiled).toEqual([source, ...(fallback ? [fallback.source] : [])]);
    }
  });

  test("A GPU runner answers the milliseconds that the device worked", async () => {
    const runner = await gpuRunner(testAdapter);
    expect((await runner.run(work)).deviceMilliseconds).toBeGreaterThan(0);
    runner.close();
  });
});
