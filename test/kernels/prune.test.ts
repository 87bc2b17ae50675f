// Kernel `prune`: demands of random networks have the same answers on every engine.

import fc from "fast-check";
import type { Work } from "../../src/plan.ts";
import { drawnWords, oracleProducts, type Drawn } from "../oracle.ts";
import { describeParity, type Case } from "./parity.ts";
import { pruneFaults } from "./prune.faults.ts";

/** The work of demands with room for more sums than most here need, so that they share a shader. */
const workOf = (drawn: Drawn): Work => drawnWords(drawn, drawn.sparse ? 401 : 8001);

/** The integers of -most..most without 0. */
const without0 = (most: number) =>
  Array.from({ length: 2 * most }, (_, i) => (i < most ? i - most : i - most + 1));

const common: Drawn = {
  values: without0(4),
  hidden: [0x12345678n, 0x9abcdef0n],
  weights: [0xfedcba98n, 7n],
  group: 0,
  sparse: false,
  demands: [],
};

/** The least and the greatest sum of a demand. */
function endsOf(drawn: Drawn, demand: Drawn["demands"][number]): [number, number] {
  const items = oracleProducts(drawn, demand);
  const total = (sign: number) => items.reduce((sum, item) => sum + sign * Math.max(sign * item, 0), 0);
  return [total(-1), total(1)];
}

const bothWays = [false, true] as const;
const subsetOf = (sparse: boolean) => (sparse ? "the smallest subset" : "any subset");

const sizes = [
  { wide: false, list: [0, 1, 32, 33, 65] },
  { wide: true, list: [31, 63, 64, 127, 200] },
] as const;
const groups: readonly Case[] = bothWays.flatMap((sparse) =>
  sizes.map(({ wide, list }) => ({
    title: `${subsetOf(sparse)} of ${list.join(", ")} items`,
    wide: wide || sparse,
    works: () =>
      list.map((group) => {
        const narrow = { ...common, values: without0(2), group };
        const starts = [
          [0, 0],
          [60, 3 * group + 61],
          [2 ** 31 - 70, 2 ** 31 - group],
        ] as const;
        const sums = [1, -1, 7, -7, 2 ** 31 - 1, -(2 ** 31), -(2 ** 31) + 1];
        const demands = starts.flatMap(([hidden, weights], i) =>
          [1, -1, 0].flatMap((sign): Drawn["demands"][number][] => {
            const [low, high] = endsOf(narrow, [hidden, weights, 0, sign]);
            // Every item of one sign is in the least or in the greatest sum, and sums beyond them have no subset.
            const ends = [low - 1, high + 1, ...(group > 65 && (i > 0 || sign < 1) ? [] : [low, high])];
            return [...ends, 0, ...(i === 0 ? sums : [])].map((sum) => [hidden, weights, sum, sign]);
          }),
        );
        return workOf({ ...narrow, sparse, demands });
      }),
  })),
);

const positions: Case = {
  title: "items anywhere in a layer, in any order of demands",
  works: () => {
    const starts = [0, 1, 33, 63, 64, 65, 127, 128, 190, 191, 192, 255, 256, 257, 511];
    const far = [2 ** 31 - 1, 2 ** 31, 2 ** 31 + 63, 2 ** 32 - 70, 2 ** 32 - 67, 2 ** 32 - 66];
    const all = [...starts, ...far];
    const demands = all.flatMap((hidden, i) =>
      [all[(i + 5) % all.length]!, hidden].map((weights) => [hidden, weights, 9, 1] as const),
    );
    // An engine may keep what it drew last.
    return [demands, demands.toReversed()].map((some) => workOf({ ...common, group: 66, demands: some }));
  },
};

