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
