// The same words from every engine: random configurations, the seams by hand, faults planted to be found, and what the
// scheduler, a shadow and a lost device make of it.

import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cpuRunner } from "../host/cpu/runner.ts";
import { gpuRunner } from "../host/gpu/runner.ts";
import type { Launch } from "../host/gpu/launch.ts";
import { launchesOf, variantsOf } from "../host/gpu/kernels/index.ts";
import { startThread } from "../host/node/platform/threads.ts";
import { referenceRunner } from "../host/reference.ts";
import type { Runner } from "../host/runner.ts";
import { schedule } from "../host/schedule.ts";
import { DifferenceError, shadowRunner } from "../host/shadow.ts";
import { ensembles, isProduct, listedLaw } from "../src/ensemble.ts";
import { phaseConfig, plan, type PhaseConfig } from "../src/experiments/phase.ts";
import { reachPlan } from "../src/reach-plan.ts";
import { reachCapacity, reachTally } from "../src/kernels/reach.ts";
import { batchWork, type Batch, type Plan, type Work as KernelWork } from "../src/plan.ts";
import { paramOf } from "./work.ts";
import { rewriteShaders, tamperedAdapter, testAdapter, watchIndices, watchedAdapter } from "./gpu/devices.ts";

/** The variants of `reach`. */
const variantNames = ["registers", "thread", "subgroup", "workgroup", "storage"] as const;
type VariantName = (typeof variantNames)[number];

const names = ["reference", "cpu", "threads", "shadow", ...variantNames] as const;
type Name = (typeof names)[number];
/** Without those that take long to compile, and differ from `thread` in little but where the bits of a trial are. */
const quick = names.filter((name) => name !== "registers" && name !== "subgroup");
const engines = {} as Record<Name, Runner>;

beforeAll(async () => {
  engines.reference = referenceRunner();
  engines.cpu = await cpuRunner(1, startThread);
  engines.threads = await cpuRunner(2, startThread);
  const poisons = {
    registers: 0xaaaaaaaa,
    thread: 0xffffffff,
    subgroup: 0x01234567,
    workgroup: 0x55555555,
    storage: 0xdeadbeef,
  };
  for (const variant of variantNames)
    engines[variant] = await gpuRunner(watchedAdapter, { variant, poison: poisons[variant] });
  engines.shadow = shadowRunner(engines.cpu, engines.reference);
  // Leaves ones all over the memory of the threads.
  const dirt = workOf({ halfRange: 2 ** 14, itemsFrom: 40, itemsTo: 40, targets: [1] });
  for (const name of ["cpu", "threads", "threads"] as const)
    await engines[name].run(batchWork(dirt, { first: 0, count: 9 }));
});

afterAll(() => Object.values(engines).forEach((engine) => engine.close()));

interface Work {
  readonly ensemble?: PhaseConfig["ensemble"];
  readonly halfRange: number;
  readonly itemsFrom: number;
  readonly itemsTo: number;
  readonly targets: readonly number[];
  readonly seed?: bigint;
  readonly enumerate?: boolean;
}

/** The plan of a configuration, targets named twice included, which requests drop. */
function workOf({
  ensemble = "rssp0",
  halfRange,
  itemsFrom,
  itemsTo,
  targets,
  seed = 1n,
  enumerate = false,
}: Work): Plan {
  const config = phaseConfig({ ensemble, halfRange, items: { from: itemsFrom, to: itemsTo }, seed });
  return plan({ ...config, targets, enumerate });
}

/** Adds the words of two batches of a plan, missing targets with their carry. */
function sum(work: Plan, a: Uint32Array, b: Uint32Array): Uint32Array {
  const place = reachTally(work.params);
  const words = a.map((word, i) => word + b[i]!);
  for (let j = 0; j <= work.params.itemsTo - work.params.itemsFrom; j++)
    if (a[place.missing(j)]! + b[place.missing(j)]! >= 2 ** 32) words[place.missing(j) + 1]!++;
  return words;
}

/** Whether the engines named give the words of the first of them, batch by batch or in two batches. */
async function compare(work: Plan, batch: Batch, wanted: readonly Name[] = names): Promise<void> {
  const among = wanted.filter((name) => fitsRegisters(work) || (name !== "registers" && name !== "subgroup"));
  const cut = Math.floor(batch.count / 3);
  const rest = { first: batch.first + cut, count: batch.count - cut };
  const [expected, ...others] = await Promise.all(
    among.map(async (name) => (await engines[name].run(batchWork(work, batch))).words),
  );
  others.forEach((words, i) => expect([among[i + 1], [...words]]).toEqual([among[i + 1], [...expected!]]));
  // Whoever reads the buffer finds the words and nothing else.
  for (const words of others) expect(words.buffer.byteLength).toBe(words.byteLength);
  const halves = await Promise.all(
    [{ first: batch.first, count: cut }, rest].map(
      async (part) => (await engines.threads.run(batchWork(work, part))).words,
    ),
  );
  expect(["in two batches", [...sum(work, halves[0]!, halves[1]!)]]).toEqual([
    "in two batches",
    [...expected!],
  ]);
}

