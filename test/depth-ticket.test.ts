// Tickets whose weights are made in depth, of powers of two, from random weights of -1, 1 and perhaps 0.

import { describe, expect, test } from "vitest";
import { runNetwork } from "../host/experiments/network.ts";
import { pruneToTicket, targetDigest } from "../host/experiments/ticket.ts";
import { depthFinding } from "../src/experiments/depth.ts";
import { isLinear, type Graph } from "../src/graph/model.ts";
import { readGraph } from "../src/graph/read.ts";
import { firstDeviation, verifyTicket } from "../src/ticket/certificate.ts";
import { compareOutputs, forwardKeptGraph } from "../src/ticket/comparison.ts";
import { decodeTicket, encodeTicket } from "../src/ticket/file.ts";
import { countsOf, keptLayers } from "../src/ticket/kept.ts";
import { isKept } from "../src/ticket/mask.ts";
import { passes } from "../src/ticket/passes.ts";
import { drawnWeights, ticketLayers, weightCount } from "../src/ticket/scheme.ts";
import { sizesOf } from "../src/ticket/sizes.ts";
import type { GraphTicket } from "../src/ticket/ticket.ts";
import { graphSchemeFor, type GraphSchemeRequest } from "../src/ticket/width.ts";
import { generator, randomGraph, randomInput, type GraphJson } from "./graphs.ts";
import { testEngines } from "./engines.ts";
import { expectCertified, expectIndependentPass, expectPasses, someInputs } from "./graphTickets.ts";
import { refusal } from "./refusal.ts";

const engines = testEngines();

const prune = (graph: Graph, request: GraphSchemeRequest, seed: number) => {
  const { scheme } = graphSchemeFor(graph, { depthConstruction: true, ...request });
  return pruneToTicket(engines.cpu, { network: graph, scheme, seed });
};

/** The ticket of the first seed that has one. */
async function ticketFor(graph: Graph, request: GraphSchemeRequest = {}, seed = 1): Promise<GraphTicket> {
  for (let attempt = seed; attempt < seed + 50; attempt++) {
    const { ticket, failures } = await prune(graph, request, attempt);
    if (failures.length === 0) return ticket;
  }
  throw new Error("no ticket in 50 attempts");
}

/** Random graphs with layers, their JSON and their generators. */
function* graphs(first: number, count: number, bits: number) {
  for (let [seed, found] = [first, 0]; found < count; seed++) {
    const random = generator(seed);
    const json = randomGraph(random, { bits, channels: 2, side: 3 });
    const graph = readGraph(json);
    if (!graph.nodes.some(isLinear)) continue;
    found++;
    yield { seed, random, json, graph };
  }
}

const flipped = (mask: Uint8Array, index: number) =>
  mask.with(index >> 3, mask[index >> 3]! ^ (1 << (index & 7)));

test("A ticket in depth of a random graph is certified, survives its file, and equals the graph on its inputs by an independent pass", async () => {
  let [exhaustive, deepest] = [0, 0];
  for (const { seed, random, json, graph } of graphs(0, 16, 4)) {
    const ticket = await ticketFor(graph, { zero: random(6) === 0 }, seed);
    const one = { seed, json, graph, ticket };
    await expectCertified(one);
    deepest = Math.max(deepest, ...graph.nodes.map((node) => (isLinear(node) ? node.bits : 0)));
    const inputs = someInputs(json, random);
    exhaustive += Number(inputs.length > 2);
    expectIndependentPass(one, inputs);
    await expectPasses(engines.cpu, one, inputs);
  }
  expect(exhaustive).toBeGreaterThan(2);
  expect(deepest).toBe(4);
});

test.each(["reference", "gpu"] as const)(
  "Both passes of a ticket in depth are the same on %s",
  async (name) => {
    expect.hasAssertions();
    for (const { seed, random, json, graph } of graphs(2000, 2, 1)) {
      const ticket = await ticketFor(graph, {}, seed);
      await expectPasses(engines[name], { seed, json, graph, ticket }, [randomInput(random, json)]);
    }
  },
);