const ranges: readonly Case[] = (
  [
    ["one value", [3]],
    ["two values", [-1, 1]],
    ["three values", [-1, 0, 1]],
    ["33 values, whose slices are 16 bits", Array.from({ length: 33 }, (_, i) => (i % 9) - 4)],
    [
      "993 values with even sums alone, 3 % of whose slices are rejected",
      Array.from({ length: 993 }, (_, i) => 2 * ((i % 5) - 2)),
    ],
    ["2048 values", Array.from({ length: 2048 }, (_, i) => (i % 9) - 4)],
    ["2049 values, whose slices are words", Array.from({ length: 2049 }, (_, i) => (i % 9) - 4)],
    ["zeros", [0, 0, 0, 0]],
  ] satisfies [string, readonly number[]][]
).map(([title, values]) => ({
  title: `items drawn from ${title}`,
  works: () => {
    const demands = [0, 50, 1000].flatMap((start) =>
      [0, 1, -6].flatMap((sum) => [1, 0].map((sign) => [start, 7 * start, sum, sign] as const)),
    );
    return bothWays.map((sparse) => workOf({ ...common, values, group: 33, sparse, demands }));
  },
  on: ["reference", "cpu", "gpu"],
}));

const manyDemands = (count: number) =>
  Array.from({ length: count }, (_, k) => [3 * k, 5 * k, (k % 9) - 4, (k % 3) - 1] as const);
const strides: readonly Case[] = [
  {
    title: "700 demands, on a GPU that allows 9 workgroups",
    works: () => [workOf({ ...common, group: 3, demands: manyDemands(700) })],
    maxWorkgroups: 9,
    on: ["reference", "cpu", "workgroup"],
  },
  {
    title: "1500 demands, more than have tables in storage at a time",
    works: () => [workOf({ ...common, group: 3, demands: manyDemands(1500) })],
    on: ["reference", "cpu", "storage"],
  },
  { title: "no demands", works: () => [workOf({ ...common, group: 9, demands: [] })] },
];

const ninety = without0(90);
const farSums = [1, -1, 0].flatMap((sign) =>
  [1, 3977, -20_011, 150_000].map((sum) => [5, 77, sum, sign] as const),
);
const large: readonly Case[] = [
  {
    title: "tables too large for workgroup memory",
    works: () => [
      workOf({ ...common, values: ninety, group: 80, demands: farSums }),
      workOf({ ...common, values: ninety, group: 9, sparse: true, demands: farSums.slice(0, 6) }),
    ],
    on: ["reference", "cpu", "gpu", "storage"],
  },
  {
    // Even items never reach an odd sum, and all of them enter.
    title: "80 even items that do not reach an odd sum",
    works: () => [
      workOf({ ...common, values: ninety.map((value) => 2 * value), group: 80, demands: farSums }),
    ],
    on: ["reference", "cpu"],
  },
];

const word = fc.bigInt({ min: 0n, max: 2n ** 32n - 1n });
const start = fc.nat({ max: 2 ** 31 });
const randomDemands = fc
  .record({
    values: fc.constantFrom(without0(2), without0(4), [...without0(3), 0, 0], [0, 4, -3, 2]),
    hidden: fc.tuple(word, word),
    weights: fc.tuple(word, word),
    group: fc.constantFrom(3, 17, 30),
    sparse: fc.boolean(),
    demands: fc.array(fc.tuple(start, start, fc.integer({ min: -40, max: 40 }), fc.constantFrom(0, 1, -1)), {
      minLength: 5,
      maxLength: 15,
    }),
  })
  .map((drawn) => [workOf(drawn)]);

const shown = (sparse: boolean, most: number): Drawn => ({
  ...common,
  values: Array.from({ length: 993 }, (_, i) => (i % (2 * most + 1)) - most),
  group: 40,
  sparse,
  demands: [0, 50, 777].flatMap((first) =>
    [0, 1, -5, 12, 40, 100, -63].flatMap((sum) =>
      [1, -1, 0].map((sign) => [first, 3 * first, sum, sign] as const),
    ),
  ),
});

describeParity("prune", {
  seams: [...groups, positions, ...ranges, ...strides, ...large],
  random: [{ title: "random demands", works: randomDemands, seed: 2026, runs: 8 }],
  probes: {
    "any subset": () => [drawnWords(shown(false, 9))],
    "smallest subset": () => [drawnWords(shown(true, 4))],
    "1500 demands": () => [
      drawnWords({
        ...common,
        group: 3,
        demands: Array.from({ length: 1500 }, (_, k) => [k, k, 0, 0] as const),
      }),
    ],
  },
  faults: pruneFaults,
});
