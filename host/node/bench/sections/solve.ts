// The section `solve`: the cost of given instances on all threads of the CPU engine, for `solve` on objects and on columns, for
// its kernels alone, and for the command from text to text.

import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { drawValue } from "../../../../src/ensemble.ts";
import type { SolveRequest } from "../../../../src/experiments/solve.ts";
import type { Work } from "../../../../src/plan.ts";
import type { Instance } from "../../../../src/solve/problem.ts";
import { streamKey } from "../../../../src/random.ts";
import lineScript from "../yardsticks/native/knapsack-lines.py?raw";
import script from "../yardsticks/native/knapsack.py?raw";
import { cpuRunner } from "../../../cpu/runner.ts";
import type { Runner } from "../../../runner.ts";
import { solve } from "../../../experiments/solve.ts";
import { grouped } from "../../reports/table.ts";
import { startThread } from "../../platform/threads.ts";
import type { Context, Section } from "../context.ts";
import { pivot, ratioOf, rowOf, type Column } from "../records/rows.ts";
import { repeated, timed } from "../measure/measure.ts";
import { threadsText, worksPass } from "../measure/passes.ts";
import type { Row } from "../records/record.ts";
import { startPython } from "../yardsticks/process.ts";

interface Case {
  readonly name: string;
  readonly request: SolveRequest;
  readonly instances: readonly Instance[];
}

/** A random integer of low..high, the same in every run: number `item` of list `trial` of a stream. */
function drawn(stream: number, trial: number, item: number, low: number, high: number): number {
  const range = high - low + 1;
  const key = streamKey(1n, [1000, stream]);
  // The range of a law is below 2^22, so wider numbers are composed of two.
  if (range < 2 ** 22) return low + drawValue(range, key, trial, item);
  const part = 2 ** 20;
  return (
    low + drawValue(range / part, key, trial, 2 * item) * part + drawValue(part, key, trial, 2 * item + 1)
  );
}

const list = <T>(length: number, element: (i: number) => T) => Array.from({ length }, (_, i) => element(i));
/** Maps 1..254 to +-1..127. */
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
      name: "50 items of 1..1000 with profits of 1..1000, capacity 10,000",
      request: { profits: true },
      instances: list(1000, (trial) => ({
        items: list(50, (item) => drawn(6, trial, item, 1, 1000)),
        profits: list(50, (item) => drawn(7, trial, item, 1, 1000)),
        target: 10_000,
      })),
    },
    {
      name: "44 items of 40 bits, witness and count, by meeting in the middle",
      request: { ask: ["witness", "count"] },
      instances: list(1, (trial) => {
        const items = list(44, (item) => drawn(5, trial, item, 1, 2 ** 40));
        return { items, target: items.reduce((sum, x, i) => (i % 2 ? sum + x : sum), 0) };
      }),
    },
  ];
}

/** Solves a case; returns the total of the best sums, and the method of the last finding. */
async function solveCase(runner: Runner, { instances, request }: Case) {
  let total = 0;
  let method = "";
  for await (const finding of solve(runner, instances, request)) {
    total += Number(finding.sum ?? 0);
    method = finding.method;
  }
  return { total, method };
}

/** The instances of a case as columns. */
function columnsOf({ instances }: Case) {
  const offsets = new Uint32Array(instances.length + 1);
  instances.forEach(({ items }, k) => (offsets[k + 1] = offsets[k]! + items.length));
  const items = new Int32Array(offsets.at(-1)!);
  instances.forEach(({ items: some }, k) => items.set(some, offsets[k]));
  return { items, offsets, targets: Int32Array.from(instances, ({ target }) => Number(target)) };
}

/** The works that `solve` has its runner do for a case. */
async function worksOf(runner: Runner, solved: Case): Promise<Work[]> {
  const works: Work[] = [];
  await solveCase({ ...runner, run: (work) => (works.push(work), runner.run(work)) }, solved);
  return works;
}

/** Measures every case, the first one beside CPython. */
export async function benchSolve(context: Context): Promise<Section> {
  const rows: Row[] = [];
  const runner = await cpuRunner(context.threads, startThread);
  try {
    for (const each of cases()) {
      if (context.signal.aborted) break;
      rows.push(...(await rowsOf(context, runner, each)));
    }
  } finally {
    runner.close();
  }
  if (!context.signal.aborted) rows.push(...(await commandRows(context)));
  return {
    title: `solve on ${threadsText(context.threads)}: the kernels alone, the call on columns, and the call on objects`,
    rows,
    table: pivot(rows, [
      ["method", (find) => find("cpu", "whole")?.kernel ?? ""],
      ...["kernels", "columns", "whole"].map((variant): Column => [
        `${variant}, instances/s`,
        (find) => {
          const rate = find("cpu", variant)?.value;
          return rate === undefined ? "" : grouped(Math.round(rate));
        },
      ]),
      [
        "CPython / whole",
        (find) => {
          const times = find("cpu", "whole")?.ratios?.CPython;
          return times === undefined ? "" : `${times.toFixed(2)}x`;
        },
      ],
    ]),
  };
}

