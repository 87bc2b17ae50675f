// Widths by theory: the fewest that serve, and what is left as it was given.

import { describe, expect, test } from "vitest";
import type { Network } from "../network.ts";
import { fewestUnits, fewestWidths, type OpenScheme } from "./width.ts";

/** Weights that take every value of -2^bits..2^bits in turn. */
function targetOf(widths: readonly number[], bits: number): Network {
  const size = 2 ** (bits + 1) + 1;
  return {
    layers: widths.slice(1).map((rows, l) => ({
      rows,
      columns: widths[l]!,
      weights: Int32Array.from({ length: rows * widths[l]! }, (_, i) => (i % size) - 2 ** bits),
      shift: bits,
    })),
    quantizer: "floor",
    activationBits: 2,
    clamp: false,
    constant: false,
  };
}

const one: OpenScheme = {
  theorem: 1,
  initialBits: 2,
  bits: 2,
  weightQuantizer: "away",
  zero: false,
  pools: "shared",
  support: false,
};
const two: OpenScheme = { ...one, theorem: 2 };

describe.each([
  ["theorem 1", one, 4],
  ["theorem 1, zeros", { ...one, zero: true }, 4],
  ["theorem 1, rounded down", { ...one, initialBits: 4, weightQuantizer: "floor" }, 3],
  ["theorem 2", two, 2],
] as const)("Width of %s", (_, scheme, bits) => {
  const target = targetOf([3, 4, 2], bits);
  test.each([0.5, 0.01, 1e-6])(
    "The width fails with a probability of at most %d, and fewer units exceed it",
    (failure) => {
      const { units, copies, failure: predicted } = fewestWidths(target, bits, scheme, failure);
      expect(predicted).toBeLessThanOrEqual(failure);
      expect(predicted).toBeGreaterThan(failure / 2);
      const given = (units: readonly number[], copies: readonly number[]) =>
        fewestWidths(target, bits, { ...scheme, units, copies }, failure).failure;
      // Whatever failure was asked for, the same widths have the same prediction.
      expect(given(units, copies)).toBe(predicted);
      expect(fewestWidths(target, bits, { ...scheme, units, copies }, 0.3).failure).toBe(predicted);
      const fewer = [
        ...units.map((count, l) => given(units.with(l, count - 4), copies)),
        ...copies.map((count, l) => given(units, copies.with(l, count - 2))),
      ];
      for (const more of fewer) expect(more).toBeGreaterThan(failure);
    },
  );
});

test("Given widths are kept, and the others are chosen to suit them", () => {
  const target = targetOf([3, 4, 2], 2);
  const { units, copies } = fewestWidths(target, 2, { ...two, units: [3] }, 0.1);
  expect(units).toEqual([3]);
  expect(copies).toEqual(fewestWidths(target, 2, two, 0.1).copies);
  expect(fewestWidths(target, 2, { ...one, units: [1, 1] }, 0.1).failure).toBeCloseTo(1, 6);
});

test("Weights of 0 need no units, and a random network has at least one", () => {
  const target = targetOf([2, 2], 2);
  const nothing = {
    ...target,
    layers: target.layers.map((layer) => ({ ...layer, weights: layer.weights.map(() => 0) })),
  };
  expect(fewestWidths(nothing, 2, one, 0.01)).toEqual({ units: [1], copies: [], failure: 0 });
});

test("A network that no number of units serves is refused", () => {
  expect(fewestUnits((units) => units > 9998)).toBe(9999);
  expect(fewestUnits(() => false)).toBeUndefined();
});

test.each([
  [{}, 0, "failure: expected a number above 0 and below 1, got 0"],
  [{ bits: 1 }, 0.1, "target bits: expected at most 2 for theorem 1 and 1 bits, got 4"],
] as const)("The request %o is refused", (change, failure, message) => {
  expect(() => fewestWidths(targetOf([2, 2, 2], 4), 4, { ...one, ...change }, failure)).toThrow(message);
});
