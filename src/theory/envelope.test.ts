// Bounds against the truth: exact probabilities by enumeration, here and elsewhere, never leave them; the numbers
// themselves against a program that shares no code with this.

import { describe, expect, test } from "vitest";
import exact from "../../test/fixtures/exact.json";
import fixtures from "../../test/fixtures/theory.json";
import { oraclePool, oracleSums } from "../../test/oracle.ts";
import { ensembles, type Ensemble } from "../ensemble.ts";
import { envelope, lowerBounds, upperBounds, type EnvelopePoint } from "./envelope.ts";

/** The bounds that a probability of failure breaks. */
function broken({ bounds }: Pick<EnvelopePoint, "bounds">, failure: number): string[] {
  return bounds
    .filter((bound) =>
      bound.kind === "upper"
        ? bound.failure > failure || bound.value < 1 - failure
        : bound.failure < failure || bound.value > 1 - failure,
    )
    .map(({ name }) => name);
}

function bound({ bounds }: EnvelopePoint, name: string): number | undefined {
  return bounds.find((bound) => bound.name === name)?.value;
}

function failureOf({ bounds }: EnvelopePoint, name: string): number {
  return bounds.find((bound) => bound.name === name)!.failure;
}

function pointsOf(
  ensemble: Ensemble,
  halfRange: number,
  items: number,
  targets: readonly number[],
): readonly EnvelopePoint[] {
  return envelope(ensemble, halfRange, { from: items, to: items }, targets).points;
}

function only(ensemble: Ensemble, halfRange: number, items: number, target: number): EnvelopePoint {
  return pointsOf(ensemble, halfRange, items, [target])[0]!;
}

function choose(n: number, k: number): number {
  let ways = 1;
  for (let i = 0; i < k; i++) ways = (ways * (n - i)) / (i + 1);
  return ways;
}

test("Moments, bounds and predictions are those of an independent program", () => {
  const names = fixtures.boundColumns;
  expect(fixtures.bounds.length).toBeGreaterThan(150);
  let compared = 0;
  for (const row of fixtures.bounds) {
    const [ensemble, halfRange, items, target] = row as [Ensemble, number, number, number];
    const point = only(ensemble, halfRange, items, target);
    for (const [i, name] of names.entries()) {
      if (i < 4) continue;
      const prediction = point.predictions.find((prediction) => prediction.name === name)?.value;
      const got = name === "first" || name === "second" ? point[name] : (bound(point, name) ?? prediction);
      const wanted = row[i] as number;
      if (!(Math.abs(got! / wanted - 1) < 1e-9)) expect([row, name, got]).toEqual([row, name, wanted]);
      compared++;
    }
  }
  expect(compared).toBe(9 * fixtures.bounds.length);
});

describe("Bounds against enumeration", () => {
  test("Instances that another program counted break no bound", () => {
    const seen = new Set<string>();
    for (const ensemble of ["rssp", "rssp0", "rnpp"] as const)
      for (const halfRange of [1, 2, 3, 4, 5, 6, 8, 12, 16, 24, 32, 64]) {
        const rows = exact.rows.filter((row) => row.ensemble === ensemble && row.halfRange === halfRange);
        const targets = rows[0]!.solved.map((_, target) => target);
        const { points } = envelope(
          ensemble,
          halfRange,
          { from: 0, to: Math.max(...rows.map(({ items }) => items)) },
          targets,
        );
        for (const row of rows)
          for (const target of targets) {
            const point = points[row.items * targets.length + target]!;
            expect([point.items, point.target]).toEqual([row.items, target]);
            const failure =
              Number(BigInt(row.instances) - BigInt(row.solved[target]!)) / Number(row.instances);
            expect([point, broken(point, failure)]).toEqual([point, []]);
            for (const { name } of point.bounds) seen.add(`${ensemble} ${name}`);
          }
      }
    const all = [...upperBounds, ...lowerBounds]
      .filter((name) => name !== "parity")
      .map((name) => `rssp ${name}`);
    expect([...seen]).toEqual(
      expect.arrayContaining([...all, "rnpp parity", "rnpp divisor", "rnpp ds", "rssp0 range"]),
    );
  });

  test.each(ensembles)("All instances of %s of up to 4 items break no bound", (ensemble) => {
    for (const halfRange of ensemble.startsWith("products") ? [1, 4, 9] : [1, 2, 5]) {
      const pool = oraclePool(ensemble, halfRange);
      const targets = Array.from({ length: 2 * (halfRange + 2) + 1 }, (_, i) => i - halfRange - 2);
      const most = pool.length > 9 ? 3 : 4;
      const { points } = envelope(ensemble, halfRange, { from: 0, to: most }, targets);
      let chosen: number[][] = [[]];
      for (let items = 0; items <= most; items++) {
        const sums = chosen.map((values) => oracleSums(ensemble, values));
        targets.forEach((target, t) => {
          const failure = sums.filter((reached) => !reached.has(target)).length / sums.length;
          const point = points[items * targets.length + t]!;
          expect([point, broken(point, failure)]).toEqual([point, []]);
          expect(point.lower.value).toBeLessThanOrEqual(point.upper.value);
        });
        chosen = chosen.flatMap((values) => pool.map((value) => [...values, value]));
      }
    }
  });

  test("A wrong probability breaks a bound", () => {
    const point = only("rssp", 2, 8, 2);
    const failure = 5 / 2 ** 8;
    expect(broken(point, failure)).toEqual([]);
    expect(broken(point, 0.5)).toEqual(expect.arrayContaining(["ds_cond", "amplification"]));
    expect(broken(point, 2 ** -9)).toContain("range");
    expect(
      broken({ bounds: point.bounds.map((bound) => ({ ...bound, failure: 1 - bound.failure })) }, failure),
    ).not.toEqual([]);
  });
});

