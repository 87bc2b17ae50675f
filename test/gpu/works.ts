// Small work of all kernels, which together compiles every program of every variant and takes every branch of the launches. It
// runs on other implementations of WebGPU than the one of the tests, and so uses nothing of Node.

import type { VariantName } from "../../host/gpu/launch.ts";
import { variantsOf } from "../../host/gpu/kernels/index.ts";
import { ensembles, listedLaw, type Ensemble } from "../../src/ensemble.ts";
import { phaseConfig, plan } from "../../src/experiments/phase.ts";
import type { PoolParams } from "../../src/kernels/pool.ts";
import { columnsOf, denseColumns, type ForwardParams } from "../../src/kernels/forward.ts";
import { batchWork, type Work, type WorkOf } from "../../src/plan.ts";
import { reachPlan } from "../../src/reach-plan.ts";
import { parities, uniform } from "../kernels/tail.ts";
import { batchWords, drawnWords, knapsackBatch, type Given } from "../oracle.ts";

/** Work for one variant. */
export interface VariantWork {
  readonly title: string;
  readonly variant: VariantName;
  readonly work: Work;
  /** Overrides the capacity, so that trials overflow (see DeviceProfile). */
  readonly capacityBits?: number;
}

interface Trials {
  readonly ensemble?: Ensemble;
  readonly halfRange: number;
  readonly from: number;
  readonly to?: number;
  readonly targets?: readonly number[];
  readonly enumerate?: boolean;
  readonly first?: number;
  readonly count?: number;
}

/** Trials whose index passes 2^32, unless `first` says otherwise. */
function trials({
  ensemble = "rssp",
  halfRange,
  from,
  to = from,
  targets = [0, 1, -halfRange, 7],
  enumerate = false,
  first = 2 ** 32 - 30,
  count = 71,
}: Trials): WorkOf<"reach"> {
  const config = phaseConfig({ ensemble, halfRange, items: { from, to }, seed: 1n });
  return batchWork(plan({ ...config, targets, enumerate }), { first, count });
}

const magnitudes = Int32Array.of(1, 2, 3, 4, 6, 8, 9, 12, 16, 5, 40);
const listed = batchWork(
  reachPlan({
    law: listedLaw(magnitudes),
    key: [7, 8],
    magnitudes,
    halfRange: 40,
    targets: [1, 7, -40],
    items: { from: 0, to: 9 },
    enumerate: false,
  }),
  { first: 5, count: 67 },
);

const EXTREMES = [0, 2 ** 31 - 1, -(2 ** 31), -(2 ** 31) + 1, 5, 5];

type Row = readonly [title: string, work: Work, variants: readonly VariantName[], capacityBits?: number];

const inOne = ["registers", "thread"] as const;
const inMany = ["workgroup", "storage"] as const;

/** The variants that run trials of an ensemble: few, since each compiles a pipeline. */
const variantsFor: Readonly<Record<Ensemble, readonly VariantName[]>> = {
  rssp: [...inOne, ...inMany],
  rssp0: ["registers", "storage"],
  rnpp: ["registers", "workgroup"],
  products: ["storage"],
  products0: ["workgroup"],
};

const every = { halfRange: 9, from: 1, to: 7, targets: EXTREMES };
// Rows share constants where they can, since compiling a pipeline takes longer than running it.
const reach: readonly Row[] = [
  ...ensembles.map((ensemble): Row => [
    `trials of ${ensemble}`,
    trials({ ...every, ensemble }),
    variantsFor[ensemble],
  ]),
  ["more trials than invocations", trials({ ...every, count: 33_000 }), inOne],
  ["no trials", trials({ ...every, count: 0 }), ["registers", "workgroup"]],
  ["items of a list", listed, ["workgroup"]],
  [
    "every instance",
    trials({ halfRange: 3, from: 0, to: 5, enumerate: true, first: 0, count: 777 }),
    ["registers"],
  ],
  ["no items", trials({ halfRange: 5, from: 0 }), ["storage"]],
  ["one size of one block", trials({ halfRange: 16, from: 6 }), ["placed"]],
  [
    "trials that a prefix decides, and trials that it leaves open",
    trials({ halfRange: 1, from: 12, targets: [1, -1], count: 600 }),
    ["placed", "wave"],
  ],
  ["one size of three blocks", trials({ halfRange: 30, from: 16 }), ["registers"]],
  ["several sizes of four blocks", trials({ halfRange: 60, from: 5, to: 14 }), ["registers", "wave"]],
  ["shifts by whole blocks", trials({ ensemble: "rnpp", halfRange: 140, from: 1, to: 2 }), ["registers"]],
  [
    "signed trials of which some overflow 224 bits",
    trials({ ensemble: "rnpp", halfRange: 64, from: 3, to: 12, count: 700 }),
    ["thread"],
    224,
  ],
  ["14 items up to 256", trials({ halfRange: 256, from: 14 }), ["wave"]],
  [
    "wide products and many targets",
    trials({
      ensemble: "products",
      halfRange: 4096,
      from: 13,
      to: 14,
      targets: Array.from({ length: 300 }, (_, i) => 37 * i - 5000),
      count: 20,
    }),
    ["storage"],
  ],
];

