// The colors of series.

import { expect, test } from "vitest";
import { colorOfBits, seriesColors } from "./palette.ts";

/** The relative luminance of WCAG 2. */
function luminance(color: string): number {
  const [red, green, blue] = color.match(/\d+/g)!.map((text) => {
    const channel = Number(text) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  });
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
