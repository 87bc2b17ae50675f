// How shards share the trials of a sweep.

import { expect, test } from "vitest";
import { lookTrials, sharedTrials, sharesOf } from "./run.ts";

const UNIT = 4;

/** The trials that some shard counts, by the number of shards that do, as text of one digit each. */
function coverage(trials: number, count: number, boundariesOf: (index: number) => readonly number[]): string {
  const times = Array.from({ length: trials }, () => 0);
  for (let index = 0; index < count; index++)
    for (const range of sharesOf(UNIT, boundariesOf(index), { index, count }))
      for (let t = range.first; t < range.first + range.count; t++) times[t]!++;
  return times.join("");
}

test.each([1, 2, 3, 7, 64])("Each trial is in one of %i shards, with and without looks", (count) => {
  for (const trials of [1, 3, 4, 5, 14, 190, 191, 192, 1000, 10_001]) {
    const once = "1".repeat(trials);
    const shared = (index: number) => [0, ...sharedTrials(UNIT, trials, { index, count })];
    expect(coverage(trials, count, shared), `${trials} trials`).toBe(once);
    expect(
      coverage(trials, count, () => [0, ...lookTrials(UNIT, trials)]),
      `${trials} trials`,
    ).toBe(once);
  }
});

test("Where more trials are asked for later, each shard keeps its share of all but the last doubling", () => {
  const shard = { index: 2, count: 3 };
  const shareOf = (trials: number) => sharesOf(UNIT, [0, ...sharedTrials(UNIT, trials, shard)], shard);
  const [before, after] = [shareOf(10_000), shareOf(20_000)];
  expect(before.length).toBeGreaterThan(4);
  expect(after.slice(0, before.length - 1)).toEqual(before.slice(0, -1));
});
