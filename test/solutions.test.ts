// What solve tells of given instances: the facts that others published, all index sets enumerated, on every engine and by
// every method; and the stream that it is.

import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cpuRunner } from "../host/cpu/runner.ts";
import { gpuRunner } from "../host/gpu/runner.ts";
import { variantsOf } from "../host/gpu/variants.ts";
import { startThread } from "../host/node/threads.ts";
import { referenceRunner } from "../host/reference.ts";
import type { Engine, Runner } from "../host/runner.ts";
import { DifferenceError, shadowRunner } from "../host/shadow.ts";
import { solve, type SolveOptions } from "../host/solve.ts";
import type { SolveRequest } from "../src/experiments/solve.ts";
import { methods, type SolveFinding } from "../src/finding.ts";
import type { AnswerName, Instance } from "../src/problem.ts";
import { testAdapter } from "./devices.ts";
import facts from "./fixtures/instances.json";
import { oracleFinding, oracleSets } from "./oracle.ts";

const variants = variantsOf("witness");
const names = ["reference", "cpu", "threads", "shadow", "gpu", ...variants] as const;
const engines: Record<string, Runner> = {};

beforeAll(async () => {
  engines.reference = referenceRunner();
  engines.cpu = await cpuRunner(1, startThread);
  engines.threads = await cpuRunner(2, startThread);
  engines.shadow = shadowRunner(engines.cpu, engines.reference);
  engines.gpu = await gpuRunner(testAdapter);
  for (const variant of variants)
    engines[variant] = await gpuRunner(testAdapter, { variant, poison: 0xdeadbeef });
});

afterAll(() => Object.values(engines).forEach((engine) => engine.close()));

type Source = Iterable<Instance> | AsyncIterable<Instance>;

/** All findings of a stream. */
async function all(engine: Engine, instances: Source, request?: SolveRequest, options?: SolveOptions) {
  const findings: SolveFinding[] = [];
  for await (const finding of solve(engine, instances, request, options)) findings.push(finding);
  return findings;
}

/** What a finding answers, without what was asked and who was asked. */
function told(finding: SolveFinding): Record<string, unknown> {
  const { reachable, sum, difference, count, witness, smallest, smallestWitness } = finding;
  const told = { reachable, sum, difference, count, witness, smallest, smallestWitness };
  return Object.fromEntries(Object.entries(told).filter(([, value]) => value !== undefined));
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
];

/** The answers that a method gives to a request, in the order of a finding. */
function answers({ ask, size, method }: SolveRequest): string[] {
  const asked = new Set<AnswerName>(ask ?? ["count", "witness", "smallest"]);
  // Halves do not look for small sets.
  if (!ask && method === "halves" && size === undefined) asked.delete("smallest");
  return [...asked, ...(asked.has("smallest") ? ["smallestWitness"] : []), "reachable", "sum", "difference"];
}

/** Compares findings with all index sets of every instance. */
function check(instances: readonly Instance[], request: SolveRequest, findings: readonly SolveFinding[]): void {
  const left = findings.values();
  instances.forEach(({ items, target, targets = [target] }, index) => {
    const sets = oracleSets(items);
    for (const target of request.partition ? [undefined] : targets) {
      const all = Object.entries(oracleFinding(items, sets, target, request));
      const expected = Object.fromEntries(all.filter(([name]) => answers(request).includes(name)));
      const finding = left.next().value!;
      const what = JSON.stringify({ ...request, items, target: String(target) });
      expect([what, finding.instance, told(finding)]).toEqual([what, index, expected]);
    }
  });
  expect(left.next().done).toBe(true);
}

/** Instances of up to `most` items; how many of each length is up to `lengths`. */
function drawn(count: number, seed: number, lengths: fc.Arbitrary<number>, most: number): Instance[] {
  const shape = fc.tuple(lengths, fc.constantFrom(1, 3, 12, 100, 10_000, 1_000_000), fc.constantFrom(-1, 0, 1));
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
const mostlyShort = fc.oneof(
  { weight: 90, arbitrary: fc.nat(9) },
  { weight: 9, arbitrary: fc.nat(13) },
  { weight: 1, arbitrary: fc.integer({ min: 14, max: 20 }) },
);

describe("facts", () => {
  const rows = facts.rows.map(({ items, targets }) => ({
    items,
    targets: targets.map(([target]) => target!),
    expected: targets.map(([, count, smallest, signs]) => ({ count, smallest, signs })),
  }));
  /** The largest tables that workgroups have room for. */
  const span = (items: readonly number[]) => items.reduce((sum, item) => sum + Math.abs(item), 0);

  test.each(names)("of others are what %s finds by every method", async (name) => {
    const fitting = rows.filter(({ items }) => name !== "workgroup" || span(items) < 700);
    expect(fitting.length).toBeGreaterThan(40);
    for (const method of [undefined, ...methods]) {
      const findings = await all(engines[name]!, fitting, { method });
      const expected = fitting.flatMap((row) => row.expected);
      expect(findings.length).toBe(expected.length);
      findings.forEach(({ instance, reachable, count, smallest, witness }, i) => {
        const fact = expected[i]!;
        expect([method, instance, reachable, count]).toEqual([method, instance, fact.count! > 0, `${fact.count}`]);
        expect(count).toBe(`${fact.signs}`);
        expect(smallest).toBe(method === "halves" ? undefined : fact.smallest);
        expect(witness === null).toBe(!reachable);
      });
    }
  });

  test.each(names)("of number partitioning are what %s finds by every method", async (name) => {
    const fitting = facts.partitions.filter(({ items }) => name !== "workgroup" || span(items) < 1000);
    for (const method of [undefined, ...methods]) {
      const findings = await all(engines[name]!, fitting, { method, partition: true });
      expect(findings.map(({ difference, count }) => [difference, Number(count)])).toEqual(
        fitting.map(({ difference, signs }) => [difference, signs]),
      );
    }
  });

  test("that are one off are noticed", async () => {
    const [{ items, target }] = [{ items: [1, 1, 1], target: 2 }];
    const [finding] = await all(engines.cpu!, [{ items, target }]);
    check([{ items, target }], {}, [finding!]);
    for (const wrong of [{ count: "4" }, { witness: [0, 2] }, { smallest: 1 }, { smallestWitness: null }])
      expect(() => check([{ items, target }], {}, [{ ...finding!, ...wrong }])).toThrow(/to deeply equal/);
    expect(() => check([{ items, target: 1 }], {}, [finding!])).toThrow(/to deeply equal/);
  });
});

describe("random instances", () => {
  test("ten thousand of them, asked in every way, are solved as all index sets tell", async () => {
    let instances = 0;
    for (const [i, request] of requests.entries()) {
      const some = drawn(i === 0 ? 4000 : 470, 100 + i, mostlyShort, 1_000_000);
      check(some, request, await all(engines.cpu!, some, request));
      instances += some.length;
    }
    expect(instances).toBeGreaterThanOrEqual(10_000);
  });

  test.each(names)("hundreds of them are solved by %s with every method", async (name) => {
    for (const [i, request] of requests.entries())
      for (const method of methods) {
        if (method === "halves" && request.size === undefined && request.ask?.includes("smallest")) continue;
        const some = drawn(10, 1000 + i, short, name === "workgroup" ? 5 : 60);
        check(some, { ...request, method }, await all(engines[name]!, some, { ...request, method }));
      }
  });
});
