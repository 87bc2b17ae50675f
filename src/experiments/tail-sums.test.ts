// The tally of a tail: the sums of another way of adding, whatever the cut into batches and the order of the parts.

import { expect, test } from "vitest";
import { kernels } from "../kernels/index.ts";
import { tailWords } from "../kernels/tail.ts";
import type { WorkOf } from "../plan.ts";
import { addTally } from "../tally.ts";
import { eventSums, sumsLayout, sumsOf } from "./tail-sums.ts";
import { tailConfig, tailRuns, type TailRun } from "./tail.ts";

const runOf = (halfRange: number, items: number): TailRun => {
  const [run] = tailRuns(tailConfig({ halfRange, items, method: "conditional", trials: 240 }));
  return run!;
};

/** The words of the twin of the kernel. */
function wordsOf(work: WorkOf<"tail">): Uint32Array {
  const failures = new Uint32Array(work.params.count * tailWords(work.params));
  kernels.tail.twin(work.params, { ...work.inputs, failures });
  return failures;
}

const tallyOf = (run: TailRun, first: number, count: number) => {
  const work = run.work({ first, count });
  return sumsOf(run, work, wordsOf(work));
};

test("The tally of some trials is that of their batches, word by word and in any order", () => {
  for (const run of [runOf(9, 5), runOf(12, 40), runOf(1, 64)]) {
    const layout = sumsLayout(run.known.length);
    const cuts = [0, 4, 64, 132, 240];
    const parts = cuts.slice(1).map((to, i) => tallyOf(run, cuts[i]!, to - cuts[i]!));
    const whole = [...tallyOf(run, 0, 240)];
    for (const order of [parts, parts.toReversed(), [...parts.slice(2), ...parts.slice(0, 2)]]) {
      const sum = new Float64Array(layout.length);
      for (const part of order) addTally(layout, sum, part);
      expect([...sum], `${run.items} items`).toEqual(whole);
    }
    expect(whole.some((word) => word > 0)).toBe(true);
  }
});

/** The weight of a trial, by the numbers of its magnitudes that the divisors do not divide. */
function weightOf({ mixture, items }: TailRun, component: number, counts: readonly number[]): number {
  const { densities } = mixture;
  const others = counts.map((count, i) => densities[1 + (items + 1) * i + count]!);
  return densities[component]! / [densities[0]!, ...others].reduce((sum, c) => sum + c * c, 0);
}

test("The sums are those of weighted shares of failing signs, and the squares those around the means of four", () => {
  for (const run of [runOf(9, 6), runOf(12, 40), runOf(10, 64)]) {
    const work = run.work({ first: 0, count: 240 });
    const words = wordsOf(work);
    const { divisors, components } = run.mixture;
    const all = 2n ** BigInt(run.items);
    const length = tailWords(work.params);
    for (let event = 0; event < run.known.length; event++) {
      const values = Array.from({ length: 240 }, (_, k) => {
        const [divisor, ...rest] = words.subarray(k * length, (k + 1) * length) as unknown as number[];
        const [low, high] = rest.slice(divisors.length + 2 * event);
        const component = components[Math.floor(k / 4) % components.length]!;
        const weight = weightOf(run, component, rest.slice(0, divisors.length));
        const isKnown = event === 0 ? divisor! > 1 : work.inputs.targets[event - 1]! % divisor! !== 0;
        const failing = BigInt(high!) * 2n ** 32n + BigInt(low!) || all;
        const shareOf = (signs: bigint) => (isKnown ? 0 : weight * (Number(signs) / Number(all)));
        return { failures: shareOf(failing), successes: shareOf(all - failing) };
      });
      const found = eventSums(sumsOf(run, work, words), event);
      for (const side of ["failures", "successes"] as const) {
        const list = values.map((value) => value[side]);
        const sum = list.reduce((a, b) => a + b, 0);
        // Sum of squares less the square of the sum, over the groups of four.
        const squares = list.reduce((total, value, k) => {
          const group = list.slice(k - (k % 4), k - (k % 4) + 4).reduce((a, b) => a + b, 0);
          return total + value * value - (k % 4 === 0 ? (group * group) / 4 : 0);
        }, 0);
        expect(found[side].sum / sum, side).toBeCloseTo(1, 13);
        expect(Math.abs(found[side].squares - squares), side).toBeLessThan(1e-13 * sum * sum);
      }
    }
  }
});

test("Values below the last bit of a sum are rounded up to it, not lost as zeros", () => {
  const run = runOf(9, 5);
  const tiny = {
    ...run,
    mixture: { ...run.mixture, densities: run.mixture.densities.map((c) => c * 2 ** 300) },
  };
  const work = run.work({ first: 0, count: 4 });
  const { failures } = eventSums(sumsOf(tiny, work, wordsOf(work)), 0);
  expect(failures.sum).toBe(2 ** -224);
});

test("A flipped bit in the signs of one trial changes the tally", () => {
  const run = runOf(12, 40);
  const work = run.work({ first: 0, count: 64 });
  const words = wordsOf(work);
  const before = [...sumsOf(run, work, words)];
  // The last number of signs of the first trial, which no divisor decides.
  expect(words[0]).toBe(1);
  words[tailWords(work.params) - 2]! ^= 1;
  expect([...sumsOf(run, work, words)]).not.toEqual(before);
});