/** A convolution with biases whose input has both signs, and a layer behind a ReLU. */
const json: GraphJson = {
  input: { shape: [2, 2, 2], activationBits: 1, nonnegative: false },
  nodes: [
    {
      kind: "conv",
      name: "window",
      from: ["input"],
      bits: 2,
      activationBits: 2,
      quantizer: "nearest",
      relu: true,
      clamp: false,

      weights: [
        [
          [
            [3, -4],
            [0, 1],
          ],
        ],
        [
          [
            [-2, 2],
            [4, -1],
          ],
        ],
      ],
      biases: [3, -1],
      stride: [1, 1],
      padding: [1, 0, 0, 1],
      dilation: [1, 1],
      groups: 2,
    },
    { kind: "flatten", name: "list", from: ["window"] },
    {
      kind: "dense",
      name: "last",
      from: ["list"],
      bits: 1,
      activationBits: 3,
      quantizer: "floor",
      relu: false,
      clamp: false,
      weights: [[1, -2, 0, 2, 1, -1, 0, 1]],
    },
  ],
};
const graph = readGraph(json);

describe("A ticket of a convolution and a dense layer", () => {
  /** What the kept weights behind every slot add up to, by docs/ticket.md alone: [positive, negative] for each row and slot. */
  function sumsByDocument({ scheme, seed, masks }: GraphTicket) {
    const weightAt = drawnWeights(scheme, seed);
    const layers = [
      { bits: 2, first: 0, channels: 2, constant: 1, outputs: 2, perGroup: 1, taps: 4, signs: 2 },
      { bits: 1, first: 4, channels: 8, constant: 0, outputs: 1, perGroup: 8, taps: 1, signs: 1 },
    ];
    return layers.map(({ bits, first, channels, constant, outputs, perGroup, taps, signs }, n) => {
      const [h, c] = [scheme.units[n]!, scheme.copies![n]!];
      const kept = (level: number, index: number) =>
        isKept(masks[first + level]!, index) ? BigInt(weightAt(first + level)(index)) : 0n;
      const groupOf = (level: number) => (level === 0 ? h : signs * c * (level + 1));
      const relu = (x: bigint) => (x < 0n ? 0n : x);
      const valueOf = (level: number, channel: number, r: number): [bigint, bigint] => {
        if (level === 0) {
          const u = kept(0, channel * h + r);
          return [relu(u), relu(-u)];
        }
        const fan = level === 1 ? h : c * level;
        const block = level === 1 ? 0 : Math.floor(r / (c * (level + 1)));
        let [plus, minus] = [0n, 0n];
        for (let e = 0; e < fan; e++) {
          const v = kept(level, (channel * groupOf(level) + r) * fan + e);
          if (v === 0n) continue;
          const [a, b] = valueOf(level - 1, channel, block * fan + e);
          [plus, minus] = [plus + v * a, minus + v * b];
        }
        return [relu(plus), relu(minus)];
      };
      const slots = perGroup * taps + constant;
      return Array.from({ length: outputs }, (_, o) =>
        Array.from({ length: slots }, (_, s) => {
          const isBias = constant === 1 && s === slots - 1;
          const group = Math.floor((o * (channels / perGroup)) / outputs);
          const channel = isBias ? channels : group * perGroup + Math.floor(s / taps);
          const last = groupOf(bits);
          let [plus, minus] = [0n, 0n];
          for (let q = 0; q < last; q++) {
            const v = kept(bits + 1, (o * slots + s) * last + q);
            if (v === 0n) continue;
            const [a, b] = valueOf(bits, channel, q);
            [plus, minus] = [plus + v * a, minus + v * b];
          }
          return isBias || signs === 1 ? [plus] : [plus, -minus];
        }),
      );
    });
  }

  test("The kept weights sum to every weight by the layout of the document", async () => {
    for (const zero of [false, true]) {
      const ticket = await ticketFor(graph, { zero });
      const both = (w: number) => [BigInt(w), BigInt(w)];
      expect(sumsByDocument(ticket)).toEqual([
        [
          [...[3, -4, 0, 1].map(both), [3n]],
          [...[-2, 2, 4, -1].map(both), [-1n]],
        ],
        [[1, -2, 0, 2, 1, -1, 0, 1].map((w) => [BigInt(w)])],
      ]);
    }
  });

  test("Its random network has a layer for level 0, for each power, and for the outputs", async () => {
    const ticket = await ticketFor(graph);
    const [[h0, h1], [c0, c1]] = [ticket.scheme.units, ticket.scheme.copies!] as [number[], number[]];
    expect(ticketLayers(ticket).map(weightCount)).toEqual([
      3 * h0!,
      3 * 2 * (2 * c0!) * h0!,
      3 * 2 * (3 * c0!) * (2 * c0!),
      2 * 5 * (2 * 3 * c0!),
      8 * h1!,
      8 * (2 * c1!) * h1!,
      8 * (2 * c1!),
    ]);
    expect(ticketLayers(ticket).map(({ shift }) => shift)).toEqual([0, 0, 0, 1, 0, 0, 0]);
    expect(sizesOf(ticket, keptLayers(ticket))).toMatchObject({ target: 18, dead: 0 });
  });

  test("Each flipped bit deviates by a named weight, or is dead", async () => {
    const ticket = await ticketFor(graph, { units: [36, 30], copies: [12, 12] });
    const all = countsOf(keptLayers(ticket), ticket).kept;
    let [cut, added] = [0, 0];
    for (const [l, { rows }] of ticketLayers(ticket).entries()) {
      const mask = ticket.masks[l]!;
      const weights = weightCount(ticketLayers(ticket)[l]!);
      for (let index = 0; index < weights; index++) {
        const wasKept = isKept(mask, index);
        // Of the weights that are cut, a sample is enough.
        if (!wasKept && index % 23 > 0) continue;
        const changed = { ...ticket, masks: ticket.masks.with(l, flipped(mask, index)) };
        const { certified, deviation } = verifyTicket(graph, changed);
        const kept = keptLayers(changed);
        if (certified) {
          expect([l, index, wasKept]).toEqual([l, index, false]);
          // One weight more is kept, and changes no sum: that it is dead, or feeds a copy that its ReLU keeps.
          expect(countsOf(kept, changed).kept).toBeLessThanOrEqual(all + 1);
          continue;
        }
        if (wasKept) cut++;
        else added++;
        expect(deviation!.node).toBe(l < 4 ? "window" : "last");
        expect(deviation!.got).not.toBe(deviation!.expected);
        const isSame =
          JSON.stringify(sumsByDocument(changed), text) === JSON.stringify(sumsByDocument(ticket), text);
        expect([l, index, isSame, rows > 0]).toEqual([l, index, false, true]);
      }
    }
    expect(cut).toBe(all);
    expect(added).toBeGreaterThan(5);
  });

  test("Both passes and the comparison agree on masks that are damaged at random", async () => {
    const ticket = await ticketFor(graph, { units: [36, 30], copies: [12, 12] });
    const random = generator(5);
    for (let trial = 0; trial < 20; trial++) {
      const masks = ticket.masks.map((mask, l) => {
        const weights = weightCount(ticketLayers(ticket)[l]!);
        return Array.from({ length: 6 }).reduce((m: Uint8Array) => flipped(m, random(weights)), mask);
      });
      const changed = { ...ticket, masks };
      const input = randomInput(random, json);
      const outputs = Array.from(forwardKeptGraph(graph, keptLayers(changed), input)!);
      for (const pass of passes)
        expect(Array.from(await runNetwork(engines.cpu, changed, input, { pass }))).toEqual(outputs);
    }
  });

  test("The comparison runs the levels themselves and finds a damaged one", async () => {
    const ticket = await ticketFor(graph);
    const random = generator(3);
    expect(compareOutputs(graph, keptLayers(ticket), random)).toMatchObject({
      difference: undefined,
      inputs: 37,
    });
    const l = 2;
    const index = Array.from({ length: 8 * ticket.masks[l]!.length }, (_, i) => i).find((i) =>
      isKept(ticket.masks[l]!, i),
    )!;
    const kept = keptLayers({ ...ticket, masks: ticket.masks.with(l, flipped(ticket.masks[l]!, index)) });
    expect(firstDeviation(graph, kept)).toBeDefined();
    expect(compareOutputs(graph, kept, random).difference).toHaveLength(8);
  });

  test("A mask that keeps every weight passes copies on whose sums are refused", async () => {
    const deep = readGraph({
      input: { shape: [1], activationBits: 1, nonnegative: true },
      nodes: [{ kind: "dense", bits: 6, activationBits: 1, weights: [[63]] }],
    });
    const ticket = await ticketFor(deep);
    const drawn = drawnWeights(ticket.scheme, ticket.seed);
    // All weights of 1 are kept, so that every level multiplies its copies by about half of its width.
    const masks = ticketLayers(ticket).map((layer, l) => {
      const mask = new Uint8Array(ticket.masks[l]!.length);
      for (let i = 0; i < weightCount(layer); i++) if (drawn(l)(i) === 1) mask[i >> 3]! |= 1 << (i & 7);
      return mask;
    });
    expect(() => verifyTicket(deep, { ...ticket, masks })).toThrow(
      /^masks: expected copies of at most 2\^31/,
    );
  });
});

