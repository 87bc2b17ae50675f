// The cells of Precision as files: records, and the map as an SVG document.

import { integerTicks } from "../parts/ticks.ts";
import { halfRangeTicks } from "./axes.ts";
import { columnsOf, topOf, type Grid, type Mode } from "./grid.ts";
import { cellColor, planOf } from "./plan.ts";

/** The counts of each cell. */
export function recordsOf({ items, halfRanges, rows }: Grid, seed: string): readonly object[] {
  return rows.flatMap((row, r) =>
    row
      ? row.covered.map(({ solved, probability, low, high }, j) => ({
          halfRange: halfRanges[r],
          items: items.from + j,
          trials: row.trials,
          seed,
          covered: { solved, probability, low, high },
        }))
      : [],
  );
}

const PICTURE = { width: 640, height: 480 };

type Anchor = "start" | "middle" | "end";

function textAt(x: number, y: number, anchor: Anchor, words: string | number): string {
  return `<text x="${x.toFixed(2)}" y="${y.toFixed(2)}" text-anchor="${anchor}" dominant-baseline="middle">${words}</text>`;
}

/** The map as an SVG document. */
export function pictureOf(grid: Grid, mode: Mode): string {
  const { width, height } = PICTURE;
  const plan = planOf(grid, width, height);
  const top = topOf(grid, mode);
  const { items, halfRanges } = grid;
  const rects = grid.rows.flatMap((row, r) =>
    row
      ? row.covered.map(
          (_, j) =>
            `<rect x="${plan.x(j).toFixed(2)}" y="${plan.y(r).toFixed(2)}" width="${plan.cellWidth.toFixed(2)}" height="${plan.cellHeight.toFixed(2)}" fill="${cellColor(row, j, mode, top)}"/>`,
        )
      : [],
  );
  const [bottom, left] = [plan.y(-1), plan.x(0)];
  const numbers = [
    ...integerTicks(items.from, items.to, 12).map((n) =>
      textAt(plan.x(n - items.from + 0.5), bottom + 12, "middle", n),
    ),
    textAt((left + plan.x(columnsOf(grid))) / 2, bottom + 28, "middle", "n"),
    ...halfRangeTicks(halfRanges).map((halfRange) =>
      textAt(left - 6, plan.y(halfRanges.indexOf(halfRange) - 0.5), "end", halfRange),
    ),
    textAt(6, height / 2, "start", "M"),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif" font-size="12" shape-rendering="crispEdges"><rect width="100%" height="100%" fill="#fff"/>${rects.join("")}${numbers.join("")}</svg>`;
}
