// Instances in .npy files, as lines of JSON: row i is line i + 1. So the same readers and threads serve arrays and text, and only
// a few rows are in memory.

import { open, type FileHandle } from "node:fs/promises";
import { Described, RequestError, type Remedy } from "../../../../src/errors.ts";
import {
  ITEM,
  MAX_ITEM,
  MAX_SOLVE_ITEMS,
  MAX_TARGET,
  MAX_TARGETS,
  TARGET,
} from "../../../../src/solve/problem.ts";
import { HEADER_BYTES, MAGIC, numbersOf, readNpyHeader, type NpyHeader } from "../npy.ts";

/** The bytes of rows that are read at a time, as long as a row has no more. */
const READ_BYTES = 2 ** 18;
/** The most bytes of a number with a comma: a sign and 20 digits, where it is in range. */
const NUMBER_BYTES = 22;

/** The numbers of whole rows, one row behind another. */
type Numbers = ArrayLike<number | bigint>;

/** A .npy file of numbers in rows. */
class ArrayFile {
  readonly rows: number;
  readonly columns: number;
  readonly path: string;
  readonly #file: FileHandle;
  readonly #header: NpyHeader;

  private constructor(path: string, file: FileHandle, header: NpyHeader, rows: number, columns: number) {
    this.path = path;
    this.#file = file;
    this.#header = header;
    this.rows = rows;
    this.columns = columns;
  }

  /**
   * Opens a file.
   * @param field The operand or option that names it.
   * @param mayBeList Whether an array of one axis is read as one of a single column.
   * @throws {RequestError} It cannot be read, is no .npy file of rows of numbers, or is not as long as its shape asks for.
   */
  static async open(path: string, field: string, mayBeList: boolean): Promise<ArrayFile> {
    let file: FileHandle | undefined;
    try {
      file = await open(path);
      const stat = await file.stat();
      if (!stat.isFile()) throw Object.assign(new Error(), { code: "it is no file" });
      const { bytesRead, buffer } = await file.read(new Uint8Array(HEADER_BYTES), 0, HEADER_BYTES, 0);
      const header = headerOf(buffer.subarray(0, bytesRead));
      const [rows = 0, columns = 1] = shapeOf(header, mayBeList);
      const bytes = rows * columns * sizeOf(header);
      if (stat.size - header.start !== bytes)
        throw new RequestError("data", `${bytes} bytes, as its shape asks for`, stat.size - header.start);
      return new ArrayFile(path, file, header, rows, columns);
    } catch (error) {
      await file?.close();
      if (error instanceof RequestError) throw error.at(path);
      const { code } = error as NodeJS.ErrnoException;
      throw new RequestError(field, "a readable .npy file", path, code);
    }
  }

