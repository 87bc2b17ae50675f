// Exactness: every engine counts all instances of small sizes as enumeration by others does, and a million drawn trials
// lie where exact probabilities say.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cpuRunner } from "../host/cpu/runner.ts";
import { gpuRunner } from "../host/gpu/runner.ts";
import { startThread } from "../host/node/platform/threads.ts";
import { measurePhase } from "../host/experiments/phase.ts";
import { referenceRunner } from "../host/reference.ts";
import type { Runner } from "../host/runner.ts";
import type { PhaseFinding } from "../src/finding.ts";
import { sharedAdapter } from "./gpu/devices.ts";
import exact from "./fixtures/exact.json";
import { oraclePool, oracleSums, type Question } from "./oracle.ts";

type Ensemble = Question["ensemble"];

/** Of `instances` equally likely instances: how many reach target t, at place t, and how many reach everything. */
interface Row {
  readonly ensemble: Ensemble;
  readonly halfRange: number;
  readonly items: number;
  readonly instances: bigint;
  readonly solved: readonly bigint[];
  readonly whole: bigint;
}

const rows: Row[] = exact.rows.map((row) => ({
  ...row,
  ensemble: row.ensemble as Ensemble,
  instances: BigInt(row.instances),
  solved: row.solved.map(BigInt),
  whole: BigInt(row.whole),
}));

/** The rows of one law together: ascending numbers of items. */
const families = rows
  .filter(({ items }) => items === 0)
  .map(({ ensemble, halfRange }) =>
    rows.filter((row) => row.ensemble === ensemble && row.halfRange === halfRange),
  );

/** All instances of a pool by their distinct values, each weighted by how often the pool has it. */
function enumerated(ensemble: Ensemble, halfRange: number, items: number): Row {
  const pool = oraclePool(ensemble, halfRange);
  const weights = [...new Set(pool)].map(
    (item) => [item, pool.filter((other) => other === item).length] as const,
  );
  const solved = new Array<number>(halfRange + 1).fill(0);
  let whole = 0;
  let instances = 0;
  const walk = (chosen: readonly number[], weight: number): void => {
    if (chosen.length < items) {
      for (const [item, copies] of weights) walk([...chosen, item], weight * copies);
      return;
    }
    const sums = oracleSums(ensemble, chosen);
    instances += weight;
    solved.forEach((_, target) => (solved[target]! += sums.has(target) ? weight : 0));
    const all = Array.from({ length: 2 * halfRange + 1 }, (_, i) => i - halfRange).every((target) =>
      sums.has(target),
    );
    whole += all ? weight : 0;
  };
  walk([], 1);
  return {
    ensemble,
    halfRange,
    items,
    instances: BigInt(instances),
    solved: solved.map(BigInt),
    whole: BigInt(whole),
  };
}

const productRows = (
  [
    ["products", 1, 8],
    ["products", 4, 4],
    ["products", 9, 2],
    ["products0", 1, 6],
    ["products0", 4, 3],
    ["products0", 9, 2],
    ["products0", 16, 2],
  ] as const
).map(([ensemble, halfRange, most]) =>
  Array.from({ length: most + 1 }, (_, items) => enumerated(ensemble, halfRange, items)),
);

/** What a finding counts: success at each asked target, of everything, and the mean of what is covered. */
interface Counts {
  readonly targets: readonly (readonly [number, number])[];
  readonly whole: number;
  /** Targets of -M..M reached, over all instances; undefined where the row does not tell. */
  readonly covered: number | undefined;
}

function countsOf(finding: PhaseFinding, known: boolean): Counts {
  return {
    targets: finding.targets.map(({ target, solved }) => [target, solved]),
    whole: (finding.covered ?? finding.perfect)!.solved,
    covered: known ? Math.round(finding.meanCovered * finding.trials) : undefined,
  };
}

/** The same counts as a row has them, for `instances` instances. */
function expectedCounts(row: Row, targets: readonly number[], instances: number): Counts {
  const scale = BigInt(instances) / row.instances;
  const inside = row.solved.slice(1, row.halfRange + 1).reduce((sum, count) => sum + count, 0n);
  return {
    targets: targets.map((target) => [target, Number(row.solved[Math.abs(target)]! * scale)]),
    whole: Number(row.whole * scale),
    covered: knowsCovered(row) ? Number((row.solved[0]! + 2n * inside) * scale) : undefined,
  };
}

const knowsCovered = (row: Row) => row.solved.length > row.halfRange;
const targetsOf = (row: Row) => row.solved.flatMap((_, target) => (target === 0 ? [0] : [target, -target]));

/** Compares every row that is small enough with all instances on one engine; returns how many it compared. */
async function countAll(runner: Runner, family: readonly Row[], most: number): Promise<number> {
  const within = family.filter(
    ({ ensemble, halfRange, items }) => oraclePool(ensemble, halfRange).length ** items <= most,
  );
  const last = within.at(-1)!;
  if (last.items === 0) return 0;
  const targets = targetsOf(last);
  const request = {
    ensemble: last.ensemble,
    halfRange: last.halfRange,
    items: { from: 0, to: last.items },
    targets,
    trials: "all" as const,
  };
  const findings = await measurePhase(runner, request);
  for (const row of within) {
    const finding = findings[row.items]!;
    expect([finding.items, countsOf(finding, knowsCovered(row))]).toEqual([
      row.items,
      expectedCounts(row, targets, finding.trials),
    ]);
  }
  return within.length;
}

