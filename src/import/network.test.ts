// Files that the packages onnx and safetensors wrote, networks written byte by byte, and damage.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RequestError } from "../errors.ts";
import fixture from "../../test/fixtures/imported.json" with { type: "json" };
import {
  jsonOf,
  onnxOf,
  safetensorsFile,
  safetensorsOf,
  stateDict,
  type WrittenLayer,
} from "../../test/writers.ts";
import { readGraph } from "../graph/read.ts";
import { forward, withConstant, type Network } from "../network.ts";
import { importModel, importNetwork, type ImportedNetwork, type ImportOptions } from "./network.ts";

const bytesOf = (base64: string) => Uint8Array.from(Buffer.from(base64, "base64"));

/** The weights and biases of a network's layers, the constant unit taken out. */
function layersOf({ layers, constant }: Network) {
  return layers.map(({ rows, columns, weights }, l) => {
    const all = Array.from({ length: rows }, (_, row) =>
      Array.from(weights.subarray(row * columns, (row + 1) * columns)),
    );
    const own = constant && l < layers.length - 1 ? all.slice(0, -1) : all;
    return {
      weights: own.map((row) => (constant ? row.slice(0, -1) : row)),
      biases: own.map((row) => (constant ? row.at(-1)! : 0)),
    };
  });
}

/** How far integers are from the numbers they stand for, in units of their own; outputs and all scales are given. */
function farthest({ network, bits, quantization }: ImportedNetwork, layers: readonly WrittenLayer[]): number {
  let total = quantization?.inputScale ?? 1;
  let far = 0;
  layersOf(network).forEach(({ weights, biases }, l) => {
    const scale = quantization ? quantization.layers[l]!.scale : 2 ** bits;
    total = quantization ? total * scale : scale;
    const off = (given: number, unit: number, got: number) => {
      far = Math.max(far, Math.abs((given / unit) * 2 ** bits - got));
    };
    layers[l]!.weights.forEach((row, r) => row.forEach((given, c) => off(given, scale, weights[r]![c]!)));
    biases.forEach((got, r) => off(layers[l]!.biases?.[r] ?? 0, total, got));
  });
  return far;
}

/** The outputs of a rounded network for real inputs, as real numbers. */
function realOutputs({ network, quantization }: ImportedNetwork, inputs: readonly number[]): number[] {
  const unit = 2 ** network.activationBits;
  const integers = Int32Array.from(inputs, (x) => (x / quantization!.inputScale) * unit);
  return Array.from(
    forward(network, withConstant(network, network.layers[0]!.columns, integers)),
    (y) => (y / unit) * (quantization!.outputScale as number),
  );
}

const largest = (values: readonly number[]) => values.reduce((most, y) => Math.max(most, Math.abs(y)), 0);
const distance = (a: readonly number[], b: readonly number[]) => largest(a.map((y, i) => y - b[i]!));

const fine: ImportOptions = { targetBits: 20, activationBits: 16, quantizer: "nearest" };

