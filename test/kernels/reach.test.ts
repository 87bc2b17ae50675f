// Kernel `reach`: the same tallies on every engine.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { launchesOf, variantsOf } from "../../host/gpu/kernels/index.ts";
import type { VariantName } from "../../host/gpu/launch.ts";
import { gpuRunner } from "../../host/gpu/runner.ts";
import { ensembles, isProduct, listedLaw } from "../../src/ensemble.ts";
import { phaseConfig, plan, type PhaseConfig } from "../../src/experiments/phase.ts";
import { reachTally, type ReachParams } from "../../src/kernels/reach.ts";
import { batchWork, type Batch, type Plan, type WorkOf } from "../../src/plan.ts";
import { reachPlan } from "../../src/reach-plan.ts";
import {
  poisonStorage,
  rewriteShaders,
  sharedAdapter,
  tampered,
  testAdapter,
  testProfile,
} from "../gpu/devices.ts";
import { describeParity, type Case, type EngineName, type RandomCase } from "./parity.ts";
import { reachFaults, type ReachProbe } from "./reach.faults.ts";

const variants = ["placed", "registers", "thread", "wave", "subgroup", "workgroup", "storage"] as const;
type ReachVariant = (typeof variants)[number];

const cpuEngines: readonly EngineName[] = ["reference", "cpu", "threads"];

type ReachCase = Case<WorkOf<"reach">>;

interface Question {
  readonly ensemble?: PhaseConfig["ensemble"];
  readonly halfRange: number;
  readonly itemsFrom: number;
  readonly itemsTo: number;
  readonly targets: readonly number[];
  readonly seed?: bigint;
  readonly enumerate?: boolean;
}

/** The plan of a question. Targets may be named twice, which requests do not allow. */
function planOf({
  ensemble = "rssp0",
  halfRange,
  itemsFrom,
  itemsTo,
  targets,
  seed = 1n,
  enumerate = false,
}: Question): Plan {
  const config = phaseConfig({ ensemble, halfRange, items: { from: itemsFrom, to: itemsTo }, seed });
  return plan({ ...config, targets, enumerate });
}

const workOf = (question: Question, first: number, count: number): WorkOf<"reach"> =>
  batchWork(planOf(question), { first, count });

/** Targets at the ends of 32 bits. */
const EXTREMES = [0, 2 ** 31 - 1, -(2 ** 31), -(2 ** 31) + 1];

/** The most trials of a variant for which no invocation, subgroup or workgroup takes a second one. */
async function trialsWithoutStride(question: Question, variant: ReachVariant): Promise<number> {
  const work = workOf(question, 0, 2 ** 31 - 1);
  const { constants, workgroups } = launchesOf(work, await testProfile(), variant)[0]!;
  const perGroup = {
    placed: constants.WIDTH!,
    registers: constants.WIDTH!,
    thread: constants.WIDTH!,
    wave: 1,
    subgroup: constants.WIDTH! / 4,
    workgroup: 1,
    storage: 1,
  };
  return workgroups * perGroup[variant];
}

/** As many targets as those of no items below, so that variants compile both alike. */
const tiny: Question = { ensemble: "rssp", halfRange: 1, itemsFrom: 1, itemsTo: 1, targets: [1, -1] };

const smallTrials = { halfRange: 9, itemsFrom: 1, itemsTo: 7, targets: [1, -9, 4] } as const;
const counts: readonly ReachCase[] = ensembles.map((ensemble) => ({
  // The other laws differ in how an item is drawn. A variant draws by the module of `thread` or by that of `workgroup`.
  ...(ensemble !== "rssp0" && { wide: true, on: [...cpuEngines, "thread", "workgroup"] }),
  title: `0 to 65 trials of ${ensemble}, around 4, 32 and 64`,
  works: () =>
    [0, 1, 3, 4, 5, 31, 32, 33, 63, 64, 65].map((count) => workOf({ ...smallTrials, ensemble }, 10, count)),
}));

/** These trials differ from those above in their batches alone, so that no pipeline is compiled for them. */
const indices: ReachCase = {
  title: "65 trials whose index passes 2^32, and the last ones below 2^48",
  works: () =>
    [
      2 ** 32 - 1,
      2 ** 32 - 2,
      2 ** 32 - 3,
      2 ** 32 - 4,
      2 ** 32 - 33,
      2 ** 32,
      2 ** 33 - 5,
      2 ** 48 - 66,
    ].map((first) => workOf(smallTrials, first, 65)),
};

