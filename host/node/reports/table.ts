// Phase sweeps as text: the table for the terminal and the CSV for spreadsheets; and how numbers are printed.

import {
  MAX_SHOWN_TARGETS,
  representativeTargets,
  type MeasuredSweep,
} from "../../../src/experiments/sweep.ts";
import { ensembleSentences } from "./ensembles.ts";
import { nameSweeps, rangeText, type NamedSweep } from "../../../src/figures/phase.ts";
import type { PhaseFinding } from "../../../src/finding.ts";
import type { Estimate } from "../../../src/statistics.ts";
import { csvField } from "../formats/csv-field.ts";

/** Columns of a terminal, at most, that a table or a paragraph takes. */
const MAX_COLUMNS = 100;

const CONFIG_FIELDS = [
  "ensemble",
  "bits",
  "halfRange",
  "items",
  "trials",
  "asked",
  "complete",
  "seed",
] as const;
const ESTIMATE_FIELDS = ["solved", "probability", "low", "high"] as const;

/**
 * 1 - P, the share of trials that miss the target or targets: with all its digits, which a P near 1 does not have.
 */
export function failureOf({ trials, interval }: PhaseFinding, { solved, probability }: Estimate): number {
  return interval === "bounds" ? 1 - probability : (trials - solved) / trials;
}

/** CSV by RFC 4180: one row for each finding and event, numbers with all their digits. */
export function resultsCsv(sweeps: readonly MeasuredSweep[]): string {
  const header = [
    ...CONFIG_FIELDS,
    "event",
    "target",
    ...ESTIMATE_FIELDS,
    "meanCovered",
    "failure",
    "within",
    "size",
  ].join(",");
  const rows = sweeps.flatMap(({ findings }) => findings.flatMap(csvRows));
  return [header, ...rows].map((line) => `${line}\r\n`).join("");
}

function csvRows(finding: PhaseFinding): string[] {
  const row = (event: string, target: number | undefined, estimate: Estimate) =>
    [
      ...CONFIG_FIELDS.map((name) => finding[name]),
      event,
      target,
      ...ESTIMATE_FIELDS.map((name) => estimate[name]),
      finding.meanCovered,
      failureOf(finding, estimate),
      finding.within,
      finding.size,
    ]
      .map(csvField)
      .join(",");
  return [
    ...finding.targets.map((estimate) => row("target", estimate.target, estimate)),
    ...(finding.covered ? [row("covered", undefined, finding.covered)] : []),
    ...(finding.perfect ? [row("perfect", undefined, finding.perfect)] : []),
  ];
}

/** The table for the terminal, at most 100 columns wide: a block for each sweep, a line for each number of items. */
export function phaseTable(sweeps: readonly MeasuredSweep[]): string {
  const named = nameSweeps(sweeps);
  const hasSubsets = named.some(({ config }) => config.ensemble !== "rnpp");
  const hasSigned = named.some(({ config }) => config.ensemble === "rnpp");
  const isSampled = named.some(({ config }) => !config.enumerate);
  const meaning = [
    ...(hasSubsets
      ? [
          "n: the number of random items. P(t): the share of instances in which some subset of the items sums to t. P(all): the share in which that holds for every t in -M..M.",
        ]
      : []),
    ...ensembleSentences(named.map(({ config }) => config.ensemble)),
    ...(named.some(({ config }) => config.within > 0)
      ? ["within D: a sum at most D away from t counts as t."]
      : []),
    ...(named.some(({ config }) => config.size !== undefined)
      ? ["subsets of s: only subsets of exactly s items count."]
      : []),
    ...(hasSigned
      ? [
          "n: the number of random items. P(t): the share of instances in which the items, each with a suitable sign, sum to t. P(perfect): the share in which they sum to -1, 0 or 1.",
        ]
      : []),
    ...(named.some(hasRareFailure)
      ? [
          "1 - x: x is P(miss), the share that fails, where it is below 0.001; < is before the upper end of its interval where no trial fails.",
        ]
      : []),
    ...(named.some(({ findings }) => findings.flatMap(estimatesOf).some(isUnseen))
      ? ["<x: no trial reached it; x is the upper end of its interval."]
      : []),
    ...(isSampled ? ["±: the longer side of the exact 95 % interval."] : []),
    ...(named.length > 0 ? ["reached: the mean number of targets t in -M..M that an instance reaches."] : []),
  ].flatMap((text) => wrap(text));
  return (
    [meaning.join("\n"), ...named.map(sweepBlock)].filter(Boolean).join("\n\n") +
    (named.length > 0 ? "\n" : "")
  );
}

/** The block of a sweep, with as many of its representative targets as fit the terminal. */
function sweepBlock(sweep: NamedSweep): string {
  const { config, findings } = sweep;
  const [first] = findings;
  const header = wrap(
    `${config.ensemble}, ${rangeText(first)}: ${trialsText(first)}, on ${first.engine} (${first.adapter})`,
  );
  for (let shown = Math.min(config.targets.length, MAX_SHOWN_TARGETS); ; shown--) {
    const lines = sweepLines(sweep, representativeTargets(config, shown));
    if (lines[0]!.length > MAX_COLUMNS && shown > 0) continue;
    const hidden = config.targets.length - shown;
    const note =
      hidden === 0
        ? []
        : [
            `${grouped(hidden)} more ${hidden === 1 ? "target is" : "targets are"} in the results of --json and --out.`,
          ];
    return [...header, "", ...lines, ...note].join("\n");
  }
}

