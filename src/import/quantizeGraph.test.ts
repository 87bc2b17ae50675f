// Graphs of real numbers as graphs of integers: scales, errors, and what is kept.

import { describe, expect, test } from "vitest";
import { graphForward } from "../graph/forward.ts";
import { isGraph, type Graph } from "../graph/model.ts";
import { blockNames, imageModel, randomFrom } from "../../test/imageModels.ts";
import {
  FLOAT,
  INT32,
  INT8,
  modelBytes,
  type ModelData,
  type NodeData,
  type Numbers,
} from "../../test/onnx.ts";
import { importModel, importNetwork, readLayers, type ImportOptions } from "./network.ts";

const op = (
  operator: string,
  inputs: string,
  output: string,
  attributes: NodeData["attributes"] = {},
): NodeData => ({
  operator,
  inputs: inputs.split(" "),
  outputs: [output],
  attributes,
});
const real = (shape: number[], ...values: number[]): Numbers => ({ type: FLOAT, shape, values });
const modelOf = (
  nodes: NodeData[],
  initializers: Record<string, Numbers>,
  inputShape: ModelData["inputShape"] = ["N", 1, 2, 2],
) =>
  modelBytes({
    version: 13,
    input: "x",
    inputType: nodes[0]!.operator === "Conv" ? Object.values(initializers)[0]!.type : FLOAT,
    inputShape,
    nodes,
    initializers,
    outputs: [nodes.at(-1)!.outputs[0]!],
  });

/** The graph of a model, with its bits, notes and errors. */
function graphOf(bytes: Uint8Array, options: ImportOptions = {}) {
  const { network, ...rest } = importModel(bytes, options);
  if (!isGraph(network)) throw new Error("a chain, not a graph");
  return { graph: network, ...rest };
}

const weightsOf = ({ nodes }: Graph) =>
  nodes.flatMap((node) => ("weights" in node ? [[...node.weights, ...(node.biases ?? [])]] : []));

