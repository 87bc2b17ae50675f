// Laws and drawing: every ensemble's values stand for exactly its items, values are drawn exactly uniformly, and each
// depends on nothing but its seed, trial and place.

import { describe, expect, test } from "vitest";
import { oracleKey, oraclePool, oracleValue, oracleWidth } from "../test/oracle.ts";
import {
  drawValue,
  ensembleKey,
  ensembles,
  isProduct,
  itemOf,
  lawOf,
  indexedValues,
  slicingOf,
} from "./ensemble.ts";
import { multiplyHigh, multiplyLow } from "./u32.ts";

const halfRanges = [1, 2, 3, 4, 9, 16, 25, 31, 32, 33, 64, 100, 1024];
const laws = ensembles.flatMap((ensemble) =>
  halfRanges
    .filter((M) => !isProduct(ensemble) || Number.isInteger(Math.sqrt(M)))
    .map((halfRange) => ({ ensemble, halfRange, law: lawOf(ensemble, halfRange) })),
);

test("The values of every law are exactly the items of its ensemble, each with its weight", () => {
  for (const { ensemble, halfRange, law } of laws) {
    const items = Array.from({ length: law.range }, (_, value) => itemOf(law, value));
    expect([ensemble, halfRange, items]).toEqual([ensemble, halfRange, oraclePool(ensemble, halfRange)]);
  }
});

test("The law of the largest half range is right at both ends", () => {
  const M = 2 ** 20;
  const ends = ensembles.map((ensemble) => {
    const law = lawOf(ensemble, M);
    return [ensemble, law.range, ...[0, 1, law.range - 1].map((value) => itemOf(law, value))];
  });
  expect(ends).toEqual([
    ["rssp", 2 * M, -M, 1 - M, M],
    ["rssp0", 2 * M + 1, -M, 1 - M, M],
    ["rnpp", M, 1, 2, M],
    ["products", 2 * M, -1024, -2048, M],
    ["products0", 2 * M + 1024, -1024, -2048, M],
  ]);
});

describe("Drawing of items", () => {
  const seeds = [0n, 1n, 0xfedcba98_76543210n];
  const trials = [0, 1, 12345, 2 ** 32 - 1, 2 ** 32, 2 ** 48 - 1];
  const places = [0, 1, 2, 3, 31, 32, 62, 63];

  test("Keys are those of the oracle", () => {
    for (const seed of seeds)
      for (const { ensemble, halfRange } of laws)
        expect(ensembleKey(seed, ensemble, halfRange).map(BigInt)).toEqual(
          oracleKey(seed, ensemble, halfRange),
        );
  });

  test("Values are those of the oracle, in every slice of a word and with every width", () => {
    const ranges = [
      1,
      2,
      3,
      4,
      5,
      7,
      8,
      33,
      128,
      129,
      2 ** 9,
      2001,
      2 ** 11,
      2049,
      2 ** 12,
      2 ** 17,
      2 ** 20 + 1,
      2 ** 21 + 1,
      2 ** 21 + 2 ** 10,
    ];
    for (const range of ranges)
      for (const seed of seeds)
        for (const trial of trials) {
          const key = ensembleKey(seed, "rssp", range);
          const words = key.map(BigInt) as [bigint, bigint];
          const ours = places.map((item) => drawValue(range, key, trial, item));
          const theirs = places.map((item) => oracleValue(range, words, BigInt(trial), item));
          expect([range, seed, trial, ours]).toEqual([range, seed, trial, theirs]);
        }
  });

  test("Value i of a stream is that of item i mod 64 of trial i div 64", () => {
    for (const { ensemble, halfRange, law } of laws)
      for (const trial of [0, 7, 2 ** 32 + 5, 2 ** 46 - 1]) {
        const key = ensembleKey(3n, ensemble, halfRange);
        const valueAt = indexedValues(law.range, key);
        const together = Array.from({ length: 64 }, (_, item) => valueAt(64 * trial + item));
        const alone = Array.from({ length: 64 }, (_, item) => drawValue(law.range, key, trial, item));
        expect(together).toEqual(alone);
      }
  });

  test("Rejected slices are drawn again from blocks of their own", () => {
    // 2^16 mod 2047 = 32: one slice in 2048 is rejected, so some of these items had a second attempt.
    const range = 2047;
    const key = ensembleKey(3n, "rssp0", 1023);
    const words = key.map(BigInt) as [bigint, bigint];
    let rejections = 0;
    for (let trial = 0; trial < 300; trial++)
      for (let item = 0; item < 64; item += 5) {
        const value = drawValue(range, key, trial, item);
        expect([trial, item, value]).toEqual([trial, item, oracleValue(range, words, BigInt(trial), item)]);
        rejections += Number(value !== withoutRejection(words, trial, item));
      }
    expect(rejections).toBeGreaterThan(0);

    /** The value of the first slice, rejected or not; all slices of 16 bits are themselves values of the range 2^16. */
    function withoutRejection(words: readonly [bigint, bigint], trial: number, item: number): number {
      return Math.floor((oracleValue(2 ** 16, words, BigInt(trial), item) * range) / 2 ** 16);
    }
  });

  test("Items do not repeat across seeds, ensembles, half ranges, trials or indices", () => {
    const range = 2 ** 16;
    const keys = [
      ensembleKey(1n, "rssp", 4),
      ensembleKey(2n, "rssp", 4),
      ensembleKey(2n ** 32n, "rssp", 4),
      ensembleKey(1n, "rssp0", 4),
      ensembleKey(1n, "rssp", 5),
    ];
    const streams = keys.flatMap((key) =>
      [0, 1, 2 ** 32].map((trial) =>
        Array.from({ length: 64 }, (_, item) => drawValue(range, key, trial, item)).join(),
      ),
    );
    expect(new Set(streams).size).toBe(15);
    for (const stream of streams) expect(new Set(stream.split(",")).size).toBeGreaterThan(60);
  });
});

