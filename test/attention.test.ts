// Attention logits and products of two matrices: tickets of random graphs, faults, and how often random networks have them.

import { describe, expect, test } from "vitest";
import { runNetwork } from "../host/experiments/network.ts";
import { pruneToTicket, targetDigest } from "../host/experiments/ticket.ts";
import type { Runner } from "../host/runner.ts";
import { graphForward } from "../src/graph/forward.ts";
import { isFactored, isLinear, type Graph } from "../src/graph/model.ts";
import { readGraph } from "../src/graph/read.ts";
import { verifyTicket } from "../src/ticket/certificate.ts";
import { compareOutputs, forwardKeptGraph } from "../src/ticket/comparison.ts";
import { encodeTicket } from "../src/ticket/file.ts";
import { countsOf, keptLayers } from "../src/ticket/kept.ts";
import { passes } from "../src/ticket/passes.ts";
import { drawnWeights, ticketLayers } from "../src/ticket/scheme.ts";
import { sizesOf } from "../src/ticket/sizes.ts";
import type { GraphTicket } from "../src/ticket/ticket.ts";
import { graphSchemeFor, type GraphSchemeRequest } from "../src/ticket/width.ts";
import { generator, oracleGraph, randomGraph, randomInput, type GraphJson } from "./graphs.ts";
import { testEngines } from "./engines.ts";
import { expectCertified, expectIndependentPass, expectPasses } from "./graphTickets.ts";
import { refusal } from "./refusal.ts";

const engines = testEngines();

/** The ticket of the first seed that has one. */
async function ticketFor(graph: Graph, request: GraphSchemeRequest, engine: Runner): Promise<GraphTicket> {
  const { scheme } = graphSchemeFor(graph, request);
  for (let seed = 1; seed < 1000; seed++) {
    const { ticket, failures } = await pruneToTicket(engine, { network: graph, scheme, seed });
    if (failures.length === 0) return ticket;
  }
  throw new Error("no ticket in 1000 attempts");
}

/** The first graphs of some seeds that have logits or a product of two matrices. */
function* attentionGraphs(count: number, firstSeed: number): Generator<[number, GraphJson, Graph]> {
  for (let [seed, found] = [firstSeed, 0]; found < count; seed++) {
    const json = randomGraph(generator(seed), { attention: true, bits: 1, channels: 3, side: 3 });
    const graph = readGraph(json);
    if (!graph.nodes.some(isFactored)) continue;
    found++;
    yield [seed, json, graph];
  }
}

/** A random scheme with plenty of units. */
function randomRequest(random: (range: number) => number, graph: Graph): GraphSchemeRequest {
  const bits = graph.nodes.filter(isLinear).map(() => 1 + random(2));
  const isLiteral = random(8) === 0;
  return {
    bits,
    initialBits: bits.map((k) => k + random(2)),
    zero: random(4) === 0,
    ...(random(8) > 0 && { units: bits.map(() => (isLiteral ? 128 : 70)) }),
    ...(isLiteral && { pools: "halves", support: random(2) === 0 }),
  };
}