/** JSON of a value with BigInts. */
const text = (_: string, value: unknown) => (typeof value === "bigint" ? String(value) : value);

describe("Failures", () => {
  const dense = readGraph({
    input: { shape: [2], activationBits: 1, nonnegative: false },
    nodes: [{ kind: "dense", name: "only", bits: 2, activationBits: 1, weights: [[3, -4]], biases: [1] }],
  });

  test.each([
    { units: [32], copies: [11] },
    { units: [96], copies: [28], zero: true },
  ])("Random networks of %o lack the target as often as predicted", async (request) => {
    const { predictedFailure } = graphSchemeFor(dense, { depthConstruction: true, ...request });
    const trials = 250;
    let failed = 0;
    for (let seed = 1; seed <= trials; seed++)
      failed += Number((await prune(dense, request, seed)).failures.length > 0);
    const error = Math.sqrt((predictedFailure * (1 - predictedFailure)) / trials);
    expect(Math.abs(failed / trials - predictedFailure)).toBeLessThan(5 * error);
    expect(predictedFailure).toBeGreaterThan(0.2);
    expect(predictedFailure).toBeLessThan(0.8);
  });

  test("A failure names the level of the copy, or the weight, that has no edges", async () => {
    const kinds = new Set<string>();
    for (let seed = 1; seed < 250; seed++)
      for (const { level, expected, output, ...failure } of (
        await prune(dense, { units: [30], copies: [8] }, seed)
      ).failures) {
        expect(failure).toMatchObject({ node: "only", layer: 0, got: undefined });
        kinds.add(level === undefined ? `output ${output}: ${expected}` : `level ${level}: ${expected}`);
      }
    expect([...kinds].toSorted()).toEqual(
      expect.arrayContaining(["level 0: 1", "level 1: 2", "level 2: 4", "output 0: 3"]),
    );
  });
});

