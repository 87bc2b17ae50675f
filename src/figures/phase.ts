// What phase findings look like: one line for each configuration, one figure for each event, with what theory predicts.

import { ensembles } from "../ensemble.ts";
import { instanceKey, type PhaseFinding, type TheoryFinding } from "../finding.ts";
import type { Estimate } from "../statistics.ts";
import type { Prediction } from "../theory/envelope.ts";
import type { Figure, FigureLine, FigurePoint } from "./figure.ts";

/** The findings of one configuration, one for each number of items, in ascending order. */
export interface PhaseSweep {
  /** `k = 6 (M = 64)`, with whatever else tells it from the others. */
  readonly label: string;
  readonly findings: readonly [PhaseFinding, ...PhaseFinding[]];
}

/** Sorts findings into configurations: by ensemble, then half range, then seed, then trials. */
export function phaseSweeps(findings: readonly PhaseFinding[]): PhaseSweep[] {
  const groups = new Map<string, [PhaseFinding, ...PhaseFinding[]]>();
  for (const finding of findings) {
    const { ensemble, halfRange, interval, seed, trials, items } = finding;
    const key = JSON.stringify([ensemble, halfRange, interval, seed, trials]);
    const group = groups.get(key);
    if (!group) {
      groups.set(key, [finding]);
      continue;
    }
    // The same trials again, on another engine or for other targets, have the same numbers: they add nothing but targets.
    const same = group.findIndex((other) => other.items === items);
    if (same < 0) group.push(finding);
    else group[same] = withTargets(group[same]!, finding.targets);
  }
  const sorted = [...groups.values()].toSorted(
    ([a], [b]) =>
      ensembles.indexOf(a.ensemble) - ensembles.indexOf(b.ensemble) ||
      a.halfRange - b.halfRange ||
      seedText(a).localeCompare(seedText(b), "en", { numeric: true }) ||
      a.trials - b.trials,
  );
  const several = (of: (finding: PhaseFinding) => string) =>
    new Set(sorted.map(([first]) => of(first))).size > 1;
  const naming = several(({ ensemble }) => ensemble);
  const seeding = several(seedText);
  const labels = sorted.map(([first]) =>
    [...(naming ? [first.ensemble] : []), rangeText(first), ...(seeding ? [seedText(first)] : [])].join(", "),
  );
  return sorted.map((group, s) => {
    const label = labels[s]!;
    const alone = labels.indexOf(label) === labels.lastIndexOf(label);
    return {
      label: alone ? label : `${label}, ${group[0].trials} trials`,
      findings: group.toSorted((a, b) => a.items - b.items) as [PhaseFinding, ...PhaseFinding[]],
    };
  });
}

function withTargets(finding: PhaseFinding, targets: PhaseFinding["targets"]): PhaseFinding {
  const known = new Set(finding.targets.map(({ target }) => target));
  return { ...finding, targets: [...finding.targets, ...targets.filter(({ target }) => !known.has(target))] };
}

/** `k = 6 (M = 64)`, or `M = 100` where M is no power of two (for products, of four). */
export function rangeText({ bits, halfRange }: Pick<PhaseFinding, "bits" | "halfRange">): string {
  return bits === undefined ? `M = ${halfRange}` : `k = ${bits} (M = ${halfRange})`;
}

/** Where the trials came from, in words. */
function seedText({ interval, seed }: PhaseFinding): string {
  return interval === "exact" ? "every instance" : `seed ${seed}`;
}

/** The most targets of a configuration that have a figure, a column and a law. */
export const SHOWN_TARGETS = 4;

/** At most `limit` of the targets: 0, 1, M and -M before the others, which keep their order. */
export function tellingTargets(targets: readonly number[], halfRange: number, limit: number): number[] {
  if (targets.length <= limit) return [...targets];
  const first = new Set([0, 1, halfRange, -halfRange].filter((target) => targets.includes(target)));
  return [...first, ...targets.filter((target) => !first.has(target))].slice(0, limit);
}

/** A bound on the probability of an event, with the name of what proves it. */
export interface Limit {
  readonly name: string;
  readonly value: number;
}

/** What theory says of an event at one number of items. */
interface Said {
  readonly lambda?: number;
  /** E Y, the mean number of solutions; events of several targets have none. */
  readonly expected?: number;
  /** The best proven bounds. */
  readonly lower?: Limit;
  readonly upper?: Limit;
  readonly predictions: readonly Prediction[];
}

