// The answers of `solve` on given instances, on every engine and by every method, against published facts and the enumeration of
// all index sets; and its behavior as a stream.

import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cpuRunner } from "../host/cpu/runner.ts";
import { gpuRunner } from "../host/gpu/runner.ts";
import { variantsOf } from "../host/gpu/kernels/index.ts";
import { startThread } from "../host/node/platform/threads.ts";
import { referenceRunner } from "../host/reference.ts";
import type { Engine, Runner } from "../host/runner.ts";
import { DifferenceError, shadowRunner } from "../host/shadow.ts";
import { solve, type SolveOptions } from "../host/experiments/solve.ts";
import type { ListRequest, SolveRequest } from "../src/experiments/solve.ts";
import type { SolveFinding, SubsetFinding } from "../src/finding.ts";
import { methods, type AnswerName, type Instance } from "../src/solve/problem.ts";
import { CapacityError } from "../src/errors.ts";
import { toJson } from "../src/solve/exact.ts";
import { paramOf } from "./work.ts";
import { PATIENT_MS, poisonStorage, sharedAdapter, tampered } from "./gpu/devices.ts";
import facts from "./fixtures/instances.json";
import { oracleFinding, oracleKnapsack, oracleListed, oracleSets } from "./oracle.ts";

const variants = variantsOf("witness");
const names = ["reference", "cpu", "threads", "shadow", "gpu"] as const;
const engines: Record<string, Runner> = {};
/** `npm test` includes two engines. */
const tagsOf = (name: string) => (name === "reference" || name === "cpu" ? {} : { tags: ["wide" as const] });

beforeAll(async () => {
  engines.reference = referenceRunner();
  engines.cpu = await cpuRunner(1, startThread);
  engines.threads = await cpuRunner(2, startThread);
  engines.shadow = shadowRunner(engines.cpu, engines.reference);
  engines.gpu = await gpuRunner(sharedAdapter);
  for (const variant of variants)
    engines[variant] = await gpuRunner(
      tampered(sharedAdapter, (device) => poisonStorage(device, 0xdeadbeef)),
      { variant, maxDispatchMilliseconds: PATIENT_MS },
    );
});

afterAll(() => Object.values(engines).forEach((engine) => engine.close()));

type Source = Iterable<Instance> | AsyncIterable<Instance>;

/** All findings of a stream. */
async function all(engine: Engine, instances: Source, request?: SolveRequest, options?: SolveOptions) {
  const findings: SolveFinding[] = [];
  for await (const finding of solve(engine, instances, request, options)) findings.push(finding);
  return findings;
}

/** The answers of a finding, without its request and its engine. */
function answersOf(finding: SolveFinding): Record<string, unknown> {
  const { reachable, sum, difference, count, unique, witness, smallest, smallestWitness } = finding;
  const answers = { reachable, sum, difference, count, unique, witness, smallest, smallestWitness };
  return Object.fromEntries(Object.entries(answers).filter(([, value]) => value !== undefined));
}

/** A request by every method that differs on an engine. A variant of sums is a method of its own. */
function byMethods(name: string, request: SolveRequest): SolveRequest[] {
  const halves: SolveRequest = { ...request, method: "meet-in-the-middle" };
  if (name === "gpu") return [{ ...request, method: "tiles" }, halves];
  if (name === "thread") return [request];
  if (engines[name]!.engine === "gpu") return [request, halves];
  return [request, ...methods.map((method) => ({ ...request, method }))];
}

/** Every way to ask, but for the method. */
const requests: SolveRequest[] = [
  {},
  { ask: ["count", "witness"] },
  { tolerance: 0 },
  { tolerance: 3 },
  { tolerance: 2 ** 53 },
  { atMost: true },
  { atMost: true, tolerance: 4 },
  { partition: true },
  { size: 0 },
  { size: 2, tolerance: 2 },
  { size: 3, atMost: true },
  { size: 3, atMost: true, tolerance: 5 },
  { size: 2, partition: true },
  { size: 5, ask: ["smallest"] },
  { ask: ["unique", "witness"] },
  { ask: ["unique"], tolerance: 2 },
  { ask: ["unique", "count"], atMostSize: 3, atMost: true },
  { atMostSize: 2 },
  { atMostSize: 3, tolerance: 4 },
  { atMostSize: 2, atMost: true },
  { atMostSize: 2, partition: true },
  { atMostSize: 0, tolerance: 9 },
  { signed: true },
  { signed: true, tolerance: 3 },
  { signed: true, tolerance: 2 ** 53 },
  { signed: true, atMost: true },
  { signed: true, atMost: true, tolerance: 4 },
  { signed: true, ask: ["unique"], tolerance: 2 },
];

/** The answers that a method gives to a request, in the order of a finding. */
function answers({ ask }: SolveRequest): string[] {
  const asked = new Set<AnswerName>(ask ?? ["count", "witness", "smallest"]);
  return [...asked, ...(asked.has("smallest") ? ["smallestWitness"] : []), "reachable", "sum", "difference"];
}

