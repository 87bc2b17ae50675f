// exacta bench: the speed of the kernels on the engines of this machine, beside its ceilings and beside other programs.
//
// sections/ has what is measured, measure/ how, records/ the rows and their comparison, yardsticks/ the micro-kernels and
// the programs in other languages, and results/ the runs that are kept.

import { spawnSync } from "node:child_process";
import * as z from "zod/mini";
import { RequestError } from "../../../src/errors.ts";
import { integer, parse } from "../../../src/check.ts";
import { kernelNames } from "../../../src/kernels/index.ts";
import { requestAdapter, withAdapter } from "../../open.ts";
import { readNumber } from "../formats/arguments.ts";
import { isUnchecked } from "../platform/dawn.ts";
import { prepareFolder, readBytes, writeFiles } from "../formats/files.ts";
import { platform as anyAdapter } from "../platform/index.ts";
import { STOPPED_STATUS, type Call } from "../commands/command.ts";
import { outputOf } from "../output.ts";
import { benchAnswers } from "./sections/answers.ts";
import { benchCeilings } from "./sections/ceilings.ts";
import { compareRows, comparisonText } from "./records/compare.ts";
import { measured, type Context, type Measured, type Section } from "./context.ts";
import { benchForward } from "./sections/forward.ts";
import { benchGrowth } from "./sections/growth.ts";
import { benchKernels } from "./sections/kernels.ts";
import { benchLaunches } from "./sections/launches.ts";
import { fileName, machineOf } from "./records/machine.ts";
import { alternate } from "./measure/measure.ts";
import { benchPeers } from "./sections/peers.ts";
import { disagreements, linesOf, readLines, type Machine, type Row } from "./records/record.ts";
import { benchShapes } from "./sections/shapes.ts";
import { benchSolve } from "./sections/solve.ts";
import { benchStart } from "./sections/start.ts";
import { benchTicket } from "./sections/ticket.ts";

export interface BenchArguments {
  only?: string;
  kernels?: string;
  rounds?: string;
  seconds?: string;
  engine?: string;
  adapter?: string;
  json?: boolean;
  out?: string;
  compare?: string;
  python?: string;
  cc?: string;
  quiet?: boolean;
  progress?: string;
}

type Bench = (context: Context) => Promise<Section>;

/** Sections that measure every engine. */
const engineSections: Readonly<Record<string, Bench>> = {
  answers: benchAnswers,
  ceilings: benchCeilings,
  kernels: benchKernels,
  launches: benchLaunches,
  start: benchStart,
};
/** Sections that measure the CPU engine alone. */
const cpuSections: Readonly<Record<string, Bench>> = {
  peers: benchPeers,
  shapes: benchShapes,
  solve: benchSolve,
  ticket: benchTicket,
  forward: benchForward,
  growth: benchGrowth,
};
const sections = { ...engineSections, ...cpuSections };
export const sectionNames = Object.keys(sections);

/** Seconds of one alternation, by default. */
const DEFAULT_SECONDS = "2";

const list = <Name extends string>(text: string, names: readonly Name[], what: string): Name[] =>
  text
    .split(",")
    .map((name) =>
      parse(z.enum(names as [Name, ...Name[]], `one of ${names.join(", ")}`), name.trim(), what),
    );

const SECONDS = "a number of seconds above 0, at most 3600";
const secondsSchema = z.number(SECONDS).check(z.refine((value) => value > 0 && value <= 3600, SECONDS));

/**
 * Runs the command and returns its exit status: 1 where digests disagree, otherwise 75 where a signal stopped it, or 0.
 *
 * @throws {RequestError} An option is wrong, or this machine lacks what it asks for.
 */
