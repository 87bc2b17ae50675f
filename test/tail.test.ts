// The tail by trials against the exact tail and against numbers of another program; its intervals; its requests.

import { afterAll, beforeAll, expect, test } from "vitest";
import { cpuRunner } from "../host/cpu/runner.ts";
import { measureTail } from "../host/experiments/tail.ts";
import { startThread } from "../host/node/platform/threads.ts";
import { referenceRunner } from "../host/reference.ts";
import type { Runner } from "../host/runner.ts";
import type { TailRequest } from "../src/experiments/tail.ts";
import type { Failure } from "../src/finding.ts";
import { exactTail } from "../src/theory/tail.ts";
import type { SubsetEnsemble } from "../src/theory/window.ts";

let cpu: Runner;
beforeAll(async () => {
  cpu = await cpuRunner(2, startThread);
});
afterAll(() => cpu.close());

/** How many standard errors a probability is from the truth, on a logarithmic scale. */
function distance({ failure, high }: Failure, truth: number): number {
  const error = Math.log(high / failure) / 1.96;
  // Divisors may decide all but a millionth, of which trials see nothing.
  return Math.abs(Math.log(failure / truth)) / Math.max(error, 1e-6);
}

/** Exact tails, with those of the targets 1 and M, by ensemble and half range. */
const exactTails = new Map<string, ReturnType<typeof exactTail>>();

/** An exact tail to a number of items or further, which is computed anew only where the last one of its ensemble was shorter. */
function exactOf(ensemble: SubsetEnsemble, halfRange: number, items: number): ReturnType<typeof exactTail> {
  const key = `${ensemble} ${halfRange}`;
  const known = exactTails.get(key);
  if (known && known.covered.length > items) return known;
  const exact = exactTail(ensemble, halfRange, items, [1, halfRange]);
  exactTails.set(key, exact);
  return exact;
}

/** The largest distance of estimates from the exact tail, of -M..M and of the targets 1 and M. */
async function largestDistance(
  ensemble: SubsetEnsemble,
  halfRange: number,
  request: TailRequest,
): Promise<number> {
  const targets = [1, halfRange];
  const findings = await measureTail(cpu, {
    ensemble,
    halfRange,
    targets,
    method: "conditional",
    ...request,
  });
  const exact = exactOf(ensemble, halfRange, findings.at(-1)!.items);
  let largest = 0;
  for (const { items, covered, targets: missed } of findings) {
    largest = Math.max(largest, distance(covered, exact.covered[items]!));
    for (const { target, ...failure } of missed)
      largest = Math.max(largest, distance(failure, exact.targets[targets.indexOf(target)]![items]!));
  }
  return largest;
}

const supports = ["rssp", "rssp0"] as const;
const cases = supports.flatMap((ensemble) => [1, 2, 4, 6].map((M) => [ensemble, M] as const));

test.each(cases)(
  "Trials of %s with M = %d are within 5 standard errors of the exact tail",
  async (ensemble, M) => {
    for (const items of [40, 12, 3])
      expect(await largestDistance(ensemble, M, { items, trials: 1000 }), `${items} items`).toBeLessThan(5);
  },
);

test.each([
  ["rssp", 6],
  ["products", 4],
  ["products", 9],
] as const)(
  "Trials of more than 64 %s with M = %d are within 5 standard errors of the exact tail",
  async (ensemble, M) => {
    for (const items of [160, 126, 100, 65])
      expect(await largestDistance(ensemble, M, { items, trials: 400 }), `${items} items`).toBeLessThan(5);
  },
);

test.each([
  ...supports.flatMap((ensemble) => [1, 2, 3, 4, 5, 6, 7, 8].map((M) => [ensemble, M, 64] as const)),
  ["products", 9, 64],
  ["products0", 9, 64],
  ["products", 16, 40],
] as const)(
  "Trials of %s with M = %d are within 5 standard errors of the exact tail for each of 1 to %d items",
  { tags: ["wide"] },
  async (ensemble, M, to) => {
    const items = { from: 1, to };
    const trials = ensemble === "products" ? 5000 : 2000;
    expect(await largestDistance(ensemble, M, { items, trials })).toBeLessThan(5);
  },
);

