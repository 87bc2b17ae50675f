// The report of a required run.

import { poolNames, requiredFigures } from "../../../src/figures/required.ts";
import type { RequiredFinding } from "../../../src/finding.ts";
import {
  closed,
  documentHtml,
  drawn,
  entry,
  escape,
  FILES,
  runHtml,
  sentences,
  type RunAbout,
} from "./page.ts";
import { methodText, requiredTable } from "./required-table.ts";
import { grouped } from "./table.ts";

/** What a reader should know first: the items of the finest precision, the cost of a bit, and the cost of products. */
function summary(findings: readonly RequiredFinding[]): string[] {
  const known = findings.flatMap(({ items, ...rest }) => (items === undefined ? [] : [{ ...rest, items }]));
  if (known.length === 0) return [];
  const rarest = Math.min(...known.map(({ failure }) => failure));
  const ofPool = (pool: RequiredFinding["pool"]) =>
    known
      .filter((finding) => finding.pool === pool && finding.failure === rarest)
      .toSorted((a, b) => a.bits - b.bits);
  const first = [ofPool("uniform"), ofPool("products"), ofPool("support")].find((list) => list.length > 0);
  const [coarsest, finest] = [first![0]!, first!.at(-1)!];
  const worst = finest.target === undefined ? "" : ` (${finest.target})`;
  return [
    `With M = ${grouped(finest.halfRange)}, ${finest.items} ${poolNames[finest.pool]} miss the worst target${worst} with probability at most ${rarest}.`,
    ...(coarsest.bits < finest.bits
      ? [
          `From k = ${coarsest.bits} to ${finest.bits}, each further bit takes ${((finest.items - coarsest.items) / (finest.bits - coarsest.bits)).toFixed(2)} items more.`,
        ]
      : []),
    ...(["products", "support"] as const).flatMap((pool) => {
      const other = ofPool(pool).find(({ bits }) => bits === finest.bits);
      if (!other || other.pool === finest.pool) return [];
      const raw = other.cost > 1 ? `, for which ${Math.ceil(other.items * other.cost)} are drawn` : "";
      return [
        `It takes ${other.items} ${pool === "products" ? "products of two weights" : "products that are rejected until they are uniform"}${raw}.`,
      ];
    }),
  ];
}

const WORDS = `<dl>
${[
  entry(
    "target, missed",
    "a sum that is asked for. A target is missed where no subset of the n random items adds up to it.",
  ),
  entry("the worst target", "the one of &minus;M..M that is missed most often, with M = 2<sup>k</sup>."),
  entry("uniform items", "are drawn uniformly from &minus;M..M without 0."),
  entry(
    "products",
    "are of one factor of 1..N and one of &minus;N..N without 0, with M = N<sup>2</sup>: what two random weights in a row make.",
  ),
  entry(
    "rejected products",
    "are products that are left out at random until those that remain are uniform on the distinct ones, as the proof of Lemma 5 of Kumar &amp; Natale asks.",
  ),
  entry(
    "log2 ((2M + 1) (1 &minus; P))",
    "with fewer items there are so few subsets that some target is missed with probability above P.",
  ),
].join("\n")}
</dl>`;

const listOf = (values: readonly number[]) => [...new Set(values)].join(", ");

/** A row for each pool, method and engine, with all their precisions and failures. */
function runRows(findings: readonly RequiredFinding[]): string[][] {
  const groups = new Map<string, RequiredFinding[]>();
  for (const finding of findings) {
    const { pool, engine, adapter } = finding;
    const key = JSON.stringify([pool, methodText(finding), engine, adapter]);
    groups.set(key, [...(groups.get(key) ?? []), finding]);
  }
  return [...groups.values()].map((group) => {
    const [first] = group as [RequiredFinding];
    const [bits, failures] = [
      listOf(group.map(({ bits }) => bits)),
      listOf(group.map(({ failure }) => failure)),
    ];
    return [first.pool, bits, failures, methodText(first), first.engine, first.adapter, first.version];
  });
}

/** A complete HTML document. */
export function requiredReport(findings: readonly RequiredFinding[], about: RunAbout): string {
  const figures = requiredFigures(findings);
  return documentHtml(
    "Required items",
    `${about.stopped ? `<p class="note" role="note"><strong>This run was stopped early.</strong> The rows that were finished are shown.</p>` : ""}
${findings.length > 0 ? sentences(summary(findings).map(escape)) : "<p>There are no numbers to show.</p>"}
${figures.length > 0 ? `<h2>Figures</h2>\n<div class="figures">\n${drawn(figures)}\n</div>\n${closed("What the words mean", WORDS)}` : ""}
${findings.length > 0 ? `<h2>Numbers</h2>\n${FILES}\n${closed("The table", `<pre class="scroll">${escape(requiredTable(findings))}</pre>`)}` : ""}
<h2>Run</h2>
${runHtml(about, ["pool", "k", "failures", "method", "engine", "adapter", "exacta"], runRows(findings))}`,
  );
}