describe("Obstructions", () => {
  test("The range obstruction is the probability that the positive items are too few or too small", () => {
    for (const M of [3, 16, 64])
      for (const n of [1, 5, 12, 40]) {
        const targets = [...new Set([1, 2, M - 1, M, M + 1])];
        const points = pointsOf("rssp", M, n, [...targets, ...targets.map((t) => -t)]);
        const failures = points.map((point) => failureOf(point, "range"));
        expect(failures.slice(targets.length)).toEqual(failures.slice(0, targets.length));
        for (const [i, t] of targets.entries()) {
          let failure = 0;
          for (let j = 0; j <= n; j++) failure += (choose(n, j) / 2 ** n) * (choose(t - 1, j) / M ** j);
          expect(failures[i]! / failure).toBeCloseTo(1, 8);
        }
      }
  });

  test("The range obstruction is the whole failure probability for M = 1", () => {
    for (const n of [2, 7, 20])
      for (const t of [1, 2, n]) {
        const few = (p: number) =>
          Array.from({ length: t }, (_, j) => choose(n, j) * p ** j * (1 - p) ** (n - j)).reduce(
            (a, b) => a + b,
          );
        expect(failureOf(only("rssp", 1, n, t), "range") / few(1 / 2)).toBeCloseTo(1, 8);
        expect(failureOf(only("rssp0", 1, n, t), "range") / few(1 / 3)).toBeCloseTo(1, 8);
      }
  });

  test("The divisor obstruction contains the parity of products", () => {
    for (const k of [1, 2, 3, 4])
      for (const n of [1, 6, 24]) {
        const [N, M] = [2 ** k, 4 ** k];
        const powers = Array.from({ length: k - 1 }, (_, j) => 2 ** (j + 1));
        const points = pointsOf("products", M, n, [1, M - 1, ...powers]);
        const [one, most, ...even] = points.map((point) => failureOf(point, "divisor"));
        expect(one! / 0.75 ** n).toBeCloseTo(1, 8);
        expect(most! / 0.75 ** n).toBeCloseTo(1, 8);
        const zeros = failureOf(only("products0", M, n, 1), "divisor");
        expect(zeros / (1 - N / (2 * (2 * N + 1))) ** n).toBeCloseTo(1, 8);
        for (const [i, failure] of even.entries())
          expect(failure / ((i + 4) / 2 ** (i + 3)) ** n).toBeGreaterThan(1 - 1e-9);
      }
    // 5 of 16 numbers are divisible by 3, and 256 is not: products divisible by 3 alone never sum to it.
    expect(failureOf(only("products", 256, 20, 256), "divisor") / (1 - (11 / 16) ** 2) ** 20).toBeCloseTo(
      1,
      8,
    );
  });

  test("The parity obstruction of rnpp is exact", () => {
    expect(bound(only("rnpp", 4, 9, 1), "parity")).toBeCloseTo(0.5, 9);
    expect(bound(only("rnpp", 3, 2, 0), "parity")).toBeCloseTo(5 / 9, 9);
    expect(bound(only("rnpp", 1, 5, 0), "parity")).toBe(0);
  });
});

