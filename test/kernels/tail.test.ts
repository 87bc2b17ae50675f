// Kernel `tail`: the signs that miss targets are the same numbers on every engine, and those of all signs.

import fc from "fast-check";
import { expect, test } from "vitest";
import { failingSigns, tailWords } from "../../src/kernels/tail.ts";
import { oracleValue } from "../oracle.ts";
import { describeParity } from "./parity.ts";
import { tailFaults } from "./tail.faults.ts";
import { parities, uniform, upTo, workOf } from "./tail.ts";

const random = fc
  .tuple(
    fc.oneof(fc.integer({ min: 1, max: 64 }), fc.integer({ min: 65, max: 160 })),
    fc.array(fc.integer({ min: 0, max: 160 }), { maxLength: 4 }),
    fc.oneof(fc.integer({ min: 2, max: 20 }), fc.integer({ min: 2, max: 200 })),
    fc.integer({ min: 0, max: 2 ** 48 - 10 }),
    fc.array(fc.integer({ min: 1, max: 2 ** 20 }), { maxLength: 4 }),
    fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 9 }),
  )
  .map(([items, counts, halfRange, first, drawn, divisors]) => {
    const targets = drawn.map((target) => (target % halfRange) + 1);
    const odd = counts.map((count) => Math.min(count, items));
    return [parities(items, odd, halfRange, { first, targets, divisors, count: 2 })];
  });

const small = [1, 2, 5].flatMap((halfRange) =>
  [1, 2, 4].map((items) => uniform(items, halfRange, { count: 5 })),
);
const one = { count: 1 };
/** Trials of the first stratum and of the second. */
const bothStrata = { first: 3, count: 2 };

const { compare } = describeParity("tail", {
  seams: [
    {
      wide: true,
      title: "no trials, no targets and no divisors",
      works: () => [
        uniform(3, 4, { count: 0 }),
        uniform(3, 4, { targets: [] }),
        uniform(3, 4, { divisors: [] }),
      ],
    },
    { title: "few items, of the smallest half ranges as well", works: () => small },
    {
      title: "64 items, of whose signs all may fail",
      works: () => [uniform(64, 1, one), parities(64, [0], 4, { first: 4, count: 1 })],
    },
    {
      title: "more than 64 items, with two residues",
      works: () => [uniform(65, 1, one)],
    },
    {
      title: "160 items, of whose signs all may fail, with three residues",
      works: () => [parities(160, [0, 70], 6, { first: 7, count: 2 })],
      wide: true,
    },
    {
      title: "64 items of larger half ranges",
      works: () => [
        uniform(64, 9, { count: 2 }),
        parities(64, [0], 8, bothStrata),
        parities(64, [1], 16, bothStrata),
        parities(64, [63], 2, bothStrata),
      ],
      wide: true,
    },
    {
      title: "bitsets at the ends of words and of registers",
      works: () => [31, 32, 64].map((M) => uniform(6, M, { count: 2 })),
    },
    {
      title: "more bitsets at the ends of words and of registers",
      works: () =>
        [31, 32, 33, 63, 64, 65, 127, 128].flatMap((M) =>
          [8, 15].map((items) => uniform(items, M, { count: 2 })),
        ),
      wide: true,
    },
    {
      title: "trials of several strata on both sides of 2^32, and more of them than workgroups",
      works: () => [
        parities(5, [0, 2, 5], 6, { first: 2 ** 32 - 6, count: 11 }),
        parities(4, [1, 2], 6, { first: 2 ** 48 - 11, count: 11 }),
      ],
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
    { title: "2 random settings of classes and trials", works: random, seed: 1, runs: 2 },
    {
      title: "98 random settings of classes and trials",
      works: random,
      seed: 2,
      runs: 98,
      wide: true,
    },
  ],
  probes: {
    "few items": () => [
      uniform(2, 7, { first: 2 ** 32 - 3 }),
      uniform(12, 5, { count: 3 }),
      uniform(9, 30, { count: 3 }),
    ],
    strata: () => [
      parities(7, [3, 0], 9, { first: 1, count: 12 }),
      parities(5, [0, 1], 12, { first: 6 * 2 ** 32 + 3 }),
    ],
    "many items": () => [parities(60, [0], 4, { first: 4, count: 1 })],
    "over 64 items": () => [parities(130, [0, 70], 4, { first: 4, count: 5 })],
  },
  faults: tailFaults,
});

test("The signs that miss targets are those that are found by trying all signs", async () => {
  const asked = { items: 6, halfRange: 9, targets: [1, 4, 9], count: 12, first: 5 };
  const work = uniform(asked.items, asked.halfRange, asked);
  const words = await compare(work);
  const [low, high] = work.inputs.classes;
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
    const divisor = upTo(asked.halfRange).findLast((d) => magnitudes.every((a) => a % d === 0));
    const indivisible = [2, 3].map((d) => magnitudes.filter((a) => a % d !== 0).length);
    const at = k * tailWords(work.params);
    expect([...words.subarray(at, at + tailWords(work.params))]).toEqual([
      divisor,
      ...indivisible,
      ...expected.flatMap((signs) => [signs, 0]),
    ]);
  }
});

test("Four consecutive trials draw by a stratum, and the next four by the next", async () => {
  const items = 9;
  const odd = [0, 4, 9];
  for (const first of [0, 7, 2 ** 40 + 2]) {
    const work = parities(items, odd, 12, { first, count: 20, targets: [], divisors: [2] });
    const words = await compare(work);
    for (let k = 0; k < 20; k++) {
      const stratum = Math.floor((first + k) / 4) % 4;
      if (stratum > 0)
        expect(words[k * tailWords(work.params) + 1], `${first} + ${k}`).toBe(odd[stratum - 1]);
    }
  }
});

test("Where all signs fail, their residues are those of 2^n, with up to 160 items", async () => {
  for (const items of [63, 64, 65, 125, 126, 160]) {
    const asked = { classes: [[2]], strata: [[0, items]], items, halfRange: 2, targets: [1, 2] } as const;
    const work = workOf({ ...asked, count: 1 });
    const words = await compare(work);
    // No sum is odd, and the target 2 is missed where all items are negative.
    const signs = [0, 1, 2].map((event) => failingSigns(work.params, words, 0, event));
    expect(signs, `${items} items`).toEqual([2n ** BigInt(items), 2n ** BigInt(items), 1n]);
  }
});

test("Items beyond the 64th are drawn by further keys, so that no two items of a trial share a random word", async () => {
  const halfRange = 3001;
  const work = uniform(130, halfRange, { count: 1, targets: [], divisors: upTo(halfRange).slice(1) });
  const [low, high] = work.inputs.classes;
  const drawn = Array.from(
    { length: 130 },
    (_, i) => 1 + oracleValue(halfRange, [BigInt(low!), BigInt((high! ^ (i >> 6)) >>> 0)], 0n, i % 64),
  );
  const words = await compare(work);
  expect([...words.subarray(1, halfRange)]).toEqual(
    upTo(halfRange)
      .slice(1)
      .map((divisor) => drawn.filter((a) => a % divisor > 0).length),
  );
});

test("Where all 2^64 signs fail, their number is 0", async () => {
  const asked = { classes: [[2]], strata: [[0, 64]], items: 64, halfRange: 2, targets: [1, 2] } as const;
  // The target 2 is missed where all items are negative.
  expect([...(await compare(workOf({ ...asked, count: 1 })))]).toEqual([2, 0, 64, 0, 0, 0, 0, 1, 0]);
});
