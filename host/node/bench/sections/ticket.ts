// The section `ticket`: the cost of a ticket on all threads of the CPU engine, to find it and to verify it.

import { drawValue } from "../../../../src/ensemble.ts";
import { readNetwork } from "../../../../src/network.ts";
import { streamKey } from "../../../../src/random.ts";
import { verifyTicket } from "../../../../src/ticket/certificate.ts";
import { matricesOf } from "../../../../src/ticket/scheme.ts";
import type { GraphTicket, Ticket } from "../../../../src/ticket/ticket.ts";
import { graphSchemeFor, schemeFor } from "../../../../src/ticket/width.ts";
import { cpuRunner } from "../../../cpu/runner.ts";
import {
  pruneToTicket,
  type GraphPruneRequest,
  type Pruned,
  type PruneRequest,
} from "../../../experiments/ticket.ts";
import { grouped } from "../../reports/table.ts";
import { startThread } from "../../platform/threads.ts";
import type { Context, Section } from "../context.ts";
import { pivot, rowOf, type Column } from "../records/rows.ts";
import { lenet, LENET_TEXT } from "../measure/lenet.ts";
import { timed } from "../measure/measure.ts";
import { threadsText } from "../measure/passes.ts";
import type { Row } from "../records/record.ts";

/** Widths of the first target. */
const WIDTHS = [784, 500, 10] as const;
/** Bits of its weights, which are drawn, and of the random network. */
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

/** A target. */
interface Case {
  readonly size: string;
  readonly weights: number;
  /** Chooses the widths of the random network. */
  readonly request: () => PruneRequest | GraphPruneRequest;
}

async function cases(): Promise<Case[]> {
  const { network, bits } = target();
  const graph = await lenet();
  return [
    {
      size: WIDTHS.join("-"),
      weights: network.layers.reduce((sum, { weights }) => sum + weights.length, 0),
      request: () => ({ network, bits, scheme: schemeFor(network, bits, { bits: BITS }).scheme }),
    },
    {
      size: LENET_TEXT,
      weights: matricesOf(graph).reduce((sum, { length }) => sum + length, 0),
      request: () => ({ network: graph, scheme: graphSchemeFor(graph).scheme }),
    },
  ];
}

const milliseconds = (variant: string): Column => [
  `${variant}, ms`,
  (find) => (1000 * (find("cpu", variant)?.value ?? NaN)).toFixed(0),
];

/** Measures choosing widths, finding a ticket and verifying it. */
export async function benchTicket(context: Context): Promise<Section> {
  const runner = await cpuRunner(context.threads, startThread);
  const rows: Row[] = [];
  const known = new Map<string, readonly [weights: string, units: string]>();
  try {
    for (const { size, weights, request: choose } of await cases()) {
      if (context.signal.aborted) break;
      const request = choose();
      known.set(size, [grouped(weights), request.scheme.units.join(" ")]);
      const find = (seed: number) => pruneToTicket(runner, { ...request, seed });
      let seed = 0;
      const first = await find(1);
      const costs = await context.measure(`ticket, ${size}`, {
        widths: () => timed(choose),
        ticket: () => timed(() => find(++seed)),
        verify: () => timed(() => certify(request, first)),
      });
      const name = { section: "ticket", engine: "cpu", kernel: "prune", size };
      for (const [variant, list] of Object.entries(costs ?? {}))
        rows.push(rowOf({ ...name, variant }, "s", list));
    }
  } finally {
    runner.close();
  }
  const textOf =
    (index: 0 | 1): Column[1] =>
    (find) =>
      known.get(find("cpu", "ticket")!.size)![index];
  return {
    title: `tickets of ${TARGET_BITS} bits a weight from weights of ${BITS} bits, and of ${LENET_TEXT}, ${threadsText(context.threads)}`,
    rows,
    table: pivot(rows, [
      ["weights", textOf(0)],
      ["units", textOf(1)],
      ...["widths", "ticket", "verify"].map(milliseconds),
    ]),
  };
}

/** @throws {Error} The certificate contradicts the failures. A seed may fail, with the probability that a scheme predicts. */
function certify(
  { network }: PruneRequest | GraphPruneRequest,
  { ticket, failures }: Pruned<Ticket | GraphTicket>,
): void {
  if (verifyTicket(network, ticket).certified !== (failures.length === 0))
    throw new Error("the certificate contradicts the failures of the ticket");
}
