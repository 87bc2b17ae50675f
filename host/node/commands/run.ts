// What every command that computes shares: an engine, a progress bar on stderr, and a clean stop.

import { SingleBar } from "cli-progress";
import type { Engine, EngineOptions } from "../../runner.ts";
import { readNumber } from "../formats/arguments.ts";
import { openEngine } from "../index.ts";
import { onSignal } from "../platform/signals.ts";

export interface RunArguments {
  engine?: string;
  threads?: string;
  quiet?: boolean;
}

export interface Run {
  readonly engine: Engine;
  /** Aborted by the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  /** Shows how many trials, instances or inputs are done; the first call names the engine. */
  readonly report: (done: number) => void;
  /** Says something beside the bar. */
  readonly note: (text: string) => void;
  readonly seconds: () => number;
}

/** Milliseconds from one line of progress to the next where stderr is no terminal. */
const LINES = 5000;

/** The result of a call; where the signal stopped it, the result of `partial`. */
export async function untilStopped<T, P>(
  call: Promise<T>,
  signal: AbortSignal,
  partial: () => P,
): Promise<T | P> {
  try {
    return await call;
  } catch (error) {
    if (error !== signal.reason) throw error;
    return partial();
  }
}

const rate = (done: number, seconds: number) =>
  new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 }).format(
    seconds > 0 ? done / seconds : 0,
  );

/**
 * Opens the engine asked for, does the work of `total` trials, or whatever else `noun` says, and closes everything, whatever
 * happens. Without a total it is instances that are worked on, and nobody knows how many there are. Work that is only for
 * the reader of stdout stops when that one leaves.
 */
export async function withEngine<T>(
  { engine: name, threads, quiet }: RunArguments,
  total: number | undefined,
  forReader: boolean,
  work: (run: Run) => Promise<T>,
  noun = total === undefined ? "instances" : "trials",
): Promise<T> {
  const engine = await openEngine({
    ...(name === undefined ? {} : { engine: name as NonNullable<EngineOptions["engine"]> }),
    ...(threads === undefined ? {} : { threads: readNumber(threads) as number }),
  });
  const stop = new AbortController();
  const abort = () => stop.abort();
  const forget = onSignal(abort);
  if (forReader) process.stdout.once("error", abort);
  const bar = new SingleBar({
    format:
      total === undefined
        ? `{value} ${noun} | {rate} ${noun}/s`
        : `{bar} {percentage}% | {value}/{total} ${noun} | {rate} ${noun}/s | {eta_formatted} left`,
    stream: process.stderr,
    hideCursor: true,
    noTTYOutput: true,
    notTTYSchedule: LINES,
    etaBuffer: 100,
    formatValue: (value, _, type) =>
      type === "value" || type === "total" ? value.toLocaleString("en") : String(value),
  });
  let named = false;
  const begin = performance.now();
  const seconds = () => (performance.now() - begin) / 1000;
  const report = (done: number) => {
    if (quiet) return;
    if (!named) process.stderr.write(`${engine.engine}: ${engine.adapter}\n`);
    named = true;
    // Where lines stay, short work needs none.
    if (!bar.isActive && !process.stderr.isTTY && seconds() < LINES / 1000) return;
    if (!bar.isActive) bar.start(total ?? 0, done, { rate: rate(done, seconds()) });
    else bar.update(done, { rate: rate(done, seconds()) });
  };
  const note = (text: string) => {
    // The bar comes back by itself below the note.
    if (bar.isActive && process.stderr.isTTY) process.stderr.write("\r\x1b[K");
    process.stderr.write(`${text}\n`);
  };
  // However the process ends, the cursor comes back.
  const showCursor = () => {
    if (bar.isActive) bar.stop();
  };
  process.once("exit", showCursor);
  try {
    return await work({ engine, signal: stop.signal, report, note, seconds });
  } finally {
    if (bar.isActive) bar.stop();
    engine.close();
    forget();
    process.stdout.off("error", abort);
    process.off("exit", showCursor);
  }
}
