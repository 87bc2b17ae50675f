// How findings become figures: what is one line, what is one figure, in which order.

import { expect, it } from "vitest";
import type { PhaseFinding } from "../finding.ts";
import { certainty, estimate } from "../statistics.ts";
import { phaseFigures, phaseSweeps, tellingTargets } from "./phase.ts";

interface Sample {
  ensemble?: PhaseFinding["ensemble"];
  bits?: number;
  halfRange: number;
  items: number;
  targets?: readonly number[];
  trials?: number;
  seed?: string;
  engine?: string;
  exact?: boolean;
}

function sample({
  ensemble = "rssp",
  bits,
  halfRange,
  items,
  targets = [1, halfRange],
  trials = 1000,
  seed = "1",
  engine = "cpu",
  exact,
}: Sample): PhaseFinding {
  const of = exact ? certainty : estimate;
  return {
    kind: "phase",
    ensemble,
    ...(bits === undefined ? {} : { bits }),
    halfRange,
    items,
    trials,
    ...(exact ? {} : { seed }),
    interval: exact ? "exact" : "clopper-pearson",
    // Different for every item and target, so that a swap shows.
    targets: targets.map((target) => ({
      target,
      ...of((items * 31 + Math.abs(target) * 7) % trials, trials),
    })),
    [ensemble === "rnpp" ? "perfect" : "covered"]: of(items, trials),
    meanCovered: items / 2,
    engine,
    adapter: "none",
    version: "0",
  };
}

const titles = (findings: PhaseFinding[]) => phaseFigures(findings).map(({ title }) => title);

it("gathers each half range's own end in one figure, other targets by value", () => {
  const findings = [6, 4].flatMap((bits) =>
    [1, 2].map((items) => sample({ bits, halfRange: 2 ** bits, items })),
  );
  const figures = phaseFigures(findings);
  expect(figures.map(({ title }) => title)).toEqual([
    "Target 1",
    "Target M, the largest a weight can ask",
    "All targets of −M..M at once",
  ]);
  for (const { series } of figures) {
    expect(series.map(({ name }) => name)).toEqual(["k = 4 (M = 16)", "k = 6 (M = 64)"]);
    expect(series.map(({ points }) => points.length)).toEqual([2, 2]);
  }
  const estimates = findings[3]!.targets[1]!;
  expect(figures[1]!.series[0]!.points[1]).toEqual({
    x: 2,
    y: estimates.probability,
    low: estimates.low,
    high: estimates.high,
  });
  expect(figures[2]!.y).toEqual({ label: "P(all covered)", domain: [0, 1] });
  // Without theory nothing is drawn but what was measured.
  for (const { series, lines } of figures)
    expect([lines, series.flatMap((one) => one.lines)]).toEqual([undefined, []]);
});

it("names the end by its value where there is one half range", () => {
  expect(titles([sample({ bits: 6, halfRange: 64, items: 3, targets: [-64, 64] })])).toEqual([
    "Target −64",
    "Target 64",
    "All targets of −M..M at once",
  ]);
});

it("loses no point of a value that is the end of one half range only", () => {
  const findings = [
    sample({ bits: 0, halfRange: 1, items: 1, targets: [1] }),
    sample({ bits: 2, halfRange: 4, items: 1, targets: [1, 4] }),
  ];
  const figures = phaseFigures(findings);
  const lengths = (title: string) =>
    figures.find((figure) => figure.title === title)!.series.map(({ points }) => points.length);
  expect(figures).toHaveLength(3);
  expect(lengths("Target 1")).toEqual([1, 1]);
  expect(lengths("Target M, the largest a weight can ask")).toEqual([1, 1]);
});

it("keeps an empty place for a line, so that its colour agrees from figure to figure", () => {
  const figures = phaseFigures([
    sample({ bits: 4, halfRange: 16, items: 1, targets: [2] }),
    sample({ bits: 6, halfRange: 64, items: 1, targets: [3] }),
  ]);
  expect(figures.map(({ series }) => series.map(({ points }) => points.length))).toEqual([
    [1, 0],
    [0, 1],
    [1, 1],
  ]);
});

it("orders points by n, whatever the order of the findings", () => {
  const findings = [9, 2, 10, 1].map((items) => sample({ bits: 6, halfRange: 64, items }));
  for (const { series } of phaseFigures(findings))
    expect(series[0]!.points.map(({ x }) => x)).toEqual([1, 2, 9, 10]);
});

it("never mixes ensembles, half ranges or seeds in a line, and orders half ranges as numbers", () => {
  const sweeps = phaseSweeps([
    sample({ ensemble: "rssp0", halfRange: 100, items: 1 }),
    sample({ halfRange: 1024, bits: 10, items: 1 }),
    sample({ halfRange: 256, bits: 8, items: 1 }),
    sample({ halfRange: 256, bits: 8, items: 1, seed: "2" }),
    sample({ halfRange: 3, items: 1, exact: true }),
  ]);
  expect(sweeps.map(({ label }) => label)).toEqual([
    "rssp, M = 3, every instance",
    "rssp, k = 8 (M = 256), seed 1",
    "rssp, k = 8 (M = 256), seed 2",
    "rssp, k = 10 (M = 1024), seed 1",
    "rssp0, M = 100, seed 1",
  ]);
});

it("takes the same trials on two engines once, and joins what they were asked", () => {
  const [sweep, ...rest] = phaseSweeps([
    sample({ halfRange: 64, items: 5, targets: [1, 2] }),
    sample({ halfRange: 64, items: 5, targets: [2, 3], engine: "gpu" }),
  ]);
  expect(rest).toEqual([]);
  expect(sweep!.findings.map(({ targets }) => targets.map(({ target }) => target))).toEqual([[1, 2, 3]]);
});

it("keeps runs of different length apart", () => {
  const findings = [2000, 1000].map((trials) => sample({ halfRange: 64, items: 5, trials }));
  expect(phaseSweeps(findings).map(({ label }) => label)).toEqual([
    "M = 64, 1000 trials",
    "M = 64, 2000 trials",
  ]);
  expect(phaseSweeps(findings.slice(0, 1)).map(({ label }) => label)).toEqual(["M = 64"]);
});

it("gives signed sums figures of their own", () => {
  expect(
    titles([
      sample({ halfRange: 64, items: 5, targets: [0] }),
      sample({ ensemble: "rnpp", halfRange: 64, items: 5, targets: [0] }),
    ]),
  ).toEqual(["Target 0", "All targets of −M..M at once", "Signed sum 0", "Perfect partition"]);
});

it("says what the band is", () => {
  const caption = (...findings: PhaseFinding[]) => phaseFigures(findings)[0]!.caption;
  const drawn = sample({ halfRange: 64, items: 5 });
  const counted = sample({ halfRange: 2, items: 5, exact: true });
  expect(caption(drawn)).toContain("bands are exact 95 % intervals.");
  expect(caption(counted)).toContain("no interval");
  expect(caption(drawn, counted)).toContain("except where every instance was counted");
});

it("prefers 0, 1, M and -M among many targets", () => {
  const all = Array.from({ length: 129 }, (_, i) => i - 64);
  expect(tellingTargets(all, 64, 4)).toEqual([0, 1, 64, -64]);
  expect(tellingTargets([5, 6, 64, 7, 8], 64, 4)).toEqual([64, 5, 6, 7]);
  expect(tellingTargets([5, 0], 64, 4)).toEqual([5, 0]);
});

it("draws nothing of nothing", () => {
  expect(phaseFigures([])).toEqual([]);
});
