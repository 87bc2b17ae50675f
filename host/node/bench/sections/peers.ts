// The section `peers`: `reach` and `forward` on one thread beside the same work in other languages, which are CPython, C with
// AVX2 and a plain JavaScript loop. All of them get the same instances and have to return the same results.

import { phaseConfig, plan } from "../../../../src/experiments/phase.ts";
import { reachTally } from "../../../../src/kernels/reach.ts";
import { batchWork, type WorkOf } from "../../../../src/plan.ts";
import convCode from "../yardsticks/native/conv.c?raw";
import forwardCode from "../yardsticks/native/forward.c?raw";
import reachCode from "../yardsticks/native/reach.c?raw";
import reachScript from "../yardsticks/native/reach.py?raw";
import { reachPlain } from "../yardsticks/javascript.ts";
import { loadKernel } from "../measure/kernel.ts";
import { cpuRunner } from "../../../cpu/runner.ts";
import type { Runner } from "../../../runner.ts";
import { startThread } from "../../platform/threads.ts";
import type { Context, Section } from "../context.ts";
import { pivot, ratioOf, rowOf, type Column } from "../records/rows.ts";
import { digestOf } from "../measure/digest.ts";
import {
  CONVOLUTIONS,
  convolutionOf,
  convolutionText,
  GROUP,
  layerOf,
  LAYER_SIZES,
  SHIFT,
} from "../../../bench/layers.ts";
import { median, repeated } from "../measure/measure.ts";
import { sizeText, taskPass, threadsText, trialsPass } from "../measure/passes.ts";
import type { Row } from "../records/record.ts";
import { itemsOf, updatesOf } from "../measure/updates.ts";
import { startNative, startPython } from "../yardsticks/process.ts";

/** Precisions, and the number of instances of each, which take CPython some ten milliseconds. */
const SIZES = [
  { bits: 6, instances: 2 ** 15 },
  { bits: 8, instances: 2 ** 14 },
  { bits: 10, instances: 2 ** 13 },
  { bits: 12, instances: 2 ** 12 },
  { bits: 14, instances: 2 ** 10 },
] as const;

/** The input of the yardstick of `forward`, in which the units and the weights of a column are adjacent. */
function yardstickInput({ params, inputs }: WorkOf<"forward">): Buffer {
  const { channels: columns, rows, samples } = params;
  const hidden = columns * GROUP;
  const byColumn = (list: Int32Array | Uint32Array) =>
    Int16Array.from(list, (_, i) => {
      const [row, index] = [Math.floor(i / hidden), i % hidden];
      return list[row * hidden + (index % GROUP) * columns + Math.floor(index / GROUP)]!;
    });
  return Buffer.concat(
    [
      Int32Array.of(columns, GROUP, rows, samples, SHIFT),
      byColumn(inputs.units),
      byColumn(inputs.weights),
      Int16Array.from(inputs.inputs),
    ].map(({ buffer }) => Buffer.from(buffer)),
  );
}

/** The costs that a candidate is compared with, by name; undefined where this machine lacks them. */
type Others = Readonly<Record<string, number[] | undefined>>;

const ratiosOf = (costs: number[], others: Others): Record<string, number> =>
  Object.fromEntries(
    Object.entries(others).flatMap(([name, other]) => (other ? [[name, ratioOf(other, costs)]] : [])),
  );

async function forwardRows(context: Context): Promise<Row[]> {
  const rows: Row[] = [];
  for (const { columns, rows: outputs, samples } of LAYER_SIZES) {
    if (context.signal.aborted) break;
    const { audit, collapsed } = layerOf(columns, outputs, samples);
    const [whole, quick] = [await loadKernel(audit), await loadKernel(collapsed)];
    whole.run();
    quick.run();
    const answers = whole.output();
    if (digestOf([answers]) !== digestOf([quick.output()]))
      throw new Error("the collapsed pass has other outputs");
    const total = new Int32Array(answers.buffer).reduce((sum, word) => sum + word, 0);
    const avx2 = context.cc ? startNative(context.cc, forwardCode, yardstickInput(audit), total) : undefined;
    const size = `${columns} -> ${outputs}`;
    const costs = await context
      .measure(`forward, ${size}`, {
        audit: taskPass(samples, whole.run),
        collapsed: taskPass(samples, quick.run),
        avx2: avx2 && repeated(samples, avx2.pass),
      })
      .finally(() => avx2?.close());
    if (!costs) break;
    const row = (engine: string, variant: string, found: number[], ratios: Others = {}) =>
      rows.push(
        rowOf({ section: "peers", engine, kernel: "forward", size, variant }, "inputs/s", found, {
          ...(engine === "cpu" && { digest: digestOf([answers]) }),
          ratios: ratiosOf(found, ratios),
        }),
      );
    row("cpu", "audit", costs.audit, { AVX2: costs.avx2 });
    row("cpu", "collapsed", costs.collapsed, { audit: costs.audit, AVX2: costs.avx2 });
    if (costs.avx2) row("avx2", "by hand in C", costs.avx2);
  }
  return rows;
}

