// The kernels on given instances write the same words on every engine: over the seams of their tables, in ragged batches,
// on memory that is dirty, and at their largest sizes; and faults planted in their shaders are found.

import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cpuRunner } from "../../host/cpu/runner.ts";
import { gpuRunner } from "../../host/gpu/runner.ts";
import type { VariantName } from "../../host/gpu/launch.ts";
import { variantsOf } from "../../host/gpu/kernels/index.ts";
import { startThread } from "../../host/node/platform/threads.ts";
import { referenceRunner } from "../../host/reference.ts";
import type { Runner } from "../../host/runner.ts";
import { DifferenceError, shadowRunner } from "../../host/shadow.ts";
import {
  rewriteShaders,
  tamperedAdapter,
  testAdapter,
  watchIndices,
  watchedAdapter,
} from "../gpu/devices.ts";
import { batchWords, oracleWords, type Given, type GivenBatch } from "../oracle.ts";

const kernels = ["witness", "count", "smallest", "meet"] as const;
type KernelName = (typeof kernels)[number];

const variants = variantsOf("witness");
const names = ["cpu", "threads", "gpu", ...variants] as const;
const engines: Record<string, Runner> = {};

beforeAll(async () => {
  engines.reference = referenceRunner();
  engines.cpu = await cpuRunner(1, startThread);
  engines.threads = await cpuRunner(2, startThread);
  engines.gpu = await gpuRunner(testAdapter);
  for (const [i, variant] of variants.entries())
    engines[variant] = await gpuRunner(watchedAdapter, {
      variant,
      poison: [0xaaaaaaaa, 0x55555555, 0xdeadbeef, 0xffffffff][i]!,
    });
  // Leaves large tables all over the memory of the threads.
  const dirt = { items: new Array<number>(60).fill(997), targets: [[29_910, 29_910, 29_910]] };
  for (const name of ["cpu", "threads", "threads"])
    for (const kernel of ["witness", "smallest", "count"] as const)
      await engines[name]!.run(batchWords({ kernel, instances: [dirt] }));
});

afterAll(() => Object.values(engines).forEach((engine) => engine.close()));

/** Whether the engines named write the words of the reference; a difference is an error that names the word. */
async function compare(batch: GivenBatch, among: readonly string[] = names): Promise<void> {
  const work = batchWords(batch);
  const { words: expected } = await engines.reference!.run(work);
  const reference = { ...engines.reference!, run: () => Promise.resolve({ words: expected }) };
  for (const name of among) await shadowRunner(reference, engines[name]!).run(work);
}

/** An instance with targets that are one sum each. */
const exactly = (items: readonly number[], ...sums: readonly number[]): Given => ({
  items,
  targets: sums.map((sum) => [sum, sum, sum]),
});

/** The same sums with other signs. */
const negated = ({ items, targets }: Given): Given => ({
  items: items.map((item) => -Number(item)),
  targets: targets.map(([from, to, center]) => [-Number(to), -Number(from), -Number(center)]),
});