describe("Points of an envelope", () => {
  const { points, conditionalTo } = envelope("rssp", 16, { from: 1, to: 24 }, [1, 16, 0]);

  test("Points are ordered by items, then by targets as given", () => {
    expect(points.map(({ items, target }) => [items, target])).toEqual(
      Array.from({ length: 24 }, (_, i) => [1, 16, 0].map((target) => [i + 1, target])).flat(),
    );
    expect(conditionalTo).toBe(24);
  });

  test("Conditional bounds are sharper, and Dawson-Sankoff's is never below Cauchy-Schwarz's", () => {
    for (const point of points) {
      expect(bound(point, "ds")!).toBeGreaterThanOrEqual(bound(point, "cs")!);
      expect(bound(point, "ds_cond")!).toBeGreaterThanOrEqual(bound(point, "cs_cond")!);
      expect(bound(point, "cs_cond")!).toBeGreaterThan(bound(point, "cs")! * (1 - 1e-9));
      expect(bound(point, "markov_cond")!).toBeLessThanOrEqual(bound(point, "markov")! * (1 + 1e-9));
      expect(point.lower.value).toBe(
        Math.max(...point.bounds.filter(({ kind }) => kind === "lower").map(({ value }) => value)),
      );
      expect(point.upper.value).toBe(
        Math.min(...point.bounds.filter(({ kind }) => kind === "upper").map(({ value }) => value)),
      );
    }
  });

  test("The amplified failure falls with the items, by products over disjoint groups", () => {
    const far = envelope("rssp", 16, { from: 0, to: 64 }, [16]).points.map((point) =>
      failureOf(point, "amplification"),
    );
    far.forEach((failure, n) => {
      if (n > 0) expect(failure).toBeLessThanOrEqual(far[n - 1]! * (1 + 1e-9));
      if (n > 0)
        expect(failure).toBeLessThanOrEqual(far[Math.floor(n / 2)]! * far[Math.ceil(n / 2)]! * (1 + 1e-9));
    });
    expect(far[64]).toBeLessThan(1e-5);
    expect(far[64]).toBeGreaterThan(2 ** -64);
  });

  test("Target 0 is always reached, except by signed sums", () => {
    for (const n of [0, 1, 9]) {
      expect(only("rssp", 16, n, 0)).toMatchObject({
        lower: { name: "empty", value: 1, failure: 0 },
        upper: { value: 1, failure: 0 },
      });
      expect(only("rssp", 16, n, 0).predictions).toEqual([{ name: "poisson", value: 1, failure: 0 }]);
    }
    expect(only("rnpp", 16, 1, 0).upper.value).toBe(0);
    expect(only("rnpp", 16, 0, 0)).toMatchObject({ first: 1, second: 1 });
  });

  test("Only 0 is reached without items, and no target beyond n M", () => {
    for (const ensemble of ensembles)
      for (const [n, t] of [
        [0, 1],
        [0, -4],
        [3, 13],
        [3, 2 ** 31 - 1],
      ] as const)
        expect(only(ensemble, 4, n, t)).toMatchObject({
          first: 0,
          lower: { value: 0 },
          upper: { value: 0, failure: 1 },
        });
  });

  test("Conditional second moments stop at the allowed work, and amplification goes on", () => {
    const limited = envelope("rssp", 16, { from: 1, to: 24 }, [1, 16, 0], 10 ** 5);
    expect(limited.conditionalTo).toBe(11);
    limited.points.forEach((point, i) => {
      expect(bound(point, "ds_cond")).toBe(point.items <= 11 ? bound(points[i]!, "ds_cond") : undefined);
      expect(bound(point, "markov_cond")).toBe(bound(points[i]!, "markov_cond"));
    });
    const last = limited.points.at(-2)!;
    expect(last.lower.name).toBe("amplification");
    expect(last.lower.value).toBeGreaterThan(bound(last, "ds")!);
    expect(envelope("rssp", 16, { from: 1, to: 3 }, [1], 0).conditionalTo).toBe(0);
    expect(envelope("rnpp", 16, { from: 1, to: 3 }, [1]).conditionalTo).toBe(-1);
    expect(() => envelope("rssp", 16, { from: 1, to: 3 }, [1], -1)).toThrow(
      "work: expected a number from 0 up, got -1",
    );
  });

  test("Predictions are close to enumeration", () => {
    for (const row of exact.rows.filter(({ halfRange, items }) => halfRange >= 4 && items >= 8))
      for (const target of [1, row.halfRange].filter((target) => target < row.solved.length)) {
        const { predictions } = only(row.ensemble as Ensemble, row.halfRange, row.items, target);
        const truth = Number(row.solved[target]) / Number(row.instances);
        expect(Math.abs(predictions[0]!.value - truth)).toBeLessThan(0.05);
      }
  });
});
