import { describe, expect, test } from "vitest";
import { sideOf, stages, unitCells, weightShade } from "./unit.ts";
import type { UnitProducts } from "../ticket/unit.ts";

const [inputs, group] = [9, 5];
const products = Int32Array.from({ length: inputs * group }, (_, i) => [4, -2, 1, -4, 2][i % 5]!);
/** Of the kept products, every other one passes on values below 0. */
const kept = Int8Array.from(products, (_, i) => (i % 4 === 0 ? (i % 8 === 0 ? 1 : -1) : 0));
const sums = Int32Array.from({ length: inputs }, (_, pixel) => (pixel % 2 === 0 ? pixel : -pixel));
const unit: UnitProducts = {
  inputs,
  across: 3,
  group,
  mostProduct: 4,
  mostSum: 16,
  products,
  kept,
  sums,
  positive: 5,
  negative: 7,
};

/** The cells of a pixel's block. */
function blockOf({ width, shades }: ReturnType<typeof unitCells>, pixel: number): number[] {
  const [across, down] = [3, 2];
  const first = Math.floor(pixel / 3) * down * width + (pixel % 3) * across;
  return Array.from(
    { length: across * down },
    (_, i) => shades[first + Math.floor(i / across) * width + (i % across)]!,
  );
}

const signs = (values: ArrayLike<number>) =>
  Array.from(values, Math.sign)
    .filter((sign) => sign !== 0)
    .toSorted((a, b) => a - b);

describe("Picture of a unit", () => {
  test("The noise has a cell of the right sign for every product of a pixel, and an empty one", () => {
    const cells = unitCells(unit, stages.noise);
    expect([cells.width, cells.height]).toEqual([9, 6]);
    for (let pixel = 0; pixel < inputs; pixel++) {
      const block = blockOf(cells, pixel);
      expect(block.filter((shade) => shade === 0)).toHaveLength(1);
      expect(signs(block)).toEqual(signs(products.subarray(pixel * group, (pixel + 1) * group)));
    }
    expect(Math.max(...cells.shades)).toBe(1);
  });

  test("The second picture has a dot for each kept product, pale where the product passes on values below 0", () => {
    // Each of two pixels keeps one of its 121 products.
    const large = {
      inputs: 4,
      across: 2,
      group: 121,
      products: new Int32Array(484).fill(1),
      kept: new Int8Array(484),
    };
    large.products[7] = -1;
    large.kept.set([1], 7);
    large.kept.set([-1], 121 + 60);
    const picture = unitCells({ ...unit, ...large, sums: new Int32Array(4) }, stages.kept);
    const lit = [...picture.shades.entries()].filter(([, shade]) => shade !== 0);
    const [dark, pale] = [lit.filter(([, shade]) => shade === -1), lit.filter(([, shade]) => shade > 0)];
    expect(lit).toHaveLength(dark.length + pale.length);
    for (const [dot, left] of [
      [dark, 0],
      [pale, 11],
    ] as const) {
      const columns = new Set(dot.map(([at]) => at % picture.width));
      const rows = new Set(dot.map(([at]) => Math.floor(at / picture.width)));
      // A dot has up to three cells each way, fewer at the edge of its pixel.
      expect(dot).toHaveLength(columns.size * rows.size);
      expect(Math.max(columns.size, rows.size)).toBe(3);
      expect(Math.min(...columns)).toBeGreaterThanOrEqual(left);
      expect(Math.max(...columns)).toBeLessThan(left + 11);
      expect(Math.max(...rows)).toBeLessThan(11);
    }
    expect(pale[0]![1]).toBeCloseTo(0.3, 6);
  });

  test("The third picture has the shade of its sum in every cell of a pixel", () => {
    const cells = unitCells(unit, stages.sum);
    sums.forEach((sum, pixel) => {
      for (const shade of blockOf(cells, pixel)) expect(shade).toBeCloseTo(weightShade(sum, 16), 6);
    });
  });

  test("All shades between the pictures are within -1..1", () => {
    for (let stage = 0; stage <= 100; stage++)
      for (const shade of unitCells(unit, stage).shades) expect(Math.abs(shade)).toBeLessThanOrEqual(1);
  });

  test("The picture of a kernel of 3 x 2 weights has as many blocks", () => {
    const kernel = { ...unit, inputs: 6, across: 2, sums: Int32Array.of(1, 2, 3, 4, 5, 6) };
    const cells = unitCells(kernel, stages.sum);
    expect([cells.width, cells.height]).toEqual([6, 6]);
    const shadeAt = (row: number, column: number) => cells.shades[2 * row * cells.width + 3 * column]!;
    for (const [row, column, sum] of [
      [0, 1, 2],
      [1, 0, 3],
      [2, 1, 6],
    ] as const)
      expect(shadeAt(row, column)).toBeCloseTo(weightShade(sum, 16), 6);
  });

  test("A square image of 784 pixels has sides of 28", () => {
    expect(sideOf(784)).toBe(28);
  });
});
