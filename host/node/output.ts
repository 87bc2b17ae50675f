// The only writer to stdout and stderr: results go to stdout, everything else to stderr.

import { SingleBar } from "cli-progress";
import * as z from "zod/mini";
import { parse } from "../../src/check.ts";
import { grouped } from "./reports/table.ts";
import { printable } from "./formats/printable.ts";

export interface Output {
  /** Prints a finding as a line of JSON on stdout; prints nothing without `--json`. */
  readonly finding: (finding: object) => void;
  /** Prints text on stdout; prints nothing with `--json`. */
  readonly text: (text: string) => void;
  /** Prints lines on stderr; prints nothing with `--quiet`. */
  readonly note: (...lines: readonly string[]) => void;
  /** Prints lines on stderr, with `--quiet` too. */
  readonly warn: (...lines: readonly string[]) => void;
  /** Starts to show progress on stderr, which stays hidden with `--quiet`. */
  readonly progress: (options: ProgressOptions) => Progress;
}

interface ProgressOptions {
  /** The unit of the work, in the plural: `trials`. */
  readonly unit: string;
  /** How many units there are; undefined where their number is unknown. */
  readonly total: number | undefined;
}

/** What shows progress. */
interface Progress {
  /**
   * Shows how many units are done.
   * @param share The share of the work that they are, 0..1, where units take different times. Default: done / total.
   */
  readonly update: (done: number, share?: number) => void;
  readonly stop: () => void;
}

/** How far work is. */
interface Reached extends ProgressOptions {
  readonly done: number;
  /** The share of the work that is done, 0..1; undefined where the number of units is unknown. */
  readonly share: number | undefined;
  /** Units per second of late, to 3 digits. */
  readonly perSecond: number;
  /** Undefined where the number of units or the pace is unknown. */
  readonly secondsLeft: number | undefined;
}

/** The forms of progress on stderr. */
const progressForms = ["auto", "json"] as const;
const formSchema = z._default(z.enum(progressForms, `one of ${progressForms.join(", ")}`), "auto");

/** Time between two lines of progress, and before the first one: lines stay in a log, so short work prints none. */
const LINE_INTERVAL_MS = 5000;
/** Time between two JSON objects of progress. */
const JSON_INTERVAL_MS = 1000;
/** The pace is that of the last 30 samples. Items may cost more later, so the average since the start would mislead. */
const PACE_SAMPLES = 30;
const SAMPLE_INTERVAL_MS = 1000;

/**
 * The output of a command with its options `--json`, `--quiet` and `--progress`.
 * @throws {RequestError} There is no such form of progress.
 */
export function outputOf({
  json = false,
  quiet = false,
  progress,
}: {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly progress?: string;
}): Output {
  const isJson = parse(formSchema, progress, "progress") === "json";
  let bar: SingleBar | undefined;
  const warn = (...lines: readonly string[]) => {
    // The bar draws itself again below the lines.
    if (bar?.isActive && lines.length > 0) process.stderr.write("\r\x1b[K");
    process.stderr.write(lines.map((line) => remark("note", line, isJson)).join(""));
  };
  return {
    finding(finding) {
      if (json) process.stdout.write(`${printable(JSON.stringify(finding))}\n`);
    },
    text(text) {
      if (!json) process.stdout.write(text.replace(/[^\r\n]+/g, printable));
    },
    note(...lines) {
      if (!quiet) warn(...lines);
    },
    warn,
    progress(options) {
      if (quiet) return { update() {}, stop() {} };
      if (isJson) return jsonProgress(options);
      if (!process.stderr.isTTY || process.env["TERM"] === "dumb" || process.env["NO_COLOR"])
        return lineProgress(options);
      bar = barOf();
      return barProgress(bar, options);
    },
  };
}

/**
 * Prints an error on stderr.
 * @param lines A sentence, or the lines of a stack trace.
 * @param argv The command line. It decides the form of the error, also where it cannot be parsed.
 */
export function printError(lines: readonly string[], argv: readonly string[]): void {
  const isJson = argv.some(
    (word, i) => word === "--progress=json" || (word === "--progress" && argv[i + 1] === "json"),
  );
  const texts = isJson ? [lines.join("\n")] : lines;
  process.stderr.write(texts.map((text) => remark("error", text, isJson)).join(""));
}

/** A line of text, or of JSON. */
function remark(kind: "note" | "error", text: string, isJson: boolean): string {
  return `${printable(isJson ? JSON.stringify({ kind, text }) : text)}\n`;
}

function jsonProgress(options: ProgressOptions): Progress {
  const reached = paceOf(options);
  let [nextAt, last, printed] = [-Infinity, -1, -1];
  let lastShare: number | undefined;
  const print = () => {
    printed = last;
    const { share: _, ...shown } = reached(last, lastShare);
    process.stderr.write(`${JSON.stringify({ kind: "progress", ...shown })}\n`);
  };
  return {
    update(done, share) {
      [last, lastShare] = [done, share];
      const now = performance.now();
      if (now < nextAt) return;
      nextAt = now + JSON_INTERVAL_MS;
      print();
    },
    stop() {
      if (last !== printed) print();
    },
  };
}

