// Matrices from and to files: what numpy writes, what text says, and that whatever else comes is refused in words.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RequestError } from "../../../src/errors.ts";
import fixture from "../../../test/fixtures/npy.json" with { type: "json" };
import { csvOf, decodeInputs } from "./matrix.ts";
import { encodeNpy, int64Bytes } from "./npy.ts";

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
    return [...decodeInputs(bytes, { columns, most })];
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    return error.message;
  }
}

describe("NumPy file", () => {
  test.each(fixture.read)("A file of numpy has its numbers: $name", ({ npy, columns, values }) => {
    expect(read(bytesOf(npy), columns, 4096)).toEqual(values);
  });

  test("A file of numpy with a changed byte of data has another value or is refused", () => {
    for (const { name, npy, columns, values } of fixture.read.filter(({ values }) => values.length > 0)) {
      const bytes = bytesOf(npy);
      const last = bytes.length - 1;
      bytes[last]! ^= name.startsWith(">") ? 1 : 0x40;
      expect(read(bytes, columns, 4096), name).not.toEqual(values);
    }
  });

  test("Images have their channels first, and those of another order are refused", () => {
    const image = (shape: string) =>
      npy(
        says("|i1", shape),
        Array.from({ length: 12 }, (_, i) => i),
      );
    const readImage = (shape: string) => {
      try {
        return [...decodeInputs(image(shape), { columns: 12, most: 100, shape: [2, 3, 2] })].length;
      } catch (error) {
        return (error as Error).message;
      }
    };
    expect(readImage("(1, 2, 3, 2)")).toBe(12);
    expect(readImage("(1, 12)")).toBe(12);
    expect(readImage("(12,)")).toBe(12);
    expect(readImage("(1, 3, 2, 2)")).toBe(
      'shape: expected (n, 2, 3, 2), or a row of 12 values for each input, got "(1, 3, 2, 2)"; ' +
        "channels come before height and width: x.transpose(0, 3, 1, 2) in NumPy moves them",
    );
    expect(readImage("(2, 3, 2)")).toBe(
      'shape: expected n inputs of 12 values, got "(2, 3, 2)"; ' +
        "a single input needs an axis of length 1 before the others: x[None] in NumPy",
    );
  });

  test("A .npy file is read at any offset and is not changed", () => {
    const file = npy(says(">i2", "(1, 2)"), [0, 1, 255, 255]);
    for (const shift of [0, 1, 2, 3]) {
      const memory = Buffer.concat([Buffer.alloc(shift), file]);
      expect([...decodeInputs(memory.subarray(shift), { columns: 2, most: 8 })]).toEqual([1, -1]);
      expect(memory.subarray(shift).equals(file)).toBe(true);
    }
  });

  test("A .npy header may be in another order and in more bytes", () => {
    const header = "{ 'shape':(2,2),'fortran_order':True,\t'descr':'|u1'}   ";
    expect([...decodeInputs(npy(header, [1, 2, 3, 4], 2), { columns: 2, most: 8 })]).toEqual([1, 3, 2, 4]);
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
      "row 2, column 2: expected an integer in -8..8, got 9",
    ],
    [
      "an integer of 64 bits",
      npy(says("<u8", "(2,)"), Array(16).fill(255)),
      "row 1, column 1: expected an integer in -8..8, got 18446744073709551615",
    ],
    ["NaN", npy(says("<f8", "(2,)"), double(NaN)), "row 1, column 2: expected an integer in -8..8, got NaN"],
    [
      "infinity",
      npy(says("<f8", "(2,)"), double(-Infinity)),
      "row 1, column 2: expected an integer in -8..8, got -Infinity",
    ],
    [
      "a fraction",
      npy(says("<f8", "(2,)"), double(0.5)),
      "row 1, column 2: expected an integer in -8..8, got 0.5",
    ],
    [
      "NaN of 16 bits",
      npy(says("<f2", "(2,)"), [0, 0, 1, 0x7c]),
      "row 1, column 2: expected an integer in -8..8, got NaN",
    ],
    [
      "a small float of 16 bits",
      npy(says("<f2", "(2,)"), [0, 0, 0, 2]),
      `row 1, column 2: expected an integer in -8..8, got ${2 ** -15}`,
    ],
    [
      "no magic",
      Buffer.from([0x93, 0x4e, 0x55, 0x4d]),
      'inputs: expected a .npy file or text, got "\u0093NUM"',
    ],
    ["nothing", Buffer.alloc(0), 'inputs: expected a .npy file or text, got ""'],
  ])("A .npy file with %s is refused", (_, bytes, message) => {
    expect(read(bytes, 2, 8)).toEqual(message);
  });
});

