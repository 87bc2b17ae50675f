// Findings: the results of experiments as plain records, one JSON line each.

import type { Ensemble } from "./ensemble.ts";
import type { Bound, Prediction } from "./theory/envelope.ts";
import type { TailTerms } from "./theory/tail.ts";
import type { SubsetEnsemble } from "./theory/window.ts";
import type { Quantizer } from "./network.ts";
import type { Method } from "./solve/problem.ts";
import type { Estimate } from "./statistics.ts";
import type { OutputComparison } from "./ticket/comparison.ts";
import type { GraphScheme, Scheme } from "./ticket/scheme.ts";
import type { Sizes } from "./ticket/sizes.ts";
import type { Deviation } from "./ticket/ticket.ts";

/** The engine, device and version that computed a finding. */
export interface Provenance {
  /** The runner: `gpu`, `cpu`, `reference` or `shadow`. */
  readonly engine: string;
  /** The name of the device. */
  readonly adapter: string;
  /** The version of exacta. */
  readonly version: string;
}

/** How often the first `items` items of a trial reach their targets. */
export interface PhaseFinding extends Provenance {
  readonly kind: "phase";
  readonly ensemble: Ensemble;
  /** k, where M = 2^k (for products 4^k). */
  readonly bits?: number;
  /** M: the weights of a network are targets in -M..M. */
  readonly halfRange: number;
  /** D, where targets count as reached by sums at most D away. */
  readonly within?: number;
  /** s, where only subsets of exactly s items count. */
  readonly size?: number;
  /** n, the number of items. */
  readonly items: number;
  /** Trials counted. */
  readonly trials: number;
  /** Trials asked for. */
  readonly asked: number;
  /** Whether all trials that were asked for are counted. */
  readonly complete: boolean;
  /**
   * Where a sweep ends by the width of its intervals: how often they were looked at. The intervals of all looks together contain
   * the probability in 95 % of all experiments, so each of them is wider than one of a single look.
   */
  readonly looks?: number;
  /** A decimal; absent where instances are counted in their order instead of drawn. */
  readonly seed?: string;
  /**
   * - `clopper-pearson`: 95 % intervals.
   * - `exact`: every instance was counted and low = probability = high.
   * - `bounds`: some of all instances were counted. The probability is certainly in low..high, and given as the middle.
   */
  readonly interval: "clopper-pearson" | "exact" | "bounds";
  /** For `rnpp` a target is a signed sum; otherwise a subset sum, the empty set allowed. */
  readonly targets: readonly (Estimate & { readonly target: number })[];
  /** Every target of -M..M is reached (all ensembles but `rnpp`). */
  readonly covered?: Estimate;
  /** Some signed sum has magnitude 0 or 1 (`rnpp` only). */
  readonly perfect?: Estimate;
  /** Mean number of targets of -M..M reached, 0..2 M + 1. */
  readonly meanCovered: number;
}

/** The theory of one target, without simulation. */
export interface TargetTheory {
  readonly target: number;
  /** E Y and E Y^2 up to rounding, with Y the number of index sets (for `rnpp`: of choices of signs) that sum to the target. */
  readonly expected: number;
  readonly expectedSquare: number;
  /** Proven bounds on P(Y > 0), and the best of each kind. */
  readonly bounds: readonly Bound[];
  readonly lower: Bound;
  readonly upper: Bound;
  /** Values close to P(Y > 0), above or below it. */
  readonly predictions: readonly Prediction[];
  /** The statement of Kumar & Natale; absent for n = 0, and for `rnpp` with M = 1, where it is false. */
  readonly paper?: PaperStatement;
}

/** A statement of the paper evaluated at one n. It holds as n grows; at finite n P may be outside of its bounds. */
export interface PaperStatement {
  /** `Lemma 1` for the signed sums of `rnpp`, `Lemma 4` for subset sums. */
  readonly name: "Lemma 1" | "Lemma 4";
  /** E Y by the moments of Theorem 4, and E Y^2 for the signed sums of `rnpp`. */
  readonly expected: number;
  readonly expectedSquare?: number;
  /** The bounds on P(Y > 0). */
  readonly low: number;
  readonly high: number;
}

