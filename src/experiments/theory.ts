// The theory of a phase experiment: moments, proven bounds and predictions for the same request, without a trial.

import type { ConditionalTheory, PhaseFinding, TargetTheory, TheoryFinding } from "../finding.ts";
import { bitsOf, type Ensemble } from "../ensemble.ts";
import { limits, type Estimate } from "../statistics.ts";
import { RequestError } from "../errors.ts";
import { integer, parse } from "../check.ts";
import { envelope, type Prediction } from "../theory/envelope.ts";
import { conditionalMoments, type ConditionalMoments } from "../theory/moments.ts";
import {
  corollary1,
  expectedSolutions,
  followUp,
  lemma1,
  lemma2,
  lemma3,
  lemma3Mean,
  lemma3Square,
  lemma4HalfWidth,
  lemma4Rate,
  theorem3,
  theorem4Mean,
  theorem4Product,
} from "../theory/paper.ts";
import { lambdaOf, perfectLimit, predictFailure } from "../theory/window.ts";
import { phaseConfig, type PhaseConfig, type PhaseRequest } from "./phase.ts";
import type { MeasuredSweep } from "./sweep.ts";

/** The request of `computeTheory`: that of `measurePhase` without trials and seed, and what the paper's statements need. */
export interface TheoryRequest extends Omit<PhaseRequest, "trials" | "seed"> {
  /** Lambda, the sum of all items, given which Lemma 3 speaks: an integer of 32 bits, for `rssp`. Default: no condition. */
  total?: number;
  /** d, the inputs and outputs of the layers of Theorem 3, 1..2^20. Default 1. */
  width?: number;
}

/** The probability with which Theorem 3 is stated. */
const CONTAINED = 1 / 2;

function prediction(name: Prediction["name"], failure: number): Prediction {
  return { name, value: 1 - failure, failure };
}

/**
 * Computes moments, proven bounds and predictions for the instances of a phase request, without a trial.
 *
 * Half ranges go up to 2^12, where float64 has every moment to a relative 1e-12; for `rnpp`, whose moments are exact, up to
 * 2^22 - 1.
 * @returns One finding for each number of items, in ascending order, with an entry for each target.
 * @throws {RequestError} A field of the request is missing or out of range.
 * @example
 * ```ts
 * import { computeTheory } from "exacta/theory";
 *
 * const [finding] = computeTheory({ bits: 6, items: 12, targets: [1] });
 * const { lower, upper } = finding!.targets[0]!;
 * console.log(lower.name, lower.value.toFixed(4), upper.name, upper.value.toFixed(4)); // ds_cond 0.9208 markov_cond 0.9982
 * ```
 */
export function computeTheory({ total, width = 1, ...request }: TheoryRequest): TheoryFinding[] {
  const config = phaseConfig(request);
  const { ensemble, halfRange } = config;
  parse(integer(1, 2 ** 20), width, "width");
  const findings = theoryOfConfig(config);
  const given = total === undefined ? undefined : givenTotal(config, total);
  const bits = Math.log2(halfRange);
  const layers = ensemble !== "rnpp" &&
    Number.isInteger(bits) && {
      theorem3: {
        width,
        bits,
        probability: CONTAINED,
        parameters: theorem3(width, bits, CONTAINED).value,
        hiddenUnits: corollary1(width, bits, CONTAINED).value,
      },
    };
  return findings.map((finding) => {
    const known = given?.get(finding.items);
    return { ...finding, ...(known && { given: known }), ...layers };
  });
}

/** Lemmas 2 and 3 for the numbers of items that can have a total. */
function givenTotal(
  { ensemble, halfRange, items, targets }: PhaseConfig,
  total: number,
): Map<number, NonNullable<TheoryFinding["given"]>> {
  parse(integer(-(2 ** 31), 2 ** 31 - 1), total, "total");
  if (ensemble !== "rssp")
    throw new RequestError("total", "the ensemble rssp, of which Lemma 3 is", ensemble);
  const found = new Map<number, { total: number; probability: number; targets: ConditionalTheory[] }>();
  for (const target of targets)
    for (const moments of conditionalMoments(ensemble, halfRange, items, target, total)) {
      const { items: n, probability } = moments;
      const at = found.get(n) ?? { total, probability, targets: [] };
      at.targets.push(conditionalTheory(halfRange, moments));
      found.set(n, at);
    }
  return found;
}

function conditionalTheory(
  halfRange: number,
  { items, target, total, first, second }: ConditionalMoments,
): ConditionalTheory {
  const args = [halfRange, items, target, total] as const;
  return {
    target,
    signedSum: lemma2(target, total).value,
    expected: first,
    expectedSquare: second,
    ...(items > 0 &&
      target !== 0 &&
      target !== total && {
        lemma3: {
          expected: lemma3Mean(...args).value,
          expectedSquare: lemma3Square(...args).value,
          low: lemma3(...args).low,
          high: lemma3(...args).high,
        },
      }),
  };
}

