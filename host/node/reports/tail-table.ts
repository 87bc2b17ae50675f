// Tail findings as text: the table for the terminal and the CSV for spreadsheets.

import { rangeText } from "../../../src/figures/phase.ts";
import type { Failure, TailFinding } from "../../../src/finding.ts";
import { leastKappa } from "../../../src/theory/tail.ts";
import { ensembleSentences } from "./ensembles.ts";
import { csvField } from "../formats/csv-field.ts";
import { columns, grouped, wrap } from "./table.ts";

/** A probability of failure: 4 significant digits, in scientific notation below 1e-3. */
export function failureText(failure: number): string {
  return failure >= 1e-3 ? failure.toPrecision(4) : failure === 0 ? "0" : failure.toExponential(3);
}

/** The longer side of an interval, as a share of the probability. */
function errorText({ failure, low, high }: Failure): string {
  if (low === high) return "";
  const share = Math.max(high - failure, failure - low) / failure;
  return ` ±${(100 * share).toPrecision(2)} %`;
}

/** Whether no trial saw a success. */
const isUnseen = ({ failure, low }: Failure): boolean => failure === 1 && low < 1;

/** A probability with its error; where all signs of all trials failed, what is known: the lower end of the interval. */
function cell(failure: Failure): string {
  if (isUnseen(failure)) return `>${(Math.floor(failure.low * 1e6) / 1e6).toFixed(6)}`;
  return `${failureText(failure.failure)}${errorText(failure)}`;
}

/** A heading, then a row for each number of items, with the first `most` targets. */
export function tailRows(findings: readonly TailFinding[], most = Infinity): string[][] {
  const [first] = findings as [TailFinding];
  const isUniform = first.law !== undefined;
  return [
    [
      "n",
      "P(some)",
      ...first.targets.slice(0, most).map(({ target }) => `P(${target})`),
      ...(isUniform ? ["2 R_n(M)", "ratio"] : ["R_n(M)", "divisors"]),
      "bound",
      "rate",
    ],
    ...findings.map(({ items, covered, targets, law, shortfall, divisors, bound, rate }) => [
      String(items),
      cell(covered),
      ...targets.slice(0, most).map(cell),
      ...(law === undefined
        ? [failureText(shortfall), failureText(divisors)]
        : [failureText(law), (covered.failure / law).toPrecision(5)]),
      failureText(bound),
      rate?.toFixed(4) ?? "",
    ]),
  ];
}

/** How a tail was computed. */
export function methodText({ method, trials, seed }: TailFinding): string {
  return method === "exact" ? "exact" : `${method}, ${grouped(trials!)} trials for each n, seed ${seed}`;
}

/** The fit of the form of the follow-up paper, with the interval that the ends of the findings' intervals give. */
export function kappaText(findings: readonly TailFinding[]): string | undefined {
  const [{ halfRange }] = findings as [TailFinding];
  const fit = (side: keyof Failure) =>
    leastKappa(
      halfRange,
      findings.map(({ items, covered }) => ({ items, failure: covered[side] })),
    );
  const [least, low, high] = (["failure", "low", "high"] as const).map(fit);
  if (!least || !low || !high) return undefined;
  const interval = low.kappa < high.kappa ? ` (${low.kappa.toFixed(3)} to ${high.kappa.toFixed(3)})` : "";
  return `2 exp(-(n - ${least.c} ln(M + 1))^2 / (kappa n)) is at least P(some) for these n where kappa is at least ${least.kappa.toFixed(3)}${interval}; n = ${least.items} needs the most`;
}

/** The most targets for which the terminal has room. */
const MAX_TARGETS = 2;

/** The table for the terminal, at most 100 columns wide: a block for each configuration. */
export function tailTable(sweeps: readonly (readonly TailFinding[])[]): string {
  const meaning = wrap(
    "n: the number of random items. P(some): the probability that some target of -M..M is missed. P(t): that t is. ±: the longer side " +
      "of the 95 % interval, in percent of the value. " +
      (sweeps.flat().some(({ covered, targets }) => [covered, ...targets].some(isUnseen))
        ? ">x: all signs of all trials fail; x is the lower end of the interval. "
        : "") +
      "R_n(M): the probability that the positive items add up to less than M. 2 R_n(M): the law that P(some) was found to " +
      "approach as n grows; ratio: P(some) over it. " +
      (sweeps.some(([first]) => first!.law === undefined)
        ? "divisors: the probability that all items have a common divisor. "
        : "") +
      "bound: a proven lower bound on P(some). rate: P(some) with one item more, over P(some). " +
      ensembleSentences(sweeps.map(([first]) => first!.ensemble)).join(" "),
  );
  const blocks = sweeps.map((findings) => {
    const [first] = findings as [TailFinding];
    const fit = kappaText(findings);
    return [
      `${first.ensemble}, ${rangeText(first)}: ${methodText(first)}`,
      "",
      ...columns(tailRows(findings, MAX_TARGETS)),
      ...(fit === undefined ? [] : ["", ...wrap(`Fitted: ${fit}.`)]),
    ].join("\n");
  });
  return `${[meaning.join("\n"), ...blocks].join("\n\n")}\n`;
}

const FIELDS = ["ensemble", "bits", "halfRange", "items", "method", "trials", "seed"] as const;
const TERMS = ["law", "bound", "shortfall", "divisors", "trivial", "rate"] as const;

/** CSV by RFC 4180: one row for each finding and event, numbers with all their digits. */
export function tailCsv(sweeps: readonly (readonly TailFinding[])[]): string {
  const rows = sweeps.flat().flatMap((finding) => {
    const row = (event: string, target: number | undefined, { failure, low, high }: Failure) =>
      [
        ...FIELDS.map((name) => finding[name]),
        event,
        target,
        failure,
        low,
        high,
        ...TERMS.map((name) => (event === "covered" ? finding[name] : undefined)),
      ]
        .map(csvField)
        .join(",");
    return [
      row("covered", undefined, finding.covered),
      ...finding.targets.map((missed) => row("target", missed.target, missed)),
    ];
  });
  const header = [...FIELDS, "event", "target", "failure", "low", "high", ...TERMS].join(",");
  return [header, ...rows].map((line) => `${line}\r\n`).join("");
}
