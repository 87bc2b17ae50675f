// Ranges of one part with their tallies. Two halves of a dyadic range are summed, and what is there twice must be equal.

import { createHash } from "node:crypto";
import { isPartial, type TrialRange } from "../../../src/ranges.ts";
import { addTally } from "../../../src/tally.ts";
import type { Part, PartRange, Parts } from "./format.ts";

type Words = Float64Array<ArrayBuffer>;

/** The same trials of a part were counted with two results. */
export class ContradictionError extends Error {
  override readonly name = "ContradictionError";
  readonly part: string;
  readonly range: TrialRange;
  /** For each of the results, the journals that it comes from: one, or those of the smaller ranges that add up to it. */
  readonly files: readonly [readonly string[], readonly string[]];
  /** The index of the first word that differs, and its values. */
  readonly word: number;
  readonly values: readonly [number, number];

  constructor(
    part: string,
    { first, count }: TrialRange,
    files: readonly [readonly string[], readonly string[]],
    word: number,
    values: readonly [number, number],
  ) {
    const [a, b] = files.map((names, i) => `${values[i]} in ${names.join(" and ")}`);
    super(
      `part ${part}, trials ${first}..${first + count - 1}: word ${word} is ${a}, but ${b}; ` +
        `count these trials on a third engine, and remove the journal that is wrong`,
    );
    this.part = part;
    this.range = { first, count };
    this.files = files;
    this.word = word;
    this.values = values;
  }
}

/** A range differs from one whose words are no longer kept. They are compared when it is given as `suspect`. */
export class ForgottenRange extends Error {
  readonly part: string;
  readonly range: TrialRange;

  constructor(part: string, range: TrialRange) {
    super(`part ${part}, trials from ${range.first}: the words of an equal range were summed`);
    this.part = part;
    this.range = range;
  }
}

/** A range that was inserted, or whose halves were. */
interface Known extends TrialRange {
  readonly files: readonly string[];
  /** The tally. It is dropped where the words of other ranges add up to it, or where it is part of a sum. */
  words?: Words | undefined;
  /** Stands for the words that are part of a sum. */
  digest?: string | undefined;
}

export interface SumOptions {
  /** Whether a range that was summed is compared when it comes again. */
  readonly remember: boolean;
  /** The words of ranges within this one are kept. */
  readonly suspect?: TrialRange | undefined;
}

/**
 * The ranges of a part. Halves are summed into the range that they fill, but for ranges that begin at trial 0: so the total of
 * the first unit * 2^j trials stays known for every j.
 */
export class RangeSums {
  readonly #name: string;
  readonly #part: Part;
  readonly #options: SumOptions;
  readonly #known = new Map<string, Known>();

  constructor(name: string, part: Part, options: SumOptions) {
    this.#name = name;
    this.#part = part;
    this.#options = options;
  }

  /**
   * Adds a dyadic range.
   * @param words The tally, which the sums may keep.
   * @param from The journals that it comes from.
   * @throws {ContradictionError} The range, or smaller ones that fill it, have other words.
   * @throws {ForgottenRange} It has other words than a range that was summed.
   */
  insert({ first, count }: TrialRange, words: Words, from: readonly string[]): void {
    const known = this.#find(first, count);
    if (known) {
      this.#compare(known, words, from);
      return;
    }
    this.#known.set(keyOf(first, count), { first, count, words, files: from });
    if (isPartial(this.#part.unit, { first, count })) return;
    const parent = { first: first - (first % (2 * count)), count: 2 * count };
    const left = this.#find(parent.first, count);
    const right = this.#find(parent.first + count, count);
    if (!left || !right) return;
    const files = [...new Set([...left.files, ...right.files])];
    this.insert(parent, this.#isKept(parent) ? this.#sum(left, right) : this.#merge(left, right), files);
    // Its halves stay, and have its words.
    if (parent.first === 0) this.#find(0, parent.count)!.words = undefined;
  }

  /** The disjoint ranges that cover most trials, in order, with their words. */
  ranges(): Generator<PartRange> {
    return this.#outermost([...this.#known.values()]);
  }

  /**
   * The disjoint ranges that cover most of the first `trials` trials. A range that ends behind them is left out, and so is a
   * partial unit that ends before them: the whole unit is to be counted.
   */
  rangesWithin(trials: number): Generator<PartRange> {
    const fits = (range: Known) =>
      isPartial(this.#part.unit, range) ? end(range) === trials : end(range) <= trials;
    return this.#outermost([...this.#known.values()].filter(fits));
  }

  *#outermost(ranges: readonly Known[]): Generator<PartRange> {
    let covered = 0;
    for (const range of ranges.toSorted((a, b) => a.first - b.first || b.count - a.count)) {
      const { first, count, words } = range;
      if (!words || first < covered) continue;
      yield { part: this.#name, first, count, words };
      covered = end(range);
    }
  }

  #find(first: number, count: number): Known | undefined {
    return this.#known.get(keyOf(first, count));
  }

  #sum(left: Known, right: Known): Words {
    const sum = this.#wordsOf(left)!.slice();
    addTally(this.#part.layout, sum, this.#wordsOf(right)!);
    return sum;
  }

  /** The words of a range, where they are kept or add up from those of its halves. */
  #wordsOf({ first, count, words }: Known): Words | undefined {
    if (words || first > 0) return words;
    return this.#sum(this.#find(0, count / 2)!, this.#find(count / 2, count / 2)!);
  }

  #compare(known: Known, words: Words, files: readonly string[]): void {
    const knownWords = this.#wordsOf(known);
    if (!knownWords) {
      if (known.digest !== digestOf(words)) throw new ForgottenRange(this.#name, known);
      return;
    }
    const word = words.findIndex((value, i) => value !== knownWords[i]);
    if (word < 0) return;
    throw new ContradictionError(this.#name, known, [known.files, files], word, [
      knownWords[word]!,
      words[word]!,
    ]);
  }

  /** Whether the halves of a range keep their words when they are summed: at trial 0, and where the suspect is. */
  #isKept(range: TrialRange): boolean {
    const { suspect } = this.#options;
    return range.first === 0 || (!!suspect && suspect.first < end(range) && range.first < end(suspect));
  }

  /** The sum of two halves, in the memory of one of them. */
  #merge(left: Known, right: Known): Words {
    const sum = left.words!;
    const added = right.words!;
    for (const half of [left, right]) {
      if (!this.#options.remember) this.#known.delete(keyOf(half.first, half.count));
      else half.digest ??= digestOf(half.words!);
      half.words = undefined;
    }
    addTally(this.#part.layout, sum, added);
    return sum;
  }
}

const end = ({ first, count }: TrialRange) => first + count;
const keyOf = (first: number, count: number) => `${first}+${count}`;

function digestOf({ buffer, byteOffset, byteLength }: Words): string {
  return createHash("sha256")
    .update(new Uint8Array(buffer, byteOffset, byteLength))
    .digest("hex");
}

/** Empty sums for each part. */
export const sumsOf = (parts: Parts, remember: boolean): ReadonlyMap<string, RangeSums> =>
  new Map(Object.entries(parts).map(([name, part]) => [name, new RangeSums(name, part, { remember })]));