async function convolutionRows(context: Context): Promise<Row[]> {
  const rows: Row[] = [];
  for (const convolution of CONVOLUTIONS) {
    if (context.signal.aborted) break;
    const { channels, height, side, padding, samples } = convolution;
    const work = convolutionOf(convolution, samples);
    const loaded = await loadKernel(work);
    loaded.run();
    const answers = loaded.output();
    const total = new Int32Array(answers.buffer).reduce((sum, word) => sum + word, 0);
    const input = Buffer.concat(
      [
        Int32Array.of(channels, height, height, side, padding, convolution.rows, samples, SHIFT),
        Int16Array.from(work.inputs.weights),
        Int16Array.from(work.inputs.inputs),
      ].map(({ buffer }) => Buffer.from(buffer)),
    );
    const avx2 = context.cc ? startNative(context.cc, convCode, input, total) : undefined;
    const size = convolutionText(convolution);
    const costs = await context
      .measure(`forward, ${size}`, {
        kernel: taskPass(samples, loaded.run),
        avx2: avx2 && repeated(samples, avx2.pass),
      })
      .finally(() => avx2?.close());
    if (!costs) break;
    const name = { section: "peers", kernel: "forward", size };
    rows.push(
      rowOf({ ...name, engine: "cpu", variant: "convolution" }, "inputs/s", costs.kernel, {
        digest: digestOf([answers]),
        ratios: ratiosOf(costs.kernel, { AVX2: costs.avx2 }),
      }),
    );
    if (costs.avx2)
      rows.push(rowOf({ ...name, engine: "avx2", variant: "by hand in C" }, "inputs/s", costs.avx2));
  }
  return rows;
}

async function reachRows(context: Context): Promise<Row[]> {
  const rows: Row[] = [];
  const [one, all] = [await cpuRunner(1, startThread), await cpuRunner(context.threads, startThread)];
  try {
    for (const { bits, instances } of SIZES) {
      if (context.signal.aborted) break;
      rows.push(...(await reachOf(context, bits, instances, one, all)));
    }
  } finally {
    one.close();
    all.close();
  }
  return rows;
}

async function reachOf(
  context: Context,
  bits: number,
  instances: number,
  one: Runner,
  all: Runner,
): Promise<Row[]> {
  const [M, n] = [2 ** bits, bits + 6];
  const trials = plan(phaseConfig({ bits, items: n, targets: [0], seed: 1 }));
  const work = batchWork(trials, { first: 0, count: instances });
  const kernel = await loadKernel(work);
  const missing = reachTally(trials.params).missing(0);
  const reached = (tally: Uint32Array) =>
    (2 * M + 1) * instances - tally[missing]! - tally[missing + 1]! * 2 ** 32;
  kernel.run();
  const digest = digestOf([kernel.output()]);
  const total = reached(kernel.output());
  kernel.draw();
  kernel.count();
  if (digestOf([kernel.output()]) !== digest) throw new Error("reach in two steps has other counts");
  const drawn = Array.from({ length: instances }, (_, trial) => itemsOf(trials, trial));
  const items = Int32Array.from(drawn.flat());
  const plain = () => {
    const found = reachPlain(M, n, items);
    if (found !== total) throw new Error(`the plain loop has a total of ${found}, exacta of ${total}`);
  };
  const header = Int32Array.of(M, n, instances, 0);
  const given = Buffer.concat([header, items].map(({ buffer }) => Buffer.from(buffer)));
  const avx2 = context.cc ? startNative(context.cc, reachCode, given, total) : undefined;
  const python = context.python ? startPython(context.python, reachScript, [M, drawn], total) : undefined;
  const size = sizeText(bits);
  const costs = await context
    .measure(`reach, ${size}`, {
      counting: taskPass(instances, kernel.count),
      kernel: taskPass(instances, kernel.run),
      one: trialsPass(one, trials),
      all: context.threads > 1 ? trialsPass(all, trials) : undefined,
      plain: taskPass(instances, plain),
      avx2: avx2 && repeated(instances, avx2.pass),
      python: python && repeated(instances, python.pass),
    })
    .finally(() => {
      avx2?.close();
      python?.close();
    });
  if (!costs) return [];
  const updates = updatesOf(trials);
  const row = (engine: string, variant: string, found: number[], ratios: Others = {}) =>
    rowOf({ section: "peers", engine, kernel: "reach", size, variant }, "trials/s", found, {
      updates: updates / median(found),
      ...(engine === "cpu" && { digest }),
      ratios: ratiosOf(found, ratios),
    });
  const { counting, avx2: c, python: py } = costs;
  const others = { AVX2: c, CPython: py, JavaScript: costs.plain };
  return [
    row("cpu", "counting alone", counting, others),
    row("cpu", "kernel alone", costs.kernel, { "counting alone": counting, ...others }),
    row("cpu", "one thread", costs.one, { "counting alone": counting, ...others }),
    ...(costs.all
      ? [row("cpu", threadsText(context.threads), costs.all, { "one thread": costs.one, ...others })]
      : []),
    ...(c ? [row("avx2", "by hand in C", c)] : []),
    ...(py ? [row("cpython", "big integers", py)] : []),
    row("javascript", "plain loop", costs.plain),
  ];
}