describe("seams", () => {
  /** Sixteen items, few enough sums apart that tables end at `top`, seen from either side and with either sign. */
  function endingAt(top: number, kernel: KernelName): Given[] {
    const size = Math.max(1, Math.floor(top / 7));
    const items = Array.from({ length: 16 }, (_, i) => size + (i % 3 === 0 ? 1 : 0));
    const total = items.reduce((sum, item) => sum + item);
    const near = {
      items,
      targets: [[top, top, top], ...(kernel === "smallest" ? [] : [[0, top, top >> 1]])],
    };
    const far = exactly(items, total - top);
    return [near, far, negated(near), negated(far)];
  }

  /** So many small items, and targets at both ends and between them. */
  function ofLength(n: number): Given {
    const items = Array.from({ length: n }, (_, i) => [1, -1, 2, 0, 1][i % 5]!);
    const total = (sign: number) => items.reduce((sum, item) => sum + Math.max(sign * item, 0), 0);
    return exactly(items, -total(-1), total(1), 0, (total(1) - total(-1)) >> 1, total(1) >> 1);
  }

  const tops = [1, 2, 31, 32, 33, 63, 64, 65, 127, 128, 129];
  const lengths = (kernel: KernelName) =>
    kernel === "meet"
      ? [0, 1, 2, 3, 15, 16, 17]
      : [0, 1, 31, 32, 33, 63, 64, 65].filter((n) => kernel !== "count" || n <= 64);

  test.each(kernels)("of tables and of masks leave %s the same, with masks and without", async (kernel) => {
    const instances = [...tops.flatMap((top) => endingAt(top, kernel)), ...lengths(kernel).map(ofLength)];
    for (const masks of [true, false]) await compare({ kernel, instances, masks });
    await compare({ kernel, instances: instances.toReversed(), tiles: true }, ["cpu", "gpu"]);
  });

  test.each(kernels)("of larger tables leave %s the same", async (kernel) => {
    const instances = [255, 256, 257, 511, 512, 513].flatMap((top) => endingAt(top, kernel));
    await compare({ kernel, instances }, ["cpu", "storage", "tiles"]);
  });

  test.each(kernels)("in the number of targets and of instances leave %s the same", async (kernel) => {
    const items = [5, -3, 8, 8, -1, 0, 2, 7];
    const sums = Array.from({ length: 35 }, (_, i) => i - 4).filter((sum) => sum <= 30);
    const many = exactly(items, ...sums, ...sums);
    await compare({ kernel, instances: [many, exactly([], 0), many] });
    await compare({ kernel, instances: [exactly(items, 11)] });
  });

  test.each(kernels)("more instances than workgroups are answered by %s in turns", async (kernel) => {
    // Devices take 65535 workgroups of a dispatch, and tables in storage fewer.
    const instances = Array.from({ length: 66_000 }, (_, k) => exactly([(k % 7) - 3, 1], (k % 7) - 2));
    await compare({ kernel, instances }, ["cpu", "gpu", "thread", "workgroup", "tiles"]);
    await compare({ kernel, instances: instances.slice(0, 1500) }, ["storage"]);
  });
});

describe("random batches", () => {
  const shape = fc.tuple(fc.nat({ max: 12 }), fc.constantFrom(1, 2, 9), fc.constantFrom(0, 1, -1));
  const instance = shape.chain(([n, magnitude, sign]) =>
    fc
      .tuple(
        fc.array(fc.integer({ min: sign > 0 ? 0 : -magnitude, max: sign < 0 ? 0 : magnitude }), {
          minLength: n,
          maxLength: n,
        }),
        fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(20), fc.nat(20)), {
          minLength: 1,
          maxLength: 4,
        }),
      )
      .map(([items, targets]): Given => {
        const low = items.reduce((sum, item) => sum + Math.min(item, 0), 0);
        const high = items.reduce((sum, item) => sum + Math.max(item, 0), 0);
        return {
          items,
          targets: targets.map(([where, below, above]) => {
            const center = Math.round(low + where * (high - low));
            return [Math.max(center - below, low), Math.min(center + above, high), center];
          }),
        };
      }),
  );
  /** Larger than all the others, so that a shader is compiled once. */
  const anchor = exactly(new Array<number>(16).fill(20), 120, 121);

  test.each(kernels)("give the same words of %s on every engine", async (kernel) => {
    const drawn = fc.sample(fc.array(instance, { minLength: 20, maxLength: 60 }), { numRuns: 6, seed: 7 });
    for (const [i, some] of drawn.entries()) {
      const narrow = some.map(({ items, targets }) =>
        kernel === "smallest"
          ? exactly(items as number[], ...targets.map(([, , center]) => Number(center)))
          : { items, targets },
      );
      await compare({ kernel, instances: [...narrow, anchor, ...narrow.slice(0, i)], masks: i % 4 > 0 });
    }
  });
});

