// Random state dicts, evaluated in float64 from what their tensors mean, against the layers and the network that are read; and
// random names and shapes against all orders of their layers.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { stateDict, type WrittenTensor } from "../../test/writers.ts";
import { RequestError } from "../errors.ts";
import { forward, withConstant } from "../network.ts";
import { networkOfTensors } from "./chain.ts";
import type { GivenLayer } from "./given.ts";
import { importNetwork, type ImportedNetwork } from "./network.ts";
import { integerInput, realOutputs } from "./real.ts";
import { readSafetensors } from "./safetensors.ts";

/** A module of a model, as its file has it and as a function of one input. */
interface Module {
  readonly tensors: Readonly<Record<string, WrittenTensor>>;
  readonly run: (x: readonly number[]) => number[];
}

const real = (shape: readonly number[], values: readonly number[]): WrittenTensor => ({
  dtype: "F64",
  shape,
  values,
});

/** Numbers from a seed. */
function drawer(seed: number) {
  let state = seed >>> 0 || 1;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) / 2 ** 24;
  };
  return {
    below: (n: number) => Math.floor(next() * n),
    list: (length: number, low: number, high: number) =>
      Array.from({ length }, () => low + (high - low) * next()),
  };
}
type Drawer = ReturnType<typeof drawer>;

const forms = ["plain", "kernel", "pruned", "integers", "integers of rows", "quanto"] as const;
type Form = (typeof forms)[number];

/** A linear module of random numbers: y = A x + b, with A as the tensors of its form say. */
function linear(draw: Drawer, form: Form, rows: number, columns: number): Module {
  const count = rows * columns;
  const bias = draw.list(rows, -1, 1);
  const tensors: Record<string, WrittenTensor> = { bias: real([rows], bias) };
  let entry: (row: number, column: number) => number;
  if (form === "plain" || form === "kernel" || form === "pruned") {
    const values = draw.list(count, -1, 1);
    const mask = Array.from(values, () => draw.below(2));
    const at = (row: number, column: number) =>
      form === "kernel" ? column * rows + row : row * columns + column;
    if (form === "kernel") tensors["kernel"] = real([columns, rows], values);
    else tensors[form === "pruned" ? "weight_orig" : "weight"] = real([rows, columns], values);
    if (form === "pruned") tensors["weight_mask"] = { dtype: "BOOL", shape: [rows, columns], values: mask };
    entry = (row, column) => values[at(row, column)]! * (form === "pruned" ? mask[at(row, column)]! : 1);
  } else {
    const values = Array.from({ length: count }, () => draw.below(256) - 128);
    const perRow = form === "integers of rows" && rows > 1;
    const scales = draw.list(perRow ? rows : 1, -0.02, 0.02).map(Math.fround);
    const zeros = form === "quanto" ? [] : scales.map(() => draw.below(20) - 10);
    const [weight, scale] =
      form === "quanto" ? ["weight._data", "weight._scale"] : ["weight", "weight_scale"];
    tensors[weight] = { dtype: "I8", shape: [rows, columns], values };
    tensors[scale] = { dtype: "F32", shape: perRow ? [rows, 1] : [], values: scales };
    if (zeros.length > 0)
      tensors["weight_zero_point"] = { dtype: "I32", shape: [zeros.length], values: zeros };
    entry = (row, column) =>
      (values[row * columns + column]! - (zeros[perRow ? row : 0] ?? 0)) * scales[perRow ? row : 0]!;
  }
  return {
    tensors,
    run: (x) => bias.map((b, row) => x.reduce((sum, value, column) => sum + entry(row, column) * value, b)),
  };
}

