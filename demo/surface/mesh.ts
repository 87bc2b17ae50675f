// The surface over the cells of a grid, as quads and lines that both renderers draw.
//
// In the space of the surface x, in -1..1, is the number of items, y the height, and z, in -DEEP..DEEP, is log2 M.

import { rampColor, type Rgb } from "../parts/ramp.ts";
import { columnsOf, halfWaysOf, heightOf, topOf, type Grid, type Mode, type Place } from "./grid.ts";
import type { Point } from "./camera.ts";

export const DEEP = 0.95;
/** The y of the top. */
export const HIGH = 0.8;
/** The color of heights that are limits, since no failure was seen. */
export const UNSEEN: Rgb = [138, 143, 153];
/** Mesh lines of theory: one row of some, and one column of some. */
const WIRE_ROWS = 4;
const WIRE_COLUMNS = 2;
/** The darkest shade of a face that turns from the light. */
const MIN_SHADE = 0.72;
const LIGHT: Point = [-0.46, 0.77, 0.44];

export interface MeshInput {
  readonly grid: Grid;
  readonly mode: Mode;
  /** 0: columns are numbers of items. 1: every row is moved so that its half-way point is in the middle. */
  readonly align: number;
  /** The predicted failures of theory by row and column; empty where they are not known. */
  readonly theory: readonly (readonly number[])[];
  readonly cell: Place;
}

export interface Mesh {
  /** Twelve coordinates for each quad: those of its corners, on the way around it. */
  readonly quads: Float32Array;
  /** Three channels of 0..255 for each quad. */
  readonly colors: Uint8Array;
  /** Six coordinates for each line: those of its ends. */
  readonly frame: Float32Array;
  readonly wire: Float32Array;
  /** Quads over the selected cell, each of which reaches half-way to the next cells. */
  readonly marked: Float32Array;
  readonly layout: Layout;
}

/** Where columns, rows and heights are. */
export interface Layout {
  /** How far rows are moved: 0 while no half-way point is known. */
  readonly align: number;
  /** The numbers of items at x = -1 and x = 1, less the half-way point where rows are aligned. */
  readonly from: number;
  readonly to: number;
  readonly top: number;
  readonly x: (items: number, row: number) => number;
  readonly z: (halfRange: number) => number;
  readonly y: (height: number) => number;
}

export function layoutOf({ grid, mode, align }: Pick<MeshInput, "grid" | "mode" | "align">): Layout {
  const { items, halfRanges } = grid;
  const halfWays = halfWaysOf(grid);
  const shifts = halfRanges.map((_, row) => (halfWays ? align * halfWays[row]! : 0));
  const from = items.from - Math.max(...shifts);
  const to = items.to - Math.min(...shifts);
  const [lowest, highest] = [Math.log2(halfRanges[0]!), Math.log2(halfRanges.at(-1)!)];
  const top = topOf(grid, mode);
  return {
    align: halfWays ? align : 0,
    from,
    to,
    top,
    x: (n, row) => (2 * (n - shifts[row]! - from)) / (to - from) - 1,
    z: (halfRange) => DEEP * ((2 * (Math.log2(halfRange) - lowest)) / (highest - lowest) - 1),
    y: (height) => (HIGH * height) / top,
  };
}

export function meshOf(input: MeshInput): Mesh {
  const layout = layoutOf(input);
  const { grid, mode } = input;
  const heights = grid.rows.map((row) => row?.covered.map((_, column) => heightOf(row, column, mode)));
  const pointOf = (column: number, row: number, height: number): Point => [
    layout.x(grid.items.from + column, row),
    layout.y(height),
    layout.z(grid.halfRanges[row]!),
  ];
  const at = (column: number, row: number): Point | undefined => {
    const known = heights[row]?.[column];
    return known && pointOf(column, row, known.height);
  };
  const quads: number[] = [];
  const colors: number[] = [];
  for (let row = 0; row + 1 < grid.halfRanges.length; row++) {
    for (let column = 0; column + 1 < columnsOf(grid); column++) {
      const places = around(column, row);
      const corners = places.map(([c, r]) => at(c, r));
      if (!isWhole(corners)) continue;
      quads.push(...corners.flat());
      const isSeen = places.every(([c, r]) => heights[r]![c]!.isSeen);
      const mean = middleOf(corners)[1] / HIGH;
      const shade = shadeOf(corners);
      colors.push(...(isSeen ? rampColor(mean) : UNSEEN).map((channel) => channel * shade));
    }
  }
  return {
    quads: new Float32Array(quads),
    colors: new Uint8Array(colors),
    frame: frameLines(),
    wire: new Float32Array(wireOf(input, layout, pointOf)),
    marked: new Float32Array(markedOf(input.cell, at)),
    layout,
  };
}

