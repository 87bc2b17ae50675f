// Ranges of trials on the grid of units. A whole range has unit * 2^j trials and begins at a multiple of its length, so that
// two ranges are nested or disjoint, and two halves add up to a range again.

/** Trials first..first + count - 1. */
export interface TrialRange {
  readonly first: number;
  readonly count: number;
}

/** Whether a range is a partial unit: its beginning, up to the last trial that was asked for. */
export function isPartial(unit: number, { count }: TrialRange): boolean {
  return count < unit;
}

/** Whether a range has unit * 2^j trials and begins at a multiple of them, or is the beginning of one unit. */
export function isDyadic(unit: number, range: TrialRange): boolean {
  const { first, count } = range;
  if (!Number.isSafeInteger(first + count) || first < 0 || count < 1) return false;
  if (isPartial(unit, range)) return Number.isSafeInteger(count) && first % unit === 0;
  return Number.isInteger(Math.log2(count / unit)) && first % count === 0;
}

/** The length of the longest dyadic range that begins at `first`, a multiple of `unit`, and ends at `end` or before. */
export function dyadicCount(unit: number, first: number, end: number): number {
  let count = Math.min(unit, end - first);
  if (count < unit) return count;
  while (first % (2 * count) === 0 && first + 2 * count <= end) count *= 2;
  return count;
}