const exactly = (items: readonly number[], ...sums: readonly number[]): Given => ({
  items,
  targets: sums.map((sum) => [sum, sum, sum]),
});

/** Instances of 0, 1, 2, 5 and 7 items, with targets that exist and targets that do not; few sums, which fit `thread`. */
const small: readonly Given[] = [
  ...[0, 1, 2, 5, 7].map((n) => exactly([1, -1, 5, 0, 7, -2, 4].slice(0, n), 0, n > 2 ? 4 : 0)),
  exactly([4, -3, 4, 7, 0], 4, 5, -3),
];
/** Sums near a center, the second of them as far below as above it. */
const near: readonly Given[] = [
  {
    items: [10, 20, 40, 3, -50],
    targets: [
      [-30, 60, 26],
      [11, 31, 25],
      [2, 9, 5],
    ],
  },
  { items: [10, 20], targets: [[0, 30, 15]] },
];
const long = [
  exactly(
    Array.from({ length: 40 }, (_, i) => (i % 9) - 3),
    17,
    -20,
  ),
];
/** Sums of up to 2^43. */
const farApart: Given = {
  items: Array.from({ length: 16 }, (_, i) => BigInt(i * i + 3) * 2n ** 33n - 2n ** 38n),
  targets: [
    [0n, 0n, 0n],
    [-(2n ** 38n), 2n ** 41n, 12_345n],
  ],
};

const given: readonly Row[] = [
  ...(["witness", "count", "smallest"] as const).flatMap((kernel): Row[] => [
    [`${kernel} of few sums`, batchWords({ kernel, instances: small }), variantsOf(kernel)],
    [`${kernel} of 40 items`, batchWords({ kernel, instances: long }), ["workgroup", "tiles"]],
  ]),
  ...(["witness", "count"] as const).map((kernel): Row => [
    `${kernel} near a center, without masks`,
    batchWords({ kernel, instances: near, masks: false }),
    ["workgroup"],
  ]),
  ["count without instances", batchWords({ kernel: "count", instances: [] }), ["workgroup"]],
  [
    "meet of small and of large items",
    batchWords({ kernel: "meet", instances: [...small, ...near, farApart] }),
    variantsOf("meet"),
  ],
  [
    "masks of the fewest items",
    batchWords({ kernel: "meet", instances: small, fewest: true }),
    ["workgroup"],
  ],
  [
    "masks of the fewest items of any sum near a center",
    batchWords({ kernel: "meet", instances: near, fewest: "of any sum" }),
    ["storage"],
  ],
  [
    "knapsacks",
    knapsackBatch([
      { items: [3, 4, 5, 0], profits: [2n ** 40n, 5n, 2n ** 40n + 1n, 7n], capacities: [8, 0, 12] },
    ]),
    variantsOf("knapsack"),
  ],
];

const prune: readonly Row[] = [false, true].map((sparse) => {
  const demands = [
    [0, 0, 1, 1],
    [60, 160, -7, -1],
    [64, 64, 7, 0],
    [2 ** 31 - 70, 2 ** 31 - 33, 13, 1],
  ] as const;
  const drawn = {
    values: [-4, -3, -2, -1, 1, 2, 3, 4],
    hidden: [0x12345678n, 0x9abcdef0n],
    weights: [0xfedcba98n, 7n],
    group: 33,
    sparse,
    demands,
  } as const;
  return [
    `demands of ${sparse ? "the smallest" : "any"} subset`,
    drawnWords(drawn, sparse ? 401 : 8001),
    inMany,
  ];
});

/** A layer with numbers of these bits, some of them the least and the greatest. */
function layer(
  change: Partial<ForwardParams>,
  [inputBits, unitBits, weightBits]: readonly [number, number, number],
): WorkOf<"forward"> {
  const params = {
    samples: 9,
    ...denseColumns(7),
    group: 5,
    rows: 9,
    rectify: 1,
    shift: 3,
    quantizer: 0,
    relu: 0,
    most: 0,
    wide: 0,
    ...change,
  };
  const { samples, pixels, group, points, taps, rows, wide } = params;
  const columns = columnsOf(params);
  let state = 12345;
  const number = (bits: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    if (state % 13 === 0) return -(2 ** (bits - 1));
    if (state % 13 === 1) return 2 ** (bits - 1) - 1;
    return Math.floor((state / 2 ** 32 - 0.5) * 2 ** bits);
  };
  const list = (length: number, bits: number) => Int32Array.from({ length }, () => number(bits));
  const inputs = list(samples * pixels * params.channels, inputBits);
  return {
    kernel: "forward",
    params,
    inputs: {
      inputs: wide ? new Int32Array(BigInt64Array.from([...inputs], BigInt).buffer) : inputs,
      places: Int32Array.from({ length: points * taps }, (_, i) =>
        points === 1 ? 0 : (i % (pixels + 1)) - 1,
      ),
      units: list(columns * group, unitBits),
      weights: list(rows * columns * group, weightBits),
    },
  };
}