function sweepLines({ config, findings }: NamedSweep, targets: readonly number[]): string[] {
  return columns([
    [
      "n",
      ...targets.map((target) => `P(${target})`),
      config.ensemble === "rnpp" ? "P(perfect)" : "P(all)",
      `reached of ${2 * config.halfRange + 1}`,
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
}

function cell(finding: PhaseFinding, estimate: Estimate | undefined): string {
  if (!estimate) return "";
  if (isRareFailure(finding, estimate)) return rareFailure(finding, estimate);
  if (isUnseen(estimate)) return `<${roundedUp(estimate.high)}`;
  const decimals = decimalsOf(finding);
  const value = rounded(estimate.probability, decimals);
  if (finding.interval === "exact") return value;
  const side = Math.max(estimate.high - estimate.probability, estimate.probability - estimate.low);
  return `${value} ±${(Math.ceil(side * 10 ** decimals) / 10 ** decimals).toFixed(decimals)}`;
}

/** The failures that are shown by themselves, since a probability near 1 hides them. */
const RARE_FAILURE = 1e-3;

/**
 * Whether an estimate is shown as 1 minus its failure. Few trials without a failure allow for many, and a target that is
 * certain has none.
 */
function isRareFailure(finding: PhaseFinding, estimate: Estimate): boolean {
  return (
    failureOf(finding, estimate) < RARE_FAILURE && estimate.low < 1 && 1 - estimate.low < 10 * RARE_FAILURE
  );
}

/** Whether no trial reached the target or targets. What is known is the upper end of the interval. */
const isUnseen = ({ solved, high }: Estimate): boolean => solved === 0 && high > 0;

const estimatesOf = ({ targets, perfect, covered }: PhaseFinding) =>
  [...targets, perfect ?? covered].flatMap((estimate) => estimate ?? []);

function hasRareFailure({ findings }: NamedSweep): boolean {
  return findings.some((finding) =>
    estimatesOf(finding).some((estimate) => isRareFailure(finding, estimate)),
  );
}

/** `1 - 3.2e-4 ±1.3e-4`; `1 - <3.7e-5`, the upper end of the interval, where nothing failed. */
function rareFailure(finding: PhaseFinding, estimate: Estimate): string {
  const failure = failureOf(finding, estimate);
  if (failure === 0) return `1 - <${roundedUp(1 - estimate.low)}`;
  if (finding.interval === "exact") return `1 - ${failure.toExponential(4)}`;
  const value = `1 - ${scientific(failure)}`;
  const side = Math.max(estimate.high - estimate.probability, estimate.probability - estimate.low);
  return `${value} ±${roundedUp(side)}`;
}

/** Two significant digits with a power of ten. */
const scientific = (value: number) => value.toExponential(1);

/** The same, rounded up. */
function roundedUp(value: number): string {
  const text = scientific(value);
  return Number(text) >= value ? text : scientific(value + 0.5 * 10 ** (Math.floor(Math.log10(value)) - 1));
}

/** Rows as lines of right-aligned columns; all lines have the same length. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, c) => Math.max(...rows.map((row) => row[c]!.length)));
  return rows.map((row) => row.map((text, c) => text.padStart(widths[c]!)).join("   "));
}

/** Breaks a paragraph into lines of at most 100 columns, or fewer; a longer word is cut. */
export function wrap(text: string, most = MAX_COLUMNS): string[] {
  const lines = [""];
  for (const word of text
    .split(/\s+/)
    .flatMap((word) => word.match(new RegExp(`.{1,${most}}`, "gu")) ?? [])) {
    const last = lines.at(-1)!;
    if (last === "") lines[lines.length - 1] = word;
    else if (last.length + 1 + word.length <= most) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** `1,000,000 trials, seed 1`, or the number of instances where they are counted in their order. */
export function trialsText({ complete, interval, trials, asked, seed }: PhaseFinding): string {
  const counted = complete ? grouped(trials) : `${grouped(trials)} of ${grouped(asked)}`;
  if (interval === "clopper-pearson") return `${counted} ${asked === 1 ? "trial" : "trials"}, seed ${seed}`;
  return `${complete ? "all " : ""}${counted} ${asked === 1 ? "instance" : "instances"} counted`;
}

/** The number of decimals at which an interval's width shows in the last or the last but one. */
export function decimalsOf({ interval, trials }: PhaseFinding): number {
  return interval === "exact" ? 6 : Math.min(Math.max(Math.ceil(Math.log10(trials) / 2) + 1, 3), 7);
}

/** A value in 0..top with fixed decimals. A value strictly between is not shown as 0 or top, but as `<0.001` or `>0.999`. */
export function rounded(value: number, decimals: number, top = 1): string {
  const text = value.toFixed(decimals);
  if (value > 0 && Number(text) === 0) return `<${(10 ** -decimals).toFixed(decimals)}`;
  if (value < top && Number(text) >= top) return `>${(top - 10 ** -decimals).toFixed(decimals)}`;
  return text;
}

export function meanText({ meanCovered, halfRange }: PhaseFinding): string {
  return rounded(meanCovered, 2, 2 * halfRange + 1);
}

/** An integer with thousands separated by commas. Loading ICU for that takes 10 ms. */
export function grouped(value: number): string {
  return String(value).replaceAll(/\B(?=(\d{3})+$)/g, ",");
}

/** `1 unit`, `1,000 units`. */
export const counted = (value: number, noun: string): string =>
  `${grouped(value)} ${noun}${value === 1 ? "" : "s"}`;

/** Five significant digits; a number just below 1 is shown as `1 - 2.3e-7`. Empty where there is no value. */
export function significant(value: number | undefined): string {
  if (value === undefined) return "";
  if (value > 0.99 && value < 1) return `1 - ${(1 - value).toPrecision(2)}`;
  return String(Number(value.toPrecision(5)));
}
