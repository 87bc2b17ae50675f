// Graphs: the definition of a forward pass against an interpreter of the JSON form, shapes, bounds, and refusals.

import { describe, expect, test } from "vitest";
import { graphForward, graphValues } from "../src/graph/forward.ts";
import { rangesOf } from "../src/graph/model.ts";
import { readGraph } from "../src/graph/read.ts";
import { generator, oracleGraph, randomGraph, randomInput, type GraphJson } from "./graphs.ts";

const GRAPHS = 400;

describe("Forward passes of graphs", () => {
  test("Random graphs of all kinds give the outputs of an interpreter that scatters in BigInt", () => {
    const kinds = new Set<string>();
    for (let seed = 0; seed < GRAPHS; seed++) {
      const random = generator(seed);
      const json = randomGraph(random);
      for (const { kind } of json.nodes) kinds.add(kind);
      const graph = readGraph(json);
      for (let k = 0; k < 3; k++) {
        const input = randomInput(random, json);
        expect(Array.from(graphForward(graph, input)), `graph ${seed}`).toEqual(oracleGraph(json, input));
      }
    }
    expect([...kinds].toSorted()).toEqual(["add", "average-pool", "conv", "dense", "flatten", "max-pool"]);
  });

  test("The interpreter finds a wrong weight, stride, padding and quantizer", () => {
    const json: GraphJson = {
      input: { shape: [1, 5, 5], activationBits: 3, nonnegative: false },
      nodes: [
        {
          kind: "conv",
          name: "c",
          from: ["input"],
          bits: 2,
          activationBits: 2,
          quantizer: "floor",
          weights: [
            [
              [
                [1, -3, 2],
                [0, 4, -1],
                [2, 2, 1],
              ],
            ],
          ],
          stride: [2, 2],
          padding: [1, 0, 1, 0],
          dilation: [1, 1],
          groups: 1,
        },
      ],
    };
    const input = randomInput(generator(7), json);
    const right = oracleGraph(json, input);
    const [node] = json.nodes;
    for (const fault of [
      {
        weights: [
          [
            [
              [1, -3, 2],
              [0, 4, -1],
              [2, 2, 0],
            ],
          ],
        ],
      },
      { stride: [2, 1] },
      { padding: [0, 0, 2, 0] },
      { quantizer: "away" },
    ])
      expect(
        Array.from(graphForward(readGraph({ ...json, nodes: [{ ...node, ...fault }] }), input)),
        JSON.stringify(fault),
      ).not.toEqual(right);
    expect(Array.from(graphForward(readGraph(json), input))).toEqual(right);
  });

  test("Every value lies in the range that is computed for it, and some reach its ends", () => {
    let reached = 0;
    for (let seed = 0; seed < GRAPHS; seed++) {
      const random = generator(seed);
      const json = randomGraph(random);
      const graph = readGraph(json);
      const ranges = rangesOf(graph);
      const most = 2 ** json.input.activationBits;
      const size = json.input.shape.reduce((a, b) => a * b);
      const inputs = [
        randomInput(random, json),
        Array.from({ length: size }, () => most),
        ...(json.input.nonnegative ? [] : [Array.from({ length: size }, () => -most)]),
      ];
      for (const input of inputs)
        graphValues(graph, input).forEach((values, i) => {
          const { signed, largest } = ranges[i + 1]!;
          const extreme = values.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
          expect(extreme, `graph ${seed}, node ${i}`).toBeLessThanOrEqual(largest);
          if (!signed) expect(Math.min(...values), `graph ${seed}, node ${i}`).toBeGreaterThanOrEqual(0);
          if (extreme === largest) reached++;
        });
    }
    expect(reached).toBeGreaterThan(GRAPHS / 2);
  });
});

