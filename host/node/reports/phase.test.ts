// The report of a phase run, the figures in it, and the tables.

import { createHash } from "node:crypto";
import { parseHTML } from "linkedom";
import { expect, it } from "vitest";
import { phaseConfig } from "../../../src/experiments/phase.ts";
import type { MeasuredSweep } from "../../../src/experiments/sweep.ts";
import { theoryOfConfig } from "../../../src/experiments/theory.ts";
import { failureFigure, phaseEvents, phaseFigures } from "../../../src/figures/phase.ts";
import { boundFigures, collapseFigures, residualFigures } from "../../../src/figures/theory.ts";
import type { PhaseFinding } from "../../../src/finding.ts";
import { certainty, estimate } from "../../../src/statistics.ts";
import { colorOfBits } from "../../../src/figures/palette.ts";
import { renderFigure } from "../../figure.ts";
import { reportHtml } from "./phase.ts";
import { csvField } from "../formats/csv-field.ts";
import { phaseTable, resultsCsv, rounded } from "./table.ts";

const TRIALS = 200;
const HOSTILE = `<script>alert("1")</script> & 'x'`;
const about = {
  command: "exacta phase --bits 6",
  started: new Date(Date.UTC(2025, 0, 2, 3, 4, 5)),
  seconds: 61.2,
  stopped: false,
};

function sample(items: number, change: Partial<PhaseFinding> = {}): PhaseFinding {
  return {
    kind: "phase",
    ensemble: "rssp",
    bits: 6,
    halfRange: 64,
    items,
    trials: TRIALS,
    asked: change.trials ?? TRIALS,
    complete: true,
    seed: "1",
    interval: "clopper-pearson",
    targets: [1, 64].map((target) => ({
      target,
      ...estimate(Math.min(items * 20 + (target % 7), TRIALS), TRIALS),
    })),
    covered: estimate(Math.min(Math.max(items * 20 - 60, 0), TRIALS), TRIALS),
    meanCovered: 12.5 * items,
    engine: "cpu",
    adapter: "WebAssembly SIMD, 2 threads",
    version: "0.0.0",
    ...change,
  };
}

/** A sweep of findings that share a configuration, whatever their numbers of items are. */
function sweepOf(...findings: [PhaseFinding, ...PhaseFinding[]]): MeasuredSweep {
  const [{ ensemble, halfRange, targets, interval }] = findings;
  const config = phaseConfig({
    ensemble,
    halfRange,
    items: { from: findings[0].items, to: findings.at(-1)!.items },
    ...(targets.length === 0 ? {} : { targets: targets.map(({ target }) => target) }),
  });
  return { config: { ...config, enumerate: interval === "exact" }, findings, theory: [] };
}

/** The sweep with the theory of its findings. */
function explained(sweep: MeasuredSweep): MeasuredSweep {
  const theory = sweep.findings.flatMap(({ items }) =>
    theoryOfConfig({ ...sweep.config, items: { from: items, to: items } }),
  );
  return { ...sweep, theory };
}

const sweep = sweepOf(sample(1), sample(4), sample(10));
const withLaws = explained(sweep);
const pageDocument = () => parseHTML("<!doctype html><html><body></body></html>").document;
const draw = (sweeps: MeasuredSweep[], width: number, f = 0) =>
  renderFigure(phaseFigures(phaseEvents(sweeps))[f]!, pageDocument(), width);

it("Figures have no NaN, for a single point, an empty series and an exact count as well", () => {
  const exact = sample(3, {
    interval: "exact",
    halfRange: 2,
    bits: 1,
    targets: [{ target: 2, ...certainty(3, 9) }],
  });
  for (const sweeps of [
    [sweep],
    [sweepOf(sample(1))],
    [sweepOf(exact)],
    [sweep, sweepOf(exact)],
    [sweepOf(sample(0), sample(64))],
  ])
    for (const width of [360, 900])
      phaseFigures(phaseEvents(sweeps)).forEach((_, f) => {
        const html = draw(sweeps, width, f).outerHTML;
        expect(html).not.toMatch(/NaN|Infinity|undefined/);
        expect(html).toContain("<path");
      });
});