/** Each edge is asked only of variants whose bitsets, registers or loops end there, signed sums only of the last one. */
const edges: readonly [title: string, question: Question, on: readonly ReachVariant[]][] = [
  [
    "no items",
    { halfRange: 5, itemsFrom: 0, itemsTo: 0, targets: [0, 1] },
    ["placed", "subgroup", "workgroup"],
  ],
  [
    "no items of the smallest half range",
    { halfRange: 1, itemsFrom: 0, itemsTo: 0, targets: [0, -1] },
    ["registers", "wave"],
  ],
  ["one item", { halfRange: 33, itemsFrom: 1, itemsTo: 1, targets: [0, 33, -33] }, ["placed", "storage"]],
  [
    "one number of items",
    { halfRange: 16, itemsFrom: 9, itemsTo: 9, targets: [1, 16] },
    ["registers", "subgroup"],
  ],
  [
    "every number of items up to 64",
    { halfRange: 1, itemsFrom: 0, itemsTo: 64, targets: [0, 1, 30, -64, 64, 65] },
    ["thread", "wave"],
  ],
  [
    "64 items",
    { halfRange: 4, itemsFrom: 64, itemsTo: 64, targets: [255, 256, -256] },
    ["registers", "subgroup", "storage"],
  ],
  [
    "targets named twice, out of range and at the ends of 32 bits",
    { halfRange: 7, itemsFrom: 0, itemsTo: 6, targets: [...EXTREMES, 3, 3, 42, 43, -42, -43, 0] },
    ["thread", "subgroup", "workgroup"],
  ],
  [
    "magnitudes of whole words",
    { halfRange: 64, itemsFrom: 3, itemsTo: 8, targets: [64, 32, -64] },
    ["storage"],
  ],
  [
    "magnitudes just above 64",
    { halfRange: 65, itemsFrom: 0, itemsTo: 7, targets: [65, 128] },
    ["registers", "workgroup"],
  ],
  [
    "sums about 256",
    { halfRange: 64, itemsFrom: 4, itemsTo: 5, targets: [191, 192, 255, 256, 257, -320] },
    ["registers", "subgroup"],
  ],
  [
    "sums about 512",
    { halfRange: 64, itemsFrom: 7, itemsTo: 9, targets: [447, 448, 511, 512, 513, -576] },
    ["thread", "subgroup", "wave"],
  ],
  [
    "wide ranges, whose slices are whole words",
    { halfRange: 1225, itemsFrom: 1, itemsTo: 3, targets: [1225, 1] },
    ["workgroup", "storage"],
  ],
];

const edgeCases = edges.flatMap(([title, question, on]): ReachCase[] => {
  const works = (among: readonly PhaseConfig["ensemble"][]) =>
    among
      .filter((ensemble) => !isProduct(ensemble) || Number.isInteger(Math.sqrt(question.halfRange)))
      .map((ensemble) => workOf({ ...question, ensemble }, 77, 37));
  const last = on.slice(-1);
  return [
    {
      title: `${title}, drawn from rssp`,
      works: () => works(["rssp"]),
      on: [...cpuEngines, ...on],
      wide: true,
    },
    {
      title: `${title}, drawn from rnpp`,
      works: () => works(["rnpp"]),
      // `placed` has no signed sums, and stands beside a variant whose signed sums end elsewhere.
      on: [...cpuEngines, ...(on.includes("placed") ? [] : last)],
      wide: true,
    },
    {
      title: `${title}, drawn by all laws but these two, on the CPU`,
      works: () => works(["rssp0", "products", "products0"]),
      on: cpuEngines,
      wide: true,
    },
  ];
});

