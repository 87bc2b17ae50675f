// Kernel `tail`: the signs that miss targets are the same numbers on every engine, and those of all signs.

import fc from "fast-check";
import { expect, test } from "vitest";
import { CLASS_WORDS, tailWords } from "../../src/kernels/tail.ts";
import { oracleValue } from "../oracle.ts";
import { describeParity } from "./parity.ts";
import { tailFaults } from "./tail.faults.ts";
import { parities, uniform, upTo, workOf } from "./tail.ts";

const random = fc
  .tuple(
    fc.integer({ min: 1, max: 64 }),
    fc.integer({ min: 0, max: 64 }),
    fc.oneof(fc.integer({ min: 2, max: 20 }), fc.integer({ min: 2, max: 200 })),
    fc.integer({ min: 0, max: 2 ** 48 - 10 }),
    fc.array(fc.integer({ min: 1, max: 2 ** 20 }), { maxLength: 4 }),
  )
  .map(([items, odd, halfRange, first, drawn]) => {
    const even = Math.max(items - odd, 0);
    const targets = drawn.map((target) => (target % halfRange) + 1);
    return [parities(items - even, even, halfRange, { first, targets, count: 2 })];
  });

const small = [1, 2, 5].flatMap((halfRange) =>
  [1, 2, 4].map((items) => uniform(items, halfRange, { count: 5 })),
);
const one = { count: 1 };

const { compare } = describeParity("tail", {
  seams: [
    {
      title: "no trials, and no targets",
      works: () => [uniform(3, 4, { count: 0 }), uniform(3, 4, { targets: [] })],
    },
    { title: "few items, of the smallest half ranges as well", works: () => small },
    {
      title: "64 items, of whose signs all may fail",
      works: () => [uniform(64, 1, one), parities(0, 64, 4, one)],
    },
    {
      title: "64 items of larger half ranges",
      works: () => [uniform(64, 9), parities(0, 64, 8), parities(1, 63, 40), parities(63, 1, 2)],
      wide: true,
    },
    {
      title: "bitsets at the ends of words and of registers",
      works: () => [31, 32, 64].map((M) => uniform(6, M, { count: 2 })),
    },
    {
      title: "more bitsets at the ends of words and of registers",
      works: () => [31, 32, 33, 63, 64, 65, 127, 128].flatMap((M) => [uniform(8, M), uniform(15, M)]),
      wide: true,
    },
    {
      title: "trials on both sides of 2^32, and more of them than workgroups",
      works: () => [uniform(5, 6, { first: 2 ** 32 - 4 }), uniform(4, 6, { first: 2 ** 48 - 11, count: 11 })],
      maxWorkgroups: 3,
    },
    { title: "a large half range", works: () => [uniform(14, 1000, one)] },
    {
      title: "the largest half range",
      works: () => [uniform(64, 4096, one), uniform(12, 4096, { count: 2 })],
      wide: true,
    },
  ],
  random: [
    { title: "random classes, half ranges, targets and trials", works: random, seed: 1, runs: 5 },
    {
      title: "more random classes, half ranges, targets and trials",
      works: random,
      seed: 2,
      runs: 150,
      wide: true,
    },
  ],
  probes: {
    "few items": () => [
      uniform(2, 7, { first: 2 ** 32 - 3 }),
      uniform(12, 5, { count: 3 }),
      uniform(9, 30, { count: 3 }),
    ],
    classes: () => [parities(3, 4, 9), parities(0, 5, 12)],
    "many items": () => [parities(0, 60, 4, one)],
  },
  faults: tailFaults,
});

test("The signs that miss targets are those that are found by trying all signs", async () => {
  const asked = { items: 6, halfRange: 9, targets: [1, 4, 9], count: 12, first: 5 };
  const work = uniform(asked.items, asked.halfRange, asked);
  const words = await compare(work);
  const [, low, high] = work.inputs.classes;
  const isReached = (items: readonly number[], target: number) =>
    Array.from({ length: 2 ** items.length }, (_, mask) =>
      items.reduce((sum, item, i) => sum + ((mask >> i) & 1) * item, 0),
    ).includes(target);
  for (let k = 0; k < asked.count; k++) {
    const magnitudes = Array.from(
      { length: asked.items },
      (_, i) => 1 + oracleValue(asked.halfRange, [BigInt(low!), BigInt(high!)], BigInt(asked.first + k), i),
    );
    const failing = (targets: readonly number[]) => {
      let signs = 0;
      for (let mask = 0; mask < 2 ** asked.items; mask++) {
        const items = magnitudes.map((a, i) => ((mask >> i) & 1 ? -a : a));
        signs += Number(!targets.every((target) => isReached(items, target)));
      }
      return signs;
    };
    const all = Array.from({ length: 2 * asked.halfRange + 1 }, (_, i) => i - asked.halfRange);
    const expected = [failing(all), ...asked.targets.map((target) => failing([target]))];
    const at = k * tailWords(work.params);
    expect([...words.subarray(at + 1, at + tailWords(work.params))]).toEqual(
      expected.flatMap((signs) => [signs, 0]),
    );
    const divisor = upTo(asked.halfRange).findLast((d) => magnitudes.every((a) => a % d === 0));
    expect(words[at]).toBe(divisor);
  }
});

test("Where all 2^64 signs fail, their number is 0", async () => {
  const work = workOf({ classes: [{ items: 64, magnitudes: [2] }], halfRange: 2, targets: [1, 2], count: 1 });
  expect(work.inputs.classes).toHaveLength(CLASS_WORDS);
  // The target 2 is missed where all items are negative.
  expect([...(await compare(work))]).toEqual([2, 0, 0, 0, 0, 1, 0]);
});