/** A batch normalization of random numbers, some of its weights negative. */
function normalization(draw: Drawer, width: number): Module {
  const [mean, weight, bias] = [0, 1, 2].map(() => draw.list(width, -1, 1)) as [number[], number[], number[]];
  const variance = draw.list(width, 0.01, 2);
  return {
    tensors: {
      weight: real([width], weight),
      bias: real([width], bias),
      running_mean: real([width], mean),
      running_var: real([width], variance),
      num_batches_tracked: { dtype: "I64", shape: [], values: [7] },
    },
    run: (x) =>
      x.map((value, i) => ((value - mean[i]!) / Math.sqrt(variance[i]! + 0.00001)) * weight[i]! + bias[i]!),
  };
}

const relu: Module = { tensors: {}, run: (x) => x.map((value) => (value > 0 ? value : 0)) };

interface Model {
  readonly file: Uint8Array<ArrayBuffer>;
  readonly run: (x: readonly number[]) => number[];
  readonly width: number;
}

/** A Sequential: linear modules with ReLUs between, and normalizations in front of the first or behind any. */
function sequential(seed: number, widths: readonly number[], ofForms: readonly Form[]): Model {
  const draw = drawer(seed);
  const modules: Module[] = draw.below(4) === 0 ? [normalization(draw, widths[0]!)] : [];
  widths.slice(1).forEach((rows, l) => {
    if (l > 0) modules.push(relu);
    modules.push(linear(draw, ofForms[draw.below(ofForms.length)]!, rows, widths[l]!));
    if (draw.below(3) === 0) modules.push(normalization(draw, rows));
  });
  const tensors = modules.flatMap(({ tensors }, i) =>
    Object.entries(tensors).map(([name, tensor]) => [`net.${i}.${name}`, tensor] as const),
  );
  // The order of tensors in a file means nothing.
  const file = stateDict(Object.fromEntries(tensors.toSorted(() => draw.below(3) - 1)));
  return { file, run: (x) => modules.reduce((values, { run }) => run(values), [...x]), width: widths[0]! };
}

/** The outputs of layers as they are given, in float64. */
function evaluate(layers: readonly GivenLayer[], x: readonly number[]): number[] {
  return layers.reduce<number[]>(
    (values, { rows, columns, weights, scales, biases }, l) => {
      const sums = Array.from({ length: rows }, (_, row) => {
        const scale = scales ? scales[row]! : 1;
        return values.reduce(
          (sum, value, i) => sum + weights[row * columns + i]! * scale * value,
          biases?.[row] ?? 0,
        );
      });
      return l < layers.length - 1 ? sums.map((sum) => Math.max(sum, 0)) : sums;
    },
    [...x],
  );
}

/** The real outputs of the network of integers. */
function outputsOf({ network, quantization }: ImportedNetwork, x: readonly number[]): number[] {
  const scales = { activationBits: network.activationBits, ...quantization! };
  const inputs = Int32Array.from(x, (value) => integerInput(scales, value));
  return Array.from(
    realOutputs(scales, forward(network, withConstant(network, network.layers[0]!.columns, inputs))),
  );
}

const largest = (values: readonly number[]) => Math.max(...values.map(Math.abs));
const distance = (a: readonly number[], b: readonly number[]) => largest(a.map((value, i) => value - b[i]!));

const models = fc
  .tuple(fc.integer(), fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 2, maxLength: 4 }))
  .map(([seed, widths]) => ({ seed, widths }));
const inputsOf = (seed: number, width: number) =>
  Array.from({ length: 8 }, (_, k) => drawer(seed + k).list(width, -1, 1));

