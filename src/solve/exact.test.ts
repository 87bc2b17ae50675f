// Whole numbers of any size against BigInt, about the places where numbers stop being exact.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { add, floorDivide, greatest, least, subtract, times, toJson, type Whole } from "./exact.ts";

const edges = [0, 1, 2 ** 26, 2 ** 52, 2 ** 53 - 1, 2 ** 53].flatMap((edge) => [edge, 0 - edge]);
const numbers = fc.oneof(fc.integer({ min: -9, max: 9 }), fc.maxSafeInteger(), fc.constantFrom(...edges));
const wholes: fc.Arbitrary<Whole> = fc.oneof(numbers, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n }));

/** Whether a result is what BigInt says: a number where that is exact, and never -0. */
function says(result: Whole, exact: bigint): void {
  const number = Number(exact);
  expect(result).toBe(Number.isSafeInteger(number) ? number : exact);
}

/** The greatest integer at most a / b, by its definition. */
function floored(a: bigint, b: bigint): bigint {
  const rest = ((a % b) + b) % b;
  return (a - rest) / b;
}

describe("Exact integers", () => {
  test("Exact integers add, subtract, multiply and divide as BigInt does, and are numbers where those are exact", () => {
    fc.assert(
      fc.property(wholes, wholes, fc.integer({ min: 0, max: 10_000 }), (a, b, c) => {
        says(add(a, b), BigInt(a) + BigInt(b));
        says(subtract(a, b), BigInt(a) - BigInt(b));
        says(times(a, c), BigInt(a) * BigInt(c));
        says(floorDivide(a, c + 1), floored(BigInt(a), BigInt(c + 1)));
      }),
      {
        seed: 53,
        numRuns: 2000,
        examples: [
          [-1, 1, 0],
          [2 ** 53, -1, 1],
          [-(2n ** 63n), 0, 1],
          [-3, 0, 1],
        ],
      },
    );
  });

  test("Numbers and BigInts compare by value", () => {
    fc.assert(
      fc.property(wholes, wholes, (a, b) => {
        const [low, high] = BigInt(a) < BigInt(b) ? [a, b] : [b, a];
        expect([BigInt(least(a, b)), BigInt(greatest(a, b))]).toEqual([BigInt(low), BigInt(high)]);
      }),
      { seed: 54, numRuns: 500 },
    );
  });

  test("A result that is off by one is noticed", () => {
    expect(() => says(add(2 ** 53 - 1, 1), 2n ** 53n + 1n)).toThrow(/to be/);
    expect(() => says(-0, 0n)).toThrow(/to be/);
  });

  test("Integers beyond 2^53 are decimal strings in JSON", () => {
    expect([7, -(2 ** 53) + 1, 2 ** 53, 5n, 2n ** 70n].map(toJson)).toEqual([
      7,
      -9007199254740991,
      "9007199254740992",
      5,
      "1180591620717411303424",
    ]);
  });
});