/** The theory of one target under the condition that the items add up to Lambda. */
export interface ConditionalTheory {
  readonly target: number;
  /** Lambda - 2 t: by Lemma 2 as many choices of signs have this signed sum as index sets have the sum t. */
  readonly signedSum: number;
  /** E[Y | Lambda] and E[Y^2 | Lambda] up to rounding. */
  readonly expected: number;
  readonly expectedSquare: number;
  /** Both as n grows, and the sides of P(Y > 0 | Lambda); absent for t = 0 and t = Lambda, which Lemma 3 leaves out. */
  readonly lemma3?: {
    readonly expected: number;
    readonly expectedSquare: number;
    readonly low: number;
    readonly high: number;
  };
}

/** The theory of instances of `items` items. */
export interface TheoryFinding {
  readonly kind: "theory";
  readonly ensemble: Ensemble;
  /** k, where M = 2^k (for products 4^k). */
  readonly bits?: number;
  readonly halfRange: number;
  readonly items: number;
  /** log2 M - n + (1/2) log2 n: instances are mostly solvable below 0 and mostly not above; absent for n = 0. */
  readonly lambda?: number;
  readonly targets: readonly TargetTheory[];
  /** Upper bound on P(every target of -M..M is reached): the least upper bound of a target (all but `rnpp`). */
  readonly covered?: {
    readonly upper: number;
    /** The form of the follow-up paper with constants that are fitted and not proven (`rssp`, `rssp0`). */
    readonly followUp?: number;
  };
  /** Lemma 4 for subset sums: its bound on P(failure), and the half width of the window of totals Lambda that its proof uses. */
  readonly lemma4?: { readonly failure: number; readonly halfWidth: number };
  /** Lemmas 2 and 3 for a total Lambda that was asked for; absent where n items cannot have it (`rssp`). */
  readonly given?: {
    readonly total: number;
    /** P(Lambda = total). */
    readonly probability: number;
    readonly targets: readonly ConditionalTheory[];
  };
  /**
   * Theorem 3 and Corollary 1 for layers of `width` inputs and outputs with weights of -M..M, M = 2^bits: a network that contains
   * each of them with `probability` has at least `parameters` that are not 0 and, if it has two dense layers, at least
   * `hiddenUnits` (all ensembles but `rnpp`, where M is a power of two).
   */
  readonly theorem3?: {
    readonly width: number;
    readonly bits: number;
    readonly probability: number;
    readonly parameters: number;
    readonly hiddenUnits: number;
  };
  /** P(some signed sum has magnitude 0 or 1): bounds, and predictions from exact moments and in the limit (`rnpp`). */
  readonly perfect?: {
    readonly lower: number;
    readonly upper: number;
    readonly predictions: readonly Prediction[];
  };
}

/** A probability of failure with its 95 % interval, all in 0..1; low = failure = high where it is exact. */
export interface Failure {
  readonly failure: number;
  readonly low: number;
  readonly high: number;
}

/** How a tail is computed: by a dynamic program over sets of subset sums, or by trials that draw magnitudes alone. */
export type TailMethod = "exact" | "conditional";

/** How often `items` items miss targets, however rare that is, with the laws and bounds of it (`tailTerms`). */
export interface TailFinding extends Provenance, TailTerms {
  readonly kind: "tail";
  readonly ensemble: SubsetEnsemble;
  /** k, where M = 2^k (for products 4^k). */
  readonly bits?: number;
  readonly halfRange: number;
  readonly items: number;
  readonly method: TailMethod;
  /** Trials of each number of items, and a decimal; absent for the method `exact`. */
  readonly trials?: number;
  readonly seed?: string;
  /**
   * - `exact`: there is no uncertainty.
   * - `log-normal`: 95 % intervals. What common divisors decide is known exactly, and the logarithm of the rest is taken to be
   *   normal, with a standard deviation from the weighted conditional probabilities of the trials.
   */
  readonly interval: "exact" | "log-normal";
  /** Some target of -M..M is missed. */
  readonly covered: Failure;
  readonly targets: readonly (Failure & { readonly target: number })[];
  /** P(n + 1) / P(n) of `covered`, where the next n was asked for as well. */
  readonly rate?: number;
}

/** A probability of failure with its 95 % interval, and the failures where they were counted. */
export type MeasuredFailure = Omit<Estimate, "solved"> & Partial<Pick<Estimate, "solved">>;

