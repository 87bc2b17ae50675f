// The cells of Precision: a row for each half range, a column for each number of items.

import type { Estimate } from "../../src/statistics.ts";

export interface Range {
  readonly from: number;
  readonly to: number;
}

/** The counts of one half range. */
export interface Row {
  readonly trials: number;
  /** How many draws reach every target, for each number of items. */
  readonly covered: readonly Estimate[];
}

export interface Grid {
  readonly items: Range;
  /** Ascending. */
  readonly halfRanges: readonly number[];
  /** One for each half range; undefined before its first trials. */
  readonly rows: readonly (Row | undefined)[];
}

/** A cell by its column and its row in the grid. */
export interface Place {
  readonly column: number;
  readonly row: number;
}

/** What the height of the surface and the colors show. `shares`: draws that reach every target. `failures`: the other ones. */
export type Mode = "shares" | "failures";

export interface Height {
  /** The share, 0..1; for failures the negative decimal logarithm of their share. */
  readonly height: number;
  /** False where no failure was seen. The height is then that of the upper confidence limit. */
  readonly isSeen: boolean;
}

/** The half ranges that are 2^(1/4) apart, rounded to distinct integers. */
export function halfRangesOf({ from, to }: Range): number[] {
  const steps = Array.from({ length: Math.floor(4 * Math.log2(to)) + 3 }, (_, j) => Math.round(2 ** (j / 4)));
  return [...new Set(steps)].filter((halfRange) => halfRange >= from && halfRange <= to);
}

export function columnsOf({ items }: Pick<Grid, "items">): number {
  return items.to - items.from + 1;
}

/** The cell that is nearest to a number of items and a half range. */
export function placeOf(
  { items, halfRanges }: Pick<Grid, "items" | "halfRanges">,
  [n, halfRange]: readonly [n: number, halfRange: number],
): Place {
  const distance = (other: number) => Math.abs(Math.log2(other / halfRange));
  const nearest = halfRanges.reduce((a, b) => (distance(b) < distance(a) ? b : a));
  return {
    column: Math.min(Math.max(n, items.from), items.to) - items.from,
    row: halfRanges.indexOf(nearest),
  };
}

/** The draws of a cell that miss a target. */
export function failuresOf({ trials, covered }: Row, column: number): number {
  return trials - covered[column]!.solved;
}

export function heightOf(row: Row, column: number, mode: Mode): Height {
  const { solved, low } = row.covered[column]!;
  if (mode === "shares") return { height: solved / row.trials, isSeen: true };
  const failures = failuresOf(row, column);
  return failures > 0
    ? { height: Math.log10(row.trials / failures), isSeen: true }
    : { height: -Math.log10(1 - low), isSeen: false };
}

/** The height that all others are a part of: 1, and for failures a whole number of decades. */
export function topOf({ rows }: Pick<Grid, "rows">, mode: Mode): number {
  if (mode === "shares") return 1;
  const heights = rows.flatMap((row) =>
    row ? row.covered.map((_, j) => heightOf(row, j, mode).height) : [],
  );
  return Math.max(1, Math.ceil(heights.reduce((a, b) => Math.max(a, b), 0)));
}

/**
 * The half-way point of each row: the number of items, between two columns, at which half of the draws reach every target. A
 * row without one takes that of the nearest row that has one, moved by the difference of log2 M. Undefined where no row has one.
 */
export function halfWaysOf({ items, halfRanges, rows }: Grid): number[] | undefined {
  const found = rows.map((row) => {
    if (!row) return undefined;
    const share = (column: number) => row.covered[column]!.solved / row.trials;
    const column = row.covered.findIndex((_, j) => j > 0 && share(j - 1) < 0.5 && share(j) >= 0.5);
    if (column < 0) return undefined;
    const [below, above] = [share(column - 1), share(column)];
    return items.from + column - 1 + (0.5 - below) / (above - below);
  });
  const known = found.flatMap((halfWay, r) => (halfWay === undefined ? [] : [r]));
  if (known.length === 0) return undefined;
  return found.map((halfWay, r) => {
    if (halfWay !== undefined) return halfWay;
    const nearest = known.reduce((a, b) => (Math.abs(b - r) < Math.abs(a - r) ? b : a));
    return found[nearest]! + Math.log2(halfRanges[r]! / halfRanges[nearest]!);
  });
}