// These happen to one trial in a hundred or to one item in a thousand, so that thousands of trials are needed to see them.
const rare: readonly [title: string, question: Question, on: readonly ReachVariant[]][] = [
  [
    "bitsets that end at 256",
    { halfRange: 64, itemsFrom: 10, itemsTo: 10, targets: [140, -140] },
    ["registers", "subgroup"],
  ],
  [
    "bitsets that end at 512",
    { halfRange: 64, itemsFrom: 20, itemsTo: 20, targets: [262, -262] },
    ["subgroup", "wave"],
  ],
  [
    "signed sums that end at 512",
    { ensemble: "rnpp", halfRange: 64, itemsFrom: 20, itemsTo: 20, targets: [374, 375] },
    ["thread", "subgroup"],
  ],
  [
    "windows that end with a word",
    { halfRange: 200, itemsFrom: 9, itemsTo: 9, targets: [200, -200] },
    ["thread", "workgroup"],
  ],
  [
    "signed windows that end with a word",
    { ensemble: "rnpp", halfRange: 200, itemsFrom: 8, itemsTo: 8, targets: [-294, 293] },
    ["wave", "storage"],
  ],
  [
    "slices of which 3 % are rejected, and some twice",
    { halfRange: 993, itemsFrom: 1, itemsTo: 6, targets: [993] },
    ["thread", "workgroup"],
  ],
];

const rareCases = rare.flatMap(([title, question, on]): ReachCase[] => [
  {
    title: `3000 trials with ${title}`,
    works: () => [workOf(question, 0, 3000)],
    on: [...cpuEngines, ...on],
    wide: true,
  },
  {
    title: `5000 trials with ${title}`,
    works: () => [workOf(question, 3000, 5000)],
    on: ["reference", "cpu"],
    wide: true,
  },
]);

const perInvocation: readonly EngineName[] = ["reference", "cpu", "placed", "registers", "thread"];
const ends = (M: number) => [0, 1, M, -M, 64 * M + 1];

const placedCases: readonly ReachCase[] = [
  {
    title: "every instance of three items, and every target of -M..M",
    works: () => [
      workOf(
        {
          ensemble: "rssp0",
          halfRange: 3,
          itemsFrom: 3,
          itemsTo: 3,
          targets: [-3, -2, -1, 0, 1, 2, 3],
          enumerate: true,
        },
        0,
        7 ** 3,
      ),
    ],
    on: perInvocation,
  },
  {
    title: "every sign of five items",
    works: () => [
      workOf({ ...tiny, itemsFrom: 5, itemsTo: 5, targets: [1, 0, -1], enumerate: true }, 0, 2 ** 5),
    ],
    on: ["reference", "cpu", "placed"],
    wide: true,
  },
  ...[[65], [1, 32, 33, 64, 127, 128]].map((halfRanges, i): ReachCase => ({
    title: `seven items of half range ${halfRanges.join(", ")}`,
    works: () =>
      halfRanges.map((halfRange) =>
        workOf({ halfRange, itemsFrom: 7, itemsTo: 7, targets: ends(halfRange) }, 2 ** 32 - 40, 130),
      ),
    on: ["reference", "cpu", "placed"],
    wide: i > 0,
  })),
  {
    title: "0, 1, 32, 33 and 64 items",
    works: () =>
      (
        [
          [0, "rssp"],
          [1, "rssp"],
          [32, "rssp"],
          [33, "products"],
          [64, "rssp"],
        ] as const
      ).map(([items, ensemble]) =>
        workOf({ ensemble, halfRange: 4, itemsFrom: items, itemsTo: items, targets: [0, 4, -4] }, 5, 130),
      ),
    on: ["reference", "cpu", "placed"],
    wide: true,
  },
];

/** Trials of one item in three that is 0: many are open after a prefix, and some with all items. */
const open: Question = { halfRange: 1, itemsFrom: 12, itemsTo: 12, targets: [1, -1] };
const prefixCases: readonly ReachCase[] = [
  {
    title: "trials that a prefix decides, and trials that it leaves open",
    works: () => [1, 33, 600].map((count) => workOf(open, 2 ** 32 - 30, count)),
    on: ["reference", "cpu", "placed", "thread"],
  },
  {
    title: "trials of 64 items that a prefix decides, and trials that it leaves open",
    works: () => [workOf({ ...open, itemsFrom: 64, itemsTo: 64 }, 3, 600)],
    on: ["reference", "cpu", "registers"],
    wide: true,
  },
  {
    title: "prefixes of uniform items and of products",
    works: () =>
      (["rssp", "products"] as const).map((ensemble) =>
        workOf({ ensemble, halfRange: 16, itemsFrom: 21, itemsTo: 21, targets: [16, -16] }, 9, 600),
      ),
    on: ["reference", "cpu", "thread"],
    wide: true,
  },
  {
    title: "40 items with targets of which a prefix reaches few or none",
    works: () =>
      [[40], [20_000], [-(2 ** 31)]].map((targets) =>
        workOf({ ensemble: "rssp", halfRange: 16, itemsFrom: 40, itemsTo: 40, targets }, 9, 60),
      ),
    on: ["reference", "cpu", "thread"],
    wide: true,
  },
];