/** The fewest items that reach the worst target of -M..M with a given probability of failure. */
export interface RequiredFinding extends Provenance {
  readonly kind: "required";
  /**
   * `counts`: by trials that failed, with exact 95 % intervals. By the tail: `exact`, or `conditional` with the intervals of
   * `TailFinding`, where the worst of the targets 1..3 and M-5..M is taken.
   */
  readonly method: "counts" | TailMethod;
  /** `uniform` on +-1..+-M; `products` of +-1..+-N and 1..N, M = N^2; `support`: uniform on the distinct products. */
  readonly pool: "uniform" | "products" | "support";
  readonly bits: number;
  readonly halfRange: number;
  /** The probability with which the worst target may be missed. */
  readonly failure: number;
  /** The fewest items; absent where `itemsTo` items were not enough. */
  readonly items?: number;
  /** The worst target with `items` items, P(failure) of it, and P(failure) of the worst target with one item less. */
  readonly target?: number;
  readonly measured?: MeasuredFailure;
  readonly before?: MeasuredFailure;
  /** The fewest items by the lower and by the upper ends of intervals (`conditional`); `itemsHigh` is absent as `items` is. */
  readonly itemsLow?: number;
  readonly itemsHigh?: number;
  /** Whether the 95 % intervals are on both sides of `failure`; otherwise `items` may be off by one. */
  readonly decided?: boolean;
  /** The largest number of items that was tried. */
  readonly itemsTo: number;
  /** log2 (2 M + 1): with fewer items no instance reaches every target at once. */
  readonly information: number;
  /** Raw products needed for one item: 1, or N^2 / |D_N| where products are rejected to their support. */
  readonly cost: number;
  /** Trials of all numbers of items together (`counts`), or of each (`conditional`); absent for `exact`. */
  readonly trials?: number;
  readonly seed?: string;
}

/** The answers for one target of a given instance. Index sets may be empty, and equal items are different items. */
export interface SolveFinding extends Provenance {
  readonly kind: "solve";
  /** The index of the instance in the input, from 0. */
  readonly instance: number;
  /** The name of the instance in the input, and its line in the file, from 1. */
  readonly id?: string | number;
  readonly line?: number;
  /** n, the number of items. */
  readonly items: number;
  /** The sum asked for, a decimal from 2^53 on; absent for a partition. */
  readonly target?: number | string;
  /** Conditions of the request besides or instead of the exact sum. */
  readonly size?: number;
  readonly atMostSize?: number;
  readonly tolerance?: number;
  readonly atMost?: true;
  readonly partition?: true;
  /** Whether every item enters with + or -: a target is a signed sum, and index sets have the items with +. */
  readonly signed?: true;
  /** Whether some index set meets the request: it sums to the target, near it, or to no more. */
  readonly reachable: boolean;
  /**
   * The best sum, null where no index set meets the request. Present with `tolerance`, `atMost` and `partition`; with `profits`
   * it is the weight of the witness.
   */
  readonly sum?: number | string | null;
  /** The greatest total profit of index sets that weigh no more than the target (`profits`); null for a negative target. */
  readonly profit?: number | string | null;
  /** The least magnitude of a signed sum (`partition`). */
  readonly difference?: number | string | null;
  /**
   * A decimal: the number of index sets with the best sum; with `tolerance` but without `atMost`, of those within the tolerance;
   * for a partition, of the choices of signs with the least difference. This answer and those that follow are absent where they
   * were not asked for, and where the request names no answers and they are beyond the limits.
   */
  readonly count?: string;
  /** Whether exactly one index set is counted. */
  readonly unique?: boolean;
  /** The index set with the best sum and the smallest mask, ascending; null where no index set meets the request. */
  readonly witness?: readonly number[] | null;
  /** The least size of an index set with the best sum, and the index set of that size with the smallest mask. */
  readonly smallest?: number | null;
  readonly smallestWitness?: readonly number[] | null;
  readonly method: Method;
}

/** One of the index sets that a finding of a target counts, listed by ascending masks. */
export interface SubsetFinding {
  readonly kind: "subset";
  /** The instance and the target, as in the finding before. */
  readonly instance: number;
  readonly id?: string | number;
  readonly line?: number;
  readonly target?: number | string;
  /** The place in the list, from 1. */
  readonly rank: number;
  /** The sum of the items. Present with `tolerance`, `atMost` and `partition`. */
  readonly sum?: number | string;
  /** Indices, ascending. */
  readonly subset: readonly number[];
}

