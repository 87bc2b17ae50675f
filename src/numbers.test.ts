// The reader of numbers, against the digits from which a text is made.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  amountOf,
  decimalText,
  NumberFault,
  readInteger,
  readNumber,
  scaled,
  type FaultKind,
  type Notation,
} from "./numbers.ts";

const notations = ["plain", "unstated", "point", "comma"] as const;

/** What is read: the digits and places, or the kind and place of the fault. */
function outcome(text: string, notation: Notation): string {
  const number = readNumber(text, notation);
  return number instanceof NumberFault
    ? `${number.kind} at ${number.at}`
    : `${number.digits} / 10^${number.places}`;
}

describe("Forms of numbers", () => {
  test.each([
    ["12", "12 / 10^0"],
    ["-8", "-8 / 10^0"],
    ["+5", "5 / 10^0"],
    ["\u22128", "-8 / 10^0"],
    ["-0", "0 / 10^0"],
    ["007", "7 / 10^0"],
    ["1_000", "1000 / 10^0"],
    ["1e3", "1000 / 10^0"],
    ["1E+3", "1000 / 10^0"],
    ["0x1F", "31 / 10^0"],
    ["-0xff_ff", "-65535 / 10^0"],
    ["9007199254740993", "9007199254740993 / 10^0"],
    ["123456789012345678901234567890", "123456789012345678901234567890 / 10^0"],
    ["0e999999", "0 / 10^0"],
  ])("%s is read alike in every notation", (text, read) => {
    for (const notation of notations) expect(outcome(text, notation)).toBe(read);
  });

  test.each([
    ["12.0", "12 / 10^0"],
    ["12.", "12 / 10^0"],
    [".5", "5 / 10^1"],
    ["123.66", "12366 / 10^2"],
    ["-1.50", "-15 / 10^1"],
    ["1.5e1", "15 / 10^0"],
    ["12e-1", "12 / 10^1"],
    ["100e-2", "1 / 10^0"],
    ["0.1234567890123456789", "1234567890123456789 / 10^19"],
  ])("%s has a decimal point", (text, read) => {
    for (const notation of ["plain", "unstated", "point"] as const)
      expect(outcome(text, notation)).toBe(read);
    expect(outcome(text.replace(".", ","), "comma")).toBe(read);
  });

  test.each<[string, Record<Notation, string>]>([
    ["1,234", { plain: "comma at 1", unstated: "comma at 1", point: "1234 / 10^0", comma: "1234 / 10^3" }],
    ["1.234", { plain: "1234 / 10^3", unstated: "point at 1", point: "1234 / 10^3", comma: "1234 / 10^0" }],
    ["12.000", { plain: "12 / 10^0", unstated: "point at 2", point: "12 / 10^0", comma: "12000 / 10^0" }],
    ["0.123", { plain: "123 / 10^3", unstated: "123 / 10^3", point: "123 / 10^3", comma: "form at 0" }],
    ["1,234.50", { plain: "comma at 1", unstated: "comma at 1", point: "12345 / 10^1", comma: "form at 0" }],
    ["1.234,50", { plain: "comma at 5", unstated: "comma at 5", point: "form at 0", comma: "12345 / 10^1" }],
    [
      "1.234.567",
      { plain: "form at 0", unstated: "point at 1", point: "form at 0", comma: "1234567 / 10^0" },
    ],
    ["1'234.5", { plain: "form at 0", unstated: "form at 0", point: "12345 / 10^1", comma: "form at 0" }],
    [
      "1\u202f234",
      { plain: "space at 1", unstated: "space at 1", point: "1234 / 10^0", comma: "1234 / 10^0" },
    ],
    ["12,34", { plain: "comma at 2", unstated: "comma at 2", point: "form at 0", comma: "1234 / 10^2" }],
    ["1,234'567", { plain: "comma at 1", unstated: "comma at 1", point: "form at 0", comma: "form at 0" }],
    ["0,123", { plain: "comma at 1", unstated: "comma at 1", point: "form at 0", comma: "123 / 10^3" }],
  ])("%s depends on the notation", (text, read) => {
    for (const notation of notations)
      expect([notation, outcome(text, notation)]).toEqual([notation, read[notation]]);
  });

  test.each<[FaultKind, string[]]>([
    [
      "form",
      [
        "",
        "-",
        "+-5",
        ".",
        "e5",
        "1e",
        "1__0",
        "_1",
        "1_",
        "0x",
        "0b1",
        "NaN",
        "Infinity",
        "5%",
        "1 2",
        "٣",
        "1.2.3",
        "$5",
      ],
    ],
    ["dash", ["\u20135", "\u20145", "\uff0d5"]],
    ["size", ["9".repeat(10_001), "1e10001", "1e-10001", `0x${"f".repeat(10_001)}`]],
  ])("A text is refused because of its %s", (kind, texts) => {
    for (const text of texts)
      for (const notation of notations) expect(readNumber(text, notation)).toEqual(new NumberFault(kind));
  });

  test("An integer may be written with a fraction of zeros or an exponent, and no other fraction", () => {
    expect(["12.0", "1.2e1", "0xC"].map((text) => readInteger(text, "unstated"))).toEqual([12, 12, 12]);
    expect(readInteger("12.5", "unstated")).toEqual(new NumberFault("fraction"));
    expect(readInteger("x", "unstated")).toEqual(new NumberFault("form"));
  });

  test("An amount of money has its currency symbol before or behind the number", () => {
    expect(["$1,234.50", "-$5", "$-5", "$ 5", "5 €", "-5€", "\u22125\u00a0€"].map(amountOf)).toEqual([
      { number: "1,234.50", currency: "$", at: 1 },
      { number: "-5", currency: "$", at: 1 },
      { number: "-5", currency: "$", at: 1 },
      { number: "5", currency: "$", at: 2 },
      { number: "5", currency: "€", at: 0 },
      { number: "-5", currency: "€", at: 0 },
      { number: "\u22125", currency: "€", at: 0 },
    ]);
    expect(["5", "5$5", "", "x"].map(amountOf)).toEqual([undefined, undefined, undefined, undefined]);
  });
});

