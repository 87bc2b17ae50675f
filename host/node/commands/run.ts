// What every command that computes shares: an engine, progress, and a clean stop.

import { engines, type Engine, type EngineOptions } from "../../runner.ts";
import { readNumber } from "../formats/arguments.ts";
import { openEngine } from "../index.ts";
import { onReaderLeft, type Output } from "../output.ts";
import { value, type ArgumentsOf } from "./command.ts";
import { adapterOption, outputOptions } from "./options.ts";

/** Options of every command that computes on an engine. */
export const runOptions = {
  engine: value("name", engines.join(", "), "auto"),
  threads: value("number", "threads of the CPU engine", "all it may use"),
  ...adapterOption,
  ...outputOptions,
};

/** The manual of these options. */
export const engineManual = `
All engines give the same results, bit by bit:

- \`auto\`: a hardware GPU where there is one, otherwise \`cpu\`; on Linux it loads no GPU driver where /dev has no GPU
- \`gpu\`: any WebGPU adapter, a software one as well; \`cpu\` goes on where it is lost for good
- \`cpu\`: WebAssembly SIMD in \`--threads\` threads, by default one for each hardware thread, or as many as Slurm
  (SLURM_CPUS_PER_TASK) or the CPU quota of a control group allows
- \`reference\`: the definitions in TypeScript, on one thread
- \`shadow\`: \`cpu\`, compared word for word with the GPU, or with \`reference\` where there is no adapter

Engines on a GPU need the optional package \`webgpu\`. \`--adapter\` chooses one GPU of several, by its number in \`exacta devices\` or by a
part of its name in letters of any case; \`auto\` then takes it as \`gpu\` does. A name that several have is refused with the list.

The name of the engine and progress go to stderr: a bar on a terminal, as wide as that; a line every 5 seconds elsewhere, and where TERM
is \`dumb\` or NO_COLOR is set. The time that is left follows the estimated cost of trials. With \`--progress json\` every line is an object:
\`progress\` about once a second and at the end, \`note\` and \`error\`. With it and with \`--quiet\`, drivers of GPUs and Dawn are kept from
writing to stderr. Control characters in names are printed as \`\\u001b\`.

    {"kind":"progress","unit":"trials","done":250000,"total":1000000,"perSecond":125000,"secondsLeft":6}
    {"kind":"note","text":"results/report.html, results.csv, results.jsonl and provenance.json are written"}

The first SIGINT (Ctrl-C), SIGTERM or SIGHUP stops a run at its next batch, with status 75; another one, a second later or more, ends
the process at once. A stdout that cannot be written gives status 1, unless its reader has left; files are written all the same. A
stderr that cannot be written changes nothing.`;

export interface Run {
  readonly engine: Engine;
  /** Aborted where the command is stopped, or by the reader of stdout who leaves. */
  readonly signal: AbortSignal;
  /** Shows how many units of work are done, and the share of all work that they are; the first call names the engine. */
  readonly report: (done: number, share?: number) => void;
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
  /** Stops the work. */
  readonly stop: AbortSignal;
  /** The unit of progress, in the plural. Default: `trials`. */
  readonly unit?: string;
  /** How many units of work there are, where that is known. */
  readonly total?: number | undefined;
  /** Stops when the reader of stdout leaves: for work of which nothing else would remain. */
  readonly stopWithReader?: boolean;
  /** Called with each notice of the engine, beside its line on stderr. */
  readonly onNotice?: (sentence: string) => void;
}

/** Opens the engine asked for, does the work, and closes everything whether or not the work succeeds. */
export async function withEngine<T>(
  { engine: name, threads, adapter }: Pick<ArgumentsOf<typeof runOptions>, "engine" | "threads" | "adapter">,
  { output, stop, unit = "trials", total, stopWithReader = false, onNotice }: RunOptions,
  work: (run: Run) => Promise<T>,
): Promise<T> {
  const engine = await openEngine({
    ...(name === undefined ? {} : { engine: name as NonNullable<EngineOptions["engine"]> }),
    ...(threads === undefined ? {} : { threads: readNumber(threads) as number }),
    ...(adapter === undefined ? {} : { adapter }),
    onNotice(sentence) {
      output.warn(sentence);
      onNotice?.(sentence);
    },
  });
  const readerLeft = new AbortController();
  const stopListening = stopWithReader ? onReaderLeft(() => readerLeft.abort()) : undefined;
  const signal = AbortSignal.any([stop, readerLeft.signal]);
  const start = performance.now();
  const bar = output.progress({ unit, total });
  let isNamed = false;
  const report = (done: number, share?: number) => {
    if (!isNamed) output.note(`${engine.engine}: ${engine.adapter}`);
    isNamed = true;
    bar.update(done, share);
  };
  const seconds = () => (performance.now() - start) / 1000;
  try {
    return await work({ engine, signal, report, seconds });
  } finally {
    bar.stop();
    engine.close();
    stopListening?.();
  }
}
