// Figures of phase sweeps: a figure for each event, a series for each sweep, with a line for what theory predicts.

import { ensembles, isProduct } from "../ensemble.ts";
import type { MeasuredSweep } from "../experiments/sweep.ts";
import type { PhaseFinding, TheoryFinding } from "../finding.ts";
import type { Estimate } from "../statistics.ts";
import type { Prediction } from "../theory/envelope.ts";
import type { Figure, FigureLine, FigurePoint, FigureSeries } from "./figure.ts";

/** A measured sweep with a name that tells it from the others. */
export interface NamedSweep extends MeasuredSweep {
  /** `k = 6 (M = 64)`, with the ensemble, seed or number of trials where they differ among sweeps. */
  readonly label: string;
  readonly findings: readonly [PhaseFinding, ...PhaseFinding[]];
}

/**
 * Names sweeps and sorts them by ensemble, half range, seed and number of trials. Sweeps without findings are left out, and
 * so are those that repeat an earlier one, whose numbers are the same.
 */
export function nameSweeps(sweeps: readonly MeasuredSweep[]): NamedSweep[] {
  const sorted = sweeps
    .filter(hasFindings)
    .filter((sweep, s, measured) => !measured.slice(0, s).some((earlier) => isRepeated(sweep, earlier)))
    .toSorted(
      ({ findings: [a] }, { findings: [b] }) =>
        ensembles.indexOf(a.ensemble) - ensembles.indexOf(b.ensemble) ||
        a.halfRange - b.halfRange ||
        seedText(a).localeCompare(seedText(b), "en", { numeric: true }) ||
        a.trials - b.trials,
    );
  const differ = (textOf: (finding: PhaseFinding) => string) =>
    new Set(sorted.map(({ findings: [first] }) => textOf(first))).size > 1;
  const ensemblesDiffer = differ(({ ensemble }) => ensemble);
  const seedsDiffer = differ(seedText);
  const labels = sorted.map(({ findings: [first] }) =>
    [
      ...(ensemblesDiffer ? [first.ensemble] : []),
      rangeText(first),
      ...(seedsDiffer ? [seedText(first)] : []),
    ].join(", "),
  );
  return sorted.map((sweep, s) => {
    const label = labels[s]!;
    const isUnique = labels.indexOf(label) === labels.lastIndexOf(label);
    return { ...sweep, label: isUnique ? label : `${label}, ${sweep.findings[0].trials} trials` };
  });
}

function hasFindings<S extends MeasuredSweep>(sweep: S): sweep is S & Pick<NamedSweep, "findings"> {
  return sweep.findings.length > 0;
}

/** Whether two sweeps are about the same trials. */
function isRepeated({ findings: [a] }: MeasuredSweep, { findings: [b] }: MeasuredSweep): boolean {
  return (["ensemble", "halfRange", "seed", "trials"] as const).every((name) => a?.[name] === b?.[name]);
}

/** `k = 6 (M = 64)`, or `M = 100` where M is not a power of two (for products, of four). */
export function rangeText({
  bits,
  halfRange,
  within,
  size,
}: Pick<PhaseFinding, "bits" | "halfRange" | "within" | "size">): string {
  return [
    bits === undefined ? `M = ${halfRange}` : `k = ${bits} (M = ${halfRange})`,
    ...(within === undefined ? [] : [`within ${within}`]),
    ...(size === undefined ? [] : [`subsets of ${size}`]),
  ].join(", ");
}

function seedText({ interval, seed }: PhaseFinding): string {
  if (interval === "clopper-pearson") return `seed ${seed}`;
  return interval === "exact" ? "every instance" : "some instances";
}

/** The name and the color of the series of a sweep. */
export function seriesOf({
  label,
  findings: [{ ensemble, bits, halfRange }],
}: NamedSweep): Pick<FigureSeries, "name" | "bits"> {
  return { name: label, bits: bits ?? Math.log2(halfRange) / (isProduct(ensemble) ? 2 : 1) };
}

/** A bound on the probability of an event, with the name of its proof. */
export interface Limit {
  readonly name: string;
  readonly value: number;
}

