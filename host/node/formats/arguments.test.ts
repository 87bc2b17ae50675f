// Numbers and lists of options.

import { expect, test } from "vitest";
import { seedSchema } from "../../../src/random.ts";
import { readList, readNumber } from "./arguments.ts";

test("Options and seeds take the forms of numbers that inputs take", () => {
  const forms = ["12", "+12", "12.0", "1.2e1", "1_2", "0xC", " 12 "];
  for (const form of forms) expect([form, readNumber(form)]).toEqual([form, 12]);
  for (const form of forms.slice(0, -1)) expect([form, seedSchema.parse(form)]).toEqual([form, 12n]);
  expect(readNumber("0.25")).toBe(0.25);
  expect(readNumber("-0")).toBe(0);
  expect(readNumber(undefined)).toBe(undefined);
});

test("An integer that a number of 64 bits would round stays exact", () => {
  expect(readNumber("9007199254740993")).toBe(9007199254740993n);
  expect(readNumber("18446744073709551615e0")).toBe(18446744073709551615n);
  expect(seedSchema.parse("0xffffffffffffffff")).toBe(2n ** 64n - 1n);
  expect(seedSchema.parse("18446744073709551615")).toBe(2n ** 64n - 1n);
});

test("What is no number stays text, for the check that names it", () => {
  for (const text of ["x", "", "1,000", "1 000", "NaN", "Infinity", "1e"])
    expect(readNumber(text)).toBe(text);
  for (const seed of ["x", "1.5", "-1", "18446744073709551616"])
    expect(() => seedSchema.parse(seed)).toThrow(/an integer in 0/);
});

test("A list has numbers and ranges, and no range that is reversed, vast or broken", () => {
  expect(readList("4, 1e1,8..10", "bits")).toEqual([4, 10, 8, 9, 10]);
  for (const range of ["5..4", "1..1e9", "1..2..3", "1.5..3", "..", "1.."])
    expect(() => readList(range, "bits"), range).toThrow(
      `bits: expected ranges A..B of whole numbers from A up to B, at most A + 1000, got "${range}"`,
    );
  expect(() => readList("4,3..-3", "lambda")).toThrow(/got "3..-3"; -3..3 has these numbers/);
});