describe("large sizes", () => {
  test("ten thousand small items give the same words on CPU", async () => {
    const items = Array.from({ length: 10_000 }, (_, i) => (i % 9 === 0 ? [1, -1, 2][(i / 9) % 3]! : 0));
    for (const kernel of ["witness", "smallest"] as const)
      await compare({ kernel, instances: [exactly(items, 0, 300, 741, -371)] }, ["cpu", "threads"]);
  });

  test("few items and many are remembered in ways that answer the same on CPU", async () => {
    // Odd sums are out of reach: no search ends early.
    const instances = [127, 128, 129].map((n) => {
      const items = Array.from({ length: n }, (_, i) => 2 * ((i * 71) % 211) - 200);
      return [exactly(items, 36), exactly(items, 4001), exactly(items, 36, 2000, -900)];
    });
    await compare({ kernel: "witness", instances: instances.flat() }, ["cpu", "threads"]);
  });

  test("that a GPU has no memory for are refused, and smaller ones answered", async () => {
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
    const work = batchWords({ kernel: "count", instances: [exactly([1, 1], 1)] });
    await expect(gpu.run(work)).rejects.toThrow(
      /^kernel count: expected sums that this GPU's memory can hold, got \{.*; use --engine cpu$/,
    );
    missing = false;
    expect([...(await gpu.run(work)).words]).toEqual(
      oracleWords({ kernel: "count", instances: [exactly([1, 1], 1)] }),
    );
    gpu.close();
  });

  test("sums that span almost 2^31 are answered near either end of them", async () => {
    const great = 2 ** 30 - 9;
    const instances = [
      exactly([great, 7, great, -3, 1], 2 * great + 5, 2 * great + 8),
      exactly([-great, -7, -great, 3, -1], -2 * great - 5, -2 * great - 8),
      exactly([great, 7, great], 7, 8),
    ];
    for (const kernel of ["witness", "count", "smallest"] as const) {
      const batch: GivenBatch = { kernel, instances };
      expect([...(await engines.cpu!.run(batchWords(batch))).words]).toEqual(oracleWords(batch));
    }
  });

  test("halves look for the nearest sum in the window alone, and at distances of 64 bits", async () => {
    const least = -(2n ** 63n);
    const greatest = 2n ** 63n - 1n;
    const instances: Given[] = [
      // 6 is nearer than 3, but does not serve.
      { items: [3, 6], targets: [[2, 5, 5]] },
      {
        items: [least],
        targets: [
          [least, 0, least],
          [least, 0, 0],
          [least, -1, -1],
        ],
      },
      {
        items: [greatest],
        targets: [
          [0, greatest, greatest],
          [0, greatest, 0],
          [1, greatest, 1],
        ],
      },
      {
        items: [least, greatest],
        targets: [
          [least, greatest, -1],
          [least, greatest, -2],
          [least, greatest, 2n ** 62n],
        ],
      },
    ];
    const batch: GivenBatch = { kernel: "meet", instances };
    await compare(batch);
    expect([...(await engines.reference!.run(batchWords(batch))).words]).toEqual(oracleWords(batch));
  });

  test("counts beyond 32 bits, and up to 2^64, are the same everywhere", async () => {
    const ones = new Array<number>(64).fill(1);
    const zeros = new Array<number>(64).fill(0);
    const signs = ones.map((one, i) => (i % 2 === 0 ? one : -one));
    await compare({
      kernel: "count",
      instances: [
        exactly(ones, 32, 1, 64),
        exactly(zeros, 0),
        exactly(zeros.with(9, 1), 0, 1),
        {
          items: signs,
          targets: [
            [-32, 31, 0],
            [-3, 3, 0],
            [0, 0, 0],
          ],
        },
        exactly(new Array<number>(34).fill(2), 34, 33, 36),
      ],
    });
  });
});

