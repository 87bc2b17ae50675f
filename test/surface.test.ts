// The pure parts of the view Precision: the grid, its colors, the mesh over it and the camera.

import { DOMParser } from "linkedom";
import { describe, expect, test } from "vitest";
import {
  dragged,
  initialCamera,
  limitedCamera,
  matrixOf,
  seen,
  seenAll,
  zoomed,
} from "../demo/surface/camera.ts";
import { labelsOf, levelTicks, oneIn } from "../demo/surface/axes.ts";
import { integerTicks } from "../demo/parts/ticks.ts";
import {
  halfRangesOf,
  halfWaysOf,
  heightOf,
  placeOf,
  topOf,
  type Grid,
  type Row,
} from "../demo/surface/grid.ts";
import { pictureOf, recordsOf } from "../demo/surface/files.ts";
import { DEEP, HIGH, layoutOf, meshOf, UNSEEN } from "../demo/surface/mesh.ts";
import { cellColor } from "../demo/surface/plan.ts";
import { distanceOf, labOf, rampColor } from "../demo/parts/ramp.ts";
import { estimate } from "../src/statistics.ts";

function rowOf(trials: number, solved: readonly number[]): Row {
  return { trials, covered: solved.map((count) => estimate(count, trials)) };
}

const grid: Grid = {
  items: { from: 3, to: 6 },
  halfRanges: [4, 8, 16],
  rows: [rowOf(100, [10, 60, 90, 100]), rowOf(200, [0, 20, 120, 180]), rowOf(100, [0, 0, 10, 60])],
};
const cell = { column: 1, row: 1 };
const input = { grid, mode: "shares", align: 0, theory: [], cell } as const;

/** The points of a list of coordinates. */
function points(coordinates: Float32Array): number[][] {
  return Array.from({ length: coordinates.length / 3 }, (_, i) => [
    ...coordinates.subarray(3 * i, 3 * i + 3),
  ]);
}

describe("Grid", () => {
  test("Half ranges are the distinct roundings of powers of 2^(1/4)", () => {
    expect(halfRangesOf({ from: 1, to: 32 })).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 13, 16, 19, 23, 27, 32,
    ]);
    expect(halfRangesOf({ from: 90, to: 1000 })).toEqual([
      91, 108, 128, 152, 181, 215, 256, 304, 362, 431, 512, 609, 724, 861,
    ]);
    expect(halfRangesOf({ from: 1000, to: 1010 })).toEqual([]);
  });

  test("A cell between the rows or beyond the columns is the nearest one of the grid", () => {
    expect(placeOf(grid, [5, 8])).toEqual({ column: 2, row: 1 });
    expect(placeOf(grid, [60, 1000])).toEqual({ column: 3, row: 2 });
    expect(placeOf(grid, [0, 5])).toEqual({ column: 0, row: 0 });
  });

  test("A height is a share, or the decades of failures, and where none was seen those of the upper limit", () => {
    const row = rowOf(1000, [0, 900, 999, 1000]);
    expect([0, 1, 2, 3].map((column) => heightOf(row, column, "shares").height)).toEqual([0, 0.9, 0.999, 1]);
    const failures = [0, 1, 2, 3].map((column) => heightOf(row, column, "failures"));
    expect(failures.map(({ isSeen }) => isSeen)).toEqual([true, true, true, false]);
    expect(failures.slice(0, 3).map(({ height }) => height)).toEqual([0, 1, 3]);
    // The limit p of no failure in n trials: (1 - p)^n = 0.025.
    expect(failures[3]!.height).toBeCloseTo(-Math.log10(1 - 0.025 ** (1 / 1000)), 9);
  });

  test("The edge of failures recedes as trials are added", () => {
    const heights = [1e3, 1e4, 1e5].map((trials) => heightOf(rowOf(trials, [trials]), 0, "failures").height);
    expect(heights[1]! - heights[0]!).toBeCloseTo(1, 2);
    expect(heights[2]! - heights[1]!).toBeCloseTo(1, 3);
    expect(topOf({ rows: [rowOf(1e5, [1e5])] }, "failures")).toBe(5);
  });

  test("A half-way point is between two columns, and a row without one follows its nearest neighbor", () => {
    expect(halfWaysOf(grid)).toEqual([3.8, 4.8, 5.8]);
    const partial = { ...grid, rows: [grid.rows[0], undefined, undefined] };
    expect(halfWaysOf(partial)).toEqual([3.8, 4.8, 5.8]);
    expect(halfWaysOf({ ...grid, rows: [undefined, undefined, undefined] })).toBeUndefined();
  });
});

