// Graphs that are a chain of layers and those that are not, tensors in every form, and models that claim more than they contain.

import { describe, expect, test } from "vitest";
import { readChain } from "../../../test/chains.ts";
import {
  doubles,
  field,
  floatField,
  integerAttribute,
  join,
  model,
  node,
  onnxOf,
  tensor,
  varint,
  type WrittenNode,
} from "../../../test/writers.ts";
import { importNetwork } from "../network.ts";

const none = new Uint8Array();
const w = tensor("w", [2, 3], [1, 2, 3, 4, 5, 6]);
const v = tensor("v", [3, 1], [7, 8, 9]);
const b = tensor("b", [3], [-1, -2, -3]);
const gemm = (inputs: string[], output: string, attributes: Uint8Array[] = []): WrittenNode => ({
  operator: "Gemm",
  inputs,
  output,
  attributes,
});
const matmul = (inputs: string[], output: string): WrittenNode => ({ operator: "MatMul", inputs, output });
const relu = (input: string, output: string): WrittenNode => ({ operator: "Relu", inputs: [input], output });
const op = (
  operator: string,
  inputs: string[],
  output: string,
  attributes: Uint8Array[] = [],
): WrittenNode => ({
  operator,
  inputs,
  output,
  attributes,
});
const read = (nodes: WrittenNode[], tensors = [w, v, b], more: Uint8Array = none) =>
  readChain(model(nodes.map(node), tensors, more));
const floatAttribute = (name: string, value: number) =>
  join(field(1, name), floatField(2, value), field(20, 1));

/** Layers without their types. */
const plain = ({ layers, ...rest }: ReturnType<typeof readChain>) => ({
  ...rest,
  layers: layers.map(({ weights, biases, ...sizes }) => ({
    ...sizes,
    weights: Array.from(weights),
    biases: biases && Array.from(biases),
  })),
});
const shape = (name: string, ...sizes: number[]) =>
  join(field(1, sizes.length), field(2, 7), field(8, name), field(7, join(...sizes.map(varint))));
const first = { name: "w", rows: 3, columns: 2, weights: [1, 4, 2, 5, 3, 6] };