describe("Graphs of real numbers", () => {
  const conv = [op("Conv", "x w b", "c"), op("Relu", "c", "y")];
  const w = real([2, 1, 1, 2], 0.5, -1, 0.25, 0);
  const b = real([2], 0.5, -0.25);

  test("A convolution is rounded with one scale, and its outputs are those of the model", () => {
    const { graph, bits, quantization, notes } = graphOf(modelOf(conv, { w, b }), { targetBits: 2 });
    expect(bits).toBe(2);
    expect(weightsOf(graph)).toEqual([[2, -4, 1, 0, 2, -1]]);
    expect(graph.nodes.map(({ name, shape }) => [name, ...shape])).toEqual([["conv1", 2, 2, 1]]);
    expect(graph.nodes[0]!.epilogue).toMatchObject({ activationBits: 8, shift: 2, relu: true, clamp: false });
    expect(quantization).toMatchObject({
      inputScale: 1,
      outputScale: 1,
      layers: [{ name: "w", rows: 2, columns: 2, scale: 1, kept: false, weightError: 0, biasError: 0 }],
      inputs: 256,
    });
    expect(quantization!.outputError).toBeLessThan(2 ** -8);
    expect(notes).toEqual([]);
    // x = [[1, 0], [-0.5, 1]] in units of 2^-8.
    expect(Array.from(graphForward(graph, [256, 0, -128, 256]))).toEqual([256, 0, 0, 0]);
  });

  test("Options are those of every node, and the input scale divides biases", () => {
    const { graph, quantization } = graphOf(modelOf(conv, { w, b }), {
      targetBits: 2,
      activationBits: 5,
      quantizer: "nearest",
      inputScale: 2,
    });
    expect(graph.input).toEqual({ shape: [1, 2, 2], activationBits: 5, nonnegative: false });
    expect(graph.nodes[0]!.epilogue).toMatchObject({ activationBits: 5, quantizer: "nearest", clamp: false });
    expect(weightsOf(graph)).toEqual([[2, -4, 1, 0, 1, -1]]);
    expect(quantization!.outputScale).toBe(2);
  });

  test("With a clamp, layers are raised so far that no output on random inputs is clamped", () => {
    const ones = real([1, 1, 2, 2], 1, 1, 1, 1);
    const bytes = modelOf([op("Conv", "x w", "c"), op("Conv", "c v", "y")], {
      w: ones,
      v: real([1, 1, 1, 1], 1),
    });
    const options = { targetBits: 10, quantizer: "nearest" } as const;
    const { graph, quantization, notes } = graphOf(bytes, { ...options, clamp: true });
    const { outputScale, outputRange, outputError } = quantization!;
    expect(graph.nodes.every(({ epilogue }) => epilogue.clamp)).toBe(true);
    expect(outputScale).toBeGreaterThan(outputRange / 2);
    expect(outputScale).toBeLessThan(4);
    expect(outputError).toBeLessThan(0.02);
    expect(notes.map((note) => note.replace(/[\d.]+ times/, "n times"))).toEqual([
      '"w": its scale is raised n times, so that no output is clamped on random inputs, or to that of a value to which its outputs are added',
    ]);
    // Without its scale, the sum of four numbers of 1 would be 1.
    expect(graphForward(graph, [256, 256, 256, 256])).toEqual(Float64Array.of(256));
    expect(graphForward(graph, [128, 128, 128, 128])[0]! * 2 ** -8 * (outputScale as number)).toBeCloseTo(
      2,
      1,
    );
  });

  test("Of a sum of two layers, the one of the smaller scale is raised", () => {
    const nodes = [op("Conv", "x v", "p"), op("Conv", "x u", "q"), op("Add", "p q", "y")];
    const { graph, notes } = graphOf(
      modelOf(nodes, { v: real([1, 1, 1, 1], 1), u: real([1, 1, 1, 1], 0.25) }),
      { targetBits: 3 },
    );
    expect(weightsOf(graph)).toEqual([[8], [2]]);
    expect(notes).toEqual([
      '"u": its scale is raised 4 times, to that of a value to which its outputs are added',
    ]);
    expect(Array.from(graphForward(graph, [8, 16, -8, 4]))).toEqual([10, 20, -10, 5]);
  });

  test("The second layer of a residual block is raised to the scale of what skips it", () => {
    const nodes = [
      op("Conv", "x s", "a"),
      op("Conv", "a v", "p"),
      op("Conv", "p u", "q"),
      op("Add", "q a", "y"),
    ];
    const { graph, notes, quantization } = graphOf(
      modelOf(nodes, { s: real([1, 1, 1, 1], 2), v: real([1, 1, 1, 1], 0.5), u: real([1, 1, 1, 1], 0.5) }),
      { targetBits: 3 },
    );
    expect(weightsOf(graph)).toEqual([[8], [8], [2]]);
    expect(notes).toEqual([
      '"u": its scale is raised 4 times, to that of a value to which its outputs are added',
    ]);
    expect(quantization!.outputScale).toBe(2);
    expect(quantization!.layers.map(({ weightError }) => weightError)).toEqual([0, 0, 0]);
  });

  test("What skips a residual block of a larger scale is multiplied before the sum", () => {
    const nodes = [op("Conv", "x v", "p"), op("Conv", "p u", "q"), op("Add", "x q", "y")];
    const { graph, notes, quantization } = graphOf(
      modelOf(nodes, { v: real([1, 1, 1, 1], 2), u: real([1, 1, 1, 1], 1.5) }),
      { targetBits: 3 },
    );
    // 8 / 3 is 2 and a rest, so that the sum has the scale 4 instead of 3.
    expect(weightsOf(graph)).toEqual([[8], [6], [2]]);
    expect(graph.nodes.map(({ kind, from }) => [kind, ...from])).toEqual([
      ["conv", 0],
      ["conv", 1],
      ["conv", 0],
      ["add", 3, 2],
    ]);
    expect(quantization!.outputScale).toBe(4);
    expect(notes).toContain(
      "node 2 (Add): one of its values is multiplied by 2 / 8 before, so that both have one scale",
    );
    // y = 4 x, in units of 4 2^-8.
    expect(Array.from(graphForward(graph, [8, 16, -8, 4]))).toEqual([8, 16, -8, 4]);
  });

  test("Features that are added are multiplied by a diagonal matrix", () => {
    const nodes = [op("MatMul", "x v", "p"), op("Add", "x p", "y")];
    const { graph, quantization } = graphOf(modelOf(nodes, { v: real([2, 2], 4, 0, 0, -4) }, ["N", 2]), {
      targetBits: 3,
    });
    expect(weightsOf(graph)).toEqual([
      [8, 0, 0, -8],
      [2, 0, 0, 2],
    ]);
    expect(quantization!.outputScale).toBe(4);
    expect(Array.from(graphForward(graph, [16, 16]))).toEqual([20, -12]);
  });

  test("Values whose scales differ more than the bits of weights are refused by the name of the sum", () => {
    const nodes = [op("MatMul", "x v", "p"), op("Add", "x p", "y")];
    const bytes = modelOf(nodes, { v: real([2, 2], 64, 0, 0, 1) }, ["N", 2]);
    expect(() => graphOf(bytes, { targetBits: 3 })).toThrow(
      "node 1 (Add): expected two values whose scales differ at most 2^3 times, got 64; take more bits for weights",
    );
  });

  test("Integers with scales stay, and those of each channel go into the next layer", () => {
    const integers: Numbers = { type: INT8, shape: [2, 1, 1, 1], values: [3, -7] };
    const nodes = [
      op("DequantizeLinear", "i s", "w", { axis: 0 }),
      op("Conv", "x w", "c"),
      op("Relu", "c", "r"),
      op("Conv", "r v", "y"),
    ];
    const v = real([1, 2, 1, 1], 1, 1);
    const { graph, bits, quantization, notes } = graphOf(
      modelOf(nodes, { i: integers, s: real([2], 0.25, 0.1), v }),
    );
    expect(bits).toBe(8);
    expect(quantization!.layers.map(({ name, kept }) => [name, kept])).toEqual([
      ["i", true],
      ["v", false],
    ]);
    expect(weightsOf(graph)[0]).toEqual([3 * 32, -7 * 32]);
    expect(quantization!.outputError).toBeLessThan(0.05);
    expect(notes[0]).toContain('"i": its integers are multiplied by 32');
  });

  test("Integers that are added stay where one scale allows it", () => {
    const integers: Numbers = { type: INT8, shape: [1, 1, 1, 1], values: [3] };
    const nodes = [op("Conv", "x v", "p"), op("Conv", "x v", "q"), op("Add", "p q", "y")];
    const { graph, quantization } = graphOf(modelOf(nodes, { v: integers }), { targetBits: 2 });
    expect(weightsOf(graph)).toEqual([[3], [3]]);
    expect(quantization!.outputError).toBeLessThan(0.05);
  });

  test("Bits that are left open are the fewest that keep integers and bring scales together", () => {
    const integers: Numbers = { type: INT8, shape: [2, 2], values: [100, 0, 0, -50] };
    const nodes = [op("DequantizeLinear", "i s", "v"), op("MatMul", "x v", "p"), op("Add", "x p", "y")];
    const { graph, bits } = graphOf(modelOf(nodes, { i: integers, s: real([], 0.25) }, ["N", 2]));
    expect(bits).toBe(7);
    expect(weightsOf(graph)).toEqual([
      [100, 0, 0, -50],
      [4, 0, 0, 4],
    ]);
  });

  test("Many features that are added and have to be multiplied are refused by the name of the sum", () => {
    const width = 2 ** 13;
    const list = (length: number) => Array.from({ length }, () => 2);
    const nodes = [
      op("MatMul", "x u", "h"),
      op("Relu", "h", "r"),
      op("MatMul", "r v", "p"),
      op("Add", "x p", "y"),
    ];
    const initializers = { u: real([width, 1], ...list(width)), v: real([1, width], ...list(width)) };
    expect(() => graphOf(modelOf(nodes, initializers, ["N", width]))).toThrow(
      "node 3 (Add): expected features whose diagonal matrix has at most 16777216 weights, got 8192",
    );
  });

  test("Random graphs of many bits are off by less than 0.0003 of the range of their outputs", () => {
    let raised = 0;
    let multiplied = 0;
    for (let seed = 0; seed < 30; seed++) {
      const random = randomFrom(seed + 1000);
      const names = Array.from(
        { length: random.below(7) },
        () => blockNames[random.below(blockNames.length)]!,
      );
      const bytes = modelBytes(imageModel(seed, names, true).model);
      const { quantization, notes } = importModel(bytes, {
        targetBits: 14,
        activationBits: 14,
        quantizer: "nearest",
      });
      if (notes.some((note) => note.includes("is raised"))) raised++;
      if (notes.some((note) => note.includes("is multiplied by"))) multiplied++;
      const { outputErrorRms, outputRange } = quantization!;
      expect(outputErrorRms, `model ${seed}`).toBeLessThan(3e-4 * Math.max(outputRange, 1));
    }
    expect(raised).toBeGreaterThan(2);
    expect(multiplied).toBeGreaterThan(2);
  });
});