describe("State dicts", () => {
  test("The layers of a random state dict have the outputs of its modules", () => {
    fc.assert(
      fc.property(models, ({ seed, widths }) => {
        const model = sequential(seed, widths, forms);
        const { layers } = networkOfTensors(readSafetensors(model.file).tensors);
        for (const x of inputsOf(seed, model.width)) {
          const wanted = model.run(x);
          expect(distance(evaluate(layers, x), wanted)).toBeLessThan(1e-11 * Math.max(1, largest(wanted)));
        }
      }),
      { seed: 17, numRuns: 150 },
    );
  });

  test("The network of a random state dict approaches the outputs of its modules", () => {
    fc.assert(
      fc.property(models, ({ seed, widths }) => {
        const model = sequential(seed, widths, forms);
        const imported = importNetwork(model.file, {
          targetBits: 20,
          activationBits: 18,
          quantizer: "nearest",
        });
        const inputs = inputsOf(seed, model.width);
        const wanted = inputs.map(model.run);
        const size = Math.max(1, largest(wanted.flat()));
        inputs.forEach((x, k) =>
          expect(distance(outputsOf(imported, x), wanted[k]!)).toBeLessThan(2e-3 * size),
        );
      }),
      { seed: 18, numRuns: 60 },
    );
  });

  test("Integers with one scale for each matrix are kept: the network has them, times a power of two", () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 6 }), (seed, bits) => {
        const draw = drawer(seed);
        const most = 2 ** bits;
        const matrix = (rows: number, columns: number) =>
          Array.from({ length: rows * columns }, () => draw.below(2 * most + 1) - most);
        const [first, second] = [matrix(3, 4), matrix(2, 3)];
        const integers = (shape: readonly number[], values: readonly number[]): WrittenTensor => ({
          dtype: "I8",
          shape,
          values,
        });
        const file = stateDict({
          "fc1.weight": integers([3, 4], first),
          "fc1.weight_scale": real([], draw.list(1, 0.001, 1)),
          "fc2.weight": integers([2, 3], second),
          "fc2.weight_scale": real([2], draw.list(2, 0.001, 1)),
        });
        const { network, quantization } = importNetwork(file);
        expect(quantization!.layers.map(({ kept, weightError }) => [kept, weightError])).toEqual([
          [true, 0],
          [true, 0],
        ]);
        [first, second].forEach((values, l) => {
          const got = Array.from(network.layers[l]!.weights);
          const at = values.findIndex((value) => value !== 0);
          const factor = at < 0 ? 1 : got[at]! / values[at]!;
          expect(Math.log2(factor) % 1).toBe(0);
          expect(got.map((value) => value + 0)).toEqual(values.map((value) => value * factor + 0));
        });
        // Each output has its own scale.
        expect((quantization!.outputScale as number[]).length).toBe(2);
      }),
      { seed: 19, numRuns: 100 },
    );
  });

  const twoLayers = (scales: readonly number[]) =>
    stateDict({
      "fc1.weight": { dtype: "I8", shape: [2, 1], values: [3, -5] },
      "fc1.scales": real([2, 1], scales),
      "fc2.weight": { dtype: "I8", shape: [1, 2], values: [7, 4] },
      "fc2.scale": real([1], [0.5]),
    });

  test("Rows of a hidden layer with scales that are multiples of one number are multiplied by integers", () => {
    const { network, bits, notes, quantization } = importNetwork(twoLayers([0.25, 0.75]));
    expect([bits, notes]).toEqual([
      4,
      [
        '"fc1.weight": its rows are multiplied by integers up to 3, so that they have one scale',
        '"fc2.weight": its integers are multiplied by 2, to fill 4 bits',
      ],
    ]);
    expect(network.layers.map(({ weights }) => Array.from(weights))).toEqual([
      [3, -15],
      [14, 8],
    ]);
    expect(quantization!.layers.map(({ kept, scale }) => [kept, scale])).toEqual([
      [true, 4],
      [true, 4],
    ]);
    expect(quantization!.outputScale).toBe(16);
  });

  test("Behind rows whose scales have no common unit, the next layer is rounded, and a note says by how much it is off", () => {
    const imported = importNetwork(twoLayers([0.1, 0.3]));
    expect(imported.notes).toEqual([
      '"fc1.weight": its integers are multiplied by 32, to fill 8 bits',
      '"fc2.weight": its columns are multiplied by the scales of the rows before it, which differ up to 3 times, and it is rounded to 8 bits: weights are off by at most 0.00781',
    ]);
    expect(imported.quantization!.layers.map(({ kept }) => kept)).toEqual([true, false]);
    // Row 1 has the largest scale; 7 x 0.1 of 4 x 0.3 are 149 of 256.
    expect(imported.network.layers.map(({ weights }) => Array.from(weights))).toEqual([
      [96, -160],
      [149, 256],
    ]);
    expect(outputsOf(imported, [1])[0]).toBeCloseTo(0.1 * 3 * 0.5 * 7, 1);
  });

  test("Integers that do not fit the bits that are asked for are rounded, and a note says so", () => {
    const { notes, quantization } = importNetwork(twoLayers([0.25, 0.25]), { targetBits: 2 });
    expect(notes).toEqual([
      '"fc1.weight": its integers or biases do not fit 2 bits, and it is rounded to 2 bits: weights are off by at most 0.125',
      '"fc2.weight": its integers or biases do not fit 2 bits, and it is rounded to 2 bits: weights are off by at most 0.25',
    ]);
    expect(quantization!.layers.map(({ kept }) => kept)).toEqual([false, false]);
  });

  test("A batch normalization is folded where its name says, with eps in a note", () => {
    const ones = real([2], [1, 1]);
    const bn = { "bn.running_mean": ones, "bn.running_var": ones };
    const fc = (name: string, rows: number, columns: number) => ({
      [`${name}.weight`]: real(
        [rows, columns],
        Array.from({ length: rows * columns }, (_, i) => i + 1),
      ),
    });
    const notesOf = (tensors: Record<string, WrittenTensor>) => importNetwork(stateDict(tensors)).notes;
    const rename = (tensors: Record<string, WrittenTensor>, from: string, to: string) =>
      Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name.replace(from, to), tensor]));
    const note = (side: string) => [`batch normalization ${side}, with eps 0.00001`];
    expect(notesOf({ ...fc("fc1", 2, 3), ...rename(bn, "bn", "bn1"), ...fc("fc2", 1, 2) })).toEqual(
      note('"bn1" is folded in, as one directly behind "fc1.weight", before the ReLU'),
    );
    expect(notesOf({ ...fc("net.0", 2, 3), ...rename(bn, "bn", "net.2"), ...fc("net.3", 1, 2) })).toEqual(
      note('"net.2" is folded in, as one directly in front of "net.3.weight"'),
    );
    expect(
      notesOf({ ...fc("layers.0", 2, 3), ...rename(bn, "bn", "norms.0"), ...fc("layers.1", 2, 2) }),
    ).toEqual(note('"norms.0" is folded in, as one directly behind "layers.0.weight", before the ReLU'));
    expect(notesOf({ ...bn, ...fc("fc1", 1, 2) })).toEqual(
      note('"bn" is folded in, as one directly in front of "fc1.weight"'),
    );
    const integers = {
      "1.weight": { dtype: "I8", shape: [1, 2], values: [3, 4] },
      "1.scale": real([1], [0.5]),
    } as const;
    expect(notesOf({ ...rename(bn, "bn", "0"), ...integers })).toEqual([
      'batch normalization "0" is folded in, as one directly in front of "1.weight", with eps 0.00001; its integers are multiplied by real numbers and rounded',
    ]);
    const refused = [
      [
        { ...fc("fc1", 2, 3), ...rename(bn, "bn", "bn1"), ...rename(bn, "bn", "norm1") },
        '"fc1.weight": expected one batch normalization on each side, got batch normalization "norm1"',
      ],
      // A ReLU may be before or behind it.
      [
        { ...fc("0", 2, 3), ...rename(bn, "bn", "2"), ...fc("4", 1, 2) },
        '"2.running_mean": expected a layer of 2 units beside it, which names tell, got none',
      ],
      [
        { ...fc("fc1", 2, 2), ...bn, ...fc("fc2", 2, 2) },
        'got directly behind "fc1.weight" or directly behind "fc2.weight" or directly in front of "fc1.weight"; export the model as ONNX',
      ],
      [
        { ...fc("fc1", 3, 2), "bn1.running_mean": ones },
        '"bn1.running_mean": expected running_mean and running_var, and perhaps weight and bias, of one length, got "bn1.running_mean" [2]',
      ],
      [
        { ...fc("fc1", 2, 2), ...rename(bn, "bn", "bn1"), "bn1.running_var": real([2], [1, -1]) },
        '"bn1.running_var": expected numbers of 0 or more, got -1',
      ],
    ] as const;
    for (const [tensors, message] of refused) expect(() => notesOf(tensors)).toThrow(message);
  });

  const weights = { "fc1.weight": { dtype: "I8", shape: [2, 3], values: [1, 2, 3, 4, 5, 6] } } as const;
  test.each<[string, Record<string, WrittenTensor>, string]>([
    [
      "a zero point alone",
      { ...weights, "fc1.zero_point": real([1], [1]) },
      '"fc1.zero_point": expected a scale beside it, got nothing',
    ],
    [
      "a scale for each input",
      { ...weights, "fc1.scale": real([3], [1, 1, 1]) },
      '"fc1.scale": expected 1 number, or 2, one for each output, got [3]',
    ],
    [
      "scales of groups",
      { ...weights, "fc1.scale": real([2, 3], [1, 1, 1, 1, 1, 1]) },
      "scales for groups of inputs",
    ],
    [
      "a zero point with a fraction",
      { ...weights, "fc1.scale": real([1], [1]), "fc1.zero_point": real([1], [0.5]) },
      '"fc1.zero_point": expected integers, got 0.5',
    ],
    [
      "an infinite scale",
      { ...weights, "fc1.scale": real([1], [Infinity]) },
      '"fc1.weight", scale 0: expected a finite number above 0, got Infinity',
    ],
    [
      "a scale of real weights",
      { "fc1.weight": real([1, 1], [1]), "fc1.scale": real([1], [1]) },
      '"fc1.scale": expected integers as the weights beside a scale, got real numbers, "fc1.weight"',
    ],
    [
      "an integer bias",
      { ...weights, "fc1.scale": real([1], [1]), "fc1.bias": { dtype: "I32", shape: [2], values: [1, 2] } },
      '"fc1.bias": expected real numbers beside weights with scales, got integers',
    ],
    [
      "a real bias without a scale",
      { ...weights, "fc1.bias": real([2], [1, 2]) },
      "integer weights beside real numbers need a scale",
    ],
    [
      "a mask of another shape",
      { ...weights, "fc1.weight_mask": real([3, 2], [1, 1, 1, 1, 1, 1]) },
      '"fc1.weight_mask": expected the shape of what it masks, [2, 3], got [3,2]',
    ],
    [
      "a mask of halves",
      { ...weights, "fc1.weight_mask": real([2, 3], [1, 1, 1, 0, 0.5, 1]) },
      '"fc1.weight_mask": expected 0 and 1, got 0.5',
    ],
    [
      "an original without a mask",
      { "fc1.weight_orig": real([1, 1], [1]) },
      '"fc1.weight_orig": expected a mask of the same name, such as weight_mask, got none',
    ],
    [
      "GPTQ",
      { "fc1.qweight": real([1, 1], [1]), "fc1.scales": real([1, 1], [1]) },
      '"fc1.qweight": weights of GPTQ or AWQ',
    ],
    ["bitsandbytes", { ...weights, "fc1.SCB": real([2], [1, 1]) }, '"fc1.SCB": weights of bitsandbytes'],
    [
      "bitsandbytes in 4 bits",
      {
        "fc1.weight": { dtype: "U8", shape: [3, 1], values: [1, 2, 3] },
        "fc1.weight.absmax": real([1], [1]),
      },
      "weights of bitsandbytes",
    ],
    [
      "packed weights",
      { "fc1.weight_packed": { dtype: "I32", shape: [2, 1], values: [1, 2] } },
      "packed weights of compressed-tensors",
    ],
    [
      "parameters of torch.ao",
      { "fc1._packed_params.dtype": real([1], [1]) },
      "packed parameters of torch.ao",
    ],
    [
      "weight normalization",
      { "fc1.weight_g": real([1, 1], [1]), "fc1.weight_v": real([1, 1], [1]) },
      "a weight that is computed from others",
    ],
    [
      "an adapter",
      { "fc1.lora_A.weight": real([1, 2], [1, 1]), "fc1.lora_B.weight": real([2, 1], [1, 1]) },
      "a LoRA adapter",
    ],
  ])("A state dict with %s is refused", (_, tensors, message) => {
    expect(() => importNetwork(stateDict(tensors))).toThrow(message);
  });
});

