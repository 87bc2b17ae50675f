// Findings as text: the table of the terminal and the CSV of spreadsheets.

import type { PhaseFinding } from "../../../src/finding.ts";
import {
  phaseSweeps,
  rangeText,
  SHOWN_TARGETS,
  tellingTargets,
  type PhaseSweep,
} from "../../../src/figures/phase.ts";
import type { Estimate } from "../../../src/statistics.ts";

/** Columns of a terminal window that every table fits. */
const WIDTH = 100;

/** One row for each finding and event, numbers in full, as RFC 4180 wants it. */
export function resultsCsv(findings: readonly PhaseFinding[]): string {
  const header =
    "ensemble,bits,halfRange,items,trials,seed,engine,adapter,event,target,solved,probability,low,high,meanCovered";
  const rows = findings.flatMap((finding) => {
    const { ensemble, bits, halfRange, items, trials, seed, engine, adapter, meanCovered } = finding;
    const row = (event: string, target: number | undefined, { solved, probability, low, high }: Estimate) =>
      [
        ensemble,
        bits,
        halfRange,
        items,
        trials,
        seed,
        engine,
        adapter,
        event,
        target,
        solved,
        probability,
        low,
        high,
        meanCovered,
      ]
        .map(csvField)
        .join(",");
    return [
      ...finding.targets.map((estimate) => row("target", estimate.target, estimate)),
      ...(finding.covered ? [row("covered", undefined, finding.covered)] : []),
      ...(finding.perfect ? [row("perfect", undefined, finding.perfect)] : []),
    ];
  });
  return [header, ...rows].map((line) => `${line}\r\n`).join("");
}

/** A field of RFC 4180, empty where there is no value. */
export function csvField(value: string | number | boolean | undefined): string {
  const text = String(value ?? "");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The table of the terminal, at most 100 columns wide: a block for each configuration, a line for each number of items. */
export function phaseTable(findings: readonly PhaseFinding[]): string {
  const sweeps = phaseSweeps(findings);
  const kinds = new Set(sweeps.map(({ findings: [{ ensemble }] }) => ensemble === "rnpp"));
  const sampled = sweeps.some(({ findings: [{ interval }] }) => interval !== "exact");
  const meaning = [
    ...(kinds.has(false)
      ? [
          "n: number of random items. P(t): how often some subset of them sums to t. P(all): how often that holds for every t of -M..M.",
        ]
      : []),
    ...(kinds.has(true)
      ? [
          "n: number of random items. P(t): how often they sum to t when each may take either sign. P(perfect): how often they sum to -1, 0 or 1.",
        ]
      : []),
    ...(sampled ? ["±: the longer side of the exact 95 % interval."] : []),
    ...(sweeps.length > 0 ? ["reached: how many t of -M..M an instance reaches on average."] : []),
  ].flatMap(wrap);
  return (
    [meaning.join("\n"), ...sweeps.map(block)].filter(Boolean).join("\n\n") + (sweeps.length > 0 ? "\n" : "")
  );
}

function block({ findings }: PhaseSweep): string {
  const [first] = findings;
  const { ensemble, halfRange } = first;
  const asked = targetsOf(findings);
  const header = wrap(
    `${ensemble}, ${rangeText(first)}: ${trialsText(first)}, on ${first.engine} (${first.adapter})`,
  );
  for (let shown = Math.min(asked.length, SHOWN_TARGETS); ; shown--) {
    const targets = tellingTargets(asked, halfRange, shown);
    const lines = columns([
      [
        "n",
        ...targets.map((target) => `P(${target})`),
        ensemble === "rnpp" ? "P(perfect)" : "P(all)",
        `reached of ${2 * halfRange + 1}`,
      ],
      ...findings.map((finding) => [
        String(finding.items),
        ...targets.map((target) =>
          cell(
            finding,
            finding.targets.find((estimate) => estimate.target === target),
          ),
        ),
        cell(finding, finding.perfect ?? finding.covered),
        meanText(finding),
      ]),
    ]);
    if (lines[0]!.length > WIDTH && shown > 0) continue;
    const more = asked.length - shown;
    const rest =
      more === 0
        ? []
        : [
            `${grouped(more)} more ${more === 1 ? "target is" : "targets are"} in the results of --json and --out.`,
          ];
    return [...header, "", ...lines, ...rest].join("\n");
  }
}

function cell(finding: PhaseFinding, estimate: Estimate | undefined): string {
  if (!estimate) return "";
  const decimals = decimalsOf(finding);
  const value = rounded(estimate.probability, decimals);
  if (finding.interval === "exact") return value;
  const side = Math.max(estimate.high - estimate.probability, estimate.probability - estimate.low);
  return `${value} ±${(Math.ceil(side * 10 ** decimals) / 10 ** decimals).toFixed(decimals)}`;
}

/** Right-aligned columns, all lines of one length. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, c) => Math.max(...rows.map((row) => row[c]!.length)));
  return rows.map((row) => row.map((text, c) => text.padStart(widths[c]!)).join("   "));
}

/** Lines of at most 100 columns; a longer word is cut. */
export function wrap(text: string): string[] {
  const lines = [""];
  for (const word of text
    .split(/\s+/)
    .flatMap((word) => word.match(new RegExp(`.{1,${WIDTH}}`, "gu")) ?? [])) {
    const last = lines.at(-1)!;
    if (last === "") lines[lines.length - 1] = word;
    else if (last.length + 1 + word.length <= WIDTH) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** Every target of a sweep, in the order asked. */
export function targetsOf(findings: readonly PhaseFinding[]): number[] {
  return [...new Set(findings.flatMap(({ targets }) => targets.map(({ target }) => target)))];
}

/** `1,000,000 trials, seed 1`, or what was counted instead. */
export function trialsText({ interval, trials, seed }: PhaseFinding): string {
  if (interval === "exact")
    return `all ${grouped(trials)} ${trials === 1 ? "instance" : "instances"} counted`;
  return `${grouped(trials)} ${trials === 1 ? "trial" : "trials"}, seed ${seed}`;
}

/** Decimals that show an interval's width in its last place or the one before it. */
export function decimalsOf({ interval, trials }: PhaseFinding): number {
  return interval === "exact" ? 6 : Math.min(Math.max(Math.ceil(Math.log10(trials) / 2) + 1, 3), 7);
}

/** A value of 0..top with fixed decimals. What is not 0 or top is never shown as if it were. */
export function rounded(value: number, decimals: number, top = 1): string {
  const text = value.toFixed(decimals);
  if (value > 0 && Number(text) === 0) return `<${(10 ** -decimals).toFixed(decimals)}`;
  if (value < top && Number(text) >= top) return `>${(top - 10 ** -decimals).toFixed(decimals)}`;
  return text;
}

export function meanText({ meanCovered, halfRange }: PhaseFinding): string {
  return rounded(meanCovered, 2, 2 * halfRange + 1);
}

/** With thousands separated by commas. */
export function grouped(value: number): string {
  return value.toLocaleString("en-US");
}

/** Five significant digits, but all the nines of a number near 1. */
export function significant(value: number | undefined): string {
  if (value === undefined) return "";
  if (value > 0.99 && value < 1) return `1 - ${(1 - value).toPrecision(2)}`;
  return String(Number(value.toPrecision(5)));
}