describe("Random numbers", () => {
  /** A number by its sign, the digits before its decimal mark and those behind it. */
  const parts = fc.record({
    isNegative: fc.boolean(),
    units: fc
      .oneof(fc.bigInt({ min: 0n, max: 10_000n }), fc.bigInt({ min: 0n, max: 10n ** 30n }))
      .map(String),
    fraction: fc.oneof(fc.constant(""), fc.stringMatching(/^\d{1,6}$/), fc.stringMatching(/^\d{20}$/)),
  });

  /** The value of a text of digits, times 10^30. */
  const valueOf = ({
    isNegative,
    units,
    fraction,
  }: {
    isNegative: boolean;
    units: string;
    fraction: string;
  }) => (isNegative ? -1n : 1n) * BigInt(units + fraction.padEnd(30, "0"));

  /** Groups of three digits from the right. */
  const grouped = (units: string, mark: string) => units.replace(/\B(?=(\d{3})+$)/g, mark);

  const marks = { point: [".", ",", "'", "\u00a0", ""], comma: [",", ".", "\u2019", "\u202f", ""] } as const;

  const writings = fc.record({
    notation: fc.constantFrom("point" as const, "comma" as const),
    group: fc.nat(3).map((index) => index + 1),
    minus: fc.constantFrom("-", "\u2212"),
    plus: fc.constantFrom("", "", "+"),
  });

  test("A number in the stated convention is read as its digits", () => {
    fc.assert(
      fc.property(parts, writings, (number, { notation, group, minus, plus }) => {
        const { isNegative, units, fraction } = number;
        const mark = marks[notation][group]!;
        const text = `${isNegative ? minus : plus}${grouped(units, mark)}${fraction && marks[notation][0] + fraction}`;
        const read = readNumber(text, notation);
        expect(read, text).not.toBeInstanceOf(NumberFault);
        if (!(read instanceof NumberFault)) expect(BigInt(scaled(read, 30)), text).toBe(valueOf(number));
      }),
      { numRuns: 2000 },
    );
  });

  test("A number in a convention that is not stated is read as its digits, or refused", () => {
    let equal = 0;
    fc.assert(
      fc.property(
        parts,
        writings,
        fc.constantFrom("unstated", "point", "comma"),
        (number, writing, notation) => {
          const { isNegative, units, fraction } = number;
          const mark = marks[writing.notation][writing.group]!;
          const text = `${isNegative ? writing.minus : ""}${grouped(units, mark)}${fraction && marks[writing.notation][0] + fraction}`;
          // Whoever states another convention than that of the text says what the text means.
          if (notation !== "unstated" && notation !== writing.notation) return;
          const read = readNumber(text, notation as Notation);
          if (read instanceof NumberFault) return;
          equal++;
          expect(BigInt(scaled(read, 30)), text).toBe(valueOf(number));
        },
      ),
      { numRuns: 3000 },
    );
    expect(equal).toBeGreaterThan(500);
  });

  test("A number is written in digits as it was read", () => {
    fc.assert(
      fc.property(parts, (number) => {
        const { isNegative, units, fraction } = number;
        const read = readNumber(`${isNegative ? "-" : ""}${units}.${fraction}`, "point");
        if (read instanceof NumberFault) throw new Error("refused");
        const text = decimalText(read.digits, read.places);
        expect(text).toMatch(/^-?\d+(\.\d*[1-9])?$/);
        const again = readNumber(text, "point");
        expect(again).toEqual(read);
      }),
    );
  });
});
