// The report of a phase run: numbers in three sentences, figures, and then words and tables, closed.

import {
  MAX_SHOWN_TARGETS,
  representativeSweep,
  representativeTargets,
  type MeasuredSweep,
} from "../../../src/experiments/sweep.ts";
import type { PhaseFinding } from "../../../src/finding.ts";
import { endText, type Figure } from "../../../src/figures/figure.ts";
import {
  failureFigure,
  lawsOf,
  nameSweeps,
  phaseEvents,
  phaseFigures,
  predictedProbability,
  predictionText,
  type Limit,
  type NamedSweep,
  type Observation,
  type PhaseEvent,
} from "../../../src/figures/phase.ts";
import { boundFigures, collapseFigures, residualFigures } from "../../../src/figures/theory.ts";
import type { Estimate } from "../../../src/statistics.ts";
import { maxTheoryHalfRange } from "../../../src/theory/distribution.ts";
import { proofs } from "../../../src/theory/envelope.ts";
import { ensembleTexts } from "./ensembles.ts";
import {
  closed,
  documentHtml,
  drawn,
  entry,
  escape,
  FILES,
  runHtml,
  sentences,
  switched,
  type RunAbout,
} from "./page.ts";
import { decimalsOf, failureOf, grouped, meanText, rounded, trialsText } from "./table.ts";

/** A complete HTML document. All text in it that came from outside is escaped. */
export function reportHtml(sweeps: readonly MeasuredSweep[], about: RunAbout): string {
  const named = nameSweeps(sweeps);
  const events = phaseEvents(sweeps.map(representativeSweep));
  const hasTheory = events.some(({ observations }) => observations.flat().some(({ theory }) => theory));
  const figures = phaseFigures(events);
  return documentHtml(
    "Random subset sums",
    `${about.stopped ? stoppedNote(named) : ""}
${sentences(summary(events))}
${
  named.length === 0
    ? "<p>There are no numbers to show.</p>"
    : `<h2>Figures</h2>
<p>Point at a dot to read its numbers.${hiddenTargetsNote(named)} ${hasTheory ? OVERLAY : ""}${missingTheoryNote(named, hasTheory)}</p>
${switched("The vertical axes have", [
  ["the share that succeeds", figures],
  ["the share that fails, on a logarithmic axis", figures.map(failureFigure)],
])}
${hasTheory ? theorySections(events) : ""}`
}
${closed("What the words mean", introduction(named, hasTheory))}
${
  named.length === 0
    ? ""
    : `<h2>Numbers</h2>
${FILES}
<p>${intervalText(named)}</p>
${named.map((sweep) => sweepNumbers(sweep, named.length)).join("\n")}
${hasTheory ? theoryNumbers(events) : ""}`
}
<h2>Run</h2>
${runTable(named, about)}`,
  );
}

/** The most sweeps that a sentence names. */
const MAX_NAMED = 5;

/** A list in words, of which no more than MAX_NAMED are named. */
function listed(texts: readonly string[]): string {
  const more = texts.length - MAX_NAMED;
  const shown = more > 0 ? [...texts.slice(0, MAX_NAMED), `${more} more`] : texts;
  return shown.length < 2 ? shown.join("") : `${shown.slice(0, -1).join(", ")} and ${shown.at(-1)}`;
}

/** What a reader should know first: where half succeed, how rarely the rest fails, and how far theory is off. */
function summary(events: readonly PhaseEvent[]): string[] {
  const together = events.filter(({ subject }) => subject === "covered" || subject === "perfect");
  return [...together.flatMap(reachedText), ...theoryText(events)];
}

function reachedText({ subject, sweeps, observations }: PhaseEvent): string[] {
  const found = sweeps.map(({ label }, s) => {
    const list = observations[s]!;
    const half = list.find(({ estimate }) => estimate.probability >= 0.5);
    const last = list.at(-1)!;
    return { name: endText({ name: label }), half, last };
  });
  const works = subject === "covered" ? "reach every target of −M..M" : "split evenly";
  const halves = found.map(
    ({ name, half, last }) =>
      `${half ? `n = ${half.finding.items}` : `more than n = ${last.finding.items}`} for ${name}`,
  );
  const failures = found.map(({ name, last }) => `${failureText(last)} (${name}, n = ${last.finding.items})`);
  return [
    `At least half of the instances ${works} from ${listed(halves)} on.`,
    `With the most items, the share that does not is ${listed(failures)}.`,
  ].map(escape);
}