test("Trials find what few odd products miss", async () => {
  // The numbers are those of the exact dynamic program of another program, and of its trials for N = 8.
  const request = { ensemble: "products", items: 64, method: "conditional", trials: 20_000 } as const;
  const [four] = await measureTail(cpu, { ...request, halfRange: 16 });
  expect(Math.abs(four!.covered.failure - 1.009080742e-8)).toBeLessThan(1.5e-14);
  expect(four!.covered.high - four!.covered.low).toBeLessThan(2e-14);
  const [eight] = await measureTail(cpu, { ...request, halfRange: 64 });
  expect(Math.abs(eight!.covered.failure / 1.01037e-8 - 1)).toBeLessThan(2e-4);
});

/** P(some target of -M..M is missed), to about 3 digits, or 2 where it is written with two; by another program's trials. */
const tables = [
  { halfRange: 16, items: 24, failure: 1.024e-4, within: 0.01 },
  { halfRange: 16, items: 64, failure: 9.3e-15, within: 0.03 },
  { halfRange: 64, items: 20, failure: 3.16e-3, within: 0.02 },
  { halfRange: 64, items: 64, failure: 4.3e-14, within: 0.04 },
  { halfRange: 256, items: 32, failure: 1.14e-5, within: 0.03 },
  { halfRange: 256, items: 64, failure: 9.7e-14, within: 0.06 },
  { halfRange: 1024, items: 20, failure: 3.86e-2, within: 0.05 },
  { halfRange: 1024, items: 64, failure: 2.0e-13, within: 0.15 },
] as const;

test("Large half ranges have the tails that another program measured", async () => {
  for (const { failure, within, ...size } of tables) {
    const [finding] = await measureTail(cpu, { ...size, trials: 4000 });
    const { covered } = finding!;
    const error = Math.log(covered.high / covered.failure) / 1.96;
    expect(Math.abs(Math.log(covered.failure / failure)), JSON.stringify(size)).toBeLessThan(
      within + 4 * error,
    );
    expect(error).toBeLessThan(0.1);
  }
});

/** The numbers of 1000 seeds whose 95 % intervals contain the truth: that of a missed target of -M..M, of missing 1, and of M. */
async function coverage(
  ensemble: SubsetEnsemble,
  halfRange: number,
  items: number,
  trials: number,
): Promise<number[]> {
  const targets = [1, halfRange];
  const exact = exactOf(ensemble, halfRange, items);
  const truths = [exact.covered[items]!, ...exact.targets.map((values) => values[items]!)];
  const counts = truths.map(() => 0);
  for (let seed = 1; seed <= 1000; seed++) {
    const request = { ensemble, halfRange, items, targets, method: "conditional", trials, seed } as const;
    const [finding] = await measureTail(cpu, request);
    for (const [i, { low, high }] of [finding!.covered, ...finding!.targets].entries())
      counts[i]! += Number(low <= truths[i]! && truths[i]! <= high);
  }
  return counts;
}

test.each([
  ["rssp", 6, 20, 2000],
  // A trial is one of each number of items that are not 0.
  ["rssp0", 5, 4, 1000],
  // Without trials of few odd numbers, 871 and 858 intervals of -M..M and of 1 would contain the truth.
  ["products", 9, 16, 2000],
] as const)(
  "The 95 % intervals of %s with M = %d and %d items contain the truth for 93 to 97 % of 1000 seeds",
  { tags: ["wide"], timeout: 600_000 },
  async (ensemble, halfRange, items, trials) => {
    for (const count of await coverage(ensemble, halfRange, items, trials)) {
      expect(count).toBeGreaterThanOrEqual(930);
      expect(count).toBeLessThanOrEqual(970);
    }
  },
);

