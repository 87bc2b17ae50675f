// The method that solves an instance, the answers that it can give, and the instances that are refused.

import { describe, expect, test } from "vitest";
import { paramOf } from "../../test/work.ts";
import { RequestError } from "../errors.ts";
import { packQuestions } from "./packing.ts";
import { solveConfig, type SolveRequest } from "../experiments/solve.ts";
import { problemOf, type Instance } from "./problem.ts";

const problem = (instance: Instance, request: SolveRequest = {}) =>
  problemOf(solveConfig(request), instance, 7);

/** n items of one value. */
const items = (n: number, value: number) => new Array<number>(n).fill(value);

describe("Choice of the method", () => {
  test.each<[string, Instance, SolveRequest, string]>([
    ["few small items", { items: [3, 5, -2], target: 4 }, {}, "bitset"],
    ["no items", { items: [], target: 0 }, {}, "bitset"],
    ["many sums", { items: items(60, 50_000), target: 1_500_000 }, {}, "tiles"],
    ["many sums and a small target", { items: items(60, 50_000), target: 100 }, {}, "bitset"],
    ["more updates than one core does at once", { items: items(10_000, 3), target: 15_000 }, {}, "tiles"],
    [
      "few large items without a smallest set",
      { items: items(20, 1e8), target: 1e9 },
      { ask: ["count"] },
      "meet-in-the-middle",
    ],
    ["few items", { items: items(24, 1e5), target: 1e6 }, { ask: ["count"] }, "meet-in-the-middle"],
    [
      "few items and many targets",
      { items: items(24, 1e5), targets: items(1000, 1e6) },
      { ask: ["count"] },
      "tiles",
    ],
    ["sums beyond 32 bits", { items: items(48, 2 ** 53), target: 2 ** 53 }, {}, "meet-in-the-middle"],
    ["sums that just fit a table", { items: [2 ** 31 - 1], target: 5 }, { ask: ["smallest"] }, "bitset"],
    ["sums that just do not fit a table", { items: [2 ** 31], target: 5 }, {}, "meet-in-the-middle"],
  ])("The method for %s is %s", (_, instance, request, method) => {
    expect(problem(instance, request).method).toBe(method);
  });

  test("A forced method is taken where it can solve the instance", () => {
    for (const method of ["bitset", "tiles", "meet-in-the-middle"] as const)
      expect(problem({ items: [1, 2], target: 3 }, { method }).method).toBe(method);
  });
});

describe("Targets of a problem", () => {
  /** 134 items. A table of all their sums with a smallest set for each would exceed 4 GiB. */
  const span = 2 ** 28 + 2 ** 23;
  const far = { items: items(134, 1).with(0, span - 133), targets: [2 ** 24, span - 2 ** 24] };

  test("Targets with windows far apart have a table each, in the second pass too", () => {
    const { apart, method, queries } = problem(far, { tolerance: 2 ** 24 });
    expect([apart, method]).toEqual([true, "tiles"]);
    const best = far.targets.map((sum, query) => ({
      query,
      problem: queries[0]!.problem,
      question: { from: sum, to: sum, center: sum },
    }));
    for (const { work } of packQuestions("smallest", best, true)) {
      expect(paramOf(work, "instances")).toBe(2);
      expect(paramOf(work, "sums")).toBeGreaterThan(2 ** 24);
      expect(paramOf(work, "sums")).toBeLessThan(2 ** 25);
    }
  });

  test("An instance may have 200,000 targets, whose windows may be far apart", () => {
    const targets = Array.from({ length: 200_000 }, (_, i) => (i % 2 === 0 ? 0 : 2 ** 30));
    expect(problem({ items: [2 ** 29, 2 ** 29 - 1, 1], targets }, { method: "bitset" }).apart).toBe(true);
  });
});

describe("Requested answers", () => {
  const answersOf = (instance: Instance, request: SolveRequest = {}) =>
    [...problem(instance, request).answers].toSorted();

  test("A request that names no answer gets every answer that the method can give", () => {
    expect(answersOf({ items: items(64, 1), target: 3 })).toEqual([
      "count",
      "reachable",
      "smallest",
      "witness",
    ]);
    expect(answersOf({ items: items(65, 1), target: 3 })).toEqual(["reachable", "smallest", "witness"]);
    expect(answersOf({ items: items(48, 2 ** 53), target: 3 })).toEqual([
      "count",
      "reachable",
      "smallest",
      "witness",
    ]);
    expect(answersOf({ items: items(48, 2 ** 40), target: 3 }, { size: 5 })).toEqual([
      "count",
      "reachable",
      "smallest",
      "witness",
    ]);
  });

  test("The answers are the requested ones and reachability", () => {
    expect(answersOf({ items: items(65, 1), target: 3 }, { ask: ["witness"] })).toEqual([
      "reachable",
      "witness",
    ]);
    expect(answersOf({ items: [1], target: 1 }, { ask: [] })).toEqual(["reachable"]);
    expect(answersOf({ items: items(65, 1), target: 3 }, { ask: ["count", "unique"] })).toEqual([
      "count",
      "reachable",
      "unique",
    ]);
  });
});

test("Sums without witnesses take one bit each, so that larger instances are solved", () => {
  const wide = { items: [2 ** 31 - 100, ...items(49, 1)], target: 2 ** 31 - 101 };
  expect(problem(wide, { ask: ["reachable"], atMost: true }).method).toBe("tiles");
});

