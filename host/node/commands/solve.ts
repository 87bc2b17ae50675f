// exacta solve: reads instances from a file or a pipe and prints what is known of each.

import { open } from "node:fs/promises";
import * as z from "zod/mini";
import { RequestError } from "../../../src/errors.ts";
import { parse } from "../../../src/check.ts";
import { solveConfig, type SolveRequest } from "../../../src/experiments/solve.ts";
import type { SolveFinding } from "../../../src/finding.ts";
import { solve } from "../../experiments/solve.ts";
import { readNumber } from "../formats/arguments.ts";
import { prepareFolder } from "../formats/files.ts";
import { formatOf, formats, readInstances } from "../formats/instances.ts";
import { withEngine, type RunArguments } from "./run.ts";
import { solutionsName, writeSolutions } from "../formats/solutions.ts";
import { grouped } from "../reports/table.ts";

export interface SolveArguments extends RunArguments {
  ask?: string;
  size?: string;
  tolerance?: string;
  atMost?: boolean;
  partition?: boolean;
  method?: string;
  input?: string;
  keepGoing?: boolean;
  csv?: boolean;
  json?: boolean;
  out?: string;
}

/** Instances that are left out are all counted, and so many of them named. */
const NAMED = 20;

const formatSchema = z.enum(formats, `one of ${formats.join(", ")}`);

/** Runs the command and returns its exit status. Throws TypeError or RangeError for what cannot be met or read. */
export async function runSolve(path: string, args: SolveArguments): Promise<number> {
  const { csv = false, out } = args;
  if (csv && args.json) throw new RequestError("csv, json", "one of the two", "both");
  const request = readRequest(args);
  const { partition } = solveConfig(request);
  const format = args.input === undefined ? formatOf(path) : parse(formatSchema, args.input, "input");

  const done = { instances: 0, findings: 0, reachable: 0, skipped: 0 };
  const { seconds, stopped } = await withEngine(args, undefined, out === undefined, async (run) => {
    const skip = (error: Error) => {
      done.skipped++;
      if (done.skipped <= NAMED) run.note(error.message);
      if (done.skipped === NAMED) run.note("whatever else is left out is counted, not named");
    };
    const input = await openInput(path);
    const progress = setInterval(() => run.report(done.instances), 100);
    try {
      if (out !== undefined) await prepareFolder(out, [solutionsName(csv)]);
      const instances = readInstances(input, {
        format,
        partition,
        onMalformed: args.keepGoing ? skip : undefined,
      });
      const findings = solve(run.engine, instances, request, {
        signal: run.signal,
        onRefused: args.keepGoing ? (_, error) => skip(error) : undefined,
      });
      await writeSolutions(counted(findings, done, run.signal), csv, out);
      run.report(done.instances);
    } finally {
      clearInterval(progress);
      // A pipe that neither brings anything nor ends would keep the process alive.
      input.destroy();
    }
    return { seconds: run.seconds(), stopped: run.signal.aborted };
  });

  const { instances, findings, reachable, skipped } = done;
  if (!args.quiet)
    process.stderr.write(
      `${stopped ? "stopped early: " : ""}instances ${grouped(instances)}, findings ${grouped(findings)}, ` +
        `reachable ${grouped(reachable)}, ${seconds.toFixed(1)} s, ${grouped(Math.round(instances / seconds))} instances/s\n`,
    );
  if (skipped > 0) process.stderr.write(`left out, malformed or not to be solved: ${grouped(skipped)}\n`);
  return 0;
}

/** Passes findings on and counts them, up to the end of the input or the signal. */
async function* counted(
  findings: AsyncIterable<SolveFinding>,
  done: { instances: number; findings: number; reachable: number },
  signal: AbortSignal,
): AsyncGenerator<SolveFinding, void, undefined> {
  let last = -1;
  try {
    for await (const finding of findings) {
      done.findings++;
      if (finding.reachable) done.reachable++;
      if (finding.instance !== last) done.instances++;
      last = finding.instance;
      yield finding;
    }
  } catch (error) {
    if (error !== signal.reason) throw error;
  }
}

function readRequest({ ask, size, tolerance, atMost, partition, method }: SolveArguments): SolveRequest {
  // What people typed has any type; the experiment's own check decides.
  return {
    ...(ask === undefined ? {} : { ask: ask.split(",").map((name) => name.trim()) }),
    ...(size === undefined ? {} : { size: readNumber(size) }),
    ...(tolerance === undefined ? {} : { tolerance: readNumber(tolerance) }),
    ...(atMost === undefined ? {} : { atMost }),
    ...(partition === undefined ? {} : { partition }),
    ...(method === undefined ? {} : { method }),
  } as SolveRequest;
}

/** A file, or standard input for `-`. Throws RangeError where it cannot be read. */
async function openInput(
  path: string,
): Promise<NodeJS.ReadableStream & { destroy(): void } & AsyncIterable<Uint8Array>> {
  if (path === "-") return process.stdin;
  try {
    const file = await open(path);
    if (!(await file.stat()).isDirectory()) return file.createReadStream();
    await file.close();
    throw Object.assign(new Error(), { code: "it is a folder" });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new RequestError("file", "a readable file", path, `${code}, - reads standard input`);
  }
}
