// A draw like a point of Odds: the first trial that makes its target or misses it, in the form of Sums.

import { describe, expect, test } from "vitest";
import { drawLike, fitsSums } from "../../demo/odds/like.ts";
import { measurePhase } from "../../host/experiments/phase.ts";
import { referenceRunner } from "../../host/reference.ts";
import { drawValue, ensembleKey, itemOf, lawOf } from "../../src/ensemble.ts";
import { phaseConfig, type PhaseConfig, type PhaseRequest } from "../../src/experiments/phase.ts";

/** Whether some of the numbers sum to a target, by enumeration. */
function isReached(numbers: readonly number[], target: number): boolean {
  let sums = new Set([0]);
  for (const number of numbers) sums = new Set([...sums].flatMap((sum) => [sum, sum + number]));
  return sums.has(target);
}

/** 1 where the first trial makes its only target, or without one every target. */
async function solved(request: PhaseRequest): Promise<number> {
  const [finding] = await measurePhase(referenceRunner(), { ...request, trials: 1 });
  return (request.targets ? finding!.targets[0]! : finding!.covered!).solved;
}

/** The numbers of the first trial. */
function firstTrial({ ensemble, halfRange, seed }: PhaseConfig, items: number): number[] {
  const law = lawOf(ensemble, halfRange);
  const key = ensembleKey(seed, ensemble, halfRange);
  return Array.from({ length: items }, (_, i) => itemOf(law, drawValue(law.range, key, 0, i)));
}

describe("The draw like a point", () => {
  test.each(["rssp", "rssp0", "products", "products0"] as const)(
    "For %s the first trial is taken as a draw that works or as one that fails, as the experiment counts it",
    async (ensemble) => {
      const bits = ensemble.startsWith("p") ? 2 : 4;
      const outcomes = new Set<boolean>();
      for (let seed = 1; seed <= 30; seed++)
        for (const target of [1, 16, -5]) {
          const config = phaseConfig({ ensemble, bits, items: 4, targets: [target], seed });
          const works = (await solved({ ensemble, bits, items: 4, targets: [target], seed })) === 1;
          const [same, other] = [works, !works].map((wanted) => drawLike(config, 4, target, wanted));
          expect(same!.target).toBe(target);
          expect(isReached(same!.numbers, target), JSON.stringify({ seed, target })).toBe(works);
          expect(other && isReached(other.numbers, target)).toBe(other && !works);
          expect(same!.numbers).toEqual(firstTrial(config, 4));
          outcomes.add(works);
        }
      expect(outcomes.size).toBe(2);
    },
  );

  test("Of all targets together, a draw that fails is asked for a target that it misses", async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const config = phaseConfig({ bits: 3, seed });
      const made = drawLike(config, 7, "covered", true)!;
      const missed = drawLike(config, 7, "covered", false)!;
      expect(made.target).toBe(8);
      for (let target = -8; target <= 8; target++) expect(isReached(made.numbers, target)).toBe(true);
      expect(Math.abs(missed.target)).toBeLessThanOrEqual(8);
      expect(isReached(missed.numbers, missed.target)).toBe(false);
      const works = (await solved({ bits: 3, items: 7, seed })) === 1;
      expect((works ? made : missed).numbers).toEqual(firstTrial(config, 7));
    }
  });

  test("Where no trial can make every target, no draw works", () => {
    expect(drawLike(phaseConfig({ bits: 6 }), 3, "covered", true)).toBeUndefined();
    expect(drawLike(phaseConfig({ bits: 6 }), 3, "covered", false)).toBeDefined();
  });

  test("The ends of the range ask for their own target", () => {
    const config = phaseConfig({ bits: 5 });
    expect(drawLike(config, 3, "M", false)!.target).toBe(32);
    expect(drawLike(config, 3, "-M", false)!.target).toBe(-32);
  });

  test("A signed sum is asked for as a subset sum that the same signs give", () => {
    for (let seed = 1; seed <= 40; seed++) {
      const config = phaseConfig({ ensemble: "rnpp", bits: 5, seed });
      for (const signed of [0, 1, 7, -4])
        for (const works of [true, false]) {
          const { numbers, target } = drawLike(config, 5, signed, works)!;
          const total = numbers.reduce((sum, item) => sum + item, 0);
          expect(Math.min(...numbers)).toBeGreaterThan(0);
          expect(2 * target - total).toBe(signed);
          expect(isReached(numbers, target)).toBe(works);
        }
    }
  });

  test("A perfect partition is the half of the total, rounded down", async () => {
    for (let seed = 1; seed <= 40; seed++) {
      const request = { ensemble: "rnpp", bits: 5, items: 6, seed } as const;
      const config = phaseConfig(request);
      const [finding] = await measurePhase(referenceRunner(), { ...request, trials: 1 });
      const works = finding!.perfect!.solved === 1;
      const { numbers, target } = drawLike(config, 6, "perfect", works)!;
      expect(numbers).toEqual(firstTrial(config, 6));
      expect(isReached(numbers, target)).toBe(works);
    }
  });
});

test("Sums takes 1 to 24 numbers of three digits", () => {
  expect(fitsSums(phaseConfig({ bits: 9, items: { from: 1, to: 24 } }))).toBe(true);
  expect(fitsSums(phaseConfig({ bits: 10, items: { from: 1, to: 24 } }))).toBe(false);
  expect(fitsSums(phaseConfig({ bits: 9, items: { from: 0, to: 24 } }))).toBe(false);
  expect(fitsSums(phaseConfig({ bits: 9, items: { from: 1, to: 25 } }))).toBe(false);
});
