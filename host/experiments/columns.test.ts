// Instances in columns have the answers of the same instances in objects.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RequestError } from "../../src/errors.ts";
import type { SolveRequest } from "../../src/experiments/solve.ts";
import { maskWords } from "../../src/kernels/instances.ts";
import { cpuRunner } from "../cpu/runner.ts";
import { startThread } from "../node/platform/threads.ts";
import { referenceRunner } from "../reference.ts";
import type { Runner } from "../runner.ts";
import type { InstanceColumns } from "./columns.ts";
import { solve } from "./solve.ts";

const runner = referenceRunner();

/** An instance with its targets as a list. */
interface Listed {
  readonly items: readonly number[];
  readonly targets: readonly number[];
}

type List = typeof Int32Array | typeof Float64Array | typeof BigInt64Array;

const startsOf = (lengths: readonly number[]) => {
  const starts = new Uint32Array(lengths.length + 1);
  lengths.forEach((length, k) => (starts[k + 1] = starts[k]! + length));
  return starts;
};
const columnOf = (type: List, numbers: readonly (number | bigint)[]) =>
  type === BigInt64Array
    ? BigInt64Array.from(numbers, BigInt)
    : (type as typeof Float64Array).from(numbers, Number);

function columnsOf(instances: readonly Listed[], type: List, partition: boolean): InstanceColumns {
  const items = columnOf(
    type,
    instances.flatMap(({ items }) => items),
  );
  const offsets = startsOf(instances.map(({ items }) => items.length));
  if (partition) return { items, offsets };
  const targets = columnOf(
    type,
    instances.flatMap(({ targets }) => targets),
  );
  return { items, offsets, targets, targetOffsets: startsOf(instances.map(({ targets }) => targets.length)) };
}

/** The entries of columns as findings. */
async function byColumns(engine: Runner, instances: readonly Listed[], type: List, request: SolveRequest) {
  const columns = columnsOf(instances, type, request.partition ?? false);
  const solved = await solve(engine, columns, request);
  const lengths = instances.flatMap(({ items, targets }) =>
    (request.partition ? [0] : targets).map(() => items.length),
  );
  return lengths.map((n, k) => {
    const isReachable = solved.reachable[k] === 1;
    const sets = (masks: Uint32Array | undefined) => {
      if (!masks) return undefined;
      const from = solved.maskOffsets![k]!;
      expect(solved.maskOffsets![k + 1]! - from).toBe(maskWords(n));
      const indices = Array.from({ length: n }, (_, i) => i).filter(
        (i) => (masks[from + (i >> 5)]! >>> (i & 31)) & 1,
      );
      return isReachable ? indices : null;
    };
    return {
      reachable: isReachable,
      sum: isReachable ? solved.sums[k] : undefined,
      count: solved.counts && String(solved.counts[k]),
      unique: solved.unique && solved.unique[k] === 1,
      witness: sets(solved.witnesses),
      smallest: solved.smallest && (isReachable ? solved.smallest[k] : null),
      smallestWitness: sets(solved.smallestWitnesses),
    };
  });
}

async function byObjects(engine: Runner, instances: readonly Listed[], request: SolveRequest) {
  const found = [];
  for await (const finding of solve(engine, instances, request)) {
    const { reachable, target, count, unique, witness, smallest, smallestWitness } = finding;
    const sum = reachable ? BigInt(finding.sum ?? target!) : undefined;
    found.push({ reachable, sum, count, unique, witness, smallest, smallestWitness });
  }
  return found;
}

const small = fc.integer({ min: -30, max: 30 });
const wide = fc.oneof({ weight: 20, arbitrary: small }, fc.constantFrom(2 ** 31, -(2 ** 40), 2 ** 53));
const given = (item: fc.Arbitrary<number>) =>
  fc.array(
    fc.record({
      items: fc.array(item, { maxLength: 7 }),
      targets: fc.array(item, { minLength: 1, maxLength: 3 }),
    }),
    { maxLength: 30 },
  );

