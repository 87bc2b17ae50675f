// Matrices from and to files: what numpy writes, what text says, and that whatever else comes is refused in words.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RequestError } from "../../../src/errors.ts";
import fixture from "../../../test/fixtures/npy.json" with { type: "json" };
import { csvOf, decodeInputs, encodeNpy, int64Bytes } from "./matrix.ts";

const bytesOf = (base64: string) => Buffer.from(base64, "base64");

const text = (content: string, columns: number) => read(Buffer.from(content), columns, 100);

/** A .npy file put together by hand: a header as it is given, and the data behind it. */
function npy(header: string, data: Uint8Array | readonly number[], version = 1): Buffer {
  const length = Buffer.alloc(version === 1 ? 2 : 4);
  length.writeUIntLE(header.length, 0, length.length);
  return Buffer.concat([
    Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0]),
    length,
    Buffer.from(header, "latin1"),
    Buffer.from(data),
  ]);
}

const says = (descr: string, shape: string, fortran = "False") =>
  `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': ${shape}, }\n`;

/** The inputs in a file, or what it is refused for. */
function read(bytes: Uint8Array, columns: number, most: number): number[] | string {
  try {
    return [...decodeInputs(bytes, columns, most)];
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    return error.message;
  }
}

describe("a .npy file", () => {
  test.each(fixture.read)("numpy's file is read: $name", ({ npy, columns, values }) => {
    expect(read(bytesOf(npy), columns, 4096)).toEqual(values);
  });

  test("A file with a changed byte of data has another value, or is refused", () => {
    for (const { name, npy, columns, values } of fixture.read.filter(({ values }) => values.length > 0)) {
      const bytes = bytesOf(npy);
      const last = bytes.length - 1;
      bytes[last]! ^= name.startsWith(">") ? 1 : 0x40;
      expect(read(bytes, columns, 4096), name).not.toEqual(values);
    }
  });

  test("A file at any offset in memory is read and not changed", () => {
    const file = npy(says(">i2", "(1, 2)"), [0, 1, 255, 255]);
    for (const shift of [0, 1, 2, 3]) {
      const memory = Buffer.concat([Buffer.alloc(shift), file]);
      expect([...decodeInputs(memory.subarray(shift), 2, 8)]).toEqual([1, -1]);
      expect(memory.subarray(shift).equals(file)).toBe(true);
    }
  });

  test("The fields of a header may be in another order, with more blanks", () => {
    const header = "{ 'shape':(2,2),'fortran_order':True,\t'descr':'|u1'}   ";
    expect([...decodeInputs(npy(header, [1, 2, 3, 4], 2), 2, 8)]).toEqual([1, 3, 2, 4]);
  });

  const DTYPE = "descr: expected <i4 or another of integers, booleans or floats, got";
  const double = (value: number) => new Uint8Array(Float64Array.of(0, value).buffer);
  test.each([
    ["objects", npy(says("|O", "(1, 2)"), [0x80, 2, 0x2e]), `${DTYPE} "|O"`],
    ["texts", npy(says("<U1", "(1, 2)"), Array(8).fill(0)), `${DTYPE} "<U1"`],
    ["complex numbers", npy(says("<c8", "(1, 2)"), Array(16).fill(0)), `${DTYPE} "<c8"`],
    ["floats of 128 bits", npy(says("<f16", "(1, 2)"), Array(32).fill(0)), `${DTYPE} "<f16"`],
    ["no order", npy(says("i4", "(1, 2)"), Array(8).fill(0)), `${DTYPE} "i4"`],
    [
      "records",
      npy("{'descr': [('a', '<i4')], 'fortran_order': False, 'shape': (2,)}", Array(8).fill(0)),
      `${DTYPE} [["a","<i4"]]`,
    ],
    ["no fields", npy("{}", []), `${DTYPE} nothing`],
    [
      "another field",
      npy("{'descr': '<i4', 'fortran_order': False, 'shape': (2,), 'x': 1}", []),
      'header: expected known fields only, got "x"',
    ],
    ["no shape", npy("{'descr': '<i4', 'fortran_order': False}", []), "shape: expected lengths, got nothing"],
    [
      "an order that is none",
      npy(says("<i4", "(2,)", "0"), []),
      "fortran_order: expected True or False, got 0",
    ],
    ["no dictionary", npy("[1]", []), "header: expected descr, fortran_order and shape, got [1]"],
    [
      "a call",
      npy("__import__('os').system('true')", []),
      `header: expected descr, fortran_order and shape, got "__import__('os').system('true')"`,
    ],
    ["a number", npy(says("<i4", "()"), [1, 0, 0, 0]), 'shape: expected n inputs of 2 values, got "()"'],
    [
      "other lengths",
      npy(says("|u1", "(2, 3)"), [1, 2, 3, 4, 5, 6]),
      'shape: expected n inputs of 2 values, got "(2, 3)"',
    ],
    [
      "one input of another length",
      npy(says("|u1", "(4,)"), [1, 2, 3, 4]),
      'shape: expected n inputs of 2 values, got "(4)"',
    ],
    [
      "inputs without values",
      npy(says("|u1", "(4, 0)"), []),
      'shape: expected n inputs of 2 values, got "(4, 0)"',
    ],
    [
      "a negative length",
      npy(says("|u1", "(-1, 2)"), [1, 2]),
      "shape.0: expected an integer in 0..9007199254740991, got -1",
    ],
    [
      "a length with a fraction",
      npy(says("|u1", "(1.5, 2)"), [1, 2, 3]),
      "shape.0: expected an integer in 0..9007199254740991, got 1.5",
    ],
    [
      "2^41 values",
      npy(says("|u1", "(1099511627776, 2)"), [1, 2]),
      "shape: expected at most 268435456 values, got 2199023255552",
    ],
    [
      "2^28 values that are not there",
      npy(says("<i8", "(134217728, 2)"), [1, 2]),
      "data: expected 2147483648 bytes, as its shape asks for, got 2",
    ],
    [
      "lengths that make infinitely many",
      npy(says("|u1", `(1, ${Array(40).fill("1000000000").join(", ")})`), [1, 2]),
      expect.stringMatching(/^shape: expected n inputs of 2 values, got "\(1, 1000/),
    ],
    [
      "more lengths than numpy has",
      npy(says("|u1", `(${"1, ".repeat(70)})`), [1]),
      expect.stringMatching(/^shape: expected at most 64 lengths, got \[1,1/),
    ],
    [
      "a missing byte",
      npy(says("|u1", "(2, 2)"), [1, 2, 3]),
      "data: expected 4 bytes, as its shape asks for, got 3",
    ],
    [
      "a byte too many",
      npy(says("|u1", "(1, 2)"), [1, 2, 3]),
      "data: expected 2 bytes, as its shape asks for, got 3",
    ],
    ["version 4.0", npy(says("|u1", "(1, 2)"), [1, 2], 4), 'version: expected 1.0, 2.0 or 3.0, got "4.0"'],
    [
      "an end in its header's length",
      npy("", []).subarray(0, 9),
      "header: expected its length before the end of the file, got 9",
    ],
    [
      "an end in its header",
      npy(says("|u1", "(1, 2)"), [1, 2]).subarray(0, 40),
      expect.stringMatching(/^header: expected at most 10000 bytes before the end of the file, got 6\d$/),
    ],
    [
      "a long header",
      npy(says("|u1", "(1, 2)").padEnd(10_001), [1, 2], 2),
      "header: expected at most 10000 bytes before the end of the file, got 10001",
    ],
    [
      "an integer out of range",
      npy(says("|u1", "(2, 2)"), [8, 0, 1, 9]),
      "row 1, column 1: expected an integer in -8..8, got 9",
    ],
    [
      "an integer of 64 bits",
      npy(says("<u8", "(2,)"), Array(16).fill(255)),
      "row 0, column 0: expected an integer in -8..8, got 18446744073709551615",
    ],
    ["NaN", npy(says("<f8", "(2,)"), double(NaN)), "row 0, column 1: expected an integer in -8..8, got NaN"],
    [
      "infinity",
      npy(says("<f8", "(2,)"), double(-Infinity)),
      "row 0, column 1: expected an integer in -8..8, got -Infinity",
    ],
    [
      "a fraction",
      npy(says("<f8", "(2,)"), double(0.5)),
      "row 0, column 1: expected an integer in -8..8, got 0.5",
    ],
    [
      "NaN of 16 bits",
      npy(says("<f2", "(2,)"), [0, 0, 1, 0x7c]),
      "row 0, column 1: expected an integer in -8..8, got NaN",
    ],
    [
      "a small float of 16 bits",
      npy(says("<f2", "(2,)"), [0, 0, 0, 2]),
      `row 0, column 1: expected an integer in -8..8, got ${2 ** -15}`,
    ],
    [
      "no magic",
      Buffer.from([0x93, 0x4e, 0x55, 0x4d]),
      'inputs: expected a .npy file or text, got "\u0093NUM"',
    ],
    ["nothing", Buffer.alloc(0), 'inputs: expected a .npy file or text, got ""'],
  ])("with %s is refused", (_, bytes, message) => {
    expect(read(bytes, 2, 8)).toEqual(message);
  });
});

describe("text", () => {
  test.each([
    ["commas", "1,2\n-3,+4\n"],
    ["commas and blanks, Windows", "1, 2\r\n-3 ,4\r\n"],
    ["blanks, no end of line", "1 2\n -3  4"],
    ["tabs", "1\t2\n-3\t4\n"],
    ["names", "a,b\n1,2\n-3,4\n"],
    ["names that numbers are in, and a byte order mark", "\uFEFFpixel0 pixel1\n1 2\n-3 4\n"],
    ["quotes", '"first, of two","b"\n"1","2"\n-3,4\n'],
    ["comments and empty lines", "# a b\n\n1 2\n# more\n\n-3 4\n\n"],
    [
      "numbers as numpy.savetxt writes them",
      "1.000000000000000000e+00 2e0\n-3.000000000000000000e+00 0.4e1\n",
    ],
  ])("with %s", (_, content) => {
    expect(text(content, 2)).toEqual([1, 2, -3, 4]);
  });

  test("Text with names alone has no inputs", () => {
    expect(text("a,b\n", 2)).toEqual([]);
  });

  test("Text with single digits and no final end of line is read completely", () => {
    expect(text("1\n2\n3", 1)).toEqual([1, 2, 3]);
    expect(text("1", 1)).toEqual([1]);
  });

  test.each([
    ["1,2\n3\n", "row 1: expected 2 integers, got 1"],
    ["a,b\n1,2,3\n", "row 0: expected 2 integers, got 3"],
    ["1,2\na,b\n", 'row 1, column 0: expected an integer in -8..8, got "a"'],
    ["1,x\n", 'row 0, column 1: expected an integer in -8..8, got "x"'],
    ["nan,NaN\n", 'row 0, column 0: expected an integer in -8..8, got "nan"'],
    ["1,\n", 'row 0, column 1: expected an integer in -8..8, got ""'],
    ["1,9\n", 'row 0, column 1: expected an integer in -8..8, got "9"'],
    ["1,0.5\n", 'row 0, column 1: expected an integer in -8..8, got "0.5"'],
    ["1,1e-400\n", 'row 0, column 1: expected an integer in -8..8, got "1e-400"'],
    ["1,1e400\n", 'row 0, column 1: expected an integer in -8..8, got "1e400"'],
    ["1,0x1\n", 'row 0, column 1: expected an integer in -8..8, got "0x1"'],
    [
      "1,0.99999999999999999999\n",
      'row 0, column 1: expected an integer in -8..8, got "0.99999999999999999999"',
    ],
    ['1,"2\n', 'record: expected quotes around whole fields, doubled inside, got "1,\\"2"'],
  ])("%j is refused", (content, message) => {
    expect(read(Buffer.from(content), 2, 8)).toBe(message);
  });
});

const matrix = fc
  .tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 1, max: 4 }))
  .chain(([rows, columns]) =>
    fc.record({
      columns: fc.constant(columns),
      values: fc.array(fc.integer({ min: -100, max: 100 }), {
        minLength: rows * columns,
        maxLength: rows * columns,
      }),
    }),
  );

