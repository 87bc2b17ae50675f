// What every command that computes shares: an engine, a progress bar, and a clean stop.

import { engines, type Engine, type EngineOptions } from "../../runner.ts";
import { readNumber } from "../formats/arguments.ts";
import { openEngine } from "../index.ts";
import { onReaderLeft, type Output } from "../output.ts";
import { onSignal } from "../platform/signals.ts";
import { value, type ArgumentsOf } from "./command.ts";
import { outputOptions } from "./options.ts";

/** Options of every command that computes on an engine. */
export const runOptions = {
  engine: value("name", engines.join(", "), "auto"),
  threads: value("number", "threads of the CPU engine", "all"),
  ...outputOptions,
};

/** The manual of these options. */
export const engineManual = `
All engines give the same results, bit by bit:

- \`auto\`: a hardware GPU where there is one, otherwise \`cpu\`
- \`gpu\`: any WebGPU adapter, a software one as well
- \`cpu\`: WebAssembly SIMD in \`--threads\` threads
- \`reference\`: the definitions in TypeScript, on one thread
- \`shadow\`: \`cpu\`, compared word for word with the GPU, or with \`reference\` where there is no adapter

Progress and the name of the engine go to stderr. Ctrl-C stops a run at its next batch; a second Ctrl-C ends the process at once.`;

export interface Run {
  readonly engine: Engine;
  /** Aborted by the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  /** Shows how many units of work are done; the first call names the engine. */
  readonly report: (done: number) => void;
  /** Seconds since the engine was opened. */
  readonly seconds: () => number;
}

/** The result of a call; if the signal stopped the call, the result of `partial`. */
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

export interface RunOptions {
  readonly output: Output;
  /** The unit of progress, in the plural. Default: `trials`. */
  readonly unit?: string;
  /** How many units of work there are, where that is known. */
  readonly total?: number;
  /** Stops when the reader of stdout leaves: for work of which nothing else would remain. */
  readonly stopWithReader?: boolean;
}

/** Opens the engine asked for, does the work, and closes everything whether or not the work succeeds. */
export async function withEngine<T>(
  { engine: name, threads }: Pick<ArgumentsOf<typeof runOptions>, "engine" | "threads">,
  { output, unit = "trials", total, stopWithReader = false }: RunOptions,
  work: (run: Run) => Promise<T>,
): Promise<T> {
  const engine = await openEngine({
    ...(name === undefined ? {} : { engine: name as NonNullable<EngineOptions["engine"]> }),
    ...(threads === undefined ? {} : { threads: readNumber(threads) as number }),
    onNotice: (sentence) => output.warn(sentence),
  });
  const stop = new AbortController();
  const abort = () => stop.abort();
  const stopListening = [onSignal(abort), ...(stopWithReader ? [onReaderLeft(abort)] : [])];
  const start = performance.now();
  const bar = output.progress({ unit, total });
  let isNamed = false;
  const report = (done: number) => {
    if (!isNamed) output.note(`${engine.engine}: ${engine.adapter}`);
    isNamed = true;
    bar.update(done);
  };
  const seconds = () => (performance.now() - start) / 1000;
  try {
    return await work({ engine, signal: stop.signal, report, seconds });
  } finally {
    bar.stop();
    engine.close();
    for (const forget of stopListening) forget();
  }
}
