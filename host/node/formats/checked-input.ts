// The places of lines in an input, with a digest of everything before them, by which a later run knows that it reads the same
// input again.

import { createHash, type Hash } from "node:crypto";
import { lineFeeds } from "../solve/memory.ts";

/** The end of a line of an input. The end of the input ends its last line as a line feed does. */
export interface InputPlace {
  /** The line, from 1. */
  readonly line: number;
  /** The bytes of the input through that line, its line feed included. */
  readonly bytes: number;
  /** SHA-256 of these bytes, in hexadecimal digits. */
  readonly digest: string;
}

const LINE_FEED = 10;

/** A chunk of an input, with the digest of everything before it. It finds the places of lines in ascending order. */
export class InputChunk {
  readonly #bytes: Uint8Array;
  readonly #hash: Hash;
  #end: number;
  #line: number;
  /** How many bytes of the chunk are in the digest. */
  #offset = 0;

  constructor(bytes: Uint8Array, hash: Hash, end: number, line: number) {
    this.#bytes = bytes;
    this.#hash = hash;
    this.#end = end;
    this.#line = line;
  }

  /** The place of the end of a line that ends in this chunk, or with the input. No earlier line can be asked for afterwards. */
  placeOf(line: number): InputPlace {
    let offset = this.#offset;
    let isEnded = true;
    while (this.#line < line && isEnded) {
      const end = this.#bytes.indexOf(LINE_FEED, offset);
      isEnded = end >= 0;
      offset = isEnded ? end + 1 : this.#bytes.length;
      this.#line++;
    }
    this.#hash.update(this.#bytes.subarray(this.#offset, offset));
    this.#end += offset - this.#offset;
    this.#offset = offset;
    if (!isEnded) {
      this.#hash.update("\n");
      this.#end++;
    }
    return { line: this.#line, bytes: this.#end, digest: this.#hash.copy().digest("hex") };
  }
}

/** An input whose beginning is compared with the places of an earlier run. */
export class CheckedInput {
  readonly #earlier: AsyncIterator<InputPlace, undefined>;
  readonly #differs: (line: number) => Error;
  #chunk: InputChunk | undefined;

  /**
   * @param earlier Places of an earlier run, in ascending order.
   * @param differs Makes the error of an input that differs from the earlier one somewhere after this line.
   */
  constructor(earlier: AsyncIterator<InputPlace, undefined>, differs: (line: number) => Error) {
    this.#earlier = earlier;
    this.#differs = differs;
  }

  /** The chunk in which the lines end that `read` has handed out last. */
  get chunk(): InputChunk {
    return this.#chunk!;
  }

  /**
   * The bytes of an input. A chunk is handed out after its bytes are found equal to those of the earlier run.
   * @throws {Error} of `differs`, also where the input ends before the last place of the earlier run.
   */
  async *read(input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    const hash = createHash("sha256");
    let bytes = 0;
    let lines = 0;
    let equalLines = 0;
    let expected = (await this.#earlier.next()).value;
    /** Compares the places of the earlier run up to this byte. */
    const compare = async (end: number) => {
      while (expected && expected.bytes <= end) {
        const place = this.#chunk?.placeOf(expected.line);
        if (place?.bytes !== expected.bytes || place.digest !== expected.digest)
          throw this.#differs(equalLines);
        equalLines = expected.line;
        expected = (await this.#earlier.next()).value;
      }
    };
    for await (const chunk of input) {
      this.#chunk = new InputChunk(chunk, hash.copy(), bytes, lines);
      hash.update(chunk);
      bytes += chunk.length;
      lines += lineFeeds(chunk);
      await compare(bytes);
      yield chunk;
    }
    await compare(Infinity);
  }
}