/** Whether the bits of every trial have room in registers. */
const fitsRegisters = ({ params }: Plan): boolean => params.halfRange < 256 && reachCapacity(params) <= 512;

/** The most trials that a variant counts without any workgroup taking a second turn. */
async function oneTurn(work: Plan, variant: VariantName): Promise<number> {
  const { limits, info } = await testAdapter();
  const [{ constants, workgroups }] = launchesOf(
    batchWork(work, { first: 0, count: 2 ** 31 - 1 }),
    {
      limits,
      subgroupMaxSize: info.subgroupMaxSize || 32,
      subgroupMinSize: info.subgroupMinSize || 4,
      features: new Set(["subgroups"] as const),
    },
    variant,
  ) as [Launch];
  const trialsOf = { registers: constants.WIDTH!, thread: constants.WIDTH!, workgroup: 1, storage: 1 };
  return workgroups * (variant === "subgroup" ? constants.WIDTH! / 4 : trialsOf[variant]);
}

const EXTREMES = [0, 2 ** 31 - 1, -(2 ** 31), -(2 ** 31) + 1];

test("no variant is left out", async () => {
  // The software adapter has subgroups; on one that has none the runner of that variant fails, and says so.
  expect((await testAdapter()).features.has("subgroups")).toBe(true);
  expect(variantsOf("reach")).toEqual(variantNames);
});

describe("random configurations", () => {
  test("give the same words on every engine, at least two hundred of them", async () => {
    const shapes = fc.record({
      // Half of them squares, which products can have too.
      halfRange: fc.oneof(
        fc.integer({ min: 1, max: 9 }).map((side) => side * side),
        fc.integer({ min: 1, max: 70 }),
      ),
      itemsFrom: fc.integer({ min: 0, max: 12 }),
      sizes: fc.integer({ min: 0, max: 5 }),
      targets: fc.array(fc.oneof(fc.integer({ min: -90, max: 90 }), fc.constantFrom(...EXTREMES)), {
        minLength: 1,
        maxLength: 8,
      }),
      seed: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      enumerate: fc.integer({ min: 0, max: 7 }).map((dice) => dice === 0),
      first: fc.oneof(
        fc.integer({ min: 0, max: 2 ** 32 - 100 }),
        fc.integer({ min: 2 ** 32 - 60, max: 2 ** 32 + 10 }),
        fc.integer({ min: 2 ** 47, max: 2 ** 48 - 100 }),
      ),
      count: fc.integer({ min: 1, max: 70 }),
    });
    let [runs, configurations] = [0, 0];
    await fc.assert(
      fc.asyncProperty(
        shapes,
        async ({ halfRange, itemsFrom, sizes, targets, seed, enumerate, first, count }) => {
          const among = runs++ % 4 === 0 ? names : quick;
          for (const ensemble of ensembles) {
            if (isProduct(ensemble) && !Number.isInteger(Math.sqrt(halfRange))) continue;
            // Four of each shape: what takes the time is compiling for it.
            for (const [key, start, length] of [
              [seed, first, count],
              [seed / 3n, Math.floor(first / 3), 71 - count],
              [seed / 5n, Math.floor(first / 5), 71],
              [seed / 7n, Math.floor(first / 7), 1 + (count % 5)],
            ] as const) {
              const work = workOf({
                ensemble,
                halfRange,
                itemsFrom,
                itemsTo: itemsFrom + sizes,
                targets,
                seed: key,
                enumerate,
              });
              await compare(
                work,
                { first: enumerate ? start % (2 ** 32 - 100) : start, count: length },
                among,
              );
              configurations++;
            }
          }
        },
      ),
      { seed: 2508, numRuns: 16 },
    );
    expect(configurations).toBeGreaterThanOrEqual(200);
  });

  test("of wider shapes give the same words on CPU and by definition", async () => {
    const shapes = fc
      .record({
        ensemble: fc.constantFrom(...ensembles),
        side: fc.oneof(fc.integer({ min: 1, max: 17 }), fc.integer({ min: 1, max: 70 })),
        itemsFrom: fc.integer({ min: 0, max: 60 }),
        sizes: fc.integer({ min: 0, max: 4 }),
        near: fc.array(fc.tuple(fc.constantFrom(0, 1, -1, 0.5, 2, 3), fc.integer({ min: -3, max: 3 })), {
          minLength: 1,
          maxLength: 4,
        }),
        seed: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        first: fc.integer({ min: 0, max: 2 ** 48 - 100 }),
        count: fc.integer({ min: 1, max: 6 }),
      })
      .map(({ side, near, ...shape }) => {
        const halfRange = isProduct(shape.ensemble) || side % 2 === 0 ? side * side : side;
        const itemsTo = shape.itemsFrom + shape.sizes;
        // Targets near 0, the half range, the multiples of it and the largest sum there can be.
        const targets = near.map(
          ([multiple, more]) => Math.floor((multiple === 3 ? itemsTo : multiple) * halfRange) + more,
        );
        return { ...shape, halfRange, itemsTo, targets };
      });
    await fc.assert(
      fc.asyncProperty(shapes, ({ first, count, ...work }) =>
        compare(workOf(work), { first, count }, ["reference", "cpu"]),
      ),
      { seed: 11020, numRuns: 400 },
    );
  });
});