describe("Instances beyond the limits", () => {
  const TABLE = "sums that span less than 2147483648 and fit a table of 3.5 GiB";
  const MEET = "at most 48 items whose sums span less than 4611686018427387904";

  test.each<[string, Instance, SolveRequest, string, string]>([
    [
      "too many items for halves",
      { items: items(60, 1), target: 1 },
      { method: "meet-in-the-middle" },
      MEET,
      "60; their sums span 60",
    ],
    [
      "sums too wide for a table",
      { items: items(9, 2 ** 40), target: 1 },
      { method: "bitset" },
      TABLE,
      "9; their sums span 9895604649984",
    ],
    [
      "sums too wide for tiles",
      { items: [2 ** 31], target: 1 },
      { method: "tiles" },
      TABLE,
      "1; their sums span 2147483648",
    ],
    [
      "witnesses that take too much memory",
      { items: [2 ** 31 - 100, ...items(49, 1)], target: 2 ** 31 - 101 },
      { ask: ["witness"], atMost: true },
      `${TABLE}, or ${MEET}`,
      "50; their sums span 2147483597",
    ],
    [
      "sums too wide for all",
      { items: items(61, -(2 ** 53)), target: 1 },
      {},
      `${TABLE}, or ${MEET}`,
      "61; their sums span 549439154539200512",
    ],
    [
      "sums too wide with a size",
      { items: items(48, 2 ** 53), target: 1 },
      { size: 24 },
      `${TABLE}, or ${MEET}`,
      "48; their sums span 21184932647150813232",
    ],
    [
      "more sums than can be counted",
      { items: items(65, 2 ** 22), target: 2 ** 27 },
      { ask: ["count"] },
      "sums and items few enough for count",
      "65; their sums span 272629760",
    ],
  ])("An instance with %s is refused with a reason", (_, instance, request, range, got) => {
    const refused = () => problem(instance, request);
    expect(refused).toThrow(RequestError);
    expect(refused).toThrow(`instance 7: items: expected ${range}, got ${got}`);
    expect(() => problem({ ...instance, line: 3 }, request)).toThrow("line 3: items: expected ");
  });

  const ITEM = "an integer in -9007199254740992..9007199254740992";
  const TARGET = "an integer in -9223372036854775807..9223372036854775807";

  test.each<[string, unknown, string]>([
    ["items that are no list", { items: "1 2", target: 1 }, 'items: expected a list of integers, got "1 2"'],
    ["an item that is a text", { items: ["1"], target: 1 }, `items.0: expected ${ITEM}, got "1"`],
    ["an item that is a bigint", { items: [1n], target: 1 }, `items.0: expected ${ITEM}, got 1`],
    [
      "an item that is infinite",
      { items: [1, Infinity], target: 1 },
      `items.1: expected ${ITEM}, got Infinity`,
    ],
    ["a target that is a text", { items: [1], target: "1" }, `target: expected ${TARGET}, got "1"`],
    [
      "a target that is too large",
      { items: [1], target: 2n ** 63n },
      `target: expected ${TARGET}, got 9223372036854775808`,
    ],
    [
      "bigints in a list for a target",
      { items: [1], target: [5n, 7n] },
      `target: expected ${TARGET}, got ["5","7"]`,
    ],
    ["targets that are no list", { items: [1], targets: 1 }, "targets: expected a list of integers, got 1"],
    ["no targets", { items: [1], targets: [] }, "targets: expected 1 to 1000000 of them, got 0"],
    [
      "an id that is a list",
      { items: [1], target: 1, id: [] },
      "id: expected a text or a number of at most 2^53, got []",
    ],
    [
      "nothing in place of an object",
      undefined,
      "instance: expected an object with items and a target, got nothing",
    ],
    ["null in place of an object", null, "instance: expected an object with items and a target, got null"],
    ["a number in place of an object", 5, "instance: expected an object with items and a target, got 5"],
  ])("An instance with %s is refused with a reason", (_, instance, sentence) => {
    const refused = () => problem(instance as Instance);
    expect(refused).toThrow(RequestError);
    expect(refused).toThrow(`instance 7: ${sentence}`);
  });

  test("The largest allowed items and targets are solved", () => {
    const wide = {
      items: [2 ** 53, -(2 ** 53)],
      targets: [2 ** 53, -(2 ** 53), 2n ** 63n - 1n, -(2n ** 63n) + 1n],
    };
    const { queries } = problem(wide);
    expect(queries.map(({ question }) => typeof question)).toEqual([
      "object",
      "object",
      "undefined",
      "undefined",
    ]);
  });
});

describe("Window of a question", () => {
  const windowsOf = (instance: Instance, request: SolveRequest = {}) =>
    problem(instance, request).queries.map(({ question }) => question);

  test("The window of a question is the range of sums that answer it, and a question that no sum answers has none", () => {
    const of = { items: [4, -3, 5], targets: [6, 9, 10, -4] };
    expect(windowsOf(of)).toEqual([
      { from: 6, to: 6, center: 6 },
      { from: 9, to: 9, center: 9 },
      undefined,
      undefined,
    ]);
    expect(windowsOf(of, { tolerance: 2 })).toEqual([
      { from: 4, to: 8, center: 6 },
      { from: 7, to: 9, center: 9 },
      { from: 8, to: 9, center: 9 },
      { from: -3, to: -2, center: -3 },
    ]);
    expect(windowsOf(of, { atMost: true, tolerance: 20 }).at(0)).toEqual({ from: -3, to: 6, center: 6 });
  });

  test("The window of a partition ends at half of the total, rounded down", () => {
    const [question] = windowsOf({ items: [4, -3, 5, 1] }, { partition: true });
    expect([question!.to, question!.center]).toEqual([3, 3]);
    expect(windowsOf({ items: [] }, { partition: true })).toEqual([{ from: 0, to: 0, center: 0 }]);
  });

  test("A question for a subset larger than the instance has no window", () => {
    expect(windowsOf({ items: [1, 2], target: 3 }, { size: 3 })).toEqual([undefined]);
  });
});
