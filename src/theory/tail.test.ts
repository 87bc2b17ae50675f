// The exact tail against enumeration and another program; its laws and bounds against it.

import { expect, test } from "vitest";
import fixture from "../../test/fixtures/tail.json" with { type: "json" };
import { oraclePool, oracleSums } from "../../test/oracle.ts";
import { isProduct } from "../ensemble.ts";
import { RequestError } from "../errors.ts";
import { followUp } from "./paper.ts";
import { divisorFailure, exactTail, leastKappa, magnitudesOf, tailTerms } from "./tail.ts";
import type { SubsetEnsemble } from "./window.ts";

/** Every instance of n items. */
function* instances(pool: readonly number[], n: number): Generator<number[]> {
  if (n === 0) yield [];
  else for (const rest of instances(pool, n - 1)) for (const item of pool) yield [...rest, item];
}

/** The share of all instances of n items that fail, by the sums of every subset. */
function enumerated(
  ensemble: SubsetEnsemble,
  halfRange: number,
  n: number,
  fails: (sums: Set<number>, items: readonly number[]) => boolean,
): number {
  const pool = oraclePool(ensemble, halfRange);
  let failures = 0;
  for (const items of instances(pool, n)) failures += Number(fails(oracleSums(ensemble, items), items));
  return failures / pool.length ** n;
}

const targetsOf = (halfRange: number) => Array.from({ length: 2 * halfRange + 1 }, (_, i) => i - halfRange);

test("The exact tail agrees with another program within the 13 digits of its numbers, up to 160 items", () => {
  for (const ensemble of ["rssp", "rssp0"] as const)
    for (const halfRange of [1, 2, 4, 6]) {
      const rows = fixture.rows.filter((row) => row.ensemble === ensemble && row.halfRange === halfRange);
      expect(rows.length).toBe(9);
      const { covered, targets } = exactTail(ensemble, halfRange, 160, [1, halfRange]);
      for (const row of rows)
        for (const [value, expected] of [
          [covered[row.items], row.covered],
          [targets[0]![row.items], row.one],
          [targets[1]![row.items], row.most],
        ] as const)
          expect(Math.abs(value! / expected - 1), `${ensemble} ${halfRange} ${row.items}`).toBeLessThan(
            1e-12,
          );
    }
});

const small = [
  ["rssp", 3, 4],
  ["rssp", 5, 3],
  ["rssp", 7, 3],
  ["rssp", 8, 3],
  ["rssp0", 2, 4],
  ["rssp0", 3, 4],
  ["products", 4, 3],
  ["products", 9, 3],
  ["products0", 4, 3],
] as const;

test.each(small)(
  "The exact tail of %s with M = %d counts all instances of up to %d items",
  (ensemble, M, items) => {
    const targets = targetsOf(M);
    const exact = exactTail(ensemble, M, items, targets);
    for (let n = 0; n <= items; n++) {
      const all = enumerated(ensemble, M, n, (sums) => !targets.every((target) => sums.has(target)));
      expect(exact.covered[n], `covered, ${n} items`).toBeCloseTo(all, 13);
      for (const t of [0, M - 1, M, M + 1, 2 * M])
        expect(exact.targets[t]![n], `target ${targets[t]}, ${n} items`).toBeCloseTo(
          enumerated(ensemble, M, n, (sums) => !sums.has(targets[t]!)),
          13,
        );
    }
  },
);

test("The share of items with a common divisor is that of all instances, for every target", () => {
  const gcd = (a: number, b: number): number => (b === 0 ? Math.abs(a) : gcd(b, a % b));
  const isObstructed = (items: readonly number[], target: number) => {
    const divisor = items.reduce(gcd, 0);
    return divisor === 0 || target % divisor !== 0;
  };
  for (const [ensemble, M, n] of [
    ["rssp", 12, 3],
    ["products", 9, 3],
  ] as const)
    for (const target of [1, 2, 3, 4]) {
      const counted = enumerated(ensemble, M, n, (_, items) => isObstructed(items, target));
      const failure = divisorFailure(magnitudesOf(ensemble, M), M, target)(n);
      expect(failure, `${ensemble} ${M}, target ${target}`).toBeCloseTo(counted, 13);
    }
  for (const ensemble of ["rssp0", "products0"] as const) {
    const counted = enumerated(ensemble, 4, 3, (_, items) => isObstructed(items, 1));
    expect(tailTerms(ensemble, 4, 3)[3]!.divisors).toBeCloseTo(counted, 13);
  }
});

