// exacta bench: what a trial of `reach` costs on the CPU engine, drawing and tallying included, beside CPython's best form
// of the same question without drawing. All candidates take turns, so that whatever else the machine does hits them alike.

import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { expected, integer, parse } from "../../src/check.ts";
import { drawValue, ensembleKey, itemOf, lawOf } from "../../src/ensemble.ts";
import { phaseConfig, plan } from "../../src/experiments/phase.ts";
import { reachTally } from "../../src/kernels/reach.ts";
import script from "../bench/reach.py?raw";
import { readNumber } from "./arguments.ts";
import { cpuRunner } from "../cpu/runner.ts";
import { startThread } from "./threads.ts";

export interface BenchArguments {
  rounds?: string;
  json?: boolean;
  python?: string;
}

const BITS = [6, 8, 10, 12];
/** Instances of a pass of CPython, and trials of a pass of each thread: some tens of milliseconds each. */
const PYTHON_INSTANCES = 10_000;
const WORK = 2e9;

const column = (text: string, width: number) => text.padStart(width);
const median = (values: readonly number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

interface Yardstick {
  pass(): Promise<number>;
  close(): void;
}

/** A CPython process that answers one pass at a time with nanoseconds a trial. Checks its count against ours. */
async function startPython(command: string, bits: number, expectedTotal: number): Promise<Yardstick> {
  const M = 2 ** bits;
  const [law, key] = [lawOf("rssp", M), ensembleKey(1n, "rssp", M)];
  const instances = Array.from({ length: PYTHON_INSTANCES }, (_, trial) =>
    Array.from({ length: bits + 6 }, (_, item) => itemOf(law, drawValue(law.range, key, trial, item))),
  );
  const child: ChildProcess = spawn(command, ["-c", script], { stdio: ["pipe", "pipe", "inherit"] });
  const failed = new Promise<never>((_, reject) => {
    const refuse = () =>
      reject(
        new RangeError(expected("python", "a CPython of 3.10 or newer", command, "name one with --python")),
      );
    child.once("error", refuse);
    child.once("exit", refuse);
  });
  failed.catch(() => {});
  // A process that ends early is reported by its exit.
  child.stdin!.on("error", () => {});
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  child.stdin!.write(`${M}\n${JSON.stringify(instances)}\n`);
  return {
    async pass(): Promise<number> {
      child.stdin!.write("\n");
      const line = await Promise.race([lines.next(), failed]);
      if (line.done) return failed;
      const [seconds, total] = JSON.parse(line.value) as [number, number];
      if (total !== expectedTotal)
        throw new Error(`CPython reaches ${total} targets, exacta ${expectedTotal}`);
      return (seconds / PYTHON_INSTANCES) * 1e9;
    },
    close: () => void child.kill(),
  };
}

/** Runs the command and returns its exit status. */
export async function runBench(args: BenchArguments): Promise<number> {
  const { json, python: command = "python3" } = args;
  const rounds = parse(integer(1, 1000), readNumber(args.rounds ?? "9"), "rounds");
  let yardstick: Yardstick | undefined;
  const [one, two] = [await cpuRunner(1, startThread), await cpuRunner(2, startThread)];
  try {
    if (!json)
      process.stdout.write(
        `reach, n = k + 6, every target of -M..M; ns a trial, medians of ${rounds} rounds in turn\n\n` +
          " k   M      one thread   two threads   CPython   CPython / one thread   one / two threads\n",
      );
    for (const bits of BITS) {
      const work = plan(phaseConfig({ bits, items: bits + 6, targets: [0], seed: 1 }));
      const missing = reachTally(work.params).missing(0);
      const tally = await one.run(work, { first: 0, count: PYTHON_INSTANCES });
      const reached =
        (2 ** (bits + 1) + 1) * PYTHON_INSTANCES - (tally[missing]! + tally[missing + 1]! * 2 ** 32);
      yardstick = await startPython(command, bits, reached);
      const count = Math.ceil(WORK / (2 ** bits * (bits + 6) * 8));
      /** Each thread has two batches, as under the scheduler. */
      const pass = async (threads: number) => {
        const start = performance.now();
        const batches = Array.from({ length: 2 * threads }, (_, i) => ({ first: i * count, count }));
        await Promise.all(batches.map((batch) => (threads === 1 ? one : two).run(work, batch)));
        return ((performance.now() - start) * 1e6) / (2 * threads * count);
      };
      const times: [number, number, number][] = [];
      for (let round = -1; round < rounds; round++) {
        const row: [number, number, number] = [await pass(1), await pass(2), await yardstick.pass()];
        // The first round warms up.
        if (round >= 0) times.push(row);
      }
      yardstick.close();
      const [single, double, cpython] = [0, 1, 2].map((i) => median(times.map((row) => row[i]!))) as [
        number,
        number,
        number,
      ];
      const speedup = median(times.map(([a, , c]) => c / a));
      const scaling = median(times.map(([a, b]) => a / b));
      if (json)
        process.stdout.write(
          `${JSON.stringify({ kind: "bench", kernel: "reach", bits, items: bits + 6, nanoseconds: { one: single, two: double, cpython }, speedup, scaling })}\n`,
        );
      else {
        process.stdout.write(
          `${column(String(bits), 2)}   ${String(2 ** bits).padEnd(5)}${column(single.toFixed(0), 12)}${column(double.toFixed(0), 14)}` +
            `${column(cpython.toFixed(0), 10)}${column(`${speedup.toFixed(1)}x`, 23)}${column(`${scaling.toFixed(2)}x`, 20)}\n`,
        );
      }
    }
    return 0;
  } finally {
    yardstick?.close();
    one.close();
    two.close();
  }
}
