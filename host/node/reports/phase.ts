// The report of a phase run: one HTML file that opens anywhere, without network or scripts.

import { parseHTML } from "linkedom";
import type { Ensemble } from "../../../src/ensemble.ts";
import type { PhaseFinding, TheoryFinding } from "../../../src/finding.ts";
import type { Figure } from "../../../src/figures/figure.ts";
import {
  phaseEvents,
  phaseFigures,
  phaseSweeps,
  predictedOf,
  SHOWN_TARGETS,
  tellingTargets,
  type Limit,
  type PhaseEvent,
  type PhaseSweep,
  type Sighting,
} from "../../../src/figures/phase.ts";
import { boundFigures, collapseFigures, residualFigures } from "../../../src/figures/theory.ts";
import type { Estimate } from "../../../src/statistics.ts";
import { maxTheoryHalfRange } from "../../../src/theory/distribution.ts";
import type { lowerBounds, upperBounds } from "../../../src/theory/envelope.ts";
import { renderFigure } from "../../figure.ts";
import { documentHtml, entry, escape, FIGURE_WIDTH, runHtml, type RunAbout } from "./page.ts";
import { decimalsOf, grouped, meanText, rounded, targetsOf, trialsText } from "./table.ts";

/**
 * A complete HTML document. Everything in it that came from outside is escaped. Theory is drawn over the findings it has
 * the ensemble, half range, items and targets of.
 */
export function reportHtml(
  findings: readonly PhaseFinding[],
  about: RunAbout,
  theory: readonly TheoryFinding[] = [],
): string {
  const sweeps = phaseSweeps(findings);
  const shown = findings.map((finding) => {
    const telling = new Set(
      tellingTargets(
        finding.targets.map(({ target }) => target),
        finding.halfRange,
        SHOWN_TARGETS,
      ),
    );
    return { ...finding, targets: finding.targets.filter(({ target }) => telling.has(target)) };
  });
  const hidden = findings.some(({ targets }) => targets.length > SHOWN_TARGETS);
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  const draw = (figures: readonly Figure[]) =>
    figures.map((figure) => renderFigure(figure, document, FIGURE_WIDTH).outerHTML);
  const events = phaseEvents(shown, theory);
  const told = events.some(({ sightings }) => sightings.flat().some(({ said }) => said));
  return documentHtml(
    "Random subset sums",
    `${about.stopped ? stoppedNote(findings) : ""}
${meaning(findings, told)}
${
  findings.length === 0
    ? "<p>There are no numbers to show.</p>"
    : `<h2>Figures</h2>
<p>Point at a dot to read its numbers.${hidden ? ` Of many targets, ${SHOWN_TARGETS} are shown for each configuration; the result files hold all.` : ""} ${told ? OVERLAY : ""}${withoutTheory(findings, told)}</p>
<div class="figures">
${draw(phaseFigures(shown, theory)).join("\n")}
</div>
${told ? theorySections(draw, shown, theory) : ""}<h2>Numbers</h2>
<p>${intervalText(findings)}</p>
${sweeps.map((sweep) => numbers(sweep, sweeps.length)).join("\n")}
${told ? theoryNumbers(events) : ""}`
}
<h2>Run</h2>
${run(sweeps, about)}`,
  );
}

function stoppedNote(findings: readonly PhaseFinding[]): string {
  return `<p class="note" role="note"><strong>This run was stopped early.</strong> ${
    findings.length === 0
      ? "No batch of trials was finished."
      : "It has fewer trials than were asked for; the intervals are those of the trials that were counted, which the Run section lists."
  }</p>`;
}

const LAWS: Record<Ensemble, string> = {
  rssp: "drawn uniformly from −M..M without 0",
  rssp0: "drawn uniformly from −M..M",
  rnpp: "drawn uniformly from 1..M, and every item enters the sum with a sign of choice",
  products: "products of one factor of 1..N and one of −N..N without 0, with M = N<sup>2</sup>",
  products0: "products of one factor of 1..N and one of −N..N, with M = N<sup>2</sup>",
};