describe("ONNX chain", () => {
  test.each<[string, WrittenNode[]]>([
    ["Gemm", [gemm(["x", "w", "b"], "y")]],
    ["MatMul and Add", [matmul(["x", "w"], "h"), op("Add", ["b", "h"], "y")]],
    [
      "Gemm and Add between operators that change nothing",
      [
        op("Flatten", ["x"], "f"),
        gemm(["f", "w", ""], "h"),
        op("Identity", ["h"], "i"),
        op("Add", ["i", "b"], "y"),
      ],
    ],
  ])("A chain of %s is one layer with biases", (_, nodes) => {
    expect(plain(read(nodes))).toEqual({
      layers: [{ ...first, biases: [-1, -2, -3] }],
      integer: false,
      notes: [],
    });
  });

  test("The factors of Gemm scale weights and biases, and operators after the last layer are left out with a note", () => {
    const nodes = [
      gemm(["x", "w", "b"], "h", [
        floatAttribute("alpha", 2),
        floatAttribute("beta", -1),
        integerAttribute("transB", 0),
      ]),
      relu("h", "r"),
      matmul(["r", "v"], "o"),
      relu("o", "p"),
      op("Sigmoid", ["p"], "q"),
      op("ArgMax", ["q"], "y", [integerAttribute("axis", 1)]),
    ];
    expect(plain(read(nodes))).toEqual({
      layers: [
        { ...first, weights: [2, 8, 4, 10, 6, 12], biases: [1, 2, 3] },
        { name: "v", rows: 1, columns: 3, weights: [7, 8, 9], biases: undefined },
      ],
      integer: false,
      notes: ["Relu, Sigmoid, ArgMax at the end are left out: the outputs are those before them"],
    });
    expect(read(nodes.slice(0, 3).concat(relu("o", "y"))).notes).toHaveLength(1);
  });

  test("A chain may reshape inputs and outputs into rows, and into nothing else", () => {
    const nodes = [
      op("Reshape", ["x", "s"], "f"),
      gemm(["f", "w", "b"], "h"),
      op("Reshape", ["h", "t"], "y", [integerAttribute("allowzero", 0)]),
    ];
    const reshaped = (s: number[], t: number[]) => () =>
      plain(read(nodes, [w, b, shape("s", ...s), shape("t", ...t)]));
    const layers = [{ ...first, biases: [-1, -2, -3] }];
    for (const s of [
      [-1, 2],
      [0, -1],
    ])
      for (const t of [
        [1, -1],
        [-1, 3],
      ])
        expect(reshaped(s, t)()).toMatchObject({ layers, integer: false });
    expect(reshaped([2, 1, 1], [1, -1])).toThrow('a matrix as input 0, got "[2, 1, 1]"');
    expect(reshaped([2, 1], [1, -1])).toThrow('expected 2 features along axis 1, as "w" takes, got "[2, 1]"');
    expect(reshaped([-1, 2], [-1, 1])).toThrow("got [-1,1]");
  });

  test("A chain may use a matrix twice, name initializers as inputs, and add more than once", () => {
    const square = tensor("s", [2, 2], [1, 2, 3, 4]);
    const scalar = tensor("c", [1, 1], [0.5]);
    const nodes = [
      matmul(["x", "s"], "a"),
      relu("a", "r"),
      gemm(["r", "s"], "m", [integerAttribute("transB", 1)]),
      op("Add", ["m", "c"], "n"),
      op("Add", ["c", "n"], "y"),
    ];
    const { layers } = plain(
      read(nodes, [square, scalar], join(field(11, field(1, "s")), field(11, field(1, "c")))),
    );
    expect(layers.map(({ weights, biases }) => [weights, biases])).toEqual([
      [[1, 3, 2, 4], undefined],
      [
        [1, 2, 3, 4],
        [1, 1],
      ],
    ]);
  });

  test.each<[string, WrittenNode[], string]>([
    [
      "a convolution of rows",
      [op("Conv", ["x", "w"], "y")],
      'node "to y" (Conv): expected an input of shape [samples, channels, height, width], got "[?, ?]"',
    ],
    ["another operator", [op("LSTM", ["x", "w"], "y")], "(LSTM): expected one of Gemm, MatMul, Add, "],
    ["control flow", [op("If", ["x"], "y")], '(If): expected a graph without control flow, got "If"'],
    [
      "rounded activations",
      [op("MatMulInteger", ["x", "w"], "y")],
      '(MatMulInteger): expected activations that are not rounded, got "MatMulInteger"; export the model before',
    ],
    [
      "rounded activations in front of a layer",
      [
        op("QuantizeLinear", ["x", "half"], "q"),
        op("DequantizeLinear", ["q", "half"], "d"),
        matmul(["d", "w"], "y"),
      ],
      'node "to q" (QuantizeLinear): expected activations that are not rounded',
    ],
    [
      "another domain",
      [{ ...matmul(["x", "w"], "y"), more: field(7, "com.other") }],
      'got "com.other.MatMul"',
    ],
    [
      "an operator of a prototype",
      [op("constructor", ["x"], "y")],
      'node "to y" (constructor): expected one of',
    ],
    [
      "an operator of a prototype on constants",
      [op("constructor", ["w"], "c"), matmul(["x", "c"], "y")],
      'node "to c" (constructor): expected one of',
    ],
    [
      "a difference of two",
      [matmul(["x", "w"], "h"), op("Sub", ["h", "h"], "y")],
      'node "to y" (Sub): expected one input that depends on the input of the graph, and constants, got ["h","h"]; branches',
    ],
    [
      "a shortcut",
      [matmul(["x", "w"], "h"), relu("h", "r"), op("Add", ["r", "x"], "y")],
      'node "to y" (Add): expected two values of one shape, [?, 3], got "[?, ?]"',
    ],
    [
      "a layer behind a Softmax",
      [matmul(["x", "w"], "h"), op("Softmax", ["h"], "s"), matmul(["s", "v"], "y")],
      'node "to s" (Softmax): expected a ReLU between layers; other operators may only follow the last one, got ',
    ],
    [
      "a Relu of inputs of unknown shape",
      [relu("x", "r"), matmul(["r", "w"], "y")],
      'expected a matrix before it, or an input whose shape the model states, got "[?, ?]"',
    ],
    [
      "a bias of the inputs that does not fit",
      [op("Add", ["x", "b"], "a"), matmul(["a", "w"], "y")],
      'node "to y" (MatMul): expected 2 features along axis 1, as "w" takes, got "[?, 3]"',
    ],
    [
      "a division by the inputs",
      [op("Div", ["b", "x"], "a"), matmul(["a", "v"], "y")],
      '(Div): expected "x" as input 0, got ["b","x"]',
    ],
    ["a Softmax of the inputs", [op("Softmax", ["x"], "y")], "layers: expected 1..1000, got 0"],
    [
      "a value that no node computes",
      [matmul(["x", "z"], "y")],
      'expected a value that an earlier node computes as "z", got nothing',
    ],
    [
      "a cycle",
      [op("Add", ["x", "q"], "p"), matmul(["p", "w"], "q"), relu("q", "y")],
      'expected a value that an earlier node computes as "q", got nothing',
    ],
    [
      "nodes in another order",
      [relu("h", "y"), matmul(["x", "w"], "h")],
      'expected a value that an earlier node computes as "h"',
    ],
    [
      "another axis",
      [op("Flatten", ["x"], "f", [integerAttribute("axis", 0)]), matmul(["f", "w"], "y")],
      '(Flatten): expected rows that stay as they are, of features [?, ?], got "axis 0"',
    ],
    [
      "an unknown attribute",
      [gemm(["x", "w"], "y", [integerAttribute("transC", 1)])],
      'attributes: expected alpha, beta, transA, transB, broadcast, got "transC"',
    ],
    [
      "an attribute twice",
      [gemm(["x", "w"], "y", [integerAttribute("transB", 1), integerAttribute("transB", 0)])],
      'attributes: expected each attribute once, got "transB"',
    ],
    ["too few inputs", [matmul(["x"], "y")], "expected 2 inputs, got 1"],
    ["too many inputs", [gemm(["x", "w", "b", "b"], "y")], "expected 2 or 3 inputs, got 4"],
    [
      "a second output that is used",
      [{ ...matmul(["x", "w"], "h"), more: field(2, "z") }, relu("z", "y")],
      'node "to y" (Relu): expected the first output of node "to h" (MatMul), got "z"',
    ],
    ["a cube for a matrix", [gemm(["x", "c3"], "y")], 'expected a matrix as "c3", got [1,2,3]'],
    [
      "a matrix for a bias",
      [gemm(["x", "w", "w"], "y")],
      'expected the same numbers for all samples as "w", got [2,3]',
    ],
    [
      "a column for a bias",
      [matmul(["x", "w"], "h"), op("Add", ["h", "v"], "y")],
      'expected the same numbers for all samples as "v", got [3,1]',
    ],
    ["an output that nothing computes", [matmul(["x", "w"], "h")], "graph, inputs: expected one, got []"],
    [
      "a constant output",
      [op("Shape", ["x"], "y")],
      'graph, output: expected a value that depends on the input, got "y"',
    ],
    [
      "sizes that do not fit",
      [matmul(["x", "v"], "h"), relu("h", "r"), matmul(["r", "w"], "y")],
      'node "to y" (MatMul): expected 2 features along axis 1, as "w" takes, got "[?, 1]"',
    ],
    ["no layer", [op("Identity", ["x"], "y")], "layers: expected 1..1000, got 0"],
    [
      "a constant without value",
      [op("Constant", [], "c"), matmul(["x", "c"], "y")],
      "expected a tensor or numbers as its value, got nothing",
    ],
    ["a constant for an output", [matmul(["x", "w"], "b"), relu("b", "y")], 'every name once, got "b"'],
    ["the input for an output", [matmul(["x", "w"], "x"), relu("x", "y")], 'every name once, got "x"'],
    ["a value twice", [matmul(["x", "w"], "y"), relu("y", "y")], 'every name once, got "y"'],
    [
      "a constant twice",
      [op("Identity", ["w"], "b"), matmul(["x", "w"], "h"), op("Add", ["h", "b"], "y")],
      'every name once, got "b"',
    ],
  ])("A graph with %s is not a chain", (_, nodes, message) => {
    expect(() =>
      read(nodes, [w, v, b, tensor("half", [1], [0.5]), tensor("c3", [1, 2, 3], [1, 2, 3, 4, 5, 6])]),
    ).toThrow(message);
  });

  test.each<[string, Uint8Array[], Uint8Array, string]>([
    [
      "two outputs",
      [w],
      field(12, field(1, "z")),
      'graph, output: expected a value that depends on the input, got "z"',
    ],
    ["an initializer twice", [w, w], none, 'graph: expected every name once, got "w"'],
    [
      "an initializer without name",
      [w, tensor("", [1], [1])],
      none,
      'graph: expected every name once, got ""',
    ],
    ["sparse initializers", [w], field(15, none), "no sparse initializers"],
    [
      "integers and real numbers",
      [join(field(1, 2), field(1, 3), field(2, 3), field(8, "w"), field(9, new Uint8Array(6))), b],
      none,
      'expected "b" of type INT8, as "x" is, got "DOUBLE"',
    ],
  ])("A graph with %s is not a chain", (_, tensors, more, message) => {
    expect(() => read([gemm(["x", "w", ...(tensors.includes(b) ? ["b"] : [])], "y")], tensors, more)).toThrow(
      message,
    );
  });

  test("A graph may have an input that nothing uses, and no second one that is used", () => {
    const z = field(11, field(1, "z"));
    expect(plain(read([gemm(["x", "w", "b"], "y")], [w, b], z)).layers).toEqual([
      { ...first, biases: [-1, -2, -3] },
    ]);
    expect(() => read([op("Add", ["x", "z"], "h"), matmul(["h", "w"], "y")], [w], z)).toThrow(
      'graph, inputs: expected one, got ["x","z"]; a network of several inputs',
    );
  });

  test("A chain that uses one matrix many times is refused beyond the size limit", () => {
    const size = 2 ** 10;
    const nodes = Array.from({ length: 40 }, (_, l) => [
      matmul([l === 0 ? "x" : `r${l - 1}`, "s"], `h${l}`),
      relu(`h${l}`, l === 39 ? "y" : `r${l}`),
    ]).flat();
    const zeros = join(
      field(1, size),
      field(1, size),
      field(2, 3),
      field(8, "s"),
      field(9, new Uint8Array(size * size)),
    );
    expect(() => read(nodes, [zeros])).toThrow(
      'node "to h16" (MatMul): expected at most 16777216 weights, got 17825792',
    );
  });
});

