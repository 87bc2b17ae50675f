// The frame of every report: one HTML file that opens anywhere, without network. Its only script saves figures.

import { createHash } from "node:crypto";
import { parseHTML } from "linkedom";
import type { Figure } from "../../../src/figures/figure.ts";
import { renderFigure } from "../../figure.ts";
import style from "./page.css?raw";
import saveScript from "./save.js?raw";

export interface RunAbout {
  /** The command line. */
  readonly command: string;
  readonly started: Date;
  readonly seconds: number;
  /** Whether it was stopped before all trials were done. */
  readonly stopped: boolean;
  /** The attempts that have counted the trials together, and what happened in each; none where a run keeps no journal. */
  readonly attempts?: readonly {
    readonly shard: string;
    readonly engine: string;
    readonly adapter: string;
    readonly host: string;
    /** An ISO time. */
    readonly started: string;
    readonly trials: number;
    readonly events: readonly string[];
  }[];
}

/** CSS pixels: two figures fit side by side on a wide page. */
const FIGURE_WIDTH = 440;

/** A browser runs the script with this digest and no other, and loads nothing. */
const POLICY = `default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:; script-src 'sha256-${createHash("sha256").update(saveScript).digest("base64")}'`;

/** A complete document with a heading and the HTML of its body. */
export function documentHtml(heading: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<title>exacta: ${heading.toLowerCase()}</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>${heading}</h1>
${body}
</main>
<script>${saveScript}</script>
</body>
</html>
`;
}

/** Figures as HTML. */
export function drawn(figures: readonly Figure[]): string {
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  return figures.map((figure) => renderFigure(figure, document, FIGURE_WIDTH).outerHTML).join("\n");
}

/** Figures in two forms, between which a switch chooses without a script; the first form is shown at first. */
export function switched(
  legend: string,
  forms: readonly (readonly [name: string, figures: readonly Figure[]])[],
): string {
  const inputs = forms.map(
    ([name], i) =>
      `<label><input type="radio" name="form" value="${i}"${i === 0 ? " checked" : ""}> ${escape(name)}</label>`,
  );
  const grids = forms.map(([, figures], i) => `<div class="figures form-${i}">\n${drawn(figures)}\n</div>`);
  return `<div class="switched">
<fieldset><legend>${escape(legend)}</legend>${inputs.join(" ")}</fieldset>
${grids.join("\n")}
</div>`;
}

/** What a reader should know first, one sentence each. */
export const sentences = (texts: readonly string[]) =>
  texts.length === 0
    ? ""
    : `<ul class="first">\n${texts.map((text) => `<li>${text}</li>`).join("\n")}\n</ul>`;

/** A part of a report that is closed at first. */
export const closed = (summary: string, html: string) =>
  `<details>\n<summary>${summary}</summary>\n${html}\n</details>`;

/** Where the numbers are with all digits: in the files beside the report. */
export const FILES = `<p><a href="results.jsonl">results.jsonl</a> and <a href="results.csv">results.csv</a> have them with all digits.</p>`;

/** A term of a definition list with its text, both HTML. */
export const entry = (term: string, text: string) => `<dt>${term}</dt><dd>${text}</dd>`;

/** The description of a run: the command, then a table of configurations. */
export function runHtml(
  { command, started, seconds, stopped, attempts = [] }: RunAbout,
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const who = attempts.map((attempt) => [
    timeText(attempt.started),
    attempt.shard,
    attempt.engine,
    attempt.adapter,
    attempt.host,
    attempt.trials.toLocaleString("en-US"),
  ]);
  const events = attempts.flatMap((attempt) => attempt.events.map((event) => `${attempt.host}: ${event}`));
  return `<dl>
<dt>command</dt><dd><code>${escape(command)}</code></dd>
<dt>started</dt><dd><time datetime="${started.toISOString()}">${timeText(started.toISOString())}</time></dd>
<dt>took</dt><dd>${duration(seconds)}${stopped ? ", stopped early" : ""}</dd>
</dl>
${
  rows.length === 0
    ? ""
    : `${tableHtml("configurations", head, rows, "run")}
<p>The same command gives the same numbers on every engine and machine.${stopped ? " So does a run that is stopped after the same number of trials." : ""}</p>`
}${
    who.length === 0
      ? ""
      : `
<h3>Attempts</h3>
<p>Each attempt kept a journal of the trials that it counted. Trials that several attempts have counted are there once.</p>
${tableHtml("attempts", ["started", "shard", "engine", "adapter", "host", "trials"], who, "run")}`
  }${
    events.length === 0
      ? ""
      : `
<p>What happened meanwhile:</p>
<ul>
${events.map((event) => `<li>${escape(event)}</li>`).join("\n")}
</ul>`
  }`;
}

/** A table of text that can be scrolled. On a phone the rows of a `run` are blocks with a line for each cell. */
export function tableHtml(
  label: string,
  head: readonly string[],
  rows: readonly (readonly string[])[],
  className?: "run",
): string {
  const cellHtml = (text: string, c: number) =>
    `<td${className ? ` data-label="${escape(head[c]!)}"` : ""}>${escape(text)}</td>`;
  return `<div class="scroll" tabindex="0" role="region" aria-label="${escape(label)}">
<table${className ? ` class="${className}"` : ""}>
<thead><tr>${head.map((text) => `<th scope="col">${escape(text)}</th>`).join("")}</tr></thead>
<tbody>
${rows.map((row) => `<tr>${row.map(cellHtml).join("")}</tr>`).join("\n")}
</tbody>
</table>
</div>`;
}

const timeText = (iso: string) => `${iso.replace("T", " ").slice(0, 19)} UTC`;

function duration(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return `${hours > 0 ? `${hours} h ` : ""}${minutes} min ${whole % 60} s`;
}

export function escape(text: string): string {
  const names: Record<string, string> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&#39;",
  };
  return text.replace(/[&<>"']/g, (char) => names[char]!);
}