/** The words of theory, where theory is shown. */
const TERMS = [
  [
    "prediction",
    "what a formula says P is close to, without any simulation. The truth may lie on either side of it. Predictions are dashed.",
  ],
  [
    "bound",
    "a proven limit: P cannot lie below a lower bound or above an upper one, whatever n and M are. Bounds are dotted, with the impossible side shaded.",
  ],
  [
    "λ, lambda",
    "log<sub>2</sub> M − n + ½ log<sub>2</sub> n, the place on the way from hard to easy. Above 0 there are too few items for most targets, below 0 enough; one more item lowers it by almost 1.",
  ],
  [
    "Y, E Y",
    "Y is how many choices of items (for <code>rnpp</code>: of signs) give the target, so that it is reachable when Y is not 0; E Y is the mean of Y over all instances.",
  ],
  [
    "standard error",
    "the typical distance, by chance alone, between a measured share and the true one. It shrinks as the trials grow.",
  ],
] as const;

const OVERLAY =
  "Dots are measured; dashed lines were not fitted to them but computed from n, M and the target alone. Where the dots leave their line, the law is loose.";

/** Why some or all measurements stand alone. */
function withoutTheory(findings: readonly PhaseFinding[], told: boolean): string {
  const large = findings.find(({ ensemble, halfRange }) => halfRange > maxTheoryHalfRange(ensemble));
  if (!large) return told ? "" : "No theory was computed for this run, so the measurements stand alone.";
  const most = grouped(maxTheoryHalfRange(large.ensemble));
  return ` Theory is computed for M up to ${most} only, so ${told ? "larger M are shown" : "these measurements stand"} without it.`;
}

function theorySections(
  draw: (figures: readonly Figure[]) => string[],
  findings: readonly PhaseFinding[],
  theory: readonly TheoryFinding[],
): string {
  const section = (title: string, text: string, figures: readonly Figure[], grid: string) =>
    figures.length === 0
      ? ""
      : `<h2>${title}</h2>
<p>${text}</p>
<div class="${grid}">
${draw(figures).join("\n")}
</div>
`;
  return [
    section(
      "All precisions on one axis",
      "Every precision has its own threshold, but seen from the threshold they are alike: with λ in place of n all curves should fall on one, the closer the larger M is. The dashed curve is the limit that is approached as items and precision grow together; how far the small ones are from it is the price of being finite.",
      collapseFigures(findings, theory),
      "figures",
    ),
    section(
      "How far from theory",
      "Were a prediction exactly right, 19 of 20 dots would lie within 2 standard errors of 0, and none beyond 5. What is beyond 5 is no chance: there the law, which is exact only in the limit, is measurably wrong, though perhaps by little, since many trials make small errors visible. The axis is compressed away from 0.",
      residualFigures(findings, theory),
      "figures",
    ),
    section(
      "Within what is proven",
      "Bounds are theorems: a dot in a shaded area by more than chance allows would be a mistake in the proof or in the program. With few items the two bounds meet, and the truth is known. The unshaded corridor is what no proof decides, so that it takes measuring.",
      boundFigures(findings, theory),
      "panels",
    ),
  ].join("");
}

/** The bounds by name, as far as a table needs. */
const BOUNDS: Record<(typeof lowerBounds)[number] | (typeof upperBounds)[number], string> = {
  markov: "Markov: P is at most E Y (half of it for signed sum 0, whose solutions come in pairs)",
  markov_cond: "Markov for each total of the items by itself, added up",
  parity: "a signed sum is even or odd as the plain sum is",
  divisor: "all items may share a divisor that the target lacks",
  range: "the items of the target&rsquo;s sign may not add up to it",
  empty: "the empty subset gives 0",
  cs: "Cauchy&ndash;Schwarz: P is at least (E Y)<sup>2</sup> / E Y<sup>2</sup>",
  ds: "Dawson&ndash;Sankoff: the best bound from E Y and E Y<sup>2</sup>",
  cs_cond: "Cauchy&ndash;Schwarz for each total of the items by itself, added up",
  ds_cond: "Dawson&ndash;Sankoff for each total of the items by itself, added up",
  amplification: "disjoint groups of items fail independently",
};

