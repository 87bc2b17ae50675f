// How often random networks contain convolutions, residual layers and chains of several precisions: tables of another program, by
// the theory that chooses hidden units, and by pruning random networks.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cpuRunner } from "../host/cpu/runner.ts";
import { runNetwork } from "../host/experiments/network.ts";
import { pruneToTicket } from "../host/experiments/ticket.ts";
import { startThread } from "../host/node/platform/threads.ts";
import type { Runner } from "../host/runner.ts";
import type { Graph } from "../src/graph/model.ts";
import { readGraph } from "../src/graph/read.ts";
import { lemma5, reachProbabilities, type Lemma5Scheme } from "../src/theory/construction.ts";
import { verifyTicket } from "../src/ticket/certificate.ts";
import { passes } from "../src/ticket/passes.ts";
import type { Skip } from "../src/ticket/skips.ts";
import { graphSchemeFor, type GraphSchemeRequest } from "../src/ticket/width.ts";
import { generator, oracleGraph, type GraphJson } from "./graphs.ts";

let cpu: Runner;
beforeAll(async () => {
  cpu = await cpuRunner(2, startThread);
});
afterAll(() => cpu.close());

/** P(a random network contains a graph), as theory predicts it for these numbers of hidden units. */
function predicted(graph: Graph, request: GraphSchemeRequest): number {
  return 1 - graphSchemeFor(graph, { ...request, failure: 1e-6 }).predictedFailure;
}

/** How many standard errors a probability is away from the share of random networks that contain random graphs. */
async function deviations(
  trials: number,
  graphOf: (random: (range: number) => number) => Graph,
  request: GraphSchemeRequest,
): Promise<(probability: number) => number> {
  const random = generator(20);
  const { scheme } = graphSchemeFor(graphOf(random), { failure: 0.5, ...request });
  let found = 0;
  for (let seed = 0; seed < trials; seed++) {
    const graph = graphOf(random);
    const { ticket, failures } = await pruneToTicket(cpu, { network: graph, scheme, seed });
    const isFound = failures.length === 0;
    expect(verifyTicket(graph, ticket).certified).toBe(isFound);
    found += Number(isFound);
  }
  return (probability) =>
    Math.abs(found / trials - probability) / Math.sqrt((probability * (1 - probability)) / trials);
}

/** A convolution of one channel and kernel. */
function convolution(kernel: readonly (readonly number[])[], bits: number, nonnegative = false): Graph {
  return readGraph({
    input: { shape: [1, kernel.length, kernel[0]!.length], activationBits: 1, nonnegative },
    nodes: [{ kind: "conv", bits, activationBits: 1, weights: [[kernel]] }],
  });
}

describe("Convolutions", () => {
  const ones = [
    [1, 1, 1],
    [1, 1, 1],
    [1, 1, 1],
  ];
  const hat = [
    [1, 2, 1],
    [2, 3, 2],
    [1, 2, 1],
  ];
  const heights: readonly number[] = [4, 8, 12, 16, 20, 24, 32];

  test.each([
    [
      "ones, signed inputs",
      ones,
      0,
      false,
      [0.002408, 0.198787, 0.605377, 0.84905, 0.947778, 0.982727, 0.998212],
    ],
    [
      "ones, nonnegative inputs",
      ones,
      0,
      true,
      [0.138774, 0.519204, 0.794802, 0.923951, 0.973851, 0.991361, 0.999106],
    ],
    ["1 2 1, 2 3 2, 1 2 1", hat, 2, false, [0.00118, 0.086804, 0.38585, 0.683589, 0.859132, 0.977242]],
  ] as const)(
    "Units of -1 and 1 contain a kernel of %s as often as the table says",
    (_, kernel, bits, nonnegative, table) => {
      const graph = convolution(kernel, bits, nonnegative);
      const found = heights.map((units) => predicted(graph, { bits: [0], initialBits: [0], units: [units] }));
      expect(found.slice(-table.length).map((share) => share.toFixed(6))).toEqual(
        table.map((share) => share.toFixed(6)),
      );
    },
  );

  test("A bias needs a subset sum for one sign only", () => {
    const graph = readGraph({
      input: { shape: [1], activationBits: 1 },
      nodes: [{ kind: "dense", bits: 0, activationBits: 1, weights: [[1]], biases: [1] }],
    });
    // 4 units contain a weight of 1 for both signs with probability 0.429688; one of n units of 1 or -1 serves a bias.
    const bias = 1 - (3 / 4) ** 4;
    expect(predicted(graph, { bits: [0], initialBits: [0], units: [4] })).toBeCloseTo(0.429688 * bias, 6);
  });

  test("Pruning finds kernels as often as the tables say, within 5 standard errors", async () => {
    const binary = { bits: [0], initialBits: [0] };
    const signed = await deviations(200, () => convolution(ones, 0), { ...binary, units: [12] });
    expect(signed(0.605377)).toBeLessThan(5);
    // A wrong probability is found.
    expect(signed(0.8)).toBeGreaterThan(5);
    const nonnegative = await deviations(200, () => convolution(ones, 0, true), { ...binary, units: [8] });
    expect(nonnegative(0.519204)).toBeLessThan(5);
    const graded = await deviations(200, () => convolution(hat, 2), { ...binary, units: [20] });
    expect(graded(0.683589)).toBeLessThan(5);
    const uniform = (random: (range: number) => number) =>
      convolution(
        ones.map((row) => row.map(() => random(9) - 4)),
        2,
      );
    const mixed = await deviations(400, uniform, { bits: [1], units: [14] });
    expect(mixed(0.119154)).toBeLessThan(5);
  });
});