describe("seams", () => {
  const counts = [0, 1, 3, 4, 5, 31, 32, 33, 63, 64, 65];

  test.each(ensembles)("in the number of trials leave %s the same", async (ensemble) => {
    const work = workOf({ ensemble, halfRange: 9, itemsFrom: 1, itemsTo: 7, targets: [1, -9, 4] });
    for (const count of counts) await compare(work, { first: 10, count });
  });

  test("where the trial index passes 2^32 leave all the same", async () => {
    const work = workOf({ halfRange: 6, itemsFrom: 2, itemsTo: 6, targets: [5] });
    for (const first of [
      2 ** 32 - 1,
      2 ** 32 - 2,
      2 ** 32 - 3,
      2 ** 32 - 4,
      2 ** 32 - 33,
      2 ** 32,
      2 ** 33 - 5,
      2 ** 48 - 66,
    ])
      await compare(work, { first, count: 65 });
  });

  const edges: [string, Work][] = [
    ["no items", { halfRange: 5, itemsFrom: 0, itemsTo: 0, targets: [0, 1] }],
    ["no items of the smallest half range", { halfRange: 1, itemsFrom: 0, itemsTo: 0, targets: [0, -1] }],
    ["one item", { halfRange: 33, itemsFrom: 1, itemsTo: 1, targets: [0, 33, -33] }],
    ["one number of items", { halfRange: 16, itemsFrom: 9, itemsTo: 9, targets: [1, 16] }],
    [
      "all numbers of items up to the most",
      { halfRange: 1, itemsFrom: 0, itemsTo: 64, targets: [0, 1, 30, -64, 64, 65] },
    ],
    ["the most items", { halfRange: 4, itemsFrom: 64, itemsTo: 64, targets: [255, 256, -256] }],
    [
      "targets twice, out of range and at the ends of 32 bits",
      { halfRange: 7, itemsFrom: 0, itemsTo: 6, targets: [...EXTREMES, 3, 3, 42, 43, -42, -43, 0] },
    ],
    ["magnitudes of whole words", { halfRange: 64, itemsFrom: 3, itemsTo: 8, targets: [64, 32, -64] }],
    ["magnitudes just above 64", { halfRange: 65, itemsFrom: 0, itemsTo: 7, targets: [65, 128] }],
    ["sums about 256", { halfRange: 64, itemsFrom: 4, itemsTo: 5, targets: [191, 192, 255, 256, 257, -320] }],
    ["sums about 512", { halfRange: 64, itemsFrom: 7, itemsTo: 9, targets: [447, 448, 511, 512, 513, -576] }],
    [
      "wide ranges, whose slices are whole words",
      { halfRange: 1225, itemsFrom: 1, itemsTo: 3, targets: [1225, 1] },
    ],
  ];

  test.each(edges)("give the same words with %s", async (_, work) => {
    const fitting = ensembles.filter(
      (ensemble) => !isProduct(ensemble) || Number.isInteger(Math.sqrt(work.halfRange)),
    );
    for (const ensemble of fitting)
      await compare(
        workOf({ ...work, ensemble }),
        { first: 77, count: 37 },
        ensemble === "rssp" || ensemble === "rnpp" ? names : quick,
      );
  });

  // What happens to one trial in a hundred or in a thousand items: thousands of trials see it.
  const rare: [string, Work][] = [
    ["bitsets that end at 256", { halfRange: 64, itemsFrom: 10, itemsTo: 10, targets: [140, -140] }],
    ["bitsets that end at 512", { halfRange: 64, itemsFrom: 20, itemsTo: 20, targets: [262, -262] }],
    [
      "signed sums that end at 512",
      { ensemble: "rnpp", halfRange: 64, itemsFrom: 20, itemsTo: 20, targets: [374, 375] },
    ],
    ["windows that end with a word", { halfRange: 200, itemsFrom: 9, itemsTo: 9, targets: [200, -200] }],
    [
      "signed windows that end with a word",
      { ensemble: "rnpp", halfRange: 200, itemsFrom: 8, itemsTo: 8, targets: [-294, 293] },
    ],
    ["3 % of the slices rejected, some twice", { halfRange: 993, itemsFrom: 1, itemsTo: 6, targets: [993] }],
  ];

  test.each(rare)("give the same words with %s", async (_, work) => {
    await compare(workOf(work), { first: 0, count: 3000 });
    await compare(workOf(work), { first: 3000, count: 30_000 }, ["reference", "cpu"]);
  });

  test("a trial with n items is the first n items of the same trial with more", async () => {
    const targets = [1, 20];
    for (const ensemble of ["rssp", "rssp0", "rnpp"] as const) {
      const [from, to] = [0, 12];
      const { words: whole } = await engines.cpu.run(
        batchWork(workOf({ ensemble, halfRange: 20, itemsFrom: from, itemsTo: to, targets }), {
          first: 5,
          count: 999,
        }),
      );
      const place = reachTally({ itemsFrom: from, itemsTo: to, targets: 2 });
      for (let n = from; n <= to; n++) {
        const { words: alone } = await engines.cpu.run(
          batchWork(workOf({ ensemble, halfRange: 20, itemsFrom: n, itemsTo: n, targets }), {
            first: 5,
            count: 999,
          }),
        );
        const words = [
          place.uncovered(n),
          place.missing(n),
          place.missing(n) + 1,
          place.unsolved(0, n),
          place.unsolved(1, n),
        ];
        expect([ensemble, n, [...alone]]).toEqual([ensemble, n, [999, ...words.map((word) => whole[word])]]);
      }
    }
  });

  test("items of a listed law give the same words, and are uniform on the list", async () => {
    const magnitudes = Int32Array.of(1, 2, 3, 4, 6, 8, 9, 12, 16, 5, 40);
    const shape = {
      law: listedLaw(magnitudes),
      key: [7, 8],
      magnitudes,
      halfRange: 40,
      targets: [1, 7, -40],
    } as const;
    const drawn = reachPlan({ ...shape, items: { from: 0, to: 9 }, enumerate: false });
    await compare(drawn, { first: 2 ** 32 - 20, count: 67 });
    // Every instance of one item: each of the +-magnitudes once, so that one in 22 hits target 1 and none target 7.
    const every = reachPlan({ ...shape, items: { from: 1, to: 1 }, enumerate: true });
    await compare(every, { first: 0, count: 22 });
    const place = reachTally(every.params);
    const { words } = await engines.cpu.run(batchWork(every, { first: 0, count: 22 }));
    expect([0, 1, 2].map((t) => words[place.unsolved(t, 0)])).toEqual([21, 22, 21]);
  });

  test("more trials than workgroups can be dispatched are counted in turns", async () => {
    const work = workOf({ ensemble: "rssp", halfRange: 1, itemsFrom: 1, itemsTo: 1, targets: [1] });
    for (const variant of variantNames) {
      const most = await oneTurn(work, variant);
      if (variant !== "storage") expect(most).toBeGreaterThanOrEqual(65535);
      await compare(work, { first: 2 ** 32 - 1000, count: most + 9 }, ["cpu", variant]);
    }
  });

  test("missing targets carry into their high word", async () => {
    const work = workOf({ halfRange: 2 ** 20, itemsFrom: 0, itemsTo: 0, targets: [0, 1] });
    for (const count of [2047, 2048, 2049, 5000])
      await compare(work, { first: 0, count }, count === 2049 ? names : ["cpu", "threads", ...variantNames]);
    expect([...(await engines.cpu.run(batchWork(work, { first: 0, count: 5000 }))).words]).toEqual([
      5000,
      5000,
      (5000 * 2 ** 21) % 2 ** 32,
      2,
      0,
      5000,
    ]);
    // So many targets that no workgroup can keep a tally of its own.
    const many = workOf({
      halfRange: 2 ** 20,
      itemsFrom: 0,
      itemsTo: 0,
      targets: Array.from({ length: 17_000 }, (_, i) => i),
    });
    await compare(many, { first: 0, count: 2049 }, ["cpu", "thread"]);
  });
});