function theoryNumbers(events: readonly PhaseEvent[]): string {
  const sweeps = [...new Set(events.flatMap(({ sweeps }) => sweeps))];
  const blocks = sweeps.flatMap((sweep) => {
    const tables = events.flatMap((event) => {
      const s = event.sweeps.indexOf(sweep);
      const known = s < 0 ? [] : event.sightings[s]!.filter(({ said }) => said);
      return known.length === 0 ? [] : [theoryTable(event, known, sweep)];
    });
    const [{ ensemble }] = sweep.findings;
    const name =
      sweeps.length > 1 || sweep.label.startsWith(ensemble) ? sweep.label : `${ensemble}, ${sweep.label}`;
    return tables.length === 0
      ? []
      : [`<details>\n<summary>${escape(name)}</summary>\n${tables.join("\n")}\n</details>`];
  });
  const names = new Set(
    events.flatMap(({ sightings }) =>
      sightings.flat().flatMap(({ said }) => [said?.lower?.name, said?.upper?.name]),
    ),
  );
  const used = Object.entries(BOUNDS).filter(([name]) => names.has(name));
  return `<h2>Theory in numbers</h2>
<p>Of the proven bounds only the best of each side is given, with the name of its proof, rounded to the safe side. The window law
looks at λ and the size of the target, and the limit law of perfect partitions at λ alone; the prediction from the exact mean takes the number of solutions to be Poisson
distributed, its mean exact.</p>
${blocks.join("\n")}
<dl>
${used.map(([name, text]) => entry(`<code>${name}</code>`, `${text}.`)).join("\n")}
</dl>`;
}

/** Decimals of theory's probabilities. */
const DIGITS = 6;

/** A bound, rounded to its side, with the name of its proof. */
function limit(bound: Limit | undefined, round: (value: number) => number): string {
  return bound
    ? `${(round(bound.value * 10 ** DIGITS) / 10 ** DIGITS).toFixed(DIGITS)} <span class="interval">${escape(bound.name)}</span>`
    : "";
}

function predicted(seen: Sighting, law: "window" | "poisson"): string {
  const value = predictedOf(seen, law);
  return value === undefined ? "" : escape(rounded(value, DIGITS));
}