describe("Tickets of graphs with attention", () => {
  test("A ticket is certified, survives its file, and equals the graph by an independent pass", async () => {
    for (const [seed, json, graph] of attentionGraphs(40, 0)) {
      const random = generator(seed + 7);
      const ticket = await ticketFor(graph, randomRequest(random, graph), engines.cpu);
      const one = { seed, json, graph, ticket };
      await expectCertified(one);
      const inputs = [randomInput(random, json), randomInput(random, json)];
      expect([seed, Array.from(graphForward(graph, inputs.flat()))]).toEqual([
        seed,
        inputs.flatMap((input) => oracleGraph(json, input)),
      ]);
      expectIndependentPass(one, inputs);
      await expectPasses(engines.cpu, one, inputs);
    }
  });

  test.each(["reference", "gpu"] as const)("A ticket and its passes are the same on %s", async (name) => {
    for (const [seed, json, graph] of attentionGraphs(5, 1000)) {
      const random = generator(seed + 7);
      const request = randomRequest(random, graph);
      const ticket = await ticketFor(graph, request, engines.cpu);
      expect(await ticketFor(graph, request, engines[name])).toEqual(ticket);
      await expectPasses(engines[name], { seed, json, graph, ticket }, [randomInput(random, json)]);
    }
  });

  test("A ticket and its target round at random alike", async () => {
    for (const [seed, json, graph] of attentionGraphs(8, 2000)) {
      const ticket = await ticketFor(graph, { failure: 1e-3 }, engines.cpu);
      const input = randomInput(generator(seed), json);
      const options = { stochasticSeed: 3 };
      const outputs = await runNetwork(engines.cpu, graph, input, options);
      for (const pass of passes)
        expect([seed, await runNetwork(engines.cpu, ticket, input, { ...options, pass })]).toEqual([
          seed,
          outputs,
        ]);
    }
  });

  test("Sparse pruning keeps no more weights of logits", async () => {
    const [scheme, seed] = [graphSchemeFor(small, { units: [20, 20] }).scheme, 1];
    const kept = async (sparse: boolean) => {
      const { ticket, failures } = await pruneToTicket(engines.cpu, {
        network: small,
        scheme,
        seed,
        sparse,
      });
      expect(failures).toEqual([]);
      expect(verifyTicket(small, ticket)).toEqual({ certified: true });
      return countsOf(keptLayers(ticket), ticket).kept;
    };
    expect(await kept(true)).toBeLessThan(await kept(false));
  });
});

const rounding = { activationBits: 3, quantizer: "floor", relu: false, clamp: false } as const;

/** Logits of three tokens, and values on them. */
const smallJson: GraphJson = {
  input: { shape: [2, 3, 1], activationBits: 3, nonnegative: false },
  nodes: [
    {
      ...rounding,
      kind: "product",
      name: "values",
      from: ["input"],
      bits: 1,
      first: [
        [1, -2],
        [2, 1],
      ],
      second: [
        [1, 0, 2],
        [-1, 2, 1],
      ],
    },
    {
      ...rounding,
      kind: "bilinear",
      name: "logits",
      from: ["values"],
      bits: 1,
      queries: [[1], [-2], [1]],
      keys: [[2], [1], [0]],
    },
  ],
};
const small = readGraph(smallJson);

