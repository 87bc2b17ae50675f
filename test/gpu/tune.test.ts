// Which shape serves: the choice itself by a clock of its own, what is kept of it and where, and that a runner heeds it.

import { chmod, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { oneOfEachVariantFirst } from "../../host/gpu/choose.ts";
import { gpuRunner } from "../../host/gpu/runner.ts";
import { memoryStore } from "../../host/gpu/store.ts";
import { choose, Tuner, type Choice } from "../../host/gpu/tune.ts";
import type { Launch } from "../../host/gpu/launch.ts";
import { adapterKey, profileOf } from "../../host/gpu/device.ts";
import { launchesOf, launchLabel, sampleWork, tuningKey } from "../../host/gpu/kernels/index.ts";
import { fileStore } from "../../host/node/platform/store.ts";
import { referenceRunner } from "../../host/reference.ts";
import { phaseConfig, plan } from "../../src/experiments/phase.ts";
import { batchWork } from "../../src/plan.ts";
import { rewriteShaders, tamperedAdapter, testAdapter, testLanguage, testProfile } from "./devices.ts";

/** How a driver of candidates behaves, beside what a unit costs. */
interface Driver {
  /** Milliseconds of the first pass of a candidate beside its units; it reports them where the driver compiles lazily. */
  readonly compiling?: number;
  readonly isLazy?: boolean;
  /** The factor by which a pass is slower at a time. */
  readonly slowdown?: (clock: number) => number;
  /** Candidates that answer wrong words. */
  readonly wrong?: readonly string[];
}

/** Candidates that take `costs` milliseconds for each unit, on a clock that they alone move. NaN does not compile. */
function fake(
  costs: Record<string, number>,
  { compiling = 0, isLazy = false, slowdown = () => 1, wrong = [] }: Driver = {},
) {
  let clock = 0;
  const passes: [string, number][] = [];
  const faults: string[] = [];
  const compiled = new Set<string>();
  const pass = async (candidate: string, units: number) => {
    const isFirst = !compiled.has(candidate);
    compiled.add(candidate);
    passes.push([candidate, units]);
    const took = costs[candidate]! * units * slowdown(clock);
    if (Number.isNaN(took)) throw new Error("does not compile");
    clock += took + (isFirst ? compiling : 0);
    return {
      words: Uint32Array.of(units, wrong.includes(candidate) ? 8 : 7),
      milliseconds: took + (isFirst && isLazy ? compiling : 0),
    };
  };
  const choosing = (options: { first: number; most: number; budget?: number; compileBudget?: number }) =>
    choose(
      Object.keys(costs),
      pass,
      {
        ...options,
        reference: async () => Uint32Array.of(options.first, 7),
        onFault: (sentence) => faults.push(sentence),
      },
      () => clock,
    );
  const unitsOf = (name: string) => passes.filter(([other]) => other === name).map(([, units]) => units);
  return { choosing, passes, unitsOf, faults, clock: () => clock };
}

describe("Choice by measurement", () => {
  test("The candidate with the highest rate is chosen, by passes that grow until they are long enough", async () => {
    const { choosing, unitsOf } = fake({ slow: 1, fast: 0.001, middle: 0.01 });
    const choice = await choosing({ first: 1, most: 1e6 });
    expect(choice).toEqual({ best: "fast", rates: { slow: 1000, fast: 1e6, middle: 1e5 } });
    expect(unitsOf("fast").slice(0, 5)).toEqual([1, 1, 32, 1024, 10_000]);
    expect(new Set(unitsOf("fast").slice(4))).toEqual(new Set([10_000]));
  });

  test("A candidate whose passes have all units is measured by them", async () => {
    const { choosing, unitsOf } = fake({ a: 0.001, b: 0.0001 });
    expect((await choosing({ first: 64, most: 100 })).best).toBe("b");
    expect(Math.max(...unitsOf("a"), ...unitsOf("b"))).toBe(100);
  });

  test("The first pass of a candidate is not measured, since a driver may compile lazily", async () => {
    const { choosing } = fake({ a: 0.02, lazy: 0.01 }, { compiling: 300, isLazy: true });
    expect((await choosing({ first: 1000, most: 1000 })).rates).toEqual({ a: 5e4, lazy: 1e5 });
  });

  test("The time of compiling is not part of the budget of measuring", async () => {
    const { choosing } = fake({ a: 0.02, b: 0.01 }, { compiling: 1400 });
    expect(Object.keys((await choosing({ first: 100, most: 1e4, budget: 500 })).rates)).toEqual(["a", "b"]);
  });

  test("No other candidate is compiled after the budget of compiling, but the first always is", async () => {
    const { choosing } = fake({ a: 0.02, b: 0.01, c: 0.005 }, { compiling: 700 });
    const options = { first: 100, most: 1e4 };
    expect(Object.keys((await choosing({ ...options, compileBudget: 1000 })).rates)).toEqual(["a", "b"]);
    const slow = fake({ a: 0.02, b: 0.01 }, { compiling: 9000 });
    expect(Object.keys((await slow.choosing(options)).rates)).toEqual(["a"]);
  });

  test("Candidates take turns, so that none is measured while the GPU is cold or disturbed", async () => {
    // For 150 ms everything is five times slower, which is when one candidate after the other would measure the first.
    const raising = fake({ a: 0.01, b: 0.02 }, { slowdown: (clock) => (clock < 150 ? 5 : 1) });
    expect((await raising.choosing({ first: 500, most: 1e6 })).rates).toEqual({ a: 1e5, b: 5e4 });
    const { choosing, passes } = fake({ a: 0.01, b: 0.011 });
    await choosing({ first: 1000, most: 1e6 });
    const names = passes.map(([name]) => name).join("");
    expect(names).toMatch(/^(ab)+$/);
  });

  test("Passes count only after 200 ms of work", async () => {
    const { choosing, clock } = fake({ a: 0.01 });
    await choosing({ first: 1000, most: 1000 });
    expect(clock()).toBeGreaterThanOrEqual(200);
    const cold = fake({ a: 0.01 }, { slowdown: (clock) => (clock < 190 ? 1 : 3) });
    expect((await cold.choosing({ first: 1000, most: 1000 })).rates).toEqual({ a: 33_300 });
  });

  test("The shortest of three passes counts, and a long pass is not repeated", async () => {
    const disturbed = [1, 1, 1, 4, 2];
    let calls = 0;
    const disturbing = fake(
      { a: 0.01 },
      { slowdown: (clock) => (clock < 200 ? 1 : disturbed[2 + (calls++ % 3)]!) },
    );
    expect((await disturbing.choosing({ first: 1000, most: 1000 })).rates).toEqual({ a: 1e5 });
    const long = fake({ slow: 60 });
    await long.choosing({ first: 1, most: 1 });
    // The first pass compiles, and four warm the GPU.
    expect(long.passes).toHaveLength(6);
  });

  test("A candidate that is twice as slow as the best is not measured again", async () => {
    const { choosing, unitsOf } = fake({ fast: 0.01, slow: 0.03 });
    await choosing({ first: 1000, most: 1000 });
    expect(unitsOf("slow").length).toBe(unitsOf("fast").length - 2);
  });

  test("No pass begins after the budget, but the first candidate has one", async () => {
    const { choosing, clock } = fake({ a: 2, b: 1, c: 1.5 });
    expect(await choosing({ first: 20, most: 20, budget: 50 })).toEqual({
      best: "b",
      rates: { a: 500, b: 1000 },
    });
    expect(clock()).toBeLessThan(90 + 50 + 40);
    const never = fake({ a: 2, b: 1 });
    expect(Object.keys((await never.choosing({ first: 20, most: 20, budget: 0 })).rates)).toEqual(["a"]);
  });

  test("A candidate that fails is not chosen", async () => {
    const { choosing } = fake({ broken: NaN, whole: 3 });
    expect(await choosing({ first: 1, most: 9 })).toEqual({
      best: "whole",
      rates: { broken: 0, whole: 333 },
    });
    await expect(fake({ broken: NaN }).choosing({ first: 1, most: 9 })).rejects.toThrow("does not compile");
  });

  test("A candidate that answers wrong words is dropped with a sentence, however fast it is", async () => {
    const { choosing, faults, unitsOf } = fake({ a: 0.02, wrong: 0.001 }, { wrong: ["wrong"] });
    expect(await choosing({ first: 100, most: 1000 })).toEqual({ best: "a", rates: { a: 5e4, wrong: 0 } });
    expect(faults).toEqual(["wrong answers 8 in word 1, and the definition 7: it is not used"]);
    expect(unitsOf("wrong")).toEqual([100]);
    // The definition decides, not the majority.
    const majority = fake({ bad: 0.02, worse: 0.01, good: 0.03 }, { wrong: ["bad", "worse"] });
    expect((await majority.choosing({ first: 100, most: 1000 })).best).toBe("good");
    const none = fake({ bad: 0.02, good: NaN, worse: 0.01 }, { wrong: ["bad"] });
    expect((await none.choosing({ first: 100, most: 1000 })).best).toBe("worse");
  });
});

describe("Order of the candidates", () => {
  const launch = (variant: Launch["variant"], workgroups: number) => ({ variant, workgroups }) as Launch;

  test("One launch of every variant comes before the second launch of any", () => {
    const launches = [
      launch("registers", 1),
      launch("registers", 2),
      launch("thread", 3),
      launch("thread", 4),
    ];
    expect(
      oneOfEachVariantFirst([...launches, launch("workgroup", 5)]).map(({ workgroups }) => workgroups),
    ).toEqual([1, 3, 5, 2, 4]);
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

  test("A GPU runner says which launch has wrong words, and does not use it", async () => {
    const notices: string[] = [];
    const runner = await gpuRunner(
      tamperedAdapter((device) =>
        // One variant leaves out a trial of every dispatch; the others are as they are.
        rewriteShaders(device, (code) =>
          code.startsWith("// reach, one trial per invocation, its bitset in registers")
            ? code.replaceAll("unitRange.end", "(unitRange.end - 1u)")
            : code,
        ),
      ),
      { store: memoryStore(), onNotice: (sentence) => notices.push(sentence) },
    );
    const expected = [...(await referenceRunner().run(work)).words];
    expect([...(await runner.run(work)).words]).toEqual(expected);
    expect(notices.join()).toMatch(/the GPU or its driver has a fault: reach: .*registers.* answers/);
    runner.close();
  });

  test("Work that is too small to be measured takes the launch that the table has for its size", async () => {
    const { inputs, ...layer } = sampleWork("forward");
    const small = { ...layer, inputs };
    const variants: string[] = [];
    const language = await testLanguage();
    const adapter = tamperedAdapter((device) => {
      const create = device.createComputePipelineAsync.bind(device);
      device.createComputePipelineAsync = (descriptor) => (
        variants.push(descriptor.label!),
        create(descriptor)
      );
    });
    const store = memoryStore();
    const launches = launchesOf(small, await testProfile());
    const second = launches.find(({ variant }) => variant !== launches[0]!.variant);
    await new Tuner(store, adapterKey(await testAdapter())).keep(tuningKey(small), {
      best: launchLabel(second!),
      rates: {},
    });
    const runner = await gpuRunner(adapter, { store, language });
    await runner.prepare(small);
    runner.close();
    expect(variants).toEqual([`forward.${second!.variant}`]);
  });

  test("A GPU runner answers the milliseconds that the device worked", async () => {
    const runner = await gpuRunner(testAdapter);
    expect((await runner.run(work)).deviceMilliseconds).toBeGreaterThan(0);
    runner.close();
  });
});