describe("Columns", () => {
  test.each<[SolveRequest, boolean]>([
    [{}, false],
    [{ ask: ["reachable"], atMost: true }, true],
    [{ ask: ["witness", "count"] }, true],
    [{ ask: ["witness"], tolerance: 3 }, true],
    [{ tolerance: 3 }, false],
    [{ partition: true }, false],
    [{ partition: true, ask: ["count"] }, true],
    [{ size: 2 }, false],
    [{ atMostSize: 2 }, false],
    [{ ask: ["unique"] }, true],
    [{ ask: ["count"], method: "meet-in-the-middle" }, true],
  ])("%j: columns have the answers of objects", async (request, isWide) => {
    await fc.assert(
      fc.asyncProperty(
        given(isWide ? wide : small),
        fc.constantFrom<List>(...(isWide ? [] : [Int32Array]), Float64Array, BigInt64Array),
        async (instances, type) => {
          expect(await byColumns(runner, instances, type, request)).toEqual(
            await byObjects(runner, instances, request),
          );
        },
      ),
      { numRuns: 15, seed: 5 },
    );
  });

  test.each<SolveRequest>([
    {},
    { ask: ["reachable"], atMost: true },
    { ask: ["reachable"], atMost: true, tolerance: 5 },
    { ask: ["witness", "smallest"] },
    { ask: ["count"], tolerance: 3 },
    { ask: ["count", "smallest"], atMost: true },
    { ask: ["count", "witness"], method: "bitset" },
  ])("%j: threads that pose instances have the answers of objects", async (request) => {
    const engine = await cpuRunner(2, startThread);
    let [answered, left] = [0, 0];
    const watched: Runner = {
      ...engine,
      async solvePlain(config, instances) {
        const answers = await engine.solvePlain!(config, instances);
        if (answers) answered++;
        else left++;
        return answers;
      },
    };
    const larger = fc.array(
      fc.record({
        items: fc.array(fc.integer({ min: -200, max: 200 }), { maxLength: 70 }),
        targets: fc.array(fc.integer({ min: -300, max: 300 }), { minLength: 1, maxLength: 3 }),
      }),
      { minLength: 1, maxLength: 8 },
    );
    const counted = fc.constant([{ items: Array.from({ length: 64 }, (_, i) => i - 20), targets: [3] }]);
    try {
      await fc.assert(
        fc.asyncProperty(
          fc.oneof({ weight: 10, arbitrary: given(small) }, { weight: 10, arbitrary: larger }, counted),
          fc.constantFrom<List>(Int32Array, Float64Array, BigInt64Array),
          async (instances, type) => {
            expect(await byColumns(watched, instances, type, request)).toEqual(
              await byObjects(runner, instances, request),
            );
          },
        ),
        { numRuns: 40, seed: 6 },
      );
    } finally {
      engine.close();
    }
    expect(answered).toBeGreaterThan(20);
    // More than 63 items may have 2^64 index sets, which threads leave to the kernels.
    if (!request.ask || request.ask.includes("count")) expect(left).toBeGreaterThan(0);
  });

  test("An index set that does not have its sum is an error", async () => {
    const wrong: Runner = {
      ...runner,
      async run(work) {
        const { words } = await runner.run(work);
        if (work.kernel === "witness") words[2] = 1;
        return { words };
      },
    };
    const columns = columnsOf([{ items: [3, 5], targets: [5] }], Int32Array, false);
    await expect(solve(wrong, columns, { ask: ["witness"] })).rejects.toThrow(
      "the items 3 5: 1 of them sum up to 3, and not any number of to 5; the answer is not kept",
    );
  });

  test.each<[string, InstanceColumns, SolveRequest, string]>([
    [
      "a list of numbers",
      { items: Int32Array.of(1), offsets: [0, 1] as never },
      {},
      "offsets: expected a Uint32Array",
    ],
    [
      "no targets",
      { items: Int32Array.of(1), offsets: Uint32Array.of(0, 1) },
      {},
      "targets: expected an Int32Array",
    ],
    [
      "offsets that fall",
      { items: Int32Array.of(1), offsets: Int32Array.of(0, 1, 0), targets: Int32Array.of(1, 1) },
      {},
      "offsets.2: expected at least the entry before it, 1, got 0",
    ],
    [
      "offsets that leave items",
      { items: Int32Array.of(1, 2), offsets: Int32Array.of(0, 1), targets: Int32Array.of(1) },
      {},
      "offsets.1: expected an integer in 2..2, got 1",
    ],
    [
      "a fraction",
      { items: Float64Array.of(1.5), offsets: Int32Array.of(0, 1), targets: Int32Array.of(1) },
      {},
      "instance 0: items.0: expected an integer in -9007199254740992..9007199254740992, got 1.5",
    ],
    [
      "an item that a number does not hold",
      { items: BigInt64Array.of(2n ** 53n + 1n), offsets: Int32Array.of(0, 1), targets: Int32Array.of(1) },
      {},
      "instance 0: items.0: expected an integer in -9007199254740992..9007199254740992, got 9007199254740993",
    ],
    [
      "targets of a partition",
      { items: Int32Array.of(1), offsets: Int32Array.of(0, 1), targets: Int32Array.of(1) },
      { partition: true },
      "targets: expected none for a partition, got 1",
    ],
    [
      "profits",
      { items: Int32Array.of(1), offsets: Int32Array.of(0, 1), targets: Int32Array.of(1) },
      { profits: true },
      "profits: expected none for columns, got true; solve instances as objects",
    ],
  ])("Columns with %s are refused", async (_, columns, request, message) => {
    const solving = solve(runner, columns, request);
    await expect(solving).rejects.toThrow(RequestError);
    await expect(solving).rejects.toThrow(message);
  });
});
