// The width experiment without an engine: demands, counts, predictions and refusals.

import { describe, expect, test } from "vitest";
import { limits } from "../statistics.ts";
import { lemma5, reachProbabilities } from "../theory/construction.ts";
import {
  demandsPerTrial,
  findWidth,
  tallyIndex,
  trialDemands,
  unitsServing,
  widthConfig,
  widthLayout,
} from "./width.ts";

const provenance = { engine: "reference", adapter: "none", version: "0" };

describe("Trial of a width", () => {
  const config = widthConfig({ bits: 2, targetBits: 3, width: 3, depth: 2, maxUnits: 9, seed: 5 });

  test("A trial asks for every weight, and for those of the first layer once for each sign", () => {
    const demands = [...trialDemands(config, 4)];
    expect(demands).toHaveLength(demandsPerTrial(config));
    const [first, later] = [demands.slice(0, 18), demands.slice(18)];
    expect(first.filter(({ sign }) => sign < 0)).toHaveLength(9);
    expect(later.filter(({ sign }) => sign < 0)).toHaveLength(0);
    for (const { sum, items, members } of demands) {
      expect(sum % 2).toBeCloseTo(0);
      expect(Math.abs(sum)).toBeLessThanOrEqual(16);
      expect(members.filter((q) => q < 0 || q >= 9)).toEqual([]);
      expect(items.filter((item) => Math.abs(item) > 16)).toEqual([]);
    }
  });

  test("A trial depends on the seed and its index alone, and its weights are uniform", () => {
    const of = (trial: number, seed = 5) => [...trialDemands({ ...config, seed: BigInt(seed) }, trial)];
    expect(of(4)).toEqual(of(4));
    expect(of(4)).not.toEqual(of(5));
    expect(of(4)).not.toEqual(of(4, 6));
    const sums = Array.from({ length: 200 }, (_, trial) => of(trial).map(({ sum }) => sum / 2)).flat();
    for (let weight = -8; weight <= 8; weight++)
      expect(Math.abs(sums.filter((sum) => sum === weight).length / sums.length - 1 / 17)).toBeLessThan(
        0.015,
      );
  });

  test("A demand needs the units up to the last one of its witness, none if it is empty, and infinitely many without one", () => {
    const [demand] = trialDemands(config, 0);
    const members = [1, 4, 6];
    expect(unitsServing({ ...demand!, members }, [0, 1])).toBe(5);
    expect(unitsServing({ ...demand!, members }, [])).toBe(0);
    expect(unitsServing({ ...demand!, members }, null)).toBe(Infinity);
  });
});

test("A finding counts, for each number of units, the trials that it serves", () => {
  const config = widthConfig({ bits: 1, width: 2, maxUnits: 4 });
  const tallyOf = (...fewest: readonly number[]) => {
    const words = new Array<number>(widthLayout(config).length).fill(0);
    for (const units of fewest) words[tallyIndex(config, units)]!++;
    return { trials: fewest.length, words };
  };
  const tally = tallyOf(3, Infinity, 2, 3);
  const { curve, required, parameters, lowerBound, gap } = findWidth(config, tally, provenance);
  expect(curve.map(({ solved }) => solved)).toEqual([0, 0, 1, 3, 3]);
  expect(curve[3]).toMatchObject({ probability: 0.75, ...limits(3, 4, 0.025) });
  expect(required.map(({ units }) => units)).toEqual([3, undefined, undefined]);
  expect(lowerBound).toBeCloseTo(4 * Math.log2(9) - 1, 12);
  // Three units of each of two inputs, with one weight in and two out, or two and two.
  expect(parameters).toEqual({ structured: 18, dense: 24 });
  expect(gap!.dense).toBeCloseTo(24 / lowerBound, 12);
  expect(findWidth(config, tallyOf(Infinity), provenance)).not.toHaveProperty("gap");
});

describe("Predicted width", () => {
  test.each([false, true])(
    "The prediction for one weight and k = 1 is the mean of Lemma 5 (0 among the weights: %s)",
    (zero) => {
      const { predicted } = widthConfig({ bits: 1, zero });
      const pools = reachProbabilities(2, 40);
      for (const units of [3, 10, 24, 40]) {
        const { success } = lemma5(pools, { units, zero, scheme: "pooled" });
        const mean = success.reduce((sum, one, T) => sum + (T === 0 ? 1 : 2) * one, 0) / 9;
        expect(Math.abs(predicted(units) - mean)).toBeLessThan(2e-4);
        expect(Math.abs(predicted(units - 1) - mean)).toBeGreaterThan(2e-4);
      }
    },
  );

  test("The predicted success falls with width, with depth, and with random weights that are truncated to their bits", () => {
    const at = (request: object) => widthConfig({ bits: 2, ...request }).predicted(40);
    expect(at({ width: 2 })).toBeLessThan(at({}));
    expect(at({ width: 2, depth: 2 })).toBeLessThan(at({ width: 2 }));
    expect(at({ initialBits: 6, weightQuantizer: "truncate", zero: true })).toBeLessThan(at({ zero: true }));
  });
});

test.each([
  [{ bits: 9 }, "bits: expected an integer in 0..8, got 9"],
  [{ bits: 2, targetBits: 5 }, "target bits: expected at most 4 for theorem 1 and 2 bits, got 5"],
  [{ bits: 2, initialBits: 1 }, "initialBits: expected at least bits, 2, got 1"],
  [{ bits: 2, width: 65 }, "width: expected an integer in 1..64, got 65"],
  [{ bits: 2, trials: 0 }, "trials: expected an integer in 1..4294967295, got 0"],
] as const)("The request %o is refused", (request, message) => {
  expect(() => widthConfig(request)).toThrow(message);
});

describe("Binary weights: the prediction is exact", () => {
  // P(the layers are not contained) for k = 0 and k_t = 0, by depth: sums over the numbers of units of each sign.
  test.each([
    { width: 1, units: 16, failures: [1.3353e-2, 1.9946e-2, 3.2999e-2] },
    { width: 1, units: 32, failures: [1.3394e-4, 2.009e-4, 3.348e-4] },
    { width: 1, units: 64, failures: [1.3454e-8, 2.0181e-8, 3.3636e-8] },
    { width: 4, units: 16, failures: [0.18777, 0.26718, 0.40347] },
    { width: 4, units: 32, failures: [2.1351e-3, 3.2008e-3, 5.3288e-3] },
    { width: 8, units: 32, failures: [8.4841e-3, 1.2698e-2, 2.1072e-2] },
    { width: 8, units: 64, failures: [8.6105e-7, 1.2916e-6, 2.1526e-6] },
  ])(
    "Failures of 1, 2 and 4 layers of d = $width with h = $units are those of closed sums",
    ({ width, units, failures }) => {
      [1, 2, 4].forEach((depth, i) => {
        const { predicted } = widthConfig({ bits: 0, targetBits: 0, width, depth, maxUnits: 64 });
        expect((1 - predicted(units)) / failures[i]!, `${depth} layers`).toBeCloseTo(1, 3);
      });
    },
  );
});
