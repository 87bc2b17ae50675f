// The pictures of a report of `exacta digits`.

import { inflateSync } from "node:zlib";
import { expect } from "vitest";

/** The pictures of a report, each of them in base 64. */
export const picturesOf = (report: string): string[] =>
  [...report.matchAll(/<img src="data:image\/png;base64,([^"]+)"/g)].map(([, base64]) => base64!);

/** The part of the cells of a picture in 4 bits that are clear, read without our encoder. */
export function clearPart(base64: string): number {
  const file = Buffer.from(base64, "base64");
  const [width, height] = [file.readUInt32BE(16), file.readUInt32BE(20)];
  const data = file.subarray(file.indexOf("IDAT") + 4, file.indexOf("IEND") - 8);
  const rows = inflateSync(data);
  const bytes = Math.ceil(width / 2);
  expect(rows).toHaveLength(height * (bytes + 1));
  const cells = Array.from({ length: width * height }, (_, i) => {
    const byte = rows[Math.floor(i / width) * (bytes + 1) + 1 + ((i % width) >> 1)]!;
    return (i % width) % 2 === 0 ? byte >> 4 : byte & 15;
  });
  return cells.filter((cell) => cell === 0).length / cells.length;
}