describe("Rejection of slices", () => {
  test("Rejection gives every value the same number of 16-bit slices, and without it some values get more", () => {
    for (const range of [1, 3, 5, 6, 7, 9, 17, 33, 65, 100, 129, 255, 257, 1000, 1023, 2001, 2047].filter(
      (range) => slicingOf(range).bits === 16,
    )) {
      const { threshold } = slicingOf(range);
      const kept = new Array<number>(range).fill(0);
      const all = new Array<number>(range).fill(0);
      for (let slice = 0; slice < 2 ** 16; slice++) {
        const word = slice * 2 ** 16;
        all[multiplyHigh(word, range)]!++;
        if (multiplyLow(word, range) >= threshold) kept[multiplyHigh(word, range)]!++;
      }
      expect([range, ...new Set(kept)]).toEqual([range, Math.floor(2 ** 16 / range)]);
      expect([range, new Set(all).size]).toEqual([range, 2]);
    }
  });

  test("Rejection gives every value the same number of the 2^32 words", () => {
    for (const range of [2049, 2001 * 3, 2 ** 17 + 1, 2 ** 20 - 1, 2 ** 21 + 1, 2 ** 21 + 2 ** 10]) {
      const { bits, threshold } = slicingOf(range);
      expect([range, bits]).toEqual([range, 32]);
      const divideUp = (a: bigint, b: bigint) => (a + b - 1n) / b;
      for (const value of [0, 1, 2, Math.floor(range / 2), range - 2, range - 1]) {
        // The words w with value * 2^32 + threshold <= w * range < (value + 1) * 2^32.
        const first = divideUp(BigInt(value) * 2n ** 32n + BigInt(threshold), BigInt(range));
        const end = divideUp((BigInt(value) + 1n) * 2n ** 32n, BigInt(range));
        expect([range, value, end - first]).toEqual([range, value, 2n ** 32n / BigInt(range)]);
      }
    }
  });

  test("Rejection never happens for a power of two, and to at most 3 % of the slices of other ranges", () => {
    for (let range = 1; range <= 5000; range++) {
      const { bits, threshold } = slicingOf(range);
      expect(bits).toBe(oracleWidth(range));
      if (Number.isInteger(Math.log2(range))) expect([range, threshold]).toEqual([range, 0]);
      else expect([range, threshold / 2 ** 32 <= 0.0313]).toEqual([range, true]);
    }
  });
});

