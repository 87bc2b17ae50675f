// The types of numbers in safetensors, the layers that tensors make, and files that claim more than they contain.

import { describe, expect, test } from "vitest";
import { doubles, safetensorsFile, safetensorsOf } from "../../test/writers.ts";
import { networkOfTensors } from "./chain.ts";
import { importNetwork } from "./network.ts";
import { readSafetensors } from "./safetensors.ts";

const none = new Uint8Array();

/** A tensor of bytes, at offsets in the data. */
const entry = (dtype: string, shape: unknown, from: number, to: number) => ({
  dtype,
  shape,
  data_offsets: [from, to],
});

describe("Numbers of safetensors", () => {
  const buffer = (array: { buffer: ArrayBuffer }) => new Uint8Array(array.buffer);

  test.each<[string, Uint8Array, number[]]>([
    ["F64", doubles([0.1, -1e300]), [0.1, -1e300]],
    ["F32", buffer(Float32Array.of(0.5, -3)), [0.5, -3]],
    // 1, -2, the least and the largest normal number, the least of all, 0, and the half nearest to a third.
    [
      "F16",
      buffer(Uint16Array.of(0x3c00, 0xc000, 0x0400, 0x7bff, 0x0001, 0x8000, 0x3555)),
      [1, -2, 2 ** -14, 65504, 2 ** -24, -0, 0.333251953125],
    ],
    [
      "BF16",
      buffer(Uint16Array.of(0x3f80, 0xc040, 0x0001, 0x7f7f)),
      [1, -3, 2 ** -133, (2 - 2 ** -7) * 2 ** 127],
    ],
    ["I64", buffer(BigInt64Array.of(-5n, 2n ** 53n - 1n)), [-5, 2 ** 53 - 1]],
    ["I32", buffer(Int32Array.of(-(2 ** 31), 7)), [-(2 ** 31), 7]],
    ["I16", buffer(Int16Array.of(-32768, 7)), [-32768, 7]],
    ["I8", buffer(Int8Array.of(-128, 7)), [-128, 7]],
    ["U32", buffer(Uint32Array.of(2 ** 32 - 1)), [2 ** 32 - 1]],
    ["U16", buffer(Uint16Array.of(65535)), [65535]],
    ["U8", Uint8Array.of(255, 0), [255, 0]],
  ])("Numbers of type %s are read", (dtype, bytes, values) => {
    const file = safetensorsFile({ a: entry(dtype, [values.length], 0, bytes.length) }, bytes);
    // From any place in a buffer.
    const shifted = new Uint8Array(file.length + 3);
    shifted.set(file, 3);
    const [tensor] = readSafetensors(shifted.subarray(3)).tensors;
    expect(Array.from(tensor!.values())).toEqual(values);
    expect([tensor!.shape, tensor!.integer]).toEqual([[values.length], !dtype.includes("F")]);
  });

  test("Integers beyond 2^53, infinities and NaN are refused", () => {
    const long = safetensorsFile({ weight: entry("I64", [1, 1], 0, 8) }, buffer(BigInt64Array.of(2n ** 53n)));
    expect(() => importNetwork(long)).toThrow(
      '"weight": expected integers within 2^53, got 9007199254740992',
    );
    for (const [bits, text] of [
      [0x7c00, "Infinity"],
      [0xfc00, "-Infinity"],
      [0x7e00, "NaN"],
    ] as const) {
      const file = safetensorsFile({ weight: entry("F16", [1, 1], 0, 2) }, buffer(Uint16Array.of(bits)));
      expect(() => importNetwork(file)).toThrow(`"weight", weight 0: expected a finite number, got ${text}`);
    }
  });
});

