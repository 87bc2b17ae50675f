// The report of a width run.

import { parseHTML } from "linkedom";
import { widthFigures } from "../../../src/figures/width.ts";
import type { WidthFinding } from "../../../src/finding.ts";
import { renderFigure } from "../../figure.ts";
import { documentHtml, entry, FIGURE_WIDTH, runHtml, tableHtml, type RunAbout } from "./page.ts";
import { grouped } from "./table.ts";
import { lawText, requiredRows } from "./width-table.ts";

/** A complete HTML document. */
export function widthReport(findings: readonly WidthFinding[], about: RunAbout): string {
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  const figures = widthFigures(findings).map((figure) => ({
    panels: figure.panels,
    html: renderFigure(figure, document, FIGURE_WIDTH).outerHTML,
  }));
  const grid = (panels: boolean) =>
    `<div class="${panels ? "panels" : "figures"}">
${figures
  .filter((figure) => Boolean(figure.panels) === panels)
  .map(({ html }) => html)
  .join("\n")}
</div>`;
  const [head, ...rows] = requiredRows(findings);
  return documentHtml(
    "Hidden units",
    `${about.stopped ? `<p class="note" role="note"><strong>This run was stopped early.</strong> The curves that were finished are shown.</p>` : ""}
${MEANING}
<h2>Figures</h2>
<p>Point at a dot to read its numbers. Dashed lines are computed, not fitted to the dots.</p>
${grid(false)}
${figures.some(({ panels }) => panels) ? `<h2>The cost of precision</h2>\n${grid(true)}` : ""}
<h2>Numbers</h2>
<p>h(P) is the fewest hidden units of each input with which a share P of the networks contains the layers, in brackets the number
that theory predicts. Parameters is the mean number of nonzero parameters with h(0.5).</p>
${tableHtml("hidden units", head!, rows)}
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
