// Tickets of graphs: random networks pruned until they are graphs of all kinds of nodes, and what proves it.

import { describe, expect, test } from "vitest";
import { runNetwork } from "../host/experiments/network.ts";
import { pruneToTicket, targetDigest } from "../host/experiments/ticket.ts";
import { graphOfNetwork, networkOfGraph } from "../src/graph/chain.ts";
import { isLinear, type Graph } from "../src/graph/model.ts";
import { readGraph } from "../src/graph/read.ts";
import { forward, readNetwork } from "../src/network.ts";
import { graphForward } from "../src/graph/forward.ts";
import { representedWeights, verifyTicket } from "../src/ticket/certificate.ts";
import { compareOutputs, forwardKeptGraph } from "../src/ticket/comparison.ts";
import { decodeTicket, encodeTicket } from "../src/ticket/file.ts";
import { countsOf, keptLayers } from "../src/ticket/kept.ts";
import { passes } from "../src/ticket/passes.ts";
import { demandCount, drawnWeights, ticketLayers } from "../src/ticket/scheme.ts";
import type { GraphTicket } from "../src/ticket/ticket.ts";
import { graphSchemeFor, type GraphSchemeRequest } from "../src/ticket/width.ts";
import { generator, oracleGraph, randomGraph, randomInput, type GraphJson } from "./graphs.ts";
import { testEngines } from "./engines.ts";
import { expectCertified, expectIndependentPass, expectPasses, someInputs } from "./graphTickets.ts";
import { refusal } from "./refusal.ts";

const engines = testEngines();

/** The ticket of the first seed that has one. */
async function ticketFor(
  graph: Graph,
  request: GraphSchemeRequest,
  seed = 1,
  engine = engines.cpu,
): Promise<GraphTicket> {
  const { scheme } = graphSchemeFor(graph, request);
  for (let attempt = seed; ; attempt++) {
    const { ticket, failures } = await pruneToTicket(engine, { network: graph, scheme, seed: attempt });
    if (failures.length === 0) return ticket;
    if (attempt > seed + 1000) throw new Error("no ticket in 1000 attempts");
  }
}

/** The number of inputs of a graph in JSON. */
function inputCount({ input: { shape, activationBits, nonnegative } }: GraphJson): number {
  return (2 ** activationBits * (nonnegative ? 1 : 2) + 1) ** shape.reduce((a, b) => a * b);
}

/** Every input of a graph in JSON. */
function* allInputs(json: GraphJson): Generator<number[]> {
  const { shape, activationBits, nonnegative } = json.input;
  const least = nonnegative ? 0 : -(2 ** activationBits);
  const range = 2 ** activationBits - least + 1;
  const count = inputCount(json);
  const elements = shape.reduce((a, b) => a * b);
  for (let k = 0; k < count; k++)
    yield Array.from({ length: elements }, (_, i) => (Math.floor(k / range ** i) % range) + least);
}

