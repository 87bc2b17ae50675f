// The page of `exacta paper`: figures of the reports of all exhibits, each with its statement, its command and a digest.

import { createHash } from "node:crypto";
import { parseHTML } from "linkedom";
import { documentHtml, escape } from "../reports/page.ts";
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

/** A complete HTML document. */
export function paperPage(shown: readonly Shown[], quick: boolean): string {
  return documentHtml(
    "Exact lottery tickets in figures",
    `<p>A wide enough random quantized network contains every small quantized network exactly, because subset sums of random integers reach
every weight (<a href="https://arxiv.org/abs/2508.11020">Kumar &amp; Natale</a>). Each figure below tests one statement of the theory. All of
them were drawn on this machine${quick ? ", with few trials (<code>--quick</code>)" : ""}; the same command gives the same numbers everywhere.</p>
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
