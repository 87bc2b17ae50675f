// Graphs run on every engine with the outputs that an interpreter of their JSON gives.

import { afterAll, describe, expect, test } from "vitest";
import { cpuRunner } from "../host/cpu/runner.ts";
import { runNetwork } from "../host/experiments/network.ts";
import { startThread } from "../host/node/platform/threads.ts";
import { referenceRunner } from "../host/reference.ts";
import { readGraph } from "../src/graph/read.ts";
import { generator, oracleGraph, randomGraph, randomInput } from "./graphs.ts";

const engines = { reference: referenceRunner(), cpu: await cpuRunner(1, startThread) };
afterAll(() => Object.values(engines).forEach((engine) => engine.close()));
const names = Object.keys(engines) as (keyof typeof engines)[];

describe("Graphs on engines", () => {
  test.each(names)("Random graphs have on %s the outputs of the interpreter", async (name) => {
    for (let seed = 0; seed < 300; seed++) {
      const random = generator(seed);
      const json = randomGraph(random);
      const graph = readGraph(json);
      const inputs = [randomInput(random, json), randomInput(random, json)];
      const outputs = await runNetwork(engines[name], graph, inputs.flat());
      expect([...outputs], `seed ${seed}`).toEqual(inputs.flatMap((input) => oracleGraph(json, input)));
    }
  });
});
