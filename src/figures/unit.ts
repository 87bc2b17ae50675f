// One hidden unit or kernel as a picture that turns from noise into what it looks for: all its random products, those that are
// kept, and the sum of the kept ones for each pixel.

import type { UnitProducts } from "../ticket/unit.ts";

/** The stages of the picture. Between two of them it fades from one to the other. */
export const stages = { noise: 0, kept: 50, sum: 100 } as const;

/** A picture of cells, row by row from the top. */
export interface Cells {
  readonly width: number;
  readonly height: number;
  /** -1..1: the magnitude is how much of its color a cell shows, and the sign says which color. */
  readonly shades: Float32Array;
}

/** The side of a square image. */
export const sideOf = (pixels: number): number => Math.round(Math.sqrt(pixels));

/** The shade of a product, which is never too faint to be seen. */
const productShade = (product: number, most: number) =>
  product === 0 ? 0 : Math.sign(product) * (0.2 + (0.8 * Math.abs(product)) / most);

/** The shade of a weight: half of the largest weight has all of the color, since few weights are larger. */
export const weightShade = (weight: number, most: number): number =>
  Math.sign(weight) * Math.min(1, (2 * Math.abs(weight)) / most);

/** How the products of a pixel lie in its block of cells. */
interface Block {
  readonly across: number;
  readonly down: number;
  /** The cell of each product. */
  readonly cells: Int32Array;
}

const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));

/** A block as near to a square as can be. Steps near the golden section scatter the cells that no product takes. */
function blockOf(group: number): Block {
  const across = Math.ceil(Math.sqrt(group));
  const down = Math.ceil(group / across);
  const count = across * down;
  let step = Math.max(1, Math.round(0.618 * count));
  while (divisor(step, count) > 1) step++;
  return { across, down, cells: Int32Array.from({ length: group }, (_, i) => (i * step) % count) };
}

/** The shade of a kept product that passes on values below 0. The others have all of their color. */
const PALE = 0.3;

/** Marks a kept product by the cells around its own, within its block. A cell of its own is too small to be seen. */
function markDot(dots: Float32Array, { across, down }: Block, cell: number, shade: number): void {
  const [x, y] = [cell % across, Math.floor(cell / across)];
  for (let row = Math.max(0, y - 1); row <= Math.min(down - 1, y + 1); row++)
    for (let column = Math.max(0, x - 1); column <= Math.min(across - 1, x + 1); column++) {
      const at = row * across + column;
      if (at === cell || Math.abs(shade) > Math.abs(dots[at]!)) dots[at] = shade;
    }
}

/**
 * The picture of a unit at a stage. Every pixel is a block with a cell for each of its products.
 * @param stage 0..100.
 */
export function unitCells(unit: UnitProducts, stage: number): Cells {
  const { inputs, across: pixels, group, mostProduct, mostSum, products, kept, sums } = unit;
  const block = blockOf(group);
  const { across, down, cells } = block;
  const [width, height] = [pixels * across, Math.ceil(inputs / pixels) * down];
  const shades = new Float32Array(width * height);
  // Products that are not kept fade out first, while the kept ones gain color. Then the sums fade in.
  const cut = Math.min(1, stage / stages.kept);
  const summed = Math.max(0, (stage - stages.kept) / (stages.sum - stages.kept));
  const [noise, dots] = [new Float32Array(across * down), new Float32Array(across * down)];
  for (let pixel = 0; pixel < inputs; pixel++) {
    noise.fill(0);
    dots.fill(0);
    for (let i = 0; i < group; i++) {
      const index = pixel * group + i;
      const product = products[index]!;
      noise[cells[i]!] = productShade(product, mostProduct);
      const isKept = kept[index]!;
      if (isKept) markDot(dots, block, cells[i]!, Math.sign(product) * (isKept > 0 ? 1 : PALE));
    }
    const first = Math.floor(pixel / pixels) * down * width + (pixel % pixels) * across;
    const sum = summed * weightShade(sums[pixel]!, mostSum);
    for (let cell = 0; cell < noise.length; cell++)
      shades[first + Math.floor(cell / across) * width + (cell % across)] =
        sum + (1 - summed) * ((1 - cut) * noise[cell]! + cut * dots[cell]!);
  }
  return { width, height, shades };
}
