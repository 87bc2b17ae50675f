// The frame of every report: one HTML file that opens anywhere, without network or scripts.

import style from "./page.css?raw";

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
export const FIGURE_WIDTH = 440;

/** A complete document with a heading and the HTML of its body. */
export function documentHtml(heading: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>exacta: ${heading.toLowerCase()}</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>${heading}</h1>
${body}
</main>
</body>
</html>
`;
}

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

/** A table of text that can be scrolled. */
export function tableHtml(
  label: string,
  head: readonly string[],
  rows: readonly (readonly string[])[],
  className?: "run",
): string {
  return `<div class="scroll" tabindex="0" role="region" aria-label="${escape(label)}">
<table${className ? ` class="${className}"` : ""}>
<thead><tr>${head.map((text) => `<th scope="col">${escape(text)}</th>`).join("")}</tr></thead>
<tbody>
${rows.map((row) => `<tr>${row.map((text) => `<td>${escape(text)}</td>`).join("")}</tr>`).join("\n")}
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
