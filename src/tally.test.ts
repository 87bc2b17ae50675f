import { expect, test } from "vitest";
import { addTally } from "./tally.ts";

test("Tallies add up as integers of 64 bits, also beyond 2^53 in a pair", () => {
  const layout = { length: 5, pairs: [1, 3] };
  const added = [2 ** 40, 4_294_967_295, 4_294_967_295, 1, 2 ** 20];
  const sum = new Float64Array(5);
  const times = 4099;
  for (let i = 0; i < times; i++) addTally(layout, sum, added);
  const pair = (words: ArrayLike<number>, low: number) =>
    BigInt(words[low]!) + (BigInt(words[low + 1]!) << 32n);
  expect(sum[0]).toBe(times * 2 ** 40);
  for (const low of layout.pairs) {
    expect(pair(sum, low)).toBe(BigInt(times) * pair(added, low));
    expect(sum[low]).toBeLessThan(2 ** 32);
  }
});

test("A number of five words carries through all of them, in any order of the sums", () => {
  const layout = { length: 6, pairs: [0, 1, 2, 3] };
  const numbers = Array.from({ length: 200 }, (_, i) => (2n ** 129n * BigInt(i + 1)) / 3n + 2n ** 128n - 1n);
  const wordsOf = (number: bigint) =>
    [0n, 32n, 64n, 96n, 128n].map((shift) => Number((number >> shift) & (shift < 128n ? 0xffffffffn : -1n)));
  const sumOf = (added: readonly bigint[]) => {
    const sum = new Float64Array(6);
    for (const number of added) addTally(layout, sum, [...wordsOf(number), 7]);
    return [...sum];
  };
  const total = numbers.reduce((a, b) => a + b);
  expect(sumOf(numbers)).toEqual([...wordsOf(total), 1400]);
  expect(sumOf(numbers.toReversed())).toEqual([...wordsOf(total), 1400]);
});