/** How often a random network contains random layers (Theorem 1), against its hidden units. */
export interface WidthFinding extends Provenance {
  readonly kind: "width";
  /** k and k_t: bits of the random weights after reduction, and of the layers' weights, which are uniform. */
  readonly bits: number;
  readonly targetBits: number;
  /** d and l: there are l layers of d inputs and d outputs. The inputs of the first layer may be negative. */
  readonly width: number;
  readonly depth: number;
  /** Bits of the random weights as drawn, how they are reduced, and whether they may be 0. */
  readonly initialBits: number;
  readonly weightQuantizer: Quantizer;
  readonly zero: boolean;
  /** Networks that were drawn. */
  readonly trials: number;
  /** Networks asked for, and whether all of them were drawn. */
  readonly asked: number;
  readonly complete: boolean;
  readonly seed: string;
  /** The most hidden units of an input that were drawn. */
  readonly maxUnits: number;
  /** For 0, 1, ... hidden units of every input: how often every weight has its subsets, and the predicted probability. */
  readonly curve: readonly (Estimate & { readonly units: number; readonly predicted: number })[];
  /** The fewest units that reach a probability, measured and predicted; absent where `maxUnits` are not enough. */
  readonly required: readonly {
    readonly probability: number;
    readonly units?: number;
    readonly predicted?: number;
  }[];
  /**
   * log2 of the number of choices of the layers' weights, less 1: a network with a mask for each choice with probability 1/2 has
   * at least as many nonzero parameters (Theorem 3, which is about one layer and bounds there every network that contains the
   * layer). Choices for several layers may be one function; the bound counts choices.
   */
  readonly lowerBound: number;
  /**
   * The nonzero parameters of the random network with the fewest units for a probability of 1/2: with hidden units of one input
   * each, and with the dense layers of the paper. `gap` is their ratio to the lower bound.
   */
  readonly parameters?: { readonly structured: number; readonly dense: number };
  readonly gap?: { readonly structured: number; readonly dense: number };
}

/** The random network and the target of a ticket, with their sizes. */
interface TicketFields extends Scheme, Sizes {
  /** Decimal. */
  readonly seed: string;
  /** The inputs of the target and then the outputs of every layer; and the bits of its weights. */
  readonly widths: readonly number[];
  readonly targetBits: number;
}

/** The same for a graph. */
interface GraphTicketFields extends GraphScheme, Sizes {
  /** Decimal. */
  readonly seed: string;
  /** The layers with weights in the order of the nodes: their names, and the bits and the number of their weights and biases. */
  readonly layers: readonly LayerSize[];
}

interface LayerSize {
  readonly node: string;
  readonly targetBits: number;
  readonly weights: number;
}

/** The result of pruning a random network to a target. */
export interface TicketFinding extends TicketFields, PruneFields {}
/** The result of pruning a random network to a graph. */
export interface GraphTicketFinding extends GraphTicketFields, PruneFields {}

interface PruneFields extends Provenance {
  readonly kind: "ticket";
  /** The predicted probability that a random network of this scheme does not contain the target. */
  readonly predictedFailure: number;
  /** Whether every weight has its subset; otherwise the other fields are about the last seed that was tried. */
  readonly found: boolean;
  /** The number of seeds that were tried; `seed` is the last of them. */
  readonly attempts: number;
  /** Subset sums without a solution, and the first of them. */
  readonly failed: number;
  readonly failures: readonly Deviation[];
}

/** The result of verifying a ticket. */
export interface VerifyFinding extends TicketFields, VerifyFields {}
/** The result of verifying the ticket of a graph. */
export interface GraphVerifyFinding extends GraphTicketFields, VerifyFields {}

interface VerifyFields {
  readonly kind: "verify";
  /** Whether the ticket equals its target on every input, follows its scheme, and names that target. */
  readonly certified: boolean;
  /** The first weight that differs. */
  readonly deviation?: Deviation;
  /** The result of running both networks, where no weight differs. */
  readonly audit?: OutputComparison;
}

/** A random network pruned to one that reads handwritten digits, and the results of both for test images. */
export interface DigitsFinding extends Provenance {
  readonly kind: "digits";
  /** `perceptron`, `lenet`, or the path of a file. */
  readonly network: string;
  readonly theorem: 1 | 2;
  /** The bits of the network's weights; for a graph the most bits of a layer. */
  readonly targetBits: number;
  /** Decimal. */
  readonly seed: string;
  /** The number of test images, and of those that the network classifies correctly. */
  readonly images: number;
  readonly correct: number;
  /**
   * How many images the random network classifies correctly when it is uncut, and when as many weights are cut at random.
   * Absent for theorem 2 and for other random networks that are too large to be run uncut.
   */
  readonly uncutCorrect?: number;
  readonly randomCorrect?: number;
  /** Whether the smallest subsets are kept. */
  readonly sparse: boolean;
  /** The number of weights of the network, of the random network, and of those that are kept. */
  readonly target: number;
  readonly initial: number;
  readonly kept: number;
  /**
   * Whether the ticket is proven equal to the network, on inputs that are not negative if the network reads no others, and
   * whether all outputs for the images are the same.
   */
  readonly certified: boolean;
  readonly equal: boolean;
  /** SHA-256 of the outputs of the network, and of the ticket by its audit and its collapsed pass. */
  readonly digests: readonly string[];
}