it("A band goes from low to high", () => {
  const figure = draw([sweep], 500);
  // A band goes along its upper edge and back along its lower one: M x,y L x,y ... Z.
  const coordinates = (path: Element | null) =>
    [...path!.getAttribute("d")!.matchAll(/(-?[\d.]+),(-?[\d.]+)/g)].map((match) => Number(match[2]));
  const band = coordinates(figure.querySelector("[aria-label=area] path"));
  const line = coordinates(figure.querySelector("[aria-label=line] path"));
  const values = sweep.findings.map(({ targets }) => targets[0]!);
  // The line's first and last points fix the scale.
  const slope = (line[2]! - line[0]!) / (values[2]!.probability - values[0]!.probability);
  const place = (value: number) => line[0]! + slope * (value - values[0]!.probability);
  const edges = [
    ...values.map(({ high }) => place(high)),
    ...values.map(({ low }) => place(low)).toReversed(),
  ];
  expect(band).toHaveLength(6);
  edges.forEach((edge, i) => expect(band[i]).toBeCloseTo(edge, 1));
});

it("Failures are drawn on a logarithmic axis, and none as the upper end of its interval", () => {
  const trials = 1e5;
  const [points, missing] = [[5e4, 200, 3], [0]].map((counts) =>
    counts.map((n) => estimate(trials - n, trials)),
  );
  const findings = [...points!, ...missing!].map((covered, n) => sample(n + 4, { trials, covered }));
  const figure = failureFigure(
    phaseFigures(phaseEvents([sweepOf(findings[0]!, ...findings.slice(1))])).at(-1)!,
  );
  expect(figure.y).toEqual({ label: "1 − P(all covered)", domain: [1e-5, 1], scale: "log" });
  const drawn = figure.series[0]!.points;
  expect(drawn.map(({ y }) => y)).toEqual(
    [0.5, 0.002, 3e-5, 1 - missing![0]!.low].map((y) => expect.closeTo(y, 12)),
  );
  expect(drawn.map(({ limit }) => limit)).toEqual([undefined, undefined, undefined, true]);
  for (const [i, { low, high }] of points!.entries()) {
    expect(drawn[i]!.low).toBeCloseTo(1 - high, 14);
    expect(drawn[i]!.high).toBeCloseTo(1 - low, 14);
  }
  const svg = renderFigure(figure, pageDocument(), 440);
  expect(svg.outerHTML).not.toMatch(/NaN|Infinity/);
  const heights = [...svg.querySelectorAll("[aria-label=dot]:not([fill=transparent]) circle")].map((dot) =>
    Number(dot.getAttribute("cy")),
  );
  // Equal ratios have equal distances.
  const decade = (heights[1]! - heights[0]!) / Math.log10(0.5 / 0.002);
  expect(heights[2]! - heights[1]!).toBeCloseTo(decade * Math.log10(0.002 / 3e-5), 6);
  expect(svg.querySelectorAll(".limit path")).toHaveLength(1);
  expect(svg.textContent).toContain("nothing failed: upper end of the interval");
});

it("Curves have their names at their ends, in their colors", () => {
  const sweeps = [4, 6].map((bits) =>
    sweepOf(sample(1, { bits, halfRange: 2 ** bits }), sample(9, { bits, halfRange: 2 ** bits })),
  );
  const [figure] = phaseFigures(phaseEvents(sweeps));
  const names = [...renderFigure(figure!, pageDocument()).querySelectorAll("text.end")];
  expect(names.map((name) => [name.textContent, name.getAttribute("fill")])).toEqual([
    ["k = 4", colorOfBits(4)],
    ["k = 6", colorOfBits(6)],
  ]);
  expect(
    renderFigure({ ...figure!, series: [figure!.series[0]!] }, pageDocument()).querySelector("text.end"),
  ).toBeNull();
});

it("A report begins with three sentences with numbers", () => {
  const first = (html: string) =>
    [...parseHTML(html).document.querySelectorAll(".first li")].map(({ textContent }) => textContent);
  const rare = sweepOf(sample(4), sample(9, { trials: 1e6, covered: estimate(1e6, 1e6) }));
  expect(first(reportHtml([withLaws], about))).toEqual([
    "At least half of the instances reach every target of −M..M from n = 10 for k = 6 on.",
    "With the most items, the share that does not is 0.30 (k = 6, n = 10).",
    expect.stringMatching(
      /^What is predicted by the window law is off by 0\.\d{3} at most: Target 64, M = 64, n = \d+, where 0\.\d{3} is measured and 0\.\d{3} predicted\.$/,
    ),
  ]);
  expect(first(reportHtml([rare], about))).toEqual([
    "At least half of the instances reach every target of −M..M from n = 9 for k = 6 on.",
    "With the most items, the share that does not is below 3.7e-6 (k = 6, n = 9).",
    "An instance of n = 9 items reaches 112.50 of the 129 targets of −M..M with M = 64 on average.",
  ]);
  expect(first(reportHtml([], about))).toEqual([]);
});

