// The probabilities of a construction against tables made elsewhere and against enumeration, of products and of networks.

import { beforeAll, describe, expect, test } from "vitest";
import fixtures from "../../test/fixtures/lemma5.json";
import { refusal } from "../../test/refusal.ts";
import { lemma5, reachProbabilities, lemma5Schemes, type Chances } from "./construction.ts";

/** The values of u and v, as often as they come. */
function weights(N: number, zero: boolean): number[] {
  return Array.from({ length: 2 * N + 1 }, (_, i) => i - N).filter((w) => zero || w !== 0);
}

/** The subset sums of a list: bit s + offset for the sum s. */
function subsetSums(items: readonly number[], offset: number): bigint {
  let sums = 1n << BigInt(offset);
  for (const item of items) sums |= item > 0 ? sums << BigInt(item) : sums >> BigInt(-item);
  return sums;
}

const has = (sums: bigint, bit: number) => ((sums >> BigInt(bit)) & 1n) === 1n;

/** P(T is a subset sum of n products) at T = 0..N^2, by every multiset of n signed products. */
function byMultisets(N: number, n: number): number[] {
  const shares = new Map<number, number>();
  for (const u of weights(N, false).filter((u) => u > 0))
    for (const v of weights(N, false)) shares.set(u * v, (shares.get(u * v) ?? 0) + 1 / (2 * N * N));
  const values = [...shares];
  const met = new Array<number>(N * N + 1).fill(0);
  const visit = (at: number, items: readonly number[], probability: number) => {
    const [value, share] = values[at]!;
    if (at === values.length - 1) {
      const rest = n - items.length;
      const sums = subsetSums([...items, ...new Array<number>(rest).fill(value)], n * N * N);
      let mass = probability;
      for (let i = 1; i <= rest; i++) mass *= (share * (items.length + i)) / i;
      met.forEach((_, T) => (met[T]! += has(sums, T + n * N * N) ? mass : 0));
      return;
    }
    for (let more: readonly number[] = items, mass = probability; ; more = [...more, value]) {
      visit(at + 1, more, mass);
      if (more.length === n) return;
      mass *= (share * (more.length + 1)) / (more.length - items.length + 1);
    }
  };
  visit(0, [], 1);
  return met;
}

/** How many of all networks of h units represent T by each scheme, in the order of `lemma5Schemes`, at T = 0..N^2. */
function byNetworks(N: number, h: number, zero: boolean): number[][] {
  const units = weights(N, zero).flatMap((u) => weights(N, zero).map((v) => [u, v] as const));
  const counts = lemma5Schemes.map(() => new Array<number>(N * N + 1).fill(0));
  const offset = h * N * N;
  for (let network = 0; network < units.length ** h; network++) {
    const chosen = Array.from(
      { length: h },
      (_, q) => units[Math.floor(network / units.length ** q) % units.length]!,
    );
    const pool = (sign: number, from: number, to: number) =>
      subsetSums(
        chosen.slice(from, to).flatMap(([u, v]) => (u * sign > 0 && v !== 0 ? [u * v] : [])),
        offset,
      );
    const [right, left] = [pool(1, 0, h), pool(-1, 0, h)];
    const [half, otherHalf] = [pool(1, 0, h / 2), pool(-1, h / 2, h)];
    for (let T = 0; T <= N * N; T++) {
      const bit = T + offset;
      const met = [has(right, bit) && has(left, bit), has(right, bit), has(half, bit) && has(otherHalf, bit)];
      met.forEach((is, scheme) => (counts[scheme]![T]! += Number(is)));
    }
  }
  return counts;
}

/** The largest difference between the fixture's probabilities and those of pools, by bits. */
function discrepancy(pools: readonly (readonly Chances[])[]): number {
  let largest = 0;
  for (const { bits, zero, units, ...wanted } of fixtures.rows)
    for (const scheme of lemma5Schemes) {
      if (!wanted[scheme]) continue;
      const { success, failure } = lemma5(pools[bits]!, { units, zero, scheme });
      wanted[scheme].forEach((value, T) => {
        largest = Math.max(largest, Math.abs(success[T]! - value), Math.abs(1 - failure[T]! - value));
      });
    }
  return largest;
}