/** Compares findings with all index sets of every instance. */
function compare(
  instances: readonly Instance[],
  request: SolveRequest,
  findings: readonly SolveFinding[],
): void {
  const asked = new Set(answers(request));
  const expected = instances.flatMap(({ items, target, targets = [target] }, instance) => {
    const sets = oracleSets(items, request.signed);
    return (request.partition ? [undefined] : targets).map((target) => {
      const all = Object.entries(oracleFinding(items, sets, target, request));
      return { instance, ...Object.fromEntries(all.filter(([name]) => asked.has(name))) };
    });
  });
  const found = findings.map((finding) => ({ instance: finding.instance, ...answersOf(finding) }));
  // The deep comparison takes longer than all the rest.
  for (const [i, answer] of found.entries()) {
    if (JSON.stringify(answer) === JSON.stringify(expected[i])) continue;
    const { items, targets } = instances[answer.instance]!;
    expect([request, items, targets, answer]).toEqual([request, items, targets, expected[i]]);
  }
  expect(found).toHaveLength(expected.length);
}

/** Instances of up to `most` items; how many of each length is up to `lengths`. */
function drawn(count: number, seed: number, lengths: fc.Arbitrary<number>, most: number): Instance[] {
  const shape = fc.tuple(
    lengths,
    fc.constantFrom(1, 3, 12, 100, 10_000, 1_000_000),
    fc.constantFrom(-1, 0, 1),
  );
  const instance = shape.chain(([n, magnitude, sign]) => {
    const max = sign < 0 ? 0 : Math.min(magnitude, most);
    const min = sign > 0 ? 0 : -Math.min(magnitude, most);
    const item = fc.oneof(
      { weight: 8, arbitrary: fc.integer({ min, max }) },
      { weight: 1, arbitrary: fc.constantFrom(0, min, max) },
    );
    const target = fc.oneof(
      // The sum of some items, and something near it.
      { weight: 4, arbitrary: fc.tuple(fc.nat(2 ** 20), fc.constantFrom(0, 0, 0, 1, -1, 7)) },
      { weight: 1, arbitrary: fc.tuple(fc.constant(0), fc.integer({ min: -30 * most, max: 30 * most })) },
    );
    return fc
      .tuple(fc.array(item, { minLength: n, maxLength: n }), fc.array(target, { minLength: 1, maxLength: 3 }))
      .map(([items, targets]) => ({
        items,
        targets: targets.map(([mask, more]) =>
          items.reduce((sum, item, i) => sum + ((mask >> i) & 1) * item, more),
        ),
      }));
  });
  return fc.sample(instance, { numRuns: count, seed });
}

const short = fc.nat(6);
/** Mostly short: all index sets of 20 items are a million. */
const upTo = (max: number) =>
  fc.oneof(
    { weight: 90, arbitrary: fc.nat(9) },
    { weight: 9, arbitrary: fc.nat(13) },
    { weight: 1, arbitrary: fc.integer({ min: 14, max }) },
  );

describe("Recorded facts", () => {
  const rows = facts.rows.map(({ items, targets }) => ({
    items,
    targets: targets.map(([target]) => target!),
    expected: targets.map(([, count, smallest, signs]) => ({ count, smallest, signs })),
  }));
  /**
   * Whether the reference is quick enough; and whether workgroup memory has room for the sums, and SwiftShader compiles that in
   * good time.
   */
  const fits = (name: string, items: readonly number[]) =>
    (name !== "reference" || items.length <= 12) &&
    items.reduce((span, item) => span + Math.abs(item), 0) < (shared[name] ?? Infinity);
  const shared: Record<string, number> = { thread: 100, workgroup: 150 };

  // The variants are all that the engine `gpu` has, and compiling them takes the time.
  for (const name of [...names.filter((name) => name !== "gpu"), ...variants])
    test(
      `The facts of independent programs are what ${name} finds by every method`,
      tagsOf(name),
      async () => {
        // Each variant has a share of the facts.
        const share = variants.indexOf(name as (typeof variants)[number]);
        const fitting = rows.filter(
          ({ items }, i) => fits(name, items) && (share < 0 || i % variants.length === share),
        );
        expect(fitting.length).toBeGreaterThan(share < 0 ? 30 : 9);
        for (const request of byMethods(name, {})) {
          // The kernel of halves compiles longest for a variant, which gets every second fact by them.
          const some = fitting.filter((_, i) => share < 0 || !request.method || i % 2 === 0);
          const expected = some.flatMap((row, instance) =>
            row.expected.map(({ count, smallest, signs }) => ({
              instance,
              reachable: count! > 0,
              count: `${count}`,
              signs: `${signs}`,
              smallest,
              isNull: count === 0,
            })),
          );
          const findings = await all(engines[name]!, some, request);
          const found = findings.map(({ instance, reachable, count, smallest, witness }) => ({
            instance,
            reachable,
            count,
            signs: count,
            smallest,
            isNull: witness === null,
          }));
          expect([request, found]).toEqual([request, expected]);
        }
      },
    );

  for (const name of names)
    test(
      `The facts of number partitioning are what ${name} finds by every method`,
      tagsOf(name),
      async () => {
        for (const request of byMethods(name, { partition: true })) {
          const findings = await all(engines[name]!, facts.partitions, request);
          expect(findings.map(({ difference, count }) => [difference, Number(count)])).toEqual(
            facts.partitions.map(({ difference, signs }) => [difference, signs]),
          );
        }
      },
    );

  test("Facts that are off by one are noticed", async () => {
    const [{ items, target }] = [{ items: [1, 1, 1], target: 2 }];
    const [finding] = await all(engines.cpu!, [{ items, target }]);
    compare([{ items, target }], {}, [finding!]);
    for (const wrong of [{ count: "4" }, { witness: [0, 2] }, { smallest: 1 }, { smallestWitness: null }])
      expect(() => compare([{ items, target }], {}, [{ ...finding!, ...wrong }])).toThrow(/to deeply equal/);
    expect(() => compare([{ items, target: 1 }], {}, [finding!])).toThrow(/to deeply equal/);
  });
});

