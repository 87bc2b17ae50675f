// Pictures of reports as PNG files: cells of two colors over the paper of the page, which may be light or dark.

import { crc32, deflateSync } from "node:zlib";
import type { Cells } from "../../../src/figures/unit.ts";

/** Red, green and blue, 0..255. */
type Color = readonly [number, number, number];

/** The shades of a color in a picture, from faint to full. */
const SHADES = 7;
/** The bits of a cell, whose palette has 15 colors: a clear one and the shades of both. */
const BITS = 4;

/**
 * A picture of cells with shades of one color above 0 and of another one below. Cells of 0 are clear.
 * @returns The address of the picture, which contains it.
 */
export function cellsAddress({ width, height, shades }: Cells, plus: Color, minus: Color): string {
  const bytesPerRow = Math.ceil((width * BITS) / 8);
  // Each row begins with the number of its filter, 0 for none.
  const rows = Buffer.alloc(height * (bytesPerRow + 1));
  shades.forEach((shade, i) => {
    const level = Math.ceil(Math.abs(shade) * SHADES);
    const color = shade < 0 ? level + SHADES : level;
    const column = i % width;
    const byte = Math.floor(i / width) * (bytesPerRow + 1) + 1 + (column >> 1);
    rows[byte]! |= column % 2 === 0 ? color << BITS : color;
  });
  const levels = Array.from({ length: SHADES }, (_, i) => Math.round((255 * (i + 1)) / SHADES));
  const palette = [[0, 0, 0], ...levels.map(() => plus), ...levels.map(() => minus)].flat();
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  // The bits of a cell, and a picture with a palette.
  header.set([BITS, 3], 8);
  const file = Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", header),
    chunk("PLTE", Buffer.from(palette)),
    chunk("tRNS", Buffer.from([0, ...levels, ...levels])),
    chunk("IDAT", deflateSync(rows, { level: 9 })),
    chunk("IEND", Buffer.alloc(0)),
  ]);
  return `data:image/png;base64,${file.toString("base64")}`;
}

function chunk(name: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(name, "ascii"), data]);
  const whole = Buffer.alloc(named.length + 8);
  whole.writeUInt32BE(data.length, 0);
  named.copy(whole, 4);
  whole.writeUInt32BE(crc32(named), named.length + 4);
  return whole;
}
