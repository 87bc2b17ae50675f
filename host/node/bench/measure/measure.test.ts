import { describe, expect, test } from "vitest";
import { alternate, interval, median, repeated, spread } from "./measure.ts";

describe("the interval of a median", () => {
  test("has the ranks of published tables", () => {
    // Conover, Practical Nonparametric Statistics: ranks of the 95 % interval of a median.
    for (const [n, low, high] of [
      [6, 1, 6],
      [8, 1, 8],
      [9, 2, 8],
      [10, 2, 9],
      [20, 6, 15],
      [50, 18, 33],
      [100, 40, 61],
    ] as const) {
      const values = Array.from({ length: n }, (_, i) => ((i * 7) % n) + 1);
      values.sort((a, b) => Math.sin(a) - Math.sin(b));
      const ranks = Array.from({ length: n }, (_, i) => i + 1).toSorted((a, b) => Math.sin(a) - Math.sin(b));
      expect([n, interval(ranks)]).toEqual([n, { low, high }]);
    }
  });

  test("holds the median with a probability of 95 % or more", () => {
    // All 2^9 ways in which 9 values are above or below the true median, ranks 2..8.
    let held = 0;
    for (let ways = 0; ways < 2 ** 9; ways++) {
      const values = Array.from({ length: 9 }, (_, i) => ((ways >> i) & 1 ? 1 : -1) * (1 + i));
      const { low, high } = interval(values)!;
      if (low <= 0 && high >= 0) held++;
    }
    expect(held / 2 ** 9).toBeGreaterThanOrEqual(0.95);
  });

  test("is undefined for fewer than six values", () => {
    expect(interval([1, 2, 3, 4, 5])).toBeUndefined();
    expect(spread([1, 1, 1, 1, 1])).toBe(Infinity);
    expect(spread([9, 10, 10, 10, 10, 11])).toBeCloseTo(0.1);
    expect([median([3, 1, 2]), median([4, 1, 3, 2])]).toEqual([2, 3]);
  });
});

/** A clock that passes alone advance, and candidates with a list of costs each, whose last cost repeats. */
function staged(lists: Record<string, readonly number[]>) {
  let clock = 0;
  const order: string[] = [];
  const candidates = Object.fromEntries(
    Object.entries(lists).map(([name, list]) => {
      let turn = 0;
      return [
        name,
        () => {
          order.push(name);
          const cost = list[Math.min(turn++, list.length - 1)]!;
          clock += 1000 * cost;
          return cost;
        },
      ];
    }),
  );
  return { candidates, order, now: () => clock };
}

/** Costs that never settle. */
const noisy = Array.from({ length: 500 }, (_, i) => 1 + ((i * 37) % 11) / 10);

describe("alternation", () => {
  test("reverses the order every round, and discards two rounds that warm up", async () => {
    const { candidates, order, now } = staged({ a: [9, 9, 1, 2], b: [9, 9, 3, 4] });
    const costs = await alternate(candidates, { rounds: 2, seconds: 1, now });
    expect(costs).toEqual({ a: [1, 2], b: [3, 4] });
    expect(order.join("")).toBe("abbaabba");
  });

  test("ends after six rounds when every median is known", async () => {
    const { candidates, now } = staged({ a: [1], b: [2] });
    expect((await alternate(candidates, { seconds: 1e9, now }))!.a).toHaveLength(6);
  });

  test("ends after six rounds when all ratios are known, though no median is", async () => {
    const { candidates, now } = staged({ a: noisy, b: noisy.map((cost) => 3 * cost) });
    expect((await alternate(candidates, { seconds: 1e9, now }))!.b).toHaveLength(6);
  });

  test("otherwise goes on until the time is up or 100 rounds are done", async () => {
    const half = staged({ a: noisy, b: [1] });
    const timedOut = (await alternate(half.candidates, { seconds: 50, now: half.now }))!;
    // Two rounds warm up, and about 20 take 1.5 + 1 seconds each.
    expect(timedOut.a!.length).toBeGreaterThan(14);
    expect(timedOut.a!.length).toBeLessThan(22);
    expect(timedOut.b).toHaveLength(timedOut.a!.length);
    const long = staged({ a: noisy, b: [1] });
    expect((await alternate(long.candidates, { seconds: 1e9, now: long.now }))!.a).toHaveLength(100);
    const slow = staged({ a: noisy });
    expect((await alternate(slow.candidates, { seconds: 0.001, now: slow.now }))!.a).toHaveLength(6);
  });

  test("does the number of rounds that is asked for", async () => {
    const { candidates, now } = staged({ a: [1] });
    expect((await alternate(candidates, { rounds: 3, seconds: 1e-9, now }))!.a).toHaveLength(3);
    expect((await alternate(candidates, { rounds: 20, seconds: 1e9, now }))!.a).toHaveLength(20);
  });

  test("discards the round in which it is stopped", async () => {
    for (const [passes, expected] of [
      [1, undefined],
      [5, undefined],
      [7, { a: [1], b: [1] }],
    ] as const) {
      const stop = new AbortController();
      let done = 0;
      const pass = () => {
        if (++done === passes) stop.abort();
        return 1;
      };
      const costs = await alternate({ a: pass, b: pass }, { seconds: 1e9, signal: stop.signal });
      expect([passes, costs]).toEqual([passes, expected]);
    }
  });

  test("has no costs of a candidate that this machine lacks", async () => {
    const costs = await alternate({ a: () => 1, b: undefined }, { rounds: 1, seconds: 1 });
    expect(costs).toEqual({ a: [1] });
  });
});

test("a repeated pass finds the number of repetitions that lasts long enough, and keeps it", async () => {
  const asked: number[] = [];
  const pass = repeated(10, (times) => {
    asked.push(times);
    return times * 1e-4;
  });
  expect(await pass()).toBeCloseTo(1e-5);
  expect(asked.at(-1)! * 1e-4).toBeGreaterThan(0.01);
  const [calls, times] = [asked.length, asked.at(-1)];
  await pass();
  expect(asked.slice(calls)).toEqual([times]);
});
