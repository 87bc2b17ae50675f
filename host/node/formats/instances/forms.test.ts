// The forms in which people have instances: each is read for what it says, or refused; none is read as another instance.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Notation } from "../../../../src/numbers.ts";
import { readInstances, valuesOfOption, type ReadInstance, type SettleOptions } from "./index.ts";

async function* streamOf(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

interface Outcome {
  readonly instances: readonly ReadInstance[];
  readonly errors: readonly string[];
}

async function read(text: string, options: SettleOptions = {}): Promise<Outcome> {
  const instances: ReadInstance[] = [];
  const errors: string[] = [];
  try {
    const onMalformed = (error: Error) => void errors.push(error.message);
    for await (const instance of readInstances(streamOf(text), { ...options, onMalformed }))
      instances.push(instance);
  } catch (error) {
    errors.push((error as Error).message);
  }
  return { instances, errors };
}

/** The value of the option `target`. */
const targets = (text: string, notation: Notation = "unstated", decimals = false) =>
  valuesOfOption(text, { notation, decimals }, { field: "target", range: "an integer" });

describe("Inputs of people", () => {
  test.each<[what: string, text: string, options: SettleOptions, instances: object[]]>([
    [
      "Decimals are scaled by the smallest power of ten",
      "12.5 0.25 3 : 15.50\n7 8 : 15",
      { decimals: true },
      [
        { items: [1250, 25, 300], targets: [1550], written: { places: 2 } },
        { items: [7, 8], targets: [15], written: { places: 0 } },
      ],
    ],
    [
      "Amounts of money have groups where the convention is stated",
      "$1,234.50 $99.50 -$4 : $1,334",
      { decimals: true, notation: "point" },
      [{ items: [12345, 995, -40], targets: [13340], written: { places: 1 } }],
    ],
    [
      "Decimal commas are read where they are stated",
      "1.234,50; 99,5 : 1.334",
      { decimals: true, notation: "comma" },
      [{ items: [12345, 995], targets: [13340] }],
    ],
    [
      "Groups of thousands are integers",
      "2,345 6,789 10 : 9,134",
      { notation: "point" },
      [{ items: [2345, 6789, 10], targets: [9134] }],
    ],
    [
      "Forms of integers are alike in text",
      "12.0 1e3 +5 -0 1_000 0x1F : 31",
      {},
      [{ items: [12, 1000, 5, 0, 1000, 31], targets: [31] }],
    ],
    [
      "Forms of integers are alike in JSON, with and without quotes",
      '{"items":[12.0,1e3,+5,-0,1_000,0x1F,"0x1F","1_000"],"target":"1e3"}',
      {},
      [{ items: [12, 1000, 5, 0, 1000, 31, 31, 1000], target: 1000 }],
    ],
    [
      "Forms of integers are alike in CSV",
      "a,b,c,d,e,f,target\n12.0,1e3,+5,-0,1_000,0x1F,1e3",
      { format: "csv" },
      [{ items: [12, 1000, 5, 0, 1000, 31], target: 1000 }],
    ],
    [
      "Commas separate a list of three and more",
      "3,5,-8,1000 : 4",
      {},
      [{ items: [3, 5, -8, 1000], targets: [4] }],
    ],
    [
      "Blank cells keep the columns of the others",
      "id,x,target,y,z\nr,4,9,,9\ns,1,1,2,3",
      { format: "csv" },
      [
        { id: "r", items: [4, 9], target: 9, written: { columns: [0, 2], labels: ["x", "z"] } },
        { id: "s", items: [1, 2, 3], target: 1, written: { labels: ["x", "y", "z"] } },
      ],
    ],
    [
      "Semicolons separate fields, with decimal commas",
      "a;b;target\n1,5;2,25;3,75",
      { format: "csv", decimals: true, notation: "comma" },
      [{ items: [150, 225], target: 375 }],
    ],
    [
      "Tabs separate fields",
      "items\ttarget\n4 6 9\t15",
      { format: "tsv" },
      [{ items: [4, 6, 9], target: 15 }],
    ],
    [
      "A table may have a byte order mark and quotes",
      '\ufeff"items","target"\n"4 6","10"',
      { format: "csv" },
      [{ items: [4, 6], target: 10 }],
    ],
    [
      "A header of numbers is one where that is said",
      "0,1,2\n4,5,6",
      { format: "csv", header: true, targets: targets("9") },
      [{ items: [4, 5, 6], targets: [9], written: { labels: ["0", "1", "2"] } }],
    ],
    [
      "Every record is an item where that is said",
      "bill,price\nA-7,120\nB-2,\nC-3,456\n",
      { format: "csv", rows: true, targets: targets("456") },
      [
        {
          items: [120, 456],
          targets: [456],
          line: 2,
          written: { columns: [0, 2], labels: ["A-7", "C-3"], lastLine: 4 },
        },
      ],
    ],
    [
      "Columns of values and labels may be named",
      "no,price,name\n1,120,x\n2,456,y",
      { format: "csv", rows: true, value: "price", label: "name", targets: targets("5") },
      [{ items: [120, 456], written: { labels: ["x", "y"] } }],
    ],
    [
      "One number a line is one instance",
      "# weights\n4\n\n-6\n9\n",
      { targets: targets("3, 9") },
      [{ items: [4, -6, 9], targets: [3, 9], line: 2 }],
    ],
    [
      "Several numbers a line are an instance each",
      "4 6\n9\n",
      { targets: targets("3") },
      [{ items: [4, 6] }, { items: [9] }],
    ],
    [
      "JSON may be a list of instances",
      '[{"items":[4,6],"target":10},{"items":[1],"target":1}]',
      {},
      [
        { items: [4, 6], target: 10 },
        { items: [1], target: 1 },
      ],
    ],
    [
      "JSON may take several lines",
      '{\n "items": [4,\n 6],\n "target": 10\n}\n',
      {},
      [{ items: [4, 6], target: 10, line: 1, written: { lastLine: 5 } }],
    ],
    [
      "JSON of several lines says where an instance begins",
      '[\n{"items":[4],"target":4},\n\n{"items":[5],"target":5}]',
      {},
      [{ line: 2 }, { line: 4 }],
    ],
    [
      "JSON may be a list of items",
      "[4,6,9]\n[1,2]",
      { targets: targets("10") },
      [{ items: [4, 6, 9] }, { items: [1, 2] }],
    ],
    [
      "Items of JSON may have labels",
      '{"items":[{"label":"rent","value":"1_200"},5],"target":5}',
      {},
      [{ items: [1200, 5], target: 5, written: { labels: ["rent", null] } }],
    ],
    [
      "A tolerance is scaled with the instance",
      "12.5 : 12\n1 : 1",
      { decimals: true, tolerance: targets("0.25", "unstated", true)[0] },
      [
        { items: [1250], tolerance: 25 },
        { items: [100], tolerance: 25 },
      ],
    ],
  ])("An input is read: %s", async (_, text, options, instances) => {
    const outcome = await read(text, options);
    expect(outcome.errors).toEqual([]);
    expect(outcome.instances).toHaveLength(instances.length);
    expect(outcome.instances).toMatchObject(instances);
  });

  test.each<[text: string, options: SettleOptions, place: string]>([
    ["2,345 6,789 99 : 9134", {}, "line 1, column 2: item: expected no comma"],
    ["100 200 : 3,000", {}, "line 1, column 12: target: expected no comma"],
    ["3,5 : 8", {}, "line 1, column 2: item: expected no comma"],
    ["3,5 2,25 : 5,75", { decimals: true }, "line 1, column 2: item: expected no comma"],
    ["100,200,300 : 500", {}, "line 1, column 4: item: expected no comma"],
    ["1,2, 3 : 3", {}, "line 1, column 2: item: expected no comma"],
    ["1.234 5 : 5", { decimals: true }, "line 1, column 2: item: expected no point that may group thousands"],
    ["12.000 5 : 5", {}, "line 1, column 3: item: expected no point that may group thousands"],
    ["1\u00a0234 : 5", {}, "line 1, column 2: item: expected no space that does not break"],
    ["1 234; 5 678 : 6", {}, "line 1, column 6: item: expected blanks alone between numbers"],
    ["1234; 5678 : 6 912", {}, "line 1, column 16: separator: expected the same on both sides"],
    ["3,5,8 : 8", { notation: "point" }, "line 1, column 1: item: expected a number with a decimal point"],
    ["$5 €3 : 8", { decimals: true }, "line 1, column 4: currency: expected $ throughout the instance"],
    ["4\n5 6", { targets: targets("9") }, "line 2, column 1: item: expected an integer"],
    [
      "bill,no\n7,1\n8,2",
      { format: "csv", rows: true, targets: targets("9") },
      "line 2: value: expected one column of numbers",
    ],
    [
      "A-1,123\nA-2,456",
      { format: "csv", rows: true, targets: targets("9") },
      "line 1, column 5: header: expected names of columns",
    ],
    ['[\n{"items":[4],\n"target":"x"}]', {}, "line 3, column 11: target: expected an integer"],
    ["[1,\n2,\n", {}, "line 2, column 3: JSON: expected a value of JSON"],
    ["3 : 4", { targets: targets("4") }, "line 1: target: expected none beside"],
  ])("%j is refused with its place", async (text, options, place) => {
    const { instances, errors } = await read(text, options);
    expect(instances).toEqual([]);
    expect(errors[0]!.slice(0, place.length)).toBe(place);
  });
});

/** A number as a sign, its units, and the digits behind its decimal mark, without zeros at the end. */
interface Written {
  readonly isNegative: boolean;
  readonly units: number;
  readonly fraction: string;
}

/** How the numbers of an input are written. */
interface Style {
  readonly decimal: "." | ",";
  readonly group: string;
  readonly separators: readonly [string, string];
  readonly form: "text" | "csv" | "items" | "json" | "rows";
  readonly isStated: boolean;
  readonly isQuoted: boolean;
}

const PLACES = 3;

/** The value of a number times 10^PLACES. */
const valueOf = ({ isNegative, units, fraction }: Written) =>
  (isNegative ? -1 : 1) * (units * 10 ** PLACES + Number(fraction.padEnd(PLACES, "0"))) + 0;

function textOf({ isNegative, units, fraction }: Written, { decimal, group }: Style): string {
  const grouped = String(units).replace(/\B(?=(\d{3})+$)/g, group);
  return `${isNegative ? "-" : ""}${grouped}${fraction && decimal + fraction}`;
}

/** The input that has these items and targets in a style. */
function inputOf(items: readonly Written[], targets: readonly Written[], style: Style): string {
  const [left, right] = [items, targets].map((list) => list.map((number) => textOf(number, style)));
  const [a, b] = style.separators;
  const field = (text: string) => (style.isQuoted || /[,;]/.test(text) ? `"${text}"` : text);
  switch (style.form) {
    case "text":
      return `${left!.join(a)} : ${right!.join(b)}`;
    case "items":
      return `items;targets\n"${left!.join(a)}";"${right!.join(b)}"`;
    case "csv":
      return `${left!.map((_, i) => `c${i}`).join(",")},target\n${[...left!, right![0]!].map(field).join(",")}`;
    case "json":
      return JSON.stringify({ items: left, targets: right });
    default:
      return `name;value\n${left!.map((text, i) => `n${i};${text}\n`).join("")}`;
  }
}

describe("Random instances in random forms", () => {
  const number: fc.Arbitrary<Written> = fc.record({
    isNegative: fc.boolean(),
    units: fc.oneof(fc.nat(20), fc.nat(2000), fc.nat(3_000_000)),
    fraction: fc.oneof(
      { weight: 3, arbitrary: fc.constant("") },
      { weight: 2, arbitrary: fc.stringMatching(/^\d{0,2}[1-9]$/) },
    ),
  });
  const separator = fc.constantFrom(" ", "  ", "\t", ",", ", ", " , ", ";", "; ");
  const style: fc.Arbitrary<Style> = fc
    .record({
      decimal: fc.constantFrom("." as const, "," as const),
      group: fc.constantFrom("", "", ",", ".", "'", "\u00a0", "\u202f"),
      separators: fc.oneof(
        separator.map((one) => [one, one] as const),
        fc.tuple(separator, separator),
      ),
      form: fc.constantFrom("text", "csv", "items", "json", "rows"),
      isStated: fc.boolean(),
      isQuoted: fc.boolean(),
    })
    .filter(({ decimal, group }) => group !== decimal)
    // A comma that is both a decimal mark and a separator, or that separates against the stated convention, means nothing.
    .filter(
      ({ decimal, separators, isStated }) => !separators.includes(",") || (decimal === "." && !isStated),
    );

  test(
    "What is read is equal to what was written, and in each form much is read",
    { timeout: 60_000 },
    async () => {
      const equal: Record<string, number> = {};
      await fc.assert(
        fc.asyncProperty(
          fc.array(number, { minLength: 1, maxLength: 6 }),
          fc.array(number, { minLength: 1, maxLength: 3 }),
          style,
          async (items, given, style) => {
            const { form, decimal } = style;
            const asked = form === "csv" ? given.slice(0, 1) : given;
            const text = inputOf(items, asked, style);
            const { instances, errors } = await read(text, {
              format: { text: "text", json: "json", csv: "csv", items: "csv", rows: "csv" }[form] as "text",
              decimals: true,
              notation: style.isStated ? (decimal === "." ? "point" : "comma") : "unstated",
              rows: form === "rows" || undefined,
              targets: form === "rows" ? targets("7", "plain", true) : undefined,
            });
            expect(instances.length + errors.length, text).toBe(1);
            const [instance] = instances;
            if (!instance) return;
            equal[form] = (equal[form] ?? 0) + 1;
            const unit = 10 ** (PLACES - instance.written!.places!);
            expect(
              instance.items.map((item) => item * unit),
              text,
            ).toEqual(items.map(valueOf));
            const sums = (instance.targets ?? [instance.target!]).map((target) => Number(target) * unit);
            expect(sums, text).toEqual(form === "rows" ? [7000] : asked.map(valueOf));
          },
        ),
        { numRuns: 1500 },
      );
      for (const form of ["text", "csv", "items", "json", "rows"])
        expect([form, equal[form]! > 100]).toEqual([form, true]);
    },
  );
});
