// One answer of all findings as an array, for .npy files.

import { endianness } from "node:os";
import { Described, RequestError } from "../../../src/errors.ts";
import type { SolveFinding } from "../../../src/finding.ts";
import type { PlainAnswers } from "../../../src/solve/columns.ts";
import { npyFile } from "./npy.ts";

/** The answers that are numbers, with the types of their arrays. */
const types = { reachable: "|b1", unique: "|b1", count: "<u8", smallest: "<i4" } as const;
export type ArrayAnswer = keyof typeof types;

export const arrayAnswers = Object.keys(types) as ArrayAnswer[];

/** The size of the smallest subset where there is none. */
const NO_SUBSET = -1;
const MAX_COUNT = 2n ** 64n - 1n;

/**
 * The bytes of an answer to a finding.
 * @throws {RequestError} A count has more than 64 bits.
 */
export function answerBytes(
  answer: ArrayAnswer,
  { instance, reachable, unique, count, smallest }: SolveFinding,
): Uint8Array {
  if (answer === "reachable") return Uint8Array.of(Number(reachable));
  if (answer === "unique") return Uint8Array.of(Number(unique));
  if (answer === "smallest") return littleEndian(Int32Array.of(smallest ?? NO_SUBSET));
  const subsets = BigInt(count!);
  if (subsets > MAX_COUNT)
    throw new RequestError(
      "count",
      `at most ${MAX_COUNT} in an array`,
      new Described(`${count} of instance ${instance}`),
      "choose a folder with --out, whose files hold counts of any size",
    );
  return littleEndian(Uint32Array.of(Number(subsets & 0xffffffffn), Number(subsets >> 32n)));
}

/** The bytes of an answer to all findings of columns, which do not have `unique`. */
export function columnBytes(
  answer: ArrayAnswer,
  { reachable, counts, sizes }: Pick<PlainAnswers, "reachable" | "counts" | "sizes">,
): Uint8Array<ArrayBuffer> {
  if (answer === "reachable") return reachable.slice();
  if (answer === "count") return littleEndian(counts.slice());
  return littleEndian(sizes.map((size, q) => (reachable[q] ? size : NO_SUBSET)));
}

function littleEndian(words: Int32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const bytes = Buffer.from(words.buffer);
  if (endianness() === "BE") bytes.swap32();
  return new Uint8Array(words.buffer);
}

/** Collects the bytes of an answer to all findings, in their order. */
export class AnswerArray {
  readonly answer: ArrayAnswer;
  readonly #parts: Uint8Array[] = [];

  constructor(answer: ArrayAnswer) {
    this.answer = answer;
  }

  add(bytes: Uint8Array): void {
    this.#parts.push(bytes);
  }

  /** The .npy file, of one axis: a value for each finding. */
  get file(): Buffer {
    const type = types[this.answer];
    const data = Buffer.concat(this.#parts);
    return npyFile(type, [data.length / Number(type.at(-1))], data);
  }
}
