// The definitions of the kernels on given instances against all index sets, enumerated.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { batchWords, oracleWords, type Given, type GivenBatch } from "../../test/oracle.ts";
import { kernels } from "./index.ts";
import { frameOf, maskWords, totalsOf } from "./instances.ts";

/** The twin's words, its answers dirty before. */
function twin(batch: GivenBatch): number[] {
  const { kernel, params, inputs } = batchWords(batch);
  const answers = new Uint32Array(params.answers).fill(0xabadcafe);
  kernels[kernel].twin(params, { ...inputs, answers });
  return [...answers];
}

const names = ["witness", "count", "smallest", "meet"] as const;

/** Instances whose targets lie between their least and their greatest sum, as the kernels demand. */
function instances(magnitude: number, exact: boolean): fc.Arbitrary<Given[]> {
  const item = fc.oneof(fc.integer({ min: -magnitude, max: magnitude }), fc.integer({ min: -2, max: 2 }));
  const items = fc.array(item, { maxLength: 9 });
  const target = fc.tuple(
    fc.double({ min: -0.1, max: 1.1, noNaN: true }),
    fc.nat({ max: exact ? 0 : 5 }),
    fc.nat({ max: exact ? 0 : 5 }),
  );
  const instance = fc.tuple(items, fc.array(target, { minLength: 1, maxLength: 4 }));
  return fc.array(
    instance.map(([items, targets]) => {
      const { negative, positive } = totalsOf(items);
      const inside = (sum: number) => Math.min(Math.max(sum, -negative), positive);
      return {
        items,
        targets: targets.map(([where, below, above]) => {
          const center = inside(Math.round(where * (negative + positive)) - negative);
          return [inside(center - below), inside(center + above), center];
        }),
      };
    }),
    { maxLength: 5 },
  );
}

describe.each(names)("Twin of %s", (kernel) => {
  test("The twin agrees with all index sets of random instances", () => {
    for (const magnitude of [3, 40, 3000])
      fc.assert(
        fc.property(instances(magnitude, kernel === "smallest"), fc.boolean(), (instances, masks) => {
          const batch = { kernel, instances, masks };
          expect(twin(batch)).toEqual(oracleWords(batch));
        }),
        { seed: 1974, numRuns: 150 },
      );
  });

  test("The twin of other items has other answers", () => {
    const of = (items: number[]) => ({ kernel, instances: [{ items, targets: [[15, 15, 15]] }] });
    const items = [1, 2, 4, 8];
    expect(twin(of(items))).toEqual(oracleWords(of(items)));
    for (let i = 0; i < items.length; i++)
      expect([i, twin(of(items.with(i, 100)))]).not.toEqual([i, oracleWords(of(items))]);
  });

  test("The twin answers an instance without items, and writes nothing without instances", () => {
    const none = { kernel, instances: [{ items: [], targets: [[0, 0, 0]] }] };
    expect(twin(none)).toEqual(oracleWords(none));
    expect(twin({ kernel, instances: [] })).toEqual([]);
  });
});

describe("Kernel meet", () => {
  test("meet is right at sums of 64 bits", () => {
    const [least, greatest] = [-(2n ** 63n), 2n ** 63n - 1n];
    const items = [2n ** 62n, -(2n ** 62n), 2n ** 62n - 4n, -(2n ** 62n), 1n, 2n, 0n];
    for (const center of [least, least + 1n, -1n, 0n, 1n, 2n ** 62n, greatest - 2n, greatest]) {
      const batch: GivenBatch = {
        kernel: "meet",
        instances: [
          {
            items,
            targets: [
              [center, center, center],
              [least, greatest, center],
            ],
          },
        ],
      };
      expect([center, twin(batch)]).toEqual([center, oracleWords(batch)]);
    }
  });
});

describe("Mask of an index set", () => {
  test("A mask has a bit for every item and a word for every 32", () => {
    expect([0, 1, 32, 33, 64, 65].map(maskWords)).toEqual([0, 1, 1, 2, 2, 3]);
    for (const n of [31, 32, 33, 64, 65]) {
      // Powers of two would be too large: the last item alone is 2, all others are 0.
      const items = [...new Array<number>(n - 1).fill(0), 2];
      const words = twin({ kernel: "witness", instances: [{ items, targets: [[2, 2, 2]] }] });
      const mask = [...new Array<number>(maskWords(n) - 1).fill(0), 2 ** ((n - 1) % 32)];
      expect([n, words]).toEqual([n, [0, 1, 2, ...mask]]);
    }
  });
});

describe("Counts of index sets", () => {
  const ones = new Array<number>(64).fill(1);
  const zeros = new Array<number>(64).fill(0);

  test.each([
    ["half of 64 ones", ones, [32, 32, 32], 1832624140942590534n],
    ["all but one of 64 zeros", zeros.with(5, 1), [0, 0, 0], 2n ** 63n],
    ["all of 64 zeros, modulo 2^64,", zeros, [0, 0, 0], 0n],
    ["some of 64 signs", ones.map((one, i) => (i % 2 ? one : -one)), [-32, -31, -32], 65n],
  ])("Counts of %s are exact", (_, items, target, ways) => {
    const words = twin({ kernel: "count", instances: [{ items, targets: [target] }] });
    expect(words).toEqual([0, Number(ways % 2n ** 32n), Number(ways / 2n ** 32n), 0]);
  });
});

describe("Frame of an instance", () => {
  test("A frame counts sums from the end with fewer of them", () => {
    expect(frameOf(3, 10, -3, -3)).toEqual({ mirrored: false, liveTo: 0 });
    expect(frameOf(3, 10, 10, 10)).toEqual({ mirrored: true, liveTo: 0 });
    expect(frameOf(3, 10, 2, 4)).toEqual({ mirrored: false, liveTo: 7 });
    expect(frameOf(3, 10, 4, 6)).toEqual({ mirrored: true, liveTo: 6 });
  });
});