/** A failure in two digits; where nothing failed, the upper end of its interval. */
function failureText({ finding, estimate }: Observation): string {
  const failure = failureOf(finding, estimate);
  const value = failure === 0 ? 1 - estimate.low : failure;
  return `${failure === 0 && value > 0 ? "below " : ""}${value === 0 || value >= 1e-3 ? value.toPrecision(2) : value.toExponential(1)}`;
}

const threeDigits = (share: number) => share.toFixed(3);

/** The largest distance of a measurement from the law that its figure draws; the mean of targets where there is no law. */
function theoryText(events: readonly PhaseEvent[]): string[] {
  const distances = events.flatMap((event) => {
    const [law] = lawsOf(event);
    return event.observations.flat().flatMap(({ finding, estimate, theory }) => {
      const value = theory?.predictions.find(({ name }) => name === law)?.value;
      if (law === undefined || value === undefined) return [];
      return [{ event, law, finding, value, measured: estimate.probability }];
    });
  });
  if (distances.length === 0) {
    const last = events[0]?.observations.flat().at(-1)?.finding;
    if (!last) return [];
    return [
      `An instance of n = ${last.items} items reaches ${meanText(last)} of the ${grouped(2 * last.halfRange + 1)} targets of −M..M with M = ${grouped(last.halfRange)} on average.`,
    ].map(escape);
  }
  const farthest = distances.reduce((a, b) =>
    Math.abs(b.measured - b.value) > Math.abs(a.measured - a.value) ? b : a,
  );
  const { event, law, finding, value, measured } = farthest;
  return [
    `What is ${predictionText(law, event.subject)} is off by ${threeDigits(Math.abs(measured - value))} at most: ${event.title}, M = ${grouped(finding.halfRange)}, n = ${finding.items}, where ${threeDigits(measured)} is measured and ${threeDigits(value)} predicted.`,
  ].map(escape);
}

function stoppedNote(sweeps: readonly NamedSweep[]): string {
  return `<p class="note" role="note"><strong>This run was stopped early.</strong> ${
    sweeps.length === 0
      ? "No batch of trials was finished."
      : "It has fewer trials than were asked for. The Run section lists how many were counted, and the intervals are those of these trials."
  }</p>`;
}

function hiddenTargetsNote(sweeps: readonly NamedSweep[]): string {
  return sweeps.some(({ config }) => config.targets.length > MAX_SHOWN_TARGETS)
    ? ` Of many targets, ${MAX_SHOWN_TARGETS} are shown for each configuration; the result files have all of them.`
    : "";
}

/** The terms of theory, for a report that shows theory. */
const THEORY_TERMS = [
  [
    "prediction",
    "a value that a formula gives for P, without any simulation. P is close to it, above or below. Predictions are dashed.",
  ],
  [
    "bound",
    "a proven limit: P cannot be below a lower bound or above an upper one, whatever n and M are. Bounds are dotted, and the impossible side is shaded.",
  ],
  [
    "λ, lambda",
    "log<sub>2</sub> M − n + ½ log<sub>2</sub> n, which measures how hard the instances are. Above 0 there are too few items to reach most targets, below 0 there are enough; one more item lowers it by almost 1.",
  ],
  [
    "Y, E Y",
    "Y is the number of subsets (for <code>rnpp</code>: of choices of signs) that sum to the target, so the target is reachable if Y is not 0. E Y is the mean of Y over all instances.",
  ],
  [
    "standard error",
    "the typical distance, by chance alone, between a measured probability and the true one. It shrinks as the number of trials grows.",
  ],
] as const;

const OVERLAY =
  "Dots are measured. Dashed lines are not fitted to the dots but computed from n, M and the target alone. Where dots are off their line, the law is inaccurate.";

