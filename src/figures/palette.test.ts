// The colors of series.

import { expect, test } from "vitest";
import { colorOfBits, seriesColors } from "./palette.ts";

/** Linear red, green and blue, each 0..1. */
function linearOf(color: string): number[] {
  return color.match(/\d+/g)!.map((text) => {
    const channel = Number(text) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  });
}

/** The relative luminance of WCAG 2. */
function luminance(color: string): number {
  const [red, green, blue] = linearOf(color);
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
}

const contrast = (a: number, b: number) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);

const allBits = Array.from({ length: 23 }, (_, bits) => bits);

test("Every precision has a color of its own", () => {
  expect(new Set(allBits.map(colorOfBits)).size).toBe(allBits.length);
});

test.each([
  ["white", "rgb(255,255,255)"],
  ["near-black", "rgb(21,23,27)"],
])("The color of every precision has a contrast of 3 or more on %s", (_, paper) => {
  const weak = allBits.filter((bits) => contrast(luminance(colorOfBits(bits)), luminance(paper)) < 3);
  expect(weak).toEqual([]);
});

/** How eyes without one kind of cones see linear red, green and blue (Machado et al. 2009, severity 1). */
const blindness: readonly (readonly [name: string, matrix: readonly (readonly number[])[]])[] = [
  [
    "no color blindness",
    [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ],
  ],
  [
    "protanopia",
    [
      [0.152286, 1.052583, -0.204868],
      [0.114503, 0.786281, 0.099216],
      [-0.003882, -0.048116, 1.051998],
    ],
  ],
  [
    "deuteranopia",
    [
      [0.367322, 0.860646, -0.227968],
      [0.280085, 0.672501, 0.047413],
      [-0.01182, 0.04294, 0.968881],
    ],
  ],
  [
    "tritanopia",
    [
      [1.255528, -0.076749, -0.178779],
      [-0.078411, 0.930809, 0.147602],
      [0.004733, 0.691367, 0.3039],
    ],
  ],
];

/** A color as CIELAB sees it. */
function labOf(color: string, matrix: readonly (readonly number[])[]): number[] {
  const linear = linearOf(color);
  const [r, g, b] = matrix.map((row) =>
    Math.max(
      0,
      row.reduce((sum, share, i) => sum + share * linear[i]!, 0),
    ),
  ) as [number, number, number];
  const root = (t: number) => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116);
  const x = root((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505);
  const y = root(0.2126 * r + 0.7152 * g + 0.0722 * b);
  const z = root((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

test.each(blindness)(
  "Precisions 0 to 10 that are near each other have colors apart, with %s",
  (_, matrix) => {
    const distance = (a: number, b: number) =>
      Math.hypot(
        ...labOf(colorOfBits(a), matrix).map((value, i) => value - labOf(colorOfBits(b), matrix)[i]!),
      );
    // A difference of 2.3 is just noticeable.
    for (let bits = 1; bits <= 10; bits++) expect(distance(bits - 1, bits), `k = ${bits}`).toBeGreaterThan(7);
    for (let bits = 2; bits <= 10; bits += 2)
      expect(distance(bits - 2, bits), `k = ${bits}`).toBeGreaterThan(16);
  },
);

const seriesOf = (...bits: (number | undefined)[]) =>
  bits.map((k) => ({ name: "", points: [], lines: [], ...(k !== undefined && { bits: k }) }));

test("A precision has the same color whatever the other series of its figure are", () => {
  const color = colorOfBits(6);
  expect(seriesColors({ series: seriesOf(6) })).toEqual([color]);
  expect(seriesColors({ series: seriesOf(4, 6, 8) })[1]).toBe(color);
  expect(seriesColors({ series: seriesOf(6, 22) })[0]).toBe(color);
});

test("Of several series of one precision the first has its color, and all are legible by day and by night", () => {
  const colors = seriesColors({ series: seriesOf(...allBits, ...allBits, ...allBits) });
  expect(colors.slice(0, allBits.length)).toEqual(allBits.map(colorOfBits));
  for (const paper of ["rgb(255,255,255)", "rgb(21,23,27)"])
    expect(colors.filter((color) => contrast(luminance(color), luminance(paper)) < 3)).toEqual([]);
});

test("Series of the same precision or without one have different colors", () => {
  expect(new Set(seriesColors({ series: seriesOf(6, 6, 6) })).size).toBe(3);
  expect(new Set(seriesColors({ series: seriesOf(6, undefined) })).size).toBe(2);
});
