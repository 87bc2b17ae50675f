// What given instances cost on the CPU engine with two threads: to a caller of `solve`, and the kernels alone.

import { drawValue } from "../../../src/ensemble.ts";
import type { SolveRequest } from "../../../src/experiments/solve.ts";
import type { Work } from "../../../src/plan.ts";
import type { Instance } from "../../../src/problem.ts";
import { streamKey } from "../../../src/random.ts";
import script from "../../bench/knapsack.py?raw";
import { cpuRunner } from "../../cpu/runner.ts";
import type { Runner } from "../../runner.ts";
import { solve } from "../../solve.ts";
import { columns, grouped } from "../table.ts";
import { startThread } from "../threads.ts";
import { median, type Bench } from "./measure.ts";
import { startPython, type Tools } from "./yardstick.ts";

interface Case {
  readonly name: string;
  readonly request: SolveRequest;
  readonly instances: readonly Instance[];
}

/** Random integers of low..high, the same in every run: number `item` of list `trial`. */
function drawn(stream: number, trial: number, item: number, low: number, high: number): number {
  const range = high - low + 1;
  const key = streamKey(1n, [1000, stream]);
  // A law's range stays below 2^22; wider numbers are put together from two.
  if (range < 2 ** 22) return low + drawValue(range, key, trial, item);
  const part = 2 ** 20;
  return (
    low + drawValue(range / part, key, trial, 2 * item) * part + drawValue(part, key, trial, 2 * item + 1)
  );
}

const list = <T>(length: number, of: (i: number) => T) => Array.from({ length }, (_, i) => of(i));
const signed = (magnitude: number) => (magnitude > 127 ? 127 - magnitude : magnitude);

function cases(): Case[] {
  return [
    {
      name: "knapsack: 16 items of 1..999, capacity 1..2000",
      request: { ask: ["reachable"], atMost: true },
      instances: list(10_000, (trial) => ({
        items: list(16, (item) => drawn(0, trial, item, 1, 999)),
        target: drawn(1, trial, 0, 1, 2000),
      })),
    },
    {
      name: "21 items of +-1..127, witness and smallest",
      request: { ask: ["witness", "smallest"] },
      instances: list(100_000, (trial) => ({
        items: list(21, (item) => signed(drawn(2, trial, item, 1, 254))),
        target: drawn(3, trial, 0, -127, 127),
      })),
    },
    {
      name: "1000 items of 1..1000, capacity 250,000, witness",
      request: { ask: ["witness"], atMost: true },
      instances: list(1, (trial) => ({
        items: list(1000, (item) => drawn(4, trial, item, 1, 1000)),
        target: 250_000,
      })),
    },
    {
      name: "44 items of 40 bits, witness and count, by halves",
      request: { ask: ["witness", "count"] },
      instances: list(1, (trial) => {
        const items = list(44, (item) => drawn(5, trial, item, 1, 2 ** 40));
        return { items, target: items.reduce((sum, x, i) => (i % 2 ? sum + x : sum), 0) };
      }),
    },
  ];
}

/** The whole of a case, as its caller sees it: milliseconds, and the sum of the best sums. */
async function pass(runner: Runner, { instances, request }: Case) {
  const start = performance.now();
  let total = 0;
  let method = "";
  for await (const finding of solve(runner, instances, request)) {
    total += Number(finding.sum ?? 0);
    method = finding.method;
  }
  return { milliseconds: performance.now() - start, total, method };
}

/** What a case has its runner do. */
async function workOf(runner: Runner, of: Case): Promise<Work[]> {
  const works: Work[] = [];
  await pass({ ...runner, run: (work) => (works.push(work), runner.run(work)) }, of);
  return works;
}

/** Nothing but the kernels: milliseconds until all of some work is done. */
async function passKernels(runner: Runner, works: readonly Work[]): Promise<number> {
  const start = performance.now();
  await Promise.all(works.map((work) => runner.run(work)));
  return performance.now() - start;
}

/** Measures `rounds` rounds. */
export async function benchSolve(rounds: number, { python: command }: Tools): Promise<Bench> {
  const runner = await cpuRunner(2, startThread);
  const rows = [];
  try {
    const all = cases();
    const { instances } = all[0]!;
    const { total } = await pass(runner, all[0]!);
    const python = startPython(
      command,
      script,
      [instances.map(({ items }) => items), instances.map(({ target }) => target)],
      total,
    );
    const works = [];
    for (const each of all) works.push(await workOf(runner, each));
    const whole = all.map((): Awaited<ReturnType<typeof pass>>[] => []);
    const kernels = all.map((): number[] => []);
    const cpython: number[] = [];
    try {
      for (let round = 0; round < rounds; round++) {
        for (const [k, each] of all.entries()) {
          whole[k]!.push(await pass(runner, each));
          kernels[k]!.push(await passKernels(runner, works[k]!));
        }
        cpython.push(1000 * (await python.pass()));
      }
    } finally {
      python.close();
    }
    for (const [k, { name, instances }] of all.entries())
      rows.push({
        kind: "bench",
        kernel: "solve",
        name,
        instances: instances.length,
        method: whole[k]![0]!.method,
        milliseconds: {
          whole: median(whole[k]!.map(({ milliseconds }) => milliseconds)),
          kernels: median(kernels[k]!),
          ...(k === 0 ? { cpython: median(cpython) } : {}),
        },
      });
  } finally {
    runner.close();
  }
  const peak = process.resourceUsage().maxRSS * 1024;
  const table = columns([
    ["question", "instances", "method", "kernels, ms", "whole, ms", "instances/s", "CPython, ms"],
    ...rows.map(({ name, instances, method, milliseconds: { whole, kernels, cpython } }) => [
      name,
      grouped(instances),
      method,
      kernels.toPrecision(3),
      whole.toPrecision(3),
      grouped(Math.round((instances / whole) * 1000)),
      cpython?.toPrecision(3) ?? "",
    ]),
  ]);
  return {
    results: [...rows, { kind: "bench", kernel: "solve", peakBytes: peak }],
    title: `solve, two threads; medians of ${rounds} rounds in turn; peak memory of the process ${(peak / 2 ** 20).toFixed(0)} MiB`,
    table,
  };
}
