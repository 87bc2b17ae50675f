// IDX, the format of MNIST: an array of bytes with as many dimensions as its header says.
//
//   4 bytes          0, 0, the type of an element (8: an unsigned byte), the number of dimensions
//   4 bytes each     the sizes, big-endian, the slowest dimension first
//   the rest         the elements, up to the end of the file

import { RequestError } from "../../../src/errors.ts";

/** The type of unsigned bytes. */
const UNSIGNED_BYTE = 8;

/**
 * Decodes an IDX file of bytes. The values are a view of the file.
 * @throws {RequestError} for another kind of file, another number of dimensions, or a length that does not fit the sizes.
 */
export function decodeIdx(
  file: Uint8Array,
  dimensions: number,
): { readonly shape: readonly number[]; readonly values: Uint8Array } {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const start = 4 + 4 * dimensions;
  if (file.length < start) throw new RequestError("file", `at least ${start} bytes`, file.length);
  const magic = view.getUint32(0);
  if (magic >>> 8 !== UNSIGNED_BYTE)
    throw new RequestError("file", "IDX of bytes, which begins with 0, 0, 8", Array.from(file.slice(0, 3)));
  if ((magic & 255) !== dimensions) throw new RequestError("dimensions", String(dimensions), magic & 255);
  const shape = Array.from({ length: dimensions }, (_, d) => view.getUint32(4 + 4 * d));
  // The product is rounded beyond 2^53, but no file is that long.
  const size = shape.reduce((product, length) => product * length, 1);
  if (size !== file.length - start)
    throw new RequestError("elements", `${size} bytes for ${shape.join(" x ")}`, file.length - start);
  // A subarray of a Buffer would be a Buffer.
  return { shape, values: new Uint8Array(file.buffer, file.byteOffset + start, size) };
}
