// The report of tails.

import { rangeText } from "../../../src/figures/phase.ts";
import { tailFigures } from "../../../src/figures/tail.ts";
import type { TailFinding } from "../../../src/finding.ts";
import {
  closed,
  documentHtml,
  drawn,
  entry,
  escape,
  FILES,
  runHtml,
  sentences,
  tableHtml,
  type RunAbout,
} from "./page.ts";
import { failureText, kappaText, methodText, tailRows } from "./tail-table.ts";

type Sweep = readonly TailFinding[];

/** What a reader should know first: the smallest failure, how near it is to the law, and how fast failure falls. */
function summary(findings: Sweep): string {
  const [first] = findings as [TailFinding];
  const last = findings.at(-1)!;
  const rate = findings.findLast(({ rate }) => rate !== undefined)?.rate;
  const name = `${first.ensemble}, ${rangeText(first)}`;
  return [
    `${name}: with ${last.items} items some target is missed with probability ${failureText(last.covered.failure)} (${methodText(last)})`,
    ...(last.law === undefined
      ? []
      : [`which is ${(last.covered.failure / last.law).toPrecision(4)} times 2 R_n(M)`]),
    ...(rate === undefined ? [] : [`and one item more multiplies it by ${rate.toFixed(3)}`]),
  ].join(", ");
}

/** A complete HTML document. */
export function tailReport(sweeps: readonly Sweep[], about: RunAbout): string {
  const tables = sweeps.map((findings) => {
    const [head, ...rows] = tailRows(findings);
    const name = `${findings[0]!.ensemble}, ${rangeText(findings[0]!)}`;
    const fit = kappaText(findings);
    return closed(
      `${escape(name)}: ${rows.length} numbers of items`,
      `${tableHtml(name, head!, rows)}${fit === undefined ? "" : `\n<p>Fitted: ${escape(fit)}.</p>`}`,
    );
  });
  return documentHtml(
    "How failure decays",
    `${about.stopped ? `<p class="note" role="note"><strong>This run was stopped early.</strong> The configurations that were finished are shown.</p>` : ""}
${sentences(sweeps.map((findings) => `${escape(summary(findings))}.`))}
<h2>Figures</h2>
<p>Point at a dot to read its numbers; the tables below have all of them. The law and the bound are often one line.</p>
<div class="figures">
${drawn(tailFigures(sweeps))}
</div>
${closed("What is shown", MEANING)}
<h2>Numbers</h2>
${FILES}
${tables.join("\n")}
<h2>Run</h2>
${runHtml(
  about,
  ["ensemble", "M", "n", "method", "engine", "adapter", "exacta"],
  sweeps.map((findings) => {
    const [first] = findings as [TailFinding];
    const { ensemble, halfRange, items, engine, adapter, version } = first;
    const range = `${items}..${findings.at(-1)!.items}`;
    return [ensemble, String(halfRange), range, methodText(first), engine, adapter, version];
  }),
)}`,
  );
}

const MEANING = `<dl>
${[
  entry("P(some), P(t)", "the probability that some target of &minus;M..M is missed, and that t is."),
  entry(
    "R_n(M)",
    "the probability that the positive ones of n items add up to less than M. They cannot reach M then.",
  ),
  entry(
    "2 R_n(M)",
    "the law that P(some) was found to approach as n grows, by computing both. It is not proven.",
  ),
  entry(
    "bound",
    "a proven lower bound on P(some): 2 R_n(M) less the probability that all magnitudes add up to at most 2 M &minus; 2, or the probability that all items have a common divisor.",
  ),
  entry(
    "fitted form",
    "2 exp(&minus;(n &minus; 2 ln(M + 1))<sup>2</sup> / (kappa n)), the bound of Kumar &amp; Natale, &ldquo;A Unified Framework for Quantized and Continuous Strong Lottery Tickets&rdquo;, which states neither C nor kappa: here C = 2, and the least kappa that is enough for these n. It is fitted, not proven.",
  ),
  entry("trivial ticket", "keeps one item for each weight, which must be there: the coupon collector."),
  entry("rate", "P(some) with one item more, over P(some)."),
].join("\n")}
</dl>`;
