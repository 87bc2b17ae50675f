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
  let [found, exhaustive] = [0, 0];
  const times = { prune: 0, verify: 0, kept: 0, compare: 0 };
  for (let seed = 0; found < 300; seed++) {
    const random = generator(seed);
    const json = randomGraph(random, { bits: 2, channels: 2, side: 4 });
    const graph = readGraph(json);
    if (!graph.nodes.some(isLinear)) continue;
    let t = performance.now();
    const { scheme } = graphSchemeFor(graph, { failure: 1e-3 });
    const { ticket, failures } = await pruneToTicket(cpu, { network: graph, scheme, seed });
    times.prune += performance.now() - t;
    if (failures.length > 0) {
      console.log(seed, failures.length, scheme.units);
      continue;
    }
    found++;
    t = performance.now();
    expect(verifyTicket(graph, ticket)).toEqual({ certified: true });
    times.verify += performance.now() - t;
    t = performance.now();
    const kept = keptLayers(ticket);
    for (let k = 0; k < 4; k++) {
      const input = randomInput(random, json);
      expect([seed, Array.from(forwardKeptGraph(graph, kept, input)!)]).toEqual([
        seed,
        oracleGraph(json, input),
      ]);
    }
    times.kept += performance.now() - t;
    t = performance.now();
    const { shape, activationBits } = graph.input;
    if ((2 ** activationBits * 2 + 1) ** shape.reduce((a: number, b) => a * b) > 1000) continue;
    expect(compareOutputs(graph, kept, random)).toMatchObject({ exhaustive: true, difference: undefined });
    exhaustive++;
    times.compare += performance.now() - t;
  }
  console.log(times, exhaustive);
});
