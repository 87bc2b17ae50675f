// One answer of all findings as an array, for .npy files.

import { Described, RequestError } from "../../../src/errors.ts";
import type { SolveFinding } from "../../../src/finding.ts";
import { npyFile } from "./npy.ts";

/** The answers that are numbers, with the types of their arrays. */
const types = { reachable: "|b1", unique: "|b1", count: "<u8", smallest: "<i4" } as const;
type ArrayAnswer = keyof typeof types;

export const arrayAnswers = Object.keys(types) as ArrayAnswer[];

/** The size of the smallest subset where there is none. */
const NO_SUBSET = -1;
const MAX_COUNT = 2n ** 64n - 1n;

/** Collects an answer of findings in their order. */
export class AnswerArray {
  readonly #answer: ArrayAnswer;
  readonly #values: number[] = [];

  constructor(answer: ArrayAnswer) {
    this.#answer = answer;
  }

  /** @throws {RequestError} A count has more than 64 bits. */
  add({ instance, reachable, unique, count, smallest }: SolveFinding): void {
    if (this.#answer === "reachable") this.#values.push(Number(reachable));
    else if (this.#answer === "unique") this.#values.push(Number(unique));
    else if (this.#answer === "smallest") this.#values.push(smallest ?? NO_SUBSET);
    else {
      const subsets = BigInt(count!);
      if (subsets > MAX_COUNT)
        throw new RequestError(
          "count",
          `at most ${MAX_COUNT} in an array`,
          new Described(`${count} of instance ${instance}`),
          "choose a folder with --out, whose files hold counts of any size",
        );
      this.#values.push(Number(subsets & 0xffffffffn), Number(subsets >> 32n));
    }
  }

  /** The .npy file, of one axis: a value for each finding. */
  get file(): Buffer {
    const type = types[this.#answer];
    const bytes = Number(type.at(-1));
    const data = Buffer.alloc(Math.min(bytes, 4) * this.#values.length);
    this.#values.forEach((value, i) => {
      if (bytes === 1) data[i] = value;
      else data.writeUInt32LE(value >>> 0, 4 * i);
    });
    return npyFile(type, [data.length / bytes], data);
  }
}
