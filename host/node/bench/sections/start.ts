// The section `start`: what comes before and beside the work, which is opening an engine, compiling kernels, messages, confidence
// limits, and the load of the host.

import { spawn } from "node:child_process";
import { performance } from "node:perf_hooks";
import { RequestError } from "../../../../src/errors.ts";
import { phaseConfig, plan } from "../../../../src/experiments/phase.ts";
import { batchWork } from "../../../../src/plan.ts";
import { limits } from "../../../../src/statistics.ts";
import { compileKernels } from "../../../cpu/module.ts";
import { cpuRunner } from "../../../cpu/runner.ts";
import { gpuRunner } from "../../../gpu/runner.ts";
import { variantsOf } from "../../../gpu/kernels/index.ts";
import { referenceRunner } from "../../../reference.ts";
import type { Runner } from "../../../runner.ts";
import { schedule } from "../../../schedule.ts";
import { startThread } from "../../platform/threads.ts";
import type { Context, Measured, Section } from "../context.ts";
import { rowOf, rowsTable } from "../records/rows.ts";
import { repeated, timed, type Pass } from "../measure/measure.ts";
import { threadsText } from "../measure/passes.ts";
import type { Row } from "../records/record.ts";

const trials = plan(phaseConfig({ bits: 6, items: 12, targets: [0], seed: 1 }));
const one = batchWork(trials, { first: 0, count: 1 });

/** Seconds of a measurement of the share of the host, and how many there are. */
const SHARE_SECONDS = 0.5;
const SHARE_ROUNDS = 3;

/** A pass from opening an engine to its first answer. */
const firstAnswer =
  (open: () => Promise<Runner>): Pass =>
  () =>
    timed(async () => {
      const runner = await open();
      await runner.run(one);
      runner.close();
    });

/** A pass from the start of a process of this program to its end, with one trial. */
const wholeProcess =
  (engine: Measured): Pass =>
  () =>
    timed(
      () =>
        new Promise<void>((resolve, reject) => {
          const args = "phase --bits 6 --items 12 --trials 1 --json --quiet --engine".split(" ");
          const child = spawn(process.execPath, [process.argv[1]!, ...args, engine], { stdio: "ignore" });
          child.once("error", reject);
          child.once("exit", (code) =>
            code === 0 ? resolve() : reject(new Error(`exacta phase ended with status ${code}`)),
          );
        }),
    );

/** The share of time in which the event loop of this thread is busy while an engine runs trials. */
async function hostShare(runner: Runner, signal: AbortSignal): Promise<number> {
  const enough = new AbortController();
  const stop = () => enough.abort();
  signal.addEventListener("abort", stop);
  const timer = setTimeout(stop, 1000 * SHARE_SECONDS);
  const before = performance.eventLoopUtilization();
  await schedule(runner, trials, 2 ** 40, { signal: enough.signal });
  clearTimeout(timer);
  signal.removeEventListener("abort", stop);
  return performance.eventLoopUtilization(before).utilization;
}

/** An engine or a variant of it, with the function that opens it. */
interface Opening {
  readonly engine: Measured;
  readonly variant: string;
  readonly open: () => Promise<Runner>;
}

/** Whether this GPU has what a variant needs. */
async function fits(open: () => Promise<Runner>): Promise<boolean> {
  const runner = await open();
  try {
    await runner.prepare(one);
    return true;
  } catch (error) {
    if (error instanceof RequestError) return false;
    throw error;
  } finally {
    runner.close();
  }
}

async function openings({ engines, threads, gpu }: Context): Promise<Opening[]> {
  const found: Opening[] = [];
  if (engines.has("cpu"))
    for (const parallelism of new Set([1, threads]))
      found.push({
        engine: "cpu",
        variant: threadsText(parallelism),
        open: () => cpuRunner(parallelism, startThread),
      });
  if (gpu)
    for (const variant of variantsOf("reach")) {
      const open = () => gpuRunner(gpu.requestAdapter, { variant, language: gpu.language });
      if (await fits(open)) found.push({ engine: "gpu", variant, open });
    }
  if (engines.has("reference"))
    found.push({ engine: "reference", variant: "", open: async () => referenceRunner() });
  return found;
}

/** A pass of compiling the first pipeline of a new device: a device caches later ones of the same text. */
const firstPipeline =
  (open: () => Promise<Runner>): Pass =>
  async () => {
    const runner = await open();
    return timed(() => runner.prepare(one)).finally(() => runner.close());
  };

const roundTrip = (runner: Runner): Pass =>
  repeated(1, (times) =>
    timed(async () => {
      for (let k = 0; k < times; k++) await runner.run(one);
    }),
  );

/** A pass of the confidence limits of 2^47 successes in 2^48 trials. */
const confidenceLimits: Pass = repeated(1, (times) =>
  timed(() => {
    for (let k = 0; k < times; k++) limits(2 ** 47, 2 ** 48, 0.025);
  }),
);

/** A candidate, with what its row is named by. */
interface Named {
  readonly engine: Measured | "host";
  readonly variant: string;
  readonly pass: Pass;
}

/** Measures candidates alternately; returns a row for each. */
async function rowsOf(context: Context, size: string, list: readonly Named[]): Promise<Row[]> {
  if (context.signal.aborted || list.length === 0) return [];
  const passes = Object.fromEntries(list.map(({ pass }, i) => [i, pass]));
  const costs = await context.measure(`start, ${size}`, passes);
  if (!costs) return [];
  return list.map(({ engine, variant }, i) =>
    rowOf({ section: "start", engine, kernel: "", size, variant }, "s", costs[i]!),
  );
}

async function shareRows({ signal }: Context, engine: Measured, variant: string, runner: Runner) {
  const shares: number[] = [];
  while (shares.length < SHARE_ROUNDS && !signal.aborted) shares.push(await hostShare(runner, signal));
  const name = { section: "start", engine, kernel: "", size: "host while trials run", variant };
  return signal.aborted ? [] : [rowOf(name, "of a core", shares)];
}

/** Measures the engines that are asked for. */
export async function benchStart(context: Context): Promise<Section> {
  const found = await openings(context);
  const processes = [...context.engines].map((engine) => ({
    engine,
    variant: "",
    pass: wholeProcess(engine),
  }));
  const compiling: Named[] = found.flatMap(({ engine, variant, open }) =>
    engine === "gpu" ? [{ engine, variant, pass: firstPipeline(open) }] : [],
  );
  if (context.engines.has("cpu"))
    compiling.unshift({ engine: "cpu", variant: "all kernels", pass: () => timed(compileKernels) });
  const rows = [
    ...(await rowsOf(context, "process, one trial", processes)),
    ...(await rowsOf(
      context,
      "open, first answer",
      found.map((each) => ({ ...each, pass: firstAnswer(each.open) })),
    )),
    ...(await rowsOf(context, "compile", compiling)),
    ...(await rowsOf(context, "confidence limits", [
      { engine: "host", variant: "", pass: confidenceLimits },
    ])),
  ];
  const runners: (Opening & { readonly runner: Runner })[] = [];
  try {
    for (const each of found) runners.push({ ...each, runner: await each.open() });
    const trips = runners.map((each) => ({ ...each, pass: roundTrip(each.runner) }));
    rows.push(...(await rowsOf(context, "one trial, there and back", trips)));
    for (const { engine, variant, runner } of runners)
      if (engine !== "reference") rows.push(...(await shareRows(context, engine, variant, runner)));
  } finally {
    for (const { runner } of runners) runner.close();
  }
  return {
    title: "start and overhead; the share of the host is the time in which its event loop is busy",
    rows,
    table: rowsTable(rows),
  };
}
