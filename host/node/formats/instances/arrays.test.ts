// Arrays as lines of JSON: every type, byte order and order of indices. A damaged file has the numbers that its bytes say, or it
// is refused.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { RequestError } from "../../../../src/errors.ts";
import { npyFile as npy } from "../../../../test/writers.ts";
import { openArrays, type ArrayTargets } from "./arrays.ts";

const folder = mkdtempSync(join(tmpdir(), "exacta-arrays-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
function save(bytes: Uint8Array): string {
  const path = join(folder, `${++files}.npy`);
  writeFileSync(path, bytes);
  return path;
}

/** The lines of arrays, or what they are refused for; without the folder. */
async function lines(
  items: Uint8Array,
  targets?: Uint8Array | readonly (number | bigint)[],
  onRefused?: (error: RequestError) => void,
): Promise<string> {
  const asked: ArrayTargets = targets instanceof Uint8Array ? { file: save(targets) } : targets;
  let text = "";
  try {
    const { chunks, close } = await openArrays(save(items), asked, onRefused);
    try {
      for await (const chunk of chunks) text += Buffer.from(chunk).toString();
    } finally {
      await close();
    }
    return text;
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    return error.message.replaceAll(/\S*\/\d+\.npy/g, "file");
  }
}

/** The lines that say the same, made from the numbers. */
const linesOf = (rows: readonly (readonly (number | bigint)[])[], targets?: (i: number) => string) =>
  rows.map((row, i) => `{"items":[${row.join()}]${targets ? `,"targets":[${targets(i)}]` : ""}}\n`).join("");

const ranges: Record<string, [bigint, bigint]> = {
  i1: [-128n, 127n],
  u1: [0n, 255n],
  i2: [-(2n ** 15n), 2n ** 15n - 1n],
  u2: [0n, 2n ** 16n - 1n],
  i4: [-(2n ** 31n), 2n ** 31n - 1n],
  u4: [0n, 2n ** 32n - 1n],
  i8: [-(2n ** 53n), 2n ** 53n],
  u8: [0n, 2n ** 53n],
  f4: [-(2n ** 24n), 2n ** 24n],
  f8: [-(2n ** 53n), 2n ** 53n],
};
const types = Object.keys(ranges).flatMap((type) =>
  type.endsWith("1") ? [`|${type}`] : [`<${type}`, `>${type}`],
);

/** Rows of numbers of a type, and how they are written. */
const written = fc
  .tuple(fc.constantFrom(...types), fc.integer({ min: 1, max: 5 }), fc.boolean(), fc.constantFrom(1, 2, 3))
  .chain(([descr, columns, fortran, version]) => {
    const [min, max] = ranges[descr.slice(1)]!;
    const number = fc.oneof(fc.bigInt({ min, max }), fc.constantFrom(min, max, 0n));
    const row = fc.array(number, { minLength: columns, maxLength: columns });
    return fc.record({
      descr: fc.constant(descr),
      rows: fc.array(row, { minLength: 1, maxLength: 6 }),
      fortran: fc.constant(fortran),
      version: fc.constant(version),
    });
  });

describe("Arrays", () => {
  test("Every type, byte order, order of indices and version has its numbers, and its targets", async () => {
    await fc.assert(
      fc.asyncProperty(
        written,
        fc.array(fc.bigInt({ min: -(2n ** 63n) + 1n, max: 2n ** 63n - 1n })),
        async (file, more) => {
          const { rows } = file;
          expect(await lines(npy(file))).toBe(linesOf(rows));
          expect(await lines(npy(file), npy(file))).toBe(linesOf(rows, (i) => rows[i]!.join()));
          expect(await lines(npy(file), more)).toBe(linesOf(rows, () => more.join()));
          const list = rows.map((_, i) => more[i] ?? 7n);
          expect(await lines(npy(file), npy({ descr: "<i8", rows: list }))).toBe(
            linesOf(rows, (i) => String(list[i])),
          );
        },
      ),
      { numRuns: 150 },
    );
  });

  test("Targets in float64 beyond 2^53 have all their digits", async () => {
    const items = npy({ descr: "<f4", rows: [[-0, 1e3]] });
    expect(await lines(items, npy({ descr: ">f8", rows: [2 ** 60] }))).toBe(
      '{"items":[0,1000],"targets":[1152921504606846976]}\n',
    );
  });

  test("Rows are the same in pieces, in both orders of indices", async () => {
    const rows = Array.from({ length: 30_000 }, (_, i) => [i, -i, i % 7, (i * 48_271) % 65_537]);
    for (const fortran of [false, true])
      expect(await lines(npy({ descr: "<i4", rows, fortran }))).toBe(linesOf(rows));
  });

  test.each<[string, Uint8Array, Uint8Array | readonly number[] | undefined, string]>([
    [
      "a fraction",
      npy({
        descr: "<f8",
        rows: [
          [1, 2],
          [3, 1.5],
        ],
      }),
      [5],
      "file: [1, 1]: expected an integer in -9007199254740992..9007199254740992, got 1.5; multiply the array until its numbers are integers",
    ],
    [
      "NaN",
      npy({ descr: "<f4", rows: [[NaN]] }),
      [5],
      "file: [0, 0]: expected an integer in -9007199254740992..9007199254740992, got NaN; multiply the array until its numbers are integers",
    ],
    [
      "infinity",
      npy({ descr: "<f8", rows: [[Infinity]] }),
      [5],
      "file: [0, 0]: expected an integer in -9007199254740992..9007199254740992, got Infinity; multiply the array until its numbers are integers",
    ],
    [
      "a wide item",
      npy({ descr: "<i8", rows: [[2n ** 53n + 1n]] }),
      [5],
      "file: [0, 0]: expected an integer in -9007199254740992..9007199254740992, got 9007199254740993",
    ],
    [
      "a wide negative item",
      npy({ descr: "<i8", rows: [[-(2n ** 53n) - 1n]] }),
      [5],
      "file: [0, 0]: expected an integer in -9007199254740992..9007199254740992, got -9007199254740993",
    ],
    [
      "a wide target",
      npy({ descr: "<i4", rows: [[1]] }),
      npy({ descr: "<u8", rows: [2n ** 63n] }),
      "file: [0, 0]: expected an integer in -9223372036854775807..9223372036854775807, got 9223372036854775808",
    ],
    [
      "other rows of targets",
      npy({ descr: "<i4", rows: [[1]] }),
      npy({ descr: "<i4", rows: [[1], [2]] }),
      "file: shape: expected 1 rows, as file has, got 2",
    ],
    [
      "one axis",
      npy({ descr: "<i4", rows: [1, 2] }),
      [5],
      "file: shape: expected rows of items, got (2,); array.reshape(1, -1) is one row",
    ],
    [
      "too many columns",
      npy({ descr: "|i1", rows: [new Array<number>(10_001).fill(1)] }),
      [5],
      "file: shape: expected at most 10000 columns, got (1, 10001)",
    ],
    [
      "a truncated file",
      npy({ descr: "<i4", rows: [[1, 2]] }).subarray(0, -1),
      [5],
      "file: data: expected 8 bytes, as its shape asks for, got 7",
    ],
    [
      "a longer file",
      Buffer.concat([npy({ descr: "<i4", rows: [[1, 2]] }), Buffer.alloc(4)]),
      [5],
      "file: data: expected 8 bytes, as its shape asks for, got 12",
    ],
    [
      "text",
      Buffer.from("3 5 : 8\n"),
      undefined,
      'file: file: expected the first bytes of a .npy file, got "3 5 : 8\\n"',
    ],
  ])("%s is refused by name", async (_, items, targets, message) => {
    expect(await lines(items, targets)).toBe(message);
  });

  test.each([
    ["objects", "'|O'", '"|O"'],
    ["booleans", "'|b1'", "\"|b1\"; array.astype('u1') has 0 and 1"],
    ["complex numbers", "'<c16'", '"<c16"'],
    ["texts", "'<U3'", '"<U3"'],
    ["records", "[('a', '<i4')]", '[["a","<i4"]]'],
  ])("An array of %s is refused by its type", async (_, descr, got) => {
    const bytes = npy({ descr: "<i4", rows: [[1]] });
    const [before, after] = bytes.toString("latin1").split("'<i4'");
    // The length of the header stays what it is, since its end is padded.
    const named = `${before}${descr}${after!.replace(" ".repeat(20), " ".repeat(20 + 5 - descr.length))}`;
    const message = await lines(Buffer.from(named, "latin1"), [5]);
    expect(message).toMatch(/^file: descr: expected .*integers/);
    expect(message.endsWith(`, got ${got}`), message).toBe(true);
  });

  test("With --keep-going a refused row leaves an empty line, so that rows keep their lines", async () => {
    const refused: string[] = [];
    const items = npy({
      descr: "<f8",
      rows: [
        [1, 2],
        [0.5, 1],
        [3, 4],
      ],
    });
    const targets = npy({ descr: "<f8", rows: [[3], [1], [1e300]] });
    const text = await lines(items, targets, ({ field }) => void refused.push(field));
    expect(text).toBe('{"items":[1,2],"targets":[3]}\n\n\n');
    expect(refused).toEqual(["[1, 0]", "[2, 0]"]);
  });

  /** The lines that a file says, read another way; undefined for a file that says none. */
  function meant(bytes: Buffer): string | undefined {
    const long = bytes[6] === 1 ? 2 : 4;
    if (bytes.toString("latin1", 0, 6) !== "\x93NUMPY" || ![1, 2, 3].includes(bytes[6]!) || bytes[7] !== 0)
      return undefined;
    const start = 8 + long + bytes.readUIntLE(8, long);
    const found =
      /^\{'descr': '([<>|])([iuf])([1248])', 'fortran_order': (True|False), 'shape': \((\d+), ?(\d+)\), \}\s*$/.exec(
        bytes.toString("latin1", 8 + long, start),
      );
    if (!found) return undefined;
    const [, order, kind, digit, fortran, rows, columns] = found;
    const [size, n, m] = [Number(digit), Number(rows), Number(columns)];
    if (bytes.length - start !== size * n * m) return undefined;
    const value = (row: number, column: number): number | bigint => {
      const at = start + size * (fortran === "True" ? column * n + row : row * m + column);
      const part = Buffer.from(bytes.subarray(at, at + size));
      if (order !== ">") part.reverse();
      const digits = BigInt(`0x${part.toString("hex")}`);
      if (kind === "u") return digits;
      if (kind === "i") return BigInt.asIntN(8 * size, digits);
      return size === 8 ? part.readDoubleBE() : part.readFloatBE();
    };
    return Array.from({ length: n }, (_, i) => {
      const row = Array.from({ length: m }, (_, j) => value(i, j)).map((x) =>
        typeof x === "number" && Number.isInteger(x) ? BigInt(x) : x,
      );
      return `{"items":[${row.join()}]}\n`;
    }).join("");
  }

  test("A damaged file has the numbers that its bytes say, or is refused", async () => {
    let read = 0;
    let refused = 0;
    const damage = fc.oneof(
      fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), bit: fc.integer({ min: 0, max: 7 }) }),
      fc.record({ back: fc.integer({ min: 1, max: 24 }), bit: fc.integer({ min: 0, max: 7 }) }),
      fc.record({ cut: fc.integer({ min: 1, max: 200 }) }),
    );
    await fc.assert(
      fc.asyncProperty(written, damage, async (file, change) => {
        let bytes = npy(file);
        if ("cut" in change) bytes = bytes.subarray(0, Math.max(0, bytes.length - change.cut));
        else if ("back" in change) bytes[bytes.length - change.back]! ^= 1 << change.bit;
        else bytes[Math.min(bytes.length - 1, Math.floor(change.at * bytes.length))]! ^= 1 << change.bit;
        const text = await lines(bytes);
        if (text.startsWith("{")) {
          read++;
          expect(text).toBe(meant(bytes));
        } else {
          refused++;
          expect(text).toMatch(/: expected .+, got /);
        }
      }),
      { numRuns: 400 },
    );
    expect(Math.min(read, refused)).toBeGreaterThan(50);
  });
});
