// The only writer to stdout and stderr: results go to stdout, everything else to stderr.

import { SingleBar } from "cli-progress";

export interface Output {
  /** Prints a finding as a line of JSON on stdout; prints nothing without `--json`. */
  readonly finding: (finding: object) => void;
  /** Prints text on stdout; prints nothing with `--json`. */
  readonly text: (text: string) => void;
  /** Prints lines on stderr; prints nothing with `--quiet`. */
  readonly note: (...lines: readonly string[]) => void;
  /** Prints lines on stderr, with `--quiet` too. */
  readonly warn: (...lines: readonly string[]) => void;
  /** Starts a progress bar on stderr, which stays hidden with `--quiet`. */
  readonly progress: (options: ProgressOptions) => ProgressBar;
}

interface ProgressOptions {
  /** The unit of the work, in the plural: `trials`. */
  readonly unit: string;
  /** How many units there are; undefined where their number is unknown. */
  readonly total: number | undefined;
}

interface ProgressBar {
  /** Shows how many units are done. */
  readonly update: (done: number) => void;
  readonly stop: () => void;
}

/** Time between two lines of progress where stderr is not a terminal. */
const PROGRESS_INTERVAL_MS = 5000;

/** The output of a command with its options `--json` and `--quiet`. */
export function outputOf({
  json = false,
  quiet = false,
}: {
  readonly json?: boolean;
  readonly quiet?: boolean;
}): Output {
  let bar: SingleBar | undefined;
  const warn = (...lines: readonly string[]) => {
    if (lines.length === 0) return;
    // The bar draws itself again below the lines.
    if (bar?.isActive && process.stderr.isTTY) process.stderr.write("\r\x1b[K");
    process.stderr.write(lines.map((line) => `${line}\n`).join(""));
  };
  return {
    finding(finding) {
      if (json) process.stdout.write(`${JSON.stringify(finding)}\n`);
    },
    text(text) {
      if (!json) process.stdout.write(text);
    },
    note(...lines) {
      if (!quiet) warn(...lines);
    },
    warn,
    progress(options) {
      if (quiet) return { update() {}, stop() {} };
      bar = barOf(options);
      return progressOn(bar, options);
    },
  };
}

function barOf({ unit, total }: ProgressOptions): SingleBar {
  return new SingleBar({
    format:
      total === undefined
        ? `{value} ${unit} | {rate} ${unit}/s`
        : `{bar} {percentage}% | {value}/{total} ${unit} | {rate} ${unit}/s | {eta_formatted} left`,
    stream: process.stderr,
    hideCursor: true,
    noTTYOutput: true,
    notTTYSchedule: PROGRESS_INTERVAL_MS,
    etaBuffer: 100,
    formatValue: (value, _, type) =>
      type === "value" || type === "total" ? value.toLocaleString("en") : String(value),
  });
}

function progressOn(bar: SingleBar, { total }: ProgressOptions): ProgressBar {
  const start = performance.now();
  const stop = () => {
    if (bar.isActive) bar.stop();
    process.off("exit", stop);
  };
  // The bar hides the cursor, which must come back however the process ends.
  process.once("exit", stop);
  return {
    stop,
    update(done) {
      const milliseconds = performance.now() - start;
      // Lines stay in a log, so work that is shorter than their interval prints none.
      if (!bar.isActive && !process.stderr.isTTY && milliseconds < PROGRESS_INTERVAL_MS) return;
      const rate = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 }).format(
        milliseconds > 0 ? (1000 * done) / milliseconds : 0,
      );
      if (bar.isActive) bar.update(done, { rate });
      else bar.start(total ?? 0, done, { rate });
    },
  };
}

/** Writes text to stdout, whatever the options, and resolves once the reader of stdout has taken it. */
export function writeResult(text: string): Promise<void> {
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