describe("Tickets of random graphs", () => {
  /** A random scheme. Theory chooses the units of some; elsewhere they are plenty, which saves time. */
  function randomRequest(random: (range: number) => number, graph: Graph): GraphSchemeRequest {
    const layers = graph.nodes.filter(isLinear);
    // With 0 bits, sums are not scaled.
    const bits = layers.map((node) =>
      node.bits < 2 && random(3) === 0 ? 0 : Math.ceil(node.bits / 2) + (random(4) === 0 ? 1 : 0),
    );
    const isLiteral = random(16) === 0;
    return {
      failure: 1e-4,
      bits,
      initialBits: bits.map((k) => k + random(2)),
      zero: random(4) === 0,
      ...(random(10) > 0 && { units: bits.map(() => (isLiteral ? 128 : 70)) }),
      ...(isLiteral && { pools: "halves", support: random(2) === 0 }),
    };
  }

  for (const [title, first, count, tags] of [
    ["A ticket of a random graph", 0, 100, []],
    ["A ticket of each of 200 more random graphs", 10_000, 200, ["wide" as const]],
  ] as const)
    test(
      `${title} is certified, survives its file, and equals the graph on its inputs by an independent pass`,
      { tags: [...tags] },
      async () => {
        let [found, exhaustive] = [0, 0];
        for (let seed = first; found < count; seed++) {
          const random = generator(seed);
          const json = randomGraph(random, { bits: 2, channels: 2, side: 4 });
          const graph = readGraph(json);
          if (!graph.nodes.some(isLinear)) continue;
          found++;
          const ticket = await ticketFor(graph, randomRequest(random, graph), seed);
          const one = { seed, json, graph, ticket };
          await expectCertified(one);
          const inputs = someInputs(json, random);
          exhaustive += Number(inputs.length !== 2);
          expectIndependentPass(one, inputs);
          await expectPasses(engines.cpu, one, inputs);
        }
        expect(exhaustive).toBeGreaterThan(count / 10);
      },
    );

  test.each(["reference", "gpu"] as const)(
    "A ticket of a random graph and its passes are the same on %s",
    async (name) => {
      for (let [seed, found] = [1000, 0]; found < 12; seed++) {
        const random = generator(seed);
        const json = randomGraph(random, { bits: 1, channels: 2, side: 3 });
        const graph = readGraph(json);
        if (!graph.nodes.some(isLinear)) continue;
        found++;
        const request = randomRequest(random, graph);
        const ticket = await ticketFor(graph, request, seed);
        expect(await ticketFor(graph, request, seed, engines[name])).toEqual(ticket);
        await expectPasses(engines[name], { seed, json, graph, ticket }, [randomInput(random, json)]);
      }
    },
  );
});

/** A convolution with all that a window has, and a layer of another precision behind it. */
const mixed: GraphJson = {
  input: { shape: [2, 4, 3], activationBits: 2, nonnegative: false },
  nodes: [
    {
      kind: "conv",
      name: "wide",
      from: ["input"],
      bits: 2,
      activationBits: 3,
      quantizer: "nearest",
      relu: true,
      clamp: false,
      stride: [2, 1],
      padding: [1, 0, 0, 1],
      dilation: [1, 2],
      groups: 2,
      weights: [
        [
          [
            [1, -4],
            [3, 0],
          ],
        ],
        [
          [
            [2, 2],
            [-3, 4],
          ],
        ],
        [
          [
            [0, 1],
            [-1, 4],
          ],
        ],
        [
          [
            [-2, 3],
            [1, -1],
          ],
        ],
      ],
      biases: [1, -2, 0, 4],
    },
    { kind: "flatten", name: "flat", from: ["wide"] },
    {
      kind: "dense",
      name: "last",
      from: ["flat"],
      bits: 1,
      activationBits: 2,
      quantizer: "floor",
      relu: false,
      clamp: true,
      weights: [Array.from({ length: 16 }, (_, i) => (i % 5) - 2)],
    },
  ],
};