/** The cells at the corners of a quad. */
function around(column: number, row: number): readonly (readonly [column: number, row: number])[] {
  return [
    [column, row],
    [column + 1, row],
    [column + 1, row + 1],
    [column, row + 1],
  ];
}

const isWhole = (points: readonly (Point | undefined)[]): points is readonly Point[] => points.every(Boolean);

/** The brightness of a quad in the light, of which its diagonals tell the normal. */
function shadeOf([a, b, c, d]: readonly Point[]): number {
  const [p, q] = [minus(c!, a!), minus(d!, b!)];
  const normal: Point = [p[1] * q[2] - p[2] * q[1], p[2] * q[0] - p[0] * q[2], p[0] * q[1] - p[1] * q[0]];
  const length = Math.hypot(...normal);
  const cosine = Math.abs(normal[0] * LIGHT[0] + normal[1] * LIGHT[1] + normal[2] * LIGHT[2]) / length;
  return MIN_SHADE + (1 - MIN_SHADE) * Math.min(1, cosine);
}

const minus = (a: Point, b: Point): Point => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
const middleOf = (points: readonly Point[]): Point => {
  const sum = points.reduce((a, b) => [a[0] + b[0], a[1] + b[1], a[2] + b[2]]);
  return [sum[0] / points.length, sum[1] / points.length, sum[2] / points.length];
};

/** The floor, and the edges that stand on its corners. */
function frameLines(): Float32Array {
  const corners = [
    [-1, -DEEP],
    [1, -DEEP],
    [1, DEEP],
    [-1, DEEP],
  ] as const;
  return new Float32Array(
    corners.flatMap(([x, z], i) => {
      const [nextX, nextZ] = corners[(i + 1) % 4]!;
      return [x, 0, z, nextX, 0, nextZ];
    }),
  );
}

/** The lines of theory, as far as they are below the top. */
function wireOf(
  { grid, mode, theory }: MeshInput,
  { top }: Layout,
  pointOf: (column: number, row: number, height: number) => Point,
): number[] {
  const at = (column: number, row: number): Point | undefined => {
    const failure = theory[row]?.[column];
    if (failure === undefined) return undefined;
    const height = mode === "shares" ? 1 - failure : -Math.log10(failure);
    return height > top ? undefined : pointOf(column, row, height);
  };
  const lines: number[] = [];
  theory.forEach((failures, row) =>
    failures.forEach((_, column) => {
      const here = at(column, row);
      const right = row % WIRE_ROWS === 0 ? at(column + 1, row) : undefined;
      const behind = column % WIRE_COLUMNS === 0 ? at(column, row + 1) : undefined;
      for (const next of [right, behind]) if (here && next) lines.push(...here, ...next);
    }),
  );
  return lines.length > 0 && grid.rows.some(Boolean) ? lines : [];
}

/** The parts of the quads around a cell that are nearer to it than to their other cells. */
function markedOf({ column, row }: Place, at: (column: number, row: number) => Point | undefined): number[] {
  return [
    [-1, -1],
    [0, -1],
    [0, 0],
    [-1, 0],
  ].flatMap(([c, r]) => {
    const corners = around(column + c!, row + r!).map(([c, r]) => at(c, r));
    if (!isWhole(corners)) return [];
    const here = at(column, row)!;
    const beside = at(column + (c === 0 ? 1 : -1), row)!;
    const beyond = at(column, row + (r === 0 ? 1 : -1))!;
    return [here, middleOf([here, beside]), middleOf(corners), middleOf([here, beyond])].flat();
  });
}
