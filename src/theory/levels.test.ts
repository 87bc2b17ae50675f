// Binary weights in depth: published probabilities, and random edges.

import { describe, expect, test } from "vitest";
import { drawnWeights } from "../ticket/scheme.ts";
import { digitsProbability, fewestCopies, firstLevelProbability, levelsProbability } from "./levels.ts";

test.each([
  [4, 8, 0.23262],
  [4, 12, 0.8337],
  [4, 16, 0.98114],
  [8, 12, 0.66322],
  [8, 16, 0.95887],
])("Levels up to 2^%i with %i copies exist with probability %d", (targetBits, copies, probability) => {
  expect(levelsProbability(targetBits, copies)).toBeCloseTo(probability, 5);
});

test("Copies grow with the logarithm of the bits, where units of two layers grow with 2^bits", () => {
  expect([1, 2, 4, 8, 16].map((bits) => fewestCopies(bits, 0.9))).toEqual([11, 12, 13, 15, 16]);
  expect(fewestCopies(4, levelsProbability(4, 12))).toBe(12);
});

describe("Random edges", () => {
  const TRIALS = 1000;

  /** Whether the levels of one input and sign exist among drawn edges: row by row, an edge for each copy below. */
  function exists(targetBits: number, copies: number, zero: boolean, seed: number): boolean {
    const random = drawnWeights({ initialBits: 0, bits: 0, weightQuantizer: "away", zero }, BigInt(seed));
    for (let j = 0; j < targetBits; j++) {
      const edgeAt = random(j);
      let at = 0;
      for (let power = 0; power <= j + 1; power++)
        for (let copy = 0; copy < copies; copy++) {
          let ones = 0;
          for (let below = 0; below < copies; below++) ones += Number(edgeAt(at++) === 1);
          if (ones < (power > j ? 2 : 1)) return false;
        }
    }
    return true;
  }

  test.each([
    [4, 12, false],
    [8, 12, false],
    [2, 14, true],
  ])("Levels up to 2^%i with %i copies, zeros %s, exist as often as predicted", (bits, copies, zero) => {
    let found = 0;
    for (let seed = 0; seed < TRIALS; seed++) found += Number(exists(bits, copies, zero, seed));
    const probability = levelsProbability(bits, copies, { zero });
    const error = Math.sqrt((probability * (1 - probability)) / TRIALS);
    expect(Math.abs(found / TRIALS - probability)).toBeLessThan(5 * error);
    // One copy less has another probability.
    expect(Math.abs(found / TRIALS - levelsProbability(bits, copies - 1, { zero }))).toBeGreaterThan(
      5 * error,
    );
  });

  test.each([false, true])("The first units have both signs as often as predicted, zeros %s", (zero) => {
    let found = 0;
    for (let seed = 0; seed < TRIALS; seed++) {
      const unitAt = drawnWeights(
        { initialBits: 0, bits: 0, weightQuantizer: "away", zero },
        BigInt(seed),
      )(0);
      const units = Array.from({ length: 24 }, (_, i) => unitAt(i));
      found += Number([1, -1].every((sign) => units.filter((unit) => unit === sign).length >= 8));
    }
    const probability = firstLevelProbability(24, 8, { zero });
    expect(Math.abs(found / TRIALS - probability)).toBeLessThan(5 * Math.sqrt(probability / TRIALS));
  });

  test("A weight takes a copy for each of its binary digits", () => {
    expect(digitsProbability(0, 3)).toBe(1);
    expect(digitsProbability(-5, 3)).toBeCloseTo((7 / 8) ** 2, 12);
    expect(digitsProbability(16, 3)).toBeCloseTo(7 / 8, 12);
  });
});
