// Entry `exacta/theory`: moments, proven bounds, limit laws and the paper's statements, all without a trial.

export type { Ensemble } from "../../src/ensemble.ts";
export {
  compareWithTheory,
  computeTheory,
  type Gap,
  type TheoryRequest,
  type Violation,
} from "../../src/experiments/theory.ts";
export type {
  ConditionalTheory,
  PaperStatement,
  PhaseFinding,
  TargetTheory,
  TheoryFinding,
} from "../../src/finding.ts";
export {
  lemma5,
  lemma5Schemes,
  reachProbabilities,
  type Chances,
  type Construction,
  type Lemma5Scheme,
} from "../../src/theory/construction.ts";
export type { ItemRange } from "../../src/theory/distribution.ts";
export {
  envelope,
  type Bound,
  type Envelope,
  type EnvelopePoint,
  type Prediction,
} from "../../src/theory/envelope.ts";
export { moments, pairMoment, type Moments } from "../../src/theory/moments.ts";
/**
 * The statements of Kumar & Natale and of their follow-up paper, one function each. Every result says in `holds` how far it
 * is true: always, as n grows, or for the cases that were counted.
 * @example
 * ```ts
 * import { paper } from "exacta/theory";
 *
 * const { holds, low, high } = paper.lemma1(64, 12, 0);
 * console.log(holds, low.toFixed(4), high.toFixed(4)); // as n grows 0.4633 0.5000
 * ```
 */
export * as paper from "../../src/theory/paper.ts";
export { rejection, type Rejection } from "../../src/theory/rejection.ts";
export type { ExactFailures } from "../../src/theory/states.ts";
export { exactTail, leastKappa, tailTerms, type LeastKappa, type TailTerms } from "../../src/theory/tail.ts";
export {
  designRule,
  lambdaOf,
  parityObstruction,
  partitionPrediction,
  perfectLimit,
  predictFailure,
  rangeObstruction,
  windowFailure,
  type DesignRule,
  type SubsetEnsemble,
  type WindowPrediction,
} from "../../src/theory/window.ts";