describe("Residual layers", () => {
  /** y = Q(w x + x). */
  const residual = (w: number) =>
    readGraph({
      input: { shape: [1], activationBits: 1 },
      bits: 0,
      activationBits: 1,
      nodes: [
        { kind: "dense", weights: [[w]], activationBits: "exact" },
        { kind: "add", from: ["dense1", "input"] },
      ],
    });
  const tables = {
    identity: { 4: [0.429688, 1, 0.429688], 8: [0.80368, 1, 0.80368], 16: [0.97997, 1, 0.97997] },
    none: { 4: [1, 0.429688, 0.023438], 8: [1, 0.80368, 0.355682], 16: [1, 0.97997, 0.874222] },
    random: { 4: [1, 0.714844, 0.226562], 8: [1, 0.90184, 0.579681], 16: [1, 0.989985, 0.927096] },
  } as const;
  const request = (skip: Skip, units: number) => ({ bits: [0], initialBits: [0], units: [units], skip });

  test.each(["identity", "none", "random"] as const)(
    "A residual weight with skip %s is found as often as the table says",
    (skip) => {
      for (const units of [4, 8, 16] as const)
        tables[skip][units].forEach((probability, i) =>
          expect(predicted(residual(i - 1), request(skip, units))).toBeCloseTo(probability, 5),
        );
    },
  );

  test("Pruning finds residual weights as often as the tables say, within 5 standard errors", async () => {
    for (const skip of ["identity", "none", "random"] as const)
      for (const w of [0, 1]) {
        const probability = tables[skip][8][w + 1]!;
        if (probability === 1) continue;
        const found = await deviations(250, () => residual(w), request(skip, 8));
        expect(found(probability)).toBeLessThan(5);
        // A random skip serves more networks than none.
        if (skip === "random" && w === 1) expect(found(tables.none[8][2])).toBeGreaterThan(5);
      }
  });

  test("Pruning finds residual layers with random skips as often as predicted, within 5 standard errors", async () => {
    /** y = Q(W x + x) for two inputs. */
    const square = (bits: number, weights: readonly (readonly number[])[], nonnegative: boolean) =>
      readGraph({
        input: { shape: [2], activationBits: 1, nonnegative },
        nodes: [
          { kind: "dense", bits, activationBits: "exact", weights },
          { kind: "add", activationBits: 1, from: ["dense1", "input"] },
        ],
      });
    for (const [k, units, graph] of [
      [
        0,
        10,
        square(
          0,
          [
            [1, -1],
            [1, 0],
          ],
          false,
        ),
      ],
      [
        0,
        7,
        square(
          0,
          [
            [1, -1],
            [1, 0],
          ],
          true,
        ),
      ],
      [
        1,
        12,
        square(
          2,
          [
            [3, -2],
            [1, 4],
          ],
          false,
        ),
      ],
      [
        1,
        8,
        square(
          2,
          [
            [-3, 1],
            [-4, 2],
          ],
          true,
        ),
      ],
    ] as const) {
      const open = { bits: [k], initialBits: [k], units: [units], skip: "random" as const };
      const share = predicted(graph, open);
      const found = await deviations(500, () => graph, open);
      expect(found(share)).toBeLessThan(5);
      // A prediction in which every skip is cut is found to be wrong.
      const cut = predicted(graph, { ...open, skip: "none" });
      expect(found(cut)).toBeGreaterThan(5);
    }
  });
});