const magnitudes = Int32Array.of(1, 2, 3, 4, 6, 8, 9, 12, 16, 5, 40);
const listed = {
  law: listedLaw(magnitudes),
  key: [7, 8],
  magnitudes,
  halfRange: 40,
  targets: [1, 7, -40],
} as const;
/** Every instance of one item of the list: each magnitude once with either sign. */
const everyListed = reachPlan({ ...listed, items: { from: 1, to: 1 }, enumerate: true });

const lists: readonly ReachCase[] = [
  {
    title: "items drawn from a list",
    works: () => [
      batchWork(reachPlan({ ...listed, items: { from: 0, to: 9 }, enumerate: false }), {
        first: 2 ** 32 - 20,
        count: 67,
      }),
    ],
    // A variant draws by the module of `thread` or by that of `workgroup`.
    on: [...cpuEngines, "thread", "workgroup"],
    wide: true,
  },
  {
    title: "every item of a list",
    works: () => [batchWork(everyListed, { first: 0, count: 22 })],
    on: [...cpuEngines, "storage"],
    wide: true,
  },
];

const strides: readonly ReachCase[] = variants.map((variant) => ({
  title: `9 trials more than are in flight at a time`,
  works: async () => [workOf(tiny, 2 ** 32 - 1000, (await trialsWithoutStride(tiny, variant)) + 9)],
  on: ["cpu", variant],
  wide: !["thread", "subgroup", "workgroup"].includes(variant),
}));

const missing: Question = { halfRange: 2 ** 20, itemsFrom: 0, itemsTo: 0, targets: [0, 1] };
const carries: readonly ReachCase[] = [
  {
    title: "missing targets that just carry into the high word",
    works: () => [workOf(missing, 0, 2049)],
    // All variants add by the module `privateTally`.
    on: [...cpuEngines, "thread", "workgroup"],
  },
  {
    title: "missing targets on either side of a carry",
    works: () => [2047, 2048, 5000].map((count) => workOf(missing, 0, count)),
    on: ["cpu", "threads", "thread", "workgroup"],
  },
  {
    title: "17,000 targets, more than a workgroup can count privately",
    works: () => [workOf({ ...missing, targets: Array.from({ length: 17_000 }, (_, i) => i) }, 0, 2049)],
    on: ["cpu", "thread"],
    wide: true,
  },
];

const large: readonly ReachCase[] = (
  [
    ["rssp", 2 ** 12, 15, 1, ["wave", "workgroup"]],
    ["products", 2 ** 12, 16, 2, ["workgroup"]],
    ["rnpp", 2 ** 13, 16, 1, ["wave"]],
    ["rssp0", 2 ** 13 - 1, 17, 1, ["workgroup"]],
  ] as const
).map(([ensemble, halfRange, items, count, on]) => ({
  title: `${items} items of ${ensemble} up to ${halfRange}`,
  works: () => [
    workOf(
      {
        ensemble,
        halfRange,
        itemsFrom: items - 1,
        itemsTo: items,
        targets: [1, halfRange, -3 * halfRange],
      },
      3,
      count,
    ),
  ],
  on: ["reference", "cpu", ...on],
  wide: ensemble !== "rssp",
}));

/** The variants that decide a trial by a prefix of its items first, or share its bitset in tiles. */
const shared: readonly EngineName[] = ["reference", "cpu", "wave", "subgroup", "workgroup", "storage"];

const prefixes: readonly ReachCase[] = [
  {
    title: "trials that a prefix of their items decides, and trials that it leaves open",
    works: () => [workOf(prefixed, 2 ** 32 - 100, 300)],
    on: shared,
  },
  {
    title: "several numbers of items that are all larger than the prefix, with a target that it often misses",
    works: () => [
      workOf({ ensemble: "rssp0", halfRange: 2, itemsFrom: 20, itemsTo: 23, targets: [5, -5] }, 0, 300),
    ],
    on: ["reference", "cpu", "subgroup", "workgroup"],
    wide: true,
  },
];