/** The reason why some or all measurements are shown without theory. */
function missingTheoryNote(sweeps: readonly NamedSweep[], hasTheory: boolean): string {
  const large = sweeps.find(({ config }) => config.halfRange > maxTheoryHalfRange(config.ensemble));
  if (!large) return hasTheory ? "" : "No theory was computed for this run.";
  const most = grouped(maxTheoryHalfRange(large.config.ensemble));
  return ` Theory is computed for M up to ${most} only, so ${hasTheory ? "larger M are shown" : "these measurements are shown"} without it.`;
}

function section(
  title: string,
  text: string,
  figures: readonly Figure[],
  grid: "figures" | "panels",
): string {
  if (figures.length === 0) return "";
  return `<h2>${title}</h2>
<p>${text}</p>
<div class="${grid}">
${drawn(figures)}
</div>
`;
}

function theorySections(events: readonly PhaseEvent[]): string {
  return [
    section(
      "All precisions on one axis",
      "Every precision has its own threshold, but around the threshold the curves are alike: plotted against λ instead of n, all curves should coincide, the more closely the larger M is. The dashed curve is the limit as items and precision grow together; the distance of small precisions from it is the effect of finite size.",
      collapseFigures(events),
      "figures",
    ),
    section(
      "Distance from theory",
      "If a prediction were exact, 19 of 20 dots would be within 2 standard errors of 0, and none beyond 5. A dot beyond 5 is not chance: there the law, which is exact only in the limit, is measurably wrong, though perhaps by little, since many trials make small errors visible. The axis is compressed away from 0.",
      residualFigures(events),
      "figures",
    ),
    section(
      "Proven bounds",
      "Bounds are theorems: a dot in a shaded area, by more than chance allows, would mean a mistake in the proof or in the program. With few items the two bounds meet, and P is known. Between the bounds no proof decides, and P has to be measured.",
      boundFigures(events),
      "panels",
    ),
  ].join("");
}

/** Plain text as HTML, with squares as superscripts. */
const powersHtml = (text: string) => escape(text).replaceAll("^2", "<sup>2</sup>");

function theoryNumbers(events: readonly PhaseEvent[]): string {
  const sweeps = [...new Set(events.flatMap((event) => event.sweeps))];
  const blocks = sweeps.flatMap((sweep) => {
    const tables = events.flatMap((event) => {
      const s = event.sweeps.indexOf(sweep);
      const known = s < 0 ? [] : event.observations[s]!.flatMap(withTheory);
      return known.length === 0 ? [] : [theoryTable(event, known, sweep)];
    });
    return tables.length === 0
      ? []
      : [
          `<details>\n<summary>${escape(sweepName(sweep, sweeps.length))}</summary>\n${tables.join("\n")}\n</details>`,
        ];
  });
  const names = new Set(
    events.flatMap(({ observations }) =>
      observations.flat().flatMap(({ theory }) => [theory?.lower?.name, theory?.upper?.name]),
    ),
  );
  const used = Object.entries(proofs).filter(([name]) => names.has(name));
  return `<h2>Theory in numbers</h2>
<p>Of the proven bounds, the tables have the best lower and the best upper one, each with the name of its proof and rounded to the
safe side. The window law depends on λ and the size of the target, and the limit law of perfect partitions on λ alone. The
prediction from the exact mean takes the number of solutions to be Poisson distributed with its exact mean.</p>
${blocks.join("\n")}
<dl>
${used.map(([name, text]) => entry(`<code>${name}</code>`, powersHtml(`${text}.`))).join("\n")}
</dl>`;
}

/** An observation that has theory. */
type KnownObservation = Required<Observation>;

function withTheory(observed: Observation): KnownObservation[] {
  const { theory } = observed;
  return theory ? [{ ...observed, theory }] : [];
}

/** Decimals of the probabilities of theory. */
const THEORY_DECIMALS = 6;

/** A bound, rounded to its side, with the name of its proof. */
function limitHtml(bound: Limit | undefined, round: (value: number) => number): string {
  const scale = 10 ** THEORY_DECIMALS;
  return bound
    ? `${(round(bound.value * scale) / scale).toFixed(THEORY_DECIMALS)} <span class="interval">${escape(bound.name)}</span>`
    : "";
}