describe("Faults in the ticket of a graph", () => {
  const graph = readGraph(mixed);
  const request = { failure: 1e-3, bits: [1, 1], initialBits: [1, 1] };

  test("A flipped mask bit is named by layer, output, input and tap", async () => {
    const ticket = await ticketFor(graph, request);
    const layers = ticketLayers(ticket);
    const random = drawnWeights(ticket.scheme, ticket.seed);
    const inputs = randomInput(generator(9), mixed);
    let flips = 0;
    for (const [l, mask] of ticket.masks.entries()) {
      const j = l >> 1;
      const h = ticket.scheme.units[j]!;
      const weights = l % 2 === 0 ? layers[l]!.rows : layers[l]!.rows * layers[l]!.columns;
      // Every third bit, to save time.
      for (let place = l % 3; place < weights; place += 3) {
        const isKept = (index: number, at: number) =>
          ((ticket.masks[index]![at >> 3]! >> (at & 7)) & 1) === 1;
        const flipped = mask.with(place >> 3, mask[place >> 3]! ^ (1 << (place & 7)));
        const { certified, deviation } = verifyTicket(graph, {
          ...ticket,
          masks: ticket.masks.with(l, flipped),
        });
        if (l % 2 === 0) {
          // A hidden unit that no weight reads may be kept.
          if (!isKept(l, place)) expect(certified).toBe(true);
          else
            expect(deviation).toMatchObject({
              node: j === 0 ? "wide" : "last",
              input: Math.floor(place / h),
            });
          continue;
        }
        // The slots of a row: 1 channel with 4 taps and a bias in the convolution; 16 inputs in the dense layer.
        const slots = j === 0 ? 5 : 16;
        const [q, slot, output] = [place % h, Math.floor(place / h) % slots, Math.floor(place / h / slots)];
        const isBias = j === 0 && slot === 4;
        const input = j === 1 ? slot : isBias ? 2 : output < 2 ? 0 : 1;
        const unit = input * h + q;
        const u = random(l - 1)(unit);
        const isDead = !isKept(l - 1, unit) || (u < 0 && (j === 1 || isBias));
        expect([l, place, certified]).toEqual([l, place, isDead]);
        if (isDead) {
          const changed = keptLayers({ ...ticket, masks: ticket.masks.with(l, flipped) });
          expect(countsOf(changed, ticket).dead).toBe(1);
          if (place % 50 === 0)
            expect(Array.from(forwardKeptGraph(graph, changed, inputs)!)).toEqual(oracleGraph(mixed, inputs));
          continue;
        }
        flips++;
        const tap = j === 0 && !isBias ? { tap: [slot >> 1, slot & 1] } : {};
        const bias = isBias ? { bias: true } : {};
        const node = j === 0 ? "wide" : "last";
        expect(deviation).toMatchObject({
          node,
          layer: j,
          output,
          input,
          ...tap,
          ...bias,
          sign: Math.sign(u),
        });
        expect(deviation!.got! - deviation!.expected).toBe(
          u * random(l)(place) * (isKept(l, place) ? -1 : 1),
        );
      }
    }
    expect(flips).toBeGreaterThan(50);
  });

  test("A negative hidden unit of the constant changes nothing, and counts as dead with its weights", async () => {
    const ticket = await ticketFor(graph, request);
    const h = ticket.scheme.units[0]!;
    const drawn = drawnWeights(ticket.scheme, ticket.seed)(0);
    const q = Array.from({ length: h }, (_, i) => i).find((i) => drawn(2 * h + i) < 0)!;
    const masks = [2 * h + q, 4 * h + q].map((place, l) =>
      ticket.masks[l]!.with(place >> 3, ticket.masks[l]![place >> 3]! | (1 << (place & 7))),
    );
    const changed = { ...ticket, masks: [...masks, ...ticket.masks.slice(2)] };
    expect(verifyTicket(graph, changed)).toEqual({ certified: true });
    expect(countsOf(keptLayers(changed), changed).dead).toBe(2);
  });

  test("A changed seed, weight, bias, precision or shape is found", async () => {
    const ticket = await ticketFor(graph, request);
    expect(verifyTicket(graph, { ...ticket, seed: ticket.seed + 1n }).certified).toBe(false);
    const changed = (change: (json: GraphJson) => void) => {
      const json = structuredClone(mixed);
      change(json);
      return verifyTicket(readGraph(json), ticket);
    };
    const weight = changed(({ nodes: [conv] }) => ((conv!.weights as number[][][][])[3]![0]![1]![0] = 2));
    expect(weight.deviation).toMatchObject({ node: "wide", output: 3, input: 1, tap: [1, 0], sign: 1 });
    const bias = changed(({ nodes: [conv] }) => (conv!.biases![2] = 1));
    expect(bias.deviation).toMatchObject({ node: "wide", output: 2, input: 2, bias: true, sign: 1 });
    expect(bias.deviation).not.toHaveProperty("tap");
    expect(() => changed(({ nodes: [, , dense] }) => (dense!.activationBits = 1))).toThrow(
      refusal("network.nodes.2.epilogue.activationBits: expected 2, as the ticket's target has, got 1"),
    );
    expect(() => changed(({ nodes: [conv] }) => (conv!.padding = [0, 1, 1, 0]))).toThrow(
      refusal(
        "network.nodes.0.window.padding: expected [1,0,0,1], as the ticket's target has, got [0,1,1,0]",
      ),
    );
    expect(() => changed(({ input }) => (input.nonnegative = true))).toThrow(
      refusal("network.input.nonnegative: expected false, as the ticket's target has, got true"),
    );
    const { network } = readNetwork({ bits: 1, activationBits: 1, layers: [{ weights: [[1]] }] });
    expect(() => verifyTicket(network, ticket)).toThrow(
      refusal("network: expected a graph, as the ticket's target is, got a list of layers"),
    );
  });

  test("The audit finds an output that differs, by an input for which it does", async () => {
    const ticket = await ticketFor(graph, request);
    const random = generator(4);
    expect(compareOutputs(graph, keptLayers(ticket), random)).toEqual({
      inputs: 37,
      exhaustive: false,
      difference: undefined,
    });
    const masks = ticket.masks.with(
      3,
      ticket.masks[3]!.map(() => 0),
    );
    const damaged = keptLayers({ ...ticket, masks });
    const { difference } = compareOutputs(graph, damaged, random);
    expect(Array.from(forwardKeptGraph(graph, damaged, difference!)!)).not.toEqual(
      oracleGraph(mixed, [...difference!]),
    );
    for (const pass of passes)
      expect(Array.from(await runNetwork(engines.cpu, { ...ticket, masks }, difference!, { pass }))).toEqual(
        Array.from(forwardKeptGraph(graph, damaged, difference!)!),
      );
  });

  test("Pruning names every weight that has no subset", async () => {
    const { scheme } = graphSchemeFor(graph, { ...request, units: [2, 2] });
    const { ticket, failures } = await pruneToTicket(engines.cpu, { network: graph, scheme, seed: 3 });
    expect(failures.length).toBeGreaterThan(5);
    const { deviation } = verifyTicket(graph, ticket);
    expect(deviation).toEqual({ ...failures[0], got: expect.any(Number) });
    expect(new Set(failures.map(({ node }) => node))).toEqual(new Set(["wide", "last"]));
  });
});

