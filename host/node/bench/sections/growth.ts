// The section `growth`: the growth of the cost of `reach` on the CPU engine, beside theory.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { phaseConfig, plan } from "../../../../src/experiments/phase.ts";
import { batchWork, type Plan } from "../../../../src/plan.ts";
import { loadKernel } from "../measure/kernel.ts";
import { cpuRunner } from "../../../cpu/runner.ts";
import type { Runner } from "../../../runner.ts";
import { schedule } from "../../../schedule.ts";
import { columns } from "../../reports/table.ts";
import { startThread } from "../../platform/threads.ts";
import type { Context, Section } from "../context.ts";
import { ratioOf, rowOf, valueText } from "../records/rows.ts";
import { median, repeated, timed, type Pass } from "../measure/measure.ts";
import { taskPass, trialsPass } from "../measure/passes.ts";
import type { Row } from "../records/record.ts";
import { updatesOf } from "../measure/updates.ts";

/** Word updates of a task of the kernel alone. */
const TASK_UPDATES = 2 ** 20;

interface Step {
  /** The value of the quantity that grows. */
  readonly at: number;
  readonly size: string;
  readonly pass: Pass;
  /** The cost in theory, in a unit that is the same for the whole ladder. */
  readonly theory: number;
}

/** Measurements of a growing quantity. */
interface Ladder {
  readonly what: string;
  readonly order: string;
  readonly unit: string;
  readonly steps: readonly Step[];
}

/** The half ranges 2^k and the numbers of items of the costs far beyond the threshold, and their limit. */
const FAR_BITS = [8, 10, 12] as const;
const FAR_ITEMS = [40, 64] as const;
const FAR_LIMIT = 1.5;

const planOf = (bits: number, items: number, targets: readonly number[] | "all" = [0]): Plan =>
  plan(phaseConfig({ bits, items, targets, seed: 1 }));

/** The kernel alone. The cost in theory is its word updates. */
async function kernelStep(at: number, bits: number, items: number): Promise<Step> {
  const trials = planOf(bits, items);
  const theory = updatesOf(trials);
  const count = 4 * Math.ceil(TASK_UPDATES / theory / 4);
  const { run } = await loadKernel(batchWork(trials, { first: 0, count }));
  return { at, size: `M = 2^${bits}, n = ${items}`, pass: taskPass(count, run), theory };
}

/** n steps on windows that grow to n M / 4 bits and shrink again, n M / 8 on average. */
const WORDS_ORDER = "n^2 M / 256 words";

async function ladders({ threads }: Context, runners: readonly Runner[]): Promise<Ladder[]> {
  const [one] = runners;
  const all = runners.at(-1)!;
  const byItems: Step[] = [];
  // No size of these two ladders has a prefix, which would end the growth.
  for (const items of [5, 10, 20]) byItems.push(await kernelStep(items, 10, items));
  const byRange: Step[] = [];
  for (const bits of [6, 8, 10, 12, 14, 16, 18]) byRange.push(await kernelStep(2 ** bits, bits, 16));
  const middle = planOf(10, 16);
  return [
    { what: "items, kernel alone", order: WORDS_ORDER, unit: "s/trial", steps: byItems },
    { what: "half range, kernel alone", order: WORDS_ORDER, unit: "s/trial", steps: byRange },
    {
      what: `trials of a run, ${threads} threads`,
      order: "trials",
      unit: "s/run",
      steps: [1e4, 1e5, 1e6, 1e7].map((trials) => ({
        at: trials,
        size: `${trials.toExponential().replace("e+", "e")} trials`,
        pass: () => timed(() => schedule(all, planOf(6, 12), trials)),
        theory: trials,
      })),
    },
    {
      what: "threads, M = 2^10, n = 16",
      order: "1 / threads",
      unit: "s/trial",
      steps: runners.map((runner) => ({
        at: runner.parallelism,
        size: `${runner.parallelism} ${runner.parallelism === 1 ? "thread" : "threads"}`,
        pass: trialsPass(runner, middle),
        theory: 1 / runner.parallelism,
      })),
    },
    {
      what: "trials of a batch, M = 2^10, n = 16, one thread",
      order: "1, beside a message each",
      unit: "s/trial",
      steps: [1, 10, 100, 1e3, 1e4].map((count) => ({
        at: count,
        size: `${count} a batch`,
        pass: batchesPass(one!, middle, count),
        theory: 1,
      })),
    },
  ];
}

/** A pass of batches of `count` trials, `queueDepth` of them in flight as under the scheduler. Its unit is a trial. */
function batchesPass(runner: Runner, trials: Plan, count: number): Pass {
  const work = batchWork(trials, { first: 0, count });
  return repeated(count * runner.queueDepth, (times) =>
    timed(() =>
      Promise.all(
        Array.from({ length: runner.queueDepth }, async () => {
          for (let k = 0; k < times; k++) await runner.run(work);
        }),
      ),
    ),
  );
}

/**
 * A module that prints the peak memory of its process in KiB at exit; its threads print it as well. It reads `VmHWM`, because
 * `maxRSS` on Linux includes the memory of the process that started this one.
 */
