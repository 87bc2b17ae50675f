// Figures of phase sweeps: which findings become one series, which one figure, and in which order.

import { expect, it } from "vitest";
import { phaseConfig } from "../experiments/phase.ts";
import { representativeSweep, representativeTargets, type MeasuredSweep } from "../experiments/sweep.ts";
import type { PhaseFinding } from "../finding.ts";
import { certainty, estimate } from "../statistics.ts";
import { nameSweeps, phaseEvents, phaseFigures } from "./phase.ts";

interface Sample {
  ensemble?: PhaseFinding["ensemble"];
  bits?: number;
  halfRange: number;
  items?: number | { from: number; to: number };
  targets?: readonly number[];
  trials?: number;
  seed?: string;
  exact?: boolean;
}

/** A sweep whose counts differ for every number of items and target, so that a swap shows. */
function sample({
  ensemble = "rssp",
  bits,
  halfRange,
  items = 1,
  targets = [1, halfRange],
  trials = 1000,
  seed = "1",
  exact = false,
}: Sample): MeasuredSweep {
  const config = {
    ...phaseConfig({ ensemble, halfRange, items, targets, trials, seed }),
    enumerate: exact,
  };
  const toEstimate = exact ? certainty : estimate;
  const findings = Array.from({ length: config.items.to - config.items.from + 1 }, (_, j): PhaseFinding => {
    const n = config.items.from + j;
    return {
      kind: "phase",
      ensemble,
      ...(bits === undefined ? {} : { bits }),
      halfRange,
      items: n,
      trials,
      asked: trials,
      complete: true,
      ...(exact ? {} : { seed }),
      interval: exact ? "exact" : "clopper-pearson",
      targets: config.targets.map((target) => ({
        target,
        ...toEstimate((n * 31 + Math.abs(target) * 7) % trials, trials),
      })),
      [ensemble === "rnpp" ? "perfect" : "covered"]: toEstimate(n, trials),
      meanCovered: n / 2,
      engine: "cpu",
      adapter: "none",
      version: "0",
    };
  });
  return { config, findings, theory: [] };
}

const figuresOf = (...sweeps: MeasuredSweep[]) => phaseFigures(phaseEvents(sweeps));
const titles = (...sweeps: MeasuredSweep[]) => figuresOf(...sweeps).map(({ title }) => title);
const names = (...sweeps: MeasuredSweep[]) => nameSweeps(sweeps).map(({ label }) => label);

it("The ends of several half ranges share one figure, and other targets are drawn by value", () => {
  const sweeps = [6, 4].map((bits) => sample({ bits, halfRange: 2 ** bits, items: { from: 1, to: 2 } }));
  const figures = figuresOf(...sweeps);
  expect(figures.map(({ title }) => title)).toEqual([
    "Target 1",
    "Target M, the largest",
    "Every target from −M to M",
  ]);
  for (const { series } of figures) {
    expect(series.map(({ name }) => name)).toEqual(["k = 4 (M = 16)", "k = 6 (M = 64)"]);
    expect(series.map(({ points }) => points.map(({ x }) => x))).toEqual([
      [1, 2],
      [1, 2],
    ]);
  }
  const { probability, low, high } = sweeps[1]!.findings[1]!.targets[1]!;
  expect(figures[1]!.series[0]!.points[1]).toEqual({ x: 2, y: probability, low, high });
  expect(figures[2]!.y).toEqual({ label: "P(all covered)", domain: [0, 1] });
});

it("A figure without theory has no lines", () => {
  for (const { series, lines } of figuresOf(sample({ bits: 4, halfRange: 16 })))
    expect([lines, series.flatMap((one) => one.lines)]).toEqual([undefined, []]);
});

it("With a single half range its ends are titled by value", () => {
  expect(titles(sample({ bits: 6, halfRange: 64, items: 3, targets: [-64, 64] }))).toEqual([
    "Target −64",
    "Target 64",
    "Every target from −M to M",
  ]);
});

