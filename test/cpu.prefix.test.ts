// The CPU engine decides trials of `reach` by a prefix of their items first, and counts what it counts without one.

import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { kernelModule } from "../host/cpu/module.ts";
import { loadKernel } from "../host/node/bench/measure/kernel.ts";
import { referenceRunner } from "../host/reference.ts";
import { compile } from "../scripts/assemblyscript.ts";
import { ensembles, isProduct, listedLaw, type Ensemble } from "../src/ensemble.ts";
import { phaseConfig, plan } from "../src/experiments/phase.ts";
import { reachPrefix, reachTally } from "../src/kernels/reach.ts";
import { batchWork, type WorkOf } from "../src/plan.ts";
import { reachPlan } from "../src/reach-plan.ts";
import { oracleTally } from "./oracle.ts";
import { onlyKernels } from "./kernels/onlyKernels.ts";

type ReachWork = WorkOf<"reach">;

interface Question {
  readonly ensemble?: Ensemble;
  readonly halfRange: number;
  readonly from: number;
  readonly to?: number;
  readonly targets?: readonly number[];
  readonly first?: number;
  readonly count: number;
}

const SEED = 3n;

function workOf({
  ensemble = "rssp",
  halfRange,
  from,
  to = from,
  targets = [0],
  first = 0,
  count,
}: Question): ReachWork {
  const config = phaseConfig({ ensemble, halfRange, items: { from, to }, targets, seed: SEED });
  return batchWork(plan(config), { first, count });
}

const reference = referenceRunner();

/** The words of the CPU's kernel, and those of the twin. */
async function wordsOf(work: ReachWork) {
  const kernel = await loadKernel(work);
  kernel.run();
  return { words: [...kernel.output()], twin: [...(await reference.run(work)).words] };
}

/** Checks the kernel against its twin, and returns the words. */
async function compare(work: ReachWork): Promise<number[]> {
  expect(reachPrefix(work.params), JSON.stringify(work.params)).toBeGreaterThan(0);
  const { words, twin } = await wordsOf(work);
  expect(words, JSON.stringify(work.params)).toEqual(twin);
  return words;
}

const unsigned = ensembles.filter((ensemble) => ensemble !== "rnpp");

describe("Prefix of reach on the CPU", () => {
  test("The CPU has the prefix of the contract at every size", { tags: ["wide"] }, async () => {
    const module = await kernelModule();
    for (const ensemble of ensembles)
      for (const halfRange of [1, 4, 16, 225, 1024, 1225, 2 ** 20])
        for (const items of [0, 14, 20, 23, 24, 64])
          for (const far of [1, 3, 100]) {
            const work = workOf({ ensemble, halfRange, from: items, targets: [far * halfRange], count: 1 });
            const { prefix } = await loadKernel(work, module);
            expect(prefix(), JSON.stringify(work.params)).toBe(reachPrefix(work.params));
          }
  });

  test.each(unsigned)("A prefix of %s counts the same around its length and far beyond", async (ensemble) => {
    for (const [halfRange, prefix] of isProduct(ensemble)
      ? [[16, 16] as const, [225, 18] as const]
      : [[16, 12] as const, [200, 16] as const])
      for (const items of [prefix + 3, prefix + 4, 40, 64])
        await compare(workOf({ ensemble, halfRange, from: items, targets: [1, -halfRange], count: 37 }));
  });

  test("A prefix counts the same for 1 to 9 trials, and where their index passes 2^32", async () => {
    for (const first of [5, 2 ** 32 - 2, 2 ** 47])
      for (let count = 1; count <= 9; count++)
        await compare(workOf({ halfRange: 1100, from: 22, first, count }));
  });

  test("A prefix counts the same for several sizes that are all beyond it", async () => {
    await compare(workOf({ halfRange: 9, from: 15, to: 24, count: 500 }));
    await compare(workOf({ halfRange: 1100, from: 30, to: 33, count: 20 }));
  });

  test("A prefix counts the same for targets beyond the half range, and for one beyond all sums", async () => {
    for (const targets of [[27], [-27, 4], [10, -18, 27]])
      await compare(workOf({ halfRange: 9, from: 27, targets, count: 500 }));
    for (const target of [361, -361, 2 ** 31 - 1, -(2 ** 31)])
      await compare(workOf({ halfRange: 9, from: 40, targets: [0, target], count: 50 }));
  });

  test.each([
    ["even", [2, 4, 6, 40]],
    ["all alike", [40]],
    ["small", [1, 2]],
  ] as const)("A prefix counts the same for listed magnitudes that are %s", async (_, list) => {
    const magnitudes = Int32Array.from(list);
    const work = reachPlan({
      law: listedLaw(magnitudes),
      key: [7, 8],
      magnitudes,
      halfRange: 40,
      targets: [2, -40],
      items: { from: 30, to: 30 },
      enumerate: false,
    });
    await compare(batchWork(work, { first: 11, count: 99 }));
  });

  test.each(unsigned)("A prefix of %s counts what sets of sums count", async (ensemble) => {
    for (const [from, to, count, targets] of [
      [19, 20, 40, [9, -4]],
      [40, 40, 10, [12, 1]],
    ] as const) {
      const question = { ensemble, halfRange: 9, from, to, targets };
      const work = workOf({ ...question, count });
      expect(reachPrefix(work.params)).toBeGreaterThan(0);
      const expected = oracleTally({ ...question, seed: SEED, enumerate: false }, 0, count);
      expect((await wordsOf(work)).words).toEqual(expected);
    }
  });
});