describe("Order of layers", () => {
  /** All orders of a list. */
  function permutations<Item>(items: readonly Item[]): Item[][] {
    if (items.length === 0) return [[]];
    return items.flatMap((item, i) => permutations(items.toSpliced(i, 1)).map((rest) => [item, ...rest]));
  }

  interface Named {
    readonly name: string;
    readonly rows: number;
    readonly columns: number;
  }

  /** Whether an order fits shapes, numbers in names and modules, judged pair by pair. */
  function isAdmitted(order: readonly Named[]): boolean {
    if (order.some(({ columns }, l) => l > 0 && columns !== order[l - 1]!.rows)) return false;
    const numbered = order.every(({ name }, l) =>
      order.slice(l + 1).every(({ name: later }) => {
        let at = 0;
        while (at < name.length && name[at] === later[at]) at++;
        while (at > 0 && /\d/.test(name[at - 1]!)) at--;
        const [a, b] = [/^\d+/.exec(name.slice(at)), /^\d+/.exec(later.slice(at))];
        return !a || !b || Number(a[0]) <= Number(b[0]);
      }),
    );
    const modules = new Set(
      order.flatMap(({ name }) => name.split(".").map((_, i, words) => `${words.slice(0, i).join(".")}.`)),
    );
    const together = [...modules].every((module) => {
      const inside = order.map(({ name }) => name.startsWith(module));
      return (
        inside.lastIndexOf(true) - inside.indexOf(true) + 1 === inside.filter(Boolean).length ||
        module === "."
      );
    });
    return numbered && together;
  }

  const stems = fc.constantFrom(
    "fc1",
    "fc2",
    "fc10",
    "out",
    "in",
    "encoder.0",
    "encoder.2",
    "decoder.0",
    "decoder.2",
    "a.b1",
    "a.b2",
    "a.c",
  );
  const layers = fc.uniqueArray(
    fc.record({ name: stems, rows: fc.integer({ min: 2, max: 3 }), columns: fc.integer({ min: 2, max: 3 }) }),
    { selector: ({ name }) => name, minLength: 1, maxLength: 5 },
  );
  const fileOf = (given: readonly Named[], metadata?: Record<string, unknown>) =>
    stateDict(
      Object.fromEntries(
        given.map(({ name, rows, columns }) => [
          `${name}.weight`,
          real([rows, columns], Array<number>(rows * columns).fill(1)),
        ]),
      ),
      metadata,
    );
  /** The names of the layers of a file in the order in which they are read. */
  const orderOf = (file: Uint8Array, stated?: readonly string[]) => {
    const { tensors, metadata } = readSafetensors(file);
    return networkOfTensors(tensors, stated, metadata).layers.map(({ name }) => name.replace(".weight", ""));
  };

  test("The order is the one that shapes, numbers and modules admit, and is refused where there are two or none", () => {
    const seen = { none: 0, one: 0, more: 0 };
    fc.assert(
      fc.property(layers, (given) => {
        const admitted = permutations(given)
          .filter(isAdmitted)
          .map((order) => order.map(({ name }) => name));
        const read = () => orderOf(fileOf(given));
        if (admitted.length === 1) {
          seen.one++;
          expect(read()).toEqual(admitted[0]);
          return;
        }
        const error = refusalOf(read);
        if (admitted.length === 0) {
          seen.none++;
          expect(error.field).toBe("tensors");
          return;
        }
        seen.more++;
        const remedies = error.remedy as readonly { option: string; value: readonly string[] }[];
        expect(remedies.map(({ option }) => option)).toEqual(["order", "order"]);
        for (const { value } of remedies) {
          expect(admitted).toContainEqual(value);
          expect(orderOf(fileOf(given), value)).toEqual(value);
          expect(orderOf(fileOf(given, { layers: JSON.stringify(value) }))).toEqual(value);
        }
      }),
      { seed: 20, numRuns: 500 },
    );
    expect(Math.min(seen.none, seen.one, seen.more)).toBeGreaterThan(20);
  });

  function refusalOf(read: () => unknown): RequestError {
    try {
      read();
    } catch (error) {
      if (error instanceof RequestError) return error;
      throw error;
    }
    throw new Error("it was read");
  }

  const auto: Named[] = [
    { name: "encoder", rows: 2, columns: 6 },
    { name: "decoder", rows: 6, columns: 2 },
  ];
  test("An autoencoder is refused with both orders, and read in the one that is stated", () => {
    expect(() => importNetwork(fileOf(auto))).toThrow(
      'got more than one; use order: ["decoder","encoder"], for the widths 2 -> 6 -> 2; use order: ["encoder","decoder"], for the widths 6 -> 2 -> 6',
    );
    for (const metadata of [
      { order: "encoder, decoder.weight" },
      { index: '{"decoder": 1, "encoder": 0}' },
      { index: { encoder: 3, decoder: "12" } },
    ])
      expect(orderOf(fileOf(auto, metadata))).toEqual(["encoder", "decoder"]);
    expect(orderOf(fileOf(auto), ["decoder.weight", "encoder"])).toEqual(["decoder", "encoder"]);
  });

  test.each<[readonly string[], string]>([
    [["encoder"], 'order: expected each of "encoder", "decoder" once, got no "decoder"'],
    [["encoder", "encoder"], 'order: expected each of "encoder", "decoder" once, got "encoder" twice'],
    [["encoder", "middle"], 'order: expected each of "encoder", "decoder" once, got "middle"'],
  ])("The stated order %j is refused", (order, message) => {
    expect(() => importNetwork(fileOf(auto), { order })).toThrow(message);
  });

  test("An order that does not fit the shapes is refused, and so are two that differ, and one for JSON", () => {
    const chain = [auto[0]!, { name: "decoder", rows: 3, columns: 2 }];
    expect(() => importNetwork(fileOf(chain), { order: ["decoder", "encoder"] })).toThrow(
      "each needs as many inputs as the one before",
    );
    expect(() => importNetwork(fileOf(auto, { a: "encoder,decoder", b: "decoder,encoder" }))).toThrow(
      "metadata: expected one order of layers",
    );
    const json = Uint8Array.from(Buffer.from('{"layers":[{"weights":[[1]]}]}'));
    expect(() => importNetwork(json, { order: ["layers.0"] })).toThrow(
      "order: expected none for JSON and ONNX",
    );
  });

  test("Of very many layers that could follow one another the order is refused before long", () => {
    const names = Array.from({ length: 40 }, (_, i) => ({
      name: String.fromCharCode(65 + (i % 26)).repeat(1 + Math.floor(i / 26)),
      rows: 2,
      columns: 2,
    }));
    const dead = [...names, { name: "z", rows: 2, columns: 7 }, { name: "y", rows: 2, columns: 9 }];
    expect(() => importNetwork(fileOf(dead))).toThrow("got very many layers that could follow one another");
    const chain = Array.from({ length: 1000 }, (_, i) => ({ name: `net.${i}`, rows: 1, columns: 1 }));
    expect(orderOf(fileOf(chain))).toEqual(chain.map(({ name }) => name));
  });
});
