// Moments against enumeration: of every small instance here, and of larger ones by programs that share no code with this.

import { describe, expect, test } from "vitest";
import { RequestError } from "../errors.ts";
import fixtures from "../../test/fixtures/theory.json";
import { oraclePool } from "../../test/oracle.ts";
import { ensembles, type Ensemble } from "../ensemble.ts";
import { moments, pairMoment, pairsOf, slicesOf, momentTables } from "./moments.ts";

/** The relative error, infinite where one of the two is 0 alone. */
function error(got: number, wanted: number): number {
  if (wanted === 0) return got === 0 ? 0 : Infinity;
  return Math.abs(got / wanted - 1);
}

/** Every instance: its total, and how many of its subsets (or signed sums) have each sum. */
function* instances(ensemble: Ensemble, halfRange: number, items: number) {
  const pool = oraclePool(ensemble, halfRange);
  for (let index = 0; index < pool.length ** items; index++) {
    const chosen = Array.from(
      { length: items },
      (_, i) => pool[Math.floor(index / pool.length ** i) % pool.length]!,
    );
    const hits = new Map<number, number>();
    for (let subset = 0; subset < 2 ** items; subset++) {
      const taken = (i: number) => Math.floor(subset / 2 ** i) % 2;
      const sum = chosen.reduce(
        (sum, item, i) => sum + (ensemble === "rnpp" ? (2 * taken(i) - 1) * item : taken(i) * item),
        0,
      );
      hits.set(sum, (hits.get(sum) ?? 0) + 1);
    }
    yield { lambda: chosen.reduce((sum, item) => sum + item, 0), hits };
  }
}

const cases = ensembles.flatMap((ensemble) =>
  (ensemble.startsWith("products") ? [1, 4] : [1, 2, 3]).flatMap((halfRange) =>
    [0, 1, 2, 3, 4].map((items) => ({ ensemble, halfRange, items })),
  ),
);

describe("all instances of up to 4 items", () => {
  test.each(cases)("$ensemble, half range $halfRange, $items items", ({ ensemble, halfRange, items }) => {
    const extent = items * halfRange + 2;
    const targets = Array.from({ length: 2 * extent + 1 }, (_, i) => i - extent);
    const first = targets.map(() => 0);
    const second = targets.map(() => 0);
    const slices = new Map<string, { probability: number; first: number; second: number }>();
    const pair = [0, 0, 0];
    let count = 0;
    for (const { lambda, hits } of instances(ensemble, halfRange, items)) {
      count++;
      const at = (target: number) => hits.get(target) ?? 0;
      targets.forEach((target, i) => {
        first[i]! += at(target);
        second[i]! += at(target) ** 2;
        const slice = slices.get(`${target} ${lambda}`) ?? { probability: 0, first: 0, second: 0 };
        slices.set(`${target} ${lambda}`, {
          probability: slice.probability + 1,
          first: slice.first + at(target),
          second: slice.second + at(target) ** 2,
        });
      });
      [0, 1, 2].forEach((z) => (pair[z]! += at(z) * at(2)));
    }
    const got = moments(ensemble, halfRange, { from: items, to: items }, targets);
    expect(got.map(({ target }) => target)).toEqual(targets);
    got.forEach((moment, i) => {
      expect(error(moment.first, first[i]! / count), `first at ${moment.target}`).toBeLessThan(1e-14);
      expect(error(moment.second, second[i]! / count), `second at ${moment.target}`).toBeLessThan(1e-14);
    });
    if (ensemble === "rnpp") {
      pair.forEach((sum, z) =>
        expect(error(pairMoment(halfRange, items, z, 2), sum / count)).toBeLessThan(1e-14),
      );
      return;
    }
    const theory = momentTables(ensemble, halfRange, items + 1);
    for (const target of targets) {
      const { offset, ...tables } = slicesOf(theory, items, target, pairsOf(theory, target));
      expect(tables.first).toHaveLength(2 * items * halfRange + 1);
      for (let i = 0; i < tables.first.length; i++) {
        const slice = slices.get(`${target} ${i + offset}`) ?? { probability: 0, first: 0, second: 0 };
        for (const name of ["probability", "first", "second"] as const)
          expect(
            error(tables[name]![i]!, slice[name] / count),
            `${name} of ${target} at ${i + offset}`,
          ).toBeLessThan(1e-14);
      }
    }
  });
});