describe("Random instances", () => {
  test(
    "Ten thousand random instances, asked in every way, have the answers of all index sets",
    { tags: ["wide"] },
    async () => {
      let instances = 0;
      for (const [i, request] of requests.entries()) {
        const some =
          i === 0 ? drawn(4000, 100, upTo(20), 1_000_000) : drawn(230, 100 + i, upTo(17), 1_000_000);
        compare(some, request, await all(engines.cpu!, some, request));
        instances += some.length;
      }
      expect(instances).toBeGreaterThanOrEqual(10_000);
    },
  );

  for (const name of names)
    test(`Hundreds of random instances are solved by ${name} with every method`, tagsOf(name), async () => {
      const isGpu = engines[name]!.engine === "gpu";
      // What takes a GPU the time is compiling, for every request anew.
      for (const [i, wish] of requests.entries()) {
        if (isGpu && i % 6 > 0) continue;
        for (const request of isGpu ? [wish, ...byMethods(name, wish)] : byMethods(name, wish)) {
          const some = drawn(isGpu ? 30 : 15, 1000 + i, short, isGpu ? 5 : 60);
          compare(some, request, await all(engines[name]!, some, request));
        }
      }
    });

  test("Random items up to 2^53 have the answers of all index sets by meet in the middle", async () => {
    const item = fc.oneof(
      fc.maxSafeInteger(),
      fc.constantFrom(2 ** 53, -(2 ** 53), 0),
      fc.integer({ min: -9, max: 9 }),
    );
    const chosen = fc.tuple(fc.nat(2 ** 9), fc.constantFrom(0n, 0n, 1n, -3n, 2n ** 60n));
    const wide = fc
      .tuple(fc.array(item, { maxLength: 9 }), fc.array(chosen, { minLength: 1, maxLength: 3 }))
      .map(([items, targets]) => ({
        items,
        targets: targets.map(([mask, more]) =>
          items.reduce((sum, item, i) => sum + BigInt((mask >> i) & 1) * BigInt(item), more),
        ),
      }));
    const some = fc.sample(wide, { numRuns: 60, seed: 53 });
    for (const request of requests)
      if (request.size === undefined && request.atMostSize === undefined)
        for (const name of ["reference", "cpu"])
          compare(
            some,
            { ...request, method: "meet-in-the-middle" },
            await all(engines[name]!, some, { ...request, method: "meet-in-the-middle" }),
          );
    compare(
      some,
      { method: "meet-in-the-middle" },
      await all(engines.gpu!, some, { method: "meet-in-the-middle" }),
    );
  });

  test("Random instances beyond enumeration have the same answers by every method", async () => {
    const some = drawn(30, 30, fc.integer({ min: 21, max: 36 }), 3000);
    for (const wish of [
      {},
      { tolerance: 40 },
      { atMost: true },
      { partition: true },
      { signed: true },
      { size: 9 },
    ]) {
      const request: SolveRequest = { ...wish, ask: ["count", "witness"] };
      const [tables, tiles, halves] = await Promise.all(
        methods.map(async (method) =>
          (await all(engines.threads!, some, { ...request, method })).map(answersOf),
        ),
      );
      expect(tiles).toEqual(tables);
      expect(halves).toEqual(tables);
      expect(tables!.filter(({ reachable }) => reachable).length).toBeGreaterThan(20);
    }
  });
});

