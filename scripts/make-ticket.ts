// The ticket of the page: the random network of seed 1, pruned to the network that reads digits.

import { cpuRunner } from "../host/cpu/runner.ts";
import { pruneToTicket } from "../host/experiments/ticket.ts";
import { startThread } from "../host/node/platform/threads.ts";
import { importNetwork } from "../src/import/network.ts";
import type { Ticket } from "../src/ticket/ticket.ts";
import { schemeFor } from "../src/ticket/width.ts";

const TARGET_BITS = 4;

/** The ticket. @param file The network, as a safetensors file. */
export async function makeTicket(file: Uint8Array): Promise<Ticket> {
  const { network } = importNetwork(file, { targetBits: TARGET_BITS });
  const { scheme } = schemeFor(network, TARGET_BITS);
  const engine = await cpuRunner(1, startThread);
  try {
    const request = { network, bits: TARGET_BITS, scheme, seed: 1, sparse: true };
    const { ticket, failures } = await pruneToTicket(engine, request);
    if (failures.length > 0) throw new Error(`ticket of seed 1: ${failures.length} weights have no subset`);
    return ticket;
  } finally {
    engine.close();
  }
}