describe("trials that a variant has no room for", () => {
  const work = workOf({ ensemble: "rssp", halfRange: 64, itemsFrom: 12, itemsTo: 12, targets: [1, -64] });
  const sweep = workOf({ ensemble: "rnpp", halfRange: 64, itemsFrom: 3, itemsTo: 12, targets: [0, 5] });

  test.each([
    ["registers", 1],
    ["registers", 256],
    ["subgroup", 1],
    ["subgroup", 256],
    ["thread", 1],
    ["thread", 224],
    ["thread", 250],
  ] as const)("are counted by the next one: %s with %i places", async (variant, places) => {
    const few = await gpuRunner(testAdapter, { variant, capacityBits: places, poison: 0xdeadbeef });
    for (const plan of [work, sweep])
      for (const batch of [
        { first: 7, count: 1000 },
        { first: 2 ** 32 - 9, count: 33 },
        { first: 0, count: 0 },
      ]) {
        const [expected, words] = await Promise.all(
          [engines.cpu, few].map((engine) => engine.run(batchWork(plan, batch))),
        );
        expect([...words!.words]).toEqual([...expected!.words]);
      }
    few.close();
  });

  test("are all of them, some of them or none", async () => {
    // What is left is counted by a shader that here counts nothing.
    for (const [variant, places, low, high] of [
      ["thread", 32, 0, 0],
      ["thread", 224, 1, 999],
      ["registers", 256, 1, 999],
      ["thread", 449, 1000, 1000],
    ] as const) {
      const forgetful = await gpuRunner(
        tamperedAdapter((device) =>
          rewriteShaders(device, (code) =>
            code.replace("var deferred = workgroupUniformLoad(&overflowWord);", "var deferred = 0u;"),
          ),
        ),
        { variant, capacityBits: places },
      );
      const [counted] = (await forgetful.run(batchWork(work, { first: 7, count: 1000 }))).words;
      expect([variant, places, counted! >= low && counted! <= high]).toEqual([variant, places, true]);
      forgetful.close();
    }
  });
});