test("No bound is above the exact tail, and the law is approached from below", () => {
  for (const [ensemble, M] of [
    ["rssp", 1],
    ["rssp", 6],
    ["rssp0", 4],
    ["products", 9],
    ["products0", 4],
  ] as const) {
    const { covered } = exactTail(ensemble, M, 100);
    const terms = tailTerms(ensemble, M, 100);
    let sharp = 0;
    for (const [n, { bound, divisors, trivial }] of terms.entries()) {
      expect(bound / covered[n]!, `${ensemble} ${M}, ${n} items`).toBeLessThan(1 + 1e-12);
      expect(divisors).toBeLessThanOrEqual(bound);
      expect(trivial / covered[n]!).toBeGreaterThan(1 - 1e-12);
      if (bound > 0.98 * covered[n]!) sharp++;
    }
    if (!isProduct(ensemble)) expect(sharp).toBeGreaterThan(50);
  }
  const { covered } = exactTail("rssp", 6, 100);
  const terms = tailTerms("rssp", 6, 100);
  const ratios = [16, 24, 40, 64, 100].map((n) => covered[n]! / terms[n]!.law!);
  expect(ratios.map((ratio) => ratio.toFixed(5))).toEqual([
    "1.05093",
    "1.01021",
    "1.00076",
    "1.00009",
    "1.00001",
  ]);
});

test("The trivial ticket fails as often as a target is no item itself", () => {
  for (const [ensemble, M, n] of [
    ["rssp", 2, 6],
    ["rssp0", 1, 5],
  ] as const) {
    const wanted = targetsOf(M).filter((target) => target !== 0);
    const counted = enumerated(
      ensemble,
      M,
      n,
      (_, items) => !wanted.every((target) => items.includes(target)),
    );
    expect(tailTerms(ensemble, M, n)[n]!.trivial).toBeCloseTo(counted, 13);
  }
  expect(tailTerms("products", 4, 100)[100]!.trivial).toBe(1);
});

test("The least kappa is the smallest with which the follow-up's form holds at every n", () => {
  const { covered } = exactTail("rssp", 6, 160);
  const failures = [...covered].map((failure, items) => ({ items, failure }));
  const { kappa, items } = leastKappa(6, failures)!;
  expect([kappa.toFixed(3), items]).toEqual(["1.584", 55]);
  const broken = (tried: number) =>
    failures.filter(({ items: n, failure }) => {
      const excess = n - 2 * Math.log(7);
      return excess > 0 && 2 * Math.exp(-(excess ** 2) / (tried * n)) < failure;
    });
  expect(broken(kappa * (1 + 1e-12))).toEqual([]);
  expect(broken(kappa * (1 - 1e-9)).map(({ items: n }) => n)).toEqual([items]);
  expect(1 - followUp("rssp", 6, 24, { kappa: 1.5 }).value).toBeLessThan(covered[24]!);
  expect(leastKappa(6, failures.slice(0, 3))).toBeUndefined();
});

test("A tail is refused for signed sums, and where its arguments are out of range", () => {
  const asks = [
    () => exactTail("rnpp" as SubsetEnsemble, 4, 4),
    () => exactTail("rssp", 13, 4),
    () => exactTail("products", 8, 4),
    () => exactTail("products", 25, 4),
    () => exactTail("rssp", 4, 161),
    () => exactTail("rssp", 4, 4, [5]),
    () => tailTerms("rssp", 2 ** 12 + 1, 4),
  ];
  for (const ask of asks) expect(ask, String(ask)).toThrow(RequestError);
  expect(asks[0]).toThrow("the items of rnpp have none");
});
