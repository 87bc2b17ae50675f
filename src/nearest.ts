// The word that someone who mistyped it may have meant.

/** The most edits between a word and one that is suggested for it. */
const MAX_EDITS = 3;
/** The share of letters that must be right. */
const LEAST_SHARE = 0.5;

/** The fewest letters to insert, delete, change, or swap with their neighbours, to make one word of the other. */
function edits(from: string, to: string): number {
  const rows = [Array.from({ length: to.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    for (let j = 1; j <= to.length; j++) {
      const [above, before] = [rows[i - 1]!, row[j - 1]!];
      const isSame = from[i - 1] === to[j - 1];
      const isSwapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      row[j] = Math.min(
        above[j]! + 1,
        before + 1,
        above[j - 1]! + Number(!isSame),
        isSwapped ? rows[i - 2]![j - 2]! + 1 : Infinity,
      );
    }
    rows.push(row);
  }
  return rows.at(-1)!.at(-1)!;
}

/** The word nearest to the one that was given; undefined where none is near. The first of equally near ones. */
export function nearest(given: string, words: readonly string[]): string | undefined {
  // Distances take as many steps as both words have letters, multiplied.
  const near = words.filter((word) => Math.abs(word.length - given.length) <= MAX_EDITS);
  const [best] = near
    .map((word) => ({ word, distance: edits(given.toLowerCase(), word.toLowerCase()) }))
    .filter(
      ({ word, distance }) =>
        distance <= Math.min(MAX_EDITS, (1 - LEAST_SHARE) * Math.max(word.length, given.length)),
    )
    .toSorted((a, b) => a.distance - b.distance);
  return best?.word;
}