describe("Inputs that are never negative", () => {
  test("The first layer asks for half the subset sums, and the ticket equals the graph on these inputs", async () => {
    const { network, bits } = readNetwork({
      bits: 2,
      activationBits: 1,
      layers: [
        {
          weights: [
            [4, -1],
            [0, 3],
          ],
          biases: [1, 2],
        },
        { weights: [[-4, 2]] },
      ],
    });
    const graph = graphOfNetwork(network, bits, true);
    const ticket = await ticketFor(graph, {});
    // Four weights and two biases of the first layer, two weights and a bias of the second, whose inputs follow a ReLU.
    expect(ticketLayers(ticket).map(demandCount)).toEqual([0, 6, 0, 3]);
    const signed = await ticketFor(graphOfNetwork(network, bits, false), {});
    expect(ticketLayers(signed).map(demandCount)).toEqual([0, 10, 0, 3]);
    const inputs = [0, 1, 2].flatMap((x) => [0, 1, 2].flatMap((y) => [x, y]));
    for (const pass of passes)
      expect(await runNetwork(engines.cpu, ticket, inputs, { pass })).toEqual(
        forward(
          network,
          inputs.flatMap((x, i) => (i % 2 === 0 ? [x] : [x, 2])),
        ),
      );
    await expect(runNetwork(engines.cpu, ticket, [0, -1])).rejects.toThrow(
      refusal("number 2 of input 1: expected an integer in 0..2, got -1"),
    );
  });
});