describe("Layers of safetensors", () => {
  /** Tensors of zeros; the first number of each tells which it is. */
  const tensorsOf = (shapes: Record<string, readonly number[]>, integer = false) =>
    Object.entries(shapes).map(([name, shape], i) => ({
      name,
      shape,
      integer,
      values: () => new Float64Array(shape.reduce((a, b) => a * b, 1)).fill(i + 1, 0, 1),
    }));
  const read = (shapes: Record<string, readonly number[]>) => {
    const { layers, notes } = networkOfTensors(tensorsOf(shapes));
    return [
      ...layers.map(({ name, rows, columns, biases }) => `${name} ${rows}x${columns}${biases ? "+" : ""}`),
      ...notes.map(() => "note"),
    ];
  };

  test.each<[string, Record<string, readonly number[]>, string[]]>([
    ["one name", { weight: [2, 3] }, ["weight 2x3"]],
    [
      "numbers as names",
      { "10.bias": [1], "10.weight": [1, 4], "2.weight": [4, 3], "0.weight": [3, 2], "0.bias": [3] },
      ["0.weight 3x2+", "2.weight 4x3", "10.weight 1x4+"],
    ],
    [
      "names that end in numbers",
      { "fc1.weight": [3, 2], "fc2.weight": [1, 3], "fc1.bias": [3] },
      ["fc1.weight 3x2+", "fc2.weight 1x3"],
    ],
    [
      "zeros in front of numbers",
      { "l09.weight": [3, 2], "l010.weight": [1, 3] },
      ["l09.weight 3x2", "l010.weight 1x3"],
    ],
    [
      "a name that begins with another",
      { "net.weight": [2, 3], "net.1.weight": [1, 2] },
      ["net.weight 2x3", "net.1.weight 1x2"],
    ],
    [
      "the names of kernels",
      { "d/kernel:0": [2, 3], "d/bias:0": [3], "e/kernel:0": [3, 1] },
      ["d/kernel:0 3x2+", "e/kernel:0 1x3"],
    ],
    ["the name of a square kernel", { "a.kernel": [2, 2] }, ["a.kernel 2x2"]],
    [
      "the names of weights and the shapes of kernels",
      { "a.weight": [2, 3], "b.weight": [3, 1], "b.bias": [1] },
      ["a.weight 3x2", "b.weight 1x3+", "note"],
    ],
    ["a shape that a bias decides", { "a.weight": [2, 3], "a.bias": [3] }, ["a.weight 3x2+", "note"]],
    [
      "the names of kernels and the shapes of weights",
      { "a.kernel": [3, 2], "a.bias": [3], "b.kernel": [1, 3] },
      ["a.kernel 3x2+", "b.kernel 1x3", "note"],
    ],
  ])("Tensors with %s are read as layers", (_, shapes, layers) => {
    expect(read(shapes)).toEqual(layers);
  });

  test("Matrices are transposed where their names say so", () => {
    const numbers = { weight: entry("F64", [2, 2], 0, 32) };
    const file = (name: string) => safetensorsFile({ [name]: numbers.weight }, doubles([1, 2, 3, 4]));
    const weightsOf = (name: string) =>
      Array.from(networkOfTensors(readSafetensors(file(name)).tensors).layers[0]!.weights);
    expect([weightsOf("weight"), weightsOf("kernel")]).toEqual([
      [1, 2, 3, 4],
      [1, 3, 2, 4],
    ]);
  });

  test.each<[string, Record<string, readonly number[]>, string]>([
    [
      "no members",
      {},
      "tensors: expected 1..1000 weights, each bias with one of the same name, got no tensors",
    ],
    [
      "a bias alone",
      { "a.weight": [1, 1], "b.bias": [1] },
      'each bias with one of the same name, got "a.weight" [1, 1], "b.bias" [1]',
    ],
    [
      "other names",
      { "a.weight": [1, 1], W1: [1, 1] },
      'for every layer, got "W1" [1, 1], "a.weight" [1, 1]; names such as fc1.weight [outputs, inputs] or',
    ],
    [
      "a convolution",
      { "a.weight": [1, 1, 3, 3] },
      'got "a.weight" [1, 1, 3, 3]; a state dict does not say how convolutions are connected: export the model as ONNX',
    ],
    [
      "a layer normalization",
      { "a.weight": [1, 1], "n.weight": [1] },
      'got "n.weight" [1], "a.weight" [1, 1]; a weight of one dimension without running_mean',
    ],
    ["a scalar bias", { "a.weight": [1, 1], "a.bias": [] }, 'got "a.bias" [], '],
    [
      "one layer twice",
      { "a.weight": [1, 1], "a/weight": [1, 1] },
      'got "a/weight" [1, 1], "a.weight" [1, 1]',
    ],
    [
      "another order of numbers",
      { "l2.weight": [3, 2], "l1.weight": [4, 3] },
      'got "l2.weight" [3, 2], "l1.weight" [4, 3]; each needs as many inputs as the one before has outputs',
    ],
    [
      "a bias of another length",
      { "a.weight": [3, 2], "a.bias": [4] },
      'got "a.weight" [3, 2], "a.bias" [4]; ',
    ],
    [
      "very many names",
      Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`x${i}`, [1]])),
      '"x11" [1] and 8 more',
    ],
    [
      "more weights than fit",
      { weight: [2 ** 13, 2 ** 12] },
      "weights: expected at most 16777216, got 33554432",
    ],
    ["a long name", { ["x".repeat(1e5)]: [1] }, `"${"x".repeat(60)}"... [1]`],
  ])("Tensors with %s are refused as layers", (_, shapes, message) => {
    expect(() => networkOfTensors(tensorsOf(shapes))).toThrow(message);
  });

  test("The layers of a file are all integers or all real numbers", () => {
    const both = [...tensorsOf({ "l1.weight": [1, 1] }), ...tensorsOf({ "l2.weight": [1, 1] }, true)];
    expect(() => networkOfTensors(both)).toThrow(
      "tensors: expected integers only, or real numbers only, got",
    );
  });

  test("Integers keep their values, in the fewest bits or in the requested bits", () => {
    const file = safetensorsFile(
      { "1.bias": entry("I8", [2], 0, 2), "1.weight": entry("I8", [2, 1], 2, 4) },
      Uint8Array.of(1, 256 - 9, 8, 0),
    );
    expect(importNetwork(file)).toMatchObject({ bits: 4, quantization: undefined });
    expect(Array.from(importNetwork(file, { targetBits: 5 }).network.layers[0]!.weights)).toEqual([
      8, 1, 0, -9,
    ]);
    expect(() => importNetwork(file, { targetBits: 3 })).toThrow(
      "layers.0.biases.1: expected an integer in -8..8, got -9",
    );
    const zeros = safetensorsFile({ weight: entry("U8", [1, 1], 0, 1) }, Uint8Array.of(0));
    expect(importNetwork(zeros).bits).toBe(0);
  });
});

