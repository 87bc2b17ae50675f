// What an experiment reports: plain records, one JSON line each.

import type { Ensemble } from "./ensemble.ts";
import type { Bound, Prediction } from "./theory/envelope.ts";
import type { Quantizer } from "./network.ts";
import type { Method } from "./solve/problem.ts";
import type { Estimate } from "./statistics.ts";
import type { OutputComparison } from "./ticket/comparison.ts";
import type { Scheme } from "./ticket/scheme.ts";
import type { Sizes } from "./ticket/sizes.ts";
import type { Deviation } from "./ticket/ticket.ts";

/** Who computed a finding. */
export interface Provenance {
  /** The runner: `gpu`, `cpu`, `reference` or `shadow`. */
  readonly engine: string;
  /** The device that answered, in its own words. */
  readonly adapter: string;
  /** The version of exacta. */
  readonly version: string;
}

/** How often the first `items` items of a trial reach what was asked. */
export interface PhaseFinding extends Provenance {
  readonly kind: "phase";
  readonly ensemble: Ensemble;
  /** k, where M = 2^k (for products 4^k). */
  readonly bits?: number;
  /** M: targets of -M..M are those a network may ask for. */
  readonly halfRange: number;
  /** n, the number of items. */
  readonly items: number;
  /** Trials counted; fewer than asked where the run was stopped. */
  readonly trials: number;
  /** Decimal; absent where every instance was counted instead of drawn. */
  readonly seed?: string;
  /** `clopper-pearson`: 95 % intervals. `exact`: every instance was counted and low = probability = high. */
  readonly interval: "clopper-pearson" | "exact";
  /** For `rnpp` a target is a signed sum; otherwise a subset sum, the empty set allowed. */
  readonly targets: readonly (Estimate & { readonly target: number })[];
  /** Every target of -M..M is reached (all ensembles but `rnpp`). */
  readonly covered?: Estimate;
  /** Some signed sum has magnitude 0 or 1 (`rnpp` only). */
  readonly perfect?: Estimate;
  /** Mean number of targets of -M..M reached, 0..2 M + 1. */
  readonly meanCovered: number;
}

/** What theory says of one target, without simulation. */
export interface TargetTheory {
  readonly target: number;
  /** E Y and E Y^2, Y the number of index sets (for `rnpp` of signs) that hit the target. Exact but for rounding. */
  readonly expected: number;
  readonly expectedSquare: number;
  /** Proven bounds on P(Y > 0), and the best of each kind. */
  readonly bounds: readonly Bound[];
  readonly lower: Bound;
  readonly upper: Bound;
  /** Close to P(Y > 0), on either side of it. */
  readonly predictions: readonly Prediction[];
  /** What Kumar & Natale state as n grows; absent for n = 0, and for `rnpp` with M = 1, where it is false. */
  readonly paper?: PaperStatement;
}

/** A statement of the paper at one size. It holds as n grows; at finite n the truth may be elsewhere. */
export interface PaperStatement {
  /** `Lemma 1` for the signed sums of `rnpp`, `Lemma 4` for subset sums. */
  readonly name: "Lemma 1" | "Lemma 4";
  /** E Y by Theorem 4's moments. */
  readonly expected: number;
  /** The sides of P(Y > 0). */
  readonly low: number;
  readonly high: number;
}

/** What theory says of instances of `items` items. */
export interface TheoryFinding {
  readonly kind: "theory";
  readonly ensemble: Ensemble;
  /** k, where M = 2^k (for products 4^k). */
  readonly bits?: number;
  readonly halfRange: number;
  readonly items: number;
  /** log2 M - n + (1/2) log2 n: the place in the window, solvable below 0 and not above; absent for n = 0. */
  readonly lambda?: number;
  readonly targets: readonly TargetTheory[];
  /** Upper bound on P(every target of -M..M is reached): the least of those of the targets (all but `rnpp`). */
  readonly covered?: {
    readonly upper: number;
    /** The bound of the follow-up paper, with constants that fit exact counts but are not proven (`rssp`, `rssp0`). */
    readonly followUp?: number;
  };
  /** Lemma 4, for subset sums as n grows: failures at most so often, by a window of the total of so half a width. */
  readonly lemma4?: { readonly failure: number; readonly halfWidth: number };
  /** P(some signed sum has magnitude 0 or 1): bounds, and predictions from exact moments and in the limit (`rnpp`). */
  readonly perfect?: {
    readonly lower: number;
    readonly upper: number;
    readonly predictions: readonly Prediction[];
  };
}

/** How many items it takes to reach the worst target of -M..M all but rarely. */
export interface RequiredFinding extends Provenance {
  readonly kind: "required";
  /** `uniform` on +-1..+-M; `products` of +-1..+-N and 1..N, M = N^2; `support`: uniform on the different products. */
  readonly pool: "uniform" | "products" | "support";
  readonly bits: number;
  readonly halfRange: number;
  /** How often the worst target may fail. */
  readonly failure: number;
  /** The fewest items, absent where `itemsTo` were not enough. */
  readonly items?: number;
  /** The worst target with so many items, and how often it fails; with one item less, how often the worst one fails. */
  readonly target?: number;
  readonly measured?: Estimate;
  readonly before?: Estimate;
  /** Both 95 % intervals lie on their side of `failure`; otherwise `items` may be off by one. */
  readonly decided?: boolean;
  /** The most items that were tried. */
  readonly itemsTo: number;
  /** log2 (2 M + 1): with fewer items no instance reaches every target at once. */
  readonly information: number;
  /** How many raw products one item costs: 1, or N^2 / |D_N| where products are rejected to their support. */
  readonly cost: number;
  readonly trials: number;
  readonly seed: string;
}