describe("Graphs that are refused", () => {
  const input = { shape: [1, 4, 4], activationBits: 3 };
  const conv = {
    kind: "conv",
    bits: 1,
    activationBits: 3,
    weights: [
      [
        [
          [1, 1],
          [1, 1],
        ],
      ],
    ],
  };
  test.each([
    ["a shape of two dimensions", { input: { ...input, shape: [4, 4] }, nodes: [conv] }, "input.shape"],
    [
      "a node that reads a later one",
      {
        input,
        nodes: [
          { ...conv, name: "a", from: "b" },
          { ...conv, name: "b" },
        ],
      },
      'a: from: expected names of nodes that are listed before it, got "b"',
    ],
    ["a node that reads itself", { input, nodes: [{ ...conv, name: "a", from: "a" }] }, "a: from"],
    [
      "two nodes of one name",
      {
        input,
        nodes: [
          { ...conv, name: "a" },
          { ...conv, name: "a" },
        ],
      },
      "nodes.1.name",
    ],
    [
      "a node that nothing reads",
      {
        input,
        nodes: [
          { ...conv, name: "a" },
          { ...conv, name: "b", from: "input" },
        ],
      },
      "a: expected a node that reads it",
    ],
    [
      "a dense layer on an image",
      { input, nodes: [{ kind: "dense", bits: 1, activationBits: 3, weights: [[1]] }] },
      "put a flatten node before it",
    ],
    [
      "a window that is larger than its image",
      { input, nodes: [{ kind: "max-pool", size: [5, 1] }] },
      "max-pool1: expected a window that fits into its input of 4 x 4",
    ],
    [
      "a pool of padding alone",
      { input, nodes: [{ kind: "max-pool", size: [2, 2], padding: [2, 0, 0, 0] }] },
      "max-pool1: padding",
    ],
    ["groups that do not divide the channels", { input, nodes: [{ ...conv, groups: 2 }] }, "conv1: groups"],
    [
      "a weight beyond its bits",
      {
        input,
        nodes: [
          {
            ...conv,
            weights: [
              [
                [
                  [1, 3],
                  [1, 1],
                ],
              ],
            ],
          },
        ],
      },
      "nodes.0: weights.0.0.0.1: expected an integer in -2..2, got 3",
    ],
    [
      "a row that is shorter than the others",
      { input, nodes: [{ ...conv, weights: [[[[1, 1], [1]]]] }] },
      "nodes.0: weights.0.0.1: expected 2 entries, as the first has, got 1",
    ],
    [
      "values of two shapes added",
      {
        input,
        nodes: [
          { ...conv, name: "a" },
          { kind: "add", from: ["a", "input"], activationBits: 3 },
        ],
      },
      "add2: expected two values of one shape, got [1, 3, 3] and [1, 4, 4]",
    ],
    [
      "bits that nothing states",
      { input, nodes: [{ kind: "conv", activationBits: 3, weights: [[[[1]]]] }] },
      "nodes.0: bits",
    ],
    ["a kind that does not exist", { input, nodes: [{ kind: "lstm" }] }, "nodes.0"],
    [
      "an input of 2^40 numbers",
      { input: { shape: [2 ** 20, 2 ** 10, 2 ** 10], activationBits: 3 }, nodes: [conv] },
      "input: expected at most 16777216 numbers",
    ],
    [
      "more than 2^31 multiplications for an input",
      {
        input: { shape: [1, 4096, 4096], activationBits: 3 },
        nodes: [{ kind: "average-pool", size: [16, 16], activationBits: 3 }],
      },
      "average-pool1: expected at most 2147483648 multiplications for an input up to here",
    ],
    [
      "a name with a control character",
      { input, nodes: [{ ...conv, name: "a\nb" }] },
      "1 to 200 characters, without control characters",
    ],
    [
      "sums beyond 2^53",
      {
        input: { shape: [1], activationBits: 20 },
        nodes: [
          { kind: "dense", bits: 20, activationBits: "exact", weights: [[2 ** 20]] },
          { kind: "dense", bits: 20, activationBits: 3, weights: [[2 ** 20]] },
        ],
      },
      "dense2: expected sums of at most",
    ],
  ])("%s is refused by name", (_, json, message) => {
    expect(() => readGraph(json)).toThrow(message);
  });
});