/** The theory of an event at one number of items. */
interface EventTheory {
  readonly lambda?: number;
  /** E Y, the mean number of solutions; absent for events of several targets. */
  readonly expected?: number;
  /** The best proven bounds. */
  readonly lower?: Limit;
  readonly upper?: Limit;
  readonly predictions: readonly Prediction[];
}

/** The measured probability of an event at one number of items, with its theory where there is one. */
export interface Observation {
  readonly finding: PhaseFinding;
  readonly estimate: Estimate;
  readonly theory?: EventTheory;
}

/**
 * The subject of an event: a target by value, the end of every sweep's own half range, or all targets together
 * (`covered`; `perfect` for signed sums).
 */
export type Subject = number | "M" | "-M" | "covered" | "perfect";

/** An event whose probability is measured. */
export interface PhaseEvent {
  readonly subject: Subject;
  readonly title: string;
  /** Completes `How often ...`. */
  readonly meaning: string;
  /** `P(...)`, the name of its probability. */
  readonly label: string;
  readonly sweeps: readonly NamedSweep[];
  /** A list for each sweep, by ascending number of items; empty for a sweep that did not ask for the target. */
  readonly observations: readonly (readonly Observation[])[];
}

/**
 * The events of sweeps: one for each target asked, and one for all targets together. Signed sums (`rnpp`) and subset sums
 * have separate events, since the same target means something different for them.
 */
export function phaseEvents(sweeps: readonly MeasuredSweep[]): PhaseEvent[] {
  const subsets = nameSweeps(sweeps.filter((sweep) => !isSigned(sweep)));
  const signed = nameSweeps(sweeps.filter(isSigned));
  return [
    ...(subsets.length > 0 ? subsetEvents(subsets) : []),
    ...(signed.length > 0 ? signedEvents(signed) : []),
  ];
}

function isSigned({ config }: MeasuredSweep): boolean {
  return config.ensemble === "rnpp";
}

function subsetEvents(sweeps: readonly NamedSweep[]): PhaseEvent[] {
  // The sweeps of a run have one distance and one size.
  const [{ within, size }] = sweeps.map(({ config }) => config) as [MeasuredSweep["config"]];
  const subset = size === undefined ? "some subset" : `some subset of ${size}`;
  const near = within === 0 ? "" : `, up to ±${within}`;
  return [
    ...targetEvents(sweeps, "Target", (target) => `${subset} of n random items sums to ${target}${near}`),
    {
      subject: "covered",
      title: "Every target from −M to M",
      meaning:
        size === undefined && within === 0
          ? "the subset sums of n random items include every target of −M..M"
          : `for every target of −M..M ${subset} of n random items sums to it${near}`,
      label: "P(all covered)",
      sweeps,
      observations: sweeps.map(({ findings, theory }) =>
        findings.map((finding, i) => observation(finding, finding.covered!, coveredTheory(theory[i]))),
      ),
    },
  ];
}

function signedEvents(sweeps: readonly NamedSweep[]): PhaseEvent[] {
  return [
    ...targetEvents(
      sweeps,
      "Signed sum",
      (target) => `n random items can sum to ${target} with a suitable sign for each`,
    ),
    {
      subject: "perfect",
      title: "Perfect partition",
      meaning: "n random items have signs that bring their sum to −1, 0 or 1",
      label: "P(perfect)",
      sweeps,
      observations: sweeps.map(({ findings, theory }) =>
        findings.map((finding, i) => observation(finding, finding.perfect!, perfectTheory(theory[i]))),
      ),
    },
  ];
}

/**
 * An event for each target. Where sweeps of several half ranges asked for the end of their own, M or -M, these make one
 * event together; a target that is such an end for one sweep and an ordinary value for another has both events.
 */