/** A column with the nanoseconds of a unit of work. */
const nanoseconds = (title: string, engine: string, variant: string): Column => [
  title,
  (find) => {
    const row = find(engine, variant);
    return row ? (1e9 / row.value).toFixed(0) : "";
  },
];

/** A column with the speed of a variant of exacta relative to another candidate. */
const ratio = (title: string, variant: string, other: string): Column => [
  title,
  (find) => {
    const times = find("cpu", variant)?.ratios?.[other];
    return times === undefined ? "" : `${times.toFixed(2)}x`;
  },
];

/** Measures both kernels. */
export async function benchPeers(context: Context): Promise<Section> {
  const [reach, forward, convolutions] = [
    await reachRows(context),
    await forwardRows(context),
    await convolutionRows(context),
  ];
  const threads = threadsText(context.threads);
  const times = [
    nanoseconds("counting", "cpu", "counting alone"),
    nanoseconds("kernel", "cpu", "kernel alone"),
    nanoseconds("one thread", "cpu", "one thread"),
    ...(context.threads > 1 ? [nanoseconds(threads, "cpu", threads)] : []),
    nanoseconds("AVX2", "avx2", "by hand in C"),
    nanoseconds("CPython", "cpython", "big integers"),
    nanoseconds("JavaScript", "javascript", "plain loop"),
  ];
  const ratios = [
    ratio("counting / AVX2", "counting alone", "AVX2"),
    ratio("kernel / counting", "kernel alone", "counting alone"),
    ratio("/ CPython", "kernel alone", "CPython"),
    ratio("/ JavaScript", "kernel alone", "JavaScript"),
    ...(context.threads > 1 ? [ratio(`${threads} / one`, threads, "one thread")] : []),
  ];
  const layers = [
    nanoseconds("audit", "cpu", "audit"),
    nanoseconds("collapsed", "cpu", "collapsed"),
    nanoseconds("AVX2", "avx2", "by hand in C"),
    ratio("audit / AVX2", "audit", "AVX2"),
    ratio("collapsed / audit", "collapsed", "audit"),
  ];
  return {
    title: "peers: the same work in other languages",
    rows: [...reach, ...forward, ...convolutions],
    table: [
      "reach, all targets of -M..M: nanoseconds a trial",
      "",
      ...pivot(reach, times),
      "",
      "ratios of speeds",
      "",
      ...pivot(reach, ratios),
      "",
      "counting: the kernel on items that are already drawn. kernel: drawing included. Threads are those of the engine, timed",
      "by the clock; all others are timed in CPU time.",
      "AVX2: C by hand, 32 bytes a step. CPython: `sums |= sums << abs(x)` on big integers. JavaScript: the same in a plain",
      "loop over 32-bit words. These three do not draw.",
      "",
      `forward, ${GROUP} hidden units an input, half of the weights kept, one thread: nanoseconds an input`,
      "",
      ...pivot(forward, layers),
      "",
      "forward, convolutions, one thread: nanoseconds an image",
      "",
      ...pivot(convolutions, [
        nanoseconds("kernel", "cpu", "convolution"),
        nanoseconds("AVX2", "avx2", "by hand in C"),
        ratio("kernel / AVX2", "convolution", "AVX2"),
      ]),
    ],
  };
}