describe("Graphs of integers", () => {
  const integers = (shape: number[], ...values: number[]): Numbers => ({ type: INT8, shape, values });

  test("Integers stay as they are, in the fewest bits, and a note says what every layer computes", () => {
    const nodes = [
      op("Conv", "x w", "c"),
      op("Relu", "c", "r"),
      op("MaxPool", "r", "p", { kernel_shape: [2, 1] }),
      op("Conv", "p v", "y"),
    ];
    const { graph, bits, quantization, notes } = graphOf(
      modelOf(nodes, { w: integers([1, 1, 1, 1], 3), v: integers([2, 1, 1, 1], -2, 4) }),
    );
    expect(bits).toBe(2);
    expect(weightsOf(graph)).toEqual([[3], [-2, 4]]);
    expect(quantization).toBeUndefined();
    expect(notes).toEqual([
      "integers stay as they are, in units of 2^-2: every layer divides W x by 2^2 (floor), so that outputs are about 2^-4 of those of the matrices",
    ]);
  });

  test("Integers of more than 20 bits are refused", () => {
    const w: Numbers = { type: INT32, shape: [1, 1, 1, 1], values: [2 ** 21] };
    const bytes = modelOf([op("Conv", "x w", "y")], { w });
    expect(() => graphOf(bytes)).toThrow("bits: expected an integer in 0..20, got 21");
  });

  test("Fewer bits than the integers need are refused by the name of the tensor", () => {
    const bytes = modelOf([op("Conv", "x w", "y")], { w: integers([1, 1, 1, 1], 9) });
    expect(() => graphOf(bytes, { targetBits: 3 })).toThrow('"w": expected integers in -8..8, got 9');
  });
});

test("A graph is refused where a chain of layers is needed", () => {
  const bytes = modelOf([op("Conv", "x w", "y")], { w: real([1, 1, 1, 1], 1) });
  for (const read of [importNetwork, readLayers])
    expect(() => read(bytes)).toThrow(
      "network: expected a chain of dense layers, got a graph with convolutions, pools or additions",
    );
});