// The test adapter has subgroups of 4 lanes, so that a tile of `wave` has 16 words.
const tiles: readonly ReachCase[] = (
  [
    ["half ranges on either side of a word", [31, 32, 33], [3, 5], ["wave", "workgroup"]],
    ["bitsets of three and of five tiles of wave", [127, 128, 129, 257], [4, 8], ["wave", "storage"]],
    ["bitsets of four tiles of wave", [257], [3, 5], ["wave"]],
  ] as const
).map(([title, halfRanges, [itemsFrom, itemsTo], on]) => ({
  title,
  works: () =>
    halfRanges.map((halfRange) =>
      workOf({ halfRange, itemsFrom, itemsTo, targets: [halfRange, -halfRange, 3 * halfRange] }, 5, 60),
    ),
  on: ["reference", "cpu", ...on],
  wide: true,
}));

// Not poisoned: with bitsets this large the scratch memory of all workgroups fills all that a device has.
const largest: readonly ReachCase[] = (
  [
    ["rssp", 2 ** 20, 20, 1],
    ["rnpp", 2 ** 20, 24, 1],
    ["rssp0", 2 ** 20, 64, 1],
  ] as const
).map(([ensemble, halfRange, items, count]) => ({
  title: `${items} items of ${ensemble} up to ${halfRange}, whose bitsets are in storage`,
  works: () => [
    workOf(
      { ensemble, halfRange, itemsFrom: items, itemsTo: items, targets: [0, 1, halfRange, -halfRange - 5] },
      0,
      count,
    ),
  ],
  // The reference takes 7 s for 64 items.
  on: [...(items < 64 ? (["reference"] as const) : []), "cpu", "gpu"],
  wide: ensemble !== "rssp",
}));

/** The shape of a random question. Questions of one shape share their pipelines, which take the time of a GPU. */
type Shape = Pick<Question, "halfRange" | "itemsFrom" | "targets"> & { readonly sizes: number };

const target = (most: number) =>
  fc.oneof(fc.integer({ min: -most, max: most }), fc.constantFrom(...EXTREMES));
const anyShape: fc.Arbitrary<Shape> = fc.record({
  // Half of them are squares, which products can have too.
  halfRange: fc.oneof(
    fc.integer({ min: 1, max: 9 }).map((side) => side * side),
    fc.integer({ min: 1, max: 70 }),
  ),
  itemsFrom: fc.integer({ min: 0, max: 12 }),
  sizes: fc.integer({ min: 0, max: 5 }),
  targets: fc.array(target(90), { minLength: 1, maxLength: 8 }),
});
/** The shape of the small trials. */
const smallShape: fc.Arbitrary<Shape> = fc
  .array(target(smallTrials.halfRange), { minLength: 3, maxLength: 3 })
  .map((targets) => ({ ...smallTrials, targets, sizes: smallTrials.itemsTo - smallTrials.itemsFrom }));

/** Questions of every ensemble that they suit, in four batches each. */
const questionsOf = (shapes: fc.Arbitrary<Shape>, enumerated: number) =>
  fc
    .record({
      shape: shapes,
      seed: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      enumerate: fc.integer({ min: 1, max: 8 }).map((dice) => dice <= enumerated),
      first: fc.oneof(
        fc.integer({ min: 0, max: 2 ** 32 - 100 }),
        fc.integer({ min: 2 ** 32 - 60, max: 2 ** 32 + 10 }),
        fc.integer({ min: 2 ** 47, max: 2 ** 48 - 100 }),
      ),
      count: fc.integer({ min: 1, max: 70 }),
    })
    .map(({ shape: { sizes, ...question }, seed, enumerate, first, count }) => {
      const batches = [
        [seed, first, count],
        [seed / 3n, Math.floor(first / 3), 71 - count],
        [seed / 5n, Math.floor(first / 5), 71],
        [seed / 7n, Math.floor(first / 7), 1 + (count % 5)],
      ] as const;
      return ensembles
        .filter((ensemble) => !isProduct(ensemble) || Number.isInteger(Math.sqrt(question.halfRange)))
        .flatMap((ensemble) =>
          batches.map(([key, start, length]) =>
            workOf(
              { ...question, ensemble, itemsTo: question.itemsFrom + sizes, seed: key, enumerate },
              enumerate ? start % (2 ** 32 - 100) : start,
              length,
            ),
          ),
        );
    });