describe("Colors", () => {
  const steps = Array.from({ length: 18 }, (_, i) => rampColor(i / 17));

  test("Equal steps of a number look equally large", () => {
    const distances = steps.slice(1).map((color, i) => distanceOf(steps[i]!, color));
    const mean = distances.reduce((a, b) => a + b) / distances.length;
    for (const distance of distances) expect(Math.abs(distance / mean - 1)).toBeLessThan(0.12);
  });

  test("Lightness rises with the number, so that no color vision confuses the order", () => {
    const lightness = steps.map((color) => labOf(color)[0]);
    for (const [i, value] of lightness.slice(1).entries())
      expect(value - lightness[i]!).toBeGreaterThan(0.008);
  });

  test("OKLab gives the published values of white and of pure red", () => {
    for (const [c, value] of [1, 0, 0].entries()) expect(labOf([255, 255, 255])[c]).toBeCloseTo(value, 4);
    for (const [c, value] of [0.628, 0.2249, 0.1258].entries())
      expect(labOf([255, 0, 0])[c]).toBeCloseTo(value, 3);
  });
});

describe("Mesh", () => {
  test("A quad stands over four cells, with x for items, y for heights and z for log2 M", () => {
    const { quads, colors } = meshOf(input);
    expect(quads).toHaveLength(6 * 12);
    expect(colors).toHaveLength(6 * 3);
    const expected = [
      [-1, 0.1 * HIGH, -DEEP],
      [-1 / 3, 0.6 * HIGH, -DEEP],
      [-1 / 3, 0.1 * HIGH, 0],
      [-1, 0, 0],
    ];
    for (const [i, point] of points(quads).slice(0, 4).entries())
      for (const [c, value] of point.entries()) expect(value).toBeCloseTo(expected[i]![c]!, 6);
  });

  test("Quads at rows without trials are left out", () => {
    const rows = [grid.rows[0], grid.rows[1], undefined];
    expect(meshOf({ ...input, grid: { ...grid, rows } }).quads).toHaveLength(3 * 12);
  });

  test("Aligned rows have their half-way points at one x, and rows on the way are between", () => {
    const ways = halfWaysOf(grid)!;
    for (const align of [0.5, 1]) {
      const layout = layoutOf({ grid, mode: "shares", align });
      const xs = ways.map((halfWay, row) => layout.x(halfWay, row));
      const spread = Math.max(...xs) - Math.min(...xs);
      if (align === 1) expect(spread).toBeCloseTo(0, 12);
      else expect(spread).toBeGreaterThan(0.1);
      // The rows fill the width.
      expect(layout.x(3, 2)).toBeCloseTo(-1, 12);
      expect(layout.x(6, 0)).toBeCloseTo(1, 12);
    }
  });

  test("A face is gray where a corner is the limit of failures that were not seen", () => {
    const { colors } = meshOf({ ...input, mode: "failures" });
    const isGray = Array.from({ length: 6 }, (_, quad) => {
      const [red, green, blue] = [...colors.subarray(3 * quad, 3 * quad + 3)].map((c, i) => c / UNSEEN[i]!);
      return Math.abs(red! - green!) < 0.02 && Math.abs(green! - blue!) < 0.02;
    });
    // Of all cells only the last one of the first row has no failure.
    expect(isGray).toEqual([false, false, true, false, false, false]);
  });

  test("Lines of theory are at its heights and end below the top", () => {
    const theory = [
      [0.5, 0.5, 0.01, 1e-9],
      [0.5, 0.5, 0.5, 0.5],
      [0.5, 0.5, 0.5, 0.5],
    ];
    const shares = points(meshOf({ ...input, theory }).wire);
    expect(shares).toContainEqual([-1, Math.fround(0.5 * HIGH), Math.fround(-DEEP)]);
    expect(shares.every(([, y]) => y! <= Math.fround(HIGH))).toBe(true);
    const failures = meshOf({ ...input, mode: "failures", theory });
    expect(failures.layout.top).toBe(2);
    expect(points(failures.wire).some(([x]) => x === 1)).toBe(false);
  });

  test("The mark reaches half-way from its cell to each neighbor", () => {
    const marked = points(meshOf(input).marked);
    expect(marked).toHaveLength(16);
    const xs = marked.map(([x]) => x!);
    const zs = marked.map(([, , z]) => z!);
    expect(Math.min(...xs)).toBeCloseTo(-2 / 3, 6);
    expect(Math.max(...xs)).toBeCloseTo(0, 6);
    expect(Math.min(...zs)).toBeCloseTo(-DEEP / 2, 6);
    expect(Math.max(...zs)).toBeCloseTo(DEEP / 2, 6);
    expect(meshOf({ ...input, cell: { column: 0, row: 0 } }).marked).toHaveLength(12);
  });
});