test("Written matrices are read back, from .npy and from text", () => {
  fc.assert(
    fc.property(matrix, ({ columns, values }) => {
      const numbers = Float64Array.from(values);
      const file = encodeNpy(numbers, [values.length / columns, columns]);
      expect(read(file, columns, 100)).toEqual(values);
      const lines = [...csvOf(numbers, columns)].join("");
      if (lines !== "") expect(text(lines, columns)).toEqual(values);
    }),
  );
});

test("A damaged file gives integers in range or a refusal", () => {
  const files = [
    ...fixture.read.slice(0, 24).map(({ npy }) => bytesOf(npy)),
    Buffer.from("a,b,c,d,e,f\n1,2,3,4,5,6\n-1,-2,-3,-4,-5,-6\n"),
  ];
  const edit = fc.record({
    at: fc.integer({ min: 0, max: 300 }),
    // Without it as many bytes go as come.
    cut: fc.option(fc.integer({ min: 0, max: 3 }), { freq: 1 }),
    put: fc.oneof(
      fc.uint8Array({ maxLength: 3 }),
      fc.constantFrom(...Buffer.from("()[]{},':<>|ifub1248LTrue\n\"")).map((byte) => Buffer.of(byte)),
    ),
  });
  let served = 0;
  let refused = 0;
  fc.assert(
    fc.property(fc.constantFrom(...files), fc.array(edit, { minLength: 1, maxLength: 3 }), (file, edits) => {
      let bytes: Buffer = file;
      for (const { at, cut, put } of edits)
        bytes = Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + (cut ?? put.length))]);
      const inputs = read(bytes, 6, 4096);
      if (typeof inputs === "string") refused++;
      else {
        expect(inputs.length % 6).toBe(0);
        expect(inputs.every((input) => Number.isInteger(input) && Math.abs(input) <= 4096)).toBe(true);
        served++;
      }
    }),
    { numRuns: 3000 },
  );
  expect([served > 100, refused > 100]).toEqual([true, true]);
});

