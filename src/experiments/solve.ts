// The solve experiment: what is asked of given instances, the work that answers it, and what the answers say.

/** One instance as a caller gives it. */
export interface Instance {
  /** Integers of -2^53..2^53, at most 10,000 of them. */
  readonly items: readonly number[];
  /** The sum asked for, or several sums. A partition needs none and looks at none. */
  readonly target?: number | bigint;
  readonly targets?: readonly (number | bigint)[];
  /** A name that findings repeat. */
  readonly id?: string | number;
}

export const answerNames = ["reachable", "count", "witness", "smallest"] as const;
export type AnswerName = (typeof answerNames)[number];
export const methods = ["bitset", "tiles", "halves"] as const;

/** What a caller wants to know of every instance. */
export interface SolveRequest {
  /** Default: all that the instance's size allows. `reachable` is always told. */
  ask?: readonly AnswerName[];
  /** Only index sets of exactly so many items. */
  size?: number;
  /** Sums may differ from the target by so much; the nearest one is the best. */
  tolerance?: number;
  /** The best sum is the greatest one not above the target. */
  atMost?: boolean;
  /** The best sum is the one nearest to half of all: the items in two groups as equal as can be. */
  partition?: boolean;
  /** Forces a method; by default the cheapest is taken for each instance. */
  method?: (typeof methods)[number];
}