describe("Skips", () => {
  /** y = relu(Q(W x + x)), by a convolution with biases and groups, or by a dense layer; and a layer behind it. */
  function residual(random: (range: number) => number, isImage: boolean): GraphJson {
    const weight = () => random(5) - 2;
    const exact = {
      bits: 1,
      activationBits: "exact",
      quantizer: "floor",
      relu: false,
      clamp: false,
    } as const;
    const groups = 1 + random(2);
    const kernel = () => [
      [weight(), weight(), weight()],
      [weight(), weight(), weight()],
    ];
    const layer = isImage
      ? {
          kind: "conv" as const,
          stride: [1, 1],
          padding: [1, 1, 0, 1],
          dilation: [1, 1],
          groups,
          weights: [0, 1].map(() => Array.from({ length: 2 / groups }, kernel)),
          biases: [weight(), weight()],
        }
      : { kind: "dense" as const, weights: [0, 1].map(() => [weight(), weight()]) };
    const from = random(2) === 0 ? ["a", "input"] : ["input", "a"];
    return {
      input: { shape: isImage ? [2, 2, 2] : [2], activationBits: 1, nonnegative: random(2) === 0 },
      nodes: [
        { name: "a", from: ["input"], ...exact, ...layer },
        { kind: "add", name: "sum", from, activationBits: 2, quantizer: "nearest", relu: true, clamp: false },
        ...(isImage ? [{ kind: "flatten" as const, name: "flat", from: ["sum"] }] : []),
        {
          ...exact,
          kind: "dense",
          name: "last",
          from: [isImage ? "flat" : "sum"],
          weights: [Array.from({ length: isImage ? 8 : 2 }, weight)],
        },
      ],
    };
  }

  test.each(["identity", "none", "random"] as const)(
    "A residual graph has tickets with skip %s that equal it by both passes",
    async (skip) => {
      let edges = 0;
      for (let seed = 0; seed < 24; seed++) {
        const random = generator(seed);
        const json = residual(random, seed % 2 === 0);
        const graph = readGraph(json);
        // Few units make random skips help.
        const units = skip === "random" ? { units: [seed % 2 === 0 ? 13 : 8, 60] } : {};
        const ticket = await ticketFor(graph, { failure: 0.01, skip, ...units }, seed);
        expect([seed, verifyTicket(graph, ticket)]).toEqual([seed, { certified: true }]);
        expect(decodeTicket(encodeTicket(ticket, await targetDigest(graph))).ticket).toEqual(ticket);
        if (seed < 2)
          for (const engine of [engines.reference, engines.gpu])
            expect(
              (await pruneToTicket(engine, { network: graph, scheme: ticket.scheme, seed: ticket.seed }))
                .ticket,
            ).toEqual(ticket);
        const kept = keptLayers(ticket);
        expect(countsOf(kept, ticket)).toMatchObject({ dead: 0, outside: 0 });
        expect(await targetDigest(representedWeights(ticket.target, kept) as Graph)).toBe(
          await targetDigest(graph),
        );
        const inputs =
          inputCount(json) <= 90 ? [...allInputs(json)] : [0, 1, 2].map(() => randomInput(random, json));
        const outputs = inputs.flatMap((input) => oracleGraph(json, input));
        expect(inputs.flatMap((input) => Array.from(forwardKeptGraph(graph, kept, input)!))).toEqual(outputs);
        for (const pass of passes)
          expect(Array.from(await runNetwork(engines.cpu, ticket, inputs.flat(), { pass }))).toEqual(outputs);
        const hidden = kept[0]!;
        const firstEdge = hidden.rowStarts[hidden.rows - 2]!;
        if (skip !== "random") continue;
        for (let edge = hidden.rows - 2; edge < hidden.rows; edge++) {
          const isKept = hidden.rowStarts[edge] !== hidden.rowStarts[edge + 1];
          edges += Number(isKept && !json.input.nonnegative);
          // Without a kept skip, the sums on the diagonal are too small by its weight.
          const mask = ticket.masks[0]!;
          const masks = ticket.masks.with(0, mask.with(edge >> 3, mask[edge >> 3]! ^ (1 << (edge & 7))));
          const output = edge - hidden.rows + 2;
          expect(verifyTicket(graph, { ...ticket, masks }).deviation).toMatchObject({ node: "a", output });
        }
        expect(firstEdge).toBeGreaterThan(0);
      }
      expect(edges > 2).toBe(skip === "random");
    },
  );

  test("Skips are refused where they do not apply, with the node and the reason", () => {
    const random = generator(1);
    const refused = (change: (json: GraphJson) => void, skip: "none" | "random" = "none", isImage = true) => {
      const json = residual(random, isImage);
      change(json);
      return () => graphSchemeFor(readGraph(json), { skip });
    };
    expect(refused(({ nodes: [layer] }) => (layer!.relu = true))).toThrow(
      refusal(
        'a: expected exact sums, activationBits "exact" and no ReLU and no clamp, for skip none, got rounded ones',
      ),
    );
    expect(refused(({ nodes: [layer] }) => (layer!.activationBits = 2))).not.toThrow();
    expect(refused(({ nodes: [layer] }) => (layer!.activationBits = 1))).toThrow("got rounded ones");
    expect(refused(({ nodes: [, sum] }) => (sum!.from = ["a", "a"]), "random")).toThrow(
      refusal(
        "sum: expected the sum of a layer and the input of that layer, for skip random, got another sum",
      ),
    );
    const padding = ({ nodes: [layer] }: GraphJson) => {
      layer!.padding = [0, 1, 1, 1];
      layer!.dilation = [1, 1];
    };
    expect(refused(padding)).not.toThrow();
    const shifted = ({ nodes: [layer] }: GraphJson) => (layer!.padding = [0, 2, 1, 0]);
    expect(refused(shifted)).not.toThrow();
    expect(refused(({ nodes: [layer] }) => (layer!.padding = [1, 3, 0, -1 + 0]))).toThrow("padding");
    expect(
      refused(({ nodes: [layer] }) => {
        layer!.weights = [
          [[[1]], [[1]]],
          [[[2]], [[1]]],
        ];
        layer!.groups = 1;
        layer!.padding = [0, 0, 0, 0];
        layer!.stride = [1, 1];
      }),
    ).not.toThrow();
    const reader = ({ nodes }: GraphJson) => {
      nodes.splice(2, 0, { ...nodes[1]!, name: "more", from: ["sum", "a"] });
      nodes[3]!.from = ["more"];
    };
    expect(refused(reader)).toThrow("for skip none");
    const none = (json: GraphJson) => {
      json.nodes.splice(1, 1);
      json.nodes[1]!.from = ["a"];
    };
    expect(refused(none)).toThrow(
      refusal('skip: expected identity, where there are no additions, got "none"'),
    );
    const { scheme } = graphSchemeFor(readGraph(residual(random, false)), { skip: "random" });
    const graph = readGraph(residual(random, false));
    expect(() => graphSchemeFor(graph, { ...scheme, pools: "halves" })).toThrow(
      refusal('skip: expected identity or none with halves or support, got "random"'),
    );
  });
});

