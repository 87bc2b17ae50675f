// The definition of reach against an oracle that shares no code with it: sets of sums and draws in BigInt.

import { describe, expect, test } from "vitest";
import { oracleTally, type Question } from "../../test/oracle.ts";
import { ensembles, isProduct } from "../ensemble.ts";
import { phaseConfig, plan } from "../experiments/phase.ts";
import { batchWork } from "../plan.ts";
import { reach, reachPrefix, reachTally } from "./reach.ts";

/** The twin's words, its tally dirty before. */
function twin(question: Question, first: number, count: number): number[] {
  const { ensemble, halfRange, from, to, targets, seed, enumerate } = question;
  const config = { ...phaseConfig({ ensemble, halfRange, items: { from, to }, targets, seed }), enumerate };
  const work = plan(config);
  const { params } = batchWork(work, { first, count });
  const tally = new Uint32Array(reachTally(work.params).length).fill(0xabadcafe);
  reach.twin(params, { ...work.inputs, tally });
  return [...tally];
}

const sizes = [
  [0, 0],
  [0, 3],
  [1, 5],
  [4, 4],
  [2, 9],
] as const;
const questions: Question[] = ensembles.flatMap((ensemble) =>
  [1, 2, 3, 4, 9, 16, 25].flatMap((halfRange) =>
    isProduct(ensemble) && !Number.isInteger(Math.sqrt(halfRange))
      ? []
      : sizes.map(([from, to], i) => ({
          ensemble,
          halfRange,
          from,
          to,
          targets: [
            [0],
            [1, halfRange + 1, -1],
            [-halfRange, 0, 3 * halfRange],
            [2 ** 31 - 1, -(2 ** 31), 2],
            [5, -7, 11],
          ][i]!,
          seed: BigInt(100 * halfRange + i),
          enumerate: false,
        })),
  ),
);

describe("Twin of reach", () => {
  test.each(ensembles)("The twin of reach agrees with sets of sums on drawn trials of %s", (ensemble) => {
    for (const question of questions.filter((question) => question.ensemble === ensemble))
      expect([question, twin(question, 0, 9)]).toEqual([question, oracleTally(question, 0, 9)]);
  });

  test.each(ensembles)(
    "The twin of reach agrees with sets of sums on enumerated trials of %s",
    (ensemble) => {
      for (const question of questions.filter(
        (question) => question.ensemble === ensemble && question.to < 9,
      )) {
        const enumerated = { ...question, enumerate: true };
        expect([enumerated, twin(enumerated, 5, 9)]).toEqual([enumerated, oracleTally(enumerated, 5, 9)]);
      }
    },
  );

  test("The twin of reach draws the trials of its batch, even where their index passes 2^32", () => {
    for (const first of [1, 2 ** 32 - 3, 2 ** 32, 2 ** 48 - 5]) {
      const question: Question = {
        ensemble: "rssp0",
        halfRange: 5,
        from: 2,
        to: 6,
        targets: [4, -3],
        seed: 2n ** 64n - 1n,
        enumerate: false,
      };
      expect(twin(question, first, 5)).toEqual(oracleTally(question, first, 5));
    }
  });

  test("The twin of reach carries missing targets into their high word", () => {
    // Without items a trial reaches target 0 alone and misses 2^21 others: 2^11 trials miss 2^32.
    const question: Question = {
      ensemble: "rssp",
      halfRange: 2 ** 20,
      from: 0,
      to: 0,
      targets: [0, 1],
      seed: 1n,
      enumerate: false,
    };
    expect(twin(question, 0, 2 ** 11 - 1)).toEqual([2047, 2047, 2 ** 32 - 2 ** 21, 0, 0, 2047]);
    expect(twin(question, 0, 2 ** 11 + 1)).toEqual([2049, 2049, 2 ** 21, 1, 0, 2049]);
  });

  test("The twin of reach counts nothing in an empty batch", () => {
    expect([...twin(questions[1]!, 7, 0)].filter((word) => word !== 0)).toEqual([]);
  });
});

describe("Prefix of reach", () => {
  const prefixOf = (
    ensemble: Question["ensemble"],
    halfRange: number,
    items: number,
    far = 1,
    enumerate = false,
  ) =>
    reachPrefix(
      plan({
        ...phaseConfig({ ensemble, halfRange, items, targets: [far * halfRange] }),
        enumerate,
      }).params,
    );

  test("A prefix has log2 M + 8 items, two more for products, and at least three items follow it", () => {
    expect([18, 20, 21, 64].map((items) => prefixOf("rssp", 2 ** 10, items))).toEqual([0, 0, 18, 18]);
    expect([1, 9, 256, 257].map((halfRange) => prefixOf("rssp0", halfRange, 64))).toEqual([8, 12, 16, 17]);
    expect([22, 23].map((items) => prefixOf("products", 2 ** 10, items))).toEqual([0, 20]);
    expect(prefixOf("products0", 16, 64)).toBe(16);
  });

  test("A prefix has eight items for each half range to the farthest target, 16 for products", () => {
    expect([2, 3, 5, 7, 8].map((far) => prefixOf("rssp", 2 ** 8, 64, far))).toEqual([16, 24, 40, 56, 0]);
    expect([1, 2, 3, 4].map((far) => prefixOf("products", 2 ** 8, 64, far))).toEqual([18, 32, 48, 0]);
  });

  test("Signed sums and enumerated trials have no prefix", () => {
    expect(prefixOf("rnpp", 2 ** 8, 64)).toBe(0);
    expect(prefixOf("rssp", 1, 20, 1, true)).toBe(0);
  });
});
