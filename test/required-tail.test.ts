// The fewest items by the tail, against closed forms and against what another program counted.

import { afterAll, beforeAll, expect, test } from "vitest";
import { cpuRunner } from "../host/cpu/runner.ts";
import { measureRequired } from "../host/experiments/required.ts";
import { startThread } from "../host/node/platform/threads.ts";
import type { Runner } from "../host/runner.ts";

let cpu: Runner;
beforeAll(async () => {
  cpu = await cpuRunner(2, startThread);
});
afterAll(() => cpu.close());

test("The exact method finds the fewest items of closed forms, down to 1e-15", async () => {
  const failures = [0.5, 1e-3, 1e-12, 1e-15];
  // All items are negative; and for M = 2 the worst target 2 is missed by at most one 1 beside negative items as well.
  const forms = [(n: number) => 2 ** -n, (n: number) => (1 + n / 2) * 2 ** -n];
  for (const [bits, form] of forms.entries()) {
    const findings = await measureRequired(cpu, { bits, failures, method: "tail" });
    const uniform = findings.filter(({ pool }) => pool === "uniform");
    for (const [i, { items, method, measured, before, target }] of uniform.entries()) {
      let n = 0;
      while (form(n) > failures[i]!) n++;
      expect([items, method, target]).toEqual([n, "exact", 2 ** bits]);
      expect(measured!.probability / form(n)).toBeCloseTo(1, 12);
      expect(before!.probability / form(n - 1)).toBeCloseTo(1, 12);
    }
  }
});

/** The fewest items for failures of .5, .1, .01 and .001, by another program. For k = 4 the last would take seconds. */
const tables = [
  [2, "uniform", [4, 7, 12, 16]],
  [2, "products", [5, 9, 17, 25]],
  [2, "support", [4, 8, 13, 18]],
  [4, "uniform", [6, 10, 14]],
  [4, "products", [7, 12, 18]],
  [4, "support", [7, 11, 17]],
  [6, "uniform", [8, 12, 16, 21]],
  [6, "products", [9, 15, 21, 27]],
  [6, "support", [9, 13, 19, 25]],
] as const;

test.each([2, 4, 6])(
  "The fewest items for k = %d are those that another program counted, for all pools",
  { tags: ["wide"] },
  async (bits) => {
    const failures = [0.5, 0.1, 0.01, 0.001].slice(0, bits === 4 ? 3 : 4);
    const findings = await measureRequired(cpu, { bits, failures, method: "tail", trials: 2000 });
    for (const [, pool, expected] of tables.filter(([k]) => k === bits)) {
      const mine = findings.filter((finding) => finding.pool === pool);
      for (const [i, { items, itemsLow = items, itemsHigh = items }] of mine.entries()) {
        // The fewest items that the intervals allow for; exact ones allow for one number.
        expect(itemsLow, `${pool}, k = ${bits}, ${failures[i]}`).toBeLessThanOrEqual(expected[i]!);
        expect(itemsHigh, `${pool}, k = ${bits}, ${failures[i]}`).toBeGreaterThanOrEqual(expected[i]!);
        expect(itemsHigh! - itemsLow!).toBeLessThan(2);
      }
    }
  },
);

test("Products of more than 16 need more than 64 items for a failure of 1e-15: those of the parity of products", async () => {
  const findings = await measureRequired(cpu, { bits: 6, failures: [1e-7, 1e-15], trials: 100 });
  const found = findings.filter(({ pool }) => pool === "products");
  // A product of two factors of 1..8 is even with probability 3/4, and even products miss every odd target. The other failures
  // add so little that they change neither number.
  const expected = [1e-7, 1e-15].map((failure) => Math.ceil(Math.log(failure) / Math.log(3 / 4)));
  expect(expected).toEqual([57, 121]);
  expect(found.map(({ items, itemsLow, itemsHigh }) => [items, itemsLow, itemsHigh])).toEqual(
    expected.map((items) => [items, items, items]),
  );
  for (const { items, target, measured } of found) {
    expect(target! % 2).toBe(1);
    expect(measured!.probability / 0.75 ** items!).toBeGreaterThanOrEqual(1);
    expect(measured!.probability / 0.75 ** items!).toBeLessThan(1.01);
  }
});

test("Failures below 1e-6 go to the tail, and what a method cannot serve is refused", async () => {
  const [finding] = await measureRequired(cpu, { bits: 3, failures: [1e-12] });
  expect(finding).toMatchObject({ method: "exact", items: 53, target: 8 });
  const refused = [
    [{ bits: 3, failures: [1e-12], method: "counts" }, "at least 0.000001 for the method counts, got 1e-12"],
    [{ bits: 3, failures: [1e-16] }, "a number in 1e-15..0.5"],
    [{ bits: 3, failures: [1e-9], trials: 99 }, "100.."],
    [{ bits: 3, failures: [0.1], trials: 999 }, "1000.."],
  ] as const;
  for (const [request, text] of refused)
    await expect(measureRequired(cpu, request), text).rejects.toThrow(text);
});