describe("Text of numbers", () => {
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
  ])("Text with %s is read", (_, content) => {
    expect(text(content, 2)).toEqual([1, 2, -3, 4]);
  });

  test.each([
    ["semicolons", "1;2\r\n-3; 4\r\n"],
    ["tabs and blanks", "1 \t 2\n-3\t4\n"],
    ["names, semicolons and quotes", '\uFEFF"first; one";b\n"1";2\n-3;"4"\n'],
    ["names and quotes between tabs", '"a"\t"b, c"\n1\t2\n"-3"\t4\n'],
    ["names and quotes between blanks", '"a b"  "c"\n1 2\n"-3"   4\n'],
    ["other forms of integers", "+1,2.\n-0x3,0.4e+1\n"],
  ])("Text with %s is read", (_, content) => {
    expect(text(content, 2)).toEqual([1, 2, -3, 4]);
  });

  test("The first line is a header where that is stated, and data where that is denied", () => {
    const header = Buffer.from("0,1\n3,4\n");
    const stated = (hasHeader: boolean, bytes: Buffer = header) => [
      ...decodeInputs(bytes, { columns: 2, most: 8, hasHeader }),
    ];
    expect([stated(true), stated(false)]).toEqual([
      [3, 4],
      [0, 1, 3, 4],
    ]);
    expect(stated(true, Buffer.from("7,7\n3,4\n"))).toEqual([3, 4]);
    expect(() => stated(false, Buffer.from("a,b\n3,4\n"))).toThrow(
      'row 1, column 1: expected an integer in -8..8, got "a"',
    );
    expect(() => stated(true, Buffer.from(",b\n3,4\n"))).toThrow("leave out row numbers");
    expect(() => stated(true, npy(says("|u1", "(1, 2)"), [1, 2]))).toThrow(
      "header: expected none for a .npy file",
    );
  });

  test("Real numbers become the nearest integers of their scale, and others are refused", () => {
    const real = { largest: 2, integerOf: (x: number) => Math.round(x * 4) };
    const form = { columns: 2, most: 8, real };
    const reals = (bytes: Uint8Array) => [...decodeInputs(bytes, form)];
    expect(reals(Buffer.from("a,b\n0.5,-2\n1e-1,+.6\n1_0e-1,2.\n"))).toEqual([2, -8, 0, 2, 4, 8]);
    const doubles = new Uint8Array(Float64Array.of(0.26, -1.9).buffer);
    expect(reals(npy(says("<f8", "(1, 2)"), doubles))).toEqual([1, -8]);
    for (const [content, message] of [
      [
        "0.5,2.0001\n",
        'row 1, column 2: expected a number in -2..2, got "2.0001"; raise inputScale, the largest input',
      ],
      ["0.5,nan\n", 'row 1, column 2: expected a number in -2..2, got "nan"'],
      ["0.5;0,5\n", 'row 1, column 2: expected a number in -2..2, got "0,5"; write decimals with a point'],
      ["0.5\n", "row 1: expected 2 numbers, got 1"],
      ["0.0,1.0\n", 'first line: expected numbers, or names that do not count the columns, got "0.0,1.0"'],
    ])
      expect(() => reals(Buffer.from(content!))).toThrow(message);
  });

  test("A fraction where integers are read is refused with a remedy", () => {
    const form = { columns: 1, most: 8, fractions: "round it" };
    for (const bytes of [
      Buffer.from("0.5\n"),
      npy(says("<f8", "(1,)"), new Uint8Array(Float64Array.of(0.5).buffer)),
    ])
      expect(() => decodeInputs(bytes, form)).toThrow("expected an integer in -8..8");
    expect(() => decodeInputs(Buffer.from("0.5\n"), form)).toThrow("; round it");
    expect(() => decodeInputs(Buffer.from("9\n"), form)).toThrow(/got "9"$/);
  });

  test("Text of names alone has no inputs", () => {
    expect(text("a,b\n", 2)).toEqual([]);
  });

  test("Text of single digits without a last line end is read completely", () => {
    expect(text("1\n2\n3", 1)).toEqual([1, 2, 3]);
    expect(text("1", 1)).toEqual([1]);
  });

  test.each([
    ["1,2\n3\n", "row 2: expected 2 integers, got 1"],
    ["a,b\n1,2,3\n", "row 1: expected 2 integers, got 3"],
    ["1,2\na,b\n", 'row 2, column 1: expected an integer in -8..8, got "a"'],
    [
      "1,x\n",
      'row 1, column 2: expected an integer in -8..8, got "x"; use header: "yes", if the first line has names',
    ],
    ["nan,NaN\n", 'row 1, column 1: expected an integer in -8..8, got "nan"'],
    ["1,\n", 'row 1, column 2: expected an integer in -8..8, got ""'],
    ["1,9\n", 'row 1, column 2: expected an integer in -8..8, got "9"'],
    ["1,0.5\n", 'row 1, column 2: expected an integer in -8..8, got "0.5"'],
    ["1,1e-400\n", 'row 1, column 2: expected an integer in -8..8, got "1e-400"'],
    ["1,1e400\n", 'row 1, column 2: expected an integer in -8..8, got "1e400"'],
    ["1,0x9\n", 'row 1, column 2: expected an integer in -8..8, got "0x9"'],
    ["1,+-1\n", 'row 1, column 2: expected an integer in -8..8, got "+-1"'],
    ["1;2,5\n", 'row 1, column 2: expected an integer in -8..8, got "2,5"; write decimals with a point'],
    ["1\t\t2\n", "row 1: expected 2 integers, got 3"],
    ["1\t2\n\t3\n", 'row 2, column 1: expected an integer in -8..8, got ""'],
    ["1,2\n3;4\n", "row 2: expected 2 integers, got 1"],
    ["true,false\n1,0\n", 'row 1, column 1: expected an integer in -8..8, got "true"'],
    ["null,null\n", 'row 1, column 1: expected an integer in -8..8, got "null"'],
    ["a b c\n1 2\n", 'header: expected 2 names, one for each input of the network, got "a,b,c"'],
    [
      "0,1\n3,4\n",
      'first line: expected numbers, or names that do not count the columns, got "0,1"; use header: "yes", if these are names; ' +
        'use header: "no", if these are numbers',
    ],
    [
      '"0";"1"\n3;4\n',
      'first line: expected numbers, or names that do not count the columns, got "0,1"; use header: "yes"',
    ],
    [
      "1,0.99999999999999999999\n",
      'row 1, column 2: expected an integer in -8..8, got "0.99999999999999999999"',
    ],
    ['1,"2\n', 'record: expected quotes around whole fields, doubled inside, got "1,\\"2"'],
  ])("The text %j is refused", (content, message) => {
    const refusal = read(Buffer.from(content), 2, 8);
    expect(message.endsWith('"yes"') ? String(refusal).slice(0, message.length) : refusal).toBe(message);
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

test("Numbers that are written are read back, from .npy and from text", () => {
  fc.assert(
    fc.property(matrix, ({ columns, values }) => {
      const numbers = Float64Array.from(values);
      const file = encodeNpy(numbers, [values.length / columns, columns]);
      expect(read(file, columns, 100)).toEqual(values);
      const lines = [...csvOf(numbers, columns)].join("");
      const form = { columns, most: 100, hasHeader: false };
      if (lines !== "") expect([...decodeInputs(Buffer.from(lines), form)]).toEqual(values);
    }),
  );
});

test("Text in any separators and forms of numbers is read as what it says, or refused", () => {
  const separators = [",", ", ", ";", " ; ", "\t", " ", "   ", "|", ":"];
  const shapes = [
    (n: number) => String(n),
    (n: number) => `+${n}`.replace("+-", "-"),
    (n: number) => `${n}.0`,
    (n: number) => `${n}.`,
    (n: number) => `${n / 10}e1`,
    (n: number) => `"${n}"`,
    (n: number) => `${n < 0 ? "-" : ""}0x${Math.abs(n).toString(16)}`,
    (n: number) =>
      Math.abs(n) < 1000
        ? String(n)
        : `${Math.trunc(n / 1000)}_${String(Math.abs(n) % 1000).padStart(3, "0")}`,
    // These are other numbers, or none.
    (n: number) => `${n},0`,
    (n: number) => `${n}.5`,
    (n: number) => (n === 0 ? "" : `${n}x`),
  ];
  const headers = ["", "a,b,c", '"a";"b"', "x y", "0,1", "\uFEFF"];
  let readCount = 0;
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: -5000, max: 5000 }), { minLength: 2, maxLength: 8 }),
      fc.constantFrom(...separators),
      fc.constantFrom(...shapes),
      fc.constantFrom(...shapes),
      fc.constantFrom(...headers),
      fc.constantFrom("\n", "\r\n", "\n\n"),
      fc.option(fc.boolean(), { nil: undefined }),
      (all, separator, first, other, header, end, hasHeader) => {
        const values = all.slice(0, all.length & ~1);
        const lines = Array.from({ length: values.length / 2 }, (_, k) =>
          [first(values[2 * k]!), other(values[2 * k + 1]!)].join(separator),
        );
        const bytes = Buffer.from(
          [...(header ? [header] : []), ...lines].join(end).replace(/^\uFEFF\s+/, "\uFEFF"),
        );
        let got: number[];
        try {
          got = [...decodeInputs(bytes, { columns: 2, most: 5000, hasHeader })];
        } catch (error) {
          if (!(error instanceof RequestError)) throw error;
          return;
        }
        readCount++;
        // Without a header line, the first row is taken as one where that is stated; 0,1 are numbers where it is denied.
        const skipped = hasHeader === true && header.replace("\uFEFF", "") === "" ? 2 : 0;
        const added = header === "0,1" && hasHeader === false ? [0, 1] : [];
        expect(got).toEqual([...added, ...values.slice(skipped)]);
      },
    ),
    { seed: 3, numRuns: 3000 },
  );
  expect(readCount).toBeGreaterThan(500);
});

