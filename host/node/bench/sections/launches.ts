// The section `launches`: every launch of `reach` that fits the GPU, beside one CPU thread. The tuner chooses among them, so
// their rates say whether the order of variants, the widths of workgroups, and products or shifts suit the hardware. Two rows
// follow: the time until a new device has redone the work of a lost one, and the time of one CPU thread for the same work.

import { phaseConfig, plan } from "../../../../src/experiments/phase.ts";
import { batchWork, type Work } from "../../../../src/plan.ts";
import { cpuRunner } from "../../../cpu/runner.ts";
import { adapterKey, profileOf } from "../../../gpu/device.ts";
import { launchesOf, launchLabel, tuningKey } from "../../../gpu/kernels/index.ts";
import { gpuRunner } from "../../../gpu/runner.ts";
import { memoryStore } from "../../../gpu/store.ts";
import { Tuner } from "../../../gpu/tune.ts";
import type { Runner } from "../../../runner.ts";
import { columns } from "../../reports/table.ts";
import { startThread } from "../../platform/threads.ts";
import type { Context, Gpu, Section } from "../context.ts";
import { digestOf } from "../measure/digest.ts";
import { timed, type Pass } from "../measure/measure.ts";
import { sizeText, threadsText, trialsPass } from "../measure/passes.ts";
import type { Row } from "../records/record.ts";
import { ratioOf, rowOf, rowsTable, valueText } from "../records/rows.ts";

const BITS = [6, 8, 10, 12];
/** Trials whose words are compared. */
const TRIALS = 2048;
const ONE_THREAD = threadsText(1);

/** A runner that takes one launch for work of this size. */
async function launchRunner({ requestAdapter, language }: Gpu, work: Work, label: string): Promise<Runner> {
  const store = memoryStore();
  const tuner = new Tuner(store, adapterKey((await requestAdapter())!));
  await tuner.keep(tuningKey(work), { best: label, rates: {} });
  return gpuRunner(requestAdapter, { store, language });
}

async function benchSize(context: Context, gpu: Gpu, cpu: Runner, bits: number): Promise<Row[]> {
  const trials = plan(phaseConfig({ bits, items: bits + 6, targets: [0], seed: 1 }));
  const work = batchWork(trials, { first: 0, count: TRIALS });
  const adapter = (await gpu.requestAdapter())!;
  const profile = profileOf(adapter, adapter.info, { language: gpu.language });
  const runners: Record<string, Runner> = { [ONE_THREAD]: cpu };
  for (const label of launchesOf(batchWork(trials, { first: 0, count: 2 ** 24 }), profile).map(launchLabel))
    runners[label] = await launchRunner(gpu, work, label);
  try {
    const passes: Record<string, Pass> = {};
    const digests: Record<string, string> = {};
    for (const [label, runner] of Object.entries(runners)) {
      if (context.signal.aborted) return [];
      digests[label] = digestOf([(await runner.run(work)).words]);
      passes[label] = trialsPass(runner, trials);
    }
    const size = sizeText(bits);
    const costs = await context.measure(`launches, ${size}`, passes);
    return Object.keys(costs ?? {}).map((label) => {
      const engine = runners[label] === cpu ? "cpu" : "gpu";
      return rowOf(
        { section: "launches", engine, kernel: "reach", size, variant: label },
        "trials/s",
        costs![label]!,
        {
          ratios: { [ONE_THREAD]: ratioOf(costs![ONE_THREAD]!, costs![label]!) },
          digest: digests[label]!,
        },
      );
    });
  } finally {
    for (const runner of Object.values(runners)) if (runner !== cpu) runner.close();
  }
}

/** The seconds from the loss of a device to the words of the work that it had, on a new device. */
async function benchLoss({ requestAdapter, language }: Gpu, cpu: Runner): Promise<Row[]> {
  const work = batchWork(plan(phaseConfig({ bits: 6, items: 12, seed: 1 })), { first: 0, count: TRIALS });
  let device: GPUDevice | undefined;
  const watched = async () => {
    const adapter = await requestAdapter();
    const open = adapter?.requestDevice.bind(adapter);
    if (adapter && open) adapter.requestDevice = async (descriptor) => (device = await open(descriptor));
    return adapter;
  };
  const runner = await gpuRunner(watched, { language });
  try {
    await runner.run(work);
    const lost = device!;
    let words: Uint32Array | undefined;
    const seconds = await timed(async () => {
      const answer = runner.run(work);
      lost.destroy();
      ({ words } = await answer);
    });
    const name = { section: "launches", kernel: "reach", size: "a lost device" };
    return [
      rowOf({ ...name, engine: "gpu", variant: "opened again" }, "s", [seconds], {
        digest: digestOf([words!]),
      }),
      rowOf({ ...name, engine: "cpu", variant: ONE_THREAD }, "s", [await timed(() => cpu.run(work))], {
        digest: digestOf([(await cpu.run(work)).words]),
      }),
    ];
  } finally {
    runner.close();
  }
}

/** Measures every launch, size by size; nothing without a GPU. */
export async function benchLaunches(context: Context): Promise<Section> {
  const { gpu, signal } = context;
  const rows: Row[] = [];
  const losses: Row[] = [];
  if (gpu) {
    const cpu = await cpuRunner(1, startThread);
    try {
      for (const bits of BITS) if (!signal.aborted) rows.push(...(await benchSize(context, gpu, cpu, bits)));
      if (!signal.aborted) losses.push(...(await benchLoss(gpu, cpu)));
    } finally {
      cpu.close();
    }
  }
  return {
    title: "launches of reach on the GPU, and their speed relative to one CPU thread",
    rows: [...rows, ...losses],
    table: [
      ...columns([
        ["", "", "trials/s", `relative to ${ONE_THREAD}`],
        ...rows.map(({ size, variant, value, ratios }, i) => [
          size === rows[i - 1]?.size ? "" : size,
          variant,
          valueText(value, ""),
          `${ratios![ONE_THREAD]!.toPrecision(3)}x`,
        ]),
      ]),
      "",
      ...rowsTable(losses),
    ],
  };
}
