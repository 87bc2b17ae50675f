// The labels of the axes: which numbers they name, and where the camera sees them.

import type { mat4 } from "gl-matrix";
import { integerTicks } from "../parts/ticks.ts";
import { seen, type Point } from "./camera.ts";
import type { Grid, Mode } from "./grid.ts";
import { DEEP, HIGH, type Layout } from "./mesh.ts";

/** A text at its place in the picture, in pixels. */
export interface Label {
  readonly text: string;
  readonly x: number;
  readonly y: number;
  /** The part of the text at which `x` is: -1 its right end, 0 its middle, 1 its left end. */
  readonly side: number;
}

/** How far texts are from the edge that they belong to, in pixels. */
const NUMBER_GAP = 12;
const TITLE_GAP = 33;
/** How far the numbers of heights are from their corner, and the lowest from the floor, whose numbers are near. */
const LEVEL_GAP = 14;
const LEVEL_RISE = 9;
/** The most numbers above the lowest one at the axis of heights. */
const MAX_LEVELS = 3;

/** The half ranges that are powers of 2, every second one where there are many. */
export function halfRangeTicks(halfRanges: readonly number[]): number[] {
  const powers = halfRanges.filter((halfRange) => Number.isInteger(Math.log2(halfRange)));
  return powers.length > 6 ? powers.filter((_, i) => (powers.length - 1 - i) % 2 === 0) : powers;
}

/** One failure in a power of 10. */
export function oneIn(decades: number): string {
  const digits = String(decades).replace(/\d/g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)]!);
  return decades < 4 ? `1 in ${10 ** decades}` : `1 in 10${digits}`;
}

/** Heights with their texts. */
export function levelTicks(mode: Mode, top: number): { readonly height: number; readonly text: string }[] {
  if (mode === "shares") return [0, 0.5, 1].map((height) => ({ height, text: `${100 * height} %` }));
  const step = Math.ceil(top / MAX_LEVELS);
  return Array.from({ length: Math.floor(top / step) + 1 }, (_, i) => ({
    height: i * step,
    text: i === 0 ? "all" : oneIn(i * step),
  }));
}

/** The labels at the edges that are nearest to the camera, and at the leftmost corner for heights. */
export function labelsOf(
  { halfRanges }: Pick<Grid, "halfRanges">,
  mode: Mode,
  layout: Layout,
  matrix: mat4,
  { width, height }: { readonly width: number; readonly height: number },
): Label[] {
  const see = (point: Point) => seen(matrix, point, width, height);
  const nearer = (a: Point, b: Point) => (see(a).depth < see(b).depth ? a : b);
  const [, , front] = nearer([0, 0, DEEP], [0, 0, -DEEP]);
  const [side] = nearer([1, 0, 0], [-1, 0, 0]);
  const center = see([0, 0, 0]);
  /** A text beside a point, away from the center of the floor. */
  function outside(text: string, point: Point, gap: number): Label {
    const { x, y } = see(point);
    const length = Math.hypot(x - center.x, y - center.y);
    const [right, down] = [(x - center.x) / length, (y - center.y) / length];
    return { text, x: x + gap * right, y: y + gap * down, side: right };
  }
  const across = (n: number) => (2 * (n - layout.from)) / (layout.to - layout.from) - 1;
  // While rows move, their numbers would be wrong.
  const items = layout.align === 0 || layout.align === 1 ? integerTicks(layout.from, layout.to, 8) : [];
  const corners: readonly Point[] = [
    [-1, 0, -DEEP],
    [1, 0, -DEEP],
    [1, 0, DEEP],
    [-1, 0, DEEP],
  ];
  const [cornerX, , cornerZ] = corners.reduce((a, b) => (see(b).x < see(a).x ? b : a));
  const levels = levelTicks(mode, layout.top).map(({ height, text }): Label => {
    const { x, y } = see([cornerX, layout.y(height), cornerZ]);
    return { text, x: x - LEVEL_GAP, y: height === 0 ? y - LEVEL_RISE : y, side: -1 };
  });
  const peak = see([cornerX, HIGH, cornerZ]);
  return [
    ...items.map((n) => outside(String(n).replace("-", "−"), [across(n), 0, front], NUMBER_GAP)),
    outside(layout.align === 1 ? "n − half-way" : "n", [0, 0, front], TITLE_GAP),
    ...halfRangeTicks(halfRanges).map((halfRange) =>
      outside(String(halfRange), [side, 0, layout.z(halfRange)], NUMBER_GAP),
    ),
    outside("M", [side, 0, 0], TITLE_GAP),
    ...levels,
    { text: mode, x: peak.x - LEVEL_GAP, y: peak.y - NUMBER_GAP - 4, side: -1 },
  ];
}