function predictionHtml(observed: Observation, law: "window" | "poisson"): string {
  const value = predictedProbability(observed, law);
  return value === undefined ? "" : escape(rounded(value, THEORY_DECIMALS));
}

function theoryTable(event: PhaseEvent, known: readonly KnownObservation[], { label }: NamedSweep): string {
  const columns: [head: string, cell: (observed: KnownObservation) => string][] = [
    ["λ", ({ theory }) => theory.lambda?.toFixed(2).replace("-", "−") ?? ""],
    ["E Y", ({ theory }) => (theory.expected === undefined ? "" : meanCount(theory.expected))],
    ["lower bound", ({ theory }) => limitHtml(theory.lower, Math.floor)],
    ["upper bound", ({ theory }) => limitHtml(theory.upper, Math.ceil)],
    [
      event.subject === "perfect" ? "limit law" : "window law",
      (observed) => predictionHtml(observed, "window"),
    ],
    ["from the exact mean", (observed) => predictionHtml(observed, "poisson")],
    ["measured", ({ finding, estimate }) => estimateHtml(finding, estimate)],
  ];
  // The event of all targets has neither a mean nor predictions.
  const filled = columns
    .map(([head, cell]) => ({ head, cells: known.map(cell) }))
    .filter(({ cells }) => cells.some((text) => text !== ""));
  return `<div class="scroll" tabindex="0" role="region" aria-label="${escape(`${event.title}, ${label}, theory`)}">
<table class="theory">
<caption>${escape(event.title)}</caption>
<thead><tr><th scope="col">n</th>${filled.map(({ head }) => `<th scope="col">${head}</th>`).join("")}</tr></thead>
<tbody>
${known.map(({ finding }, i) => `<tr><th scope="row">${finding.items}</th>${filled.map(({ cells }) => `<td>${cells[i]}</td>`).join("")}</tr>`).join("\n")}
</tbody>
</table>
</div>`;
}

/** A mean count: whole from 10,000 on, otherwise with four significant digits. */
function meanCount(value: number): string {
  return value >= 1e4 ? grouped(Math.round(value)) : String(Number(value.toPrecision(4)));
}

function introduction(sweeps: readonly NamedSweep[], hasTheory: boolean): string {
  const used = [...new Set(sweeps.map(({ config }) => config.ensemble))];
  const hasSigned = used.includes("rnpp");
  const hasSubsets = used.length === 0 || used.some((ensemble) => ensemble !== "rnpp");
  return `<p>Take a few random whole numbers, choose some of them and add these up. Which sums can you get, and how many numbers
do you need until you can get every sum that you want? This is the random subset sum problem. It decides when a random neural
network can be pruned until it computes exactly what a given one does: the random numbers are the weights to keep or to
drop, the sum is the weight that is wanted, and because weights are quantized, &ldquo;exactly&rdquo; can be taken literally.</p>
<dl>
${[
  entry("n, items", "the number of random numbers in one instance."),
  entry(
    "M, half range",
    "the values are in −M..M. With a precision of k bits M is 2<sup>k</sup> (4<sup>k</sup> for products).",
  ),
  entry(
    "target",
    `the sum asked for. It is reachable if ${hasSubsets ? "some subset of the items sums to it exactly (the empty subset sums to 0)" : ""}${hasSubsets && hasSigned ? ", or for <code>rnpp</code> if " : ""}${hasSigned ? "the items sum to it with a suitable choice of their signs" : ""}.`,
  ),
  ...(hasSubsets
    ? [
        entry(
          "covered",
          "one and the same instance reaches all 2M + 1 targets of −M..M, so that it can replace any weight.",
        ),
      ]
    : []),
  ...(hasSigned
    ? [
        entry(
          "perfect",
          "the signs can bring the sum to −1, 0 or 1: the items split into two groups as equal as possible.",
        ),
      ]
    : []),
  entry("P", "the probability of this: the share of random instances for which it holds."),
  ...used.map((ensemble) =>
    entry(`<code>${escape(ensemble)}</code>`, powersHtml(`${ensembleTexts[ensemble]}.`)),
  ),
  ...(hasTheory ? THEORY_TERMS.map(([term, text]) => entry(term, text)) : []),
].join("\n")}
</dl>
<p>Source: A. Kumar and E. Natale, &ldquo;Quantization vs Pruning: Insights from the Strong Lottery Ticket
Hypothesis&rdquo;, <a href="https://arxiv.org/abs/2508.11020">arXiv 2508.11020</a>.</p>`;
}

