// Kernel `forward`: the same outputs on every engine, and those that long arithmetic gives.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { adapterKey } from "../../host/gpu/device.ts";
import { launchesOf, launchLabel, tuningKey } from "../../host/gpu/kernels/index.ts";
import type { DeviceProfile } from "../../host/gpu/launch.ts";
import { gpuRunner } from "../../host/gpu/runner.ts";
import { memoryStore } from "../../host/gpu/store.ts";
import { Tuner } from "../../host/gpu/tune.ts";
import type { Runner } from "../../host/runner.ts";
import { shadowRunner } from "../../host/shadow.ts";
import { columnsOf, denseColumns, type ForwardParams } from "../../src/kernels/forward.ts";
import { quantizers } from "../../src/network.ts";
import type { WorkOf } from "../../src/plan.ts";
import {
  limitWorkgroups,
  poisonStorage,
  rewriteShaders,
  sharedAdapter,
  tampered,
  testLanguage,
  testProfile,
  watchIndices,
} from "../gpu/devices.ts";
import { forwardFaults } from "./forward.faults.ts";
import { describeParity, type Case } from "./parity.ts";

const DEFAULTS: ForwardParams = {
  samples: 1,
  ...denseColumns(1),
  group: 1,
  rows: 1,
  rectify: 1,
  shift: 0,
  quantizer: 0,
  relu: 0,
  most: 0,
  wide: 0,
};

/** The bits of the numbers of a pass, sign included. */
interface Sizes {
  readonly inputs: number;
  readonly units: number;
  readonly weights: number;
}

/** Work with numbers of a linear congruential generator that use every bit of each size. */
function workOf({ columns: channels = 1, ...change }: Change, sizes: Sizes, salt = 1): WorkOf<"forward"> {
  const params = { ...DEFAULTS, channels, ...change };
  const { samples, pixels, points, taps, group, rows, wide } = params;
  const columns = columnsOf(params);
  let state = 12345 + salt;
  const number = (bits: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    // Some are extreme.
    if (state % 13 === 0) return -(2 ** (bits - 1));
    if (state % 13 === 1) return 2 ** (bits - 1) - 1;
    return Math.floor((state / 2 ** 32 - 0.5) * 2 ** bits);
  };
  const list = (length: number, bits: number) => Int32Array.from({ length }, () => number(bits));
  const inputs = Array.from({ length: samples * pixels * params.channels }, () => number(sizes.inputs));
  // An output of a dense layer reads its only point; others read any points, or none.
  const place = () => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) % (pixels + 1)) - 1;
  return {
    kernel: "forward",
    params,
    inputs: {
      inputs: wide ? new Int32Array(BigInt64Array.from(inputs, BigInt).buffer) : Int32Array.from(inputs),
      places: Int32Array.from({ length: points * taps }, () => (points * taps > 1 ? place() : 0)),
      units: list(columns * group, sizes.units),
      weights: list(rows * columns * group, sizes.weights),
    },
  };
}

/** Changed parameters. `columns` are those of a dense layer. */
type Change = Partial<ForwardParams> & { readonly columns?: number };

const small: Sizes = { inputs: 9, units: 5, weights: 8 };
/** Hidden units and weights of a byte, hidden units of two, weights of two. */
const bytes: readonly Sizes[] = [
  { inputs: 5, units: 3, weights: 8 },
  small,
  { inputs: 5, units: 3, weights: 15 },
];

