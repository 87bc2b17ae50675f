// The limit laws against 30-digit quadrature, enumeration, and the library's own measurements.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cpuRunner } from "../../host/cpu/runner.ts";
import { startThread } from "../../host/node/platform/threads.ts";
import { measurePhase } from "../../host/experiments/phase.ts";
import type { Runner } from "../../host/runner.ts";
import type { Estimate } from "../statistics.ts";
import { refusal } from "../../test/refusal.ts";
import { muOf } from "./paper.ts";
import {
  designRule,
  lambdaOf,
  parityObstruction,
  perfectLimit,
  predictFailure,
  rangeObstruction,
  windowFailure,
  type SubsetEnsemble,
} from "./window.ts";

/** [mu, tau, F], from mpmath 1.3 `quad` at 30 digits, split at the edges and at the peak. */
const published = [
  [1e-6, 0, 0.99999858578759233],
  [1e-6, 0.3, 0.99999870750714684],
  [1e-6, 1, 0.99999947974020935],
  [1e-6, 2.5, 0.99999999726992586],
  [1e-6, 5, 0.99999999999999998],
  [0.01, 0, 0.98597267073401116],
  [0.01, 1, 0.99482768847194969],
  [0.01, 5, 0.9999999999998036],
  [0.5, 0, 0.51392912412714768],
  [0.5, 0.3, 0.55057829451708168],
  [0.5, 1, 0.80057287849915703],
  [0.7, 0, 0.403793255308939],
  [0.7, 0.3, 0.44636853557637666],
  [0.7, 2.5, 0.99820833323589706],
  [3, 0, 0.069678716087773298],
  [3, 0.3, 0.10754234934462562],
  [3, 1, 0.46819568922249888],
  [3, 5, 0.99999999994111229],
  [100, 0, 0.0011828401015335931],
  [100, 0.3, 0.003891912979265698],
  [100, 1, 0.091807926946108188],
  [100, 2.5, 0.93209320636046091],
  [1e4, 0, 8.7590677155389822e-6],
  [1e4, 1, 0.006355360812221552],
  [1e4, 2.5, 0.66170917426178791],
  [1e8, 0, 6.366754776057324e-10],
  [1e8, 0.3, 1.1506095062207834e-8],
  [1e8, 1, 1.3076493203966918e-5],
  [1e8, 2.5, 0.10598304729397354],
  [1e8, 5, 0.99986023201989737],
  [1e12, 0, 5.2510365914930288e-14],
  [1e12, 0.3, 2.1037760151719476e-12],
  [1e12, 1, 1.5013882001326423e-8],
  [1e12, 2.5, 0.0050940925178653924],
  [1e12, 5, 0.99092215789711563],
] as const;

/** Simpson's rule with 200,000 panels: no choice of step to go wrong. */
function brute(mu: number, tau: number): number {
  const [from, to, panels] = [-20 - 2 * tau, 20, 200_000];
  const f = (h: number) => Math.exp(-((h + 2 * tau) ** 2) / 2 - 2 * mu * Math.exp((-h * h) / 2));
  const width = (to - from) / panels;
  let sum = 0;
  for (let i = 0; i <= panels; i++)
    sum += (i === 0 || i === panels ? 1 : i % 2 === 1 ? 4 : 2) * f(from + i * width);
  return (sum * width) / 3 / Math.sqrt(2 * Math.PI);
}

describe("Function F", () => {
  const worst = (law: typeof windowFailure) =>
    Math.max(...published.map(([mu, tau, f]) => Math.abs(law(mu, tau) / f - 1)));

  test("F has the digits of a published quadrature, and a law off by a billionth does not", () => {
    expect(worst(windowFailure)).toBeLessThan(1e-12);
    expect(worst((mu, tau) => windowFailure(mu * (1 + 1e-9), tau))).toBeGreaterThan(1e-10);
    expect(worst((mu, tau) => windowFailure(mu, tau / 2))).toBeGreaterThan(1e-2);
  });

  test("F has the digits of a direct sum between the published points", () => {
    for (const mu of [3e-5, 0.4999, 0.5001, 1.7, 29, 4e5, 7e10])
      for (const tau of [0, 0.05, 0.6, 1.9, 3.1, 4.4])
        expect(Math.abs(windowFailure(mu, tau) / brute(mu, tau) - 1), `mu=${mu} tau=${tau}`).toBeLessThan(
          1e-11,
        );
  });

  test("F falls like 1 / (2 mu sqrt(pi ln 2 mu))", () => {
    for (const mu of [1e6, 1e12, 1e100, 1e300]) {
      const log = Math.log(mu) + Math.LN2;
      // The next term of the expansion is -gamma / (2 ln 2 mu), gamma = .5772.
      const leading = 1 / (2 * Math.sqrt(Math.PI * log)) / mu;
      expect(Math.abs(windowFailure(mu, 0) / (leading * (1 - 0.5772 / (2 * log))) - 1)).toBeLessThan(
        1 / log ** 2,
      );
    }
  });

  test("F has its limits and its symmetry", () => {
    expect(windowFailure(0, 3)).toBeCloseTo(1, 14);
    expect(windowFailure(Infinity, 1)).toBe(0);
    expect(windowFailure(1e300, 1e200)).toBe(1);
    expect(windowFailure(0, 0)).toBeCloseTo(1, 14);
    expect(windowFailure(40, -1.3)).toBe(windowFailure(40, 1.3));
    for (const tau of [0, 1, 4])
      for (let mu = 1e-6; mu < 1e12; mu *= 3) {
        expect(windowFailure(3 * mu, tau)).toBeLessThanOrEqual(windowFailure(mu, tau) * (1 + 1e-14));
        expect(windowFailure(mu, tau + 0.1)).toBeGreaterThanOrEqual(windowFailure(mu, tau) * (1 - 1e-14));
      }
  });
});