describe("ONNX tensor", () => {
  const only = (bytes: Uint8Array) => Array.from(read([matmul(["x", "w"], "y")], [bytes]).layers[0]!.weights);
  const column = (type: number, ...rest: Uint8Array[]) =>
    join(field(1, 1), field(1, 2), field(2, type), field(8, "w"), ...rest);
  const packedInts = join(varint(-7), varint(300));
  const floats = new Uint8Array(Float32Array.of(0.5, -2).buffer);

  test.each<[string, Uint8Array, number[]]>([
    [
      "packed dims",
      join(field(1, Uint8Array.of(1, 2)), field(2, 11), field(8, "w"), field(9, doubles([3, 4]))),
      [3, 4],
    ],
    ["packed floats", column(1, field(4, floats)), [0.5, -2]],
    ["floats one by one", column(1, floatField(4, 0.5), floatField(4, -2)), [0.5, -2]],
    ["packed doubles", column(11, field(10, doubles([0.1, 7]))), [0.1, 7]],
    ["doubles in parts", column(11, field(10, doubles([0.1])), field(10, doubles([7]))), [0.1, 7]],
    ["packed int32", column(6, field(5, packedInts)), [-7, 300]],
    ["int16 one by one", column(5, field(5, -7), field(5, 300)), [-7, 300]],
    ["int64", column(7, field(7, packedInts)), [-7, 300]],
    ["uint32", column(12, field(11, packedInts.subarray(10)), field(11, 9)), [300, 9]],
    ["halves by their bits", column(10, field(5, join(varint(0x3c00), varint(0xc000)))), [1, -2]],
    ["raw int8", column(3, field(9, Uint8Array.of(255, 5))), [-1, 5]],
    ["raw bfloat16", column(16, field(9, Uint8Array.of(0x80, 0x3f, 0x40, 0xc0))), [1, -3]],
  ])("A tensor may have %s", (_, bytes, values) => {
    expect(only(bytes)).toEqual(values);
  });

  test.each<[string, Uint8Array, string]>([
    ["no type", join(field(1, 1), field(8, "w")), '(MatMul): expected numbers as "w", got "type 0"'],
    ["complex numbers", column(14), '(MatMul): expected numbers as "w", got "type 14"'],
    [
      "numbers elsewhere",
      column(1, field(13, join(field(1, "location"), field(2, "/etc/passwd")))),
      'tensor "w": expected its numbers in this file, got "external data, /etc/passwd"; store the model as one file',
    ],
    [
      "no place elsewhere",
      column(1, field(14, 1)),
      'tensor "w", location: expected the name of a file, got ""',
    ],
    ["a segment", column(1, field(3, none)), "expected a whole tensor"],
    ["its numbers twice", column(1, field(4, floats), field(9, floats)), "expected its numbers once"],
    [
      "raw bytes twice",
      column(1, field(9, floats), field(9, floats)),
      "raw_data: expected at most one, got 2",
    ],
    [
      "too few numbers",
      column(1, field(9, floats.subarray(4))),
      "expected 2 numbers, as its shape asks for, got 1",
    ],
    [
      "half a number",
      column(1, field(9, floats.subarray(1))),
      "expected 2 numbers, as its shape asks for, got 1.75",
    ],
    ["no numbers", column(1), "expected 2 numbers, as its shape asks for, got 0"],
    [
      "too many integers",
      column(6, field(5, Uint8Array.of(1, 2, 3))),
      "expected 2 numbers, as its shape asks for, got 3",
    ],
    [
      "a dimension below 0",
      join(field(1, -1), field(2, 1), field(8, "w")),
      'shape of "w": expected integers of 1 or more, got [-1]',
    ],
    ["a dimension of 0", join(field(1, 0), field(2, 1), field(8, "w")), "integers of 1 or more, got [0]"],
    [
      "a dimension of 2^40",
      join(field(1, 2 ** 40), field(2, 1), field(8, "w")),
      "expected at most 16777216 weights, got 1099511627776",
    ],
    [
      "a dimension of 2^63",
      join(field(1, 2n ** 63n), field(2, 1), field(8, "w")),
      "dims: expected integers within 2^53, got -9223372036854776000",
    ],
    [
      "dimensions whose product wraps",
      join(field(1, 2 ** 32), field(1, 2 ** 32), field(2, 1), field(8, "w")),
      "expected at most 16777216 weights, got 18446744073709552000",
    ],
    [
      "dims of another wire type",
      join(floatField(1, 1), field(2, 1), field(8, "w")),
      "dims: expected wire type 0 or 2, got 5",
    ],
    [
      "a type of another wire type",
      join(field(1, 1), field(2, "x"), field(8, "w")),
      "data_type: expected wire type 0, got 2",
    ],
    [
      "a name that is no text",
      join(field(1, 1), field(2, 1), field(8, Uint8Array.of(255))),
      "name: expected text in UTF-8",
    ],
    [
      "an integer of 2^60",
      column(7, field(7, join(varint(2n ** 60n), varint(1)))),
      '"w": expected integers within 2^53, got 1152921504606847000',
    ],
    [
      "an unfinished integer",
      column(7, field(7, Uint8Array.of(1, 255))),
      "byte 1: expected a number of at most 10 bytes before its end",
    ],
  ])("A tensor with %s is refused", (_, bytes, message) => {
    expect(() => only(bytes)).toThrow(message);
  });
});

