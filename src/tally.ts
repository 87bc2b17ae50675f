// Sums of tallies. Every word stays an exact integer, however the trials are cut into batches.

/** What the words of a tally are: counts below 2^53, some of them in two words or more. */
export interface TallyLayout {
  /** The number of words. */
  readonly length: number;
  /**
   * Where numbers of several words are: the index of each low word, in ascending order. Its high word follows it, and may be the
   * low word of the next pair.
   */
  readonly pairs: readonly number[];
}

/** The number that a low word carries into its high word. */
const CARRY = 2 ** 32;

/**
 * Adds a tally to `into`, word by word. The low word of a pair stays below 2^32: its excess goes into the high word.
 * @param into Words of the layout, the low words below 2^32. It changes.
 * @param words Words of the layout. Each word of `into` and `words` together is below 2^53.
 */
export function addTally(layout: TallyLayout, into: Float64Array, words: ArrayLike<number>): void {
  for (let i = 0; i < layout.length; i++) into[i]! += words[i]!;
  for (const low of layout.pairs) {
    const carried = Math.floor(into[low]! / CARRY);
    into[low]! -= carried * CARRY;
    into[low + 1]! += carried;
  }
}
