// Models as exporters write them: what each computes, and what of it is left out or refused.

import { describe, expect, test } from "vitest";
import { readChain } from "../../../test/chains.ts";
import {
  BOOL,
  DOUBLE,
  FLOAT,
  floats,
  INT32,
  INT64,
  INT8,
  interpret,
  modelBytes,
  outputsOf,
  UINT8,
  type AttributeValue,
  type ModelData,
  type NodeData,
  type Numbers,
} from "../../../test/onnx.ts";
import { field, join } from "../../../test/writers.ts";
import { importNetwork } from "../network.ts";

const op = (
  operator: string,
  inputs: string,
  outputs: string,
  attributes: Record<string, AttributeValue> = {},
  domain = "",
): NodeData => ({ operator, inputs: inputs.split(" "), outputs: outputs.split(" "), attributes, domain });
const of = (type: number, shape: number[], ...values: number[]): Numbers => ({ type, shape, values });
const real = (shape: number[], ...values: number[]) => of(FLOAT, shape, ...values);
const list = (...values: number[]) => of(INT64, [values.length], ...values);

// 4 inputs, 3 hidden units, 2 outputs.
const W = real([4, 3], 2, -2.5, 0.5, -0.5, -0.25, -0.125, -2, 0.25, -0.75, 3.25, 0.5, -0.375);
const Wt = real([3, 4], 2, -0.5, -2, 3.25, -2.5, -0.25, 0.25, 0.5, 0.5, -0.125, -0.75, -0.375);
const V = real([3, 2], -0.5, 0.5, 0.25, 1, 2, 0.125);
const Vt = real([2, 3], -0.5, 0.25, 2, 0.5, 1, 0.125);
const b = real([3], 0.25, -0.75, 1);
const c = real([2], 1.5, -0.5);
const first = [op("Gemm", "x W b", "h")];
const relu = [op("Relu", "h", "r")];
const last = [op("Gemm", "r V c", "o")];
const mlp = [...first, ...relu, ...last];
const constants = { W, V, b, c };
const channels = { g: real([2], 1, -2), s: real([2], 0.5, 1), m: real([2], 0.25, -1), v: real([2], 0.5, 2) };
const q = of(INT8, [4, 3], 78, -98, 16, -22, -17, -8, -77, -9, -33, 127, 9, -13);
const p = of(INT8, [3, 2], -52, 64, -32, 127, -26, 3);
const integers = (numbers: Numbers) => ({ ...numbers, type: INT32 });
const string = join(field(1, 2), field(2, 8), field(6, "a"), field(6, "b"), field(8, "names"));

type Case = readonly [
  title: string,
  nodes: readonly NodeData[],
  initializers: Record<string, Numbers>,
  more?: Partial<ModelData> | undefined,
];

const modelOf = ([, nodes, initializers, more = {}]: Case): ModelData => ({
  version: 13,
  input: "x",
  inputShape: ["N", 4],
  nodes,
  initializers,
  outputs: ["o"],
  ...more,
});

const image = { inputShape: ["N", 2, 1, 2] };
const { inputs: _, ...flat } = { ...first[0]! };
const behind = (...nodes: NodeData[]): NodeData[] => [
  ...nodes,
  { ...flat, inputs: ["f", "W", "b"] },
  ...relu,
  ...last,
];