/** The words of an answer by long arithmetic, one sum after the other. */
function oracleWords({ params, inputs }: WorkOf<"forward">): number[] {
  const {
    samples,
    pixels,
    channels,
    points,
    taps,
    biased,
    constantBits,
    group,
    rows,
    rectify,
    wide,
    ...rest
  } = params;
  const modulus = wide ? 64 : 32;
  const x = wide ? new BigInt64Array(inputs.inputs.buffer) : BigInt64Array.from(inputs.inputs, BigInt);
  const words: number[] = [];
  for (let s = 0; s < samples; s++)
    for (let at = 0; at < points * rows; at++) {
      const [p, r] = [Math.floor(at / rows), at % rows];
      const numbers: bigint[] = [];
      for (const place of inputs.places.subarray(p * taps, (p + 1) * taps))
        for (let c = 0; c < channels; c++)
          numbers.push(place === -1 ? 0n : x[(s * pixels + place) * channels + c]!);
      if (biased) numbers.push(2n ** BigInt(constantBits));
      let sum = 0n;
      for (const [c, number] of numbers.entries())
        for (let q = 0; q < group; q++) {
          const unit = BigInt(inputs.units[q * numbers.length + c]!);
          const weight = BigInt(inputs.weights[(r * group + q) * numbers.length + c]!);
          const hidden = BigInt.asIntN(modulus, unit * number);
          sum += weight * (rectify && hidden < 0n ? 0n : hidden);
        }
      const output = epilogue(rest, BigInt.asIntN(modulus, sum));
      const pattern = BigInt.asUintN(64, output);
      words.push(Number(pattern % 2n ** 32n), ...(wide ? [Number(pattern >> 32n)] : []));
    }
  return words;
}

/** Divides integers, rounds as the quantizer is named for, rectifies and clamps. */
function epilogue({ shift, quantizer, relu, most }: Partial<ForwardParams>, sum: bigint): bigint {
  const unit = 2n ** BigInt(shift!);
  const below = sum / unit - (sum % unit < 0n ? 1n : 0n);
  const rest = sum - below * unit;
  const above = below + (rest > 0n ? 1n : 0n);
  const outward = sum < 0n ? below : above;
  const inward = sum < 0n ? above : below;
  const outwardRest = sum < 0n ? unit - rest : rest;
  const nearest = rest === 0n ? below : outwardRest * 2n >= unit ? outward : inward;
  const output = { floor: below, truncate: inward, nearest, away: outward }[quantizers[quantizer!]!];
  const [low, high] = [relu ? 0n : most ? -BigInt(most) : output, most ? BigInt(most) : output];
  return output < low ? low : output > high ? high : output;
}

const random = fc
  .tuple(
    fc.record({
      samples: fc.integer({ min: 1, max: 5 }),
      channels: fc.integer({ min: 1, max: 5 }),
      pixels: fc.integer({ min: 1, max: 4 }),
      points: fc.integer({ min: 1, max: 4 }),
      taps: fc.integer({ min: 1, max: 4 }),
      biased: fc.nat(1),
      constantBits: fc.integer({ min: 0, max: 30 }),
      group: fc.integer({ min: 0, max: 4 }),
      rows: fc.integer({ min: 1, max: 5 }),
      rectify: fc.nat(1),
      shift: fc.integer({ min: 0, max: 31 }),
      quantizer: fc.nat(3),
      relu: fc.nat(1),
      most: fc.constantFrom(0, 1, 100, 2 ** 20, 2 ** 31 - 1),
      wide: fc.nat(1),
    }),
    fc.oneof(
      fc.constantFrom(...bytes),
      fc.record({
        inputs: fc.integer({ min: 1, max: 32 }),
        units: fc.integer({ min: 1, max: 32 }),
        weights: fc.integer({ min: 1, max: 32 }),
      }),
    ),
    fc.nat(),
  )
  .map(([params, sizes, salt]) => [workOf(params, sizes, salt)]);

/** Layers around the seams of a tile. */
function around(n: number): WorkOf<"forward">[] {
  const layers: Change[] = [
    { samples: n, columns: 3, group: 5, rows: 9 },
    { samples: 5, columns: n, group: 3, rows: 9 },
    { samples: 5, columns: 3, group: n, rows: 9 },
    { samples: 5, columns: 7, group: 3, rows: n },
    { samples: n, columns: n, group: 2, rows: n, relu: 1, shift: 3, quantizer: n & 3 },
    { samples: n, columns: n, group: 1, rows: n, rectify: 0, most: 64, quantizer: n & 3, shift: 2 },
  ];
  return layers.flatMap((layer) => [
    ...bytes.map((sizes) => workOf(layer, sizes, n)),
    workOf(layer, { ...small, inputs: 20 }, n),
    workOf({ ...layer, wide: 1 }, { ...small, inputs: 32 }, n),
  ]);
}