describe("planted faults", () => {
  const probe = (kernel: KernelName): GivenBatch => ({
    kernel,
    instances: [
      exactly([40, -33, 40, 7, 31, -5, 64, 0], 40, 71, -38, 100, 99),
      negated(exactly([40, -33, 40, 7, 31, -5, 64, 0], 40, 71, -38, 100, 99)),
      ...(kernel === "smallest"
        ? []
        : [
            {
              items: [10, 20, 40, 3, -50],
              targets: [
                [-30, 60, 26],
                [11, 31, 25],
                [2, 9, 5],
              ],
            },
            {
              items: [-10, -20, -40, -3, 50],
              targets: [
                [-60, 30, -25],
                [-31, -11, -25],
                [-9, -2, -5],
              ],
            },
          ]),
      exactly([3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3], 24, 23, 3),
      ...(kernel === "count"
        ? [
            {
              items: new Array<number>(40).fill(1),
              targets: [
                [20, 20, 20],
                [9, 30, 9],
              ],
            },
          ]
        : []),
      ...(kernel === "witness" || kernel === "meet" ? [{ items: [10, 20], targets: [[0, 30, 15]] }] : []),
    ],
  });

  const faults: [KernelName, VariantName, string, string][] = [
    ["count", "thread", "= value", "= value & 0xffu"],
    ["witness", "thread", "k < params.instances", "k + 1u < params.instances"],
    ["count", "thread", "step(localIndex, k, i, 0u, 1u)", "step(localIndex, k, i, 0u, 2u)"],
    ["smallest", "thread", "t < firstTarget(k + 1u); t += workers", "t <= firstTarget(k); t += workers"],
    ["witness", "storage", "(31u - bits)", "(30u - bits)"],
    ["witness", "storage", "firstLeadingBit(below)", "firstTrailingBit(below)"],
    ["witness", "storage", "u32(above && bit", "u32(!above && bit"],
    [
      "witness",
      "workgroup",
      "isReached(table, frame, without, i - 1u)",
      "isReached(table, frame, without, i)",
    ],
    ["witness", "tiles", "liveTo(frame, i32(after))", "liveTo(frame, i32(prefixSum))"],
    ["witness", "tiles", "phase.first + table", "phase.first + 2u * table"],
    ["count", "storage", "u32(low < a.x)", "0u"],
    ["count", "storage", "bit >= entry.magnitude", "bit > entry.magnitude"],
    ["count", "tiles", "ways.y);", "0u);"],
    ["count", "workgroup", "by.y + u32(before + by.x < before)", "by.y"],
    ["smallest", "storage", "min(sizes.without, sizes.with_)", "sizes.without"],
    ["smallest", "storage", "sizes.with_ < sizes.without", "sizes.with_ <= sizes.without"],
    ["smallest", "tiles", "taken != (item < 0)", "taken"],
    ["smallest", "workgroup", "select(before + 1u, NO_SIZE, before == NO_SIZE)", "before + 1u"],
    ["meet", "storage", "a.upper < b.upper", "a.upper > b.upper"],
    ["meet", "storage", "mask | (1u << i)", "mask"],
    ["meet", "tiles", "orEqual && all(other == offset)", "all(other == offset)"],
    ["meet", "workgroup", "lessWide(a.offset, b.offset)", "lessWide(b.offset, a.offset)"],
    ["meet", "tiles", "side < 2u", "side < 1u"],
  ];

  const replacing = (from: string, to: string) => (code: string) => {
    const changed = code.replace(from, to);
    if (changed === code) throw new Error(`planted fault: expected "${from}" in the shader`);
    return changed;
  };

  /** Whether a GPU whose shaders were rewritten is told from the reference. */
  async function differs(batch: GivenBatch, variant: VariantName, rewrite: (code: string) => string) {
    const suspect = await gpuRunner(
      tamperedAdapter((device) => rewriteShaders(device, rewrite)),
      { variant, poison: 0xdeadbeef },
    );
    try {
      await shadowRunner(engines.reference!, suspect).run(batchWords(batch));
      return false;
    } catch (error) {
      if (!(error instanceof DifferenceError)) throw error;
      return true;
    } finally {
      suspect.close();
    }
  }

  test.each(kernels)("are not seen in the shaders of %s as they are", async (kernel) => {
    for (const variant of variants)
      expect([variant, await differs(probe(kernel), variant, (code) => code)]).toEqual([variant, false]);
  });

  test.each(faults)(
    "are found in %s, variant %s, with `%s` changed to `%s`",
    async (kernel, variant, from, to) => {
      expect(await differs(probe(kernel), variant, replacing(from, to))).toBe(true);
    },
  );

  test("of indices are found", async () => {
    const short = replacing("array<u32, WORDS * WIDTH>", "array<u32, WORDS * WIDTH / 4u>");
    expect(await differs(probe("count"), "thread", (code) => watchIndices(short(code)))).toBe(true);
  });

  test("are found in the turns that workgroups take", async () => {
    const instances = Array.from({ length: 1500 }, (_, k) => exactly([k, 1], k));
    const skipping = replacing("k += workgroups", "k += workgroups + 1u");
    expect(await differs({ kernel: "count", instances }, "storage", skipping)).toBe(true);
    const tiny = Array.from({ length: 9000 }, (_, k) => exactly([k], k));
    const leaping = replacing("k += workgroups * WIDTH", "k += 2u * workgroups * WIDTH");
    expect(await differs({ kernel: "count", instances: tiny }, "thread", leaping)).toBe(true);
  });

  test.each(kernels)("of one bit in any word of %s are differences", async (kernel) => {
    const work = batchWords({ ...probe(kernel), instances: probe(kernel).instances.slice(0, 2) });
    for (let word = 0; word < work.params.answers; word++) {
      const flipped: Runner = {
        ...engines.cpu!,
        run: async (work) => {
          const { words } = await engines.cpu!.run(work);
          return { words: words.with(word, words[word]! ^ 1) };
        },
      };
      await expect(shadowRunner(engines.reference!, flipped).run(work)).rejects.toThrow(
        `kernel ${kernel}, buffer answers, word ${word} of `,
      );
    }
  });
});