describe("Precisions of several layers", () => {
  const few = [1, 2].map((k) => reachProbabilities(2 ** k, 12));

  /** P(h units of k bits contain a uniform weight of 2k bits). */
  function meanOf(k: number, units: number, scheme: Lemma5Scheme, pools = few): number {
    const { success } = lemma5(pools[k - 1]!.slice(0, units + 1), { units, zero: false, scheme });
    const total = success.reduce((sum, chance, t) => sum + (t === 0 ? 1 : 2) * chance, 0);
    return total / (2 * 4 ** k + 1);
  }

  /** A chain of two weights, of 2 k bits each. */
  const chain = (bits: readonly [number, number]) => (random: (range: number) => number) =>
    readGraph({
      input: { shape: [1], activationBits: 3 },
      nodes: bits.map((k, l) => ({
        kind: "dense" as const,
        bits: 2 * k,
        activationBits: 4 - l,
        relu: l === 0,
        weights: [[random(2 * 4 ** k + 1) - 4 ** k]],
      })),
    });

  test("A chain of layers of 1 and 2 bits is contained as often as the product of its layers", async () => {
    for (const [units, signed1, nonnegative1, signed2, nonnegative2, chain12, chain21] of [
      [8, 0.424631, 0.651813, 0.113511, 0.347179, 0.147423, 0.073988],
      [12, 0.667098, 0.818633, 0.329527, 0.594392, 0.396518, 0.269761],
    ] as const) {
      expect(meanOf(1, units, "pooled")).toBeCloseTo(signed1, 6);
      expect(meanOf(1, units, "nonnegative")).toBeCloseTo(nonnegative1, 6);
      expect(meanOf(2, units, "pooled")).toBeCloseTo(signed2, 6);
      expect(meanOf(2, units, "nonnegative")).toBeCloseTo(nonnegative2, 6);
      expect(meanOf(1, units, "pooled") * meanOf(2, units, "nonnegative")).toBeCloseTo(chain12, 6);
      expect(meanOf(2, units, "pooled") * meanOf(1, units, "nonnegative")).toBeCloseTo(chain21, 6);
      const request = (bits: readonly number[]) => ({ bits, units: [units, units] });
      const [first, second] = [
        await deviations(200, chain([1, 2]), request([1, 2])),
        await deviations(200, chain([2, 1]), request([2, 1])),
      ];
      expect(first(chain12)).toBeLessThan(5);
      expect(second(chain21)).toBeLessThan(5);
    }
  });

  test("The product of layers is that of the table for up to 24 units as well", { tags: ["wide"] }, () => {
    const pools = [1, 2].map((k) => reachProbabilities(2 ** k, 24));
    for (const [units, chain12, chain21] of [
      [16, 0.639361, 0.536577],
      [24, 0.896408, 0.865085],
    ] as const) {
      const [first, second] = [1, 2].map((k) =>
        (["pooled", "nonnegative"] as const).map((scheme) => meanOf(k, units, scheme, pools)),
      );
      expect(first![0]! * second![1]!).toBeCloseTo(chain12, 6);
      expect(second![0]! * first![1]!).toBeCloseTo(chain21, 6);
    }
  });

  test("A network of three layers of their own precisions equals its ticket on all 1,089 inputs", async () => {
    const random = generator(3);
    const widths = [2, 3, 3, 2];
    const [targetBits, activationBits] = [
      [2, 4, 1],
      [4, 3, 5, 2],
    ];
    const nodes = targetBits!.map((bits, l) => ({
      kind: "dense" as const,
      name: `layer${l}`,
      from: [l === 0 ? "input" : `layer${l - 1}`],
      bits,
      activationBits: activationBits![l + 1]!,
      quantizer: "floor",
      relu: l < 2,
      clamp: false,
      weights: Array.from({ length: widths[l + 1]! }, () =>
        Array.from({ length: widths[l]! }, () => random(2 ** (bits + 1) + 1) - 2 ** bits),
      ),
    }));
    const json: GraphJson = { input: { shape: [2], activationBits: 4, nonnegative: false }, nodes };
    const graph = readGraph(json);
    const { scheme } = graphSchemeFor(graph, { bits: [1, 2, 2], failure: 1e-4 });
    const { ticket, failures } = await pruneToTicket(cpu, { network: graph, scheme });
    expect(failures).toEqual([]);
    const inputs = Array.from({ length: 1089 }, (_, i) => [Math.floor(i / 33) - 16, (i % 33) - 16]);
    const outputs = inputs.flatMap((input) => oracleGraph(json, input));
    for (const pass of passes)
      expect(Array.from(await runNetwork(cpu, ticket, inputs.flat(), { pass }))).toEqual(outputs);
  });
});

describe("Units by theory", () => {
  const random = generator(8);
  const graph = readGraph({
    input: { shape: [2, 3, 3], activationBits: 2 },
    nodes: [
      {
        kind: "conv",
        bits: 2,
        activationBits: 3,
        relu: true,
        weights: Array.from({ length: 3 }, () =>
          Array.from({ length: 2 }, () => Array.from({ length: 2 }, () => [random(9) - 4, random(9) - 4])),
        ),
        biases: [1, -4, 2],
      },
      { kind: "flatten" },
      {
        kind: "dense" as const,
        bits: 4,
        activationBits: 3,
        weights: [Array.from({ length: 12 }, () => random(33) - 16)],
      },
    ],
  });

  test.each([0.5, 0.1])(
    "Random networks miss a graph about as often as a failure of %d asks for",
    async (failure) => {
      const { scheme, predictedFailure } = graphSchemeFor(graph, { failure });
      expect(predictedFailure).toBeLessThanOrEqual(failure);
      expect(predictedFailure).toBeGreaterThan(failure / 3);
      const trials = 200;
      let missed = 0;
      for (let seed = 0; seed < trials; seed++) {
        const { failures } = await pruneToTicket(cpu, { network: graph, scheme, seed });
        missed += Number(failures.length > 0);
      }
      // The prediction takes the taps and outputs of a channel as independent, given how many units serve each sign.
      const error = Math.sqrt((predictedFailure * (1 - predictedFailure)) / trials);
      expect(missed / trials).toBeGreaterThan(predictedFailure / 1.3 - 5 * error);
      expect(missed / trials).toBeLessThan(predictedFailure * 1.5 + 5 * error);
    },
  );
});