/** How often an event was seen at one number of items, and what theory says of it, where it says anything. */
export interface Sighting {
  readonly finding: PhaseFinding;
  readonly estimate: Estimate;
  readonly said?: Said;
}

/** Something that can happen to an instance. */
export interface PhaseEvent {
  /** Targets by value, or by place where several half ranges asked for their own end; or all targets together. */
  readonly of: number | "M" | "-M" | "covered" | "perfect";
  readonly title: string;
  /** Completes `How often ...`. */
  readonly meaning: string;
  /** `P(...)`, of the event. */
  readonly label: string;
  readonly sweeps: readonly PhaseSweep[];
  /** One list for each sweep, in ascending number of items; a sweep that did not ask has an empty one. */
  readonly sightings: readonly (readonly Sighting[])[];
}

/**
 * An event for each target asked and one for all of them at once, of findings of any number of configurations.
 * Signed sums (`rnpp`) and subset sums have events of their own: the same target means another thing there.
 */
export function phaseEvents(
  findings: readonly PhaseFinding[],
  theory: readonly TheoryFinding[] = [],
): PhaseEvent[] {
  const laws = new Map(theory.map((finding) => [instanceKey(finding), finding]));
  return [false, true].flatMap((signed) =>
    eventsOf(
      phaseSweeps(findings.filter(({ ensemble }) => (ensemble === "rnpp") === signed)),
      (finding) => laws.get(instanceKey(finding)),
      signed,
    ),
  );
}

function eventsOf(
  sweeps: readonly PhaseSweep[],
  theoryOf: (finding: PhaseFinding) => TheoryFinding | undefined,
  signed: boolean,
): PhaseEvent[] {
  if (sweeps.length === 0) return [];
  const shared = { M: sharesExtreme(sweeps, 1), "-M": sharesExtreme(sweeps, -1) };
  const lists = new Map<number | "M" | "-M", Sighting[][]>();
  /** Values that some configuration asked for otherwise than as the end of its half range. */
  const plain = new Set<number | "M" | "-M">();
  const empty = () => sweeps.map((): Sighting[] => []);
  const all = empty();
  sweeps.forEach(({ findings }, s) => {
    for (const finding of findings) {
      const law = theoryOf(finding);
      for (const estimate of finding.targets) {
        const { target } = estimate;
        const end = target === finding.halfRange ? "M" : target === -finding.halfRange ? "-M" : undefined;
        const grouped = end !== undefined && shared[end];
        const seen = sighting(finding, estimate, law && targetSaid(law, target));
        for (const of of grouped ? ([end, target] as const) : [target]) {
          if (!lists.has(of)) lists.set(of, empty());
          lists.get(of)![s]!.push(seen);
        }
        if (!grouped) plain.add(target);
      }
      const together = signed ? finding.perfect : finding.covered;
      if (together) all[s]!.push(sighting(finding, together, law && togetherSaid(law)));
    }
  });

  const targets = [...lists]
    .filter(([of]) => typeof of === "string" || plain.has(of))
    .map(([of, sightings]): PhaseEvent => {
      // A line may break after a hyphen, not after a minus.
      const target = String(of).replace("-", "−");
      const rank =
        of === "M" ? ", the largest a weight can ask" : of === "-M" ? ", the smallest a weight can ask" : "";
      return {
        of,
        title: `${signed ? "Signed sum" : "Target"} ${target}${rank}`,
        meaning: signed
          ? `n random items, each taken with a sign of choice, can sum to ${target}`
          : `some subset of n random items sums to ${target}`,
        label: "P(target reachable)",
        sweeps,
        sightings,
      };
    });
  if (all.every(({ length }) => length === 0)) return targets;
  const together: PhaseEvent = signed
    ? {
        of: "perfect",
        title: "Perfect partition",
        meaning: "n random items have signs that bring their sum to −1, 0 or 1",
        label: "P(perfect)",
        sweeps,
        sightings: all,
      }
    : {
        of: "covered",
        title: "All targets of −M..M at once",
        meaning: "the subset sums of n random items include every target of −M..M",
        label: "P(all covered)",
        sweeps,
        sightings: all,
      };
  return [...targets, together];
}

function sighting(finding: PhaseFinding, estimate: Estimate, said: Said | undefined): Sighting {
  return { finding, estimate, ...(said && { said }) };
}

const place = ({ lambda }: TheoryFinding) => (lambda === undefined ? {} : { lambda });