/** A measured sweep with its theory, of all its targets or of some. */
export function withTheory<S extends MeasuredSweep>(sweep: S, targets = sweep.config.targets): S {
  return { ...sweep, theory: theoryOfConfig({ ...sweep.config, targets }) };
}

/** The theory of a configuration. */
export function theoryOfConfig({
  ensemble,
  halfRange,
  items,
  targets,
}: Pick<PhaseConfig, "ensemble" | "halfRange" | "items" | "targets">): TheoryFinding[] {
  const bits = bitsOf(ensemble, halfRange);
  const signed = ensemble === "rnpp";
  // A perfect partition has a signed sum of 0 or 1 in magnitude, so these targets are needed even if not asked for.
  const computed = signed ? [...new Set([...targets, 0, 1])] : targets;
  const { points } = envelope(ensemble, halfRange, items, computed);
  return Array.from({ length: items.to - items.from + 1 }, (_, j) => {
    const n = items.from + j;
    const known = points.slice(j * computed.length, (j + 1) * computed.length);
    const entries = known.map(
      ({ target, first, second, bounds, lower, upper, predictions }): TargetTheory => ({
        target,
        expected: first,
        expectedSquare: second,
        bounds,
        lower,
        upper,
        predictions: [
          ...predictions,
          ...(signed || n === 0
            ? []
            : [prediction("window", predictFailure(ensemble, halfRange, n, target).failure)]),
        ],
        ...paperStatement(ensemble, halfRange, n, target),
      }),
    );
    const asked = entries.slice(0, targets.length);
    return {
      kind: "theory",
      ensemble,
      ...(bits === undefined ? {} : { bits }),
      halfRange,
      items: n,
      ...(n === 0 ? {} : { lambda: lambdaOf(halfRange, n) }),
      targets: asked,
      ...(signed
        ? {
            perfect: perfect(
              entries.find(({ target }) => target === 0)!,
              entries.find(({ target }) => target === 1)!,
              halfRange,
              n,
            ),
          }
        : {
            covered: {
              upper: Math.min(...asked.map(({ upper }) => upper.value)),
              ...followUpOf(ensemble, halfRange, n),
            },
            ...(n === 0 ? {} : lemma4Of(halfRange, n)),
          }),
    };
  });
}

/** The paper's statement about one target, where it has one. */
function paperStatement(
  ensemble: Ensemble,
  halfRange: number,
  n: number,
  target: number,
): Pick<TargetTheory, "paper"> {
  if (n === 0) return {};
  if (ensemble === "rnpp") {
    if (halfRange === 1) return {};
    const { low, high } = lemma1(halfRange, n, target);
    return {
      paper: {
        name: "Lemma 1",
        expected: 2 ** n * theorem4Mean(halfRange, n, target).value,
        expectedSquare: 4 ** n * theorem4Product(halfRange, n, target, target).value,
        low,
        high,
      },
    };
  }
  const low = target === 0 ? 1 : 1 - lemma4Rate(n).value;
  return {
    paper: {
      name: "Lemma 4",
      expected: expectedSolutions(ensemble, halfRange, n, target).value,
      low,
      high: 1,
    },
  };
}

/** Lemma 4, which holds for any target of subset sums. */
function lemma4Of(halfRange: number, n: number): Pick<TheoryFinding, "lemma4"> {
  return { lemma4: { failure: lemma4Rate(n).value, halfWidth: lemma4HalfWidth(halfRange, n) } };
}

function followUpOf(ensemble: Ensemble, halfRange: number, n: number): { followUp?: number } {
  if (n === 0 || (ensemble !== "rssp" && ensemble !== "rssp0")) return {};
  return { followUp: followUp(ensemble, halfRange, n).value };
}

function poissonOf({ predictions }: TargetTheory): number {
  return predictions.find(({ name }) => name === "poisson")!.value;
}

/** The theory of perfect partitions. By parity an instance cannot reach both 0 and 1, so their probabilities add up. */
function perfect(
  zero: TargetTheory,
  one: TargetTheory,
  halfRange: number,
  n: number,
): NonNullable<TheoryFinding["perfect"]> {
  const poisson = poissonOf(zero) + poissonOf(one);
  return {
    lower: zero.lower.value + one.lower.value,
    upper: Math.min(1, zero.upper.value + one.upper.value),
    predictions: [
      prediction("poisson", 1 - poisson),
      ...(n === 0 ? [] : [prediction("window", 1 - perfectLimit(lambdaOf(halfRange, n)))]),
    ],
  };
}

/** A measured probability beside a value of theory that it does not agree with. */
interface Disagreement {
  readonly ensemble: Ensemble;
  readonly halfRange: number;
  readonly items: number;
  /** `target 64`, `all covered` or `perfect`. */
  readonly event: string;
  readonly measured: number;
  readonly value: number;
}

/** A measured probability on the wrong side of a proven bound. */
export interface Violation extends Disagreement {
  readonly bound: string;
}

/** A measured probability far from a predicted one. */
export interface Gap extends Disagreement {
  readonly prediction: string;
}

