// The page of `exacta paper`: figures of the reports of all exhibits, each with its statement, its command and a digest.

import { createHash } from "node:crypto";
import { parseHTML } from "linkedom";
import { ensembleTexts } from "../reports/ensembles.ts";
import { documentHtml, entry, escape } from "../reports/page.ts";
import { wrap } from "../reports/table.ts";
import type { Exhibit } from "./exhibits.ts";

/** An exhibit that was computed. */
export interface Shown {
  readonly exhibit: Exhibit;
  /** The name of the folder of its files. */
  readonly folder: string;
  /** The command that draws it alone. */
  readonly command: string;
  readonly report: string;
  readonly results: string;
  readonly seconds: number;
}

const PROVENANCE = new Set(["engine", "adapter", "version"]);

/** SHA-256 of the lines of results.jsonl without engine, adapter and version: the same on every machine. */
function digestOf(results: string): string {
  const hash = createHash("sha256");
  for (const line of results.split("\n")) {
    if (line === "") continue;
    const fields = Object.entries(JSON.parse(line) as object).filter(([name]) => !PROVENANCE.has(name));
    hash.update(`${JSON.stringify(Object.fromEntries(fields))}\n`);
  }
  return hash.digest("hex");
}

/** @throws {Error} The report lacks a figure of the exhibit. */
function exhibitHtml({ exhibit, folder, command, report, results, seconds }: Shown): string {
  const { name, title, statement, seen, figures } = exhibit;
  const { document } = parseHTML(report);
  const drawn = figures.map(({ title, within = "main" }) => {
    const parts = Array.from(document.querySelectorAll(`${within} figure`));
    const figure = parts.find((part) => part.querySelector("strong")?.textContent === title);
    if (!figure) throw new Error(`the report of ${name} has no figure "${title}" in ${within}`);
    return figure.outerHTML;
  });
  const first = document.querySelector(".first");
  return `<section id="${name}">
<h2>${escape(title)}</h2>
<p>${escape(statement)}</p>
<p>${escape(seen)}</p>
<h3>Measured here</h3>
${first ? first.outerHTML : ""}
<div class="figures">
${drawn.join("\n")}
</div>
<details>
<summary>How to draw this again</summary>
<dl>
<dt>command</dt><dd><code>${escape(command)}</code></dd>
<dt>digest</dt><dd><code>${digestOf(results)}</code>, of <a href="${folder}/results.jsonl">results.jsonl</a> without engine, adapter and version</dd>
<dt>took</dt><dd>${seconds.toFixed(1)} s in the last run</dd>
<dt>more</dt><dd><a href="${folder}/report.html">the whole report</a>, with tables and all figures</dd>
</dl>
</details>
</section>`;
}

/** The words of the figures, for a reader who knows probability but not the paper. */
const WORDS = `<details open>
<summary>What the words mean</summary>
<dl>
${[
  entry("instance, items", "n random integers, the items. In a network they are products of random weights."),
  entry(
    "target",
    "a sum that is asked for: the weight that the items behind it are to make. A target is reached where some subset of the items adds up to it, and missed otherwise; the empty subset reaches 0.",
  ),
  entry(
    "M, k",
    "items and targets are in &minus;M..M. A weight of k bits has M = 2<sup>k</sup>; for products of two such weights M = 4<sup>k</sup>.",
  ),
  ...(["rssp", "rssp0", "products", "rnpp"] as const).map((ensemble) =>
    entry(`<code>${ensemble}</code>`, `${escape(ensembleTexts[ensemble]).replace("^2", "<sup>2</sup>")}.`),
  ),
  entry("P", "the probability over random instances, measured as the share of those that were drawn."),
  entry(
    "95 % interval",
    "contains P in at least 95 of 100 such runs. Intervals are drawn as bands. Where nothing failed, a triangle is at the upper end of the interval.",
  ),
  entry(
    "window law",
    "a formula for P(a target is reached) as n grows: the number of subsets that reach it is Poisson distributed, with a mean that depends on the total of the items.",
  ),
  entry(
    "mask, hidden unit",
    "a mask says which weights of a random network are kept. A random network contains another one if some mask leaves exactly that. Hidden units are the random neurons that serve one input.",
  ),
].join("\n")}
</dl>
</details>`;

/** Says which exhibits the page lacks. */
function missingHtml(missing: readonly Exhibit[]): string {
  if (missing.length === 0) return "";
  return `<p class="note" role="note"><strong>This run was stopped early.</strong> The same command goes on. Missing ${missing.length === 1 ? "is" : "are"}
${missing.map(({ title }) => `&ldquo;${escape(title)}&rdquo;`).join(", ")}.</p>
`;
}

/** A complete HTML document. */
export function paperPage(shown: readonly Shown[], quick: boolean, missing: readonly Exhibit[] = []): string {
  return documentHtml(
    "Exact lottery tickets in figures",
    `<p>A wide enough random quantized network contains every small quantized network exactly, because subset sums of random integers reach
every weight (<a href="https://arxiv.org/abs/2508.11020">Kumar &amp; Natale</a>). Each figure below tests one statement of the theory. All of
them were drawn on this machine${quick ? ", with few trials (<code>--quick</code>)" : ""}; the same command gives the same numbers everywhere.</p>
${missingHtml(missing)}${WORDS}
<ol>
${shown.map(({ exhibit: { name, title } }) => `<li><a href="#${name}">${escape(title)}</a></li>`).join("\n")}
</ol>
${shown.map(exhibitHtml).join("\n")}`,
  );
}

/** docs/experiments.md. */
export function paperText(exhibits: readonly Exhibit[]): string {
  return [
    "<!-- Made from host/node/paper/exhibits.ts by npm run docs:cli. -->",
    "",
    "# Experiments",
    "",
    "`exacta paper --out paper` draws all figures of this page into one folder, in about four minutes on two CPU cores, and with",
    "`--quick` in less than one, by fewer trials. A run that was stopped goes on with the same command. Each figure has a command of its",
    "own. Words are those of the [glossary](glossary.md).",
    ...exhibits.flatMap(({ title, statement, seen, command, name }) => [
      "",
      `## ${title}`,
      "",
      ...wrap(statement),
      "",
      ...wrap(seen),
      "",
      `    exacta ${command} --out ${name}`,
    ]),
    "",
  ].join("\n");
}