/** How often random numbers split into two groups whose totals differ by at most 1, at a given lambda. */
export interface PartitionFinding extends Provenance {
  readonly kind: "partition";
  /** The numbers are uniform on 1..M. */
  readonly ensemble: "rnpp";
  /** lambda = log2 M - n + (log2 n) / 2, for which M is the nearest integer. */
  readonly lambda: number;
  readonly halfRange: number;
  /** n, the number of items. */
  readonly items: number;
  readonly trials: number;
  /** Trials asked for, and whether all of them are counted. */
  readonly asked: number;
  readonly complete: boolean;
  /** Decimal. */
  readonly seed: string;
  /** P(the totals differ by at most 1), with a Clopper-Pearson interval of 95 %. */
  readonly perfect: Estimate;
  /** Its limit at fixed lambda (Borgs, Chayes & Pittel), and a prediction at this n and M. */
  readonly limit: number;
  readonly predicted: number;
}

/** A weight that no subset of its candidates approximates within the tolerance. */
export interface ApproximateFailure {
  /** Counted from 1; the column behind the last one is the bias. */
  readonly layer: number;
  readonly row: number;
  readonly column: number;
  readonly weight: number;
  /** The nearest subset sum, which takes its place. */
  readonly nearest: number;
}

/** A real network whose weights are approximated by subset sums of random numbers. */
export interface ApproximateFinding extends Provenance {
  readonly kind: "approximate";
  /** The candidates of a weight. */
  readonly items: number;
  /** The largest distance of a weight and its sum, a multiple of 2^-24. */
  readonly tolerance: number;
  /** Whether each weight has candidates of its own, or all weights of a row the same. */
  readonly candidates: "weight" | "row";
  /** Whether the fewest candidates are kept. */
  readonly sparse: boolean;
  /** Decimal. */
  readonly seed: string;
  /** The weights of the network with its biases, and how many of them are not 0. */
  readonly weights: number;
  readonly nonzero: number;
  /** The candidates that were drawn, and the members of all kept subsets. */
  readonly drawn: number;
  readonly kept: number;
  /** The mean number of subsets within the tolerance of a weight. */
  readonly meanSubsets: number;
  /** The largest error of a weight that did not fail, and the root mean square of all errors. */
  readonly largestError: number;
  readonly rmsError: number;
  /** The weights without a subset within the tolerance. */
  readonly failed: number;
  readonly failures: readonly ApproximateFailure[];
  /** The test images that were read, and how many the given and the approximated network read right. */
  readonly images?: number;
  readonly correct?: number;
  readonly approximateCorrect?: number;
}

/** How wide a binary random network is that contains a weight of k_t bits, in two layers and in depth. */
export interface DepthFinding {
  readonly kind: "depth";
  /** k_t: the weight is uniform on -2^k_t..2^k_t, and its input may be negative. */
  readonly targetBits: number;
  /** The random layers in depth. */
  readonly layers: number;
  /** By the probability that a random network contains the weight. */
  readonly widths: readonly {
    readonly probability: number;
    /** The fewest hidden units of a pair of layers. */
    readonly pairUnits: number;
    /** In depth: copies of each power, units of level 0, and the rows of the widest level. */
    readonly copies: number;
    readonly units: number;
    readonly rows: number;
    /** The probability in depth with that many copies and units. */
    readonly predicted: number;
  }[];
}

/** Any finding, told apart by its `kind`: a line of `--json` and of results.jsonl. */
export type Finding =
  | PhaseFinding
  | TheoryFinding
  | DepthFinding
  | RequiredFinding
  | SolveFinding
  | TailFinding
  | ApproximateFinding
  | PartitionFinding
  | DigitsFinding
  | TicketFinding
  | GraphTicketFinding
  | VerifyFinding
  | GraphVerifyFinding
  | WidthFinding;