function targetSaid(law: TheoryFinding, asked: number): Said | undefined {
  const known = law.targets.find(({ target }) => target === asked);
  if (!known) return undefined;
  const { expected, lower, upper, predictions } = known;
  return { ...place(law), expected, lower, upper, predictions };
}

function togetherSaid(law: TheoryFinding): Said | undefined {
  const { covered, perfect } = law;
  if (covered)
    return { ...place(law), upper: { name: "least of the targets", value: covered.upper }, predictions: [] };
  return (
    perfect && {
      ...place(law),
      lower: { name: "sum over 0 and 1", value: perfect.lower },
      upper: { name: "sum over 0 and 1", value: perfect.upper },
      predictions: perfect.predictions,
    }
  );
}

/** What a prediction is called: `window` is another law for subset sums than for perfect partitions. */
export function predictionText(name: Prediction["name"], of: PhaseEvent["of"]): string {
  if (name === "poisson") return "predicted from the exact mean count";
  return of === "perfect" ? "predicted by the limit law" : "predicted by the window law";
}

/** The predictions that figures hold an event against, the one to draw first; perfect partitions have a limit law too. */
export function lawsOf({ of, sightings }: PhaseEvent): Prediction["name"][] {
  const named = new Set(
    sightings.flat().flatMap(({ said }) => said?.predictions.map(({ name }) => name) ?? []),
  );
  if (of === "perfect") return (["poisson", "window"] as const).filter((name) => named.has(name));
  return (["window", "poisson"] as const).filter((name) => named.has(name)).slice(0, 1);
}

/** A figure for each event: what was measured, and what is predicted of it. */
export function phaseFigures(
  findings: readonly PhaseFinding[],
  theory: readonly TheoryFinding[] = [],
): Figure[] {
  return phaseEvents(findings, theory).map((event) => {
    const { of, title, meaning, label, sweeps, sightings } = event;
    const [law] = lawsOf(event);
    const predictionOf = (seen: readonly Sighting[], name: Prediction["name"]): FigureLine => ({
      kind: "prediction",
      name: predictionText(name, of),
      points: seen.flatMap((one) => {
        const predicted = predictedOf(one, name);
        return predicted === undefined ? [] : [{ x: one.finding.items, y: predicted }];
      }),
    });
    return {
      title,
      caption: `How often ${meaning}; ${bandText(sweeps)}.`,
      x: ITEMS,
      y: { label, domain: [0, 1] },
      legend: legendOf(sweeps),
      dots: dotsText(sweeps),
      series: sweeps.map(({ label }, s) => ({
        name: label,
        points: sightings[s]!.map(measuredPoint),
        lines:
          law === undefined
            ? []
            : [predictionOf(sightings[s]!, law)].filter(({ points }) => points.length > 0),
      })),
    };
  });
}

/** What one law predicts of an event, where it says anything. */
export function predictedOf({ said }: Sighting, law: Prediction["name"]): number | undefined {
  return said?.predictions.find(({ name }) => name === law)?.value;
}

export const ITEMS = { label: "n, the number of items", symbol: "n" };

export function legendOf(sweeps: readonly PhaseSweep[]): string {
  return sweeps.some(({ findings: [{ bits }] }) => bits !== undefined)
    ? "Precision k and half range M"
    : "Half range M";
}

/** What the bands are, in words. */
export function bandText(sweeps: readonly PhaseSweep[]): string {
  const certain = sweeps.map(({ findings: [{ interval }] }) => interval === "exact");
  if (certain.every(Boolean)) return "every instance was counted, so there is no interval";
  return certain.some(Boolean)
    ? "bands are exact 95 % intervals, except where every instance was counted"
    : "bands are exact 95 % intervals";
}

/** What a dot is, in words. */
export function dotsText(sweeps: readonly PhaseSweep[]): string {
  const certain = sweeps.every(({ findings: [{ interval }] }) => interval === "exact");
  return certain ? "counted, every instance" : "measured, with 95 % interval";
}

export function measuredPoint({ finding, estimate: { probability, low, high } }: Sighting): FigurePoint {
  return { x: finding.items, y: probability, low, high };
}

/** Whether configurations of several half ranges asked for the one end (1) or the other (-1) of their own range. */
function sharesExtreme(sweeps: readonly PhaseSweep[], sign: 1 | -1): boolean {
  const ranges = sweeps
    .flatMap(({ findings }) => findings)
    .filter(({ halfRange, targets }) => targets.some(({ target }) => target === sign * halfRange))
    .map(({ halfRange }) => halfRange);
  return new Set(ranges).size > 1;
}
