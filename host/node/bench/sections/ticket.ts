// The section `ticket`: the cost of a ticket on all threads of the CPU engine, to find it and to verify it.

import { drawValue } from "../../../../src/ensemble.ts";
import { readNetwork } from "../../../../src/network.ts";
import { streamKey } from "../../../../src/random.ts";
import { verifyTicket } from "../../../../src/ticket/certificate.ts";
import type { Ticket } from "../../../../src/ticket/ticket.ts";
import { schemeFor } from "../../../../src/ticket/width.ts";
import { cpuRunner } from "../../../cpu/runner.ts";
import { pruneToTicket } from "../../../experiments/ticket.ts";
import { grouped } from "../../reports/table.ts";
import { startThread } from "../../platform/threads.ts";
import type { Context, Section } from "../context.ts";
import { pivot, rowOf, type Column } from "../records/rows.ts";
import { timed } from "../measure/measure.ts";
import { threadsText } from "../measure/passes.ts";
import type { Row } from "../records/record.ts";

/** Widths of the target network. */
const WIDTHS = [784, 500, 10] as const;
/** Bits of the weights of the target network, which are drawn, and of the random network. */
const TARGET_BITS = 8;
const BITS = 4;

function target() {
  const range = 2 ** (TARGET_BITS + 1) + 1;
  const layers = WIDTHS.slice(1).map((rows, l) => {
    const key = streamKey(1n, [1000, l]);
    const inputs = WIDTHS[l]!;
    const weights = Array.from({ length: rows }, (_, row) =>
      Array.from({ length: inputs }, (_, i) => drawValue(range, key, row * inputs + i, 0) - 2 ** TARGET_BITS),
    );
    return { weights };
  });
  return readNetwork({ bits: TARGET_BITS, activationBits: 8, layers });
}

const milliseconds = (variant: string): Column => [
  `${variant}, ms`,
  (find) => (1000 * (find("cpu", variant)?.value ?? NaN)).toFixed(0),
];

/** Measures choosing widths, finding a ticket and verifying it. */
export async function benchTicket(context: Context): Promise<Section> {
  const { network, bits } = target();
  const runner = await cpuRunner(context.threads, startThread);
  const { scheme } = schemeFor(network, bits, { bits: BITS });
  const certify = (ticket: Ticket, failures: number) => {
    // A seed may fail, with the probability that `schemeFor` predicts.
    if (verifyTicket(network, ticket).certified !== (failures === 0))
      throw new Error("the certificate contradicts the failures of the ticket");
  };
  const find = (seed: number) => pruneToTicket(runner, { network, bits, scheme, seed });
  let seed = 0;
  const rows: Row[] = [];
  try {
    const known = await find(1);
    const costs = await context.measure("ticket", {
      widths: () => timed(() => schemeFor(network, bits, { bits: BITS })),
      ticket: () => timed(() => find(++seed)),
      verify: () => timed(() => certify(known.ticket, known.failures.length)),
    });
    const name = { section: "ticket", engine: "cpu", kernel: "prune", size: WIDTHS.join("-") };
    for (const [variant, list] of Object.entries(costs ?? {}))
      rows.push(rowOf({ ...name, variant }, "s", list));
  } finally {
    runner.close();
  }
  const weights = network.layers.reduce((sum, layer) => sum + layer.weights.length, 0);
  return {
    title: `ticket, ${TARGET_BITS} bits a weight from weights of ${BITS} bits, ${threadsText(context.threads)}`,
    rows,
    table: pivot(rows, [
      ["weights", () => grouped(weights)],
      ["units", () => scheme.units.join(" ")],
      ...["widths", "ticket", "verify"].map(milliseconds),
    ]),
  };
}