describe("Lists of index sets", () => {
  const lists: ListRequest[] = requests
    .filter(({ ask }) => ask === undefined)
    .map((request) => ({ ...request, list: "all" }));

  /** The listed index sets of a stream, as masks, for each finding. */
  async function listed(instances: Source, request: ListRequest) {
    const found: { finding: SolveFinding; subsets: SubsetFinding[] }[] = [];
    for await (const finding of solve(engines.cpu!, instances, request))
      if (finding.kind === "solve") found.push({ finding, subsets: [] });
      else found.at(-1)!.subsets.push(finding);
    return found;
  }

  const maskOf = (subset: readonly number[]) => subset.reduce((mask, i) => mask + 2 ** i, 0);

  /** Compares lists with all index sets of every instance. */
  async function compareLists(instances: readonly Instance[], request: ListRequest): Promise<void> {
    const found = (await listed(instances, request)).values();
    for (const { items, targets = [] } of instances) {
      const sets = oracleSets(items, request.signed);
      for (const target of request.partition ? [0] : targets) {
        const { finding, subsets } = found.next().value!;
        const what = { ...request, items, target };
        const expected = finding.reachable ? oracleListed(items, sets, target, request) : [];
        expect([what, subsets.map(({ subset }) => maskOf(subset))]).toEqual([what, expected]);
        expect([what, finding.count]).toEqual([what, String(subsets.length)]);
        expect(subsets.map(({ rank }) => rank)).toEqual(expected.map((_, i) => i + 1));
        for (const { sum, subset } of subsets)
          if (sum !== undefined)
            expect(BigInt(sum)).toBe(
              items.reduce((all, item, i) => {
                const enters = subset.includes(i) ? 1n : request.signed ? -1n : 0n;
                return all + enters * BigInt(item);
              }, 0n),
            );
      }
    }
  }

  test("Lists have exactly the index sets that are counted, by ascending masks", async () => {
    for (const [i, request] of lists.entries()) await compareLists(drawn(40, 300 + i, short, 60), request);
  });

  test("Lists of wide items have exactly the index sets that are counted, by ascending masks", async () => {
    const wide = drawn(12, 40, fc.nat(9), 12).map(({ items, targets }) => ({
      items: items.map((item) => item * 2 ** 40),
      targets: targets!.map((target) => Number(target) * 2 ** 40),
    }));
    for (const request of [
      {},
      { tolerance: 2 ** 41 },
      { atMost: true },
      { partition: true },
      { size: 2 },
      { atMostSize: 3 },
    ])
      await compareLists(wide, { ...request, list: "all" });
  });

  test("A list that lacks an index set is noticed", async () => {
    const [instance] = [{ items: [1, 2, 3], targets: [3] }];
    await compareLists([instance], { list: "all" });
    await expect(compareLists([instance], { list: 1 })).rejects.toThrow(/to deeply equal/);
  });

  test("The first index sets of a list are the first of the whole list, for 300 items as well", async () => {
    const items = Array.from({ length: 300 }, (_, i) => (i % 7) - 3);
    const [first] = await listed([{ items, target: 20 }], { list: 500, ask: ["witness"] });
    const [more] = await listed([{ items, target: 20 }], { list: 700, ask: ["witness"] });
    expect(first!.subsets).toEqual(more!.subsets.slice(0, 500));
    expect(first!.subsets[0]!.subset).toEqual(first!.finding.witness);
    const masks = more!.subsets.map(({ subset }) => subset.reduce((mask, i) => mask + 2n ** BigInt(i), 0n));
    expect(masks.every((mask, i) => i === 0 || masks[i - 1]! < mask)).toBe(true);
    expect(more!.subsets.every(({ subset }) => subset.reduce((sum, i) => sum + items[i]!, 0) === 20)).toBe(
      true,
    );
  });

  test("A list is as long as the count, and is found as it is read", async () => {
    const items = Array.from({ length: 20 }, (_, i) => 1 + (i % 3));
    let [rank, ranked, count] = [0, 0, ""];
    for await (const finding of solve(engines.cpu!, [{ items, target: 19 }], { list: "all", ask: ["count"] }))
      if (finding.kind === "solve") count = finding.count!;
      else ranked += Number(finding.rank === ++rank);
    expect(rank).toBeGreaterThan(50_000);
    expect(ranked).toBe(rank);
    expect(String(rank)).toBe(count);
    // 48 ones have 3 * 10^13 subsets of half of them.
    let taken = 0;
    for await (const finding of solve(engines.cpu!, [{ items: new Array<number>(48).fill(1), target: 24 }], {
      list: "all",
    }))
      if (finding.kind === "subset" && ++taken === 1000) break;
    expect(taken).toBe(1000);
  });

  test("Tables that are too large to be listed from are refused", async () => {
    const items = [2 ** 31 - 100, ...new Array<number>(49).fill(1)];
    await expect(
      listed([{ items, target: 2 ** 30 + 7 }], { list: 5, ask: ["reachable"], tolerance: 2 ** 28 }),
    ).rejects.toThrow("instance 0: items: expected sums that fit a table of 1 GiB");
  });
});

describe("Counts beyond 64 items", () => {
  /** n over k. */
  const ways = (n: number, k: number): bigint =>
    k === 0 ? 1n : (ways(n, k - 1) * BigInt(n - k + 1)) / BigInt(k);

  /** The number of index sets of some items with a sum, by the schoolbook recursion in bigints. */
  function counted(items: readonly number[], target: number): bigint {
    let sums = new Map([[0, 1n]]);
    for (const item of items) {
      const next = new Map(sums);
      for (const [sum, count] of sums) next.set(sum + item, (next.get(sum + item) ?? 0n) + count);
      sums = next;
    }
    return sums.get(target) ?? 0n;
  }

  for (const name of ["reference", "cpu", "gpu"])
    test(`Counts of hundreds of items are exact on ${name}`, tagsOf(name), async () => {
      const ones = new Array<number>(300).fill(1);
      const mixed = Array.from({ length: 130 }, (_, i) => ((i * 7) % 11) - 4);
      const instances = [
        { items: ones, targets: [150, 1, 300, 301] },
        { items: mixed, targets: [50, -100] },
        { items: new Array<number>(65).fill(0), target: 0 },
      ];
      const findings = await all(engines[name]!, instances, { ask: ["count", "unique"] });
      expect(findings.map(({ count }) => count)).toEqual(
        [ways(300, 150), 300n, 1n, 0n, counted(mixed, 50), counted(mixed, -100), 2n ** 65n].map(String),
      );
      expect(findings.map(({ unique }) => unique)).toEqual([false, false, true, false, false, false, false]);
      const within = await all(engines[name]!, [{ items: ones, target: 2 }], {
        ask: ["count"],
        tolerance: 2,
      });
      expect(within[0]!.count).toBe(String(1n + 300n + ways(300, 2) + ways(300, 3) + ways(300, 4)));
      const few = await all(engines[name]!, [{ items: ones.slice(0, 90), target: 4 }], {
        ask: ["count"],
        atMostSize: 3,
        tolerance: 2,
      });
      expect(few[0]!.count).toBe(String(ways(90, 2) + ways(90, 3)));
    });

  test("The number of index sets of 10,000 items is exact", { tags: ["wide"] }, async () => {
    const ones = new Array<number>(10_000).fill(1);
    const [finding] = await all(engines.threads!, [{ items: ones, target: 5000 }], { ask: ["count"] });
    expect(finding!.count === String(ways(10_000, 5000))).toBe(true);
  });
});