describe("Faults in tickets of attention", () => {
  test("A flipped mask bit is named by node, output and input", async () => {
    const ticket = await ticketFor(small, { units: [12, 12] }, engines.cpu);
    const layers = ticketLayers(ticket);
    const random = drawnWeights(ticket.scheme, ticket.seed);
    const isKept = (index: number, at: number) => ((ticket.masks[index]![at >> 3]! >> (at & 7)) & 1) === 1;
    let flips = 0;
    for (const [l, mask] of ticket.masks.entries()) {
      const node = ["values", "logits"][l >> 1]!;
      const channels = [2, 3][l >> 1]!;
      const weights = l % 2 === 0 ? layers[l]!.rows : layers[l]!.rows * layers[l]!.columns;
      for (let place = 0; place < weights; place++) {
        const masks = ticket.masks.with(l, mask.with(place >> 3, mask[place >> 3]! ^ (1 << (place & 7))));
        const { certified, deviation } = verifyTicket(small, { ...ticket, masks });
        if (l % 2 === 0) {
          // The sums of other outputs may stay equal, so that only the input is known.
          if (isKept(l, place)) expect(deviation).toMatchObject({ node, input: Math.floor(place / 12) });
          else expect(certified).toBe(true);
          continue;
        }
        const [output, unit] = [Math.floor(place / (12 * channels)), place % (12 * channels)];
        if (!isKept(l - 1, unit)) {
          expect(certified).toBe(true);
          continue;
        }
        flips++;
        expect(deviation).toMatchObject({ node, output, input: Math.floor(unit / 12), sign: 0 });
        expect(deviation!.got! - deviation!.expected).toBe(
          random(l - 1)(unit) * random(l)(place) * (isKept(l, place) ? -1 : 1),
        );
      }
    }
    expect(flips).toBeGreaterThan(40);
  });

  test("A changed matrix is found, and matrices of the same product are not told apart", async () => {
    const ticket = await ticketFor(small, { units: [20, 20] }, engines.cpu);
    const verdict = (change: (json: GraphJson) => void) => {
      const json = structuredClone(smallJson);
      change(json);
      return verifyTicket(readGraph(json), ticket);
    };
    expect(verdict(({ nodes: [, logits] }) => (logits!.keys![2]![0] = 1)).deviation).toMatchObject({
      node: "logits",
      output: 2,
      input: 0,
      sign: 0,
    });
    const signs = (matrix: number[][]) => matrix.forEach((row) => (row[0] = -row[0]!));
    expect(
      verdict(({ nodes: [, logits] }) => {
        signs(logits!.queries!);
        signs(logits!.keys!);
      }),
    ).toEqual({ certified: true });
    expect(() =>
      verdict(({ nodes: [values] }) => {
        values!.first = [
          [1, -2, 0],
          [2, 1, 0],
        ];
        values!.second!.push([0, 0, 0]);
      }),
    ).toThrow(refusal("network.nodes.0.inner: expected 2, as the ticket's target has, got 3"));
  });

  test("The comparison by running finds an output that differs", async () => {
    const ticket = await ticketFor(small, { units: [20, 20] }, engines.cpu);
    expect(compareOutputs(small, keptLayers(ticket), generator(4))).toEqual({
      inputs: 37,
      exhaustive: false,
      difference: undefined,
    });
    for (const l of [1, 3]) {
      const masks = ticket.masks.with(
        l,
        ticket.masks[l]!.map(() => 0),
      );
      const damaged = keptLayers({ ...ticket, masks });
      const { difference } = compareOutputs(small, damaged, generator(4));
      const outputs = Array.from(forwardKeptGraph(small, damaged, difference!)!);
      expect(outputs).not.toEqual(oracleGraph(smallJson, [...difference!]));
      for (const pass of passes)
        expect(
          Array.from(await runNetwork(engines.cpu, { ...ticket, masks }, difference!, { pass })),
        ).toEqual(outputs);
    }
  });

  test("Pruning names every weight that has no subset, in the order of nodes", async () => {
    const dense = { kind: "dense", bits: 1, activationBits: 2, weights: [Array(9).fill(1)] };
    const graph = readGraph({ ...smallJson, nodes: [...smallJson.nodes, { kind: "flatten" }, dense] });
    const { scheme } = graphSchemeFor(graph, { units: [2, 2, 2] });
    const { ticket, failures } = await pruneToTicket(engines.cpu, { network: graph, scheme });
    expect([...new Set(failures.map(({ node }) => node))]).toEqual(["values", "logits", "dense4"]);
    expect(verifyTicket(graph, ticket).deviation).toEqual({ ...failures[0], got: expect.any(Number) });
  });

  test("Skips other than identity refuse the sum of a product and its input", () => {
    const square = {
      kind: "product",
      bits: 1,
      activationBits: "exact",
      first: [
        [1, 0],
        [0, 1],
      ],
      second: [
        [1, 0],
        [0, 1],
      ],
    };
    const graph = readGraph({
      input: smallJson.input,
      activationBits: 3,
      nodes: [square, { kind: "add", from: ["product1", "input"] }],
    });
    expect(() => graphSchemeFor(graph, { skip: "none" })).toThrow(
      refusal(
        "add2: expected the sum of a layer and the input of that layer, for skip none, got another sum",
      ),
    );
  });
});

