// The shapes in which the CPU engine counts a trial of `reach`, each at every size: where they cross is where
// host/cpu/wasm/reach.ts changes from one to the next.

import { phaseConfig, plan } from "../../../../src/experiments/phase.ts";
import { batchWork } from "../../../../src/plan.ts";
import { loadKernel } from "../measure/kernel.ts";
import { pivot, ratioOf, rowOf, type Context, type Section } from "../context.ts";
import { digestOf } from "../measure/digest.ts";
import { sizeText, task } from "../measure/passes.ts";
import type { Row } from "../records/record.ts";
import { updatesOf } from "../measure/updates.ts";

const BITS = [7, 8, 9, 10, 11, 12, 13, 14, 16];
/** Word updates of a pass. */
const UPDATES = 2 ** 20;
const NEVER = 2 ** 30;

/** Half ranges from which on items are arranged, and up to which trials take turns. */
const SHAPES = {
  "as drawn": [NEVER, 0],
  "as drawn, in turns": [NEVER, NEVER],
  arranged: [0, 0],
  "arranged, in turns": [0, NEVER],
} as const;
const CHOSEN = "chosen";

const nanoseconds = (row: Row | undefined) => (row ? (row.value * 1e9).toFixed(0) : "");

/** Measures every shape where items do not come one by one. */
export async function benchShapes(context: Context): Promise<Section> {
  const name = { section: "shapes", engine: "cpu", kernel: "reach" };
  const rows: Row[] = [];
  for (const bits of BITS) {
    if (context.signal.aborted) break;
    const trials = plan(phaseConfig({ bits, items: bits + 6, targets: [0], seed: 1 }));
    const count = 4 * Math.ceil(UPDATES / updatesOf(trials) / 4);
    const work = batchWork(trials, { first: 0, count });
    const loaded = async (shape?: readonly [number, number]) => {
      const kernel = await loadKernel(work);
      if (shape) kernel.chooseShapes(...shape);
      kernel.draw();
      kernel.count();
      return kernel;
    };
    const kernels = { [CHOSEN]: await loaded() } as Record<string, Awaited<ReturnType<typeof loaded>>>;
    for (const [variant, shape] of Object.entries(SHAPES)) kernels[variant] = await loaded(shape);
    const candidates = Object.entries(kernels).map(([variant, kernel]) => [
      variant,
      task(count, kernel.count),
    ]);
    const size = sizeText(bits);
    const costs = await context.takeTurns(`shapes, ${size}`, Object.fromEntries(candidates));
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
      [...Object.keys(SHAPES), CHOSEN].map((variant) => [
        variant,
        (find) => nanoseconds(find("cpu", variant)),
      ]),
    ),
  };
}