function intervalText(sweeps: readonly NamedSweep[]): string {
  const isExact = sweeps.some(({ config }) => config.enumerate);
  const isSampled = sweeps.some(({ config }) => !config.enumerate);
  return [
    ...(isSampled
      ? [
          "In brackets are exact (Clopper&ndash;Pearson) 95&nbsp;% intervals, rounded outwards: whatever the true probability is, the interval contains it in at least 95 of 100 such runs.",
        ]
      : []),
    ...(isExact
      ? [
          `${isSampled ? "Where there is no interval," : "Here"} every possible instance was counted once, so the probabilities are exact.`,
        ]
      : []),
    "The last column is the mean number of targets of −M..M that an instance reaches.",
  ].join(" ");
}

/** The name of a sweep with its ensemble, which a report of several sweeps names only where it differs. */
function sweepName({ label, config: { ensemble } }: NamedSweep, sweeps: number): string {
  return sweeps > 1 || label.startsWith(ensemble) ? label : `${ensemble}, ${label}`;
}

function sweepNumbers(sweep: NamedSweep, sweeps: number): string {
  const { config, findings } = sweep;
  const targets = representativeTargets(config);
  const name = sweepName(sweep, sweeps);
  const head = [
    "n",
    ...targets.map((target) => `P(target ${target})`),
    config.ensemble === "rnpp" ? "P(perfect)" : "P(all covered)",
    `mean reached of ${grouped(2 * config.halfRange + 1)}`,
  ];
  const rows = findings.map((finding) => [
    String(finding.items),
    ...targets.map((target) =>
      estimateHtml(
        finding,
        finding.targets.find((estimate) => estimate.target === target),
      ),
    ),
    estimateHtml(finding, finding.perfect ?? finding.covered),
    escape(meanText(finding)),
  ]);
  return `<details>
<summary>${escape(name)}: ${rows.length} numbers of items</summary>
<div class="scroll" tabindex="0" role="region" aria-label="${escape(name)}">
<table>
<thead><tr>${head.map((text) => `<th scope="col">${escape(text)}</th>`).join("")}</tr></thead>
<tbody>
${rows.map(([n, ...cells]) => `<tr><th scope="row">${n}</th>${cells.map((text) => `<td>${text}</td>`).join("")}</tr>`).join("\n")}
</tbody>
</table>
</div>
</details>`;
}

function estimateHtml(finding: PhaseFinding, estimate: Estimate | undefined): string {
  if (!estimate) return "";
  const decimals = decimalsOf(finding);
  const value = escape(rounded(estimate.probability, decimals));
  if (finding.interval === "exact") return value;
  const scale = 10 ** decimals;
  const low = (Math.floor(estimate.low * scale) / scale).toFixed(decimals);
  const high = (Math.ceil(estimate.high * scale) / scale).toFixed(decimals);
  return `${value} <span class="interval">[${low}, ${high}]</span>`;
}

function runTable(sweeps: readonly NamedSweep[], about: RunAbout): string {
  const rows = sweeps.map(({ config: { ensemble, halfRange, items }, findings: [first] }) => {
    const { bits, engine, adapter, version } = first;
    return [
      ensemble,
      bits === undefined ? "" : String(bits),
      grouped(halfRange),
      items.from === items.to ? String(items.from) : `${items.from}..${items.to}`,
      trialsText(first),
      engine,
      adapter,
      version,
    ];
  });
  return runHtml(about, ["ensemble", "k", "M", "n", "trials", "engine", "adapter", "exacta"], rows);
}