describe("large sizes", () => {
  test.each([
    ["rssp", 2 ** 12, 15, 5],
    ["products", 2 ** 12, 16, 5],
    ["rnpp", 2 ** 13, 16, 5],
    ["rssp0", 2 ** 13 - 1, 17, 3],
  ] as const)(
    "give the same words on CPU and GPU: %s, half range %i, %i items",
    async (ensemble, halfRange, items, count) => {
      const work = workOf({
        ensemble,
        halfRange,
        itemsFrom: items - 1,
        itemsTo: items,
        targets: [1, halfRange, -3 * halfRange],
      });
      await compare(work, { first: 3, count }, ["reference", "cpu", "workgroup"]);
    },
  );

  // Unpoisoned: with bitsets this large the scratch memory of all workgroups fills what there is.
  test.each([
    ["rssp", 2 ** 20, 20, 2],
    ["rnpp", 2 ** 20, 24, 2],
    ["products0", 2 ** 20, 22, 2],
    ["rssp0", 2 ** 20, 64, 1],
  ] as const)(
    "give the same words from storage: %s, half range %i, %i items",
    async (ensemble, halfRange, items, count) => {
      const work = workOf({
        ensemble,
        halfRange,
        itemsFrom: items,
        itemsTo: items,
        targets: [0, 1, halfRange, -halfRange - 5],
      });
      const storage = await gpuRunner(testAdapter, { variant: "storage" });
      const [reference, cpu, gpu] = await Promise.all(
        [engines.reference, engines.cpu, storage].map((engine) =>
          engine.run(batchWork(work, { first: 0, count })),
        ),
      );
      storage.close();
      expect([...cpu!.words]).toEqual([...reference!.words]);
      expect([...gpu!.words]).toEqual([...reference!.words]);
    },
  );
});