test.each([
  [{ bits: [1] }, "bits: expected 0, for weights in depth, got 1"],
  [{ initialBits: [2] }, "initialBits: expected 0, for weights in depth, got 2"],
  [{ pools: "halves", units: [8] }, 'pools: expected shared, for weights in depth, got "halves"'],
  [{ support: true }, "support: expected false, for weights in depth, got true"],
  [{ skip: "none" }, 'skip: expected identity, for weights in depth, got "none"'],
  [{ copies: [3, 4] }, "copies: expected 1 numbers for 1 layers, got 2"],
  [{ copies: [3], depthConstruction: false }, "copies: expected the construction in depth, got [3]"],
] as [GraphSchemeRequest, string][])("A scheme in depth with %o is refused", (request, message) => {
  const one = readGraph({
    input: { shape: [1], activationBits: 1 },
    nodes: [{ kind: "dense", bits: 1, activationBits: 1, weights: [[2]] }],
  });
  expect(() => graphSchemeFor(one, { depthConstruction: true, ...request })).toThrow(refusal(message));
});

test("A graph with attention has no ticket in depth", () => {
  const logits = readGraph({
    input: { shape: [1, 2, 1], activationBits: 1 },
    nodes: [{ kind: "product", name: "values", bits: 1, activationBits: 1, first: [[1]], second: [[1]] }],
  });
  expect(() => graphSchemeFor(logits, { depthConstruction: true })).toThrow(
    refusal('values: expected dense or conv, for weights in depth, got "product"'),
  );
});

