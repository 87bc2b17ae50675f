// What phase findings look like: one line for each configuration, one figure for each event.

import { ensembles } from "../ensemble.ts";
import type { PhaseFinding } from "../finding.ts";
import type { Estimate } from "../statistics.ts";
import type { Figure, FigurePoint } from "./figure.ts";

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
  const several = (of: (finding: PhaseFinding) => string) => new Set(sorted.map(([first]) => of(first))).size > 1;
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

/** At most `limit` of the targets: 0, 1, M and -M before the others, which keep their order. */
export function tellingTargets(targets: readonly number[], halfRange: number, limit: number): number[] {
  if (targets.length <= limit) return [...targets];
  const first = new Set([0, 1, halfRange, -halfRange].filter((target) => targets.includes(target)));
  return [...first, ...targets.filter((target) => !first.has(target))].slice(0, limit);
}

/**
 * A figure for each target asked and one for all of them at once, of findings of any number of configurations.
 * Signed sums (`rnpp`) and subset sums have figures of their own: the same target means another thing there.
 */
export function phaseFigures(findings: readonly PhaseFinding[]): Figure[] {
  return [false, true].flatMap((signed) =>
    figuresOf(
      phaseSweeps(findings.filter(({ ensemble }) => (ensemble === "rnpp") === signed)),
      signed,
    ),
  );
}

/** An event and its points, one list for each sweep. */
interface Curves {
  readonly points: FigurePoint[][];
  /** Only configurations with this target as their half range asked for it. */
  extreme: boolean;
}

function figuresOf(sweeps: readonly PhaseSweep[], signed: boolean): Figure[] {
  if (sweeps.length === 0) return [];
  const targets = new Map<string, Curves>();
  const all: Curves = { points: sweeps.map(() => []), extreme: false };
  const curvesOf = (key: string) => {
    const curves = targets.get(key) ?? { points: sweeps.map(() => []), extreme: true };
    targets.set(key, curves);
    return curves;
  };
  const shared = { M: sharesExtreme(sweeps, 1), "-M": sharesExtreme(sweeps, -1) };
  sweeps.forEach(({ findings }, s) => {
    for (const { items, halfRange, targets, covered, perfect } of findings) {
      for (const estimate of targets) {
        const extreme = estimate.target === halfRange ? "M" : estimate.target === -halfRange ? "-M" : undefined;
        const grouped = extreme !== undefined && shared[extreme];
        if (grouped) curvesOf(extreme).points[s]!.push(point(items, estimate));
        const own = curvesOf(String(estimate.target));
        own.points[s]!.push(point(items, estimate));
        own.extreme &&= grouped;
      }
      const event = signed ? perfect : covered;
      if (event) all.points[s]!.push(point(items, event));
    }
  });

  const certain = sweeps.map(({ findings: [{ interval }] }) => interval === "exact");
  const band = certain.every(Boolean)
    ? "every instance was counted, so there is no interval"
    : certain.some(Boolean)
      ? "bands are exact 95 % intervals, except where every instance was counted"
      : "bands are exact 95 % intervals";
  const figure = (title: string, event: string, label: string, points: FigurePoint[][]): Figure => ({
    title,
    caption: `How often ${event}; ${band}.`,
    x: { label: "n, the number of items" },
    y: { label, domain: [0, 1] },
    legend: sweeps.some(({ findings: [{ bits }] }) => bits !== undefined)
      ? "Precision k and half range M"
      : "Half range M",
    series: sweeps.map(({ label }, s) => ({ name: label, points: points[s]! })),
  });
  const sum = signed
    ? (target: string) => `n random items, each taken with a sign of choice, can sum to ${target}`
    : (target: string) => `some subset of n random items sums to ${target}`;
  const figures = [...targets]
    .filter(([key, { extreme }]) => key === "M" || key === "-M" || !extreme)
    .map(([key, { points }]) => {
      // A line may break after a hyphen, not after a minus.
      const target = key.replace("-", "−");
      const rank = key === "M" ? ", the largest a weight can ask" : key === "-M" ? ", the smallest a weight can ask" : "";
      return figure(`${signed ? "Signed sum" : "Target"} ${target}${rank}`, sum(target), "P(target reachable)", points);
    });
  return all.points.every(({ length }) => length === 0)
    ? figures
    : [
        ...figures,
        signed
          ? figure("Perfect partition", "n random items have signs that bring their sum to −1, 0 or 1", "P(perfect)", all.points)
          : figure(
              "All targets of −M..M at once",
              "the subset sums of n random items include every target of −M..M",
              "P(all covered)",
              all.points,
            ),
      ];
}

/** Whether configurations of several half ranges asked for the one end (1) or the other (-1) of their own range. */
function sharesExtreme(sweeps: readonly PhaseSweep[], sign: 1 | -1): boolean {
  const ranges = sweeps
    .flatMap(({ findings }) => findings)
    .filter(({ halfRange, targets }) => targets.some(({ target }) => target === sign * halfRange))
    .map(({ halfRange }) => halfRange);
  return new Set(ranges).size > 1;
}

function point(items: number, { probability, low, high }: Estimate): FigurePoint {
  return { x: items, y: probability, low, high };
}
