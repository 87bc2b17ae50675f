// Cuts an input into blocks of whole lines, and a block into lines.

import { isUtf8 } from "node:buffer";
import { RequestError } from "../../../../src/errors.ts";
import { lineFeeds } from "../../solve/memory.ts";

/** More than 10,000 items and as many targets take in any format. */
const MAX_LINE_BYTES = 2 ** 24;

const LINE_FEED = 10;
const RETURN = 13;

/** Whole lines of an input, which can be read without those before and after them. */
export interface LineBlock {
  readonly bytes: Uint8Array;
  /** The number of the first line, from 1. */
  readonly firstLine: number;
}

/** A line that is too long, of which nothing is kept. */
export interface LongLine {
  readonly line: number;
  readonly error: RequestError;
}

/** Cuts a stream into blocks: those of the lines that a chunk completes. Memory is that of a chunk and of one line. */
export async function* blocksOf(
  stream: AsyncIterable<Uint8Array>,
): AsyncGenerator<LineBlock | LongLine, void, undefined> {
  let line = 1;
  // The beginning of a line that has not ended yet.
  let carried: Uint8Array[] = [];
  let length = 0;
  let isTooLong = false;
  for await (let chunk of stream) {
    if (isTooLong) {
      const end = chunk.indexOf(LINE_FEED) + 1;
      if (end === 0) continue;
      isTooLong = false;
      line++;
      chunk = chunk.subarray(end);
    }
    const end = chunk.lastIndexOf(LINE_FEED) + 1;
    if (end > 0) {
      const whole = chunk.subarray(0, end);
      const bytes = length > 0 ? Buffer.concat([...carried, whole]) : whole;
      yield { bytes, firstLine: line };
      line += lineFeeds(bytes);
      carried = [];
      length = 0;
    }
    if (end === chunk.length) continue;
    carried.push(chunk.subarray(end));
    length += chunk.length - end;
    if (length <= MAX_LINE_BYTES) continue;
    yield { line, error: tooLong(length) };
    carried = [];
    length = 0;
    isTooLong = true;
  }
  if (length > 0) yield { bytes: Buffer.concat(carried), firstLine: line };
}

/** The lines of a block without their ends; in place of a line that is too long or not UTF-8, its error. */
export function* linesOf(bytes: Uint8Array): Generator<string | RequestError, void, undefined> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let start = 0, end; start < buffer.length; start = end + 1) {
    end = buffer.indexOf(LINE_FEED, start);
    if (end < 0) end = buffer.length;
    const line = buffer.subarray(start, end);
    if (line.length > MAX_LINE_BYTES) yield tooLong(line.length);
    else if (isUtf8(line)) yield line.toString("utf8", 0, line.length - (line.at(-1) === RETURN ? 1 : 0));
    else
      yield new RequestError(
        "text",
        "UTF-8",
        line.toString("latin1", 0, 100),
        "save the file in this encoding",
      );
  }
}

const tooLong = (bytes: number) => new RequestError("length", `at most ${MAX_LINE_BYTES} bytes`, bytes);

/** Collects the blocks of an input that is read as a whole. */
export class Collected {
  readonly #blocks: LineBlock[] = [];
  #length = 0;

  /** @throws {RequestError} where the input is too long. */
  add(block: LineBlock): void {
    this.#blocks.push(block);
    this.#length += block.bytes.length;
    if (this.#length > MAX_LINE_BYTES)
      throw new RequestError(
        "input",
        `at most ${MAX_LINE_BYTES} bytes of one JSON text, or of one instance`,
        this.#length,
        "write one instance a line",
      );
  }

  /** All of them as one block. */
  get block(): LineBlock {
    return {
      bytes: Buffer.concat(this.#blocks.map(({ bytes }) => bytes)),
      firstLine: this.#blocks[0]?.firstLine ?? 1,
    };
  }
}
