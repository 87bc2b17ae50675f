// Models of images as exporters write them: what each becomes, and what is refused by the name of its node.

import { describe, expect, test } from "vitest";
import {
  FLOAT,
  INT64,
  modelBytes,
  type AttributeValue,
  type ModelData,
  type NodeData,
  type Numbers,
} from "../../../test/onnx.ts";
import { RequestError } from "../../errors.ts";
import { isGivenGraph, type GivenGraph } from "../givenGraph.ts";
import { readOnnx } from "./read.ts";

const op = (
  operator: string,
  inputs: string,
  outputs: string,
  attributes: Record<string, AttributeValue> = {},
): NodeData => ({ operator, inputs: inputs.split(" "), outputs: outputs.split(" "), attributes });
const real = (shape: number[], ...values: number[]): Numbers => ({
  type: FLOAT,
  shape,
  values:
    values.length > 0
      ? values
      : Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => (i % 5) - 2),
});

const constants = {
  w: real([2, 1, 3, 3]),
  v: real([2, 2, 3, 3]),
  e: real([2, 2, 1, 1]),
  b: real([2], 1, -1),
  one: real([2], 1, 1),
  neg: real([2], 1, -1),
  d: real([3, 72]),
  s: { type: INT64, shape: [2], values: [-1, 72] },
  pixels: real([1, 6, 6]),
  cube: real([2, 1, 3, 3, 3]),
  rows: real([2, 1, 3]),
};

const bytesOf = (nodes: NodeData[], more: Partial<ModelData> = {}) => {
  const used = new Set(nodes.flatMap(({ inputs }) => inputs));
  return modelBytes({
    version: 13,
    input: "x",
    inputShape: ["N", 1, 6, 6],
    nodes,
    initializers: Object.fromEntries(Object.entries(constants).filter(([name]) => used.has(name))),
    outputs: [nodes.at(-1)!.outputs[0]!],
    ...more,
  });
};

const graphOf = (...call: Parameters<typeof bytesOf>): GivenGraph => {
  const given = readOnnx(bytesOf(...call));
  if (!isGivenGraph(given)) throw new Error("a chain, not a graph");
  return given;
};

/** The kinds of nodes, each with what it reads, and ReLUs. */
const shapeOf = ({ nodes }: GivenGraph) =>
  nodes.map((node) => `${node.kind}(${node.from.join()})${"relu" in node && node.relu ? "+" : ""}`).join(" ");

const same = { pads: [1, 1, 1, 1] };
const conv = op("Conv", "x w b", "c", same);
const normalize = (from: string, to: string) => op("BatchNormalization", `${from} one b b one`, to);

