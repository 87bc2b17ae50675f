// Tickets of graphs: random networks pruned until they are graphs of all kinds of nodes, and what proves it.

import { afterAll, beforeAll, expect, test } from "vitest";
import { cpuRunner } from "../host/cpu/runner.ts";
import { pruneToTicket } from "../host/experiments/ticket.ts";
import { startThread } from "../host/node/platform/threads.ts";
import type { Runner } from "../host/runner.ts";
import { isLinear } from "../src/graph/model.ts";
import { readGraph } from "../src/graph/read.ts";
import { verifyTicket } from "../src/ticket/certificate.ts";
import { compareOutputs, forwardKeptGraph } from "../src/ticket/comparison.ts";
import { keptLayers } from "../src/ticket/kept.ts";
import { graphSchemeFor } from "../src/ticket/width.ts";
import { generator, oracleGraph, randomGraph, randomInput } from "./graphs.ts";

let cpu: Runner;
beforeAll(async () => {
  cpu = await cpuRunner(2, startThread);
});
afterAll(() => cpu.close());

test("Random graphs of all kinds have tickets that equal them on every input", async () => {
  let found = 0;
  for (let seed = 0; found < 300; seed++) {
    const random = generator(seed);
    const json = randomGraph(random, { bits: 2, channels: 2, side: 4 });
    const graph = readGraph(json);
    if (!graph.nodes.some(isLinear)) continue;
    const { scheme } = graphSchemeFor(graph, { failure: 1e-3 });
    const { ticket, failures } = await pruneToTicket(cpu, { network: graph, scheme, seed });
    if (failures.length > 0) {
      console.log(seed, failures.length, scheme.units);
      continue;
    }
    found++;
    expect(verifyTicket(graph, ticket)).toEqual({ certified: true });
    const kept = keptLayers(ticket);
    for (let k = 0; k < 4; k++) {
      const input = randomInput(random, json);
      expect([seed, Array.from(forwardKeptGraph(graph, kept, input)!)]).toEqual([
        seed,
        oracleGraph(json, input),
      ]);
    }
    expect(compareOutputs(graph, kept, random).difference).toBeUndefined();
  }
});