export async function runBench(args: BenchArguments, { stop }: Call): Promise<number> {
  const rounds =
    args.rounds === undefined ? undefined : parse(integer(1, 1000), readNumber(args.rounds), "rounds");
  const seconds = parse(secondsSchema, readNumber(args.seconds ?? DEFAULT_SECONDS), "seconds");
  const wanted = args.engine === undefined ? measured : list<Measured>(args.engine, measured, "engine");
  const whole = wanted.includes("cpu") ? sectionNames : Object.keys(engineSections);
  const asked = new Set(args.only === undefined ? whole : list(args.only, sectionNames, "only"));
  const names = sectionNames.filter((name) => asked.has(name));
  const kernels = args.kernels === undefined ? kernelNames : list(args.kernels, kernelNames, "kernels");
  if (args.kernels !== undefined && !asked.has("kernels"))
    throw new RequestError("kernels", "the section kernels in --only", args.only, "add it");
  const platform = await withAdapter(anyAdapter, args.adapter);
  const adapter = wanted.includes("gpu") ? await requestAdapter(platform) : null;
  if (!adapter && args.engine !== undefined && wanted.includes("gpu"))
    throw new RequestError("engine gpu", "a WebGPU adapter", undefined, "leave it out of --engine");
  const old =
    args.compare === undefined
      ? undefined
      : readLines(args.compare, (await readBytes(args.compare, "compare")).toString("utf8"));
  const { only, kernels: some, engine, python, cc } = args;
  // Recorded, since shaders without bounds checks have other rates.
  const unchecked = isUnchecked() || undefined;
  const machine = machineOf(adapter, { only, kernels: some, engine, rounds, seconds, python, cc, unchecked });
  const file = fileName(machine);
  if (args.out !== undefined) await prepareFolder(args.out, [file]);

  const { note, warn } = outputOf(args);
  const begin = performance.now();
  const context: Context = {
    engines: new Set(wanted.filter((name) => name !== "gpu" || adapter)),
    kernels: new Set(kernels),
    threads: platform.hardwareThreads(),
    gpu: adapter
      ? {
          requestAdapter: () => requestAdapter(platform),
          language: (await platform.gpu())!.wgslLanguageFeatures,
        }
      : undefined,
    ...toolsOf(args, note),
    signal: stop,
    measure(title, candidates) {
      note(`${((performance.now() - begin) / 1000).toFixed(0).padStart(4)} s  ${title}`);
      return alternate(candidates, { rounds, seconds, signal: stop });
    },
    note,
  };
  const rows: Row[] = [];
  if (args.json) process.stdout.write(linesOf(machine, []));
  else process.stdout.write(`${machineText(machine)}\n`);
  for (const name of names) {
    if (stop.aborted) break;
    const section = await sections[name]!(context);
    if (section.rows.length === 0) continue;
    rows.push(...section.rows);
    process.stdout.write(
      args.json
        ? section.rows.map((row) => `${JSON.stringify(row)}\n`).join("")
        : `\n${section.title}\n\n${section.table.join("\n")}\n`,
    );
  }
  const stopped = stop.aborted;
  if (stopped) note("stopped early; what was measured is kept");
  if (args.out !== undefined) {
    await writeFiles(args.out, { [file]: linesOf(machine, rows) });
    note(`${args.out}/${file} is written`);
  }
  const wrong = disagreements(rows);
  for (const text of wrong) warn(`engines disagree: ${text}`);
  const status = stopped ? STOPPED_STATUS : 0;
  if (!old) return wrong.length > 0 ? 1 : status;
  const comparison = compareRows(rows, old.rows);
  process.stdout.write(
    args.json
      ? `${JSON.stringify({ kind: "bench-comparison", against: old.machine, ...comparison })}\n`
      : `\n${comparisonText(comparison, old.machine).join("\n")}\n`,
  );
  for (const name of comparison.differ) warn(`other results than in ${args.compare}: ${name}`);
  return wrong.length > 0 || comparison.differ.length > 0 ? 1 : status;
}

/** The commands of CPython and of the C compiler: those that are asked for, or the usual ones where they suffice. */
function toolsOf({ python, cc }: BenchArguments, note: (text: string) => void) {
  const has = (command: string, args: string[], what: string) => {
    const { status, stdout } = spawnSync(command, args, { input: "", encoding: "utf8" });
    const found = status === 0 && stdout.includes(what);
    if (!found) note(`there is no ${command} to measure against; --help says how to name one`);
    return found ? command : undefined;
  };
  return {
    python: python ?? has("python3", ["-c", "print(int.bit_count)"], "bit_count"),
    cc: cc ?? has("cc", ["-march=native", "-dM", "-E", "-x", "c", "-"], "__AVX2__"),
  };
}

function machineText({ cpu, cores, memoryBytes, os, node, adapter, version, commit }: Machine): string {
  return [
    `exacta ${version}${commit ? ` (${commit})` : ""} on ${cores} x ${cpu}`,
    `${(memoryBytes / 2 ** 30).toFixed(0)} GiB`,
    os,
    `Node ${node.slice(1)}`,
    adapter ?? "no WebGPU adapter",
  ].join(", ");
}