test(
  "A convolution of LeNet-5 has a ticket on images of both signs, at strides, paddings and dilations",
  { tags: ["wide"], timeout: 300_000 },
  async () => {
    const random = generator(5);
    const weights = Array.from({ length: 16 }, () =>
      Array.from({ length: 6 }, () =>
        Array.from({ length: 5 }, () => Array.from({ length: 5 }, () => random(33) - 16)),
      ),
    );
    for (const [stride, padding, dilation] of [
      [
        [1, 1],
        [0, 0, 0, 0],
        [1, 1],
      ],
      [
        [2, 2],
        [1, 1, 1, 1],
        [1, 1],
      ],
      [
        [1, 3],
        [4, 0, 2, 4],
        [2, 1],
      ],
    ]) {
      const json: GraphJson = {
        input: { shape: [6, 12, 12], activationBits: 4, nonnegative: false },
        nodes: [
          {
            kind: "conv",
            name: "conv",
            from: ["input"],
            bits: 4,
            activationBits: 4,
            quantizer: "floor",
            relu: true,
            clamp: false,
            weights,
            groups: 1,
            stride: stride!,
            padding: padding!,
            dilation: dilation!,
          },
        ],
      };
      const graph = readGraph(json);
      const ticket = await ticketFor(graph, { bits: [2], units: [96] });
      expect(ticketLayers(ticket).map(demandCount)).toEqual([0, 4800]);
      expect(verifyTicket(graph, ticket)).toEqual({ certified: true });
      const inputs = [randomInput(random, json), randomInput(random, json)];
      const outputs = inputs.flatMap((input) => oracleGraph(json, input));
      for (const pass of passes)
        for (const engine of [engines.cpu, engines.gpu])
          expect(Array.from(await runNetwork(engine, ticket, inputs.flat(), { pass }))).toEqual(outputs);
    }
  },
);