  /** The numbers of rows. */
  async read(first: number, end: number): Promise<Numbers> {
    const { descr, isFortran, start } = this.#header;
    const size = sizeOf(this.#header);
    const { rows, columns } = this;
    if (!isFortran)
      return numbersOf(
        descr,
        await this.#bytes(start + first * columns * size, (end - first) * columns * size),
      );
    const numbers = new Array<number | bigint>((end - first) * columns);
    for (let column = 0; column < columns; column++) {
      const from = start + (column * rows + first) * size;
      const read = numbersOf(descr, await this.#bytes(from, (end - first) * size));
      for (let i = 0; i < read.length; i++) numbers[i * columns + column] = read[i]!;
    }
    return numbers;
  }

  async #bytes(from: number, length: number): Promise<Uint8Array> {
    const { bytesRead, buffer } = await this.#file.read(new Uint8Array(length), 0, length, from);
    if (bytesRead < length)
      throw new RequestError("data", `${from + length} bytes`, from + bytesRead).at(this.path);
    return buffer;
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

const sizeOf = ({ descr }: NpyHeader): number => Number(descr.at(-1));

function headerOf(bytes: Uint8Array): NpyHeader {
  if (!MAGIC.equals(bytes.subarray(0, MAGIC.length)))
    throw new RequestError(
      "file",
      "the first bytes of a .npy file",
      Buffer.from(bytes.subarray(0, 20)).toString("latin1"),
    );
  const header = readNpyHeader(bytes);
  if (header.descr[1] === "b")
    throw new RequestError(
      "descr",
      "integers, or floats that are integers",
      header.descr,
      "array.astype('u1') has 0 and 1",
    );
  return header;
}

/** The rows and columns of an array. */
function shapeOf({ shape }: NpyHeader, mayBeList: boolean): readonly number[] {
  const got = new Described(`(${shape.join(", ")}${shape.length === 1 ? "," : ""})`);
  if (shape.length !== 2 && !(mayBeList && shape.length === 1))
    throw new RequestError(
      "shape",
      mayBeList ? "targets, or rows of targets" : "rows of items",
      got,
      mayBeList ? "array.reshape(rows, -1) has rows" : "array.reshape(1, -1) is one row",
    );
  const most = mayBeList ? MAX_TARGETS : MAX_SOLVE_ITEMS;
  if ((shape[1] ?? 1) > most) throw new RequestError("shape", `at most ${most} columns`, got);
  if (shape.reduce((product, length) => product * length, 8) > Number.MAX_SAFE_INTEGER)
    throw new RequestError("shape", "an array of less than 2^50 numbers", got);
  return shape;
}

/** The targets of the rows of an array: a file of as many rows, the same ones for all rows, or none. */
export type ArrayTargets = { readonly file: string } | readonly (number | bigint)[] | undefined;

/**
 * Opens arrays of items and targets.
 * @param onRefused Called for a row that is refused, which is then left out. Without it, its error ends everything.
 * @throws {RequestError} as `ArrayFile.open` does, and where the arrays have different numbers of rows.
 */
export async function openArrays(
  path: string,
  targets: ArrayTargets,
  onRefused: ((error: RequestError) => void) | undefined,
): Promise<{ readonly chunks: AsyncIterable<Uint8Array>; readonly close: () => Promise<void> }> {
  const items = await ArrayFile.open(path, "file", false);
  let file: ArrayFile | undefined;
  const close = async () => {
    await items.close();
    await file?.close();
  };
  try {
    if (!targets || !("file" in targets)) return { chunks: linesOfArrays(items, targets, onRefused), close };
    file = await ArrayFile.open(targets.file, "targets", true);
    if (file.rows !== items.rows)
      throw new RequestError("shape", `${items.rows} rows, as ${path} has`, file.rows).at(targets.file);
    return { chunks: linesOfArrays(items, file, onRefused), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * The rows of an array of items as lines of JSON. An empty line takes the place of a row that is refused.
 * @throws {RequestError} A number is no item or no target.
 */
async function* linesOfArrays(
  items: ArrayFile,
  targets: ArrayFile | readonly (number | bigint)[] | undefined,
  onRefused: ((error: RequestError) => void) | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  const file = targets instanceof ArrayFile ? targets : undefined;
  const common = targets instanceof ArrayFile ? [] : (targets ?? []);
  const width = items.columns + (file?.columns ?? common.length);
  const step = Math.max(1, Math.floor(READ_BYTES / (8 * Math.max(1, width))));
  const line = new LineWriter(step * (FRAME_BYTES + NUMBER_BYTES * width));
  for (let first = 0; first < items.rows; first += step) {
    const end = Math.min(first + step, items.rows);
    const numbers = await items.read(first, end);
    const asked = (await file?.read(first, end)) ?? common;
    line.length = 0;
    for (let row = first; row < end; row++) {
      const start = line.length;
      try {
        line.put('{"items":[');
        putRow(line, numbers, row - first, row, items, ITEM, MAX_ITEM);
        if (file) {
          line.put('],"targets":[');
          putRow(line, asked, row - first, row, file, TARGET, MAX_TARGET);
        } else if (targets) line.put(`],"targets":[${common.join(",")}`);
        line.put("]}");
      } catch (error) {
        if (!onRefused || !(error instanceof RequestError)) throw error;
        onRefused(error);
        line.length = start;
      }
      line.put("\n");
    }
    yield line.written.slice();
  }
}

/** Bytes of a line beside its numbers. */
const FRAME_BYTES = 32;
const LARGEST_EXACT = 2 ** 53;
const LARGEST_WORD = 2 ** 31 - 1;

/**
 * Writes a row with commas between its numbers.
 * @param at The row among `numbers`.
 * @param row The row in the file, for an error.
 * @throws {RequestError} A number is no integer of -most..most.
 */
function putRow(
  line: LineWriter,
  numbers: Numbers,
  at: number,
  row: number,
  { columns, path }: ArrayFile,
  range: string,
  most: number | bigint,
): void {
  for (let column = 0; column < columns; column++) {
    const value = numbers[at * columns + column]!;
    const whole = typeof value === "bigint" || Number.isInteger(value);
    if (!whole || value > most || value < -most)
      throw new RequestError(`[${row}, ${column}]`, range, value, whole ? undefined : FRACTIONS).at(path);
    if (column > 0) line.put(",");
    line.putInteger(value);
  }
}

const FRACTIONS: Remedy = "multiply the array until its numbers are integers";

/** Text in memory that is used again. */
class LineWriter {
  length = 0;
  readonly #bytes: Uint8Array;

  constructor(bytes: number) {
    this.#bytes = new Uint8Array(bytes);
  }

  /** A view of the text, which lasts until more is written. */
  get written(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }

  /** Writes text in ASCII. */
  put(text: string): void {
    for (let i = 0; i < text.length; i++) this.#bytes[this.length++] = text.charCodeAt(i);
  }

  putInteger(value: number | bigint): void {
    if (typeof value === "bigint") return this.put(String(value));
    if (Math.abs(value) > LARGEST_EXACT) return this.put(String(BigInt(value)));
    if (Math.abs(value) > LARGEST_WORD) return this.put(String(value));
    let rest = Math.abs(value) | 0;
    if (value < 0) this.#bytes[this.length++] = MINUS;
    let digits = 1;
    for (let bound = 10; bound <= rest; bound *= 10) digits++;
    this.length += digits;
    for (let end = this.length; digits > 0; digits--) {
      const quotient = (rest / 10) | 0;
      this.#bytes[--end] = ZERO + rest - 10 * quotient;
      rest = quotient;
    }
  }
}

const MINUS = 0x2d;
const ZERO = 0x30;
