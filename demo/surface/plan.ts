// Where the cells of the heat map are, and their colors: on its canvas and in its file.

import { cssOf, rampColor } from "../parts/ramp.ts";
import { columnsOf, heightOf, type Grid, type Mode, type Row } from "./grid.ts";
import { UNSEEN } from "./mesh.ts";

/** The room for numbers at the left and below, in pixels. */
export const LEFT = 52;
export const BOTTOM = 36;
const RIGHT = 4;
export const TOP = 4;

/** Where cells are in a map of a size. Row 0 is the lowest. */
interface Plan {
  readonly x: (column: number) => number;
  readonly y: (row: number) => number;
  readonly cellWidth: number;
  readonly cellHeight: number;
}

/** Where the cells of a grid are in a map of `width` x `height`. */
export function planOf(grid: Grid, width: number, height: number): Plan {
  const cellWidth = (width - LEFT - RIGHT) / columnsOf(grid);
  const cellHeight = (height - TOP - BOTTOM) / grid.halfRanges.length;
  return {
    cellWidth,
    cellHeight,
    x: (column) => LEFT + column * cellWidth,
    y: (row) => TOP + (grid.halfRanges.length - 1 - row) * cellHeight,
  };
}

/** The color of a cell. Heights are those of the surface. */
export function cellColor(row: Row, column: number, mode: Mode, top: number): string {
  const { height, isSeen } = heightOf(row, column, mode);
  return cssOf(isSeen ? rampColor(height / top) : UNSEEN);
}