describe.each(fixture.rows.map((row) => [row.name, row] as const))("Format %s", (_, row) => {
  const file = bytesOf(row.file);

  test("A file of this format has the weights and outputs of its writer", () => {
    // The letters of this row's names do not say which layer comes first.
    const order = row.name.startsWith("safetensors of int8") ? { order: ["a", "b"] } : {};
    const options = row.integer ? order : fine;
    const imported = importNetwork(file, options);
    const { network, bits, notes } = imported;
    expect([bits, notes.length]).toEqual([row.integer ? row.bits : 20, row.notes + Number(row.integer)]);
    expect(network.layers.map(({ shift }) => shift)).toEqual(row.layers.map(() => bits));
    expect(farthest(imported, row.layers)).toBeLessThanOrEqual(row.integer ? 0 : 0.5 + 1e-6);
    const wrong = structuredClone(row.layers);
    wrong.at(-1)!.weights.at(-1)![0]! += row.integer ? 1 : 1e-5;
    expect(farthest(imported, wrong)).toBeGreaterThan(0.5 + 1e-6);
    if (row.integer) return;
    const outputs = row.outputs.flat();
    // Halves were rounded by the writer's own evaluation.
    const close = (/half|halves/.test(row.name) ? 2e-3 : 1e-4) * largest(outputs);
    expect(distance(realOutputs(imported, row.inputs.flat()), outputs)).toBeLessThan(close);
    const swapped = row.inputs.flatMap((input) => input.toReversed());
    expect(distance(realOutputs(imported, swapped), outputs)).toBeGreaterThan(close);
  });

  test("A file of this format is refused when more than 12 bytes at its end are cut off", () => {
    const accepted: number[] = [];
    for (let length = file.length - 1; length >= 0; length -= length > file.length - 100 ? 1 : 3)
      if (refusalOf(file.subarray(0, length)) === undefined) accepted.push(length);
    // An ONNX model may end before its last fields, the versions of the operators.
    const least = file.length - 12;
    expect(accepted.filter((length) => length < least)).toEqual([]);
  });

  test("More than an eighth of the files of this format with a flipped bit are refused, and the others cause no error", () => {
    let refused = 0;
    for (let at = 0; at < file.length; at += 3)
      refused += Number(refusalOf(file.with(at, file[at]! ^ (1 << (at % 8)))) !== undefined);
    expect(refused).toBeGreaterThan(file.length / 3 / 8);
  });
});

/** What an import refuses bytes for; undefined where it does not. Errors of other kinds come through. */
function refusalOf(bytes: Uint8Array): string | undefined {
  try {
    importNetwork(bytes, { targetBits: 4, activationBits: 2 });
  } catch (error) {
    if (error instanceof RequestError) return error.message;
    throw error;
  }
  return undefined;
}

/** Real networks of up to 5 layers, weights of any size and some of them 0. */
const networks = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 2, maxLength: 6 }).chain((widths) =>
  fc.tuple(
    ...widths.slice(1).map((rows, l) => {
      const number = fc.double({ min: -4, max: 4, noNaN: true });
      const list = (length: number) => fc.array(number, { minLength: length, maxLength: length });
      return fc.record({
        weights: fc.array(list(widths[l]!), { minLength: rows, maxLength: rows }),
        biases: fc.option(list(rows), { nil: undefined }),
      });
    }),
  ),
);

test("Every format gives the same network, with each weight off by at most half a unit", () => {
  fc.assert(
    fc.property(
      networks,
      fc.integer({ min: 0, max: 12 }),
      fc.double({ min: 0.1, max: 9, noNaN: true }),
      (layers, bits, scale) => {
        const options = { targetBits: bits, activationBits: 4, inputScale: scale };
        const read = [jsonOf, safetensorsOf, onnxOf].map((write) =>
          attempt(() => importNetwork(write(layers), options)),
        );
        const [json, ...others] = read.map((imported) =>
          typeof imported === "string" ? imported : { ...imported, quantization: nameless(imported) },
        );
        for (const other of others) expect(other).toEqual(json);
        if (typeof json === "string") expect(json).toMatch(/^(scale of )?layer /);
        else expect(farthest(read[0] as ImportedNetwork, layers)).toBeLessThanOrEqual(0.5 + 1e-9);
      },
    ),
    { seed: 5, numRuns: 60 },
  );
});

function attempt(read: () => ImportedNetwork): ImportedNetwork | string {
  try {
    return read();
  } catch (error) {
    return (error as Error).message;
  }
}

function nameless({ quantization }: ImportedNetwork) {
  return { ...quantization, layers: quantization!.layers.map((layer) => ({ ...layer, name: "" })) };
}

const layers: WrittenLayer[] = [
  {
    weights: [
      [0.5, -0.25],
      [0.1, 0.7],
      [-0.3, 0.2],
    ],
    biases: [0.1, -0.2, 0.05],
  },
  {
    weights: [
      [1.5, -2, 0.25],
      [0.75, 1, -1],
    ],
    biases: [-0.3, 0.4],
  },
];