describe("ONNX model of images", () => {
  test.each<[string, NodeData[], string, Partial<ModelData>?]>([
    [
      "a ReLU behind a pool goes into the convolution before it",
      [conv, op("MaxPool", "c", "p", { kernel_shape: [2, 2] }), op("Relu", "p", "y")],
      "conv(0)+ max-pool(1)",
    ],
    [
      "a batch normalization goes into the convolution before it",
      [conv, normalize("c", "n"), op("Relu", "n", "y")],
      "conv(0)+",
    ],
    [
      "a batch normalization with factors above 0 goes through a maximum",
      [conv, op("MaxPool", "c", "p", { kernel_shape: [2, 2] }), normalize("p", "n"), op("Relu", "n", "y")],
      "conv(0)+ max-pool(1)",
    ],
    [
      "factors below 0 behind a maximum are a convolution of each channel",
      [
        conv,
        op("Relu", "c", "r"),
        op("MaxPool", "r", "p", { kernel_shape: [2, 2] }),
        op("BatchNormalization", "p neg b b one", "n"),
        op("Relu", "n", "y"),
      ],
      "conv(0)+ max-pool(1) conv(2)+",
    ],
    [
      "a batch normalization behind a ReLU goes into a kernel without padding",
      [conv, op("Relu", "c", "r"), normalize("r", "n"), op("Conv", "n v", "y")],
      "conv(0)+ conv(1)",
    ],
    [
      "a batch normalization in front of padding is a convolution of each channel, since padding stays 0",
      [conv, op("Relu", "c", "r"), normalize("r", "n"), op("Conv", "n v", "y", same)],
      "conv(0)+ conv(1) conv(2)",
    ],
    [
      "a residual block has an addition with a ReLU",
      [
        conv,
        op("Relu", "c", "r"),
        op("Conv", "r v", "k", same),
        normalize("k", "n"),
        op("Add", "n r", "a"),
        op("Relu", "a", "y"),
      ],
      "conv(0)+ conv(1) add(2,1)+",
    ],
    [
      "a value that is added twice is one node",
      [conv, normalize("c", "n"), op("Add", "n n", "a"), op("Add", "a n", "y")],
      "conv(0) add(1,1) add(2,1)",
    ],
    [
      "features of images are flattened once",
      [
        conv,
        op("Relu", "c", "r"),
        op("Reshape", "r s", "f"),
        op("Gemm", "f d", "g", { transB: 1 }),
        op("Gemm", "f d", "h", { transB: 1 }),
        op("Add", "g h", "y"),
      ],
      "conv(0)+ flatten(1) dense(2) dense(2) add(3,4)",
    ],
    [
      "a mean of height and width is a pool, with its axes as an input",
      [conv, op("ReduceMean", "c i", "y", { keepdims: 0 })],
      "conv(0) average-pool(1)",
      {
        version: 18,
        initializers: {
          w: constants.w,
          b: constants.b,
          i: { type: INT64, shape: [2], values: [2, 3] },
        },
      },
    ],
    [
      "indices of a maximum that nothing reads do not matter",
      [op("MaxPool", "x", "y i", { kernel_shape: [2, 2], storage_order: 1 })],
      "max-pool(0)",
    ],
    [
      "sizes that are rounded up to the same length are read",
      [op("MaxPool", "x", "y", { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 })],
      "max-pool(0)",
    ],
    [
      "what follows the last layer is left out",
      [conv, op("GlobalAveragePool", "c", "p"), op("Flatten", "p", "f"), op("Softmax", "f", "y")],
      "conv(0) average-pool(1)",
    ],
    [
      "an input that is not used any more needs no shape of its own",
      [op("Reshape", "x i", "g"), op("Conv", "g w", "y")],
      "conv(0)",
      {
        inputShape: ["N", 36],
        initializers: { w: constants.w, i: { type: INT64, shape: [4], values: [-1, 1, 6, 6] } },
      },
    ],
  ])("A model is read so that %s", (_, nodes, expected, more) => {
    expect(shapeOf(graphOf(nodes, more))).toBe(expected);
  });

  test("A sum of two dense layers is a graph of features", () => {
    const m = real([2, 2], 1, 2, 3, 4);
    const graph = graphOf([op("MatMul", "x m", "h"), op("Relu", "h", "r"), op("Add", "r x", "y")], {
      inputShape: ["N", 2],
      initializers: { m },
    });
    expect(graph.input).toEqual([2]);
    expect(shapeOf(graph)).toBe("dense(0)+ add(1,0)");
  });

  test.each<[string, NodeData[], string, Partial<ModelData>?]>([
    [
      "sizes that are rounded up",
      [op("MaxPool", "x", "y", { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 })],
      "node 0 (MaxPool): expected ceil_mode 0, got 1; windows that lie partly behind the image are not read",
    ],
    [
      "an image whose size may change",
      [conv],
      'node 0 (Conv): expected an image of a fixed size, got "[?, 1, ?, ?]"; export the model with fixed channels, height and width',
      { inputShape: ["N", 1, "H", "W"] },
    ],
    [
      "a convolution of three dimensions",
      [op("Conv", "x cube", "y")],
      "convolutions and pools of one or three dimensions are not read",
      { inputShape: ["N", 1, 6, 6, 6] },
    ],
    [
      "a convolution of one dimension",
      [op("Conv", "x rows", "y")],
      'node 0 (Conv): expected an input of shape [samples, channels, height, width], got "[?, 1, 6]"',
      { inputShape: ["N", 1, 6] },
    ],
    [
      "a transposed convolution",
      [op("ConvTranspose", "x w", "y")],
      "(ConvTranspose): expected Conv, MaxPool, ",
    ],
    ["another pool", [op("LpPool", "x", "y")], "(LpPool): expected Conv, MaxPool, "],
    [
      "an integer convolution",
      [op("QLinearConv", "x w", "y")],
      "(QLinearConv): expected activations that are not rounded",
    ],
    [
      "a batch normalization in training mode",
      [conv, op("BatchNormalization", "c one b b one", "y", { training_mode: 1 })],
      "expected a model in inference mode",
      { version: 15 },
    ],
    [
      "a concatenation of branches",
      [conv, op("Concat", "c c", "y", { axis: 1 })],
      '(Concat): expected one input that depends on the input of the graph, and constants, got ["c","c"]; branches that meet again are read where Add adds two of them',
    ],
    ["a sum of three", [conv, op("Sum", "c c c", "y")], "(Sum): expected one input that depends"],
    [
      "a sum that repeats one value",
      [conv, op("GlobalAveragePool", "c", "p"), op("Add", "c p", "y")],
      'node 2 (Add): expected two values of one shape, [?, 2, 6, 6], got "[?, 2, 1, 1]"; sums that repeat one value are not read',
    ],
    [
      "groups that do not divide the channels",
      [op("Conv", "x w", "c"), op("Conv", "c v", "y", { group: 2 })],
      "node 1 (Conv): expected groups that divide 2 inputs and 2 outputs, got 2",
    ],
    [
      "a window that is larger than its image",
      [op("MaxPool", "x", "y", { kernel_shape: [7, 1] })],
      "node 0 (MaxPool): expected a window that fits into an image of 6 x 6, got [7,1]",
    ],
    [
      "padding as wide as its pool",
      [op("MaxPool", "x", "y", { kernel_shape: [1, 1], pads: [1, 0, 0, 0] })],
      "node 0 (MaxPool): expected pads smaller than the window, got [1,0,0,0]",
    ],
    [
      "padding below 0",
      [op("Conv", "x w", "y", { pads: [-1, 0, 0, 0] })],
      "expected 4 integers of 0..65536 as pads",
    ],
    [
      "strides of 0",
      [op("Conv", "x w", "y", { strides: [0, 1] })],
      "expected 2 integers of 1..65536 as strides",
    ],
    ["padding that does not exist", [op("Conv", "x w", "y", { auto_pad: "SAME" })], "SAME_LOWER as auto_pad"],
    [
      "an attribute that is not known",
      [op("Conv", "x w", "y", { activation: "Relu" })],
      "node 0 (Conv), attributes: expected group, ",
    ],
    [
      "kernel_shape beside other weights",
      [op("Conv", "x w", "y", { kernel_shape: [1, 3] })],
      "expected kernel_shape 3 x 3, got [1,3]",
    ],
    ["biases of another count", [op("Conv", "x w pixels", "y")], "expected 2 biases, got [1,6,6]"],
    ["weights that depend on the input", [op("Conv", "w x", "y")], '(Conv): expected "x" as input 0'],
    [
      "features that become an image",
      [
        op("Reshape", "x s", "f"),
        op("Gemm", "f d", "g", { transB: 1 }),
        op("Reshape", "g i", "h"),
        op("Conv", "h w", "y"),
      ],
      'node 3 (Conv): expected an image that a convolution or a pool computes, or that is the input, got "[1, 1, 3, 1]"; features that become an image are not read',
      {
        inputShape: ["N", 72],
        initializers: {
          w: real([2, 1, 1, 1]),
          d: constants.d,
          s: constants.s,
          i: { type: INT64, shape: [4], values: [1, 1, 3, 1] },
        },
      },
    ],
    [
      "a mean of channels",
      [conv, op("ReduceMean", "c", "y", { axes: [1] })],
      "expected the mean of height and width, axes 2 and 3, got [1]",
    ],
    [
      "numbers of each pixel in front of a convolution",
      [op("Sub", "x pixels", "m"), op("Conv", "m w", "y", same)],
      "node 1 (Conv): expected constants before it that are the same for all pixels of a channel, got others",
    ],
    [
      "an image of 2^40 numbers",
      [op("MaxPool", "x", "y", { kernel_shape: [1, 1], strides: [65536, 65536] })],
      'node 0 (MaxPool): expected an image of at most 16777216 numbers, got "[?, 1, 1048576, 1048576]"',
      { inputShape: ["N", 1, 2 ** 20, 2 ** 20] },
    ],
    [
      "outputs of more than 2^24 numbers",
      [op("Conv", "x w", "y", { pads: [8192, 8192, 8192, 8192] })],
      "node 0 (Conv): expected at most 16777216 outputs",
    ],
    [
      "more than 2^31 multiplications",
      [op("MaxPool", "x", "y", { kernel_shape: [2000, 2000] })],
      "network: expected at most 2147483648 multiplications for an input",
      { inputShape: ["N", 1, 4000, 4000] },
    ],
    [
      "a cycle",
      [op("Conv", "y w", "c", same), op("Add", "c x", "y")],
      'node 0 (Conv): expected a value that an earlier node computes as "y"',
    ],
    [
      "two shapes of one input",
      [
        conv,
        op("Reshape", "x i", "g"),
        op("MaxPool", "g", "p", { kernel_shape: [1, 1] }),
        op("MaxPool", "c", "q", { kernel_shape: [1, 1] }),
        op("Flatten", "p", "f"),
        op("Flatten", "q", "h"),
        op("Add", "f h", "y"),
      ],
      "node 2 (MaxPool): expected an input of one shape, [1, 6, 6], got [1,4,9]",
      {
        initializers: {
          w: constants.w,
          b: constants.b,
          i: { type: INT64, shape: [4], values: [-1, 1, 4, 9] },
        },
      },
    ],
    [
      "a pool of 1001 pools",
      [
        op("MaxPool", "x", "v0", { kernel_shape: [1, 1] }),
        ...Array.from({ length: 1000 }, (_, i) =>
          op("MaxPool", `v${i}`, `v${i + 1}`, { kernel_shape: [1, 1] }),
        ),
      ],
      "node 1000 (MaxPool): expected at most 1000 nodes, one behind the other, got 1001",
    ],
  ])("A model with %s is refused by name", (_, nodes, message, more) => {
    expect(() => readOnnx(bytesOf(nodes, more))).toThrow(message);
  });

  test("More than an eighth of the models with a flipped bit are refused, and the others cause no error", () => {
    const bytes = bytesOf(
      [
        conv,
        normalize("c", "n"),
        op("Relu", "n", "r"),
        op("Conv", "r v", "k", same),
        op("Add", "k r", "a"),
        op("MaxPool", "a", "p", { kernel_shape: [2, 2], strides: [2, 2] }),
        op("Flatten", "p", "f"),
        op("MatMul", "f m", "y"),
      ],
      { initializers: { ...constants, m: real([18, 2]) } },
    );
    let refused = 0;
    const flips = 500;
    for (let k = 0; k < flips; k++) {
      const bit = (k * 7919) % (8 * bytes.length);
      const flipped = bytes.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      try {
        readOnnx(flipped);
      } catch (error) {
        expect(error, `bit ${bit}`).toBeInstanceOf(RequestError);
        refused++;
      }
    }
    expect(refused / flips).toBeGreaterThan(1 / 8);
  });

  test("Many sums that share the weights of one tensor are refused before they take memory", () => {
    const w = real([64, 64, 3, 3]);
    const nodes = [op("Conv", "x w", "v0", same)];
    for (let i = 0; i < 999; i++) {
      nodes.push(op("Mul", `v0 k`, `m${i}`), op("Add", `v${i} m${i}`, `v${i + 1}`));
    }
    expect(() =>
      readOnnx(
        modelBytes({
          version: 13,
          input: "x",
          inputShape: ["N", 64, 1, 1],
          nodes,
          initializers: { w, k: real([1], 2) },
          outputs: ["v999"],
        }),
      ),
    ).toThrow("graph: expected at most 16777216 weights");
  });
});