const wideQuestions = fc
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
  .map(({ side, near, first, count, sizes, ...shape }) => {
    const halfRange = isProduct(shape.ensemble) || side % 2 === 0 ? side * side : side;
    const itemsTo = shape.itemsFrom + sizes;
    // Targets are near 0, the half range, multiples of it and the largest possible sum.
    const targets = near.map(
      ([multiple, more]) => Math.floor((multiple === 3 ? itemsTo : multiple) * halfRange) + more,
    );
    return [workOf({ ...shape, halfRange, itemsTo, targets }, first, count)];
  });

const random: readonly RandomCase[] = [
  {
    title: "two random questions of every law",
    works: questionsOf(smallShape, 0),
    seed: 2509,
    runs: 2,
    wide: true,
  },
  {
    title: "20 random questions",
    works: questionsOf(anyShape, 1),
    seed: 8052,
    runs: 20,
    on: cpuEngines,
    wide: true,
  },
  {
    title: "400 random questions of up to 64 items",
    works: wideQuestions,
    seed: 11020,
    runs: 400,
    on: ["reference", "cpu"],
  },
];

/** The questions on which faults show: wide enough for shifts by words, narrow enough for every variant. */
const shown = {
  sums: { ensemble: "rssp0", halfRange: 70, itemsFrom: 0, itemsTo: 7, targets: [1, -70, 200] },
  signed: { ensemble: "rnpp", halfRange: 40, itemsFrom: 3, itemsTo: 8, targets: [0, 1, -5] },
  "three items": { ensemble: "rssp", halfRange: 200, itemsFrom: 3, itemsTo: 3, targets: [-7] },
  "six items": { ensemble: "rssp", halfRange: 64, itemsFrom: 6, itemsTo: 6, targets: [5] },
} as const satisfies Record<string, Question>;
const products: Question = { ...smallTrials, ensemble: "products0" };
/** A prefix decides nearly every trial, and a few miss a target with all items. */
const prefixed: Question = { ensemble: "rssp", halfRange: 1, itemsFrom: 12, itemsTo: 12, targets: [1] };
const around2to32 = (question: Question) => [
  workOf(question, 2 ** 32 - 40, 900),
  workOf(question, 2 ** 32, 30),
];
const probes: Record<ReachProbe, ReachCase["works"]> = {
  sums: () => around2to32(shown.sums),
  signed: () => around2to32(shown.signed),
  "three items": () => around2to32(shown["three items"]),
  "six items": () => around2to32(shown["six items"]),
  tiles: () => [workOf({ ensemble: "rssp", halfRange: 300, itemsFrom: 4, itemsTo: 4, targets: [7] }, 0, 900)],
  prefix: () => [workOf(open, 2 ** 32 - 40, 900)],
  "grid stride": async () => {
    const question: Question = { ensemble: "rssp", halfRange: 2, itemsFrom: 0, itemsTo: 1, targets: [1] };
    return [workOf(question, 0, (await trialsWithoutStride(question, "workgroup")) + 40)];
  },
};
const productCase: ReachCase = {
  title: "products on either side of 2^32",
  wide: true,
  works: () => around2to32(products),
  on: [...cpuEngines, "registers", "subgroup", "wave"],
};

const { engine, compare } = describeParity("reach", {
  seams: [
    ...counts,
    indices,
    ...edgeCases,
    ...rareCases,
    ...placedCases,
    ...prefixCases,
    ...lists,
    ...strides,
    ...carries,
    ...prefixes,
    ...tiles,
    ...large,
    ...largest,
    productCase,
  ],
  random,
  probes,
  faults: reachFaults,
});

describe("Variants of reach", () => {
  test("The tests of reach know all its variants, and the test adapter has subgroups", async () => {
    // On an adapter without them the runner of that variant fails, and says so.
    expect((await testAdapter()).features.has("subgroups")).toBe(true);
    expect(variantsOf("reach")).toEqual(variants);
  });

  test.each(["placed", "registers", "thread", "wave", "subgroup", "workgroup"] as const)(
    "The variant %s of reach has at least 65,535 trials in flight",
    async (variant) => {
      expect(await trialsWithoutStride(tiny, variant)).toBeGreaterThanOrEqual(65535);
    },
  );
});