describe("Hostile safetensors file", () => {
  const one = entry("F64", [1, 1], 0, 8);
  const eight = new Uint8Array(8);
  const twice = (first: string, second: string) =>
    `{${first}:{"dtype":"U8","shape":[1,1],"data_offsets":[0,1]},${second}:{"dtype":"I8","shape":[1,1],"data_offsets":[0,1]}}`;

  test.each<[string, Uint8Array, string]>([
    ["nothing", none, "file: expected at least 8 bytes, got 0"],
    [
      "a header of 2^40 bytes",
      safetensorsFile({}, none, 2n ** 40n),
      "header: expected at most 8388608 bytes, got 1099511627776",
    ],
    ["a header of 2^63 bytes", safetensorsFile({}, none, 2n ** 63n), "got 9223372036854775808"],
    [
      "a header beyond the file",
      safetensorsFile({}, none, 3n),
      "header: expected 3 bytes before the end of the file, got 2",
    ],
    ["no JSON", safetensorsFile("{weight}"), "header: expected JSON"],
    ["a list", safetensorsFile("[]"), "header: expected an object, got []"],
    ["no UTF-8", safetensorsFile('{"\u00e9"}').with(10, 0xff), "header: expected text in UTF-8"],
    ["a deep header", safetensorsFile("[".repeat(1e5) + "]".repeat(1e5)), "header: expected an object"],
    [
      "a deep shape",
      safetensorsFile(
        `{"a":{"dtype":"U8","shape":${"[".repeat(1e5)}${"]".repeat(1e5)},"data_offsets":[0,0]}}`,
      ),
      'header, "a": shape.0: expected',
    ],
    [
      "a name twice",
      safetensorsFile(twice('"weight"', '"weight"'), eight.subarray(7)),
      'header: expected every name once, got "weight"',
    ],
    [
      "a name twice, in disguise",
      safetensorsFile(twice('"weight"', '"\\u0077eight"'), eight.subarray(7)),
      "every name once",
    ],
    [
      "a field twice",
      safetensorsFile(
        '{"weight":{"dtype":"U8","dtype":"I8","shape":[1,1],"data_offsets":[0,1]}}',
        eight.subarray(7),
      ),
      'got "dtype"',
    ],
    ["a tensor that is none", safetensorsFile({ weight: null }), 'header, "weight": tensor: expected'],
    [
      "a prototype",
      safetensorsFile('{"__proto__":{"dtype":"U8","shape":[1,1],"data_offsets":[0,1]}}', eight.subarray(7)),
      'got "__proto__" [1, 1]',
    ],
    [
      "an unknown field",
      safetensorsFile({ weight: { ...one, order: 1 } }, eight),
      'expected known fields only, got "order"',
    ],
    [
      "an unknown dtype",
      safetensorsFile({ weight: { ...one, dtype: "C64" } }, eight),
      'header, "weight": dtype: expected one of F64, ',
    ],
    [
      "truth values that are none",
      safetensorsFile({ weight: { ...one, dtype: "BOOL", data_offsets: [0, 1] } }, Uint8Array.of(2)),
      '"weight": expected truth values 0 and 1, got 2',
    ],
    [
      "no shape",
      safetensorsFile({ weight: { ...one, shape: undefined } }, eight),
      'header, "weight": shape: expected a list of integers, got nothing',
    ],
    [
      "a negative shape",
      safetensorsFile({ weight: { ...one, shape: [-1, -1] } }, eight),
      "shape.0: expected integers of 0 or more, got -1",
    ],
    [
      "an empty tensor",
      safetensorsFile({ weight: entry("F64", [0, 3], 0, 0) }),
      'shape of "weight": expected integers of 1 or more, got [0,3]',
    ],
    [
      "a fractional shape",
      safetensorsFile({ weight: { ...one, shape: [0.5, 2] } }, eight),
      "shape.0: expected integers",
    ],
    [
      "a shape of 2^40",
      safetensorsFile({ weight: { ...one, shape: [2 ** 40, 1] } }, eight),
      "data_offsets: expected 0, 8796093022208, got [0,8]",
    ],
    [
      "a shape of 2^63",
      safetensorsFile(
        '{"weight":{"dtype":"F64","shape":[9223372036854775808,1],"data_offsets":[0,8]}}',
        eight,
      ),
      "shape.0: expected integers",
    ],
    [
      "a shape whose product wraps",
      safetensorsFile({ weight: { ...one, shape: [2 ** 32, 2 ** 32] } }, eight),
      "data_offsets: expected 0, 147573952589676410000",
    ],
    [
      "a shape without end",
      safetensorsFile('{"weight":{"dtype":"F64","shape":[1e999,1],"data_offsets":[0,8]}}', eight),
      "shape.0: expected integers",
    ],
    [
      "offsets that overlap",
      safetensorsFile(
        { "a.weight": one, "b.weight": entry("F64", [1, 1], 4, 12) },
        doubles([1, 2]).subarray(0, 12),
      ),
      'header, "b.weight", data_offsets: expected 8, 16, got [4,12]',
    ],
    [
      "one tensor in another",
      safetensorsFile({ "a.weight": one, "b.weight": one }, eight),
      'header, "b.weight", data_offsets: expected 8, 16, got [0,8]',
    ],
    [
      "a hole",
      safetensorsFile({ weight: entry("F64", [1, 1], 8, 16) }, doubles([1, 2])),
      "expected 0, 8, got [8,16]",
    ],
    [
      "offsets beyond the file",
      safetensorsFile({ weight: entry("F64", [2, 2 ** 40], 0, 2 ** 44) }, eight),
      'data: expected at least 17592186044416 bytes for "weight", got 8',
    ],
    [
      "offsets in another order",
      safetensorsFile({ weight: entry("F64", [1, 1], 8, 0) }, eight),
      "data_offsets: expected 0, 8, got [8,0]",
    ],
    [
      "one offset",
      safetensorsFile({ weight: { ...one, data_offsets: [0] } }, eight),
      'header, "weight": data_offsets',
    ],
    ["a byte too many", safetensorsFile({ weight: one }, doubles([1, 2])), "data: expected 8 bytes, got 16"],
    ["metadata alone", safetensorsFile({ __metadata__: { format: "pt" } }), "got no tensors"],
  ])("A hostile safetensors file with %s is refused", (_, bytes, message) => {
    expect(() => networkOfTensors(readSafetensors(bytes).tensors)).toThrow(message);
  });

  test("Metadata may be anything, but a file with the metadata of a ticket is not a network", () => {
    const [layer] = [{ weights: [[1, 2]] }];
    expect(importNetwork(safetensorsOf([layer!])).bits).toBe(8);
    const ticket = safetensorsFile(
      { __metadata__: { format: "exacta.ticket" }, "mask.0": entry("U8", [1], 0, 1) },
      Uint8Array.of(1),
    );
    expect(() => importNetwork(ticket)).toThrow(
      'file: expected a network, got "an exacta ticket"; exacta verify reads those',
    );
    for (const metadata of [null, 7, "x", []])
      expect(importNetwork(safetensorsFile({ __metadata__: metadata, weight: one }, eight)).bits).toBe(8);
  });
});
