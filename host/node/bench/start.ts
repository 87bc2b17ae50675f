// What comes before and beside the work: opening an engine, compiling kernels, messages, and what the host does meanwhile.

import { spawn } from "node:child_process";
import { performance } from "node:perf_hooks";
import { isRefusal } from "../../../src/check.ts";
import { phaseConfig, plan } from "../../../src/experiments/phase.ts";
import { batchWork } from "../../../src/plan.ts";
import { cpuRunner } from "../../cpu/runner.ts";
import { gpuRunner } from "../../gpu/runner.ts";
import { variantsOf } from "../../gpu/variants.ts";
import { referenceRunner } from "../../reference.ts";
import type { Runner } from "../../runner.ts";
import { schedule } from "../../schedule.ts";
import { startThread } from "../threads.ts";
import { rowOf, rowsTable, type Context, type Measured, type Section } from "./context.ts";
import { kernelModule } from "./kernel.ts";
import { repeated, timed, type Pass } from "./measure.ts";
import { threadsText } from "./passes.ts";
import type { Row } from "./record.ts";

const trials = plan(phaseConfig({ bits: 6, items: 12, targets: [0], seed: 1 }));
const one = batchWork(trials, { first: 0, count: 1 });

/** For which the share of the host is taken. */
const SHARE_SECONDS = 0.5;

/** From nothing to the first answer. */
const first =
  (open: () => Promise<Runner>): Pass =>
  () =>
    timed(async () => {
      const runner = await open();
      await runner.run(one);
      runner.close();
    });

/** From the start of this program's process to its end, with one trial between. */
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

/** The share of its time that this thread's event loop is busy while an engine works through trials. */
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

/** Measures what there is. */
export async function benchStart(context: Context): Promise<Section> {
  const { engines, threads, gpu, signal } = context;
  const rows: Row[] = [];
  const opened: (readonly [Measured, string, () => Promise<Runner>])[] = [];
  if (engines.has("cpu"))
    for (const lanes of new Set([1, threads]))
      opened.push(["cpu", threadsText(lanes), () => cpuRunner(lanes, startThread)]);
  if (gpu)
    for (const variant of variantsOf("reach"))
      opened.push(["gpu", variant, () => gpuRunner(gpu.requestAdapter, { variant, language: gpu.language })]);
  if (engines.has("reference")) opened.push(["reference", "", async () => referenceRunner()]);

  async function measure(
    size: string,
    unit: string,
    passes: Record<string, readonly [Measured, string, Pass]>,
  ) {
    if (signal.aborted) return;
    const costs = await context.takeTurns(
      size,
      Object.fromEntries(Object.entries(passes).map(([name, [, , pass]]) => [name, pass])),
    );
    for (const [name, [engine, variant]] of Object.entries(passes))
      if (costs)
        rows.push(rowOf({ section: "start", engine, kernel: "", size, variant }, unit, costs[name]!));
  }
  const named = (list: readonly (readonly [Measured, string, Pass])[]) =>
    Object.fromEntries(list.map((each) => [`${each[0]} ${each[1]}`, each]));

  await measure(
    "process, one trial",
    "s",
    named([...engines].map((engine) => [engine, "", wholeProcess(engine)])),
  );
  await measure(
    "open, first answer",
    "s",
    named(opened.map(([engine, variant, open]) => [engine, variant, first(open)])),
  );
  if (engines.has("cpu"))
    await measure("compile", "s", named([["cpu", "all kernels", () => timed(kernelModule)]]));
  const runners: [Measured, string, Runner][] = [];
  try {
    for (const [engine, variant, open] of opened) runners.push([engine, variant, await open()]);
    if (gpu) await measureCompile();
    await measure(
      "one trial, there and back",
      "s",
      named(
        runners.map(([engine, variant, runner]) => [
          engine,
          variant,
          repeated(1, (times) =>
            timed(async () => {
              for (let k = 0; k < times; k++) await runner.run(one);
            }),
          ),
        ]),
      ),
    );
    for (const [engine, variant, runner] of runners) {
      if (signal.aborted || engine === "reference") continue;
      const shares: number[] = [];
      for (let k = 0; k < 3; k++) shares.push(await hostShare(runner, signal));
      const size = "host, share of a core";
      rows.push(rowOf({ section: "start", engine, kernel: "", size, variant }, "of a core", shares));
    }
  } finally {
    for (const [, , runner] of runners) runner.close();
  }

  /** The first pipeline of a device: later ones of the same text come from its memory. */
  async function measureCompile(): Promise<void> {
    const passes: (readonly [Measured, string, Pass])[] = [];
    for (const [engine, variant, open] of opened) {
      if (engine !== "gpu") continue;
      const pass = async () => {
        const runner = await open();
        return timed(() => runner.prepare(one)).finally(() => runner.close());
      };
      try {
        await pass();
        passes.push([engine, variant, pass]);
      } catch (error) {
        if (!isRefusal(error)) throw error;
      }
    }
    await measure("compile", "s", named(passes));
  }

  return {
    title: "start and overhead: the host's share is that of the time its event loop is busy while trials run",
    rows,
    table: rowsTable(rows),
  };
}