/** Small numbers with some inputs of x and some weights of w, and units of 0 and u. */
const holding = (x: number, w: number, { u = 1, ...change }: Change & { u?: number }) => {
  const shape = { samples: 6, columns: 5, group: 3, rows: 9, shift: 3, ...change };
  const { params, inputs } = workOf(shape, { inputs: 3, units: 1, weights: 3 });
  const list = (key: keyof typeof inputs, map: (number: number, i: number) => number) => inputs[key].map(map);
  return {
    kernel: "forward",
    params,
    inputs: {
      ...inputs,
      inputs: list("inputs", (number, i) => (i % 7 === 3 ? x : number)),
      units: list("units", (_, i) => (i % 4 === 1 ? 0 : u)),
      weights: list("weights", (number, i) => (i % 5 === 2 ? w : number)),
    },
  } as const;
};
const signed = { rectify: 0 };
/** Layers at either end of what a byte or two hold, with the launch that serves them. */
const packings: [WorkOf<"forward">, string][] = [
  [holding(127, 127, {}), "1 1"],
  [holding(128, 127, {}), "2 1"],
  [holding(127, 128, {}), "1 2"],
  [holding(128, 128, {}), "workgroup"],
  [holding(-128, -128, signed), "1 1"],
  [holding(-129, -128, signed), "2 1"],
  [holding(-128, -129, signed), "1 2"],
  [holding(-129, -129, signed), "workgroup"],
  [holding(-129, -129, {}), "1 2"],
  [holding(-32896, 3, signed), "2 1"],
  [holding(-32897, 3, signed), "workgroup"],
  [holding(32639, 3, {}), "2 1"],
  [holding(32640, 3, {}), "workgroup"],
  [holding(3, -32896, {}), "1 2"],
  [holding(3, -32897, {}), "workgroup"],
  [holding(3, 32639, {}), "1 2"],
  [holding(3, 32640, {}), "workgroup"],
  [holding(-64, 3, { u: -2 }), "2 1"],
  [holding(64, 3, { ...signed, u: -2 }), "1 1"],
  // A product that wraps is not below 0.
  [holding(-(2 ** 27), 3, { u: 16 }), "1 1"],
  [holding(-(2 ** 27) - 1, 3, { u: 16 }), "workgroup"],
];

/** Convolutions of images: windows of 1 to 5 points a side, with padding, strides and dilation, and with the constant unit. */
function windows(channels: number): WorkOf<"forward">[] {
  const grids = [
    { size: 1, side: 3, stride: 1, padding: 0, dilation: 1 },
    { size: 2, side: 3, stride: 1, padding: 1, dilation: 1 },
    { size: 3, side: 5, stride: 2, padding: 1, dilation: 1 },
    { size: 3, side: 5, stride: 1, padding: 2, dilation: 2 },
    { size: 5, side: 7, stride: 1, padding: 0, dilation: 1 },
  ];
  return grids.flatMap(({ size, side, stride, padding, dilation }, i) => {
    const output = Math.floor((side + 2 * padding - dilation * (size - 1) - 1) / stride) + 1;
    const places: number[] = [];
    for (let point = 0; point < output ** 2; point++)
      for (let tap = 0; tap < size ** 2; tap++) {
        const at = (along: number, tapAlong: number) => along * stride + tapAlong * dilation - padding;
        const y = at(Math.floor(point / output), Math.floor(tap / size));
        const x = at(point % output, tap % size);
        const isInside = Math.min(x, y) >= 0 && Math.max(x, y) < side;
        places.push(isInside ? y * side + x : -1);
      }
    const shape = { pixels: side ** 2, points: output ** 2, taps: size ** 2, channels, samples: 2, rows: 9 };
    const layers: [Change, Sizes][] = [
      [{ group: 3, biased: 1, constantBits: 4, shift: 3 }, small],
      [{ rectify: 0, relu: 1, quantizer: i & 3, shift: 2 }, bytes[0]!],
      [{ rectify: 0, biased: 1, constantBits: 12, rows: 8 }, bytes[2]!],
      [
        { group: 2, biased: 1, constantBits: 25 },
        { ...small, inputs: 20 },
      ],
      [
        { biased: 1, constantBits: 45, wide: 1, most: 2 ** 20 },
        { ...small, inputs: 32 },
      ],
    ];
    return layers.map(([change, sizes]): WorkOf<"forward"> => {
      const work = workOf({ ...shape, ...change }, sizes, i);
      const units = change.rectify === 0 ? work.inputs.units.map(() => 1) : work.inputs.units;
      return { ...work, inputs: { ...work.inputs, places: Int32Array.from(places), units } };
    });
  });
}