/** An event that was measured, with the bounds and predictions of its probability. */
interface ComparedEvent {
  readonly event: string;
  readonly measured: Estimate;
  readonly bounds: readonly {
    readonly kind: "lower" | "upper";
    readonly name: string;
    readonly value: number;
  }[];
  readonly predictions: readonly Prediction[];
}

function* comparedEvents(
  finding: PhaseFinding,
  { targets, covered, perfect }: TheoryFinding,
): Generator<ComparedEvent> {
  for (const { target, bounds, predictions } of targets) {
    const measured = finding.targets.find((estimate) => estimate.target === target);
    if (measured) yield { event: `target ${target}`, measured, bounds, predictions };
  }
  if (finding.covered && covered)
    yield {
      event: "all covered",
      measured: finding.covered,
      bounds: [{ kind: "upper", name: "least upper", value: covered.upper }],
      predictions: [],
    };
  if (finding.perfect && perfect)
    yield {
      event: "perfect",
      measured: finding.perfect,
      bounds: [
        { kind: "lower", name: "sum of lower", value: perfect.lower },
        { kind: "upper", name: "sum of upper", value: perfect.upper },
      ],
      predictions: perfect.predictions,
    };
}

/** The probability beyond 5 standard deviations on one side of a normal law. */
const FIVE_SIGMA = 2.87e-7;
/** The rounding error that the theory of exact counts may have. */
const MAX_ROUNDING_ERROR = 2 ** -40;

/**
 * Compares measured findings with theory, paired by ensemble, half range and number of items.
 *
 * A violation is a proven bound that the count rules out at 5 standard errors (2.87e-7 by the exact binomial tail). A gap is
 * a prediction that is further off than `tolerance`, and than chance explains. For exact counts chance explains nothing;
 * only rounding is allowed for.
 * @param tolerance A difference of probabilities, 0..1.
 * @example
 * ```ts
 * import { openEngine } from "exacta";
 * import { measurePhase } from "exacta/experiments";
 * import { compareWithTheory, computeTheory } from "exacta/theory";
 *
 * const request = { bits: 4, items: { from: 4, to: 12 } };
 * const engine = await openEngine({ engine: "cpu" });
 * const measured = await measurePhase(engine, { ...request, trials: 1e5 });
 * engine.close();
 * const { violations, gaps } = compareWithTheory(measured, computeTheory(request), 0.05);
 * console.log(violations.length, gaps.map(({ items, event }) => `${items}: ${event}`)); // 0 [ '4: target 16', '5: target 16' ]
 * ```
 */
export function compareWithTheory(
  measured: readonly PhaseFinding[],
  theory: readonly TheoryFinding[],
  tolerance: number,
): { violations: Violation[]; gaps: Gap[] } {
  const theoryByKey = new Map(theory.map((finding) => [instanceKey(finding), finding]));
  return merged(
    measured.flatMap((finding) => {
      const expected = theoryByKey.get(instanceKey(finding));
      return expected ? [compareFinding(finding, expected, tolerance)] : [];
    }),
  );
}

/** The instances that a finding is about, as one text. */
function instanceKey({ ensemble, halfRange, items }: PhaseFinding | TheoryFinding): string {
  return `${ensemble} ${halfRange} ${items}`;
}

/** The same for sweeps, which have their theory beside their findings. */
export function compareSweeps(
  sweeps: readonly Pick<MeasuredSweep, "findings" | "theory">[],
  tolerance: number,
): { violations: Violation[]; gaps: Gap[] } {
  return merged(
    sweeps.flatMap(({ findings, theory }) =>
      theory.length === 0 ? [] : findings.map((finding, i) => compareFinding(finding, theory[i]!, tolerance)),
    ),
  );
}

function merged(compared: readonly { readonly violations: Violation[]; readonly gaps: Gap[] }[]) {
  return {
    violations: compared.flatMap(({ violations }) => violations),
    gaps: compared.flatMap(({ gaps }) => gaps),
  };
}

function compareFinding(
  finding: PhaseFinding,
  theory: TheoryFinding,
  tolerance: number,
): { violations: Violation[]; gaps: Gap[] } {
  const violations: Violation[] = [];
  const gaps: Gap[] = [];
  const { ensemble, halfRange, items, trials, interval } = finding;
  for (const { event, measured, bounds, predictions } of comparedEvents(finding, theory)) {
    const { probability, solved } = measured;
    const { low, high } =
      interval === "clopper-pearson"
        ? limits(solved, trials, FIVE_SIGMA)
        : { low: measured.low - MAX_ROUNDING_ERROR, high: measured.high + MAX_ROUNDING_ERROR };
    const common = { ensemble, halfRange, items, event, measured: probability };
    for (const { kind, name, value } of bounds)
      if (kind === "upper" ? value < low : value > high)
        violations.push({ ...common, bound: `${kind} bound ${name}`, value });
    for (const { name, value } of predictions)
      if (Math.abs(probability - value) > tolerance && (value < low || value > high))
        gaps.push({ ...common, prediction: name, value });
  }
  return { violations, gaps };
}