describe("Camera", () => {
  test("The point at which the camera looks is in the middle, from every side", () => {
    for (const yaw of [-170, -32, 0, 95])
      for (const ratio of [0.6, 1.5]) {
        const { x, y } = seen(matrixOf({ yaw, pitch: 40, zoom: 1.7 }, ratio), [0, 0.24, 0], 300, 200);
        expect(x).toBeCloseTo(150, 3);
        expect(y).toBeCloseTo(100, 3);
      }
  });

  test("All of the surface is in the picture at zoom 1, in wide and in high ones", () => {
    for (const [width, height] of [
      [715, 365],
      [366, 300],
      [300, 500],
    ] as const)
      for (let yaw = -180; yaw < 180; yaw += 15) {
        const matrix = matrixOf({ ...initialCamera, yaw }, width / height);
        for (const x of [-1, 1])
          for (const y of [0, HIGH])
            for (const z of [-DEEP, DEEP]) {
              const point = seen(matrix, [x, y, z], width, height);
              expect(point.x, `yaw ${yaw}`).toBeGreaterThan(0);
              expect(point.x, `yaw ${yaw}`).toBeLessThan(width);
              expect(point.y, `yaw ${yaw}`).toBeGreaterThan(0);
              expect(point.y, `yaw ${yaw}`).toBeLessThan(height);
            }
      }
  });

  test("From the front x goes right, y up and z to the visitor", () => {
    const matrix = matrixOf({ yaw: 0, pitch: 30, zoom: 1 }, 1);
    const [x, y, z, origin] = [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
      [0, 0, 0],
    ].map((point) => seen(matrix, point as [number, number, number], 100, 100));
    expect(x!.x).toBeGreaterThan(origin!.x);
    expect(y!.y).toBeLessThan(origin!.y);
    expect(z!.depth).toBeLessThan(origin!.depth);
    const all = seenAll(matrix, new Float32Array([0, 0, 0, 1, 0, 0]), 100, 100);
    expect([...all.subarray(3)]).toEqual([x!.x, x!.y, x!.depth]);
  });

  test("Drags and zooms stay within the limits, in the digits that an address has", () => {
    expect(dragged({ yaw: 179, pitch: 80, zoom: 1 }, 10, 100)).toEqual({ yaw: -177, pitch: 85, zoom: 1 });
    expect(dragged({ yaw: 0, pitch: 10, zoom: 1 }, 0.6, -100)).toEqual({ yaw: 0.2, pitch: 5, zoom: 1 });
    expect(zoomed(initialCamera, 1.234)).toEqual({ ...initialCamera, zoom: 1.23 });
    expect(zoomed(initialCamera, 100).zoom).toBe(4);
    expect(Object.is(limitedCamera({ yaw: -0.01, pitch: 30, zoom: 1 }).yaw, 0)).toBe(true);
  });
});