describe("Rare failures beyond a prefix", () => {
  const trials = 2 ** 20;

  // Half range 1: a trial misses target 1 where all items are -1. Half range 2: it misses target 2 where at most one item is
  // positive and that item is not 2, and target 1 where no item is 1 and no -1 can be added to a positive sum.
  test.each([
    [1, 11, 1, 2 ** -11],
    [2, 12, 2, (1 + 12 / 2) * 2 ** -12],
    [2, 12, 1, 2 ** -11 - 4 ** -12],
  ])(
    "Trials of half range %i with %i items miss target %i as often as a closed form says",
    async (halfRange, from, target, probability) => {
      const work = workOf({ halfRange, from, targets: [target], count: trials });
      expect(reachPrefix(work.params)).toBeGreaterThan(0);
      const kernel = await loadKernel(work);
      kernel.run();
      const misses = kernel.output()[reachTally(work.params).unsolved(0, 0)]!;
      expect(Math.abs(misses - trials * probability)).toBeLessThan(5 * Math.sqrt(trials * probability));
    },
  );
});

describe("Faults in the prefix of reach", () => {
  const index = fileURLToPath(new URL("../host/cpu/wasm/index.ts", import.meta.url));

  const probes = {
    small: workOf({ halfRange: 9, from: 15, count: 2000 }),
    sizes: workOf({ halfRange: 9, from: 15, to: 20, count: 500 }),
    far: workOf({ halfRange: 9, from: 27, targets: [27], count: 500 }),
    words: workOf({ halfRange: 1100, from: 22, first: 2 ** 32 - 300, count: 600 }),
  };

  type Probe = keyof typeof probes;

  /** Text that occurs once in the AssemblyScript, what replaces it, and the probe whose words must change. */
  const faults: readonly (readonly [replace: string, by: string, probe: Probe])[] = [
    ["if (i == from) return false;", "if (i == from) return true;", "small"],
    ["== 2 * M + 1;", ">= 2 * M;", "small"],
    ["mirrored ? bit + item : bit - item", "bit - item", "small"],
    ["open &= ~(1 << t)", "open = 0", "small"],
    ["if (i == from) return", "if (i == <usize>load<u32>(params, P.ITEMS_TO)) return", "sizes"],
    ["if (!hasFarTarget) return true;", "if (M) return true;", "far"],
    ["2 * <u32>(from / itemsOfCall(params))", "0", "words"],
  ];

  const right = new Map<Probe, Promise<number[]>>();
  /** The words of the twin for a probe, after a check that the unchanged kernel has the same. */
  function rightWords(probe: Probe): Promise<number[]> {
    const known = right.get(probe) ?? compare(probes[probe]);
    right.set(probe, known);
    return known;
  }

  for (const [replace, by, probe] of faults)
    test(`The words change where \`${replace}\` becomes \`${by}\``, { tags: ["wide"] }, async () => {
      const found = new Set<string>();
      const edit = (text: string) => {
        if (text.includes(replace)) found.add(text);
        return onlyKernels(text.replace(replace, by), ["reach"]);
      };
      const bytes = await compile(index, edit, "-O1");
      expect([...found].map((text) => text.split(replace).length)).toEqual([2]);
      const kernel = await loadKernel(probes[probe], await WebAssembly.compile(bytes));
      kernel.run();
      expect([...kernel.output()]).not.toEqual(await rightWords(probe));
    });
});