describe("Quantization", () => {
  test("Quantization scales the largest weight or bias to 2^k and rounds halves away from 0", () => {
    const { network, bits, quantization } = importNetwork(
      jsonOf([
        {
          weights: [
            [4, 1.5, -0.5],
            [0, -1.49, 0.5],
          ],
          biases: [2, 0],
        },
        { weights: [[1, -1]], biases: [-32] },
        { weights: [[0]] },
      ]),
      { targetBits: 2, inputScale: 2 },
    );
    expect(bits).toBe(2);
    // Scales 4, 4 (the bias: 32 of 2 x 4) and 1 (zeros).
    expect(layersOf(network)).toEqual([
      {
        weights: [
          [4, 2, -1],
          [0, -1, 1],
        ],
        biases: [1, 0],
      },
      { weights: [[1, -1]], biases: [-4] },
      { weights: [[0]], biases: [0] },
    ]);
    expect(quantization).toMatchObject({
      inputScale: 2,
      outputScale: 32,
      inputs: 256,
      outputRange: 0,
      outputError: 0,
      layers: [
        { scale: 4, weightError: 0.5, biasError: 0 },
        { scale: 4, weightError: 0, biasError: 0 },
        { scale: 1, weightError: 0, biasError: undefined },
      ],
    });
  });

  test("Quantized outputs approach the real ones as bits are added", () => {
    const errors = [2, 6, 10, 14, 18].map((bits) => {
      const { quantization } = importNetwork(jsonOf(layers), {
        targetBits: bits,
        activationBits: bits,
        quantizer: "nearest",
      });
      const { outputError, outputErrorRms, outputRange } = quantization!;
      expect(outputErrorRms).toBeLessThanOrEqual(outputError);
      expect(outputRange).toBeGreaterThan(1);
      return outputError / outputRange;
    });
    errors.slice(1).forEach((error, i) => expect(error).toBeLessThan(errors[i]! / 4));
    expect(errors.at(-1)).toBeLessThan(1e-5);
  });

  test("The reported output error rises with coarse and with clamped activations", () => {
    const relative = (options: ImportOptions) => {
      const { outputError, outputRange } = importNetwork(jsonOf(layers), {
        targetBits: 16,
        ...options,
      }).quantization!;
      return outputError / outputRange;
    };
    expect(relative({ activationBits: 16 })).toBeLessThan(1e-3);
    expect(relative({ activationBits: 1 })).toBeGreaterThan(0.05);
    expect(relative({ activationBits: 16, clamp: true })).toBeGreaterThan(0.05);
  });

  test("The error of one quantized layer is that of a calculation by hand", () => {
    // Weights 1 and 0 for 1 and 0.4, inputs of -1..1: a third of the second ones is 0, the others are off by 0.4.
    const { quantization } = importNetwork(jsonOf([{ weights: [[1, 0.4]] }]), {
      targetBits: 0,
      activationBits: 0,
    });
    const { outputRange, outputError, outputErrorRms } = quantization!;
    expect(outputRange).toBeCloseTo(2.8, 12);
    expect(outputError).toBeCloseTo(0.4, 12);
    expect(Math.abs(outputErrorRms - Math.sqrt((2 / 3) * 0.16))).toBeLessThan(0.03);
  });

  test("The errors of a large network are measured on 64 inputs", () => {
    const values = Float64Array.from({ length: 2 ** 20 }, (_, i) => (i * 7919) % 101);
    const tensors = {
      weight: { dtype: "F64", shape: [2 ** 10, 2 ** 10], data_offsets: [0, values.byteLength] },
    };
    const file = safetensorsFile(tensors, new Uint8Array(values.buffer));
    expect(importNetwork(file, { targetBits: 7 }).quantization).toMatchObject({ inputs: 64 });
  });
});

