// Drawings of the page: their text in an address, and the images that networks read.

import * as fc from "fast-check";
import { parseHTML } from "linkedom";
import { describe, expect, test } from "vitest";
import {
  checkLength,
  digitDrawing,
  drawingField,
  GRID,
  imageOf,
  SIDE,
  thinned,
  type Drawing,
} from "../demo/ink.ts";
import { digitsPicture } from "../demo/views/digits-picture.ts";

const field = drawingField(3);
const coordinate = fc.integer({ min: 0, max: GRID - 1 });
const stroke = fc.array(fc.tuple(coordinate, coordinate), { minLength: 1, maxLength: 20 });
const drawings = fc.array(stroke, { maxLength: 5 });

/** The first and the last column and row with ink, and the center of mass. */
function extentOf(image: Int32Array) {
  let mass = 0;
  const [sums, least, most] = [
    [0, 0],
    [SIDE, SIDE],
    [0, 0],
  ];
  image.forEach((value, pixel) => {
    mass += value;
    [pixel % SIDE, Math.floor(pixel / SIDE)].forEach((at, axis) => {
      sums[axis]! += value * (at + 0.5);
      if (value === 0) return;
      least[axis] = Math.min(least[axis]!, at);
      most[axis] = Math.max(most[axis]!, at);
    });
  });
  return { center: sums.map((sum) => sum / mass), size: most.map((at, axis) => at - least[axis]! + 1) };
}

describe("Text of a drawing", () => {
  test("Every drawing is read back from its text", () => {
    fc.assert(
      fc.property(drawings, (drawing) => {
        expect(field.read(field.write(drawing), "digit")).toEqual(drawing);
      }),
    );
  });

  test("The ten digits have their digit for a text, and the empty pad has no text", () => {
    for (let digit = 0; digit < 10; digit++) {
      expect(field.write(digitDrawing(digit))).toBe(String(digit));
      expect(field.read(String(digit), "digit")).toEqual(digitDrawing(digit));
    }
    expect([field.write([]), field.read("", "digit")]).toEqual(["", []]);
  });

  test.each(["A", "ABC", "AB..CD", ".", "AB CD", "Aé"])("The text %s is refused", (text) => {
    expect(() => field.read(text, "digit")).toThrow(/^digit: expected a digit, or strokes in at most 4000/);
  });
});

test("A drawing with a longer text than 4000 characters is refused", () => {
  const long = [Array.from({ length: 2001 }, (_, i) => [i % GRID, 0] as const)];
  expect(() => checkLength(long, "digit")).toThrow(
    /^digit: expected strokes in at most 4000 characters of the address .*, got 4002$/,
  );
  expect(() => checkLength([long[0]!.slice(1)], "digit")).not.toThrow();
  expect(() => field.read(field.write(long), "digit")).toThrow(/^digit: expected/);
});

describe("Image of a drawing", () => {
  test.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])(
    "The %i is 20 pixels long, and its mass is in the middle",
    (digit) => {
      const image = imageOf(digitDrawing(digit));
      const { center, size } = extentOf(image);
      for (const at of center) expect(Math.abs(at - SIDE / 2)).toBeLessThan(0.2);
      // The edge of the pen may touch one pixel more on either side.
      expect(Math.max(...size)).toBeGreaterThanOrEqual(20);
      expect(Math.max(...size)).toBeLessThanOrEqual(22);
      expect([Math.min(...image), Math.max(...image)]).toEqual([0, 255]);
      expect(new Set(image).size, "shades at the edges").toBeGreaterThan(20);
    },
  );

  test("The place and the size of a drawing do not change its image much", () => {
    const half = digitDrawing(5).map((points) =>
      points.map(([x, y]) => [Math.round(x / 2) + 20, Math.round(y / 2) + 3] as const),
    );
    const [small, large] = [imageOf(half), imageOf(digitDrawing(5))];
    const difference = small.reduce((sum, value, i) => sum + Math.abs(value - large[i]!), 0);
    const ink = large.reduce((sum, value) => sum + value, 0);
    expect(difference / ink).toBeLessThan(0.25);
  });

  test("A dot is not enlarged, and an empty pad has no ink", () => {
    const { size } = extentOf(imageOf([[[3, 60]]]));
    expect(Math.max(...size)).toBeLessThan(6);
    expect(imageOf([]).some((value) => value !== 0)).toBe(false);
  });
});

test("The exported picture has the strokes, a bar for each output, and a square for each sum that is not 0", () => {
  const outputs = [5, -3, 0, 1, 2, 3, 4, 6, 7, 8];
  const sums = Array.from({ length: SIDE ** 2 }, (_, i) => (i % 10 === 0 ? i - 400 : 0));
  const shown = { drawing: digitDrawing(4), trained: outputs, random: outputs, sums, mostSum: 16 };
  const svg = parseHTML(digitsPicture(shown)).document;
  expect(svg.querySelectorAll("path")).toHaveLength(2);
  expect(Array.from(svg.querySelectorAll("text"), ({ textContent }) => textContent)).toEqual(
    ["trained", "random"].flatMap((name) => [
      name,
      ...outputs.flatMap((value, i) => [String(i), String(value)]),
    ]),
  );
  // The paper, the bars, and the squares.
  const squares = sums.filter((sum) => sum !== 0).length;
  expect(svg.querySelectorAll("rect")).toHaveLength(1 + 2 * outputs.length + squares);
});

test("Thinning keeps the ends of a stroke and leaves no two points within the width of the pen", () => {
  fc.assert(
    fc.property(stroke, (points) => {
      const thin = thinned(points);
      expect(thin[0]).toEqual(points[0]);
      expect(thin.at(-1)).toEqual(points.at(-1));
      const inner: Drawing = [thin.slice(0, -1)];
      for (const [i, [x, y]] of inner[0]!.entries())
        if (i > 0) expect((x - thin[i - 1]![0]) ** 2 + (y - thin[i - 1]![1]) ** 2).toBeGreaterThanOrEqual(5);
    }),
  );
});
