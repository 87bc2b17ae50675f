import { expect, test } from "vitest";
import fixture from "../test/fixtures/limits.json" with { type: "json" };
import { estimate, limits } from "./statistics.ts";

type Case = [successes: number, trials: number, tail: number, limit: string, rest: string];
const cases = fixture.limits as Case[];

const relativeError = (value: number, exact: string) => Math.abs(value / Number(exact) - 1);

test("Confidence limits have relative errors below 1e-14, and so have their distances from 1", () => {
  const errors = cases.flatMap(([s, n, tail, limit, rest]) => [
    { s, n, tail, side: "low", error: relativeError(limits(s, n, tail).low, limit) },
    { s, n, tail, side: "high", error: relativeError(limits(n - s, n, tail).high, rest) },
  ]);
  expect(errors.length).toBeGreaterThan(400);
  // A NaN is no small error.
  expect(errors.filter(({ error }) => !(error < 1e-14))).toEqual([]);
});

test("The lower limit of no successes is 0 and the upper limit of all successes is 1", () => {
  for (const trials of [1, 2, 1000, 2 ** 48]) {
    expect(limits(0, trials, 0.025).low).toBe(0);
    expect(limits(trials, trials, 0.025).high).toBe(1);
  }
});

test("The interval of an estimate holds the share of successes and shrinks as trials grow", () => {
  const widths = [1, 10, 1000, 1_000_000].map((scale) => {
    const { low, probability, high } = estimate(3 * scale, 8 * scale);
    expect([low, probability, high]).toEqual([low, probability, high].toSorted((a, b) => a - b));
    return high - low;
  });
  expect(widths).toEqual(widths.toSorted((a, b) => b - a));
});
