// Some units of a sweep are counted a second time, by another engine or another thread.

import { threefry2x32, type WordPair } from "../../../src/random.ts";
import type { Batch } from "../../../src/plan.ts";
import type { Engine } from "../../runner.ts";
import { DifferenceError } from "../../shadow.ts";
import { configurationDigest, type Json } from "../journal/configuration.ts";
import { openEngine } from "../index.ts";
import type { PartCount } from "./experiment.ts";

/** One unit in this many is counted twice, by default. */
export const RECHECK_SHARE = 1000;

/**
 * Counts chosen units again: what a GPU counts, on the CPU; what the CPU counts, in a thread of another pool. A second pool finds
 * faults of memory and of threads. Faults of kernels are found by the tests, which compare all engines.
 */
export class Recheck {
  readonly #first: Engine;
  readonly #share: number;
  readonly #key: WordPair;
  #second: Promise<Engine> | undefined;

  /** @param share One unit in `share` is chosen; none for 0. */
  constructor(first: Engine, configuration: Json, share: number) {
    this.#first = first;
    // An engine that compares every word needs no second one.
    this.#share = first.engine === "shadow" ? 0 : share;
    const digest = configurationDigest(configuration);
    this.#key = [Number.parseInt(digest.slice(0, 8), 16), Number.parseInt(digest.slice(8, 16), 16)];
  }

  /** Whether a unit is counted again: a hash of the configuration, the part and the index of the unit decides. */
  isChosen(part: string, unit: number): boolean {
    if (this.#share === 0) return false;
    const text = Array.from(part, (letter) => letter.codePointAt(0)!).reduce((a, b) => (a * 31 + b) >>> 0, 0);
    const key = threefry2x32(this.#key, [text, 0]);
    const [word] = threefry2x32(key, [unit % 2 ** 32, Math.floor(unit / 2 ** 32)]);
    return word % this.#share === 0;
  }

  /**
   * Counts a unit again.
   * @returns Whether it was counted: not where the signal came first.
   * @throws {DifferenceError} A word differs.
   */
  async check(part: PartCount, range: Batch, words: Float64Array, signal: AbortSignal): Promise<boolean> {
    const second = await (this.#second ??= openEngine({ engine: "cpu", threads: 1 }));
    let isCounted = false;
    await part.count(second, [range], {
      signal,
      unit: part.unit,
      onBatch() {},
      onUnits: (_, again) => {
        const word = words.findIndex((value, i) => value !== again[i]);
        if (word >= 0)
          throw new DifferenceError(
            `part ${part.name}, trials ${range.first}..${range.first + range.count - 1}, word ${word} of ${words.length}: ` +
              `${this.#first.engine} (${this.#first.adapter}) counts ${words[word]}, ` +
              `${second.engine} (${second.adapter}) counts ${again[word]}; the trials are not kept`,
          );
        isCounted = true;
      },
    });
    return isCounted;
  }

  async close(): Promise<void> {
    (await this.#second)?.close();
  }
}
