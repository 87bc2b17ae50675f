import { describe, expect, test } from "vitest";
import { compareRows, comparisonText } from "./compare.ts";
import { rowOf } from "./rows.ts";
import { fileName } from "./machine.ts";
import { disagreements, linesOf, nameOf, readLines, type Machine, type Row } from "./record.ts";

const machine: Machine = {
  kind: "bench-machine",
  cpu: "A Processor (TM) 3000",
  cores: 2,
  memoryBytes: 2 ** 34,
  os: "Linux 6",
  node: "v20.0.0",
  adapter: "SwiftShader driver 5",
  version: "0.1.0",
  commit: "abc1234",
  date: "2026-01-02T03:04:05.000Z",
  options: { only: "kernels" },
};
const name = { section: "kernels", engine: "cpu", kernel: "reach", size: "M = 2^6", variant: "one thread" };
const rate = rowOf(name, "trials/s", [0.5, 0.5, 0.25, 0.5, 0.5, 1], { digest: "0123" });
const cost = rowOf({ ...name, section: "start" }, "s", [2, 4, 3]);

describe("a row", () => {
  test("is a rate, the reciprocal of the median cost, where its unit is one", () => {
    expect([rate.value, rate.rounds, rate.spread]).toEqual([2, 6, 0.75]);
    expect([cost.value, cost.rounds, cost.spread]).toEqual([3, 3, undefined]);
  });

  test("is read from its lines as it was written, with fields of later versions", () => {
    const rows = [rate, { ...cost, shares: { registers: 0.5 }, later: ["a field of another version"] }];
    expect(readLines("f", linesOf(machine, rows))).toEqual({ machine, rows });
  });

  test.each([
    ["", "f: expected a file of exacta bench --json"],
    ["nonsense", "f, line 1: record: expected a line of exacta bench --json, got"],
    [linesOf(machine, []).replace("bench-machine", "phase"), "f, line 1: kind: expected"],
    [`${linesOf(machine, [rate])}{"kind":"bench"}`, "f, line 3: section: expected"],
    [linesOf(machine, [rate]).replace('"value":2', '"value":"2"'), "f, line 2: value: expected"],
  ])("is refused where it is malformed: %s", (text, message) => {
    expect(() => readLines("f", text)).toThrow(message);
  });
});

test("rows of the same work whose digests differ are named, and no others", () => {
  const gpu: Row = { ...rate, engine: "gpu", variant: "thread" };
  expect(disagreements([rate, gpu, cost])).toEqual([]);
  expect(disagreements([rate, { ...gpu, size: "M = 2^8", digest: "4567" }])).toEqual([]);
  expect(disagreements([rate, { ...gpu, section: "peers", digest: "4567" }])).toEqual([]);
  expect(disagreements([rate, { ...gpu, digest: "4567" }])).toEqual([
    "reach M = 2^6: gpu thread answers 4567, cpu one thread 0123",
  ]);
});

test("a comparison has the ratios of rows that both runs have, and names the other rows", () => {
  const faster = { ...rate, value: 3 };
  const slower = { ...cost, value: 6 };
  const added = { ...rate, engine: "gpu" };
  const gone = { ...rate, engine: "reference" };
  const found = compareRows([faster, slower, added], [rate, cost, gone]);
  expect(found.both.map(({ speed }) => speed)).toEqual([1.5, 0.5]);
  expect([found.added, found.gone, found.differ]).toEqual([[nameOf(added)], [nameOf(gone)], []]);
  const text = comparisonText(compareRows([faster], [rate, gone, cost]), machine).join("\n");
  expect(text).toContain(`only in the old run: ${nameOf(gone)}\nnot run: start`);
  const differ = compareRows([{ ...rate, digest: "89ab" }], [rate]);
  expect(differ.differ).toEqual([nameOf(rate)]);
  expect(comparisonText(differ, machine).join("\n")).toMatch(/A Processor.*SwiftShader[^]*DIFFERENT/);
});

test("a file is named by the day, the machine and the commit", () => {
  expect(fileName(machine)).toBe("2026-01-02_a-processor-tm-3000-x2_swiftshader-driver-5_abc1234.jsonl");
});