function theoryTable(event: PhaseEvent, known: readonly Sighting[], { label }: PhaseSweep): string {
  const columns: [head: string, cell: (seen: Sighting) => string][] = [
    ["λ", ({ said }) => said!.lambda?.toFixed(2).replace("-", "−") ?? ""],
    ["E Y", ({ said }) => (said!.expected === undefined ? "" : meanCount(said!.expected))],
    ["lower bound", ({ said }) => limit(said!.lower, Math.floor)],
    ["upper bound", ({ said }) => limit(said!.upper, Math.ceil)],
    [event.of === "perfect" ? "limit law" : "window law", (seen) => predicted(seen, "window")],
    ["from the exact mean", (seen) => predicted(seen, "poisson")],
    ["measured", ({ finding, estimate }) => estimateHtml(finding, estimate)],
  ];
  // All targets together have no mean and no predictions.
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

/** A mean count, four digits of it. */
function meanCount(value: number): string {
  return value >= 1e4 ? grouped(Math.round(value)) : String(Number(value.toPrecision(4)));
}

function meaning(findings: readonly PhaseFinding[], told: boolean): string {
  const used = [...new Set(findings.map(({ ensemble }) => ensemble))];
  const signed = used.includes("rnpp");
  const subsets = used.length === 0 || used.some((ensemble) => ensemble !== "rnpp");
  return `<p>Take a few random whole numbers, pick some of them and add those up. Which sums can you get, and how many numbers
do you need until you can get every sum you may want? That is the random subset sum problem. It says when a random neural
network can be pruned until it computes exactly what a given one does: the random numbers are the weights to keep or to
drop, the sum is the weight that is wanted, and because weights are quantized, &ldquo;exactly&rdquo; can be meant literally.</p>
<dl>
${[
  entry("n, items", "how many random numbers there are in one instance."),
  entry(
    "M, half range",
    "the values lie in −M..M. With a precision of k bits M is 2<sup>k</sup> (4<sup>k</sup> for products).",
  ),
  entry(
    "target",
    `the sum asked for; it is reachable when ${subsets ? "some subset of the items adds up to it exactly (the empty subset gives 0)" : ""}${subsets && signed ? ", or for <code>rnpp</code> when " : ""}${signed ? "the items add up to it with some choice of their signs" : ""}.`,
  ),
  ...(subsets
    ? [
        entry(
          "covered",
          "one and the same instance reaches all 2M + 1 targets of −M..M, so that it can stand in for any weight.",
        ),
      ]
    : []),
  ...(signed
    ? [
        entry(
          "perfect",
          "the signs can bring the sum to −1, 0 or 1: the items split into two halves as equal as can be.",
        ),
      ]
    : []),
  entry("P", "the share of random instances for which this holds."),
  ...used.map((ensemble) => entry(`<code>${escape(ensemble)}</code>`, `the items are ${LAWS[ensemble]}.`)),
  ...(told ? TERMS.map(([term, text]) => entry(term, text)) : []),
].join("\n")}
</dl>
<p>Source: A. Kumar and E. Natale, &ldquo;Quantization vs Pruning: Insights from the Strong Lottery Ticket
Hypothesis&rdquo;, <a href="https://arxiv.org/abs/2508.11020">arXiv 2508.11020</a>.</p>`;
}

function intervalText(findings: readonly PhaseFinding[]): string {
  const exact = findings.some(({ interval }) => interval === "exact");
  const sampled = findings.some(({ interval }) => interval !== "exact");
  return [
    ...(sampled
      ? [
          "In brackets are exact (Clopper&ndash;Pearson) 95&nbsp;% intervals, rounded outwards: whatever the true probability is, in at least 95 of 100 such runs the interval contains it.",
        ]
      : []),
    ...(exact
      ? [
          `${sampled ? "Where no interval is given" : "Here"} every possible instance was counted once, so the probabilities are exact counts and have no interval.`,
        ]
      : []),
    "The last column is the mean number of targets of −M..M that one instance reaches.",
  ].join(" ");
}

function numbers({ label, findings }: PhaseSweep, blocks: number): string {
  const [{ ensemble, halfRange }] = findings;
  const asked = targetsOf(findings);
  const targets = tellingTargets(asked, halfRange, SHOWN_TARGETS);
  const name = blocks > 1 || label.startsWith(ensemble) ? label : `${ensemble}, ${label}`;
  const head = [
    "n",
    ...targets.map((target) => `P(target ${target})`),
    ensemble === "rnpp" ? "P(perfect)" : "P(all covered)",
    `mean reached of ${grouped(2 * halfRange + 1)}`,
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
  return `<details open>
<summary>${escape(name)}</summary>
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

function run(sweeps: readonly PhaseSweep[], about: RunAbout): string {
  const rows = sweeps.map(({ findings }) => {
    const [{ ensemble, bits, halfRange, items, engine, adapter, version }] = findings;
    const last = findings.at(-1)!.items;
    return [
      ensemble,
      bits === undefined ? "" : String(bits),
      grouped(halfRange),
      items === last ? String(items) : `${items}..${last}`,
      trialsText(findings[0]),
      engine,
      adapter,
      version,
    ];
  });
  return runHtml(about, ["ensemble", "k", "M", "n", "trials", "engine", "adapter", "exacta"], rows);
}
