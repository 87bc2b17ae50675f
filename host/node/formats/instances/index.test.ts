// The reader of instances: three formats, any cut of the bytes, exact numbers, and an error with its line for whatever is
// malformed.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RequestError } from "../../../../src/errors.ts";
import type { Instance } from "../../../../src/solve/problem.ts";
import { formatOf, readInstances, type ReadOptions } from "./index.ts";

/** The formats of one instance a line. */
const formats = ["jsonl", "text", "csv"] as const;
type Format = (typeof formats)[number];

type Input = string | Uint8Array | Iterable<Uint8Array>;

async function* streamOf(input: Input): AsyncGenerator<Uint8Array> {
  if (typeof input === "string") yield Buffer.from(input);
  else if (input instanceof Uint8Array) yield input;
  else yield* input;
}

/** The instances that arrive before an error, if there is one, without their lines, and its message. */
async function read(
  input: Input,
  options: ReadOptions = {},
): Promise<{ instances: Instance[]; error?: string }> {
  const instances: Instance[] = [];
  try {
    for await (const { line: _, written: _w, ...instance } of readInstances(streamOf(input), options))
      instances.push(instance);
  } catch (error) {
    expect(error).toBeInstanceOf(RequestError);
    return { instances, error: (error as Error).message };
  }
  return { instances };
}

/** The same, going on after errors. */
async function sift(input: Input, options: ReadOptions = {}) {
  const errors: string[] = [];
  const { instances, error } = await read(input, {
    ...options,
    onMalformed: (error) => {
      expect(error).toBeInstanceOf(RequestError);
      errors.push(error.message);
    },
  });
  expect(error).toBeUndefined();
  return { instances, errors };
}

const BIG = 2 ** 53;

test("Instances carry the numbers of their lines", async () => {
  const lines: (number | undefined)[] = [];
  const text = "1 : 1\n\n# nothing\n2 : x\n3 : 3\r\n4 : 4";
  for await (const { line } of readInstances(streamOf(text), { onMalformed: () => {} })) lines.push(line);
  expect(lines).toEqual([1, 5, 6]);
});

describe("Format of instances", () => {
  test("JSON Lines give one target or several and a name, and other fields are ignored", async () => {
    const lines = [
      '{"items":[3,5,-8],"target":10}',
      '{"id":"a\\n","items":[],"targets":[0,1],"note":{"deep":[1.5e300]}}',
      '  {"id":7,"items":[1e3,2.0,-0],"target":-12345678901234567890e-1}',
      '{"items":[1],"items":[9007199254740992,2],"target":9223372036854775807}',
      '{"items":[-9007199254740992],"target":9007199254740993}',
    ];
    expect((await read(lines.slice(0, 2).join("\n"))).instances).toEqual([
      { items: [3, 5, -8], target: 10 },
      { id: "a\n", items: [], targets: [0, 1] },
    ]);
    expect((await read(lines[2]!)).instances).toEqual([
      { id: 7, items: [1000, 2, 0], target: -1234567890123456789n },
    ]);
    expect(await read(lines.slice(3).join("\n"))).toEqual({
      instances: [
        { items: [BIG, 2], target: 9223372036854775807n },
        { items: [-BIG], target: 9007199254740993n },
      ],
    });
  });

  test("Text is separated by blanks and commas, and has one or more targets and comments", async () => {
    const text =
      "# items : targets\n3 5 -8 : 10\n\n \t\n1 , 2, +3:4, 5 ,6\n: 0\n9007199254740992:-9223372036854775807";
    expect(await read(text)).toEqual({
      instances: [
        { items: [3, 5, -8], targets: [10] },
        { items: [1, 2, 3], targets: [4, 5, 6] },
        { items: [], targets: [0] },
        { items: [BIG], targets: [-9223372036854775807n] },
      ],
    });
  });

  test("CSV has items in one column or in many, quotes and several targets", async () => {
    expect(
      await read('id,items,targets,note\n"a ""b"", c",3 5 -8,10;11,x\n,"1, 2",4 5,\n', { format: "csv" }),
    ).toEqual({
      instances: [
        { id: 'a "b", c', items: [3, 5, -8], targets: [10, 11] },
        { items: [1, 2], targets: [4, 5] },
      ],
    });
    expect(await read("x,target,y,z\r\n1,2,,3\r\n,0,,\r\n", { format: "csv" })).toEqual({
      instances: [
        { items: [1, 3], target: 2 },
        { items: [], target: 0 },
      ],
    });
  });

  test("The format follows from the name of a file or from its first line", async () => {
    expect(["a.jsonl", "a.NDJSON", "a.json", "b/a.csv", "a.tsv", "a.txt", "a", "-"].map(formatOf)).toEqual([
      "jsonl",
      "jsonl",
      "json",
      "csv",
      "tsv",
      "text",
      undefined,
      undefined,
    ]);
    expect((await read('\n \n{"items":[1],"target":1}')).instances).toHaveLength(1);
    expect((await read("\n#{\n1:1")).instances).toHaveLength(1);
    expect((await read("")).instances).toEqual([]);
  });

  test.each(formats)("A partition in %s needs no target", async (format) => {
    const input = { jsonl: '{"items":[1,2]}', text: "1 2", csv: "items\n1 2" }[format];
    expect(await read(input, { format, partition: true })).toEqual({ instances: [{ items: [1, 2] }] });
    expect((await read(input, { format })).error).toMatch(/^line 1: .*target/);
  });
});