/** Logits of two tokens with these matrices of 0 bits. */
const logits = (queries: number[][], keys: number[][], bits = 0) =>
  readGraph({
    input: { shape: [queries.length, 2, 1], activationBits: 2 },
    nodes: [{ kind: "bilinear", bits, activationBits: 3, queries, keys }],
  });
/** T is 1 or -1 everywhere. */
const units = logits([[1], [-1]], [[1], [1]]);
/** T = [[2, 0], [-1, 2]]. */
const beyond = logits(
  [
    [1, 1, 0, 0],
    [-1, 0, 1, 1],
  ],
  [
    [1, 1, 0, 0],
    [0, 0, 1, 1],
  ],
);

describe("How often random networks have logits", () => {
  const tables = [
    [units, { 2: 0.316406, 4: 0.772476, 6: 0.93895, 8: 0.984466, 12: 0.999024 }],
    [beyond, { 2: 0.046875, 4: 0.443115, 6: 0.780819, 8: 0.927287, 12: 0.99342 }],
  ] as const;
  const request = (h: number) => ({ bits: [0], initialBits: [0], units: [h] });

  test("Matrices of 0 bits are found as often as the tables say", () => {
    expect(Array.from((beyond.nodes[0] as { weights: Int32Array }).weights)).toEqual([2, -1, 0, 2]);
    for (const [graph, table] of tables)
      for (const [h, probability] of Object.entries(table))
        expect(1 - graphSchemeFor(graph, request(Number(h))).predictedFailure).toBeCloseTo(probability, 6);
  });

  test("Pruning finds them as often as the tables say, within 5 standard errors", async () => {
    const trials = 250;
    for (const [graph, table] of tables) {
      const { scheme } = graphSchemeFor(graph, request(6));
      let found = 0;
      for (let seed = 0; seed < trials; seed++) {
        const { failures } = await pruneToTicket(engines.cpu, { network: graph, scheme, seed });
        found += Number(failures.length === 0);
      }
      const deviations = (probability: number) =>
        Math.abs(found - trials * probability) / Math.sqrt(trials * probability * (1 - probability));
      expect(deviations(table[6])).toBeLessThan(5);
      // The probability for another number of units is found to be wrong.
      expect(deviations(table[4])).toBeGreaterThan(5);
    }
  });

  test("Logits of 16 channels with 48 units each of 3 bits have a ticket that keeps few weights", async () => {
    const random = generator(6);
    const matrix = () => Array.from({ length: 16 }, () => Array.from({ length: 8 }, () => random(17) - 8));
    const graph = logits(matrix(), matrix(), 3);
    const { weights } = graph.nodes[0] as { weights: Int32Array };
    const most = weights.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    // Beyond the largest product of two weights.
    expect(most).toBeGreaterThan(64);
    const ticket = await ticketFor(graph, { bits: [3], units: [48] }, engines.cpu);
    const kept = keptLayers(ticket);
    const { initial, kept: count, target, lowerBound } = sizesOf(ticket, kept);
    expect({ initial, target }).toEqual({ initial: 16 * 48 + 256 * 48, target: 256 });
    expect(lowerBound).toBeCloseTo(16 * 8 * Math.log2(17), 9);
    expect(count).toBeGreaterThan(1000);
    expect(count).toBeLessThan(2000);
    const inputs = Array.from({ length: 320 }, () => random(9) - 4);
    const outputs = Array.from(graphForward(graph, inputs));
    for (const pass of passes)
      expect(Array.from(await runNetwork(engines.cpu, ticket, inputs, { pass }))).toEqual(outputs);
  });

  test("Theory chooses units with which a failure is about as rare as asked", async () => {
    const random = generator(2);
    const matrix = () => Array.from({ length: 4 }, () => Array.from({ length: 3 }, () => random(5) - 2));
    const graph = logits(matrix(), matrix(), 1);
    const { scheme, predictedFailure } = graphSchemeFor(graph, { failure: 0.2 });
    expect(predictedFailure).toBeLessThanOrEqual(0.2);
    expect(predictedFailure).toBeGreaterThan(0.08);
    let missed = 0;
    for (let seed = 0; seed < 200; seed++) {
      const { failures } = await pruneToTicket(engines.cpu, { network: graph, scheme, seed });
      missed += Number(failures.length > 0);
    }
    const error = Math.sqrt((predictedFailure * (1 - predictedFailure)) / 200);
    expect(missed / 200).toBeGreaterThan(predictedFailure / 1.3 - 5 * error);
    expect(missed / 200).toBeLessThan(predictedFailure * 1.5 + 5 * error);
  });
});