it("A target that is the end of one half range and an ordinary value of another has both figures", () => {
  const figures = figuresOf(
    sample({ bits: 0, halfRange: 1, targets: [1] }),
    sample({ bits: 2, halfRange: 4, targets: [1, 4] }),
  );
  const lengths = (title: string) =>
    figures.find((figure) => figure.title === title)!.series.map(({ points }) => points.length);
  expect(figures).toHaveLength(3);
  expect(lengths("Target 1")).toEqual([1, 1]);
  expect(lengths("Target M, the largest")).toEqual([1, 1]);
});

it("A sweep that did not ask for a target has an empty series, so that colors agree from figure to figure", () => {
  const figures = figuresOf(
    sample({ bits: 4, halfRange: 16, targets: [2] }),
    sample({ bits: 6, halfRange: 64, targets: [3] }),
  );
  expect(figures.map(({ series }) => series.map(({ points }) => points.length))).toEqual([
    [1, 0],
    [0, 1],
    [1, 1],
  ]);
});

it("Sweeps are sorted by ensemble, half range and seed, each compared as what it is", () => {
  expect(
    names(
      sample({ ensemble: "rssp0", halfRange: 100 }),
      sample({ halfRange: 1024, bits: 10 }),
      sample({ halfRange: 256, bits: 8 }),
      sample({ halfRange: 256, bits: 8, seed: "10" }),
      sample({ halfRange: 256, bits: 8, seed: "2" }),
      sample({ halfRange: 3, exact: true }),
    ),
  ).toEqual([
    "rssp, M = 3, every instance",
    "rssp, k = 8 (M = 256), seed 1",
    "rssp, k = 8 (M = 256), seed 2",
    "rssp, k = 8 (M = 256), seed 10",
    "rssp, k = 10 (M = 1024), seed 1",
    "rssp0, M = 100, seed 1",
  ]);
});

it("A sweep that repeats the trials of an earlier one is shown once, and an empty one is not shown", () => {
  const sweep = sample({ halfRange: 64, items: 5 });
  const empty = { ...sample({ halfRange: 32 }), findings: [] };
  expect(names(empty, sweep, { ...sweep })).toEqual(["M = 64"]);
});

it("Sweeps that differ in the number of trials alone are named by it", () => {
  const sweeps = [2000, 1000].map((trials) => sample({ halfRange: 64, items: 5, trials }));
  expect(names(...sweeps)).toEqual(["M = 64, 1000 trials", "M = 64, 2000 trials"]);
  expect(names(sweeps[0]!)).toEqual(["M = 64"]);
});

it("Signed sums have figures apart from subset sums", () => {
  expect(
    titles(
      sample({ halfRange: 64, items: 5, targets: [0] }),
      sample({ ensemble: "rnpp", halfRange: 64, items: 5, targets: [0] }),
    ),
  ).toEqual(["Target 0", "Every target from −M to M", "Signed sum 0", "Perfect partition"]);
});

it("The caption names the intervals that the bands show", () => {
  const caption = (...sweeps: MeasuredSweep[]) => figuresOf(...sweeps)[0]!.caption;
  const drawn = sample({ halfRange: 64, items: 5 });
  const counted = sample({ halfRange: 2, items: 5, exact: true });
  expect(caption(drawn)).toContain("bands are exact 95 % intervals.");
  expect(caption(counted)).toContain("no interval");
  expect(caption(drawn, counted)).toContain("except where every instance was counted");
});

it("0, 1, M and -M represent many targets", () => {
  const all = Array.from({ length: 129 }, (_, i) => i - 64);
  const shown = (targets: number[], limit = 4) => representativeTargets({ targets, halfRange: 64 }, limit);
  expect(shown(all)).toEqual([0, 1, 64, -64]);
  expect(shown(all, 2)).toEqual([0, 1]);
  expect(shown([5, 6, 64, 7, 8])).toEqual([64, 5, 6, 7]);
  expect(shown([5, 0])).toEqual([5, 0]);
});

it("A representative sweep has the findings of its shown targets alone", () => {
  const sweep = sample({ halfRange: 8, targets: [5, 6, 8, 7, 3] });
  const { config, findings } = representativeSweep(sweep);
  expect(config.targets).toEqual([8, 5, 6, 7]);
  expect(findings[0]!.targets).toEqual(sweep.findings[0]!.targets.filter(({ target }) => target !== 3));
});

it("No sweeps give no figures", () => {
  expect(figuresOf()).toEqual([]);
});