describe("planted faults", () => {
  // Wide enough for word shifts, narrow enough for every variant.
  const probes: Work[] = [
    { ensemble: "rssp0", halfRange: 70, itemsFrom: 0, itemsTo: 7, targets: [1, -70, 200] },
    { ensemble: "rnpp", halfRange: 40, itemsFrom: 3, itemsTo: 8, targets: [0, 1, -5] },
    { ensemble: "rssp", halfRange: 200, itemsFrom: 3, itemsTo: 3, targets: [-7] },
    { ensemble: "rssp", halfRange: 64, itemsFrom: 6, itemsTo: 6, targets: [5] },
    { ensemble: "products0", halfRange: 49, itemsFrom: 2, itemsTo: 5, targets: [48] },
  ];
  const faults: [VariantName, string, string][] = [
    ["thread", "let right = 31u - ((a - 1u) & 31u);", "let right = 31u - (a & 31u);"],
    ["thread", "select(0, by.gap, item >= 0)", "select(0, by.gap, item > 0)"],
    ["thread", "1u << params.bits", "2u << params.bits"],
    ["thread", "indexOf(localIndex, max(low, a));", "indexOf(localIndex, max(low, a) + 32u);"],
    ["thread", "(prefixSum + 1) >> 1u", "(prefixSum + 2) >> 1u"],
    ["thread", "2u * by.perWord) - 1u", "2u * by.perWord)"],
    ["thread", "rotateLeft(y, 29u)", "rotateLeft(y, 28u)"],
    ["thread", "BLOCKS_PER_ATTEMPT * attempt + i", "BLOCKS_PER_ATTEMPT * attempt"],
    ["thread", "u32(low < t)", "u32(low <= t)"],
    ["registers", "31u - (less & 31u)", "30u - (less & 31u)"],
    ["registers", "(less & 64u) != 0u", "(less & 32u) != 0u"],
    ["registers", "if (!ZEROS || a > 0) {", "{"],
    ["registers", "vec4i(0, 32, 64, 96)", "vec4i(0, 32, 64, 95)"],
    ["registers", "sourceOf(r2, r1, r0, step)", "sourceOf(r2, r1, r1, step)"],
    ["registers", "select(small, by.items - 1u - (first + k - small), isLarge)", "small"],
    ["subgroup", "lane + words < size", "lane + words <= size"],
    ["subgroup", "by.words + 1u", "by.words"],
    ["subgroup", "if (drawer == 0u) {", "if (n == 1u) {"],
    ["subgroup", "w & (size - 1u))", "w & (size - 2u))"],
    ["subgroup", "a >= perBlock", "a > perBlock"],
    ["workgroup", "bits) | ((lower >> 1u) >> (31u - bits))", "bits) | ((lower >> 1u) >> (30u - bits))"],
    ["workgroup", "(word & 1u) == 1u", "(word & 1u) == 0u"],
    ["workgroup", "- atomicExchange(&ones, 0u)", "- atomicLoad(&ones)"],
    ["storage", "scratch[table * WORDS + w] = value", "scratch[table * WORDS + w + 1u] = value"],
    ["storage", "setWord(table, u32(w), u32(w == 0));", "if (w == 0) { setWord(table, 0u, 1u); }"],
    ["storage", "32 * w + 31 - window.y", "32 * w + 30 - window.y"],
    ["storage", "min(toHigh, toLow), max(", "min(toHigh, toLow) - high, max("],
  ];

  async function differs(
    variant: VariantName,
    rewrite: (code: string) => string,
    tries: [Work, Batch][],
  ): Promise<boolean> {
    const suspect = await gpuRunner(
      tamperedAdapter((device) => rewriteShaders(device, rewrite)),
      { variant, poison: 0xdeadbeef },
    );
    const shadow = shadowRunner(engines.cpu, suspect);
    try {
      for (const [work, batch] of tries) await shadow.run(batchWork(workOf(work), batch));
      return false;
    } catch (error) {
      if (!(error instanceof DifferenceError)) throw error;
      return true;
    } finally {
      // Its CPU half is everybody's.
      suspect.close();
    }
  }

  const probing = probes.flatMap((probe): [Work, Batch][] => [
    [probe, { first: 2 ** 32 - 40, count: 900 }],
    [probe, { first: 2 ** 32, count: 30 }],
  ]);

  const replacing = (from: string, to: string) => (code: string) => {
    const changed = code.replace(from, to);
    if (changed === code) throw new Error(`planted fault: expected "${from}" in the shader`);
    return changed;
  };

  test.each(variantNames)("are not seen in the %s variant as it is", async (variant) => {
    expect(await differs(variant, (code) => code, probing)).toBe(false);
  });

  test.each(faults)("are found in the %s variant with `%s` changed to `%s`", async (variant, from, to) => {
    expect(await differs(variant, replacing(from, to), probing)).toBe(true);
  });

  test.each([
    ["thread", "const BELOW_WORDS = 4u;", "const BELOW_WORDS = 3u;"],
    ["thread", "array<i32, ITEMS * WIDTH>", "array<i32, ITEMS * WIDTH - 8u>"],
    ["workgroup", "array<u32, WORDS>", "array<u32, WORDS / 4u>"],
  ] as const)(
    "of indices are found in the %s variant with `%s` changed to `%s`",
    async (variant, from, to) => {
      const rewrite = replacing(from, to);
      expect(await differs(variant, (code) => watchIndices(rewrite(code)), probing)).toBe(true);
    },
  );

  test("are found in the turns that workgroups take", async () => {
    const work: Work = { ensemble: "rssp", halfRange: 2, itemsFrom: 0, itemsTo: 1, targets: [1] };
    const count = (await oneTurn(workOf(work), "workgroup")) + 40;
    const tries: [Work, Batch][] = [[work, { first: 0, count }]];
    expect(await differs("workgroup", replacing("t += workgroups)", "t += workgroups + 1u)"), tries)).toBe(
      true,
    );
    expect(
      await differs(
        "workgroup",
        replacing("u32(w == 0));", "select(wordOf(table, u32(w)), 1u, w == 0 && t < 65535u));"),
        tries,
      ),
    ).toBe(true);
  });

  test("a single flipped bit is named by kernel, buffer, word and trials", async () => {
    const work = workOf(probes[0]!);
    for (const index of [0, 7, 40]) {
      const flipped: Runner = {
        ...engines.cpu,
        engine: "gpu",
        run: async (...args) => ({ words: (await engines.cpu.run(...args)).words.with(index, 12345) }),
      };
      const [said, shadow] = [
        (await engines.cpu.run(batchWork(work, { first: 9, count: 5 }))).words[index],
        shadowRunner(engines.cpu, flipped),
      ];
      const difference = shadow.run(batchWork(work, { first: 9, count: 5 }));
      await expect(difference).rejects.toBeInstanceOf(DifferenceError);
      await expect(difference).rejects.toThrow(
        `kernel reach, buffer tally, word ${index} of 49: cpu says ${said}, gpu says 12345`,
      );
    }
  });

  test("a tally that is too short or too long is a difference", async () => {
    for (const length of [48, 50]) {
      const cut: Runner = {
        ...engines.cpu,
        run: async (...args) => {
          const { words } = await engines.cpu.run(...args);
          return { words: Uint32Array.from({ length }, (_, i) => words[i] ?? 0) };
        },
      };
      await expect(
        shadowRunner(engines.cpu, cut).run(batchWork(workOf(probes[0]!), { first: 0, count: 3 })),
      ).rejects.toBeInstanceOf(DifferenceError);
    }
  });

  test("a shadow of equal engines answers with their words", async () => {
    const work = workOf(probes[1]!);
    const { words } = await shadowRunner(engines.cpu, engines.reference).run(
      batchWork(work, { first: 1, count: 20 }),
    );
    expect([...words]).toEqual([
      ...(await engines.reference.run(batchWork(work, { first: 1, count: 20 }))).words,
    ]);
  });
});

