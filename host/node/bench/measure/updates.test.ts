import { describe, expect, test } from "vitest";
import { phaseConfig, plan } from "../../../../src/experiments/phase.ts";
import { itemsOf, updatesOf } from "./updates.ts";

describe("Word updates", () => {
  test("Word updates count the words that hold a sum which can still end at a target", () => {
    const M = 64;
    const trials = plan(phaseConfig({ bits: 6, items: 10, targets: [0] }));
    let words = 0;
    for (let trial = 0; trial < 1000; trial++) {
      const items = itemsOf(trials, trial);
      const magnitudes = items.map(Math.abs);
      const all = magnitudes.reduce((sum, a) => sum + a, 0);
      const below = items.reduce((sum, x) => sum + Math.max(-x, 0), 0);
      const zero = Math.min(below, all - below);
      magnitudes.forEach((_, i) => {
        const prefixSum = magnitudes.slice(0, i + 1).reduce((sum, a) => sum + a, 0);
        const touched = new Set<number>();
        for (let sum = 0; sum <= prefixSum; sum++)
          if (sum <= zero + M && sum + (all - prefixSum) >= zero - M) touched.add(Math.floor(sum / 32));
        words += touched.size;
      });
    }
    expect(updatesOf(trials)).toBeCloseTo(words / 1000, 9);
  });

  test("An order that keeps windows narrow updates fewer words, by the part that the CPU's order saves", () => {
    const trials = (bits: number) => plan(phaseConfig({ bits, items: bits + 6, targets: [0] }));
    const [drawn, gpu, cpu] = (["drawn", "gpu", "cpu"] as const).map((order) => updatesOf(trials(10), order));
    expect(gpu! / drawn!).toBeGreaterThan(0.7);
    expect(gpu! / drawn!).toBeLessThan(0.95);
    // host/cpu/wasm/arrange.ts: a quarter fewer than in draw order.
    expect(cpu! / drawn!).toBeCloseTo(0.75, 1);
    expect(updatesOf(trials(8), "cpu")).toBe(updatesOf(trials(8)));
  });
});