test("A tail has the same numbers on every engine, for every cut into batches", async () => {
  const request = { halfRange: 9, items: { from: 3, to: 5 }, trials: 200 } as const;
  const [a, b] = await Promise.all([cpu, referenceRunner()].map((engine) => measureTail(engine, request)));
  const numbers = (findings: typeof a) =>
    findings!.map(({ engine: _engine, adapter: _adapter, ...rest }) => rest);
  expect(numbers(a)).toEqual(numbers(b));
  for (const { method, interval } of a!) expect([method, interval]).toEqual(["conditional", "log-normal"]);
});

test("A single number of items has the numbers that a range gives it", async () => {
  const request = { ensemble: "rssp0", halfRange: 20, targets: [-3, 0], trials: 300 } as const;
  const range = await measureTail(cpu, { ...request, items: { from: 9, to: 12 } });
  const [single] = await measureTail(cpu, { ...request, items: 11 });
  const { rate: _rate, ...rest } = range[2]!;
  expect(single).toEqual(rest);
  expect(single!.targets[1]).toEqual({ target: 0, failure: 0, low: 0, high: 0 });
  expect(range[0]!.rate).toBeCloseTo(range[1]!.covered.failure / range[0]!.covered.failure, 12);
});

test("The method is exact where that is quick, and a method that cannot serve is refused", async () => {
  const methodOf = async (request: TailRequest) =>
    (await measureTail(cpu, { trials: 100, ...request }))[0]!.method;
  expect(await methodOf({ halfRange: 3, items: 160 })).toBe("exact");
  expect(await methodOf({ halfRange: 9, items: 4 })).toBe("conditional");
  expect(await methodOf({ ensemble: "products", halfRange: 25, items: 4 })).toBe("conditional");
  const refused: readonly (readonly [TailRequest, string])[] = [
    [{ ensemble: "rnpp", halfRange: 4 }, "the items of rnpp have none"],
    [{ halfRange: 13, method: "exact" }, "halfRange: expected at most 12 for the method exact, got 13"],
    [{ halfRange: 4, targets: [5] }, "targets: expected an integer in -4..4, got 5"],
    [{ halfRange: 4, bits: 2 }, 'exactly one of the two, got "both"'],
    [{ halfRange: 4, items: 161 }, "0..160"],
    [{ halfRange: 5000 }, "halfRange: expected an integer in 1..4096, got 5000"],
    [{ halfRange: 4, trials: 10 }, "trials"],
    [{ ensemble: "products", halfRange: 8 }, "a perfect square"],
  ];
  for (const [request, text] of refused) await expect(measureTail(cpu, request), text).rejects.toThrow(text);
});

test("Where all signs of all trials fail, the interval has room for a success that no trial saw", async () => {
  const request = { halfRange: 64, trials: 1000, targets: [1] } as const;
  const [seven, eight] = await measureTail(cpu, { ...request, items: { from: 7, to: 8 } });
  // 2^7 subsets cannot have 129 sums, but the items 1, 2, 4, ..., 64 and -64 have them.
  expect(seven!.covered).toEqual({ failure: 1, low: 1, high: 1 });
  expect(eight!.covered).toMatchObject({ failure: 1, high: 1 });
  expect(eight!.covered.low).toBeGreaterThan(0.99);
  expect(eight!.covered.low).toBeLessThan(1);
});

test("Trials that are all alike have an interval with room for one that differs by 6 times the mean", async () => {
  const request = { halfRange: 1, items: 20, method: "conditional", trials: 1000 } as const;
  const [finding] = await measureTail(cpu, request);
  const { failure, low, high } = finding!.covered;
  expect(failure).toBe(2 ** -19);
  for (const side of [Math.log(high / failure), Math.log(failure / low)])
    expect(side).toBeCloseTo((1.959963984540054 * 6) / 1000, 12);
});
