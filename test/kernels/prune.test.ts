// Demands of random networks have the same answers on every engine: over the seams of groups, places and ranges, on memory
// that is dirty; and faults planted in the shader are found.

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
import { batchWords, drawnWords, oracleProducts, type Drawn } from "../oracle.ts";

const variants = variantsOf("prune");
const names = ["cpu", "threads", ...variants] as const;
const engines: Record<string, Runner> = {};

beforeAll(async () => {
  engines.reference = referenceRunner();
  engines.cpu = await cpuRunner(1, startThread);
  engines.threads = await cpuRunner(2, startThread);
  engines.gpu = await gpuRunner(testAdapter);
  for (const [i, variant] of variants.entries())
    engines[variant] = await gpuRunner(watchedAdapter, { variant, poison: [0x55555555, 0xdeadbeef][i]! });
  // Leaves a large table all over the memory of the threads.
  const dirt = { items: new Array<number>(60).fill(997), targets: [[29_910, 29_910, 29_910]] };
  for (const name of ["cpu", "threads", "threads"])
    await engines[name]!.run(batchWords({ kernel: "smallest", instances: [dirt] }));
});

afterAll(() => Object.values(engines).forEach((engine) => engine.close()));

/** Sums for more than most demands here need, so that a shader is compiled once for many of them. */
const room = ({ sparse }: Drawn) => (sparse ? 401 : 8001);

/** Whether the engines named write the words of the reference; a difference is an error that names the word. */
async function compare(drawn: Drawn, among: readonly string[] = names): Promise<Uint32Array> {
  const work = drawnWords(drawn, room(drawn));
  const { words: expected } = await engines.reference!.run(work);
  const reference = { ...engines.reference!, run: () => Promise.resolve({ words: expected }) };
  for (const name of among) await shadowRunner(reference, engines[name]!).run(work);
  return expected;
}

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

describe("seams", () => {
  const groups = [0, 1, 31, 32, 33, 63, 64, 65, 127, 200];
  const sums = [1, -1, 7, -7, 2 ** 31 - 1, -(2 ** 31), -(2 ** 31) + 1];

  test.each([false, true])("in the size of groups leave all the same (sparse: %s)", async (sparse) => {
    const narrow = { ...common, values: without0(2) };
    for (const group of groups) {
      const places = [
        [0, 0],
        [60, 3 * group + 61],
        [2 ** 31 - 70, 2 ** 31 - group],
      ] as const;
      const demands = places.flatMap(([hidden, weights], i) =>
        [1, -1, 0].flatMap((sign): Drawn["demands"][number][] => {
          const [low, high] = endsOf({ ...narrow, group }, [hidden, weights, 0, sign]);
          // All of one sign take part in the least and the greatest sum, and none has those beyond.
          const ends = [low - 1, high + 1, ...(group > 65 && (i > 0 || sign < 1) ? [] : [low, high])];
          return [...ends, 0, ...(i === 0 ? sums : [])].map((sum) => [hidden, weights, sum, sign]);
        }),
      );
      await compare({ ...narrow, group, sparse, demands });
    }
  });

  test("of trials in the places leave all the same", async () => {
    const starts = [0, 1, 33, 63, 64, 65, 127, 128, 190, 191, 192, 255, 256, 257, 511];
    const far = [2 ** 31 - 1, 2 ** 31, 2 ** 31 + 63, 2 ** 32 - 70, 2 ** 32 - 67, 2 ** 32 - 66];
    const places = [...starts, ...far];
    const demands = places.flatMap((hidden, i) =>
      [places[(i + 5) % places.length]!, hidden].map((weights) => [hidden, weights, 9, 1] as const),
    );
    await compare({ ...common, group: 66, demands });
    // Engines may keep what they drew last: any order gives the same.
    await compare({ ...common, group: 66, demands: demands.toReversed() });
  });

  const evens = Array.from({ length: 993 }, (_, i) => 2 * ((i % 5) - 2));
  test.each<[string, readonly number[]]>([
    ["of one value", [3]],
    ["of two", [-1, 1]],
    ["of three", [-1, 0, 1]],
    ["of 33, whose slices are 16 bits", Array.from({ length: 33 }, (_, i) => (i % 9) - 4)],
    ["of 993, 3 % of whose slices are rejected, with even sums alone", evens],
    ["of 2048", Array.from({ length: 2048 }, (_, i) => (i % 9) - 4)],
    ["of 2049, whose slices are words", Array.from({ length: 2049 }, (_, i) => (i % 9) - 4)],
    ["of zeros", [0, 0, 0, 0]],
  ])("of ranges %s leave all the same", async (_, values) => {
    const demands = [0, 50, 1000].flatMap((place) =>
      [0, 1, -6].flatMap((sum) => [1, 0].map((sign) => [place, 7 * place, sum, sign] as const)),
    );
    for (const sparse of [false, true])
      await compare({ ...common, values, group: 33, sparse, demands }, ["cpu", "gpu"]);
  });

  test("more demands than workgroups are answered in turns", async () => {
    const demands = Array.from(
      { length: 66_000 },
      (_, k) => [3 * k, 5 * k, (k % 9) - 4, (k % 3) - 1] as const,
    );
    await compare({ ...common, group: 3, demands }, ["cpu", "workgroup"]);
    await compare({ ...common, group: 3, demands: demands.slice(0, 1500) }, ["storage"]);
    await compare({ ...common, group: 9, demands: [] });
  });

  test("tables too large for workgroups are in storage", async () => {
    const values = without0(90);
    const demands = [1, -1, 0].flatMap((sign) =>
      [1, 3977, -20_011, 150_000].map((sum) => [5, 77, sum, sign] as const),
    );
    const among = ["cpu", "gpu", "storage"];
    await compare({ ...common, values, group: 80, demands }, among);
    await compare({ ...common, values, group: 9, sparse: true, demands: demands.slice(0, 6) }, among);
    // What stays even never reaches an odd sum, and every item enters.
    await compare({ ...common, values: values.map((value) => 2 * value), group: 80, demands }, ["cpu"]);
  });
});

