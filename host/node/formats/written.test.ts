// Findings in the terms of their input.

import { expect, test } from "vitest";
import type { SolveFinding } from "../../../src/finding.ts";
import { asWritten } from "./written.ts";

const finding: SolveFinding = {
  kind: "solve",
  instance: 0,
  items: 3,
  target: 12366,
  tolerance: 5,
  reachable: true,
  sum: "-1234567890123456789",
  difference: 0,
  count: "2",
  witness: [0, 2],
  smallest: 1,
  smallestWitness: null,
  method: "bitset",
  engine: "cpu",
  adapter: "a",
  version: "1",
};

test("Sums are in the units of the input, exactly: as text where a number of JSON may round them", () => {
  expect(asWritten(finding, { places: 2 })).toEqual({
    ...finding,
    target: 123.66,
    tolerance: 0.05,
    sum: "-12345678901234567.89",
    difference: 0,
  });
  // JSON would have 1e-7.
  expect(asWritten({ ...finding, target: 1 }, { places: 7 }).target).toBe("0.0000001");
  expect(asWritten({ ...finding, sum: null }, { places: 7 }).sum).toBe(null);
});

test("Index sets have the columns and the labels of the input, and the provenance stays at the end", () => {
  const written = asWritten(finding, { columns: [1, 2, 5], labels: ["b", "c", null] });
  expect(written).toEqual({
    ...finding,
    witness: [1, 5],
    witnessLabels: ["b", null],
    smallestWitnessLabels: null,
  });
  expect(Object.keys(written).slice(-3)).toEqual(["engine", "adapter", "version"]);
  expect(asWritten(finding, undefined)).toBe(finding);
});