test("The file of a ticket in depth with another scheme or mask is refused", async () => {
  const ticket = await ticketFor(graph);
  const file = encodeTicket(ticket, await targetDigest(graph));
  const replaced = (from: string, to: string) => {
    const bytes = Buffer.from(file).toString("latin1");
    expect(bytes).toContain(from);
    return Buffer.from(bytes.replace(from, to), "latin1");
  };
  const copies = `\\"copies\\":[${ticket.scheme.copies!.join(",")}]`;
  expect(() => decodeTicket(replaced(copies, copies.replace(/\d/, "9")))).toThrow(/^header\."?mask|^header/);
  expect(() => decodeTicket(replaced(`\\"bits\\":[0,0]`, `\\"bits\\":[0,1]`))).toThrow(
    /^bits: expected 0, for weights in depth, got 1/,
  );
  expect(() => decodeTicket(file.subarray(0, -1))).toThrow(/^data/);
});

describe("The table of widths", () => {
  test("Widths in depth grow with the bits of a weight, and units of two layers with its size", () => {
    const findings = [1, 2, 4, 8].map(depthFinding);
    expect(findings.map(({ widths }) => widths.map(({ pairUnits }) => pairUnits))).toEqual([
      [6, 14, 24],
      [11, 23, 34],
      [38, 70, 90],
      [538, 957, 1078],
    ]);
    expect(findings.map(({ layers, widths }) => [layers, ...widths.map(({ copies }) => copies)])).toEqual([
      [3, 10, 13, 17],
      [4, 11, 15, 19],
      [6, 13, 16, 20],
      [10, 14, 17, 21],
    ]);
    expect(() => depthFinding(11)).toThrow(refusal("bits: expected an integer in 0..10, got 11"));
  });

  /** The share of random networks that contain a random weight of some bits. */
  async function foundShare(targetBits: number, request: GraphSchemeRequest): Promise<number> {
    const random = generator(targetBits);
    let found = 0;
    for (let seed = 1; seed <= TRIALS; seed++) {
      const weight = random(2 ** (targetBits + 1) + 1) - 2 ** targetBits;
      const one = readGraph({
        input: { shape: [1], activationBits: 1 },
        nodes: [{ kind: "dense", bits: targetBits, activationBits: 1, weights: [[weight]] }],
      });
      found += Number((await prune(one, request, seed)).failures.length === 0);
    }
    return found / TRIALS;
  }
  const TRIALS = 200;
  const error = (probability: number) => 5 * Math.sqrt((probability * (1 - probability)) / TRIALS);

  test.each([0, 1, 3])(
    "Random networks contain a weight of %i bits as often as the table says",
    { tags: ["wide"], timeout: 60_000 },
    async (bits) => {
      for (const { units, copies, predicted, pairUnits, probability } of depthFinding(bits).widths.slice(
        0,
        2,
      )) {
        const deep = await foundShare(bits, { units: [units], copies: [copies] });
        expect(Math.abs(deep - predicted)).toBeLessThan(error(predicted));
        // Two layers contain it with the probability, or a little more often, but not with half of the units.
        const pair = { depthConstruction: false, bits: [0] };
        const shares = [
          await foundShare(bits, { ...pair, units: [pairUnits] }),
          await foundShare(bits, { ...pair, units: [pairUnits >> 1] }),
        ];
        expect(shares[0]).toBeGreaterThan(probability - error(probability));
        expect(shares[1]).toBeLessThan(probability);
      }
    },
  );
});