/** Instances that the command reads from a file. */
const COMMAND_INSTANCES = 1_000_000;
const COMMAND = "the command on a file: 16 items of 1..999, capacity 1..2000";

/** Measures `exacta solve` as a process from its start to its end, beside CPython on the same file. */
async function commandRows(context: Context): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), "exacta-bench-"));
  const file = join(folder, "instances.txt");
  try {
    await writeFile(file, commandLines());
    const command = [process.execPath, process.argv[1]!, "solve", file, "--engine", "cpu", "--quiet"];
    const exacta = [...command, "--ask", "reachable", "--at-most"];
    const python = context.python ? [context.python, "-c", lineScript, file] : undefined;
    const costs = await context.measure(`solve, ${COMMAND}`, {
      command: repeated(COMMAND_INSTANCES, (times) =>
        timed(async () => {
          for (let k = 0; k < times; k++) await processEnd(exacta);
        }),
      ),
      python:
        python &&
        repeated(COMMAND_INSTANCES, (times) =>
          timed(async () => {
            for (let k = 0; k < times; k++) await processEnd(python);
          }),
        ),
    });
    if (!costs) return [];
    const row = (engine: string, variant: string, list: number[], others?: number[]) =>
      rowOf({ section: "solve", engine, kernel: "bitset", size: COMMAND, variant }, "instances/s", list, {
        ...(others && { ratios: { CPython: ratioOf(others, list) } }),
      });
    return [
      row("cpu", "whole", costs.command, costs.python),
      ...(costs.python ? [row("cpython", "big integers", costs.python)] : []),
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The lines of the instances of the first case, over and over. */
function* commandLines(): Generator<string, void, undefined> {
  const { instances } = cases()[0]!;
  const lines = instances.map(({ items, target }) => `${items.join(" ")} : ${String(target)}\n`).join("");
  for (let count = 0; count < COMMAND_INSTANCES; count += instances.length) yield lines;
}

/** Runs a command and resolves when it has ended well; its output is dropped. */
function processEnd([command, ...args]: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command!, args, { stdio: ["ignore", "ignore", "inherit"] });
    child.on("error", reject);
    child.on("close", (status) =>
      status === 0 ? resolve() : reject(new Error(`${command} ended with status ${status}`)),
    );
  });
}

async function rowsOf(context: Context, runner: Runner, solved: Case): Promise<Row[]> {
  const { name, instances, request } = solved;
  const { total, method } = await solveCase(runner, solved);
  const works = await worksOf(runner, solved);
  const lines = [instances.map(({ items }) => items), instances.map(({ target }) => target)];
  const python =
    context.python && request.atMost && instances.length > 1
      ? startPython(context.python, script, lines, total)
      : undefined;
  const count = instances.length;
  const columns = count > 1 && !request.profits ? columnsOf(solved) : undefined;
  const costs = await context
    .measure(`solve, ${name}`, {
      columns:
        columns &&
        repeated(count, (times) =>
          timed(async () => {
            for (let k = 0; k < times; k++) await solve(runner, columns, request);
          }),
        ),
      whole: repeated(count, (times) =>
        timed(async () => {
          for (let k = 0; k < times; k++) await solveCase(runner, solved);
        }),
      ),
      kernels: worksPass(runner, count, works),
      python: python && repeated(count, python.pass),
    })
    .finally(() => python?.close());
  if (!costs) return [];
  const row = (engine: string, variant: string, list: number[], others?: number[]) =>
    rowOf({ section: "solve", engine, kernel: method, size: name, variant }, "instances/s", list, {
      ...(others && { ratios: { CPython: ratioOf(others, list) } }),
    });
  return [
    row("cpu", "kernels", costs.kernels),
    ...(costs.columns ? [row("cpu", "columns", costs.columns, costs.python)] : []),
    row("cpu", "whole", costs.whole, costs.python),
    ...(costs.python ? [row("cpython", "big integers", costs.python)] : []),
  ];
}