test("The limit of perfect partitions has its published values", () => {
  expect(perfectLimit(0)).toBeCloseTo(0.62392, 5);
  expect(perfectLimit(-1)).toBeCloseTo(0.84294, 5);
  expect(perfectLimit(1)).toBeCloseTo(0.39552, 5);
  expect(perfectLimit(-40)).toBe(1);
  expect(perfectLimit(60) * 2 ** 60).toBeCloseTo(1.5 * Math.sqrt(3 / (2 * Math.PI)), 12);
  expect(lambdaOf(2 ** 14, 16)).toBe(0);
  expect(lambdaOf(1, 1)).toBe(-1);
});

/** Every value of an item, as often as it comes. */
function valuesOf(ensemble: SubsetEnsemble, halfRange: number): number[] {
  const side = ensemble.startsWith("products") ? Math.sqrt(halfRange) : halfRange;
  const values: number[] = [];
  for (let u = 1; u <= (ensemble.startsWith("products") ? side : 1); u++)
    for (let v = -side; v <= side; v++) if (v !== 0 || ensemble.endsWith("0")) values.push(u * v);
  return values;
}

/** For every list of three items, what `holds` of it for each target of 1..highest: the share of lists. */
function shares(
  values: readonly number[],
  highest: number,
  holds: (items: number[], target: number) => boolean,
): number[] {
  const out = Array<number>(highest).fill(0);
  for (const a of values)
    for (const b of values)
      for (const c of values)
        for (let t = 1; t <= highest; t++) if (holds([a, b, c], t)) out[t - 1]! += 1 / values.length ** 3;
  return out;
}

describe("Obstructions of the window law", () => {
  const laws = [
    ["rssp", 1],
    ["rssp", 5],
    ["rssp0", 4],
    ["products", 1],
    ["products", 4],
    ["products", 9],
    ["products0", 4],
    ["products0", 16],
  ] as const;

  test.each(laws)(
    "Obstructions are those of enumeration and below the failures: %s, M = %i",
    (ensemble, halfRange) => {
      const values = valuesOf(ensemble, halfRange);
      const highest = Math.min(3 * halfRange + 2, 20);
      const range = shares(
        values,
        highest,
        (items, t) => items.reduce((sum, x) => sum + Math.max(x, 0), 0) < t,
      );
      const parity = shares(values, highest, (items, t) => items.every((x) => x % (2 * (t & -t)) === 0));
      const failure = shares(
        values,
        highest,
        ([a, b, c], t) => ![a!, b!, c!, a! + b!, a! + c!, b! + c!, a! + b! + c!].includes(t),
      );
      for (let t = 1; t <= highest; t++) {
        expect(rangeObstruction(ensemble, halfRange, 3, t), `range ${t}`).toBeCloseTo(range[t - 1]!, 12);
        expect(parityObstruction(ensemble, halfRange, 3, -t), `parity ${t}`).toBeCloseTo(parity[t - 1]!, 12);
        expect(failure[t - 1]! + 1e-12).toBeGreaterThanOrEqual(Math.max(range[t - 1]!, parity[t - 1]!));
      }
    },
  );

  test("Obstructions have their closed forms", () => {
    for (const [n, side, t] of [
      [7, 8, 5],
      [30, 16, 255],
    ] as const) {
      expect(parityObstruction("products", side ** 2, n, t) / (3 / 4) ** n).toBeCloseTo(1, 12);
      expect(parityObstruction("products", side ** 2, n, 2 * t) / 2 ** -n).toBeCloseTo(1, 12);
      expect(parityObstruction("products", side ** 2, n, 4 * t) / (5 / 16) ** n).toBeCloseTo(1, 12);
      expect(
        parityObstruction("products0", side ** 2, n, t) / (1 - side / (2 * (2 * side + 1))) ** n,
      ).toBeCloseTo(1, 12);
    }
    expect(rangeObstruction("rssp", 2 ** 20, 50, 1) / 2 ** -50).toBeCloseTo(1, 12);
    // sum_j C(3,j) C(7,j) / 8^j / 8 = (1 + 21/8 + 63/64 + 35/512) / 8
    expect(rangeObstruction("rssp", 8, 3, 8)).toBeCloseTo((1 + 21 / 8 + 63 / 64 + 35 / 512) / 8, 14);
    for (const obstruction of [rangeObstruction, parityObstruction])
      expect(obstruction("rssp", 8, 3, 0)).toBe(0);
    expect(rangeObstruction("rssp", 8, 3, 25)).toBe(1);
    expect(rangeObstruction("rssp0", 8, 0, 1)).toBe(1);
  });

  test("Obstructions on a coarse grid of sums stay below the exact ones", () => {
    // At t = M + 1 the closed form is exact; one above, the grid of 64 takes over.
    const exact = rangeObstruction("rssp", 2 ** 16, 16, 2 ** 16 + 1);
    const coarse = rangeObstruction("rssp", 2 ** 16, 16, 2 ** 16 + 2);
    expect(coarse).toBeLessThan(exact * (1 + 1e-4));
    expect(coarse).toBeGreaterThan(exact * 0.98);
  });
});