describe("Options of an import", () => {
  const integers = { bits: 3, activationBits: 2, layers: [{ weights: [[1, -8]], biases: [2] }] };
  const json = (value: unknown) => Uint8Array.from(Buffer.from(JSON.stringify(value)));

  test("Options that are left out come from the network, then from the ticket, then from the defaults", () => {
    const { network, bits } = importNetwork(jsonOf(layers));
    expect([bits, network]).toEqual([
      8,
      expect.objectContaining({ activationBits: 8, quantizer: "floor", clamp: false }),
    ]);
    const ticket = { targetBits: 3, activationBits: 5, quantizer: "away", clamp: true } as const;
    const other = importNetwork(jsonOf(layers), { activationBits: 6 }, ticket);
    expect([other.bits, other.network]).toEqual([
      3,
      expect.objectContaining({ activationBits: 6, quantizer: "away", clamp: true }),
    ]);
    expect(importNetwork(json(integers), {}, ticket)).toMatchObject({
      bits: 3,
      network: { activationBits: 2 },
    });
    expect(importNetwork(json(integers), { targetBits: 3, quantizer: "floor" })).toMatchObject({
      bits: 3,
      notes: [],
    });
  });

  test("The note of a network of integers is the formula of its layers", () => {
    const tensor = (dtype: "I8", shape: number[], values: number[]) => ({ dtype, shape, values });
    const tensors = {
      "1.weight": tensor("I8", [2, 2], [7, -3, 2, 5]),
      "2.weight": tensor("I8", [1, 2], [-6, 4]),
    };
    const { network, notes } = importNetwork(stateDict(tensors));
    expect(notes).toEqual([
      "integers stay as they are, in units of 2^-3: every layer divides W x by 2^3 (floor), so that outputs are about 2^-6 of those of the matrices",
    ]);
    const hidden = [7 * 100 - 3 * 20, 2 * 100 + 5 * 20].map((sum) => Math.floor(sum / 8));
    expect(Array.from(forward(network, [100, 20]))).toEqual([
      Math.floor((-6 * hidden[0]! + 4 * hidden[1]!) / 8),
    ]);
    const biased = importNetwork(stateDict({ ...tensors, "1.bias": tensor("I8", [2], [1, -8]) }), {
      quantizer: "nearest",
      activationBits: 4,
    });
    expect(biased.notes).toEqual([
      "integers stay as they are, in units of 2^-3: every layer divides W x + 2^4 b by 2^3 (nearest)",
    ]);
    const first = [7 * 3 - 3 * 2 + 16, 2 * 3 + 5 * 2 - 8 * 16].map((sum) => Math.max(0, Math.round(sum / 8)));
    expect(Array.from(forward(biased.network, [3, 2, 16]))).toEqual([
      Math.sign(-6) * Math.round((6 * first[0]!) / 8),
    ]);
    const ternary = importNetwork(stateDict({ weight: tensor("I8", [1, 2], [1, -1]) }));
    expect([ternary.bits, ternary.notes]).toEqual([0, []]);
  });

  const refused: [unknown, ImportOptions, string][] = [
    [integers, { targetBits: 4 }, "targetBits: expected 3, as the network says itself, got 4"],
    [integers, { inputScale: 1 }, "inputScale: expected none, as the network says itself, got 1"],
    [integers, { targetBits: 21 }, "targetBits: expected an integer in 0..20, got 21"],
    [{ layers }, { inputScale: 0 }, "inputScale: expected a number above 0, got 0"],
    [{ layers }, { inputScale: NaN }, "inputScale: expected a number above 0, got NaN"],
    [{ layers }, { quantizer: "up" as "floor" }, "quantizer: expected one of floor, truncate, nearest, away"],
    [{ layers }, { bits: 3 } as ImportOptions, 'options: expected known fields only, got "bits"'],
    [{ layers: [] }, {}, "layers: expected 1..1000, got 0"],
    [{ layers: [{ weights: [[]] }] }, {}, "layers.0.weights.0: expected"],
    [{ layers: [{ weights: [] }] }, {}, "layers.0.weights: expected"],
    [{ layers: [{ weights: [["1"]] }] }, {}, "layers.0.weights.0.0: expected a finite number"],
    [{ layers: [{ weights: [[1, 2], [1]] }] }, {}, "layers.0.weights.1: expected 2 weights, got 1"],
    [{ layers: [{ weights: [[1]], biases: [] }] }, {}, "layers.0.biases: expected 1 biases, got 0"],
    [
      { layers: [{ weights: [[1]] }, { weights: [[1, 1]] }] },
      {},
      '"layers.1.weights": expected 1 columns, as many as rows before it, got 2',
    ],
    [
      { layers: Array.from({ length: 1001 }, () => ({ weights: [[1]] })) },
      {},
      "layers: expected 1..1000, got 1001",
    ],
    [
      { layers: [{ weights: [Array.from({ length: 2 ** 20 + 1 }, () => 1)] }] },
      {},
      "expected 1..1048576 rows and columns, got 1048577",
    ],
    [{ layers: [{ weights: [[1e-305]] }] }, {}, "scale of layer 1: expected 2^-1000..2^1000, got 1e-305"],
    [
      { layers: [{ weights: [[1e300]] }, { weights: [[1e300]] }] },
      {},
      "scale of layer 2: expected 2^-1000..2^1000, got Infinity",
    ],
    [{ layers, bias: 1 }, {}, "bits: expected an integer in 0..20, got nothing"],
    [[], {}, "network: expected"],
  ];
  test.each(refused.map(([value, options, message]) => [message, value, options] as const))(
    "The import of a network is refused with the message %s",
    (message, value, options) => {
      expect(() => importNetwork(json(value), options)).toThrow(message);
    },
  );

  test.each<[string, string, string]>([
    ["no JSON", "weights", 'RequestError: network: expected JSON, safetensors or ONNX, got "weights"; '],
    ["blanks", " ", 'RequestError: network: expected JSON, safetensors or ONNX, got " "; '],
    [
      "a number without end",
      '{"layers":[{"weights":[[1e999]]}]}',
      "layers.0.weights.0.0: expected a finite number, got Infinity",
    ],
    ["a deep list", "[".repeat(1e5), "network: expected JSON"],
    ["a deep network", `{"layers":${"[".repeat(1e5)}${"]".repeat(1e5)}}`, "layers.0: expected"],
  ])("A text with %s is not a network", (_, text, message) => {
    const read = () => importNetwork(Uint8Array.from(Buffer.from(text)));
    expect(() => read()).toThrow(message.replace(/^\w+: /, ""));
  });

  test("A graph of integers in JSON is read as it is, and states all options itself", () => {
    const graph = {
      input: { shape: [1, 2, 2], activationBits: 3 },
      activationBits: 3,
      nodes: [{ kind: "conv", bits: 2, weights: [[[[1, -4]]]] }],
    };
    const { network, bits, notes, quantization } = importModel(json(graph));
    expect({ bits, notes, quantization }).toEqual({ bits: 2, notes: [], quantization: undefined });
    expect(network).toEqual(readGraph(graph));
    expect(() => importModel(json(graph), { targetBits: 2 })).toThrow(
      "targetBits: expected none, as the network says itself, got 2",
    );
    expect(() => importNetwork(json(graph))).toThrow(
      "network: expected a chain of dense layers, got a graph",
    );
    expect(() => importModel(json({ ...graph, nodes: [] }))).toThrow("nodes: expected one node or more");
  });

  test("Bytes that are not UTF-8 are refused, and letters beyond ASCII in UTF-8 are read", () => {
    expect(() => importNetwork(Uint8Array.of(0x7b, 0xff, 0x7d))).toThrow("network: expected text in UTF-8");
    expect(() => importNetwork(json({ "größe %": 1 }))).toThrow('got an object with "größe %"');
  });
});
