// What a trial of `reach` costs on the CPU engine, drawing and tallying included, beside CPython's best form of the same
// question without drawing. All candidates take turns, so that whatever else the machine does hits them alike.

import { drawValue, ensembleKey, itemOf, lawOf } from "../../../src/ensemble.ts";
import { phaseConfig, plan } from "../../../src/experiments/phase.ts";
import { reachTally } from "../../../src/kernels/reach.ts";
import { batchWork } from "../../../src/plan.ts";
import script from "../../bench/reach.py?raw";
import { cpuRunner } from "../../cpu/runner.ts";
import type { Runner } from "../../runner.ts";
import { columns } from "../table.ts";
import { startThread } from "../threads.ts";
import { median, type Bench } from "./measure.ts";
import { startPython, type Tools, type Yardstick } from "./yardstick.ts";

const BITS = [6, 8, 10, 12];
/** Instances of a pass of CPython, and what sets the trials of a pass of a thread: some ten and a hundred milliseconds. */
const PYTHON_INSTANCES = 10_000;
const WORK = 8e9;

/** A CPython process that counts the targets reached by the same instances. */
function startYardstick(command: string, bits: number, expectedTotal: number): Yardstick {
  const M = 2 ** bits;
  const [law, key] = [lawOf("rssp", M), ensembleKey(1n, "rssp", M)];
  const instances = Array.from({ length: PYTHON_INSTANCES }, (_, trial) =>
    Array.from({ length: bits + 6 }, (_, item) => itemOf(law, drawValue(law.range, key, trial, item))),
  );
  return startPython(command, script, [M, instances], expectedTotal);
}

/** One precision: a pass of each candidate, in nanoseconds a trial. */
interface Case {
  readonly bits: number;
  readonly pass: () => Promise<Row>;
  readonly times: Row[];
}

interface Row {
  readonly one: number;
  readonly two: number;
  readonly cpython: number;
}

async function prepareCase(
  bits: number,
  one: Runner,
  two: Runner,
  python: Yardstick[],
  command: string,
): Promise<Case> {
  const work = plan(phaseConfig({ bits, items: bits + 6, targets: [0], seed: 1 }));
  const missing = reachTally(work.params).missing(0);
  const tally = await one.run(batchWork(work, { first: 0, count: PYTHON_INSTANCES }));
  const missed = tally[missing]! + tally[missing + 1]! * 2 ** 32;
  const yardstick = startYardstick(command, bits, (2 ** (bits + 1) + 1) * PYTHON_INSTANCES - missed);
  python.push(yardstick);
  const count = Math.ceil(WORK / (2 ** bits * (bits + 6) * 8));
  /** Each thread has two batches, as under the scheduler. */
  const pass = async (engine: Runner, threads: number) => {
    const start = performance.now();
    const batches = Array.from({ length: 2 * threads }, (_, i) => ({ first: i * count, count }));
    await Promise.all(batches.map((batch) => engine.run(batchWork(work, batch))));
    return ((performance.now() - start) * 1e6) / (2 * threads * count);
  };
  return {
    bits,
    times: [],
    pass: async () => ({
      one: await pass(one, 1),
      two: await pass(two, 2),
      cpython: ((await yardstick.pass()) / PYTHON_INSTANCES) * 1e9,
    }),
  };
}

/** Measures `rounds` rounds. */
export async function benchReach(rounds: number, { python: command }: Tools): Promise<Bench> {
  const [one, two] = [await cpuRunner(1, startThread), await cpuRunner(2, startThread)];
  const python: Yardstick[] = [];
  const cases: Case[] = [];
  try {
    for (const bits of BITS) cases.push(await prepareCase(bits, one, two, python, command));
    // Every precision in every round, so that a disturbance of some seconds spoils a few rounds of all and not all of one.
    for (let round = -1; round < rounds; round++)
      for (const { pass, times } of cases) {
        const row = await pass();
        // The first round warms up.
        if (round >= 0) times.push(row);
      }
  } finally {
    for (const yardstick of python) yardstick.close();
    one.close();
    two.close();
  }
  const results = cases.map(({ bits, times }) => ({
    kind: "bench",
    kernel: "reach",
    bits,
    items: bits + 6,
    nanoseconds: {
      one: median(times.map((row) => row.one)),
      two: median(times.map((row) => row.two)),
      cpython: median(times.map((row) => row.cpython)),
    },
    speedup: median(times.map((row) => row.cpython / row.one)),
    scaling: median(times.map((row) => row.one / row.two)),
  }));
  const table = columns([
    ["k", "M", "one thread", "two threads", "CPython", "CPython / one thread", "one / two threads"],
    ...results.map(({ bits, nanoseconds, speedup, scaling }) => [
      String(bits),
      String(2 ** bits),
      nanoseconds.one.toFixed(0),
      nanoseconds.two.toFixed(0),
      nanoseconds.cpython.toFixed(0),
      `${speedup.toFixed(1)}x`,
      `${scaling.toFixed(2)}x`,
    ]),
  ]);
  return {
    results,
    title: `reach, n = k + 6, every target of -M..M; ns a trial, medians of ${rounds} rounds in turn`,
    table,
  };
}
