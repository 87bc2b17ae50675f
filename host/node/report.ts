// The report of a phase run: one HTML file that opens anywhere, without network or scripts.

import { parseHTML } from "linkedom";
import type { Ensemble } from "../../src/ensemble.ts";
import type { PhaseFinding } from "../../src/finding.ts";
import { phaseFigures, phaseSweeps, tellingTargets, type PhaseSweep } from "../../src/figures/phase.ts";
import type { Estimate } from "../../src/statistics.ts";
import { renderFigure } from "../figure.ts";
import { decimalsOf, integer, meanText, rounded, targetsOf, trialsText } from "./table.ts";

export interface RunAbout {
  /** What was typed. */
  readonly command: string;
  readonly started: Date;
  readonly seconds: number;
  /** It was stopped before all trials were done. */
  readonly stopped: boolean;
}

/** The most targets of a configuration that have a figure and a column. */
const SHOWN = 4;
/** Figures stand two abreast on a wide page and are a little narrower than a phone's. */
const FIGURE_WIDTH = 440;

/** A complete HTML document. Everything in it that came from outside is escaped. */
export function reportHtml(findings: readonly PhaseFinding[], about: RunAbout): string {
  const sweeps = phaseSweeps(findings);
  const shown = findings.map((finding) => {
    const telling = new Set(tellingTargets(finding.targets.map(({ target }) => target), finding.halfRange, SHOWN));
    return { ...finding, targets: finding.targets.filter(({ target }) => telling.has(target)) };
  });
  const hidden = findings.some(({ targets }) => targets.length > SHOWN);
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  const figures = phaseFigures(shown).map((figure) => renderFigure(figure, document, FIGURE_WIDTH).outerHTML);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>exacta: random subset sums</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>Random subset sums</h1>
${about.stopped ? stoppedNote(findings) : ""}
${meaning(findings)}
${
  findings.length === 0
    ? "<p>There are no numbers to show.</p>"
    : `<h2>Figures</h2>
<p>Point at a dot to read its numbers.${hidden ? ` Of many targets, ${SHOWN} are shown for each configuration; the result files hold all.` : ""}</p>
<div class="figures">
${figures.join("\n")}
</div>
<h2>Numbers</h2>
<p>${intervalText(findings)}</p>
${sweeps.map((sweep) => numbers(sweep, sweeps.length)).join("\n")}`
}
<h2>Run</h2>
${run(sweeps, about)}
</main>
</body>
</html>
`;
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

const entry = (term: string, text: string) => `<dt>${term}</dt><dd>${text}</dd>`;

function meaning(findings: readonly PhaseFinding[]): string {
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
  entry("M, half range", "the values lie in −M..M. With a precision of k bits M is 2<sup>k</sup> (4<sup>k</sup> for products)."),
  entry(
    "target",
    `the sum asked for; it is reachable when ${subsets ? "some subset of the items adds up to it exactly (the empty subset gives 0)" : ""}${subsets && signed ? ", or for <code>rnpp</code> when " : ""}${signed ? "the items add up to it with some choice of their signs" : ""}.`,
  ),
  ...(subsets ? [entry("covered", "one and the same instance reaches all 2M + 1 targets of −M..M, so that it can stand in for any weight.")] : []),
  ...(signed ? [entry("perfect", "the signs can bring the sum to −1, 0 or 1: the items split into two halves as equal as can be.")] : []),
  entry("P", "the share of random instances for which this holds."),
  ...used.map((ensemble) => entry(`<code>${escape(ensemble)}</code>`, `the items are ${LAWS[ensemble]}.`)),
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
  const targets = tellingTargets(asked, halfRange, SHOWN);
  const name = blocks > 1 || label.startsWith(ensemble) ? label : `${ensemble}, ${label}`;
  const head = ["n", ...targets.map((target) => `P(target ${target})`), ensemble === "rnpp" ? "P(perfect)" : "P(all covered)", `mean reached of ${integer(2 * halfRange + 1)}`];
  const rows = findings.map((finding) => [
    String(finding.items),
    ...targets.map((target) => estimateHtml(finding, finding.targets.find((estimate) => estimate.target === target))),
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

function run(sweeps: readonly PhaseSweep[], { command, started, seconds, stopped }: RunAbout): string {
  const rows = sweeps.map(({ findings }) => {
    const [{ ensemble, bits, halfRange, items, engine, adapter, version }] = findings;
    const last = findings.at(-1)!.items;
    return [
      ensemble,
      bits === undefined ? "" : String(bits),
      integer(halfRange),
      items === last ? String(items) : `${items}..${last}`,
      trialsText(findings[0]),
      engine,
      adapter,
      version,
    ];
  });
  const head = ["ensemble", "k", "M", "n", "trials", "engine", "adapter", "exacta"];
  return `<dl>
<dt>command</dt><dd><code>${escape(command)}</code></dd>
<dt>started</dt><dd><time datetime="${started.toISOString()}">${started.toISOString().replace("T", " ").slice(0, 19)} UTC</time></dd>
<dt>took</dt><dd>${duration(seconds)}${stopped ? ", stopped early" : ""}</dd>
</dl>
${
  rows.length === 0
    ? ""
    : `<div class="scroll" tabindex="0" role="region" aria-label="configurations">
<table class="run">
<thead><tr>${head.map((text) => `<th scope="col">${text}</th>`).join("")}</tr></thead>
<tbody>
${rows.map((row) => `<tr>${row.map((text) => `<td>${escape(text)}</td>`).join("")}</tr>`).join("\n")}
</tbody>
</table>
</div>
<p>The same command gives the same numbers on every engine and machine.${stopped ? " So does a run that is stopped after the same trials." : ""}</p>`
}`;
}

function duration(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return `${hours > 0 ? `${hours} h ` : ""}${minutes} min ${whole % 60} s`;
}

function escape(text: string): string {
  const names: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  return text.replace(/[&<>"']/g, (char) => names[char]!);
}

const STYLE = `
:root { color-scheme: light dark; --text: #1c1e21; --soft: #5a6068; --line: #d5d9de; --page: #ffffff; --note: #fdf3d8; }
@media screen and (prefers-color-scheme: dark) {
  :root { --text: #e6e8ea; --soft: #a3abb3; --line: #3a4048; --page: #15181c; --note: #3a3017; }
}
@media print { :root { color-scheme: light; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 70rem; margin: 0 auto; padding: 1rem clamp(1rem, 4vw, 2.5rem) 3rem; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 1rem 0; }
h2 { font-size: 1.25rem; margin: 2.25rem 0 .75rem; break-after: avoid; }
p, dl { max-width: 46rem; }
a { color: inherit; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; }
dt { font-weight: 600; }
dd { margin: 0; overflow-wrap: anywhere; }
.note { background: var(--note); padding: .75rem 1rem; border-radius: .375rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); gap: 2rem 2.5rem; }
.figures figure { max-width: 40rem; }
.figures svg { width: 100%; }
details { margin: 1rem 0; }
summary { font-weight: 600; cursor: pointer; padding: .25rem 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .75rem .2rem 0; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }
thead th { color: var(--soft); font-weight: 600; }
tbody th { font-weight: 600; }
.run th, .run td { text-align: left; }
.interval { color: var(--soft); }
@media (max-width: 30rem) {
  dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: .5rem; }
}
@media print {
  .scroll { overflow: visible; }
  tr { break-inside: avoid; }
}
`;