describe("Knapsacks with profits", () => {
  const item = fc.tuple(
    fc.oneof(fc.nat(9), fc.nat(300)),
    fc.oneof(fc.integer({ min: -3, max: 9 }), fc.maxSafeInteger()),
  );
  const instance = fc
    .tuple(
      fc.array(item, { maxLength: 9 }),
      fc.array(fc.integer({ min: -5, max: 400 }), { minLength: 1, maxLength: 3 }),
    )
    .map(([items, targets]) => ({
      items: items.map(([weight]) => weight),
      profits: items.map(([, profit]) => profit),
      targets,
    }));
  /** The answers to some knapsacks on an engine, and those of all index sets. */
  async function compareKnapsacks(
    name: string,
    some: readonly { items: number[]; profits: number[]; targets: number[] }[],
  ) {
    const found = (await all(engines[name]!, some, { profits: true })).values();
    for (const { items, profits, targets } of some)
      for (const target of targets) {
        const best = oracleKnapsack(items, profits, target);
        const { reachable, sum, profit, witness } = found.next().value!;
        expect([reachable, sum, profit, witness]).toEqual([
          best !== undefined,
          best ? Number(best.weight) : null,
          best ? toJson(best.profit) : null,
          best ? items.flatMap((_, i) => ((best.mask >> i) & 1 ? [i] : [])) : null,
        ]);
      }
  }

  test.each(["reference", "cpu", "threads"])(
    "Random knapsacks have the greatest profit and its smallest mask on %s",
    async (name) => {
      await compareKnapsacks(name, fc.sample(instance, { seed: 17, numRuns: 200 }));
    },
  );

  test(
    "Random knapsacks have the greatest profit and its smallest mask on gpu",
    { tags: ["wide"] },
    async () => {
      await compareKnapsacks("gpu", fc.sample(instance, { seed: 18, numRuns: 60 }));
    },
  );

  test("A profit that is off by one, or an item too many, is refused", async () => {
    const knapsack = [{ items: [3, 4, 5], profits: [4, 5, 6], target: 8 }];
    const changed = (word: number): Runner => ({
      ...engines.cpu!,
      run: async (work) => {
        const { words } = await engines.cpu!.run(work);
        return { words: words.with(word, words[word]! ^ 2) };
      },
    });
    const [finding] = await all(engines.cpu!, knapsack, { profits: true });
    expect(finding).toMatchObject({ profit: 10, sum: 8, witness: [0, 2] });
    for (const word of [0, 2])
      await expect(all(changed(word), knapsack, { profits: true })).rejects.toThrow(/its answer is not kept/);
  });

  test.each<[string, Instance, SolveRequest, string]>([
    [
      "profits that are not asked about",
      { items: [1], profits: [1], target: 1 },
      {},
      "profits: expected none, got [1]; use profits: true; leave them out",
    ],
    [
      "no profits",
      { items: [1], target: 1 },
      { profits: true },
      "profits: expected one for each item, got nothing; JSON has them",
    ],
    [
      "too few profits",
      { items: [1, 2], profits: [1], target: 1 },
      { profits: true },
      "profits: expected one for each of the 2 items, got 1",
    ],
    [
      "a negative weight",
      { items: [1, -2], profits: [1, 1], target: 1 },
      { profits: true },
      "items.1: expected a weight of 0 or more beside profits, got -2",
    ],
    [
      "a table too large",
      { items: [2 ** 30, 2 ** 30], profits: [1, 1], target: 2 ** 31 },
      { profits: true },
      "target: expected capacities and items few enough for a table of 1 GiB, got 2147483648; 2 items",
    ],
  ])("A knapsack with %s is refused with a reason", async (_, instance, request, sentence) => {
    await expect(all(engines.cpu!, [instance], request)).rejects.toThrow(`instance 0: ${sentence}`);
  });

  test("Conditions that have no meaning beside profits are refused", async () => {
    for (const [request, sentence] of [
      [{ size: 2 }, "profits: expected no size beside it"],
      [{ ask: ["count"] }, 'ask: expected reachable or witness beside profits, got "count"'],
      [{ method: "meet-in-the-middle" }, "method: expected bitset or tiles beside profits"],
    ] as const)
      await expect(all(engines.cpu!, [], { profits: true, ...request })).rejects.toThrow(sentence);
  });
});