describe("Bytes of instances", () => {
  const text = '\ufeff{"id":"ö 𝄞 \u2028","items":[1,2],"target":3}\r\n\r\n{"items":[],"targets":[-1]}';
  const bytes = Buffer.from(text);
  const wanted = [
    { id: "ö 𝄞 \u2028", items: [1, 2], target: 3 },
    { items: [], targets: [-1] },
  ];

  test("Bytes may be cut anywhere, have any line ends and begin with a byte order mark", async () => {
    for (let cut = 0; cut <= bytes.length; cut++)
      expect(await read([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual({ instances: wanted });
    expect(await read(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual({ instances: wanted });
    expect(await read(text.replaceAll("\r", "").concat("\n"))).toEqual({ instances: wanted });
  });

  test("Bytes that are not UTF-8 invalidate only their own line", async () => {
    const input = Buffer.concat([bytes, Buffer.from([10, 0x31, 0xff, 10]), bytes]);
    expect(await sift(input)).toEqual({
      instances: [...wanted, ...wanted],
      errors: ['line 4: text: expected UTF-8, got "1ÿ"; save the file in this encoding'],
    });
  });

  test("A line beyond the size limit is dropped, and the next line is read", async () => {
    const part = Buffer.alloc(2 ** 20, "1 ");
    function* line(parts: number) {
      for (let i = 0; i < parts; i++) yield part;
    }
    function* input() {
      yield Buffer.from("1:1\n");
      yield* line(40);
      yield Buffer.from("1:1\n2:2\n");
      yield* line(40);
    }
    const { instances, errors } = await sift(input());
    expect(instances).toEqual([
      { items: [1], targets: [1] },
      { items: [2], targets: [2] },
    ]);
    expect(errors.map((error) => error.replace(/\d+$/, ""))).toEqual(
      [2, 4].map((line) => `line ${line}: length: expected at most 16777216 bytes, got `),
    );
    // A line that never ends is refused all the same.
    expect((await read(line(Infinity))).error).toMatch(/^line 1: length/);
  });

  test("A million instances take constant memory", { tags: ["wide"] }, async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const used = () => {
      collect();
      const { heapUsed, external } = process.memoryUsage();
      return (heapUsed + external) / 2 ** 20;
    };
    const block = Buffer.from('{"items":[3,5,-8],"target":10}\n'.repeat(2000));
    function* input() {
      for (let i = 0; i < 500; i++) yield block;
    }
    let count = 0;
    let before = 0;
    for await (const { items } of readInstances(streamOf(input()))) {
      count += items.length / 3;
      if (count === 1e5) before = used();
    }
    expect(count).toBe(1e6);
    expect(used() - before).toBeLessThan(8);
  });
});

describe("Malformed line", () => {
  const ITEM = "expected an integer in -9007199254740992..9007199254740992";
  const TARGET = "expected an integer in -9223372036854775807..9223372036854775807";
  const SCALE = 'use scale: "auto", which reads decimals exactly';
  const USE_TARGET = 'use target: "T", for all instances';

  test.each<[Format, line: string, fault: string]>([
    ["jsonl", '{"items":[1,2,"x"],"target":1}', `, column 16: items.2: ${ITEM}, got "x"`],
    [
      "jsonl",
      '{"items":[9007199254740993],"target":1}',
      `, column 11: items.0: ${ITEM}, got "9007199254740993"`,
    ],
    [
      "jsonl",
      '{"items":[-9007199254740993],"target":1}',
      `, column 11: items.0: ${ITEM}, got "-9007199254740993"`,
    ],
    [
      "jsonl",
      '{"items":[1.0000000000000001],"target":1}',
      `, column 11: items.0: ${ITEM}, got "1.0000000000000001"; ${SCALE}`,
    ],
    ["jsonl", '{"items":[1e-400],"target":1}', `, column 11: items.0: ${ITEM}, got "1e-400"; ${SCALE}`],
    [
      "jsonl",
      '{"items":[1],"target":9223372036854775808}',
      `, column 23: target: ${TARGET}, got "9223372036854775808"`,
    ],
    ["jsonl", '{"items":[1],"target":null}', `, column 23: target: ${TARGET}, got null`],
    ["jsonl", '{"items":[1],"targets":3}', ', column 24: targets: expected a list of numbers, got "3"'],
    ["jsonl", '{"items":[1],"targets":[]}', ": targets: expected 1 to 1000000 of them, got 0"],
    [
      "jsonl",
      '{"items":[1]}',
      `: target: expected the sum that is asked for, got nothing; write it as "target" beside "items"; ${USE_TARGET}`,
    ],
    [
      "jsonl",
      '{"items":[1],"target":1,"targets":[1]}',
      ': target, targets: expected one of the two, got "both"',
    ],
    ["jsonl", '{"target":1}', ", column 1: items: expected a list of numbers, got nothing"],
    [
      "jsonl",
      '{"items":[1],"target":1,"id":{}}',
      ", column 30: id: expected a text, or a number of at most 2^53, got {}",
    ],
    [
      "jsonl",
      '{"items":[1],"target":1,"id":9007199254740993}',
      ', column 30: id: expected a text, or a number of at most 2^53, got "9007199254740993"',
    ],
    [
      "jsonl",
      '{"items":[1],"target":1',
      ", column 24: JSON: expected a comma or }, got nothing; write one object a line, or one JSON text",
    ],
    [
      "jsonl",
      '{"items":[1 2],"target":1}',
      ', column 13: JSON: expected a comma or ], got "2],\\"target\\":1}"; write one object a line, or one JSON text',
    ],
    [
      "jsonl",
      "{'items':[1]}",
      ", column 2: JSON: expected a name in double quotes, got \"'items':[1]}\"; write one object a line, or one JSON text",
    ],
    [
      "jsonl",
      '{"items":[{"name":"rent","value":1}],"target":1}',
      ', column 11: items.0: expected a number, or an object with "label" and "value", got {"name":"rent","value":"1"}',
    ],
    [
      "jsonl",
      "[1]",
      `: target: expected the sum that is asked for, got nothing; write it as "target" beside "items"; ${USE_TARGET}`,
    ],
    ["jsonl", "[]", ", column 1: instances: expected at least one, got []"],
    ["jsonl", "3", ', column 1: instance: expected an object with items and a target, got "3"'],
    [
      "jsonl",
      `{"items":[${"0,".repeat(10_000)}0],"target":1}`,
      ": items: expected at most 10000 of them, got 10001",
    ],
    [
      "text",
      "1 2 3",
      `: target: expected the sum that is asked for, got nothing; write it behind the items and a colon; ${USE_TARGET}`,
    ],
    [
      "text",
      "1 2 3 :",
      `: target: expected the sum that is asked for, got nothing; write it behind the items and a colon; ${USE_TARGET}`,
    ],
    ["text", "1 : 2 : 3", ', column 7: line: expected one colon, between items and targets, got "1 : 2 : 3"'],
    ["text", "1;;2 : 3", `, column 3: item: ${ITEM}, got ""`],
    ["text", "1 2.5 : 3", `, column 3: item: ${ITEM}, got "2.5"; ${SCALE}`],
    ["text", "  1 \u{1d11e}x : 3", `, column 5: item: ${ITEM}, got "\u{1d11e}x"`],
    [
      "text",
      "1 $5 : 3",
      `, column 3: item: ${ITEM}, got "$5"; use scale: "auto", which reads amounts of money`,
    ],
    ["text", "1 5% : 3", `, column 3: item: ${ITEM}, got "5%"; a percent sign is not read`],
    ["text", "1 \u20135 : 3", `, column 3: item: ${ITEM}, got "\u20135"; write - as the minus sign`],
    [
      "text",
      `1 : ${"9".repeat(1e6)}`,
      `, column 5: target: expected at most 10000 digits, got "${"9".repeat(76)}...`,
    ],
    ["text", `1 : ${"9".repeat(1000)}`, `, column 5: target: ${TARGET}, got "${"9".repeat(76)}...`],
    [
      "csv",
      "1,2",
      ", column 1: record: expected 3 fields, as in the header, got 2; write a field that contains a separator in quotes",
    ],
    [
      "csv",
      '1,"2,3',
      ', column 3: record: expected quotes around whole fields, doubled inside, got "1,\\"2,3"',
    ],
    [
      "csv",
      "1,,2",
      `: target: expected the sum that is asked for, got nothing; write it in a column target; ${USE_TARGET}`,
    ],
    ["csv", " 1,x,2", `, column 4: "target": ${TARGET}, got "x"`],
  ])("A malformed line of %s is refused with its place and its fault: %s", async (format, line, fault) => {
    const good = { jsonl: '{"items":[],"target":0}', text: ":0", csv: ",0," }[format];
    const before = `${format === "csv" ? "x,target,y\n" : ""}${good}\n\n${good}\n`;
    const at = before.split("\n").length;
    const { instances, error } = await read(`${before}${line}\n${good}`, { format });
    expect(instances).toHaveLength(2);
    expect(error).toBe(`line ${at}${fault}`);
    expect(await sift(`${before}${line}\n${good}`, { format })).toMatchObject({
      errors: [error],
      instances: { length: 3 },
    });
  });

  test.each([
    ["items,size", `: header: expected a column target or targets, got "items,size"; ${USE_TARGET}`],
    ["items,target,items", ', column 14: header: expected one column items, got "items,target,items"'],
    [
      'items,"target',
      ', column 7: record: expected quotes around whole fields, doubled inside, got "items,\\"target"',
    ],
    ["0,1,2", ', column 1: header: expected names of columns, got "0"; --header says that these are names'],
    [
      "a,,target",
      ', column 3: header: expected a name for every column, got ""; name it id, or leave it out',
    ],
    [
      "id;first, last;target",
      ': header: expected one of commas, semicolons and tabs between names, got "id;first, last;target"; write names that contain another one in quotes; use input: "tsv", where tabs separate',
    ],
    ["id,target", ': header: expected a column items, or a column for each item, got "id,target"'],
  ])("A malformed header %s ends the stream", async (header, fault) => {
    const onMalformed = () => expect.unreachable();
    expect((await read(`\n${header}\n1,2`, { format: "csv", onMalformed })).error).toBe(`line 2${fault}`);
  });
});

describe("Ten thousand malformed lines", () => {
  const small = fc.integer({ min: -100, max: 100 });
  const item = fc.oneof(small, fc.maxSafeInteger(), fc.constantFrom(BIG, -BIG));
  const target = fc.oneof(
    item.map((value) => (Number.isSafeInteger(value) ? value : BigInt(value))),
    fc.bigInt({ min: 2n ** 53n + 1n, max: 2n ** 63n - 1n }),
  );
  const items = fc.array(item, { maxLength: 12 });
  const instance = fc.record({ items, targets: fc.array(target, { minLength: 1, maxLength: 3 }) });

  /** An instance as a line of each format; elements may be any text. */
  const line = (
    format: Format,
    { items, targets }: { items: readonly unknown[]; targets: readonly unknown[] },
  ) =>
    ({
      jsonl: `{"items":[${items.join(",")}],"targets":[${targets.join(",")}]}`,
      text: `${items.join(" ")} : ${targets.join(" ")}`,
      csv: `${items.join(" ")},${targets.join(";")}`,
    })[format];

  /** What is no integer in range in any format. */
  const word = fc.oneof(
    fc.constantFrom(
      "x",
      "1.5",
      "1e-400",
      "0b1",
      "--1",
      "1__0",
      "NaN",
      "null",
      "true",
      "[]",
      "{}",
      "\0",
      "٣",
      '"',
    ),
    fc.constantFrom("1.0000000000000001", "9223372036854775808", "-9223372036854775808", "1e999"),
    fc.integer({ min: 20, max: 5000 }).map((digits) => "9".repeat(digits)),
  );

  const malformed = (format: Format): fc.Arbitrary<Uint8Array> => {
    const valid = instance.map((instance) => line(format, instance));
    const insert = (what: fc.Arbitrary<Uint8Array>) =>
      fc.tuple(valid, fc.nat(), what).map(([text, place, bytes]) => {
        const at = place % (text.length + 1);
        return Buffer.concat([Buffer.from(text.slice(0, at)), bytes, Buffer.from(text.slice(at))]);
      });
    const text = fc.oneof(
      // One element is not what it should be.
      fc.tuple(instance, fc.nat(), word).map(([{ items, targets }, place, word]) => {
        const at = place % (items.length + targets.length);
        const all: unknown[] = [...items, ...targets];
        all[at] = word;
        return line(format, { items: all.slice(0, items.length), targets: all.slice(items.length) });
      }),
      // Half a line: without its end, or without its targets.
      fc.tuple(valid, fc.nat()).map(([text, place]) => {
        const most = { jsonl: text.length - 1, text: text.indexOf(":") + 1, csv: text.indexOf(",") + 1 }[
          format
        ];
        return text.slice(0, 1 + (place % most));
      }),
      // Two lines in one, other JSON, any text.
      fc.tuple(valid, valid).map(([a, b]) => `${a}${format === "csv" ? "," : ":"}${b}`),
      fc.json().filter((text) => format !== "csv" || !text.includes(",")),
      fc.string({ unit: "binary", minLength: 1 }),
    );
    const deep = fc
      .tuple(fc.integer({ min: 1, max: 20_000 }), fc.boolean())
      .map(([depth, closed]) =>
        closed
          ? line(format, { items: ["[".repeat(depth) + "]".repeat(depth)], targets: [2n ** 60n] })
          : "[".repeat(depth),
      );
    const noText = fc.constantFrom([0], [0xff], [0xc3, 0x28], [0xed, 0xa0, 0x80]);
    return fc
      .oneof(
        { weight: 20, arbitrary: text.map((text) => Buffer.from(text.replaceAll("\n", " "))) },
        { weight: 1, arbitrary: deep.map((text) => Buffer.from(text)) },
        { weight: 4, arbitrary: insert(noText.map((bytes) => Uint8Array.from(bytes))) },
        {
          weight: 4,
          arbitrary: fc
            .uint8Array({ minLength: 1, maxLength: 200 })
            .map((bytes) => bytes.map((byte) => (byte === 10 ? 11 : byte))),
        },
      )
      .filter((bytes) => !/^\s*(#.*)?$/su.test(Buffer.from(bytes).toString()));
  };

  test.each(formats)(
    "%s: each malformed line is an error with its number, and every good line arrives",
    async (format) => {
      const head = format === "csv" ? "items,targets\n" : "";
      const own = head === "" ? 1 : 2;
      const seed = 20_260_101;
      // Each of the ways to spoil a line is taken tens of times.
      const bad = fc.sample(malformed(format), { numRuns: 1000, seed });
      const good = fc.sample(instance, { numRuns: 1001, seed });

      for (const bytes of bad) {
        const alone = await read(Buffer.concat([Buffer.from(head), bytes]), { format });
        expect(alone, Buffer.from(bytes).toString().slice(0, 200)).toEqual({
          instances: [],
          error: expect.stringMatching(
            new RegExp(`^line ${own}(, column \\d+)?: [^:]+: expected .+, got .+$`, "s"),
          ) as string,
        });
      }

      const chunks = [Buffer.from(`${head}${line(format, good[0]!)}\n`)];
      bad.forEach((bytes, i) =>
        chunks.push(Buffer.from(bytes), Buffer.from(`\n${line(format, good[i + 1]!)}\n`)),
      );
      const { instances, errors } = await sift(chunks, { format });
      expect(instances).toEqual(good);
      // A list of JSON may hold several instances, each of which is refused.
      expect([...new Set(errors.map((error) => Number(/^line (\d+)[:,] /.exec(error)![1])))]).toEqual(
        bad.map((_, i) => own + 1 + 2 * i),
      );
    },
  );
});