/** How a launch packs hidden units and weights, in bytes, or the name of a variant that does not. */
async function packing(work: WorkOf<"forward">): Promise<string> {
  const { variant, constants } = launchesOf(work, await testProfile())[0]!;
  return variant === "packed" ? `${constants.HIDDEN_BYTES} ${constants.WEIGHT_BYTES}` : variant;
}

/** Sums at either end of a word. */
const fullWords = (
  [
    [127, 1331],
    [127, 1332],
    [-128, 1331],
    [32639, 5],
    [32639, 6],
    [-32896, 6],
  ] as const
).flatMap(([weight, columns]) => {
  const work = workOf({ samples: 2, columns, group: 100, rows: 1 }, bytes[0]!);
  const full = (key: keyof typeof work.inputs, number: number) =>
    new Int32Array(work.inputs[key].length).fill(number);
  const inputs = {
    ...work.inputs,
    inputs: full("inputs", 127),
    units: full("units", 1),
    weights: full("weights", weight),
  };
  return [0, 5].map((shift): WorkOf<"forward"> => ({
    ...work,
    params: { ...work.params, shift, quantizer: 3 },
    inputs,
  }));
});

const seams: readonly Case[] = [
  ...[1, 3, 4, 5, 8, 9, 16, 32, 33, 65].map((n) => ({
    title: `layers with sides of ${n}`,
    // With 9 a layer has more rows than a half of a tile; with 33 it has more than one tile in both directions.
    wide: n !== 9,
    works: () => around(n),
  })),
  {
    title: "numbers at either end of half a word",
    works: () =>
      [15, 16, 17].flatMap((inputs) =>
        [1, 2, 3].flatMap((units) =>
          [15, 16, 17].map((weights) =>
            workOf({ samples: 9, columns: 6, group: 2, rows: 9 }, { inputs, units, weights }),
          ),
        ),
      ),
  },
  {
    title: "numbers at either end of one byte and of two",
    works: () =>
      packings.flatMap(([work]) =>
        [0, 1, 2, 3].map((quantizer) => ({
          ...work,
          params: { ...work.params, quantizer, relu: quantizer & 1 },
        })),
      ),
  },
  { title: "sums at either end of a word", wide: true, works: () => fullWords },
  ...[1, 4, 5, 8, 9, 17].map((channels) => ({
    title: `windows on images of ${channels} channels`,
    wide: channels !== 5,
    works: () => windows(channels),
  })),
  {
    title: "more points than the columns of which are gathered at a time",
    wide: true,
    works: () => [
      workOf({ samples: 3, pixels: 400, channels: 9, points: 390, taps: 25, rows: 9, biased: 1 }, small),
      workOf({ samples: 2, pixels: 9, channels: 700, points: 90, taps: 9, rows: 17 }, small),
    ],
  },
  {
    title: "33,000 samples, which make wide tiles",
    wide: true,
    works: () =>
      bytes
        .slice(0, 2)
        .map((sizes) =>
          workOf({ samples: 33_000, columns: 2, group: 3, rows: 3, quantizer: 2, shift: 2 }, sizes),
        ),
  },
  {
    title: "many blocks of hidden units",
    wide: true,
    works: () => [
      ...bytes.map((sizes) => workOf({ samples: 6, columns: 700, group: 12, rows: 20, shift: 6 }, sizes)),
      workOf({ samples: 2, columns: 5000, group: 3, rows: 33, relu: 1 }, small),
    ],
  },
  {
    title: "no samples, no rows and no hidden units",
    works: () =>
      [{ samples: 0 }, { rows: 0 }, { group: 0 }].map((none) =>
        workOf({ samples: 3, columns: 4, group: 2, rows: 5, ...none }, small),
      ),
  },
];