it("A point has its numbers as a title, which shows on hovering without scripts", () => {
  const titles = [...draw([sweep], 500).querySelectorAll("title")].map(({ textContent }) => textContent);
  const { probability, low, high } = sweep.findings[1]!.targets[0]!;
  expect(titles).toHaveLength(3);
  expect(titles[1]).toBe(
    `k = 6 (M = 64), n = 4: ${probability}, 95 % interval ${Number(low.toPrecision(9))} to ${Number(high.toPrecision(9))}`,
  );
});

it("Twenty series have twenty colors", () => {
  const sweeps = Array.from({ length: 20 }, (_, i) =>
    sweepOf(sample(5, { bits: i + 1, halfRange: 2 ** (i + 1) })),
  );
  const strokes = [...draw(sweeps, 500).querySelectorAll("[aria-label=line]")].map((line) =>
    line.getAttribute("stroke"),
  );
  expect(new Set(strokes).size).toBe(20);
});

it("Text from outside is escaped", () => {
  const html = reportHtml(
    [
      sweepOf(sample(3, { adapter: HOSTILE, engine: HOSTILE, version: HOSTILE })),
      sweepOf(sample(3, { seed: HOSTILE })),
    ],
    { ...about, command: HOSTILE },
  );
  expect(html.match(/<script/gi)).toEqual(["<script"]);
  expect(html).toContain("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;x&#39;");
});