/** Engines, and the most instances each is given at a time: all are exact, not all are fast. */
const limits = { cpu: 3e5, reference: 2000, thread: 5000, workgroup: 1500, storage: 1500 };
const variants = ["thread", "workgroup", "storage"] as const;
const runners = {} as Record<keyof typeof limits, Runner>;

beforeAll(async () => {
  runners.cpu = await cpuRunner(2, startThread);
  runners.reference = referenceRunner();
  for (const variant of variants) runners[variant] = await gpuRunner(sharedAdapter, { variant });
});

afterAll(() => Object.values(runners).forEach((runner) => runner.close()));

describe("All instances", () => {
  test("The enumeration of products as another ensemble agrees with recorded rows", () => {
    for (const [ensemble, halfRange, items] of [
      ["rssp", 2, 4],
      ["rssp0", 3, 2],
      ["rnpp", 4, 4],
      ["rssp", 8, 2],
    ] as const) {
      const { solved, whole, instances } = enumerated(ensemble, halfRange, items);
      const row = rows.find(
        (row) => row.ensemble === ensemble && row.halfRange === halfRange && row.items === items,
      )!;
      const length = Math.min(row.solved.length, solved.length);
      expect([instances, solved.slice(0, length)]).toEqual([row.instances, row.solved.slice(0, length)]);
      if (ensemble !== "rnpp") expect(whole).toBe(row.whole);
    }
  });

  test("A count that is one too large is noticed", async () => {
    const family = families.find(([row]) => row!.ensemble === "rssp" && row!.halfRange === 2)!;
    const off = family.map((row) =>
      row.items === 4 ? { ...row, solved: row.solved.with(1, row.solved[1]! + 1n) } : row,
    );
    await expect(countAll(runners.cpu, off, 300)).rejects.toThrow(/to deeply equal/);
  });

  const everyFamily = [...families, ...productRows];
  async function countEach(name: keyof typeof limits, among: readonly (readonly Row[])[]): Promise<number> {
    let compared = 0;
    for (const family of among) compared += await countAll(runners[name], family, limits[name]);
    return compared;
  }
  test.each(["cpu", "reference"] as const)("All instances are counted exactly by %s", async (name) => {
    expect(await countEach(name, everyFamily)).toBeGreaterThan(80);
  });
  // A family compiles a pipeline for each variant. So every second family runs on one of the three variants, the others on none.
  test.each(variants)(
    "All instances of every sixth law are counted exactly by %s",
    { tags: ["wide"] },
    async (name) => {
      const own = variants.indexOf(name);
      const among = everyFamily.filter((_, i) => i % (2 * variants.length) === own);
      expect(await countEach(name, among)).toBeGreaterThan(10);
    },
  );
});

describe("A million trials", () => {
  const trials = 1e6;

  /** Standard errors between a count and its expectation; where nothing is uncertain, 0 or infinity. */
  function deviation(count: number, of: bigint, instances: bigint): number {
    if (of === 0n || of === instances) return count === (of === 0n ? 0 : trials) ? 0 : Infinity;
    const mean = (trials * Number(of)) / Number(instances);
    return Math.abs(count - mean) / Math.sqrt((mean * Number(instances - of)) / Number(instances));
  }

  /** The largest deviation of a family's counts from its rows, over every number of items and every target. */
  async function worst(
    family: readonly Row[],
    judges: readonly Row[],
  ): Promise<{ deviation: number; at: string }> {
    const { ensemble, halfRange } = family[0]!;
    const targets = family[0]!.solved.map((_, target) => (target % 2 === 0 ? target : -target));
    const items = { from: 0, to: family.at(-1)!.items };
    const findings = await measurePhase(runners.cpu, {
      ensemble,
      halfRange,
      items,
      targets,
      trials,
      seed: 20,
    });
    const all = judges.flatMap((row) => {
      const finding = findings[row.items]!;
      const cells = finding.targets.map(({ target, solved }) => ({
        at: `target ${target}`,
        solved,
        of: row.solved[Math.abs(target)]!,
      }));
      cells.push({ at: "everything", solved: (finding.covered ?? finding.perfect)!.solved, of: row.whole });
      return cells.map(({ at, solved, of }) => ({
        deviation: deviation(solved, of, row.instances),
        at: `${ensemble} M=${halfRange} n=${row.items} ${at}: ${solved} of ${trials}, expected ${of}/${row.instances}`,
      }));
    });
    return all.reduce((a, b) => (b.deviation > a.deviation ? b : a));
  }

  test.each(families.map((family) => [family[0]!.ensemble, family[0]!.halfRange, family] as const))(
    "A million trials of %s with half range %i are within five standard errors of every row",
    { tags: ["wide"] },
    async (_, __, family) => {
      const { deviation, at } = await worst(family, family);
      expect(deviation, at).toBeLessThan(5);
    },
  );

  test("A million trials of rssp0 are not within five standard errors of rssp", async () => {
    for (const halfRange of [1, 8, 64]) {
      const [family, judges] = ["rssp0", "rssp"].map((ensemble) =>
        families.find(([row]) => row!.ensemble === ensemble && row!.halfRange === halfRange)!,
      );
      expect((await worst(family!, judges!)).deviation).toBeGreaterThan(10);
    }
  });
});