test("Target 0 never fails, and without items every other target does", () => {
  expect(predictFailure("rssp", 16, 4, 0)).toMatchObject({ window: 0, range: 0, parity: 0, failure: 0 });
  expect(predictFailure("products0", 16, 0, 0).failure).toBe(0);
  expect(predictFailure("rssp", 16, 0, 3).failure).toBe(1);
  expect(predictFailure("rssp", 16, 4, 65).failure).toBe(1);
  expect(predictFailure("rssp", 64, 10, 5).mu / muOf(64, 10)).toBeCloseTo(1, 12);
  expect(predictFailure("rssp", 64, 10, -5)).toEqual(predictFailure("rssp", 64, 10, 5));
});

describe("Window law against measurement", () => {
  const TRIALS = 200_000;
  let engine: Runner;
  beforeAll(async () => {
    engine = await cpuRunner(1, startThread);
  });
  afterAll(() => engine.close());

  const error = ({ probability }: Estimate) =>
    Math.sqrt((probability * (1 - probability) + 1 / TRIALS) / TRIALS);

  /** How many measured probabilities a law of failure misses, and how many there are. */
  async function misses(
    ensemble: SubsetEnsemble,
    bits: number,
    items: { from: number; to: number },
    tolerance: number,
    law: (halfRange: number, items: number, target: number) => number,
  ): Promise<[number, number]> {
    const findings = await measurePhase(engine, {
      ensemble,
      bits,
      items,
      targets: targetsOf(ensemble, bits),
      trials: TRIALS,
    });
    let [missed, all] = [0, 0];
    for (const { halfRange, items, targets } of findings)
      for (const target of targets) {
        all++;
        const off = Math.abs(1 - law(halfRange, items, target.target) - target.probability);
        if (off > tolerance + 5 * error(target)) missed++;
      }
    return [missed, all];
  }

  function targetsOf(ensemble: SubsetEnsemble, bits: number): number[] {
    const halfRange = ensemble.startsWith("products") ? 4 ** bits : 2 ** bits;
    return [...new Set([1, 2, halfRange / 4, halfRange / 2, halfRange - 1, halfRange])];
  }

  test("The window law is within .005 of rssp for n = 16..24, and half the rate or no tail is not", async () => {
    for (const bits of [6, 8]) {
      const tested = (law: Parameters<typeof misses>[4]) =>
        misses("rssp", bits, { from: 16, to: 24 }, 0.005, law);
      expect(await tested((m, n, t) => predictFailure("rssp", m, n, t).window)).toEqual([0, 54]);
      expect(await tested((m, n, t) => predictFailure("rssp", m, n, t).failure)).toEqual([0, 54]);
    }
    const halved = await misses("rssp", 8, { from: 12, to: 14 }, 0.01, (m, n, t) => {
      const { mu, tau } = predictFailure("rssp", m, n, t);
      return windowFailure(mu / 2, tau);
    });
    expect(halved[0]).toBeGreaterThan(10);
  });

  test("The tail correction keeps rssp within a factor 2.5 down to 1e-4, and F alone does not", async () => {
    const findings = await measurePhase(engine, {
      bits: 6,
      items: { from: 14, to: 22 },
      targets: [64],
      trials: 1_000_000,
    });
    const ratios = (part: "window" | "failure") =>
      findings.map(
        ({ items, targets, trials }) =>
          predictFailure("rssp", 64, items, 64)[part] / (1 - targets[0]!.solved / trials),
      );
    for (const ratio of ratios("failure")) expect(Math.abs(Math.log(ratio))).toBeLessThan(Math.log(2.5));
    expect(Math.min(...ratios("window"))).toBeLessThan(1 / 2.5);
  });

  test.each([
    ["rssp0", 4, 0.05],
    ["products", 3, 0.1],
    ["products0", 3, 0.1],
  ] as const)(
    "The corrected law of %s, k = %i, is within %f for n = 8..24",
    async (ensemble, bits, tolerance) => {
      const tested = (law: Parameters<typeof misses>[4]) =>
        misses(ensemble, bits, { from: 8, to: 24 }, tolerance, law);
      const right = await tested((m, n, t) => predictFailure(ensemble, m, n, t).failure);
      expect(right[0]).toBe(0);
      expect(right[1]).toBeGreaterThan(80);
    },
  );

  test("Without the parity term the law of products is wrong", async () => {
    const findings = await measurePhase(engine, {
      ensemble: "products",
      bits: 3,
      items: { from: 16, to: 20 },
      targets: [1],
      trials: TRIALS,
    });
    for (const { items, targets } of findings) {
      const truth = 1 - targets[0]!.probability;
      const { window, range, parity, failure } = predictFailure("products", 64, items, 1);
      expect(window + range).toBeLessThan(truth / 2);
      expect(parity).toBeLessThan(truth + 5 * error(targets[0]!));
      expect(Math.abs(failure / truth - 1)).toBeLessThan(0.25);
    }
  });

  test("Perfect partitions are within 0.2/n of their limit near lambda = 0", async () => {
    for (const [bits, n] of [
      [10, 12],
      [11, 12],
      [12, 14],
      [14, 16],
    ] as const) {
      const [finding] = await measurePhase(engine, { ensemble: "rnpp", bits, items: n, trials: TRIALS });
      const { perfect } = finding!;
      const lambda = lambdaOf(2 ** bits, n);
      const within = 0.2 / n + 5 * error(perfect!);
      expect(Math.abs(perfectLimit(lambda) - perfect!.probability), `k=${bits} n=${n}`).toBeLessThan(within);
      expect(Math.abs(perfectLimit(lambda + 0.5) - perfect!.probability)).toBeGreaterThan(within);
    }
  });

  test("The design rule finds the n of the worst target", async () => {
    const { rows, within } = designRule;
    for (const bits of [4, 6, 8]) {
      // Failure grows with the target.
      const targets = [1, 2 ** (bits - 1), 2 ** bits - 1, 2 ** bits];
      const findings = await measurePhase(engine, {
        bits,
        items: { from: 1, to: bits + 15 },
        targets,
        trials: TRIALS,
      });
      for (const { failure, extra } of rows) {
        const enough = findings.find(({ targets }) =>
          targets.every((target) => 1 - target.probability <= failure),
        )!;
        expect(Math.abs(enough.items - (bits + extra)), `k=${bits} failure=${failure}`).toBeLessThanOrEqual(
          within,
        );
      }
    }
  });
});

test("Errors name the argument, its range and the value received", () => {
  expect(() => windowFailure(-1, 0)).toThrow(refusal("mu: expected a number from 0, or Infinity, got -1"));
  expect(() => windowFailure(1, "0" as never)).toThrow(refusal('tau: expected a number, got "0"'));
  expect(() => lambdaOf(4, 0)).toThrow(
    refusal(`items: expected an integer in 1..${Number.MAX_SAFE_INTEGER}, got 0`),
  );
  expect(() => predictFailure("rnpp" as never, 4, 5, 1)).toThrow(
    refusal('ensemble: expected one of rssp, rssp0, products, products0, got "rnpp"; perhaps rssp is meant'),
  );
  expect(() => rangeObstruction("products", 8, 5, 1)).toThrow(
    refusal("halfRange: expected a perfect square for products, got 8"),
  );
  expect(() => parityObstruction("rssp", 4, -1, 1)).toThrow(
    refusal("items: expected an integer in 0..65536, got -1"),
  );
  expect(() => predictFailure("rssp", 2 ** 21, 5, 1)).toThrow(
    refusal("halfRange: expected an integer in 1..1048576, got 2097152"),
  );
});