const PEAK_MEMORY_MODULE = `data:text/javascript,${encodeURIComponent(`
  import { readFileSync } from "node:fs";
  const most = () => {
    try {
      return /VmHWM:\\s+(\\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1];
    } catch {
      return process.resourceUsage().maxRSS;
    }
  };
  process.on("exit", () => console.error(most()));
`)}`;

/** The peak memory of a process of this program that runs `trials` trials, in bytes. */
async function peakMemoryOf(trials: number): Promise<number> {
  const args = `phase --engine cpu --bits 6 --items 12 --json --quiet --trials ${trials}`.split(" ");
  const run = promisify(execFile);
  const { stderr } = await run(process.execPath, ["--import", PEAK_MEMORY_MODULE, process.argv[1]!, ...args]);
  return 1024 * Math.max(...stderr.trim().split("\n").map(Number));
}

/**
 * Measures numbers of items far beyond the threshold beside log2 M + 8, where a prefix decides nearly every trial. Drawing is
 * included.
 */
async function benchFar(context: Context): Promise<Omit<Section, "title">> {
  const rows: Row[] = [];
  const table: string[][] = [];
  for (const [asked, targets] of [
    ["target 0", [0]],
    ["every target", "all"],
  ] as const) {
    for (const bits of FAR_BITS) {
      if (context.signal.aborted) break;
      const sizes = [bits + 8, ...FAR_ITEMS];
      const passes = await Promise.all(
        sizes.map(async (items): Promise<[string, Pass]> => {
          const count = 4 * Math.ceil(TASK_UPDATES / updatesOf(planOf(bits, bits + 8)));
          const { run } = await loadKernel(batchWork(planOf(bits, items, targets), { first: 0, count }));
          return [`M = 2^${bits}, n = ${items}`, taskPass(count, run)];
        }),
      );
      const costs = await context.measure(
        `growth far beyond the threshold, ${asked}, M = 2^${bits}`,
        Object.fromEntries(passes),
      );
      if (!costs) break;
      const [near] = Object.values(costs);
      for (const [size, cost] of Object.entries(costs)) {
        const variant = `far beyond the threshold, ${asked}`;
        const ratio = cost === near ? undefined : ratioOf(cost, near!);
        rows.push(
          rowOf({ section: "growth", engine: "cpu", kernel: "reach", size, variant }, "s/trial", cost, {
            ...(ratio && { ratios: { "n = log2 M + 8": 1 / ratio } }),
          }),
        );
        table.push([
          `${size}, ${asked}`,
          valueText(median(cost), "s/trial"),
          ratio ? ratio.toFixed(2) : "",
          ratio ? FAR_LIMIT.toFixed(2) : "",
        ]);
      }
    }
  }
  return {
    rows,
    table: [
      ...columns([["far beyond the threshold, kernel alone", "median", "of log2 M + 8", "limit"], ...table]),
      "theory: the same for any number of items",
      "",
    ],
  };
}

/** The powers of 2 below the number of threads, and that number. */
function threadCounts(threads: number): number[] {
  const counts: number[] = [];
  for (let count = 1; count < threads; count *= 2) counts.push(count);
  return [...counts, threads];
}

/** Measures every ladder, and the memory of processes. */
export async function benchGrowth(context: Context): Promise<Section> {
  const rows: Row[] = [];
  const table: string[] = [];
  const runners: Runner[] = [];
  const name = { section: "growth", engine: "cpu", kernel: "reach" };
  try {
    for (const count of threadCounts(context.threads)) runners.push(await cpuRunner(count, startThread));
    for (const { what, order, unit, steps } of await ladders(context, runners)) {
      const costs = await context.measure(
        `growth with ${what}`,
        Object.fromEntries(steps.map(({ size, pass }) => [size, pass])),
      );
      if (!costs) break;
      const lines = steps.map(({ at, size, theory }, i) => {
        const before = steps[i - 1];
        const exponent = (now: number, then: number) => Math.log(now / then) / Math.log(at / before!.at);
        const exponents = before && {
          measured: exponent(median(costs[size]!), median(costs[before.size]!)),
          theory: exponent(theory, before.theory),
        };
        rows.push(
          rowOf({ ...name, size, variant: what }, unit, costs[size]!, { ...(exponents && { exponents }) }),
        );
        return [
          size,
          valueText(median(costs[size]!), unit),
          exponents ? exponents.measured.toFixed(2) : "",
          exponents ? exponents.theory.toFixed(2) : "",
        ];
      });
      table.push(...columns([[what, "median", "exponent", "in theory"], ...lines]), `theory: ${order}`, "");
    }
    const far = await benchFar(context);
    rows.push(...far.rows);
    table.push(...far.table);
    const memory: string[][] = [];
    for (const trials of [1e5, 1e6, 1e7]) {
      if (context.signal.aborted) break;
      const size = `${trials.toExponential().replace("e+", "e")} trials`;
      const bytes = await peakMemoryOf(trials);
      rows.push(rowOf({ ...name, size, variant: "memory of a process" }, "B", [bytes]));
      memory.push([size, valueText(bytes, "B")]);
    }
    table.push(
      ...columns([["memory of a process", "most"], ...memory]),
      "theory: the same for any number of trials",
    );
  } finally {
    for (const runner of runners) runner.close();
  }
  return {
    title:
      "growth of reach on the CPU: from one line to the next, the cost grows as the quantity to the power of the exponent",
    rows,
    table,
  };
}