test("random demands give the same words on every engine", async () => {
  const word = fc.bigInt({ min: 0n, max: 2n ** 32n - 1n });
  const place = fc.nat({ max: 2 ** 31 });
  const demand = fc.tuple(place, place, fc.integer({ min: -40, max: 40 }), fc.constantFrom(0, 1, -1));
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        values: fc.constantFrom(without0(2), without0(4), [...without0(3), 0, 0], [0, 4, -3, 2]),
        hidden: fc.tuple(word, word),
        weights: fc.tuple(word, word),
        group: fc.constantFrom(3, 17, 30),
        sparse: fc.boolean(),
        demands: fc.array(demand, { minLength: 5, maxLength: 15 }),
      }),
      async (drawn) => void (await compare(drawn)),
    ),
    { seed: 2026, numRuns: 20 },
  );
});

describe("planted faults", () => {
  const asked = [0, 1, -5, 12, 40, 100, -63];
  const probe = (sparse: boolean, most = sparse ? 4 : 9): Drawn => ({
    ...common,
    values: Array.from({ length: 993 }, (_, i) => (i % (2 * most + 1)) - most),
    group: 40,
    sparse,
    demands: [0, 50, 777].flatMap((place) =>
      asked.flatMap((sum) => [1, -1, 0].map((sign) => [place, 3 * place, sum, sign] as const)),
    ),
  });

  const faults: [VariantName, boolean, string, string][] = [
    ["storage", false, "(31u - bits)", "(30u - bits)"],
    ["storage", false, "position % MAX_ITEMS", "position % 32u"],
    ["storage", false, "(word & 1u) == 1u", "(word & 1u) == 0u"],
    ["storage", false, "BLOCKS_PER_ATTEMPT * attempt + i", "BLOCKS_PER_ATTEMPT * attempt"],
    ["storage", false, "sign(unit) == side", "sign(unit) == 1"],
    ["storage", true, "max(found.size, 1u) - 1u", "found.size"],
    ["storage", false, "zeroBit += max(-entering, 0)", "zeroBit += max(entering, 0)"],
    ["storage", false, "liveTo(frame, after)", "liveTo(frame, prefixSum)"],
    ["workgroup", false, "w - words - 1u", "w - words"],
    ["workgroup", false, "hidden + q)", "hidden)"],
    ["workgroup", false, "sum -= found.item;", ""],
    ["workgroup", false, "u32(toLow < toHigh)", "0u"],
    ["workgroup", false, "count = found.count - 1u", "count = found.count"],
    ["workgroup", false, "-down <= sum && sum <= up", "-down < sum && sum < up"],
    ["storage", true, "select(stays, moves, negative)", "stays"],
    ["storage", true, "before == NO_SIZE)", "before > 2u)"],
    ["workgroup", true, "step.size < found.size", "step.size <= found.size"],
    ["workgroup", true, "var enough = 1u", "var enough = 2u"],
  ];

  const replacing = (from: string, to: string) => (code: string) => {
    const changed = code.replace(from, to);
    if (changed === code) throw new Error(`planted fault: expected "${from}" in the shader`);
    return changed;
  };

  /** Whether a GPU whose shaders were rewritten is told from the reference. */
  async function differs(drawn: Drawn, variant: VariantName, rewrite: (code: string) => string) {
    const suspect = await gpuRunner(
      tamperedAdapter((device) => rewriteShaders(device, rewrite)),
      { variant, poison: 0xdeadbeef },
    );
    try {
      await shadowRunner(engines.reference!, suspect).run(drawnWords(drawn));
      return false;
    } catch (error) {
      if (!(error instanceof DifferenceError)) throw error;
      return true;
    } finally {
      suspect.close();
    }
  }

  test("of indices are found", async () => {
    const short = replacing("array<u32, WORDS>", "array<u32, WORDS / 2u>");
    expect(await differs(probe(false), "workgroup", (code) => watchIndices(short(code)))).toBe(true);
  });

  test.each([false, true])("are not seen in the shader as it is (sparse: %s)", async (sparse) => {
    for (const variant of variants)
      expect([variant, await differs(probe(sparse), variant, (code) => code)]).toEqual([variant, false]);
  });

  test.each(faults)(
    "are found in variant %s (sparse: %s) with `%s` changed to `%s`",
    async (variant, sparse, from, to) => {
      expect(await differs(probe(sparse), variant, replacing(from, to))).toBe(true);
    },
  );

  test("are found in the turns that workgroups take", async () => {
    const demands = Array.from({ length: 1500 }, (_, k) => [k, k, 0, 0] as const);
    const skipping = replacing("k += workgroups", "k += workgroups + 1u");
    expect(await differs({ ...common, group: 3, demands }, "storage", skipping)).toBe(true);
  });

  test("of one bit in any word are differences", async () => {
    const drawn = { ...probe(false), demands: probe(false).demands.slice(0, 5) };
    const words = await compare(drawn, []);
    for (let word = 0; word < words.length; word++) {
      const flipped: Runner = {
        ...engines.cpu!,
        run: async () => ({ words: words.with(word, words[word]! ^ 1) }),
      };
      await expect(shadowRunner(engines.reference!, flipped).run(drawnWords(drawn))).rejects.toThrow(
        `kernel prune, buffer answers, word ${word} of `,
      );
    }
  });
});