it("The report loads nothing from the network, and its policy lets one script run", () => {
  const { document } = parseHTML(reportHtml([sweep], about));
  expect(document.querySelectorAll("link, img, iframe, object, [src]")).toHaveLength(0);
  const policy = document.querySelector("meta[http-equiv=Content-Security-Policy]")!.getAttribute("content")!;
  const [script, ...more] = document.querySelectorAll("script");
  expect(more).toEqual([]);
  const digest = createHash("sha256").update(script!.textContent).digest("base64");
  expect(policy).toMatch(/^default-src 'none';/);
  expect(policy.endsWith(`script-src 'sha256-${digest}'`)).toBe(true);
  for (const style of document.querySelectorAll("style"))
    expect(style.textContent).not.toMatch(/url\(|@import/);
});

it("The report has the numbers, the run and the source", () => {
  const { document } = parseHTML(reportHtml([sweep], about));
  // Three figures, of shares and of failures.
  expect(document.querySelectorAll("svg[role=img]")).toHaveLength(6);
  expect(document.querySelectorAll("details tbody tr")).toHaveLength(3);
  expect(document.querySelectorAll("details[open]")).toHaveLength(0);
  expect([...document.querySelectorAll("a")].map((link) => link.getAttribute("href"))).toEqual([
    "https://arxiv.org/abs/2508.11020",
    "results.jsonl",
    "results.csv",
  ]);
  // 81 of 200; bisection of the binomial sums for tails of 2.5 % gives 0.33633 and 0.47652.
  expect(document.querySelector("details tbody tr:nth-child(2) td")!.textContent).toBe(
    "0.405 [0.336, 0.477]",
  );
  const text = document.querySelector("main")!.textContent;
  for (const part of [
    "exacta phase --bits 6",
    "2025-01-02 03:04:05 UTC",
    "1 min 1 s",
    "200 trials, seed 1",
    "2508.11020",
    "Pearson",
  ])
    expect(text).toContain(part);
  expect(text).not.toContain("stopped early");
});

it("The report of a stopped run says so, with and without findings", () => {
  expect(reportHtml([sweep], { ...about, stopped: true })).toContain("This run was stopped early.");
  expect(reportHtml([], { ...about, stopped: true })).toContain("No batch of trials was finished.");
});

it("Exact counts have no interval", () => {
  const exact = sample(2, {
    interval: "exact",
    targets: [{ target: 1, ...certainty(1, 3) }],
    covered: certainty(0, 3),
  });
  const html = reportHtml([sweepOf(exact)], about);
  expect(html).not.toMatch(/Clopper/);
  expect(html).toContain("<td>0.333333</td>");
  expect(phaseTable([sweepOf(exact)])).not.toContain("±");
});

it("Of many targets four are drawn, and the report says so", () => {
  const targets = Array.from({ length: 129 }, (_, i) => ({ target: i - 64, ...estimate(i, TRIALS) }));
  const html = reportHtml([sweepOf(sample(5, { targets }))], about);
  expect(parseHTML(html).document.querySelectorAll("svg[role=img]")).toHaveLength(10);
  expect(html).toContain("Of many targets, 4 are shown");
});

it("Predictions are dashed and bounds dotted, and no line has a NaN", () => {
  const zero = sample(0, {
    targets: [
      { target: 0, ...estimate(TRIALS, TRIALS) },
      { target: 1, ...estimate(0, TRIALS) },
    ],
  });
  const cases = [
    [withLaws],
    [explained(sweepOf(sample(1)))],
    [explained(sweepOf(zero))],
    [explained(sweepOf(zero)), withLaws],
  ];
  for (const sweeps of cases)
    for (const make of [phaseFigures, boundFigures, residualFigures, collapseFigures])
      for (const figure of make(phaseEvents(sweeps)))
        for (const width of [360, 900])
          expect(renderFigure(figure, pageDocument(), width).outerHTML).not.toMatch(/NaN|Infinity|undefined/);
  const dashes = (figure: Element, of: string) =>
    [...figure.querySelectorAll(`g.${of}`)].map((group) => group.getAttribute("stroke-dasharray"));
  const events = phaseEvents([withLaws]);
  const law = renderFigure(phaseFigures(events)[0]!, pageDocument());
  const bound = renderFigure(boundFigures(events)[0]!, pageDocument());
  expect(dashes(law, "prediction")).toEqual(["5 3"]);
  expect([...dashes(bound, "lower-bound"), ...dashes(bound, "upper-bound")]).toEqual(["0.1 3.5", "0.1 3.5"]);
  expect([law.querySelector("g.lower-bound, g.upper-bound"), bound.querySelector("g.prediction")]).toEqual([
    null,
    null,
  ]);
  // Measurements are joined by a solid line only where no prediction runs among them.
  const solid = (figure: Element) =>
    [...figure.querySelectorAll("[aria-label=line]:not([stroke-dasharray])")].length;
  expect([solid(law), solid(bound)]).toEqual([0, 1]);
});

it("A bound is drawn at its values, and its impossible side is shaded", () => {
  const figure = boundFigures(phaseEvents([withLaws]))[0]!;
  const panel = renderFigure(figure, pageDocument());
  const heights = (of: string) =>
    [
      ...panel
        .querySelector(`g.${of} path`)!
        .getAttribute("d")!
        .matchAll(/(-?[\d.]+),(-?[\d.]+)/g),
    ].map((match) => Number(match[2]));
  // The areas reach P = 0 and P = 1, which fixes the scale; y runs downwards.
  const floor = Math.max(...heights("below-lower-bound"));
  const ceiling = Math.min(...heights("above-upper-bound"));
  expect(floor).toBeGreaterThan(ceiling);
  const place = (value: number) => floor + (ceiling - floor) * value;
  const asked = withLaws.theory.map(({ targets }) => targets[0]!);
  expect(heights("lower-bound")).toEqual(asked.map(({ lower }) => expect.closeTo(place(lower.value), 1)));
  expect(heights("upper-bound")).toEqual(asked.map(({ upper }) => expect.closeTo(place(upper.value), 1)));
  expect(heights("below-lower-bound").filter((height) => height === floor)).toHaveLength(3);
  expect(heights("above-upper-bound").filter((height) => height === ceiling)).toHaveLength(3);
});

it("The legend names every kind of mark", () => {
  const words = (figure: Parameters<typeof renderFigure>[0]) =>
    renderFigure(figure, pageDocument()).textContent;
  const events = phaseEvents([withLaws]);
  expect(words(phaseFigures(events)[0]!)).toMatch(
    /measured, with 95 % interval.*predicted by the window law/,
  );
  expect(words(phaseFigures(phaseEvents([sweep]))[0]!)).not.toMatch(/predicted|proven/);
  expect(words(boundFigures(events)[0]!)).toMatch(/proven: cannot be below.*proven: cannot be above/);
  expect(words(boundFigures(events)[2]!)).not.toContain("cannot be below");
});

it("A point on the axis lambda names its number of items as well", () => {
  const figure = renderFigure(collapseFigures(phaseEvents([withLaws]))[0]!, pageDocument());
  const titles = [...figure.querySelectorAll("title")].map(({ textContent }) => textContent);
  expect(titles[1]).toMatch(/^k = 6 \(M = 64\), λ = 3: 0\.405, 95 % interval .*, n = 4$/);
});

it("A report with theory explains its terms, and bounds are rounded to the safe side", () => {
  const { document } = parseHTML(reportHtml([withLaws], about));
  const headings = [...document.querySelectorAll("h2")].map(({ textContent }) => textContent);
  expect(headings).toEqual([
    "Figures",
    "All precisions on one axis",
    "Distance from theory",
    "Proven bounds",
    "Numbers",
    "Theory in numbers",
    "Run",
  ]);
  expect(document.querySelectorAll("svg[role=img]")).toHaveLength(2 * 3 + 1 + 2 + 3);
  const terms = [...document.querySelectorAll("dt")].map(({ textContent }) => textContent);
  expect(terms).toEqual(
    expect.arrayContaining(["prediction", "bound", "λ, lambda", "Y, E Y", "standard error", "markov_cond"]),
  );
  const tables = [...document.querySelectorAll("table.theory")];
  expect(tables.map((table) => table.querySelector("caption")!.textContent)).toEqual([
    "Target 1",
    "Target 64",
    "Every target from −M to M",
  ]);
  const cells = [...tables[0]!.querySelectorAll("tbody tr")].map((row) =>
    [...row.children].map(({ textContent }) => textContent),
  );
  expect(cells.map(([n]) => n)).toEqual(["1", "4", "10"]);
  const { lower, upper, expected, predictions } = withLaws.theory[1]!.targets[0]!;
  const [, lambda, mean, low, high, window, poisson, measured] = cells[1]!;
  expect([lambda, mean, measured]).toEqual([
    "3.00",
    String(Number(expected.toPrecision(4))),
    "0.405 [0.336, 0.477]",
  ]);
  expect([low, high]).toEqual([expect.stringMatching(lower.name), expect.stringMatching(upper.name)]);
  expect(parseFloat(low!)).toBeLessThanOrEqual(lower.value);
  expect(parseFloat(low!)).toBeGreaterThan(lower.value - 1e-6);
  expect(parseFloat(high!)).toBeGreaterThanOrEqual(upper.value);
  expect(parseFloat(high!)).toBeLessThan(upper.value + 1e-6);
  for (const [text, name] of [
    [window, "window"],
    [poisson, "poisson"],
  ] as const)
    expect(Number(text)).toBeCloseTo(predictions.find((prediction) => prediction.name === name)!.value, 6);
});

it("A report without theory gives the reason", () => {
  const text = (html: string) => parseHTML(html).document.querySelector("main")!.textContent;
  expect(text(reportHtml([withLaws], about))).not.toMatch(/No theory|computed for M up to/);
  expect(text(reportHtml([sweep], about))).toContain("No theory was computed for this run");
  const large = sweepOf(sample(5, { bits: 13, halfRange: 2 ** 13 }));
  expect(text(reportHtml([large], about))).toContain(
    "Theory is computed for M up to 4,096 only, so these measurements are shown without it.",
  );
  expect(text(reportHtml([withLaws, large], about))).toContain("so larger M are shown without it.");
  for (const html of [reportHtml([sweep], about), reportHtml([large], about)])
    expect(parseHTML(html).document.querySelectorAll("h2")).toHaveLength(3);
});

it("Text from outside is escaped beside theory as well", () => {
  const html = reportHtml(
    [sweepOf(sample(3)), sweepOf(sample(3, { seed: HOSTILE, adapter: HOSTILE }))].map(explained),
    { ...about, command: HOSTILE },
  );
  expect(html).toContain('class="theory"');
  expect(html.match(/<script/gi)).toEqual(["<script"]);
});

it("CSV has numbers with all digits", () => {
  const [first] = sweep.findings;
  const lines = resultsCsv([sweepOf(first!)]).split("\r\n");
  expect(lines).toHaveLength(5);
  expect(lines[0]!.split(",")).toHaveLength(18);
  const { solved, probability, low, high } = first!.targets[1]!;
  expect(lines[2]).toBe(
    `rssp,6,64,1,200,200,true,1,target,64,${solved},${probability},${low},${high},12.5,${(TRIALS - solved) / TRIALS},,`,
  );
  expect(lines[3]).toMatch(/,covered,,0,0,0,0\.0\d+,12\.5,1,,$/);
  expect(lines[4]).toBe("");
});

it("A field of CSV has quotes where it needs them, and is empty without a value", () => {
  expect(csvField('A "B", C')).toBe('"A ""B"", C"');
  const {
    bits: _bits,
    seed: _seed,
    covered: _covered,
    ...rest
  } = sample(2, { ensemble: "rnpp", interval: "exact", halfRange: 100 });
  const lines = resultsCsv([sweepOf({ ...rest, targets: [], perfect: certainty(50, 200) })]).split("\r\n");
  expect(lines[1]).toBe("rnpp,,100,2,200,200,true,,perfect,,50,0.25,0.25,0.25,25,0.75,,");
});

it("The table is aligned and at most 100 columns wide", () => {
  const M = 2 ** 20;
  const targets = [-5, M, 1, 0, 7, -M].map((target) => ({ target, ...estimate(5e11, 1e12) }));
  const [one, many] = [1, 64].map((items) =>
    sample(items, {
      bits: 20,
      halfRange: M,
      trials: 1e12,
      targets,
      covered: estimate(1, 1e12),
      meanCovered: 2 * M,
      adapter: "x".repeat(250),
    }),
  );
  const wide = [sweepOf(one!, many!)];
  for (const sweeps of [wide, [sweep], [sweep, sweepOf(sample(3, { ensemble: "rnpp" }))]])
    for (const line of phaseTable(sweeps).split("\n")) expect(line.length).toBeLessThanOrEqual(100);
  const lines = phaseTable(wide).split("\n");
  const top = lines.findIndex((line) => /^ *n +P\(/.test(line));
  expect(lines.slice(top, top + 3).map(({ length }) => length)).toEqual(Array(3).fill(lines[top]!.length));
  expect(lines[top + 3]).toMatch(/^[345] more targets are in the results/);
});

it("A row of the table has probabilities with the side of their interval", () => {
  const table = phaseTable([sweep]);
  expect(table).toMatch(/^ 4 +0\.405 ±0\.072 +0\.405 ±0\.072 +0\.100 ±0\.051 +50\.00$/m);
  expect(table).toContain("rssp, k = 6 (M = 64): 200 trials, seed 1, on cpu (WebAssembly SIMD, 2 threads)");
});

it("Rare failures are shown as failures, and the absence of failures as the upper end of its interval", () => {
  const trials = 1e6;
  const rows = (failures: readonly number[], change: Partial<PhaseFinding>, of: typeof estimate) => {
    const targets = failures.map((failed, target) => ({ target, ...of(trials - failed, trials) }));
    const finding = sample(9, { trials, targets, covered: of(trials / 2, trials), ...change });
    return phaseTable([sweepOf(finding)]);
  };
  const sampled = rows([1000, 20, 0], {}, estimate);
  // The limits of 20 and of 0 failures: 30.89 and 3.69 in a million.
  expect(sampled).toMatch(/^9 +0\.9990 ±0\.0001 +1 - 2\.0e-5 ±1\.1e-5 +1 - <3\.7e-6 /m);
  expect(sampled).toContain("x is P(miss)");
  expect(rows([1e5, 2000], {}, estimate)).not.toContain("x is P(miss)");
  const exact = rows([3, 0], { interval: "exact" }, certainty);
  expect(exact).toMatch(/^9 +1 - 3\.0000e-6 +1\.000000 /m);
  // Of few trials without a failure, many could fail.
  expect(phaseTable([sweepOf(sample(10))])).toMatch(/^10 +1\.000 ±0\.019 /m);
  const lines = resultsCsv([
    sweepOf(sample(9, { trials: 3e7, targets: [{ target: 1, ...estimate(3e7 - 1, 3e7) }] })),
  ]);
  expect(lines.split("\r\n")[1]).toMatch(/,3\.3333333333333334e-8,,$/);
});

it("A probability strictly between 0 and 1 is not printed as 0 or 1", () => {
  expect([0, 1e-9, 0.5, 1 - 1e-9, 1].map((value) => rounded(value, 3))).toEqual([
    "0.000",
    "<0.001",
    "0.500",
    ">0.999",
    "1.000",
  ]);
});
