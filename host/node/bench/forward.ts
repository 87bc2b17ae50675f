// What forward passes cost on the CPU engine with one thread, beside AVX2 by hand in the same run.

import { drawValue } from "../../../src/ensemble.ts";
import type { ForwardParams } from "../../../src/kernels/forward.ts";
import type { Work } from "../../../src/plan.ts";
import { streamKey } from "../../../src/random.ts";
import program from "../../bench/forward.c?raw";
import { cpuRunner } from "../../cpu/runner.ts";
import type { Runner } from "../../runner.ts";
import { columns as aligned } from "../table.ts";
import { startThread } from "../threads.ts";
import { median, type Bench } from "./measure.ts";
import { startNative, type Tools, type Yardstick } from "./yardstick.ts";

/** Inputs, outputs, and how many passes are measured at once: some hundred milliseconds of all hidden units. */
const SHAPES = [
  { columns: 64, rows: 64, samples: 2 ** 14 },
  { columns: 256, rows: 256, samples: 2 ** 10 },
  { columns: 784, rows: 32, samples: 2 ** 11 },
] as const;
/** Hidden units of each input, half of them for either sign. */
const GROUP = 32;
const SHIFT = 6;

interface Case {
  readonly columns: number;
  readonly rows: number;
  readonly samples: number;
  readonly audit: Work;
  readonly collapsed: Work;
  readonly avx2: Yardstick;
  readonly times: { audit: number; collapsed: number; avx2: number }[];
}

const sumOf = (words: Uint32Array) => new Int32Array(words.buffer).reduce((sum, word) => sum + word, 0);

/** A layer whose units are +-1..+-4 and whose weights are -64..64, half of them pruned; inputs are -31..31. */
async function prepareCase(
  { columns, rows, samples }: (typeof SHAPES)[number],
  runner: Runner,
  cc: string,
): Promise<Case> {
  let drawn = 0;
  const key = streamKey(1n, [1000, columns]);
  const draw = (range: number) => drawValue(range, key, drawn++, 0);
  const hidden = columns * GROUP;
  const units = Int32Array.from({ length: hidden }, (_, i) => (i < hidden / 2 ? 1 : -1) * (1 + draw(4)));
  const weights = Int32Array.from({ length: rows * hidden }, () => (draw(129) - 64) * draw(2));
  const inputs = Int32Array.from({ length: samples * columns }, () => draw(63) - 31);
  const params: ForwardParams = {
    networks: 1,
    samples,
    columns,
    group: GROUP,
    rows,
    broadcast: 0,
    rectify: 1,
    shift: SHIFT,
    quantizer: 0,
    relu: 1,
    most: 0,
    wide: 0,
  };
  const dense = new Int32Array(rows * 2 * columns);
  weights.forEach((weight, i) => {
    const unit = units[i % hidden]!;
    const at = (2 * Math.floor(i / hidden) + Number(unit < 0)) * columns + (i % columns);
    dense[at]! += weight * Math.abs(unit);
  });
  const signs = Int32Array.from({ length: 2 * columns }, (_, i) => (i < columns ? 1 : -1));
  const audit: Work = { kernel: "forward", params, inputs: { inputs, units, weights } };
  const collapsed: Work = {
    kernel: "forward",
    params: { ...params, group: 2 },
    inputs: { inputs, units: signs, weights: dense },
  };
  const [whole, quick] = [await runner.run(audit), await runner.run(collapsed)];
  if (whole.some((word, i) => word !== quick[i])) throw new Error("the collapsed pass has other outputs");
  // The yardstick has the units of a column side by side.
  const besides = (list: Int32Array) =>
    Int16Array.from(list, (_, i) => {
      const [row, place] = [Math.floor(i / hidden), i % hidden];
      return list[row * hidden + (place % GROUP) * columns + Math.floor(place / GROUP)]!;
    });
  const input = Buffer.concat(
    [
      Int32Array.of(columns, GROUP, rows, samples, SHIFT),
      besides(units),
      besides(weights),
      Int16Array.from(inputs),
    ].map(({ buffer }) => Buffer.from(buffer)),
  );
  return {
    columns,
    rows,
    samples,
    audit,
    collapsed,
    avx2: startNative(cc, program, input, sumOf(whole)),
    times: [],
  };
}

/** Measures `rounds` rounds. */
export async function benchForward(rounds: number, { cc }: Tools): Promise<Bench> {
  let milliseconds = 0;
  const runner = await cpuRunner(1, (script, { answer, failure }) =>
    startThread(script, {
      failure,
      answer(its) {
        milliseconds = its.milliseconds ?? NaN;
        answer(its);
      },
    }),
  );
  const cases: Case[] = [];
  /** The seconds of the kernel. */
  const pass = async (work: Work) => {
    await runner.run(work);
    return milliseconds / 1000;
  };
  try {
    for (const shape of SHAPES) cases.push(await prepareCase(shape, runner, cc));
    for (let round = -1; round < rounds; round++)
      for (const { audit, collapsed, avx2, times } of cases) {
        const row = { audit: await pass(audit), avx2: await avx2.pass(), collapsed: await pass(collapsed) };
        // The first round warms up.
        if (round >= 0) times.push(row);
      }
  } finally {
    for (const { avx2 } of cases) avx2.close();
    runner.close();
  }
  const results = cases.map(({ columns, rows, samples, times }) => ({
    kind: "bench",
    kernel: "forward",
    columns,
    group: GROUP,
    rows,
    samples,
    nanoseconds: {
      audit: (median(times.map(({ audit }) => audit)) / samples) * 1e9,
      collapsed: (median(times.map(({ collapsed }) => collapsed)) / samples) * 1e9,
      avx2: (median(times.map(({ avx2 }) => avx2)) / samples) * 1e9,
    },
    speedup: median(times.map(({ audit, avx2 }) => avx2 / audit)),
    collapse: median(times.map(({ audit, collapsed }) => audit / collapsed)),
  }));
  const table = aligned([
    ["layer", "audit", "collapsed", "AVX2", "AVX2 / audit", "audit / collapsed"],
    ...results.map(({ columns, rows, nanoseconds: { audit, collapsed, avx2 }, speedup, collapse }) => [
      `${columns} -> ${rows}`,
      audit.toFixed(0),
      collapsed.toFixed(0),
      avx2.toFixed(0),
      `${speedup.toFixed(2)}x`,
      `${collapse.toFixed(1)}x`,
    ]),
  ]);
  return {
    results,
    title: `forward, ${GROUP} hidden units an input, one thread, the kernel alone; ns an input, medians of ${rounds} rounds in turn`,
    table,
  };
}