const read: readonly Case[] = [
  ["a transposed constant", [op("Transpose", "Wt", "W", { perm: [1, 0] }), ...mlp], { Wt, V, b, c }],
  [
    "samples as columns",
    [op("MatMul", "Wt x", "k"), op("Add", "k d", "h"), ...relu, op("Gemm", "Vt r e", "o")],
    { Wt, Vt, d: { ...b, shape: [3, 1] }, e: { ...c, shape: [2, 1] } },
    { inputShape: [4, "N"] },
  ],
  [
    "one sample without an axis",
    [op("MatMul", "Wt x", "k"), op("Add", "k b", "h"), ...relu, op("MatMul", "r V", "o")],
    { Wt, b, V },
    { inputShape: [4] },
  ],
  [
    "inputs that are normalized",
    behind(op("Sub", "x mean", "a"), op("Div", "a std", "f")),
    { ...constants, mean: real([1], 0.125), std: real([1, 4], 0.5, 2, 1, 0.25) },
  ],
  [
    "images that are normalized by channel",
    behind(op("Sub", "x mean", "a"), op("Div", "a std", "n"), op("Flatten", "n", "f", { axis: 1 })),
    { ...constants, mean: real([1, 2, 1, 1], 0.5, 0.25), std: real([2, 1, 1], 0.5, 2) },
    image,
  ],
  [
    "batch normalization of images",
    behind(op("BatchNormalization", "x g s m v", "n"), op("Flatten", "n", "f", { axis: 1 })),
    { ...constants, ...channels },
    image,
  ],
  [
    "batch normalization behind a ReLU",
    [...first, ...relu, op("BatchNormalization", "r g s m v", "n"), op("MatMul", "n V", "o")],
    { ...constants, g: b, s: b, m: b, v: real([3], 1, 2, 3) },
  ],
  [
    "batch normalization behind the last layer",
    [...first, ...relu, op("MatMul", "r V", "k"), op("BatchNormalization", "k g s m v", "o")],
    { ...constants, ...channels },
  ],
  [
    "a view of dynamic size",
    behind(
      op("Shape", "x", "s"),
      op("Gather", "s zero", "n", { axis: 0 }),
      op("Unsqueeze", "n axes", "u"),
      op("Concat", "u rest", "t", { axis: 0 }),
      op("Reshape", "x t", "f", { allowzero: 0 }),
    ),
    { ...constants, zero: of(INT64, [], 0), axes: list(0), rest: list(-1) },
    image,
  ],
  [
    "a view whose sizes are multiplied",
    behind(
      op("Shape", "x", "s"),
      op("Slice", "s one end", "w"),
      op("Gather", "w zero", "w0"),
      op("Gather", "w two", "w2"),
      op("Mul", "w0 w2", "p"),
      op("Concat", "rest p", "t", { axis: 0 }),
      op("Reshape", "x t", "f"),
    ),
    { ...constants, one: list(1), end: list(2 ** 53), zero: list(0), two: list(2), rest: list(-1) },
    image,
  ],
  [
    "a view of the first size",
    behind(
      op("Shape", "x", "s", { start: 0, end: 1 }),
      op("Concat", "s rest", "t", { axis: 0 }),
      op("Reshape", "x t", "f", { allowzero: 1 }),
    ),
    { ...constants, rest: list(-1) },
    { ...image, version: 18 },
  ],
  [
    "two layers without a ReLU between them",
    [op("MatMul", "x Q", "k"), op("Gemm", "k W b", "h"), ...relu, ...last],
    { ...constants, Q: real([4, 4], 1, 2, 0, -1, 0.5, 0, 0, 1, 3, -2, 1, 0, 0, 0, 1, 1) },
  ],
  ["a ReLU written as Clip", [...first, op("Clip", "h z", "r"), ...last], { ...constants, z: real([1], 0) }],
  [
    "a ReLU written as Clip of version 6",
    [...first, op("Clip", "h", "r", { min: { float: 0 } }), ...last],
    constants,
    { version: 6 },
  ],
  ["a ReLU written as Max", [...first, op("Max", "z h", "r"), ...last], { ...constants, z: real([], 0) }],
  [
    "a ReLU written as PRelu",
    [...first, op("PRelu", "h z", "r"), ...last],
    { ...constants, z: real([3], 0, 0, 0) },
  ],
  [
    "a scale below 0 in front of a ReLU",
    [...first, op("Mul", "h k", "l"), op("Relu", "l", "r"), op("Neg", "r", "n"), op("MatMul", "n V", "o")],
    { ...constants, k: real([3], -1, 0, 2) },
  ],
  [
    "a ReLU behind a ReLU and a shift",
    [...first, ...relu, op("Sub", "r k", "n"), op("Relu", "n", "t"), op("MatMul", "t V", "o")],
    { ...constants, k: real([3], 0.5, 1, 0.25) },
  ],
  ["a ReLU of its inputs", behind(op("Relu", "x", "f")), constants],
  [
    "Dropout of version 7",
    [...first, ...relu, op("Dropout", "r", "d mask", { ratio: { float: 0.5 } }), op("Gemm", "d V c", "o")],
    constants,
    { version: 7 },
  ],
  [
    "Dropout in inference",
    [...first, ...relu, op("Dropout", "r ratio mode", "d"), op("Gemm", "d V c", "o")],
    { ...constants, ratio: real([], 0.5), mode: of(BOOL, [], 0) },
  ],
  [
    "Gemm of version 6",
    [op("Gemm", "x W b", "h", { broadcast: 1 }), ...relu, op("Gemm", "r V c", "o", { broadcast: 1 })],
    constants,
    { version: 6 },
  ],
  [
    "constants as lists",
    [op("Constant", "", "b", { value_floats: { floats: b.values } }), ...mlp],
    { W, V, c },
  ],
  ["a string that nothing uses", mlp, constants, { unused: [string] }],
  [
    "weights of DequantizeLinear",
    [op("DequantizeLinear", "q s z", "W"), op("DequantizeLinear", "p t", "V", { axis: 1 }), ...mlp],
    { q, p, s: real([], 0.03125), t: real([2], 0.25, 0.5), z: of(INT8, [], 3), b, c },
  ],
  [
    "weights that are cast and scaled",
    [op("Cast", "q", "a", { to: FLOAT }), op("Mul", "a s", "W"), ...mlp],
    { q, s: real([3], 0.5, 0.25, 2), V, b, c },
  ],
  ["inputs that are cast", behind(op("Cast", "x", "f", { to: FLOAT })), constants, { inputType: DOUBLE }],
  [
    "features in another order in front of a matrix",
    behind(op("Transpose", "x", "t", { perm: [0, 2, 3, 1] }), op("Flatten", "t", "f", { axis: 1 })),
    constants,
    { inputShape: ["N", 2, 2, 1] },
  ],
  [
    "features whose order changes twice",
    behind(
      op("Transpose", "x", "t", { perm: [0, 2, 3, 1] }),
      op("Transpose", "t", "u", { perm: [0, 3, 1, 2] }),
      op("Flatten", "u", "f", { axis: 1 }),
    ),
    constants,
    { inputShape: ["N", 2, 2, 1] },
  ],
  ["no shape of its input", mlp, constants, { inputShape: undefined }],
];