function targetEvents(
  sweeps: readonly NamedSweep[],
  kind: string,
  meaningOf: (target: string) => string,
): PhaseEvent[] {
  const sharedEnds = { M: shareEnd(sweeps, 1), "-M": shareEnd(sweeps, -1) };
  const lists = new Map<number | "M" | "-M", Observation[][]>();
  /** Targets that some sweep asked for as an ordinary value. */
  const ordinary = new Set<number | "M" | "-M">();
  sweeps.forEach(({ findings, theory }, s) =>
    findings.forEach((finding, i) => {
      for (const estimate of finding.targets) {
        const { target } = estimate;
        const end = target === finding.halfRange ? "M" : target === -finding.halfRange ? "-M" : undefined;
        const isShared = end !== undefined && sharedEnds[end];
        const observed = observation(finding, estimate, targetTheory(theory[i], target));
        for (const subject of isShared ? ([end, target] as const) : [target]) {
          if (!lists.has(subject))
            lists.set(
              subject,
              sweeps.map(() => []),
            );
          lists.get(subject)![s]!.push(observed);
        }
        if (!isShared) ordinary.add(target);
      }
    }),
  );
  return [...lists]
    .filter(([subject]) => typeof subject === "string" || ordinary.has(subject))
    .map(([subject, observations]) => {
      // A line may break after a hyphen, but not after a minus sign.
      const target = String(subject).replace("-", "−");
      return {
        subject,
        title: `${kind} ${target}${END_TEXTS[subject] ?? ""}`,
        meaning: meaningOf(target),
        label: "P(target reachable)",
        sweeps,
        observations,
      };
    });
}

const END_TEXTS: Partial<Record<Subject, string>> = {
  M: ", the largest",
  "-M": ", the smallest",
};

/** Whether sweeps of several half ranges asked for the upper end (1) or the lower end (-1) of their own range. */
function shareEnd(sweeps: readonly NamedSweep[], sign: 1 | -1): boolean {
  const ranges = sweeps
    .filter(({ config }) => config.targets.includes(sign * config.halfRange))
    .map(({ config }) => config.halfRange);
  return new Set(ranges).size > 1;
}

function observation(
  finding: PhaseFinding,
  estimate: Estimate,
  theory: EventTheory | undefined,
): Observation {
  return { finding, estimate, ...(theory && { theory }) };
}

const lambdaOf = ({ lambda }: TheoryFinding) => (lambda === undefined ? {} : { lambda });

function targetTheory(theory: TheoryFinding | undefined, asked: number): EventTheory | undefined {
  const known = theory?.targets.find(({ target }) => target === asked);
  if (!theory || !known) return undefined;
  const { expected, lower, upper, predictions } = known;
  return { ...lambdaOf(theory), expected, lower, upper, predictions };
}

function coveredTheory(theory: TheoryFinding | undefined): EventTheory | undefined {
  if (!theory?.covered) return undefined;
  const upper = { name: "least of the targets", value: theory.covered.upper };
  return { ...lambdaOf(theory), upper, predictions: [] };
}

function perfectTheory(theory: TheoryFinding | undefined): EventTheory | undefined {
  if (!theory?.perfect) return undefined;
  const { lower, upper, predictions } = theory.perfect;
  return {
    ...lambdaOf(theory),
    lower: { name: "sum over 0 and 1", value: lower },
    upper: { name: "sum over 0 and 1", value: upper },
    predictions,
  };
}

/** The name of a prediction: `window` is one law for subset sums and another for perfect partitions. */
export function predictionText(name: Prediction["name"], subject: Subject): string {
  if (name === "poisson") return "predicted from the exact mean count";
  return subject === "perfect" ? "predicted by the limit law" : "predicted by the window law";
}

/** The laws that figures compare an event with, the one to draw first; perfect partitions have two. */
export function lawsOf({ subject, observations }: PhaseEvent): Prediction["name"][] {
  const known = new Set(
    observations.flat().flatMap(({ theory }) => theory?.predictions.map(({ name }) => name) ?? []),
  );
  if (subject === "perfect") return (["poisson", "window"] as const).filter((name) => known.has(name));
  return (["window", "poisson"] as const).filter((name) => known.has(name)).slice(0, 1);
}