describe("a .npy file that is written", () => {
  test.each(fixture.written)("The written file equals numpy's: $shape", ({ shape, values, npy }) => {
    expect(encodeNpy(Float64Array.from(values), shape).toString("base64")).toBe(npy);
  });

  test("Another value gives another file", () => {
    const { shape, values, npy } = fixture.written[0]!;
    const others = Float64Array.from(values);
    others[5]!++;
    expect(encodeNpy(others, shape).toString("base64")).not.toBe(npy);
  });
});

test("64-bit integers have the bytes of bigints", () => {
  fc.assert(
    fc.property(fc.array(fc.maxSafeInteger()), (values) => {
      const wanted = Buffer.alloc(8 * values.length);
      values.forEach((value, i) => wanted.writeBigInt64LE(BigInt(value), 8 * i));
      expect(int64Bytes(Float64Array.from(values)).equals(wanted)).toBe(true);
    }),
  );
});

test("Text of many rows comes in pieces that together are complete", () => {
  const values = Float64Array.from({ length: 5000 }, (_, i) => i - 2500);
  const pieces = [...csvOf(values, 2)];
  expect(pieces.length).toBeGreaterThan(1);
  expect(pieces.join("").split("\n")).toEqual([
    ...Array.from({ length: 2500 }, (_, k) => `${2 * k - 2500},${2 * k - 2499}`),
    "",
  ]);
});