describe("The variant wave of reach", () => {
  test.each([
    [4, 4, 4],
    [4, 128, 32],
    [8, 32, 32],
    [32, 32, 32],
    [32, 64, 32],
    [64, 64, 64],
  ])(
    "On a device with subgroups of %i to %i lanes, a workgroup of wave has %i invocations",
    async (subgroupMinSize, subgroupMaxSize, width) => {
      const profile = { ...(await testProfile()), subgroupMinSize, subgroupMaxSize };
      const work = workOf({ halfRange: 2 ** 12, itemsFrom: 18, itemsTo: 18, targets: [1] }, 0, 1);
      expect(launchesOf(work, profile, "wave").map(({ constants }) => constants.WIDTH)).toContain(width);
    },
  );

  test("The words of wave do not depend on how many subgroups a workgroup has", async () => {
    const wider = async () => {
      const adapter = await sharedAdapter();
      return Object.defineProperty(adapter, "info", { value: { subgroupMinSize: 4, subgroupMaxSize: 16 } });
    };
    const runner = await gpuRunner(wider, { variant: "wave" });
    const work = workOf({ halfRange: 90, itemsFrom: 15, itemsTo: 19, targets: [1, -500] }, 3, 60);
    expect([...(await runner.run(work)).words]).toEqual([...(await compare(work, ["cpu"]))]);
    runner.close();
  });
});

describe("Shifts of reach", () => {
  test.each(["placed", "registers", "thread"] as const)(
    "The variant %s of reach writes the same words whether words move up by products or by shifts",
    async (variant) => {
      let found = 0;
      const other = await gpuRunner(
        tampered(sharedAdapter, (device) =>
          rewriteShaders(device, (code) => {
            const changed = code.replaceAll(/(?<!override )\bPRODUCTS\b/g, "!PRODUCTS");
            found += Number(changed !== code);
            return changed;
          }),
        ),
        { variant },
      );
      // The passes after the first of other variants are those of `thread`, so it alone is asked about open trials.
      const works = variant === "thread" ? [workOf(open, 0, 600)] : await probes["six items"]();
      for (const work of works)
        expect([...(await other.run(work)).words]).toEqual([...(await compare(work, ["cpu"]))]);
      other.close();
      expect(found, "shaders that were changed").toBeGreaterThan(0);
    },
  );
});

describe("Batches of reach", () => {
  /** Adds the words of two batches of a plan. Missing targets carry into their high word. */
  function add(params: ReachParams, a: Uint32Array, b: Uint32Array): number[] {
    const { itemsFrom, itemsTo } = params;
    const tally = reachTally(params);
    const words = a.map((word, i) => word + b[i]!);
    for (let j = 0; j <= itemsTo - itemsFrom; j++)
      if (a[tally.missing(j)]! + b[tally.missing(j)]! >= 2 ** 32) words[tally.missing(j) + 1]!++;
    return [...words];
  }

  test("The tallies of two batches of reach add up to the tally of both, wherever they are cut", async () => {
    const [cpu, threads] = [await engine("cpu"), await engine("threads")];
    const cases = [...counts, indices, ...edgeCases, ...lists, ...carries];
    const works: WorkOf<"reach">[] = [];
    for (const seam of cases) works.push(...(await seam.works()));
    for (const work of works) {
      const { firstLow, firstHigh, count } = work.params;
      const first = firstHigh * 2 ** 32 + firstLow;
      const cut = Math.floor(count / 3);
      const [head, tail] = await Promise.all(
        [
          { first, count: cut },
          { first: first + cut, count: count - cut },
        ].map(async (batch) => (await threads.run(rebatched(work, batch))).words),
      );
      expect(add(work.params, head!, tail!), JSON.stringify(work.params)).toEqual([
        ...(await cpu.run(work)).words,
      ]);
    }
  });

  /** The same work for another batch. */
  const rebatched = (work: WorkOf<"reach">, { first, count }: Batch): WorkOf<"reach"> => ({
    ...work,
    params: {
      ...work.params,
      firstLow: first % 2 ** 32,
      firstHigh: Math.floor(first / 2 ** 32),
      count,
    },
  });

  test("A trial of reach with n items has the first n items of the same trial with more", async () => {
    const cpu = await engine("cpu");
    for (const ensemble of ["rssp", "rssp0", "rnpp"] as const) {
      const tallied = async (itemsFrom: number, itemsTo: number) => {
        const question: Question = { ensemble, halfRange: 20, itemsFrom, itemsTo, targets: [1, 20] };
        return (await cpu.run(workOf(question, 5, 999))).words;
      };
      const whole = await tallied(0, 12);
      const tally = reachTally({ itemsFrom: 0, itemsTo: 12, targets: 2 });
      for (let n = 0; n <= 12; n++) {
        const words = [
          tally.uncovered(n),
          tally.missing(n),
          tally.missing(n) + 1,
          tally.unsolved(0, n),
          tally.unsolved(1, n),
        ];
        expect([...(await tallied(n, n))], `${n} items of ${ensemble}`).toEqual([
          999,
          ...words.map((word) => whole[word]),
        ]);
      }
    }
  });

  test("Every item of a list is drawn once with either sign when all instances are enumerated", async () => {
    // One in 22 hits target 1, none target 7, one -40.
    const tally = reachTally(everyListed.params);
    const { words } = await (await engine("cpu")).run(batchWork(everyListed, { first: 0, count: 22 }));
    expect([0, 1, 2].map((t) => words[tally.unsolved(t, 0)])).toEqual([21, 22, 21]);
  });

  test("Missing targets are counted in two words", async () => {
    const { words } = await (await engine("cpu")).run(workOf(missing, 0, 5000));
    expect([...words]).toEqual([5000, 5000, (5000 * 2 ** 21) % 2 ** 32, 2, 0, 5000]);
  });
});