const QUANTIZERS = [0, 1, 2, 3];
const windows = { samples: 3, pixels: 6, channels: 3, points: 5, taps: 4 };
const everyPass: readonly VariantName[] = variantsOf("forward");
const forward: readonly Row[] = [
  ["packed in one byte and one", layer({ relu: 1, quantizer: 1 }, [5, 3, 8]), everyPass],
  ["packed in two bytes and one", layer({ most: 64, quantizer: 2 }, [9, 5, 8]), everyPass],
  ["packed in one byte and two", layer({ rectify: 0, quantizer: 3, samples: 40 }, [5, 3, 15]), everyPass],
  ["numbers of a word", layer({ shift: 5, quantizer: 2 }, [20, 8, 15]), ["workgroup"]],
  ...[0, 5, 31].flatMap((shift) =>
    QUANTIZERS.map((quantizer): Row => [
      `numbers of two words with shift ${shift} and quantizer ${quantizer}`,
      layer({ shift, quantizer, most: quantizer % 2 === 1 ? 2 ** 30 : 0, wide: 1 }, [32, 20, 30]),
      ["workgroup"],
    ]),
  ),
  ["windows packed in two bytes", layer({ ...windows, biased: 1, constantBits: 6 }, [9, 5, 8]), everyPass],
  [
    "windows of two words",
    layer({ ...windows, biased: 1, constantBits: 40, wide: 1 }, [32, 20, 30]),
    ["workgroup"],
  ],
  ["no samples", layer({ samples: 0 }, [5, 3, 8]), ["packed"]],
  ["no rows", layer({ rows: 0 }, [5, 3, 8]), ["workgroup"]],
  ["no hidden units", layer({ group: 0, wide: 1 }, [5, 3, 8]), ["workgroup"]],
];

/** Windows of numbers of these bits. */
function windowsOf(change: Partial<PoolParams>, bits: number): WorkOf<"pool"> {
  const { taps, points, pixels } = windows;
  const params = { ...windows, largest: 0, shift: 2, quantizer: 0, relu: 0, most: 0, wide: 0, ...change };
  const numbers = Array.from({ length: params.samples * pixels * params.channels }, (_, i) =>
    BigInt.asIntN(bits, BigInt(i + 1) * 0x9e3779b97f4a7c15n),
  );
  return {
    kernel: "pool",
    params,
    inputs: {
      inputs: params.wide
        ? new Int32Array(BigInt64Array.from(numbers).buffer)
        : Int32Array.from(numbers, Number),
      places: Int32Array.from({ length: points * taps }, (_, i) => (i % (pixels + 1)) - 1),
      divisors: Uint32Array.from({ length: points }, (_, i) => 1 + 1000 * i),
    },
  };
}

const pool: readonly Row[] = QUANTIZERS.flatMap((quantizer): Row[] => [
  [`sums of a word with quantizer ${quantizer}`, windowsOf({ quantizer, relu: 1 }, 28), ["thread"]],
  [
    `sums of two words with quantizer ${quantizer}`,
    windowsOf({ quantizer, most: 9e8, wide: 1 }, 50),
    ["thread"],
  ],
  [
    `largest numbers with quantizer ${quantizer}`,
    windowsOf({ quantizer, largest: 1, wide: 1 }, 50),
    ["thread"],
  ],
]);

const tail: readonly Row[] = [
  ["items of one class", uniform(9, 20), variantsOf("tail")],
  ["strata of odd and even items", parities(12, [3, 0], 30), variantsOf("tail")],
];

const listOf = (rows: readonly Row[]): VariantWork[] =>
  rows.flatMap(([title, work, variants, capacityBits]) =>
    variants.map((variant) => ({
      title: `${work.kernel}.${variant}: ${title}`,
      variant,
      work,
      ...(capacityBits !== undefined && { capacityBits }),
    })),
  );

/** Work for every variant that needs no subgroups. */
export const variantWorks: readonly VariantWork[] = listOf([
  ...reach,
  ...given,
  ...prune,
  ...forward,
  ...pool,
  ...tail,
]);

/** Work for the variants that need subgroups, narrow enough for subgroups of 4 lanes. */
export const subgroupWorks = (variant: VariantName): readonly VariantWork[] =>
  listOf([
    [
      "several sizes",
      trials({ ensemble: "rssp0", halfRange: 9, from: 0, to: 7, targets: EXTREMES }),
      [variant],
    ],
    ["signed sums", trials({ ensemble: "rnpp", halfRange: 60, from: 3, to: 9 }), [variant]],
    ["one size of wide items", trials({ halfRange: 200, from: 8, count: 40 }), [variant]],
    ["trials that overflow", trials({ halfRange: 64, from: 12, count: 40 }), [variant], 1],
    ["no trials", trials({ halfRange: 9, from: 1, to: 7, count: 0 }), [variant]],
  ]);