describe("larger sizes", () => {
  test("enumerated elsewhere are exact to 1e-13", () => {
    expect(fixtures.exact.length).toBeGreaterThan(200);
    for (const row of fixtures.exact) {
      const got = moments(
        row.ensemble as Ensemble,
        row.halfRange,
        { from: row.items, to: row.items },
        row.targets,
      );
      // The counts pass 2^53, which leaves their quotient within 2^-52.
      got.forEach(({ first, second }, i) => {
        expect(error(first, Number(row.first[i]) / Number(row.instances))).toBeLessThan(1e-13);
        expect(error(second, Number(row.second[i]) / Number(row.instances))).toBeLessThan(1e-13);
      });
    }
  });

  test.each(ensembles.filter((ensemble) => ensemble !== "rnpp"))(
    "slices of %s sum to the whole",
    (ensemble) => {
      const theory = momentTables(ensemble, 64, 14);
      for (const target of [-65, 0, 1, 63, 64, 300]) {
        const pairs = pairsOf(theory, target);
        for (const { items, first, second } of moments(ensemble, 64, { from: 6, to: 14 }, [target])) {
          const slices = slicesOf(theory, items, target, pairs);
          const sum = (values: Float64Array) => values.reduce((total, value) => total + value, 0);
          expect(error(sum(slices.probability), 1)).toBeLessThan(1e-13);
          expect(error(sum(slices.first), first), `first of ${target}, ${items} items`).toBeLessThan(1e-13);
          expect(error(sum(slices.second!), second), `second of ${target}, ${items} items`).toBeLessThan(
            1e-13,
          );
        }
      }
    },
  );

  test("every subset is counted at one target", () => {
    for (const ensemble of ensembles) {
      const targets = Array.from({ length: 2 * 9 * 10 + 1 }, (_, i) => i - 90);
      const sum = moments(ensemble, 9, { from: 10, to: 10 }, targets).reduce(
        (sum, { first }) => sum + first,
        0,
      );
      expect(error(sum, 2 ** 10), ensemble).toBeLessThan(1e-13);
    }
  });

  test("numbers of items of a range and targets share nothing but work", () => {
    const together = moments("products0", 16, { from: 0, to: 9 }, [7, -16, 0]);
    expect(together.map(({ items, target }) => [items, target])).toEqual(
      Array.from({ length: 10 }, (_, n) => [7, -16, 0].map((target) => [n, target])).flat(),
    );
    for (const moment of together)
      expect(moments("products0", 16, { from: moment.items, to: moment.items }, [moment.target])).toEqual([
        moment,
      ]);
  });

  test("targets that no sum reaches have no moments", () => {
    for (const ensemble of ensembles)
      for (const moment of moments(ensemble, 4, { from: 0, to: 3 }, [13, -13, 2 ** 31 - 1, -(2 ** 31)]))
        expect(moment).toMatchObject({ first: 0, second: 0 });
    expect(pairMoment(5, 4, 1, 2)).toBe(0);
  });
});

test("a fault in a moment or in one probability is seen", () => {
  const { first } = moments("rssp", 2, { from: 3, to: 3 }, [1])[0]!;
  let sum = 0;
  for (const { hits } of instances("rssp", 2, 3)) sum += hits.get(1) ?? 0;
  expect(error(first, sum / 4 ** 3)).toBeLessThan(1e-14);
  expect(error(first * (1 + 1e-12), sum / 4 ** 3)).toBeGreaterThan(1e-13);
  const theory = momentTables("rssp", 2, 3);
  theory.sums[2]!.mass[3]! *= 1 + 1e-9;
  const { second } = slicesOf(theory, 3, 1, pairsOf(theory, 1));
  const whole = second!.reduce((total, value) => total + value, 0);
  expect(error(whole, moments("rssp", 2, { from: 3, to: 3 }, [1])[0]!.second)).toBeGreaterThan(1e-13);
});

describe("refusals", () => {
  test.each([
    [
      () => moments("coins" as never, 4, { from: 1, to: 2 }, [1]),
      'ensemble: expected one of rssp, rssp0, rnpp, products, products0, got "coins"',
    ],
    [
      () => moments("rssp", 8192, { from: 1, to: 2 }, [1]),
      "halfRange: expected an integer in 1..4096, got 8192",
    ],
    [() => moments("rssp", 4, { from: 3, to: 2 }, [1]), "items: expected A..B with A not above B, got 3..2"],
    [() => moments("rssp", 4, { from: 0, to: 65 }, [1]), "items.to: expected an integer in 0..64, got 65"],
    [
      () => moments("rssp", 4, { from: 0, to: 1 }, [1, 0.5]),
      "targets.1: expected an integer in -2147483648..2147483647, got 0.5",
    ],
    [() => pairMoment(4, -1, 0, 0), "items.from: expected an integer in 0..64, got -1"],
  ])("case %#", (ask, message) => {
    expect(ask).toThrow(RequestError);
    expect(ask).toThrow(message);
  });
});