let pools: Chances[][];
beforeAll(() => {
  pools = [reachProbabilities(1, 64), reachProbabilities(2, 24), reachProbabilities(4, 16)];
});

describe("subset sums of products", () => {
  test.each([
    [1, [0, 1, 2, 12]],
    [2, [1, 3, 7, 12, 16]],
    [3, [2, 5, 7]],
    [4, [1, 3, 4]],
  ])("are those of every multiset, N = %d", (N, sizes) => {
    const chances = reachProbabilities(N, Math.max(...sizes));
    for (const n of sizes)
      byMultisets(N, n).forEach((met, T) => {
        const { success, failure } = chances[n]!;
        expect([n, T, success[T], failure[T]]).toEqual([
          n,
          T,
          expect.closeTo(met, 12),
          expect.closeTo(1 - met, 12),
        ]);
      });
  });

  test("fail as rarely as coins all fall on one side", () => {
    pools[0]!.forEach(({ failure }, n) => {
      expect(failure[0]).toBe(0);
      expect(failure[1]! * 2 ** n).toBeCloseTo(1, 12);
    });
  });

  test("refuse what would not end", () => {
    expect(() => reachProbabilities(8, 4)).toThrow(refusal("factor: expected an integer in 1..4, got 8"));
    expect(() => reachProbabilities(4, 65)).toThrow(refusal("most: expected an integer in 0..64, got 65"));
  });
});

describe("Lemma 5", () => {
  test("has the probabilities of another program, and no others", () => {
    expect(fixtures.rows).toHaveLength(84);
    expect(discrepancy(pools)).toBeLessThan(1e-11);
    const faulty = pools.map((chances) =>
      chances.map(({ success, failure }) => ({ success: success.slice(), failure })),
    );
    faulty[2]![5]!.success[7]! += 1e-6;
    expect(discrepancy(faulty)).toBeGreaterThan(1e-9);
    expect(discrepancy(pools.map((chances) => [chances[0]!, ...chances]))).toBeGreaterThan(0.01);
  });

  test.each([
    [1, 4, true],
    [1, 6, false],
    [2, 2, true],
    [2, 4, false],
    [4, 2, true],
  ])("counts every network, N = %d, %d units, zero %s", (N, units, zero) => {
    const reach = reachProbabilities(N, units);
    const all = weights(N, zero).length ** (2 * units);
    byNetworks(N, units, zero).forEach((counts, i) => {
      const { success, failure } = lemma5(reach, { units, zero, scheme: lemma5Schemes[i]! });
      counts.forEach((count, T) => {
        expect([lemma5Schemes[i], T, success[T]! * all]).toEqual([
          lemma5Schemes[i],
          T,
          expect.closeTo(count, 6),
        ]);
        expect([lemma5Schemes[i], T, failure[T]! * all]).toEqual([
          lemma5Schemes[i],
          T,
          expect.closeTo(all - count, 6),
        ]);
      });
    });
  });

  test("keeps the digits of small failures", () => {
    // A unit adds 1 for x > 0 with probability 1/4, and without zeros every unit serves one sign.
    const { failure } = lemma5(pools[0]!, { units: 64, zero: false, scheme: "nonnegative" });
    expect(failure[1]! / 0.75 ** 64).toBeCloseTo(1, 11);
    expect(lemma5(pools[0]!, { units: 64, zero: false, scheme: "split" }).failure[0]).toBe(0);
  });

  test("refuses more units than there are pools for, and odd halves", () => {
    const ask = (units: number, scheme: "pooled" | "split") => () =>
      lemma5(pools[2]!, { units, zero: true, scheme });
    expect(ask(17, "pooled")).toThrow(refusal("units: expected an integer in 0..16, got 17"));
    expect(ask(34, "split")).toThrow(refusal("units: expected an integer in 0..32, got 34"));
    expect(ask(7, "split")).toThrow(refusal("units: expected an even number for split, got 7"));
    expect(ask(32, "split")).not.toThrow();
  });
});
