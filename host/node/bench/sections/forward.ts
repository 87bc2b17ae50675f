// The section `forward`: the images that LeNet-5, and the random network that was pruned to it, read on all threads of the CPU
// engine. All give the same outputs, whose digest the rows have.

import { indexedValues } from "../../../../src/ensemble.ts";
import { sizeOf } from "../../../../src/graph/model.ts";
import { streamKey } from "../../../../src/random.ts";
import { passes } from "../../../../src/ticket/passes.ts";
import { graphSchemeFor } from "../../../../src/ticket/width.ts";
import { cpuRunner } from "../../../cpu/runner.ts";
import { runNetwork } from "../../../experiments/network.ts";
import { pruneToTicket } from "../../../experiments/ticket.ts";
import { startThread } from "../../platform/threads.ts";
import type { Context, Section } from "../context.ts";
import { digestOf } from "../measure/digest.ts";
import { lenet, LENET_TEXT } from "../measure/lenet.ts";
import { timed } from "../measure/measure.ts";
import { threadsText } from "../measure/passes.ts";
import type { Row } from "../records/record.ts";
import { rowOf, rowsTable } from "../records/rows.ts";

/** Images of a pass. Their pixels are drawn, since the images of digits are a development dependency. */
const IMAGES = 1000;

/** Measures the passes of the network and of its ticket. */
export async function benchForward(context: Context): Promise<Section> {
  const network = await lenet();
  const { scheme } = graphSchemeFor(network);
  const runner = await cpuRunner(context.threads, startThread);
  const { shape, activationBits } = network.input;
  const pixel = indexedValues(2 ** activationBits, streamKey(1n, [1010, activationBits]));
  const images = Int32Array.from({ length: IMAGES * sizeOf(shape) }, (_, i) => pixel(i));
  const rows: Row[] = [];
  try {
    const { ticket } = await pruneToTicket(runner, { network, scheme, seed: 1 });
    const [audit, collapsed] = passes;
    const runs = {
      network: () => runNetwork(runner, network, images),
      collapsed: () => runNetwork(runner, ticket, images, { pass: collapsed }),
      audit: () => runNetwork(runner, ticket, images, { pass: audit }),
    };
    const passesOf = Object.entries(runs).map(([variant, run]) => [
      variant,
      async () => (await timed(run)) / IMAGES,
    ]);
    const costs = await context.measure("forward", Object.fromEntries(passesOf));
    const name = { section: "forward", engine: "cpu", kernel: "forward", size: LENET_TEXT };
    for (const [variant, run] of costs ? Object.entries(runs) : []) {
      const outputs = Int32Array.from(await run());
      const digest = digestOf([new Uint32Array(outputs.buffer)]);
      rows.push(rowOf({ ...name, variant }, "images/s", costs![variant]!, { digest }));
    }
  } finally {
    runner.close();
  }
  return {
    title: `forward passes of ${LENET_TEXT} and of its ticket, ${threadsText(context.threads)}`,
    rows,
    table: rowsTable(rows),
  };
}