/** What is known of one target of a given instance. Index sets may be empty, and equal items are different items. */
export interface SolveFinding extends Provenance {
  readonly kind: "solve";
  /** The place of the instance in the input, from 0. */
  readonly instance: number;
  /** The name that the instance came with, and the line of the file that it stands in, from 1. */
  readonly id?: string | number;
  readonly line?: number;
  /** n, the number of items. */
  readonly items: number;
  /** The sum asked for, as a decimal from 2^53 on; absent for a partition. */
  readonly target?: number | string;
  /** What was asked beside or instead of the exact sum. */
  readonly size?: number;
  readonly tolerance?: number;
  readonly atMost?: true;
  readonly partition?: true;
  /** Whether an index set serves: one that sums up to the target, or near it, or to no more, whatever was asked. */
  readonly reachable: boolean;
  /** The best sum there is, null where none serves: with `tolerance`, `atMost` and `partition`. */
  readonly sum?: number | string | null;
  /** The least magnitude of a signed sum (`partition`). */
  readonly difference?: number | string | null;
  /**
   * How many index sets have the best sum; with `tolerance`, but without `atMost`, how many are within it; and for a
   * partition how many choices of signs attain the least difference. Decimal. The answers that follow are absent where they
   * were not asked for, and where nothing was asked by name and they are beyond the limits.
   */
  readonly count?: string;
  /** Ascending indices of the index set that has the best sum and the smallest mask; null where none serves. */
  readonly witness?: readonly number[] | null;
  /** The least size of an index set that has the best sum, and the one of that size with the smallest mask. */
  readonly smallest?: number | null;
  readonly smallestWitness?: readonly number[] | null;
  readonly method: Method;
}

/** How often a random network contains random layers (Theorem 1), against its hidden units. */
export interface WidthFinding extends Provenance {
  readonly kind: "width";
  /** k and k_t: bits of the random weights, reduced, and of the layers' weights, which are uniform. */
  readonly bits: number;
  readonly targetBits: number;
  /** d and l: so many layers of d inputs and d outputs. The inputs of the first may be negative. */
  readonly width: number;
  readonly depth: number;
  /** Bits of the random weights as drawn, how they are reduced, and whether they may be 0. */
  readonly initialBits: number;
  readonly weightQuantizer: Quantizer;
  readonly zero: boolean;
  /** Networks that were drawn; fewer than asked where the run was stopped. */
  readonly trials: number;
  readonly seed: string;
  /** The most hidden units of an input that were drawn. */
  readonly maxUnits: number;
  /** For 0, 1, ... hidden units of every input: how often every weight has its subsets, and what theory predicts. */
  readonly curve: readonly (Estimate & { readonly units: number; readonly predicted: number })[];
  /** The fewest units with which that is at least so probable, measured and predicted; absent where none were enough. */
  readonly required: readonly {
    readonly probability: number;
    readonly units?: number;
    readonly predicted?: number;
  }[];
  /** So many nonzero parameters a network must have, by Theorem 3, to contain every such layers half of the time. */
  readonly lowerBound: number;
  /**
   * Its nonzero parameters with the fewest units for a probability of 1/2: with hidden units that have one input each, and
   * with the dense layers of the paper. And how many times the lower bound that is.
   */
  readonly parameters?: { readonly structured: number; readonly dense: number };
  readonly gap?: { readonly structured: number; readonly dense: number };
}

/** Which random network a ticket prunes to which target, and how large all of that is. */
interface TicketFields extends Scheme, Sizes {
  /** Decimal. */
  readonly seed: string;
  /** Inputs of the target, then outputs of every layer, and the bits of its weights. */
  readonly widths: readonly number[];
  readonly targetBits: number;
}

/** What came of pruning a random network to a target. */
export interface TicketFinding extends TicketFields, Provenance {
  readonly kind: "ticket";
  /** How often, as theory predicts, a random network of this scheme does not contain the target. */
  readonly predictedFailure: number;
  /** Whether every weight has its subset; otherwise all that follows is said of the last seed that was tried. */
  readonly found: boolean;
  /** How many seeds were tried, one after the other; `seed` is the last of them. */
  readonly attempts: number;
  /** Subset sums without a solution, and the first of them. */
  readonly failed: number;
  readonly failures: readonly Deviation[];
}

/** What a ticket is worth. */
export interface VerifyFinding extends TicketFields {
  readonly kind: "verify";
  /** Whether it equals its target on every input, follows its scheme, and names that target. */
  readonly certified: boolean;
  /** The first weight that differs. */
  readonly deviation?: Deviation;
  /** What running both networks showed, where no weight differs. */
  readonly audit?: OutputComparison;
}

/** A random network pruned to one that reads handwritten digits, and what both make of test images. */
export interface DigitsFinding extends Provenance {
  readonly kind: "digits";
  readonly theorem: 1 | 2;
  readonly targetBits: number;
  /** Decimal. */
  readonly seed: string;
  /** Test images, and those that the network reads right. */
  readonly images: number;
  readonly correct: number;
  /** Weights of the network, of the random network, and those of it that are kept. */
  readonly target: number;
  readonly initial: number;
  readonly kept: number;
  /** Whether the ticket equals the network on every input, and whether all outputs are the same. */
  readonly certified: boolean;
  readonly equal: boolean;
  /** SHA-256 of the outputs of the network, and of the ticket by its audit and its collapsed pass. */
  readonly digests: readonly string[];
}

/** Any finding, told apart by its `kind`: a line of `--json` and of results.jsonl. */
export type Finding =
  | PhaseFinding
  | TheoryFinding
  | RequiredFinding
  | SolveFinding
  | DigitsFinding
  | TicketFinding
  | VerifyFinding
  | WidthFinding;