describe("ONNX model", () => {
  test.each(read.map((row) => [row[0], modelOf(row)] as const))(
    "A model with %s is read as what it computes",
    (_title, model) => {
      const { layers } = readChain(modelBytes(model));
      const shape = (model.inputShape ?? ["N", 4]).map((size) => (typeof size === "number" ? size : 1));
      const samples = [
        [1, 2, 3, 4],
        [-1.5, 0.25, 2, -3],
        [0.5, -2, -0.125, 1],
      ];
      const expected = samples.map((values) => interpret(model, { shape, values }, floats).get("o")!.values);
      const far = (got: number[][]) =>
        Math.max(...got.flatMap((outputs, k) => outputs.map((y, i) => Math.abs(y - expected[k]![i]!))));
      expect(far(samples.map((values) => outputsOf(layers, values)))).toBeLessThan(1e-12);
      // A distance that is always small would show nothing.
      expect(
        far(samples.map((values) => outputsOf(layers, values.with(0, values[0]! + 1e-6)))),
      ).toBeGreaterThan(1e-9);
    },
  );

  test("Integers of DequantizeLinear stay integers, with a scale for each row and biases that are real", () => {
    const row = read.find(([title]) => title === "weights of DequantizeLinear")!;
    const { layers, integer, notes } = readChain(modelBytes(modelOf(row)));
    expect([integer, notes]).toEqual([false, []]);
    expect(layers.map(({ scales }) => Array.from(scales!))).toEqual([
      [0.03125, 0.03125, 0.03125],
      [0.25, 0.5],
    ]);
    expect(Array.from(layers[0]!.weights.subarray(0, 4))).toEqual([75, -25, -80, 124]);
    expect(Array.from(layers[0]!.biases!)).toEqual([...b.values]);
  });

  test("A scale below 0 goes into the integers, and scales of inputs are multiplied out with a note", () => {
    const scaled = (shape: number[], ...values: number[]) =>
      readChain(
        modelBytes(
          modelOf([
            "",
            [op("DequantizeLinear", "q s", "W", { axis: shape[0] === 4 ? 0 : 1 }), op("MatMul", "x W", "o")],
            { q, s: real(shape, ...values) },
          ]),
        ),
      );
    const { layers } = scaled([3], 0.5, -0.5, 0);
    expect(Array.from(layers[0]!.scales!)).toEqual([0.5, 0.5, 1]);
    expect(Array.from(layers[0]!.weights)).toEqual([78, -22, -77, 127, 98, 17, 9, -9, 0, 0, 0, 0]);
    const other = scaled([4], 1, 2, 3, 4);
    expect(other.layers[0]!.scales).toBeUndefined();
    expect(other.notes).toEqual([
      'the integers of "q" have a scale for each input: they are multiplied by them',
    ]);
  });

  test("A model of integers keeps them; with biases behind the first layer each has a scale of 1", () => {
    const nodes = [op("MatMul", "x q", "h"), ...relu, op("MatMul", "r p", "o")];
    const inputs = { q: integers(q), p: integers(p) };
    const more = { inputType: INT32 };
    const { layers, integer } = readChain(modelBytes(modelOf(["", nodes, inputs, more])));
    expect(integer).toBe(true);
    expect(outputsOf(layers, [1, 2, 3, 4])).toEqual([-16172, 19904]);
    const biased = readChain(
      modelBytes(
        modelOf([
          "",
          [...nodes, op("Add", "o e", "y")],
          { ...inputs, e: of(INT32, [2], 5, -6) },
          { ...more, outputs: ["y"] },
        ]),
      ),
    );
    expect(biased.integer).toBe(false);
    expect(outputsOf(biased.layers, [1, 2, 3, 4])).toEqual([-16167, 19898]);
    expect(biased.layers.map(({ scales }) => Array.from(scales!))).toEqual([
      [1, 1, 1],
      [1, 1],
    ]);
  });

  const probabilities = [op("Softmax", "o", "s"), op("Identity", "s", "probabilities")];
  const label = [
    op("ArgMax", "probabilities", "a", { axis: 1 }),
    op("ArrayFeatureExtractor", "classes a", "f", {}, "ai.onnx.ml"),
    op("Reshape", "f flat", "u"),
    op("Cast", "u", "label", { to: INT64 }),
  ];
  const two = (one: string, ...names: string[]) =>
    `${names.join(", ")} at the end ${one} left out: the outputs are those before ${names.length > 1 ? "them" : "it"}`;
  test.each<[string, NodeData[], string[], string[]]>([
    ["Tanh", [op("Tanh", "o", "y")], ["y"], [two("is", "Tanh")]],
    ["a scaled Tanh", [op("Tanh", "o", "t"), op("Mul", "t c", "y")], ["y"], [two("are", "Tanh", "Mul")]],
    ["Clip to a range", [op("Clip", "o c0 c1", "y")], ["y"], [two("is", "Clip")]],
    [
      "classes",
      [...probabilities, ...label],
      ["label", "probabilities"],
      [
        two("are", "Softmax", "ArgMax", "ArrayFeatureExtractor"),
        'the outputs are those of the last layer, "o", not "label", "probabilities"',
      ],
    ],
    [
      "probabilities by class",
      [...probabilities, op("ZipMap", "probabilities", "y", { classlabels_int64s: [0, 1] }, "ai.onnx.ml")],
      ["y"],
      [two("are", "Softmax", "ZipMap")],
    ],
    [
      "the probability of the other class",
      [op("Sigmoid", "o", "s"), op("Sub", "c0 s", "n"), op("Concat", "n s", "y", { axis: 1 })],
      ["y"],
      [two("are", "Sigmoid", "Sub", "Concat")],
    ],
  ])(
    "A model that ends with %s is read up to the last layer, and a note says so",
    (_title, nodes, outputs, notes) => {
      const initializers = {
        ...constants,
        c0: real([], -1),
        c1: real([], 1),
        classes: of(INT32, [2], 0, 1),
        flat: list(-1),
      };
      const network = readChain(modelBytes(modelOf(["", [...mlp, ...nodes], initializers, { outputs }])));
      expect(network.notes).toEqual(notes);
      expect(network.layers).toEqual(readChain(modelBytes(modelOf(["", mlp, constants]))).layers);
    },
  );

  test("A matrix that is applied to rows of several takes rows, and a note says so", () => {
    const { layers, notes } = readChain(
      modelBytes(
        modelOf([
          "",
          [op("MatMul", "x W", "h"), ...relu, op("MatMul", "r V", "o")],
          { W, V },
          { inputShape: ["N", 7, 4] },
        ]),
      ),
    );
    expect(layers.map(({ columns }) => columns)).toEqual([4, 3]);
    expect(notes).toEqual([
      'the network takes rows of 4 numbers: every row of "x", of shape [?, 7, 4], is a sample',
    ]);
  });

  const training =
    'expected a model in inference mode, got "training mode"; call model.eval() before the export';
  const branch = "expected one input that depends on the input of the graph, and constants, got ";
  test.each<[string, NodeData[], string, Partial<ModelData>?]>([
    [
      "Dropout in training mode",
      [...first, ...relu, op("Dropout", "r half yes", "d"), op("MatMul", "d V", "o")],
      `(Dropout): ${training}`,
    ],
    [
      "Dropout of version 6 in training mode",
      [...first, ...relu, op("Dropout", "r", "d"), op("MatMul", "d V", "o")],
      training,
      { version: 6 },
    ],
    [
      "batch normalization in training mode",
      [
        ...first,
        op("BatchNormalization", "h b b b b", "n", { training_mode: 1 }),
        op("Relu", "n", "r"),
        ...last,
      ],
      training,
      { version: 15 },
    ],
    [
      "batch normalization with statistics",
      [...first, op("BatchNormalization", "h b b b b", "n m"), op("Relu", "n", "r"), ...last],
      training,
      { version: 9 },
    ],
    [
      "a product of two branches",
      [...mlp, op("MatMul", "r V", "k"), op("Mul", "o k", "y")],
      `(Mul): ${branch}["o","k"]; branches that meet again`,
      { outputs: ["y"] },
    ],
    [
      "two last layers",
      [...mlp, op("MatMul", "r V", "y")],
      'graph, outputs: expected outputs of one last layer, got ["o","y"]',
      { outputs: ["o", "y"] },
    ],
    [
      "a gate",
      [...first, op("Sigmoid", "h", "s"), op("Mul", "h s", "r"), ...last],
      "(Sigmoid): expected a ReLU between layers",
    ],
    [
      "a ReLU with an upper bound",
      [...first, op("Clip", "h no one", "r"), ...last],
      "(Clip): expected a ReLU between layers; other",
    ],
    [
      "a ReLU of features in another order",
      behind(
        op("Transpose", "x", "t", { perm: [0, 2, 3, 1] }),
        op("Relu", "t", "q"),
        op("Flatten", "q", "f", { axis: 1 }),
      ),
      '(Relu): expected features of "t" in their order, got "[?, 2, 1, 2]"; a Transpose may change it only in front of a matrix',
      { inputShape: ["N", 2, 2, 1] },
    ],
    [
      "outputs in another order",
      [op("Transpose", "x", "y", { perm: [0, 3, 2, 1] })],
      'graph, output: expected features of "y" in their order',
      { inputShape: ["N", 2, 1, 2], outputs: ["y"] },
    ],
    [
      "samples that are mixed",
      behind(op("Reshape", "x wrong", "f")),
      "(Reshape): expected rows that stay as they are, of features [?, 2, 1, 2], got [-1,2]",
      image,
    ],
    [
      "constants that differ between samples",
      behind(op("Add", "x many", "f")),
      '(Add): expected the same numbers for all samples as "many", got [2,4]',
    ],
    [
      "a quotient of integers",
      [op("Div", "x two", "f"), op("MatMul", "f q", "o")],
      "(Div): expected results that are not rounded to integers, got 0.5",
      { inputType: INT32 },
    ],
    [
      "a difference without sign",
      [op("Sub", "x u", "f"), op("MatMul", "f W", "o")],
      '(Sub): expected numbers that have a sign, got "UINT8"',
      { inputType: UINT8 },
    ],
    [
      "a cast to integers",
      [op("Cast", "x", "f", { to: INT64 }), op("MatMul", "f q", "o")],
      "(Cast): expected a ReLU between layers",
    ],
  ])("A model with %s is refused", (_title, nodes, message, more) => {
    const initializers = {
      ...constants,
      q: integers(q),
      half: real([], 0.5),
      yes: of(BOOL, [], 1),
      no: real([], 0),
      one: real([], 1),
      two: of(INT32, [], 2),
      u: of(UINT8, [], 1),
      wrong: list(-1, 2),
      many: real([2, 4], 1, 2, 3, 4, 5, 6, 7, 8),
    };
    expect(() => readChain(modelBytes(modelOf(["", nodes, initializers, more])))).toThrow(message);
  });

  test("Weights beside a model are asked for by file, offset and length, and must be there", () => {
    const model = modelOf(["", mlp, constants]);
    const asked: unknown[] = [];
    const bytes = modelBytes(model, "weights/model.data");
    const read = (length: (asked: number) => number) => () =>
      importNetwork(bytes, {
        external: (...place) => {
          asked.push(place);
          return new Uint8Array(length(place[2]));
        },
      });
    read((length) => length)();
    expect(asked).toEqual([
      ["weights/model.data", 0, 48],
      ["weights/model.data", 72, 12],
      ["weights/model.data", 48, 24],
      ["weights/model.data", 84, 8],
    ]);
    expect(read((length) => length - 1)).toThrow(
      'tensor "W": expected 48 bytes from byte 0 of "weights/model.data", got 47',
    );
    expect(() => importNetwork(bytes)).toThrow(
      'tensor "W": expected its numbers in this file, got "external data, weights/model.data"',
    );
  });
});