describe("Trials of reach that overflow a variant", () => {
  /** The capacity of \`wave\` is whole tiles, so that its trials need larger items to overflow it. */
  const halfRangeOf = (variant: VariantName) => (variant === "wave" ? 256 : 64);
  const one = (halfRange: number): Question => ({
    ensemble: "rssp",
    halfRange,
    itemsFrom: 12,
    itemsTo: 12,
    targets: [1, -halfRange],
  });
  const several = (halfRange: number): Question => ({
    ensemble: "rnpp",
    halfRange,
    itemsFrom: 3,
    itemsTo: 12,
    targets: [0, 5],
  });

  const overflows = [
    ["thread", 224, one],
    ["wave", 1024, several],
    ["placed", 1, one],
    ["placed", 250, one],
    ["registers", 1, one],
    ["registers", 256, several],
    ["wave", 1, one],
    ["subgroup", 1, several],
    ["subgroup", 256, one],
    ["thread", 1, several],
  ] as const;
  for (const [i, [variant, capacityBits, question]] of overflows.entries())
    test(
      `The fallback pass counts the trials that overflow ${variant} with room for ${capacityBits} bits`,
      i < 2 ? {} : { tags: ["wide"] },
      async () => {
        const narrow = await gpuRunner(
          tampered(sharedAdapter, (device) => poisonStorage(device, 0xdeadbeef)),
          { variant, capacityBits },
        );
        for (const [first, count] of [
          [7, 1000],
          [2 ** 32 - 9, 33],
          [0, 0],
        ] as const) {
          const work = workOf(question(halfRangeOf(variant)), first, count);
          expect([...(await narrow.run(work)).words]).toEqual([...(await compare(work, ["cpu"]))]);
        }
        narrow.close();
      },
    );

  const shares = [
    ["thread", 224, 1, 999],
    ["wave", 1024, 1, 999],
    ["registers", 256, 1, 999],
    ["thread", 449, 1000, 1000],
    ["wave", 1793, 1000, 1000],
  ] as const;
  for (const [i, [variant, capacityBits, low, high]] of shares.entries())
    test(
      `The variant ${variant} with room for ${capacityBits} bits counts ${low} to ${high} of 1000 trials itself`,
      i < 1 ? {} : { tags: ["wide"] },
      async () => {
        let found = 0;
        // The fallback pass counts nothing.
        const forgetful = await gpuRunner(
          tampered(sharedAdapter, (device) =>
            rewriteShaders(device, (code) => {
              const changed = code.replace(
                "var deferred = workgroupUniformLoad(&overflowWord);",
                "var deferred = 0u;",
              );
              found += Number(changed !== code);
              return changed;
            }),
          ),
          { variant, capacityBits },
        );
        const [counted] = (await forgetful.run(workOf(one(halfRangeOf(variant)), 7, 1000))).words;
        forgetful.close();
        if (high < 1000) expect(found, "fallback passes that were changed").toBe(1);
        expect(counted).toBeGreaterThanOrEqual(low);
        expect(counted).toBeLessThanOrEqual(high);
      },
    );
});
