// The definition of `prune` against all index sets of items that are drawn by another hand.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { drawnWords, oracleKept, type Drawn } from "../../test/oracle.ts";
import { prune } from "./prune.ts";

/** The twin's words, its answers dirty before. */
function twin(drawn: Drawn): number[] {
  const { params, inputs } = drawnWords(drawn);
  const answers = new Uint32Array(prune.buffers.answers.length(params)).fill(0xabadcafe);
  prune.twin(params, { ...inputs, answers });
  return [...answers];
}

const word = fc.bigInt({ min: 0n, max: 2n ** 32n - 1n });
const place = fc.oneof(
  fc.nat({ max: 300 }),
  fc.integer({ min: 2 ** 31 - 20, max: 2 ** 31 + 20 }),
  fc.integer({ min: 2 ** 32 - 30, max: 2 ** 32 - 13 }),
);
const demand = fc.tuple(place, place, fc.integer({ min: -12, max: 12 }), fc.constantFrom(0, 1, -1));
const drawn: fc.Arbitrary<Drawn> = fc.record({
  values: fc.array(fc.integer({ min: -4, max: 4 }), { minLength: 1, maxLength: 40 }),
  hidden: fc.tuple(word, word),
  weights: fc.tuple(word, word),
  group: fc.nat({ max: 9 }),
  sparse: fc.boolean(),
  demands: fc.array(demand, { maxLength: 4 }),
});

describe("Twin of prune", () => {
  test("The twin of prune agrees with all index sets of random demands", () => {
    fc.assert(
      fc.property(drawn, (drawn) => {
        expect(twin(drawn)).toEqual(oracleKept(drawn));
      }),
      { seed: 1996, numRuns: 250 },
    );
  });

  test("The twin of prune has other answers for other indices, keys, signs, values and sums", () => {
    const given: Drawn = {
      values: [-4, -3, -2, -1, 1, 2, 3, 4],
      hidden: [1n, 2n],
      weights: [3n, 4n],
      group: 16,
      sparse: false,
      demands: [60, 61, 62, 63].map((place) => [place, 2 * place, 21, 1] as const),
    };
    expect(twin(given)).toEqual(oracleKept(given));
    const change = (at: number, by: number) =>
      given.demands.map((demand) => demand.with(at, demand[at]! + by) as unknown as typeof demand);
    const others: Partial<Drawn>[] = [
      { demands: change(0, 1) },
      { demands: change(1, 1) },
      { demands: change(2, 1) },
      { demands: change(3, -2) },
      { demands: change(3, -1) },
      { hidden: [2n, 1n] },
      { weights: [4n, 3n] },
      { values: given.values.toReversed() },
      { sparse: true },
    ];
    for (const other of others)
      expect([other, twin({ ...given, ...other })]).not.toEqual([other, oracleKept(given)]);
  });
});
