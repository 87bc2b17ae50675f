// The section `shapes`: the variants in which the CPU engine counts a trial of `reach`, each at every size. They cross at the
// half ranges at which host/cpu/wasm/reach.ts changes from one to the next.

import { phaseConfig, plan } from "../../../../src/experiments/phase.ts";
import { batchWork } from "../../../../src/plan.ts";
import { loadKernel } from "../measure/kernel.ts";
import type { Context, Section } from "../context.ts";
import { pivot, ratioOf, rowOf } from "../records/rows.ts";
import { digestOf } from "../measure/digest.ts";
import { sizeText, taskPass } from "../measure/passes.ts";
import type { Row } from "../records/record.ts";
import { updatesOf } from "../measure/updates.ts";

const BITS = [7, 8, 9, 10, 11, 12, 13, 14, 16];
/** Word updates of a task. */
const TASK_UPDATES = 2 ** 20;
/** Above all half ranges. */
const NO_HALF_RANGE = 2 ** 30;

/** The half range from which on items are arranged, and the one up to which two trials are interleaved. */
const VARIANTS = {
  "as drawn": [NO_HALF_RANGE, 0],
  "as drawn, interleaved": [NO_HALF_RANGE, NO_HALF_RANGE],
  arranged: [0, 0],
  "arranged, interleaved": [0, NO_HALF_RANGE],
} as const;
const CHOSEN = "chosen";

const nanoseconds = (row: Row | undefined) => (row ? (row.value * 1e9).toFixed(0) : "");

/** Measures every variant, and what the engine chooses. */
export async function benchShapes(context: Context): Promise<Section> {
  const name = { section: "shapes", engine: "cpu", kernel: "reach" };
  const rows: Row[] = [];
  for (const bits of BITS) {
    if (context.signal.aborted) break;
    const trials = plan(phaseConfig({ bits, items: bits + 6, targets: [0], seed: 1 }));
    const count = 4 * Math.ceil(TASK_UPDATES / updatesOf(trials) / 4);
    const work = batchWork(trials, { first: 0, count });
    const loaded = async (shape?: readonly [number, number]) => {
      const kernel = await loadKernel(work);
      if (shape) kernel.chooseShapes(...shape);
      kernel.draw();
      kernel.count();
      return kernel;
    };
    const kernels = { [CHOSEN]: await loaded() } as Record<string, Awaited<ReturnType<typeof loaded>>>;
    for (const [variant, shape] of Object.entries(VARIANTS)) kernels[variant] = await loaded(shape);
    const candidates = Object.entries(kernels).map(([variant, kernel]) => [
      variant,
      taskPass(count, kernel.count),
    ]);
    const size = sizeText(bits);
    const costs = await context.measure(`shapes, ${size}`, Object.fromEntries(candidates));
    if (!costs) break;
    const chosen = costs[CHOSEN]!;
    for (const [variant, kernel] of Object.entries(kernels))
      rows.push(
        rowOf({ ...name, size, variant }, "s/trial", costs[variant]!, {
          ratios: { [CHOSEN]: ratioOf(chosen, costs[variant]!) },
          digest: digestOf([kernel.output()]),
        }),
      );
  }
  return {
    title: "shapes of reach on one thread, drawing excluded: nanoseconds a trial",
    rows,
    table: pivot(
      rows,
      [...Object.keys(VARIANTS), CHOSEN].map((variant) => [
        variant,
        (find) => nanoseconds(find("cpu", variant)),
      ]),
    ),
  };
}