/** A figure for each event: the measured probabilities, and what the first of its laws predicts. */
export function phaseFigures(events: readonly PhaseEvent[]): Figure[] {
  return events.map((event) => {
    const { subject, title, meaning, label, sweeps, observations } = event;
    const [law] = lawsOf(event);
    const linesOf = (list: readonly Observation[]): FigureLine[] => {
      if (law === undefined) return [];
      const points = list.flatMap((observed) => {
        const y = predictedProbability(observed, law);
        return y === undefined ? [] : [{ x: observed.finding.items, y }];
      });
      return points.length === 0 ? [] : [{ kind: "prediction", name: predictionText(law, subject), points }];
    };
    return {
      title,
      caption: `How often ${meaning}; ${bandText(sweeps)}.`,
      x: ITEMS,
      y: { label, domain: [0, 1] },
      legend: legendOf(sweeps),
      dots: dotsText(sweeps),
      series: sweeps.map((sweep, s) => ({
        ...seriesOf(sweep),
        points: observations[s]!.map(measuredPoint),
        lines: linesOf(observations[s]!),
      })),
    };
  });
}

/**
 * A figure of shares as one of failures, 1 minus the shares, on a logarithmic axis. Where nothing failed, a point is the upper
 * end of its interval.
 */
export function failureFigure(figure: Figure): Figure {
  const series = figure.series.map((one): FigureSeries => ({
    ...one,
    points: one.points.flatMap(({ y, low, high, ...rest }): FigurePoint[] => {
      if (y < 1) return [{ ...rest, y: 1 - y, low: 1 - high, high: 1 - low }];
      return low < 1 ? [{ ...rest, y: 1 - low, low: 1 - low, high: 1 - low, limit: true }] : [];
    }),
  }));
  const floor = powerBelow(series.flatMap(({ points }) => points.map(({ y }) => y)));
  const failures = (line: FigureLine): FigureLine => ({
    ...line,
    points: line.points.map(({ x, y }) => ({ x, y: 1 - y })).filter(({ y }) => y >= floor),
  });
  return {
    ...figure,
    caption: `${figure.caption.slice(0, -1)}. The axis has the share that fails, 1 − P.`,
    y: { label: `1 − ${figure.y.label}`, domain: [floor, 1], scale: "log" },
    series: series.map((one) => ({ ...one, lines: one.lines.map(failures) })),
    ...(figure.lines && { lines: figure.lines.map(failures) }),
  };
}

/** The power of ten at or below some probabilities, at most 0.1. */
export function powerBelow(values: readonly number[]): number {
  return Number(`1e${Math.floor(Math.log10(Math.min(...values, 0.1)) + 1e-9)}`);
}

/** The probability that a law predicts; undefined where it predicts none. */
export function predictedProbability({ theory }: Observation, law: Prediction["name"]): number | undefined {
  return theory?.predictions.find(({ name }) => name === law)?.value;
}

export const ITEMS = { label: "How many random numbers, n", symbol: "n" };

export function legendOf(sweeps: readonly NamedSweep[]): string {
  return sweeps.some(({ findings: [{ bits }] }) => bits !== undefined)
    ? "Precision k and half range M"
    : "Half range M";
}

/** The meaning of the bands, in words. */
export function bandText(sweeps: readonly NamedSweep[]): string {
  if (sweeps.some(({ findings: [{ interval }] }) => interval === "bounds"))
    return "bands are exact 95 % intervals, or what is certain where some of all instances were counted";
  const areExact = sweeps.map(({ config }) => config.enumerate);
  if (areExact.every(Boolean)) return "every instance was counted, so there is no interval";
  return areExact.some(Boolean)
    ? "bands are exact 95 % intervals, except where every instance was counted"
    : "bands are exact 95 % intervals";
}

/** The meaning of a dot, in words. */
export function dotsText(sweeps: readonly NamedSweep[]): string {
  return sweeps.every(({ findings: [{ interval }] }) => interval === "exact")
    ? "counted, every instance"
    : "measured, with 95 % interval";
}

export function measuredPoint({ finding, estimate: { probability, low, high } }: Observation): FigurePoint {
  return { x: finding.items, y: probability, low, high };
}