describe("the scheduler", () => {
  const work = workOf({ ensemble: "rssp", halfRange: 12, itemsFrom: 0, itemsTo: 9, targets: [1, -12] });
  const trials = 30_000;

  /** A runner that notes its batches. */
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

  /** Whether batches follow one another from 0 to `end`. */
  function contiguous(batches: readonly Batch[], end: number): boolean {
    return (
      batches.reduce((next, { first, count }) => (first === next && count > 0 ? next + count : NaN), 0) ===
      end
    );
  }

  test("adds up to the same totals whatever the batches, lanes and threads", async () => {
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
      expect(contiguous(runner.batches, trials)).toBe(true);
      cuts.add(runner.batches.length);
    }
    expect(cuts.size).toBeGreaterThan(2);
  });

  test("cuts batches by how long the device worked where it can tell, however long they waited", async () => {
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

  test("reports totals after every batch, and runs no more than it is asked for", async () => {
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

  test("keeps a contiguous prefix when stopped, equal to a run of that many trials", async () => {
    for (const batchesBefore of [1, 4]) {
      const stop = new AbortController();
      let batches = 0;
      const runner = watched(engines.threads, { targetMilliseconds: 0.01 });
      const totals = await schedule(runner, work, 1e7, {
        signal: stop.signal,
        onBatch: () => void (++batches === batchesBefore && stop.abort()),
      });
      expect(totals.trials).toBeLessThan(1e7);
      expect(contiguous(runner.batches, totals.trials)).toBe(true);
      const fresh = await schedule(engines.cpu, work, totals.trials);
      expect([...totals.words]).toEqual([...fresh.words]);
    }
  });

  test("counts nothing when it was stopped before it began", async () => {
    expect(await schedule(engines.cpu, work, 10, { signal: AbortSignal.abort() })).toEqual({
      trials: 0,
      words: new Float64Array(0),
    });
  });

  test("refuses a tally that does not count its batch", async () => {
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

  test("passes on an error after all other batches have ended, and issues none after it", async () => {
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

describe("a CPU runner", () => {
  const work = workOf({ halfRange: 9, itemsFrom: 2, itemsTo: 8, targets: [3] });

  test("that was closed fails the batches it has and refuses others", async () => {
    const runner = await cpuRunner(2, startThread);
    const pending = runner.run(batchWork(work, { first: 0, count: 2 ** 31 - 1 }));
    runner.close();
    await expect(pending).rejects.toThrow("the CPU runner was closed");
    await expect(runner.run(batchWork(work, { first: 0, count: 1 }))).rejects.toThrow(
      "the CPU runner was closed",
    );
  });

  test("refuses a table that no memory holds, and goes on", async () => {
    const runner = await cpuRunner(1, startThread);
    const count = (items: number[], target: number): KernelWork => ({
      kernel: "count",
      params: {
        instances: 1,
        items: items.length,
        targets: 1,
        answers: 2,
        longest: items.length,
        sums: target + 1,
        masks: 0,
        tiles: 1,
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
    await expect(runner.run(wide)).rejects.toBeInstanceOf(RangeError);
    expect([...(await runner.run(count([1, 2, 3], 3))).words]).toEqual([2, 0]);
    runner.close();
  });

  test("goes on with the threads that are left, until there are none", async () => {
    const fail: ((error: Error) => void)[] = [];
    const runner = await cpuRunner(2, (script, handlers) => {
      fail.push(handlers.failure);
      return startThread(script, handlers);
    });
    fail[0]!(new Error("a thread broke"));
    const batch = { first: 3, count: 200 };
    const expected = [...(await engines.cpu.run(batchWork(work, batch))).words];
    const parts = await Promise.all([runner.run(batchWork(work, batch)), runner.run(batchWork(work, batch))]);
    expect(parts.map(({ words }) => [...words])).toEqual([expected, expected]);
    fail[1]!(new Error("so did the other"));
    await expect(runner.run(batchWork(work, batch))).rejects.toThrow("a thread broke");
    runner.close();
  });
});

describe("a lost device", () => {
  const work = workOf({ halfRange: 9, itemsFrom: 2, itemsTo: 8, targets: [3] });
  const batch = { first: 11, count: 2000 };

  /** A runner on devices that are lost at their `when`-th submission, the first `losses` of them; and all its devices. */
  async function onLosingDevices(
    losses: number,
    when: number,
  ): Promise<{ runner: Runner; devices: GPUDevice[] }> {
    const devices: GPUDevice[] = [];
    const runner = await gpuRunner(
      tamperedAdapter((device) => {
        devices.push(device);
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

  test("has its batches replayed on a new one with the same result", async () => {
    const expected = [...(await engines.cpu.run(batchWork(work, batch))).words];
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

  test("does not matter between batches", async () => {
    const expected = [...(await engines.cpu.run(batchWork(work, batch))).words];
    const { runner, devices } = await onLosingDevices(0, 0);
    await runner.run(batchWork(work, batch));
    devices[0]!.destroy();
    expect([...(await runner.run(batchWork(work, batch))).words]).toEqual(expected);
    expect(devices).toHaveLength(2);
    runner.close();
  });

  test("does not matter before a new plan either", async () => {
    const { runner, devices } = await onLosingDevices(0, 0);
    await runner.run(batchWork(work, batch));
    devices[0]!.destroy();
    await devices[0]!.lost;
    const other = workOf({ halfRange: 4, itemsFrom: 2, itemsTo: 8, targets: [3] });
    const totals = await schedule(runner, other, 2000);
    expect([...totals.words]).toEqual([
      ...(await engines.cpu.run(batchWork(other, { first: 0, count: 2000 }))).words,
    ]);
    expect(devices).toHaveLength(2);
    runner.close();
  });

  test("leaves a scheduled run's totals as they are", async () => {
    const { runner, devices } = await onLosingDevices(1, 3);
    const totals = await schedule(runner, work, 20_000);
    expect([...totals.words]).toEqual([
      ...(await engines.cpu.run(batchWork(work, { first: 0, count: 20_000 }))).words,
    ]);
    expect(devices).toHaveLength(2);
    runner.close();
  });

  test("is given up when the new one is lost too", async () => {
    const { runner } = await onLosingDevices(9, 1);
    await expect(runner.run(batchWork(work, batch))).rejects.toThrow(/the GPU was lost/);
    runner.close();
  });
});