describe("Limits of solve", () => {
  for (const name of names)
    test(`The largest counts are right on ${name}`, tagsOf(name), async () => {
      const ones = new Array<number>(64).fill(1);
      const zeros = new Array<number>(64).fill(0);
      const instances = [
        { items: ones, target: 32 },
        { items: zeros, targets: [0, 1] },
        { items: zeros.with(7, 1), target: 0 },
      ];
      const findings = await all(engines[name]!, instances);
      expect(findings.map(({ count, smallest }) => [count, smallest])).toEqual([
        ["1832624140942590534", 32],
        ["18446744073709551616", 0],
        ["0", null],
        ["9223372036854775808", 0],
      ]);
      const [even] = await all(engines[name]!, [{ items: ones }], { partition: true });
      expect([even!.difference, even!.count, even!.witness]).toEqual([
        0,
        "1832624140942590534",
        Array.from({ length: 32 }, (_, i) => i),
      ]);
    });

  test("The table limit of a partition counts the best sum", async () => {
    const sums: number[] = [];
    const noting: Runner = {
      ...engines.cpu!,
      run(work) {
        sums.push(paramOf(work, "sums"));
        return engines.cpu!.run(work);
      },
    };
    const request = { partition: true, ask: ["count"], method: "bitset" } as const;
    const [finding] = await all(noting, [{ items: [9000, 1, 1, 1] }], request);
    expect(finding).toMatchObject({ sum: 3, difference: 8997, count: "2" });
    expect(Math.max(...sums)).toBe(sums[0]);
  });

  test("The limits of items, sums and targets are met on CPU", async () => {
    const many = Array.from({ length: 10_000 }, (_, i) => (i % 2 === 0 ? 3 : -2));
    const [small] = await all(engines.cpu!, [{ items: many, target: 14_998 }], { ask: ["witness"] });
    expect([small!.reachable, small!.witness!.length]).toEqual([true, 5001]);
    // A table of a few sums, although all sums together are almost 2^31.
    const great = 2 ** 30 - 9;
    const [far] = await all(engines.cpu!, [{ items: [great, 5, great, -3, 8], target: 2 * great + 10 }], {
      method: "bitset",
    });
    expect([far!.count, far!.witness, far!.smallest]).toEqual(["1", [0, 1, 2, 3, 4], 5]);
  });

  test("The limit of 48 items whose sums have 59 bits is met on CPU", { tags: ["wide"] }, async () => {
    const wide = Array.from({ length: 48 }, (_, i) => (i % 3 === 0 ? -1 : 1) * (2 ** 53 - i));
    const target = wide.reduce((sum, item, i) => sum + (i % 5 === 0 ? BigInt(item) : 0n), 0n);
    const [halves] = await all(engines.cpu!, [{ items: wide, target }], { ask: ["witness"] });
    expect([halves!.method, halves!.target]).toEqual(["meet-in-the-middle", String(target)]);
    expect(halves!.witness!.reduce((sum, i) => sum + BigInt(wide[i]!), 0n)).toBe(target);
  });
});

describe("Order of instances", () => {
  /** A finding without its place in the input. */
  const placeless = (finding: SolveFinding) => ({ ...finding, instance: 0 });
  const some = drawn(700, 4, upTo(20), 10_000).map((instance, id) => ({ ...instance, id }));

  /** Instances with a pause after every 97, longer than the solver waits for the next one. */
  async function* trickling(instances: readonly Instance[]): AsyncGenerator<Instance> {
    for (const [i, instance] of instances.entries()) {
      if (i % 97 === 50) await new Promise((resolve) => setTimeout(resolve, 60));
      yield instance;
    }
  }

  test("The order and company of an instance change nothing but the position of its finding", async () => {
    const shuffled = some.toSorted((a, b) => ((a.id * 389) % 700) - ((b.id * 389) % 700));
    expect(shuffled).not.toEqual(some);
    const whole = await all(engines.threads!, some);
    const parts = await all(engines.threads!, trickling(some));
    expect(parts).toEqual(whole);
    const others = await all(engines.threads!, shuffled);
    expect(others.map(placeless).toSorted((a, b) => Number(a.id) - Number(b.id))).toEqual(
      whole.map(placeless),
    );
    for (const instance of some.slice(0, 200)) {
      const alone = await all(engines.threads!, [instance]);
      expect(alone.map(placeless)).toEqual(whole.filter(({ id }) => id === instance.id).map(placeless));
    }
  });
});

describe("Planted faults in answers", () => {
  const instances = [
    { items: [3, 5, -7, 11, 2], target: 8 },
    { items: [4, 4, 6, 0, 9], targets: [10, 14] },
  ];

  /** The CPU with one word of what a kernel writes changed. */
  const changed = (kernel: string, word: number, by: number): Runner => ({
    ...engines.cpu!,
    run: async (work) => {
      const { words } = await engines.cpu!.run(work);
      return { words: work.kernel === kernel ? words.with(word, words[word]! ^ by) : words };
    },
  });

  test.each([
    ["witness", 3, [1, 2], { ask: ["witness"], method: "bitset" }],
    ["smallest", 2, [0, 1], { ask: ["smallest"], method: "bitset" }],
    ["meet", 7, [1, 2, 5], { ask: ["witness"], method: "meet-in-the-middle" }],
  ] as const)("A fault in a sum or a set of %s is refused", async (kernel, length, words, request) => {
    expect(await all(engines.cpu!, instances, request)).toHaveLength(3);
    for (let answer = 0; answer < 3; answer++)
      for (const word of words)
        for (const bit of [1, 2, 4])
          await expect(all(changed(kernel, length * answer + word, bit), instances, request)).rejects.toThrow(
            /instance [01]: the \d items .*sum up to \d+, and not .*; its answer is not kept/,
          );
  });

  test.each(["witness", "count", "smallest", "meet"])(
    "A fault in any word of %s is a difference",
    async (kernel) => {
      const request = { method: kernel === "meet" ? ("meet-in-the-middle" as const) : ("bitset" as const) };
      const length = { witness: 9, count: 9, smallest: 6, meet: 21 }[kernel]!;
      for (let word = 0; word < length; word++) {
        const shadow = shadowRunner(engines.reference!, changed(kernel, word, 1));
        await expect(all(shadow, instances, request)).rejects.toBeInstanceOf(DifferenceError);
      }
    },
  );
});