describe("Uniformity of values", () => {
  test("The test of uniformity rejects a generator with one value 2 % too frequent, and one that takes 8 bits modulo 7", () => {
    const key = ensembleKey(9n, "rssp", 1);
    const loaded = (range: number) => (i: number) => (i % 50 === 0 ? 0 : drawValue(range, key, i, 0));
    for (const range of [2, 7, 64, 1001])
      expect([range, pValue(range, loaded(range)) < 1e-9]).toEqual([range, true]);
    expect(pValue(7, (i) => drawValue(256, key, i, 0) % 7, 3e5)).toBeLessThan(1e-6);
  });

  test("The test of uniformity accepts the drawn values, across trials and across items", () => {
    for (const range of [2, 3, 7, 16, 33, 128, 1001, 2048]) {
      const key = ensembleKey(7n, "rssp0", range);
      const across = [
        (i: number) => drawValue(range, key, i, 5),
        (i: number) => drawValue(range, key, Math.floor(i / 64), i % 64),
      ];
      for (const draw of across) expect([range, pValue(range, draw) > 1e-4]).toEqual([range, true]);
    }
  });

  test("The test of uniformity accepts the low and the high digits of large ranges", () => {
    for (const range of [2 ** 21, 2 ** 21 + 2 ** 10]) {
      const key = ensembleKey(8n, "products0", range);
      expect([range, pValue(64, (i) => drawValue(range, key, i, 1) % 64) > 1e-4]).toEqual([range, true]);
      expect([
        range,
        pValue(64, (i) => Math.floor((drawValue(range, key, i, 2) / range) * 64)) > 1e-4,
      ]).toEqual([range, true]);
    }
  });

  test("The test of uniformity has the textbook quantiles of the chi-square distribution", () => {
    for (const [freedom, statistic, p] of [
      [1, 3.841, 0.05],
      [10, 18.307, 0.05],
      [10, 3.94, 0.95],
      [100, 135.807, 0.01],
      [2, 27.631, 1e-6],
    ] as const)
      expect(chiSquareTail(freedom, statistic) / p).toBeCloseTo(1, 2);
  });

  /** How likely counts at least as uneven are under uniformity. */
  function pValue(range: number, draw: (i: number) => number, draws = 1.5e5): number {
    const counts = new Array<number>(range).fill(0);
    for (let i = 0; i < draws; i++) counts[draw(i)]!++;
    const mean = draws / range;
    return chiSquareTail(
      range - 1,
      counts.reduce((sum, count) => sum + (count - mean) ** 2 / mean, 0),
    );
  }

  /** P(chi-square > statistic), in closed form: a Poisson tail for even degrees of freedom, erfc and its like for odd ones. */
  function chiSquareTail(freedom: number, statistic: number): number {
    const half = statistic / 2;
    const odd = freedom % 2 === 1;
    // term = half^k e^-half / gamma(k + 1) for k = 1/2, 3/2, ... or 0, 1, ...
    let k = odd ? 0.5 : 0;
    let logTerm = k * Math.log(half) - half - (odd ? Math.log(Math.sqrt(Math.PI) / 2) : 0);
    let tail = odd ? complementaryError(Math.sqrt(half)) : 0;
    for (; k < freedom / 2; k++) {
      tail += Math.exp(logTerm);
      logTerm += Math.log(half / (k + 1));
    }
    return tail;
  }

  /** erfc, by its continued fraction or, near 0, by Simpson's rule. */
  function complementaryError(x: number): number {
    if (x > 2) {
      let fraction = 0;
      for (let k = 200; k > 0; k--) fraction = k / 2 / (x + fraction);
      return Math.exp(-x * x) / Math.sqrt(Math.PI) / (x + fraction);
    }
    const steps = 200;
    let sum = 0;
    for (let i = 0; i <= steps; i++)
      sum += (i === 0 || i === steps ? 1 : i % 2 === 1 ? 4 : 2) * Math.exp(-(((i * x) / steps) ** 2));
    return 1 - ((2 / Math.sqrt(Math.PI)) * sum * x) / steps / 3;
  }
});