function lineProgress(options: ProgressOptions): Progress {
  const reached = paceOf(options);
  let nextAt = performance.now() + LINE_INTERVAL_MS;
  return {
    update(done, share) {
      const state = reached(done, share);
      const now = performance.now();
      if (now < nextAt) return;
      nextAt = now + LINE_INTERVAL_MS;
      process.stderr.write(`${progressText(state, process.stderr.columns)}\n`);
    },
    stop() {},
  };
}

function barOf(): SingleBar {
  return new SingleBar({
    format: (_options, _params, state: Reached) => barText(state, process.stderr.columns || DEFAULT_COLUMNS),
    stream: process.stderr,
    hideCursor: true,
  });
}

function barProgress(bar: SingleBar, options: ProgressOptions): Progress {
  const reached = paceOf(options);
  const stop = () => {
    if (bar.isActive) bar.stop();
    process.off("exit", stop);
  };
  // The bar hides the cursor, which must come back however the process ends.
  process.once("exit", stop);
  return {
    stop,
    update(done, share) {
      const state = reached(done, share);
      if (bar.isActive) bar.update(done, state);
      else bar.start(options.total ?? 0, done, state);
    },
  };
}

/** A function that follows how far work is, and its pace. */
function paceOf({ unit, total }: ProgressOptions): (done: number, share?: number) => Reached {
  const samples: { readonly at: number; readonly done: number; readonly share: number | undefined }[] = [];
  return (done, share = total === undefined ? undefined : done / Math.max(total, 1)) => {
    const now = { at: performance.now(), done, share };
    const last = samples.at(-1);
    // A further attempt counts from 0 again.
    if (last && done < last.done) samples.length = 0;
    if (!last || now.at - last.at >= SAMPLE_INTERVAL_MS) samples.push(now);
    if (samples.length > PACE_SAMPLES) samples.shift();
    const first = samples[0] ?? now;
    const seconds = (now.at - first.at) / 1000;
    const perSecond = seconds > 0 ? (done - first.done) / seconds : 0;
    const sharePerSecond = seconds > 0 ? ((share ?? 0) - (first.share ?? 0)) / seconds : 0;
    return {
      unit,
      done,
      total,
      share,
      perSecond: Number(perSecond.toPrecision(3)),
      secondsLeft:
        share === undefined || sharePerSecond <= 0
          ? undefined
          : Math.max(0, Math.round((1 - share) / sharePerSecond)),
    };
  };
}

/** The columns of a terminal that does not say how many it has. */
const DEFAULT_COLUMNS = 80;
const MIN_BAR = 10;
const MAX_BAR = 40;

/** A bar of at most 40 columns with the text behind it, in less than `columns` columns. The bar or parts may be left out. */
function barText(state: Reached, columns: number): string {
  const text = progressText(state, columns);
  const room = Math.min(columns - 2 - text.length, MAX_BAR);
  if (state.share === undefined || room < MIN_BAR) return text;
  const full = Math.round(Math.min(state.share, 1) * room);
  return `${"█".repeat(full)}${"░".repeat(room - full)} ${text}`;
}

/** Units per second. Loading ICU takes longer than a small command, so whoever shows progress loads it. */
let pace: Intl.NumberFormat | undefined;
const paceText = (perSecond: number): string =>
  (pace ??= new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 })).format(
    perSecond,
  );

/**
 * `12 % | 1,234,567 of 10,000,000 trials | 3.2M trials/s | 5 s left`; in less than `columns` columns, where the less important
 * parts may be left out.
 */
function progressText(
  { unit, done, total, share, perSecond, secondsLeft }: Reached,
  columns = Infinity,
): string {
  const percent = share === undefined ? [] : [`${Math.floor(100 * Math.min(share, 1))} %`];
  const count = [
    total === undefined ? `${grouped(done)} ${unit}` : `${grouped(done)} of ${grouped(total)} ${unit}`,
  ];
  const rate = [`${paceText(perSecond)} ${unit}/s`];
  const left = secondsLeft === undefined ? [] : [`${durationText(secondsLeft)} left`];
  const forms = [
    [...percent, ...count, ...rate, ...left],
    [...percent, ...count, ...left],
    [...percent, ...left],
    percent,
  ].map((parts) => parts.join(" | "));
  return forms.find((text) => text.length < columns) ?? "";
}

/** Units of time in seconds, the longest first. */
const TIMES = [
  ["d", 86_400],
  ["h", 3600],
  ["min", 60],
  ["s", 1],
] as const;

/** A time in the longest unit that it fills and the next one: `5 s`, `2 min 5 s`, `3 h 0 min`, `12 d 4 h`. */
function durationText(seconds: number): string {
  if (seconds === 0) return "0 s";
  const longest = TIMES.findIndex(([, length]) => seconds >= length);
  let rest = seconds;
  return TIMES.slice(longest, longest + 2)
    .map(([name, length]) => {
      const count = Math.floor(rest / length);
      rest %= length;
      return `${grouped(count)} ${name}`;
    })
    .join(" ");
}

/** Writes text or its bytes to stdout, whatever the options, and resolves once the reader of stdout has taken it. */
export function writeResult(text: string | Uint8Array): Promise<void> {
  return new Promise((resolve) => process.stdout.write(text, () => resolve()));
}

/**
 * Calls `listener` once the reader of stdout has left.
 * @returns A function that stops listening.
 */
export function onReaderLeft(listener: () => void): () => void {
  process.stdout.once("error", listener);
  return () => process.stdout.off("error", listener);
}