describe("Stream of instances", () => {
  /** Instances without end, and how many were taken. */
  function endless() {
    const source = { taken: 0, closed: false, instances: generate() };
    function* generate(): Generator<Instance> {
      try {
        for (;;) yield { items: [1, 2, source.taken % 5], target: source.taken++ % 9 };
      } finally {
        source.closed = true;
      }
    }
    return source;
  }

  test("A stream reads instances as they are needed, up to a fixed number ahead", async () => {
    const source = endless();
    let [found, inOrder, ahead] = [0, 0, 0];
    for await (const { instance } of solve(engines.threads!, source.instances)) {
      inOrder += Number(instance === found++);
      ahead = Math.max(ahead, source.taken - found);
      if (found === 60_000) break;
    }
    expect(inOrder).toBe(found);
    expect(ahead).toBeLessThan(30_000);
    expect(source.closed).toBe(true);
  });

  test("A stream reads fewer instances ahead where each has many targets or items", async () => {
    for (const instance of [
      { items: [1, 2, 3], targets: new Array<number>(5000).fill(6) },
      { items: new Array<number>(10_000).fill(0), target: 0 },
    ]) {
      let taken = 0;
      function* source(): Generator<Instance> {
        while (taken++ < 10_000) yield instance;
      }
      for await (const { reachable } of solve(engines.threads!, source(), { ask: [] })) {
        expect(reachable).toBe(true);
        break;
      }
      expect(taken).toBeLessThan(1000);
    }
  });

  test("A stream delays no finding for an instance that takes long", async () => {
    const calls: number[] = [];
    const noting: Runner = {
      ...engines.cpu!,
      run(work) {
        calls.push(paramOf(work, "instances"));
        return engines.cpu!.run(work);
      },
    };
    const long = { items: Array.from({ length: 40 }, (_, i) => 2 ** 40 + i), target: 2 ** 40 };
    const found = await all(noting, [good, good, long, good], { ask: ["witness"] });
    expect(found.map(({ instance, reachable }) => [instance, reachable])).toEqual([
      [0, true],
      [1, true],
      [2, true],
      [3, true],
    ]);
    expect(calls).toEqual([2, 1, 1]);
  });

  test("A stream reads nothing before it is iterated, and nothing when it was aborted before", async () => {
    const source = endless();
    solve(engines.cpu!, source.instances);
    const signal = AbortSignal.abort("enough");
    await expect(all(engines.cpu!, source.instances, {}, { signal })).rejects.toBe("enough");
    expect(source.taken).toBe(0);
  });

  test("A stream delays no finding for instances that have not arrived", async () => {
    const seen: number[] = [];
    let arrived = () => {};
    async function* waiting(): AsyncGenerator<Instance> {
      for (let id = 0; id < 6; id++) {
        yield { items: [id, 1], target: id + 1, id };
        // The next two come when these have been answered.
        if (id % 2 === 1)
          await new Promise<void>((resolve) => (arrived = () => seen.length > id && resolve()));
      }
    }
    for await (const { id, reachable } of solve(engines.cpu!, waiting())) {
      expect(reachable).toBe(true);
      seen.push(id as number);
      arrived();
    }
    expect(seen).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test("A stream ends when it is aborted, whatever it waits for", async () => {
    const stop = new AbortController();
    async function* stuck(): AsyncGenerator<Instance> {
      yield { items: [1], target: 1 };
      await new Promise(() => {});
    }
    const found: SolveFinding[] = [];
    const findings = solve(engines.cpu!, stuck(), {}, { signal: stop.signal });
    const reading = (async () => {
      for await (const finding of findings) {
        found.push(finding);
        setTimeout(() => stop.abort("enough"));
      }
    })();
    await expect(reading).rejects.toBe("enough");
    expect(found).toHaveLength(1);
    const source = endless();
    const again = new AbortController();
    const stopped = (async () => {
      for await (const { instance } of solve(engines.cpu!, source.instances, {}, { signal: again.signal }))
        if (instance === 5) again.abort("enough");
    })();
    await expect(stopped).rejects.toBe("enough");
    await new Promise((resolve) => setTimeout(resolve));
    expect(source.closed).toBe(true);
    const { taken } = source;
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(source.taken).toBe(taken);
  });

  const good = { items: [1, 2], target: 3 };
  const bad: [string, Instance, string][] = [
    ["items that are no integers", { items: [1, 0.5], target: 1 }, "items.1: expected an integer in "],
    ["items that are too large", { items: [2 ** 53 + 2], target: 1 }, "items.0: expected an integer in "],
    ["no target", { items: [1] }, "target, targets: expected one of the two, got nothing"],
    [
      "both target and targets",
      { ...good, targets: [1] },
      'target, targets: expected one of the two, got "both"',
    ],
    ["a target that is too large", { items: [1], target: 2n ** 63n }, "target: expected an integer in "],
    ["a target that is no integer", { items: [1], target: NaN }, "target: expected an integer in "],
    [
      "too many items",
      { items: new Array<number>(10_001).fill(1), target: 1 },
      "items: expected at most 10000, got 10001",
    ],
    [
      "sums that span too much",
      { items: new Array<number>(49).fill(2 ** 53), target: 1 },
      "items: expected sums that span less than 2147483648 and fit a table of 3.5 GiB, or at most 48 items ",
    ],
  ];

  test.each(bad)(
    "A stream ends at an instance with %s, after all findings before it",
    async (_, instance, sentence) => {
      const source = [good, good, instance, good];
      const found: number[] = [];
      const reading = async () => {
        for await (const finding of solve(engines.threads!, source)) found.push(finding.instance);
      };
      await expect(reading()).rejects.toThrow(`instance 2: ${sentence}`);
      expect(found).toEqual([0, 1]);
    },
  );

  test.each(bad)(
    "A stream goes on after an instance with %s where errors are handled",
    async (_, instance, sentence) => {
      const refused: [number, string][] = [];
      const findings = await all(
        engines.threads!,
        [instance, good, instance, good],
        {},
        {
          onRefused: (index, error) => refused.push([index, error.message]),
        },
      );
      expect(findings.map(({ instance, count }) => [instance, count])).toEqual([
        [1, "1"],
        [3, "1"],
      ]);
      expect(refused.map(([index]) => index)).toEqual([0, 2]);
      expect(refused[1]![1]).toContain(`instance 2: ${sentence}`);
    },
  );

  test("A stream rejects with the error of its source or engine, after all findings before it", async () => {
    const found: SolveFinding[] = [];
    function* breaking(): Generator<Instance> {
      yield* [good, good];
      throw new Error("the disk is gone");
    }
    const reading = async (engine: Engine, source: Source) => {
      for await (const finding of solve(engine, source, {}, { onRefused: () => {} })) found.push(finding);
    };
    await expect(reading(engines.cpu!, breaking())).rejects.toThrow("the disk is gone");
    expect(found).toHaveLength(2);
    const broken = { ...engines.cpu!, run: () => Promise.reject(new Error("the engine is gone")) };
    await expect(reading(broken, [good])).rejects.toThrow("the engine is gone");
  });

  test("A stream loses the instance beyond the engine's memory, and no other", async () => {
    const large = { items: [700, 900], target: 700 };
    const narrow: Runner = {
      ...engines.cpu!,
      run: (work) =>
        paramOf(work, "sums") > 300
          ? Promise.reject(new CapacityError("witness", "fewer sums", 701, ""))
          : engines.cpu!.run(work),
    };
    const source = [good, good, large, good, { ...large, line: 9 }, good];
    const request = { method: "bitset" } as const;
    const refused: [number, string][] = [];
    const onRefused = (index: number, error: Error) => refused.push([index, error.message]);
    const found = await all(narrow, source, request, { onRefused });
    expect(found.map(({ instance, count }) => [instance, count])).toEqual([0, 1, 3, 5].map((k) => [k, "1"]));
    expect(refused).toEqual([
      [2, "instance 2: kernel witness: expected fewer sums, got 701"],
      [4, "line 9: kernel witness: expected fewer sums, got 701"],
    ]);
    found.length = 0;
    const reading = async () => {
      for await (const finding of solve(narrow, source, request)) found.push(finding);
    };
    await expect(reading()).rejects.toThrow("instance 2: kernel witness: expected fewer sums");
    expect(found.map(({ instance }) => instance)).toEqual([0, 1]);
  });

  test.each([
    [{ size: -1 }, "size: expected an integer in 0..10000, got -1"],
    [{ tolerance: 0.5 }, "tolerance: expected an integer in 0..9007199254740992, got 0.5"],
    [{ ask: ["why"] }, "ask.0: expected one of reachable, count, unique, witness, smallest, got"],
    [{ method: "magic" }, "method: expected one of bitset, tiles, meet-in-the-middle, got"],
    [{ partition: true, atMost: true }, "partition: expected neither atMost nor tolerance beside it, got"],
    [{ partition: true, tolerance: 1 }, "partition: expected neither atMost nor tolerance beside it, got"],
    [{ signed: true, size: 3 }, "signed: expected no size beside it, got"],
    [{ signed: true, atMostSize: 3 }, "signed: expected no atMostSize beside it, got"],
    [{ signed: true, partition: true }, "signed: expected no partition beside it, got"],
    [{ signed: true, profits: true }, "signed: expected no profits beside it, got"],
    [{ nearest: true }, "request: expected known fields only, got"],
  ])("A stream refuses the request %j before it reads anything", async (request, sentence) => {
    const source = endless();
    await expect(all(engines.cpu!, source.instances, request as SolveRequest)).rejects.toThrow(sentence);
    expect(source.taken).toBe(0);
  });

  test("A stream whose source fails to close still ends", async () => {
    const instances = {
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.resolve({ done: false as const, value: good }),
        return: () => Promise.reject(new Error("will not close")),
      }),
    };
    // An unhandled rejection would fail the run.
    for await (const { count } of solve(engines.cpu!, instances)) {
      expect(count).toBe("1");
      break;
    }
    await new Promise((resolve) => setTimeout(resolve));
  });

  test.each([
    [undefined, "nothing"],
    [null, "null"],
    [5, "5"],
    [good, '{"items":[1,2],"target":3}'],
    ["text", '"text"'],
  ])("A stream refuses %j in place of instances", async (source, got) => {
    await expect(all(engines.cpu!, source as unknown as Source)).rejects.toThrow(
      `instances: expected an iterable or async iterable of instances, got ${got}`,
    );
  });

  test("A stream refuses an engine that is not one", async () => {
    const promised = Promise.resolve(engines.cpu!) as unknown as Engine;
    await expect(all(promised, [good])).rejects.toThrow("engine: expected what openEngine answers");
  });
});