test("More random graphs have tickets on every engine", { tags: ["wide"], timeout: 300_000 }, async () => {
  for (let [seed, found] = [5000, 0]; found < 25; seed++) {
    const random = generator(seed);
    const json = randomGraph(random);
    const graph = readGraph(json);
    if (!graph.nodes.some(isLinear)) continue;
    found++;
    const ticket = await ticketFor(graph, { failure: 1e-3 }, seed);
    expect([seed, verifyTicket(graph, ticket)]).toEqual([seed, { certified: true }]);
    const request = { network: graph, scheme: ticket.scheme, seed: ticket.seed };
    const inputs = [randomInput(random, json), randomInput(random, json)];
    const outputs = inputs.flatMap((input) => oracleGraph(json, input));
    for (const engine of Object.values(engines)) {
      expect((await pruneToTicket(engine, request)).ticket).toEqual(ticket);
      for (const pass of passes)
        expect([seed, Array.from(await runNetwork(engine, ticket, inputs.flat(), { pass }))]).toEqual([
          seed,
          outputs,
        ]);
    }
  }
});

describe("Chains of dense layers", () => {
  test("A network is the same graph and the same network again", () => {
    for (let seed = 0; seed < 20; seed++) {
      const random = generator(seed);
      const weights = (rows: number, columns: number) =>
        Array.from({ length: rows }, () => Array.from({ length: columns }, () => random(9) - 4));
      const { network, bits } = readNetwork({
        bits: 2,
        activationBits: 2,
        quantizer: ["floor", "truncate", "nearest", "away"][random(4)],
        clamp: random(2) === 0,
        layers: [
          { weights: weights(3, 2), ...(random(2) === 0 && { biases: [1, -4, 2] }) },
          { weights: weights(2, 3), ...(random(2) === 0 && { biases: [3, 0] }) },
        ],
      });
      const graph = graphOfNetwork(network, bits, false);
      expect(networkOfGraph(graph)).toEqual({ network, bits });
      const inputs = Array.from({ length: 20 }, () => random(9) - 4);
      const whole = network.constant ? inputs.flatMap((x, i) => (i % 2 === 0 ? [x] : [x, 4])) : inputs;
      expect(graphForward(graph, inputs)).toEqual(forward(network, whole));
    }
  });

  test("A graph that is no such chain is refused with the name of its node", () => {
    const dense = { kind: "dense", bits: 1, activationBits: 2 } as const;
    const refused = (change: object, input: object = {}) =>
      networkOfGraph(
        readGraph({
          input: { shape: [2], activationBits: 2, ...input },
          nodes: [
            {
              ...dense,
              name: "first",
              relu: true,
              weights: [
                [1, 2],
                [0, 1],
              ],
            },
            { ...dense, name: "second", weights: [[1, -1]], ...change },
          ],
        }),
      );
    expect(refused({}).bits).toBe(1);
    for (const [change, message] of [
      [
        { bits: 2 },
        "second: expected weights of 1 bits, as in the chains of dense layers that Theorem 2 takes, got 2",
      ],
      [
        { activationBits: 3 },
        "second: expected activations of 2 bits, as in the chains of dense layers that Theorem 2 takes, got 3",
      ],
      [
        { quantizer: "away" },
        'second: expected the quantizer floor, as in the chains of dense layers that Theorem 2 takes, got "away"',
      ],
      [
        { clamp: true },
        "second: expected clamp false, as in the chains of dense layers that Theorem 2 takes, got true",
      ],
      [
        { relu: true },
        "second: expected relu false, as in the chains of dense layers that Theorem 2 takes, got true",
      ],
    ] as const)
      expect(() => refused(change)).toThrow(refusal(message));
    expect(() => networkOfGraph(readGraph(mixed))).toThrow(
      refusal(
        "wide: expected a dense layer, as in the chains of dense layers that Theorem 2 takes, got conv",
      ),
    );
    expect(() => refused({}, { nonnegative: true })).toThrow(
      refusal("input: expected numbers of both signs, got numbers that are never negative"),
    );
  });
});
