// The report of a width run.

import { failureFigure } from "../../../src/figures/phase.ts";
import { layersText, precisionText, sizeFigures, widthFigures } from "../../../src/figures/width.ts";
import type { WidthFinding } from "../../../src/finding.ts";
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
  tableHtml,
  type RunAbout,
} from "./page.ts";
import { counted, grouped } from "./table.ts";
import { lawText, requiredRows } from "./width-table.ts";

/** A complete HTML document. */
export function widthReport(findings: readonly WidthFinding[], about: RunAbout): string {
  const figures = widthFigures(findings);
  const sizes = sizeFigures(findings);
  const [curves, panels] = [figures.filter((one) => !one.panels), figures.filter((one) => one.panels)];
  const [head, ...rows] = requiredRows(findings);
  return documentHtml(
    "Hidden units",
    `${about.stopped ? `<p class="note" role="note"><strong>This run was stopped early.</strong> The curves that were finished are shown.</p>` : ""}
${sentences(summary(findings).map(escape))}
<h2>Figures</h2>
<p>Point at a dot to read its numbers. Dashed lines are computed, not fitted to the dots.</p>
${switched("The vertical axes have", [
  ["the share that contains the layers", curves],
  ["the share that does not, on a logarithmic axis", curves.map(failureFigure)],
])}
${sizes.length > 0 ? `<h2>Depth and width</h2>\n<div class="figures">\n${drawn(sizes)}\n</div>` : ""}
${panels.length > 0 ? `<h2>The cost of precision</h2>\n<div class="panels">\n${drawn(panels)}\n</div>` : ""}
${closed("What the words mean", MEANING)}
<h2>Numbers</h2>
${FILES}
${closed(
  `${rows.length} ${rows.length === 1 ? "curve" : "curves"}`,
  `<p>h(P) is the fewest hidden units of each input with which a share P of the networks contains the layers, in brackets the number
that theory predicts. Parameters is the mean number of nonzero parameters with h(0.5).</p>
${tableHtml("hidden units", head!, rows)}`,
)}
<h2>Run</h2>
${runHtml(
  about,
  ["k", "k_t", "d", "l", "weights", "trials", "seed", "engine", "adapter", "exacta"],
  findings.map((finding) => {
    const { bits, targetBits, width, depth, trials, seed, engine, adapter, version } = finding;
    return [
      ...[bits, targetBits, width, depth].map(String),
      lawText(finding),
      grouped(trials),
      seed,
      engine,
      adapter,
      version,
    ];
  }),
)}`,
  );
}

/** The elements of a list with the least and the greatest value. */
function range<T>(list: readonly T[], of: (one: T) => number): { readonly least: T; readonly most: T } {
  return {
    least: list.reduce((a, b) => (of(b) < of(a) ? b : a)),
    most: list.reduce((a, b) => (of(b) > of(a) ? b : a)),
  };
}

/** What a reader should know first: the units of half of the networks, how far theory is off, and the parameters. */
function summary(findings: readonly WidthFinding[]): string[] {
  const known = findings.flatMap((finding) => {
    const { units, predicted } = finding.required[0]!;
    return units === undefined || predicted === undefined ? [] : [{ finding, units, predicted }];
  });
  if (known.length === 0) return [];
  const name = (finding: WidthFinding) => `${layersText(finding)} (${precisionText(finding, findings)})`;
  const { least, most } = range(known, ({ units }) => units);
  const off = range(known, ({ units, predicted }) => Math.abs(units - predicted)).most;
  const gaps = findings.flatMap((finding) => (finding.gap ? [{ finding, ...finding.gap }] : []));
  const { least: low, most: high } = range(gaps, ({ structured }) => structured);
  return [
    least === most
      ? `Half of the random networks contain ${name(least.finding)} with ${least.units} hidden units for each input.`
      : `Half of the random networks contain the layers with ${least.units} hidden units for each input, for ${name(least.finding)}, and with ${most.units} for ${name(most.finding)}.`,
    off.units === off.predicted
      ? "Theory predicts these numbers exactly."
      : `Theory is off by ${counted(Math.abs(off.units - off.predicted), "unit")} at most: ${off.units} are measured and ${off.predicted} predicted for ${name(off.finding)}.`,
    low === high
      ? `Such a network has ${low.structured.toFixed(1)} times the parameters that Theorem 3 counts, and ${low.dense.toFixed(1)} times with dense layers.`
      : `Such networks have ${low.structured.toFixed(1)} to ${high.structured.toFixed(1)} times the parameters that Theorem 3 counts, and up to ${Math.max(...gaps.map(({ dense }) => dense)).toFixed(1)} times with dense layers.`,
  ];
}

const MEANING = `<p>Give every input of a layer some hidden units with random quantized weights and prune: the remaining layer may be exactly the
one you wanted. How many hidden units does that take? Every dot below is the share of random networks that contain the layers
asked for, with every weight found.</p>
<dl>
${[
  entry("k", "the bits of the random weights: integers of &minus;2<sup>k</sup>..2<sup>k</sup>."),
  entry(
    "k_t",
    "the bits of the layers&rsquo; weights, which are random too: uniform on &minus;2<sup>k_t</sup>..2<sup>k_t</sup>.",
  ),
  entry("d, l", "there are l layers of d inputs and d outputs; the inputs of the first may be negative."),
  entry("h", "the hidden units of each input."),
  entry(
    "gap",
    "the ratio of the parameters of the random network, when half of such networks contain the layers, to the number of Theorem 3: with hidden units of one input each, and with the paper&rsquo;s dense layers. A network with fewer nonzero parameters than that number does not have a mask for half of the choices of the layers&rsquo; weights. For more than one layer, different weights may be one function, and the number counts weights, not functions.",
  ),
].join("\n")}
</dl>
<p>Source: A. Kumar and E. Natale, &ldquo;Quantization vs Pruning: Insights from the Strong Lottery Ticket
Hypothesis&rdquo;, <a href="https://arxiv.org/abs/2508.11020">arXiv 2508.11020</a>, Theorems 1 and 3.</p>`;