describe("Hostile ONNX file", () => {
  const good = onnxOf([{ weights: [[1]] }]);

  test.each<[string, Uint8Array, string]>([
    ["no graph", field(1, 8), "model: expected a graph, got nothing"],
    ["two graphs", join(good, good), "model, graph: expected at most one, got 2"],
    ["a graph that is a number", join(field(1, 8), field(7, 1)), "model, graph: expected wire type 2, got 0"],
    ["an empty graph", join(field(1, 8), field(7, none)), "graph, inputs: expected one, got []"],
    [
      "a length of 2^40",
      join(field(1, 8), varint(7 * 8 + 2), varint(2 ** 40)),
      "model, byte 9: expected 1099511627776 bytes before its end",
    ],
    [
      "a length of 2^63",
      join(field(1, 8), varint(7 * 8 + 2), varint(2n ** 63n)),
      "expected 9223372036854776000 bytes before its end",
    ],
    [
      "an endless number",
      join(field(1, 8), new Uint8Array(100).fill(255)),
      "a number of at most 10 bytes before its end",
    ],
    [
      "a group",
      join(field(1, 8), varint(7 * 8 + 3)),
      'expected a field of a protocol buffer, got "wire type 3, number 7"',
    ],
    ["a wire type of 7", join(field(1, 8), varint(7 * 8 + 7)), "wire type 7"],
    ["a field numbered 0", join(field(1, 8), varint(0), varint(1)), "number 0"],
    ["a field numbered 2^40", join(field(1, 8), varint(2n ** 43n), varint(1)), "number 1099511627776"],
    [
      "very many fields",
      join(field(1, 8), new Uint8Array(2 ** 18).fill(8)),
      'model: expected at most 65536 fields, got "more"',
    ],
    ["graphs in graphs", join(field(1, 8), deep(20_000)), "graph, inputs: expected one, got []"],
  ])("A hostile ONNX file with %s is refused", (_, bytes, message) => {
    expect(() => importNetwork(bytes)).toThrow(message);
  });

  /** A message in a message, and so on. */
  function deep(levels: number): Uint8Array {
    const parts: Uint8Array[] = [];
    let length = 0;
    for (let level = 0; level < levels; level++) {
      const head = join(varint(7 * 8 + 2), varint(length));
      parts.unshift(head);
      length += head.length;
    }
    return join(...parts);
  }
});