const shown = { samples: 10, columns: 9, group: 3, rows: 11, shift: 3 };
const everyQuantizer = [0, 1, 2, 3].map((quantizer) => ({ ...shown, quantizer, relu: quantizer & 1 }));

const { engine } = describeParity("forward", {
  seams,
  random: [
    { title: "40 random layers", works: random, seed: 12, runs: 40 },
    { title: "60 random layers", works: random, seed: 11, runs: 60, wide: true },
  ],
  probes: {
    "one word": () => everyQuantizer.map((params) => workOf({ ...params, most: 90 * params.relu }, small)),
    "two words": () =>
      everyQuantizer.map((params) => workOf({ ...params, wide: 1 }, { ...small, inputs: 32, weights: 20 })),
    packed: () => everyQuantizer.map((params) => workOf(params, small)),
    windows: () => windows(5),
  },
  faults: forwardFaults,
});

describe("Definition of forward", () => {
  test("The twin of forward gives what long arithmetic gives", async () => {
    const reference = await engine("reference");
    await fc.assert(
      fc.asyncProperty(random, async ([work]) => {
        expect([...(await reference.run(work!)).words]).toEqual(oracleWords(work!));
      }),
      { seed: 11, numRuns: 150 },
    );
  });
});

describe("Shapes of tiles", () => {
  /** More inputs and rows than the largest tile has, and hidden units for several passes. */
  const layer = { samples: 70, columns: 7, group: 5, rows: 130, shift: 3, quantizer: 2 };
  const layers = {
    packed: workOf(layer, small),
    "one word": workOf(layer, { ...small, inputs: 20 }),
    "two words": workOf({ ...layer, wide: 1 }, { ...small, inputs: 32 }),
  };

  /** A runner that takes a launch by its label, as the table of the tuner has it. */
  async function runnerOf(
    label: string,
    vendor: string,
    adapter: () => Promise<GPUAdapter>,
  ): Promise<Runner> {
    const store = memoryStore();
    const named = async () => withVendor(await adapter(), vendor);
    const tuner = new Tuner(store, adapterKey(await named()));
    for (const work of Object.values(layers)) await tuner.keep(tuningKey(work), { best: label, rates: {} });
    return gpuRunner(named, { store, language: await testLanguage() });
  }

  /** An adapter that claims to be of a vendor. */
  function withVendor(adapter: GPUAdapter, vendor: string): GPUAdapter {
    const { subgroupMinSize, subgroupMaxSize, architecture, device, description } = adapter.info;
    return Object.defineProperty(adapter, "info", {
      value: { vendor, subgroupMinSize, subgroupMaxSize, architecture, device, description },
    });
  }

  /** Whether a runner of a launch answers the words of the definition. */
  async function isRight(
    label: string,
    name: keyof typeof layers,
    { rewrite = watchIndices, vendor = "" } = {},
  ): Promise<boolean> {
    const work = layers[name];
    const profile = { ...(await testProfile()), vendor };
    const labels = launchesOf(work, profile).map(launchLabel);
    expect(labels).toContain(label);
    expect(new Set(labels).size).toBe(labels.length);
    const compiled: unknown[] = [];
    const runner = await runnerOf(
      label,
      vendor,
      tampered(sharedAdapter, (device) => {
        poisonStorage(device, 0xdeadbeef);
        rewriteShaders(device, rewrite);
        const create = device.createComputePipelineAsync.bind(device);
        device.createComputePipelineAsync = (descriptor) => {
          compiled.push(descriptor.compute.constants);
          return create(descriptor);
        };
      }),
    );
    const [{ words }, expected] = await Promise.all([
      runner.run(work),
      engine("cpu").then((cpu) => cpu.run(work)),
    ]);
    runner.close();
    const chosen = launchesOf(work, profile).find((launch) => launchLabel(launch) === label);
    expect(compiled).toEqual([chosen!.constants]);
    return words.every((word, i) => word === expected.words[i]);
  }

  for (const [label, name, wide] of [
    ["packed 16x16", "packed"],
    ["packed 16x16 with one half", "packed", true],
    ["packed 16x8", "packed", true],
    ["workgroup 16x16 with one half", "one word", true],
    ["workgroup 16x16 with one half", "two words"],
  ] as const)
    test(
      `The launch ${label} writes the words of the definition for numbers of ${name}`,
      wide ? { tags: ["wide"] } : {},
      async () => {
        expect(await isRight(label, name)).toBe(true);
      },
    );

  for (const name of ["packed", "one word", "two words"] as const)
    test(
      `The launches for Intel have one half of 4 words, and write the words of the definition for numbers of ${name}`,
      name === "packed" ? {} : { tags: ["wide"] },
      async () => {
        const launches = launchesOf(layers[name], { ...(await testProfile()), vendor: "intel" });
        expect(launches.map(({ constants }) => [constants.HALVES, constants.DEPTH])).toEqual(
          launches.map(() => [1, 4]),
        );
        expect(await isRight(launchLabel(launches[0]!), name, { vendor: "intel" })).toBe(true);
      },
    );

  for (const [label, replace, by, wide] of [
    ["packed 16x16", "added.lower = addWord(sums.lower, lower, hidden);", ""],
    ["packed 16x16 with one half", "ROWS_PER_HALF * HALVES * DOWN", "8u * DOWN", true],
  ] as const)
    test(
      `The comparison finds a fault in ${label}: "${replace}" becomes "${by}"`,
      wide ? { tags: ["wide"] } : {},
      async () => {
        const planted = (code: string) => {
          expect(code.split(replace)).toHaveLength(2);
          return code.replace(replace, by);
        };
        expect(await isRight(label, "packed", { rewrite: planted })).toBe(false);
      },
    );

  test("A device whose workgroup memory is small gets no tile that exceeds it", async () => {
    const profile = await testProfile();
    const limits = (maxComputeInvocationsPerWorkgroup: number) =>
      ({
        maxBufferSize: 2 ** 28,
        maxComputeWorkgroupSizeX: 256,
        maxStorageBufferBindingSize: 2 ** 27,
        maxComputeWorkgroupsPerDimension: 65535,
        maxComputeWorkgroupStorageSize: 16384,
        maxComputeInvocationsPerWorkgroup,
      }) as GPUSupportedLimits;
    const labels = (device: DeviceProfile) => launchesOf(layers["two words"], device).map(launchLabel);
    expect(
      labels({
        ...profile,
        limits: limits(256),
        subgroupMaxSize: 32,
      }),
    ).toEqual(["workgroup 8x8", "workgroup 16x8", "workgroup 16x16 with one half"]);
    expect(labels({ ...profile, limits: limits(128) })).toEqual(["workgroup 8x8", "workgroup 16x8"]);
  });
});

describe("Launches of forward", () => {
  test.each(packings.map(([work, packed], i) => [i, packed, work] as const))(
    "Row %i of the packings is served by %s",
    async (_, packed, work) => {
      expect(await packing(work)).toBe(packed);
    },
  );

  test("Numbers of two words are never packed", async () => {
    const [{ params, ...work }] = packings[0]!;
    expect(await packing({ ...work, params: { ...params, wide: 1 } })).toBe("workgroup");
  });

  test("A device that allows one workgroup takes all tiles with it", async () => {
    const one = await gpuRunner(tampered(sharedAdapter, (device) => limitWorkgroups(device, 1)));
    const reference = await engine("reference");
    const work = workOf({ samples: 140, columns: 3, group: 5, rows: 140 }, small);
    const { words } = await shadowRunner(reference, one).run(work);
    expect([...words]).toEqual([...(await reference.run(work)).words]);
    one.close();
  });
});