describe("Axes", () => {
  test("Ticks are round numbers, and failures are one in a power of 10", () => {
    expect(integerTicks(-11.2, 13, 8)).toEqual([-10, -5, 0, 5, 10]);
    expect(integerTicks(1, 6, 8)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(levelTicks("failures", 6).map(({ text }) => text)).toEqual([
      "all",
      "1 in 100",
      "1 in 10⁴",
      "1 in 10⁶",
    ]);
    expect(oneIn(12)).toBe("1 in 10¹²");
  });

  test("While rows are on their way, the axis of items has no numbers", () => {
    const textsAt = (align: number) => {
      const layout = layoutOf({ grid, mode: "shares", align });
      const size = { width: 600, height: 400 };
      return labelsOf(grid, "shares", layout, matrixOf(initialCamera, 1.5), size).map(({ text }) => text);
    };
    expect(textsAt(0)).toEqual([
      "3",
      "4",
      "5",
      "6",
      "n",
      "4",
      "8",
      "16",
      "M",
      "0 %",
      "50 %",
      "100 %",
      "shares",
    ]);
    expect(textsAt(0.5)).toEqual(["n", "4", "8", "16", "M", "0 %", "50 %", "100 %", "shares"]);
    expect(textsAt(1)).toEqual(
      expect.arrayContaining(["−2", "−1", "0", "1", "2", "n − half-way"]) as unknown as string[],
    );
  });
});

describe("Files", () => {
  const partial = { ...grid, rows: [grid.rows[0], undefined, grid.rows[2]] };

  test("The records are the counts of every cell that has trials", () => {
    const records = recordsOf(partial, "7");
    expect(records).toHaveLength(8);
    expect(records[5]).toEqual({
      halfRange: 16,
      items: 4,
      trials: 100,
      seed: "7",
      covered: estimate(0, 100),
    });
  });

  test("The picture has a rectangle for each cell with trials, side by side within its frame", () => {
    const svg = new DOMParser().parseFromString(pictureOf(partial, "shares"), "image/svg+xml");
    const [paper, ...cells] = [...svg.querySelectorAll("rect")];
    expect(paper!.getAttribute("width")).toBe("100%");
    const number = (cell: Element, name: string) => Number(cell.getAttribute(name));
    expect(cells.map((cell) => cell.getAttribute("fill"))).toEqual(
      [grid.rows[0]!, grid.rows[2]!].flatMap((row) =>
        [0, 1, 2, 3].map((c) => cellColor(row, c, "shares", 1)),
      ),
    );
    for (const cell of cells) {
      expect(number(cell, "x") + number(cell, "width")).toBeLessThanOrEqual(640);
      expect(number(cell, "y") + number(cell, "height")).toBeLessThanOrEqual(480);
    }
    expect(number(cells[1]!, "x")).toBeCloseTo(number(cells[0]!, "x") + number(cells[0]!, "width"), 1);
    // Row 0 is the lowest.
    expect(number(cells[0]!, "y")).toBeGreaterThan(number(cells[4]!, "y"));
    expect([...svg.querySelectorAll("text")].map((text) => text.textContent)).toEqual([
      "3",
      "4",
      "5",
      "6",
      "n",
      "4",
      "8",
      "16",
      "M",
    ]);
  });
});