test("A damaged file gives integers in range or an error message", () => {
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
        const wrong = (input: number) => !Number.isInteger(input) || Math.abs(input) > 4096;
        expect([...inputs].filter(wrong)).toEqual([]);
        served++;
      }
    }),
    { numRuns: 3000 },
  );
  expect(served).toBeGreaterThan(100);
  expect(refused).toBeGreaterThan(100);
});

describe("Written NumPy file", () => {
  test.each(fixture.written)("A written .npy file is that of numpy: $shape", ({ shape, values, npy }) => {
    expect(encodeNpy(Float64Array.from(values), shape).toString("base64")).toBe(npy);
  });

  test("A written .npy file differs for another value", () => {
    const { shape, values, npy } = fixture.written[0]!;
    const others = Float64Array.from(values);
    others[5]!++;
    expect(encodeNpy(others, shape).toString("base64")).not.toBe(npy);
  });
});

test("The bytes of 64-bit integers are those of BigInts", () => {
  fc.assert(
    fc.property(fc.array(fc.maxSafeInteger()), (values) => {
      const wanted = Buffer.alloc(8 * values.length);
      values.forEach((value, i) => wanted.writeBigInt64LE(BigInt(value), 8 * i));
      expect(int64Bytes(Float64Array.from(values)).equals(wanted)).toBe(true);
    }),
  );
});

test("Text of many rows is written in chunks, and no row is lost", () => {
  const values = Float64Array.from({ length: 5000 }, (_, i) => i - 2500);
  const pieces = [...csvOf(values, 2)];
  expect(pieces.length).toBeGreaterThan(1);
  expect(pieces.join("").split("\n")).toEqual([
    ...Array.from({ length: 2500 }, (_, k) => `${2 * k - 2500},${2 * k - 2499}`),
    "",
  ]);
});