describe("Attention that is refused", () => {
  const input = { shape: [2, 3, 1], activationBits: 3 };
  const bilinear = { kind: "bilinear", bits: 1, activationBits: 3, queries: [[1], [2]], keys: [[1], [0]] };
  const product = { kind: "product", bits: 1, activationBits: 3, first: [[1], [2]], second: [[1, 0]] };
  const wide = Array.from({ length: 2 }, () => Array(1025).fill(1));
  test.each<[string, object, string]>([
    [
      "Logits of features",
      { input: { ...input, shape: [2] }, nodes: [bilinear] },
      "bilinear1: expected an input of shape [channels, height, width]",
    ],
    [
      "Queries of another number of channels",
      { input: { ...input, shape: [3, 3, 1] }, nodes: [bilinear] },
      "bilinear1: weights: expected 3 times 3 numbers, as its input has them, got 4",
    ],
    [
      "Keys of another shape than queries",
      { input, nodes: [{ ...bilinear, keys: [[1, 1]] }] },
      "nodes.0: keys: expected 2 x 1 integers, as queries have, got 1 x 2",
    ],
    [
      "A key beyond its bits",
      { input, nodes: [{ ...bilinear, keys: [[1], [3]] }] },
      "nodes.0: keys.1.0: expected an integer in -2..2, got 3",
    ],
    [
      "A second matrix with another number of rows",
      { input, nodes: [{ ...product, second: [[1], [1]] }] },
      "nodes.0: second: expected 1 rows, as first has columns, got 2",
    ],
    ["Biases of logits", { input, nodes: [{ ...bilinear, biases: [1, 1] }] }, "nodes.0"],
    [
      "Products beyond what engines take",
      { input, nodes: [{ ...bilinear, bits: 10, queries: wide, keys: wide }] },
      "bilinear1: bits: expected products of matrices of at most 1073741824, got 1074790400",
    ],
    [
      "Logits beyond 2^53",
      {
        input: { ...input, activationBits: 20 },
        nodes: [{ ...bilinear, bits: 10, queries: [[1024], [1024]], keys: [[1024], [1024]] }],
      },
      "bilinear1: expected sums of at most 9007199254740992",
    ],
    ["Bits that nothing states", { input, nodes: [{ ...product, bits: undefined }] }, "nodes.0: bits"],
  ])("%s are refused by name", (_, json, message) => {
    expect(() => readGraph(json)).toThrow(message);
  });

  test("An outline of a file with other fields is refused", async () => {
    const ticket = await ticketFor(small, { units: [20, 20] }, engines.cpu);
    const digest = await targetDigest(small);
    const { input: given, nodes } = ticket.target;
    const encoded = (change: object) =>
      encodeTicket(
        { ...ticket, target: { input: given, nodes: [{ ...nodes[0]!, ...change } as never, nodes[1]!] } },
        digest,
      );
    expect(encoded({}).length).toBeGreaterThan(500);
    for (const [change, message] of [
      [{ biases: true }, "target.nodes.0.biases"],
      [{ inner: 0 }, "target.nodes.0.inner"],
      [{ inner: 2 ** 29 }, "target.nodes.0.inner"],
      [{ shape: [3, 1, 1] }, "target.nodes.0.shape"],
    ] as const)
      expect(() => encoded(change)).toThrow(message);
  });
});
