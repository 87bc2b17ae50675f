// IDX files, well made and damaged.

import { describe, expect, test } from "vitest";
import { RequestError } from "../../../src/errors.ts";
import { decodeIdx } from "./idx.ts";

const two = Uint8Array.of(0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 255);

test("IDX sizes are big-endian and elements follow them, at any offset of a buffer", () => {
  const shifted = new Uint8Array(two.length + 5).fill(7);
  shifted.set(two, 3);
  for (const file of [two, shifted.subarray(3, 3 + two.length)]) {
    const { shape, values } = decodeIdx(file, 2);
    expect(shape).toEqual([2, 3]);
    expect(Array.from(values)).toEqual([1, 2, 3, 4, 5, 255]);
  }
  const long = new Uint8Array(8 + 0x10203);
  long.set([0, 0, 8, 1, 0, 1, 2, 3]);
  expect(decodeIdx(long, 1).shape).toEqual([0x10203]);
});

test("IDX elements share the memory of their file", () => {
  expect(decodeIdx(two, 2).values.buffer).toBe(two.buffer);
});

describe("Hostile IDX file", () => {
  const huge = [255, 255, 255, 255];
  test.each<[string, Uint8Array, number, string]>([
    ["nothing", new Uint8Array(), 1, "RequestError: file: expected at least 8 bytes, got 0"],
    ["a gzip file", Uint8Array.of(31, 139, 8, 8, 0, 0, 0, 0), 1, "RequestError: file: expected IDX of bytes"],
    ["32-bit integers", two.with(2, 12), 2, "which begins with 0, 0, 8, got [0,0,12]"],
    ["another number of dimensions", two, 1, "RequestError: dimensions: expected 1, got 2"],
    [
      "a byte too many",
      Uint8Array.of(...two, 0),
      2,
      "RequestError: elements: expected 6 bytes for 2 x 3, got 7",
    ],
    [
      "sizes beyond every file",
      Uint8Array.of(0, 0, 8, 3, ...huge, ...huge, ...huge),
      3,
      "for 4294967295 x 4294967295 x 4294967295, got 0",
    ],
    [
      "a size of 0 that hides others",
      Uint8Array.of(0, 0, 8, 2, ...huge, 0, 0, 0, 0, 1),
      2,
      "expected 0 bytes for 4294967295 x 0, got 1",
    ],
  ])("A hostile IDX file is refused: %s", (_, file, dimensions, message) => {
    let thrown = "";
    try {
      decodeIdx(file, dimensions);
    } catch (error) {
      thrown = String(error);
    }
    expect(thrown).toContain(message);
  });

  test("An IDX file that is cut off at any length is refused", () => {
    for (let length = 0; length < two.length; length++)
      expect(() => decodeIdx(two.subarray(0, length), 2), String(length)).toThrow(RequestError);
  });

  test("An IDX file with another byte anywhere in its header is refused", () => {
    const taken: string[] = [];
    for (let at = 0; at < 12; at++)
      for (let value = 0; value < 256; value++)
        try {
          decodeIdx(two.with(at, value), 2);
          if (value !== two[at]) taken.push(`${at}: ${value}`);
        } catch (error) {
          if (!(error instanceof RequestError)) throw error;
        }
    expect(taken).toEqual([]);
  });
});
