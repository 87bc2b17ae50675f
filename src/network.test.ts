// Quantizers, forward passes and their bounds against networks and counts that another program made.

import { describe, expect, test } from "vitest";
import counted from "../test/fixtures/quantizers.json" with { type: "json" };
import { golden, randomNetwork, targetNetwork, type GoldenRow } from "../test/golden.ts";
import {
  boundsOf,
  forward,
  quantize,
  quantizers,
  readNetwork,
  withConstant,
  type Network,
  type Quantizer,
} from "./network.ts";

/** Every input of -2^bits..2^bits, the last one fastest. */
function gridOf(columns: number, bits: number): number[] {
  const values = Array.from({ length: 2 ** (bits + 1) + 1 }, (_, i) => i - 2 ** bits);
  let inputs: number[][] = [[]];
  for (let i = 0; i < columns; i++)
    inputs = inputs.flatMap((input) => values.map((value) => [...input, value]));
  return inputs.flat();
}

function ticketOf(row: GoldenRow, masks: readonly string[] = row.masks): Network {
  const network = randomNetwork(row);
  return {
    ...network,
    layers: network.layers.map((layer, l) => ({
      ...layer,
      weights: layer.weights.map((weight, place) => weight * Number(masks[l]![place])),
    })),
  };
}

/** What `checksum` stands for: outputs of one unit after another. */
function checksumOf(outputs: Float64Array, units: number): number {
  const count = outputs.length / units;
  return outputs.reduce((sum, y, at) => {
    const place = (at % units) * count + Math.floor(at / units);
    return sum + y * ((place % 1009) + 1);
  }, 0);
}

describe.each(golden.map((row, k) => [k + 1, row] as const))("Golden network %i", (_, row) => {
  const inputs = gridOf(row.widths[0]!, row.activationBits);
  const units = row.widths.at(-1)!;

  test.each<[string, Network]>([
    ["the target", targetNetwork(row)],
    ["the pruned network", ticketOf(row)],
  ])("The network %s has the recorded outputs on every input", (_, network) => {
    const outputs = forward(network, inputs);
    const count = outputs.length / units;
    const step = Math.max(Math.floor(count / 40), 1);
    const sampled = [...outputs].filter((_, at) => Math.floor(at / units) % step === 0);
    expect(sampled).toEqual(row.outputs);
    expect(checksumOf(outputs, units)).toBe(row.checksum);
    for (const { sum } of boundsOf(network)) expect(sum).toBeLessThan(2 ** 31);
  });

  test("The network has other outputs before it is pruned, and when one bit of its masks is flipped", () => {
    const outputs = forward(targetNetwork(row), inputs);
    expect(forward(randomNetwork(row), inputs)).not.toEqual(outputs);
    if (!row.control) return;
    const { layer, row: at, column, changed } = row.control;
    const place = at * row.shapes[layer]![1]! + column;
    const masks = row.masks.map((mask, l) =>
      l === layer ? `${mask.slice(0, place)}${1 - Number(mask[place])}${mask.slice(place + 1)}` : mask,
    );
    const flipped = forward(ticketOf(row, masks), inputs);
    let others = 0;
    for (let k = 0; k < outputs.length; k += units)
      others += Number(outputs.subarray(k, k + units).some((y, unit) => y !== flipped[k + unit]));
    expect(others).toBe(changed);
  });
});

describe("Quantizer", () => {
  test.each(counted.examples as [Quantizer, number, number[], number[]][])(
    "The quantizer %s by %i bits has the recorded values",
    (quantizer, shift, values, expected) => {
      expect(values.map((value) => quantize(quantizer, value, shift))).toEqual(expected);
    },
  );

  test.each(counted.counts as [number, number, Quantizer, boolean, number[]][])(
    "A quantizer takes %i bits to %i by %s, 0 included: %s, with the recorded number of each value",
    (initialBits, bits, quantizer, zero, expected) => {
      const counts = expected.map(() => 0);
      for (let value = -(2 ** initialBits); value <= 2 ** initialBits; value++)
        if (zero || value !== 0) counts[quantize(quantizer, value, initialBits - bits) + 2 ** bits]!++;
      expect(counts).toEqual(expected);
    },
  );

  test("A quantizer is exact at 2^53, keeps 0, commutes with a ReLU and never gives -0", () => {
    expect(quantizers.map((quantizer) => quantize(quantizer, 1 - 2 ** 53, 52))).toEqual([-2, -1, -2, -2]);
    for (const quantizer of quantizers)
      for (let value = -70; value <= 70; value++)
        for (const shift of [0, 1, 3, 6]) {
          const quantized = quantize(quantizer, value, shift);
          expect(Object.is(quantized, -0)).toBe(false);
          expect(Math.max(quantized, 0)).toBe(quantize(quantizer, Math.max(value, 0), shift));
          if (shift === 0 || value === 0) expect(quantized).toBe(value);
        }
  });
});

describe("Bounds of a network", () => {
  const network = (weights: number[][], shift: number, clamp = false): Network => ({
    layers: weights.map((row) => ({ rows: 1, columns: row.length, weights: Int32Array.from(row), shift })),
    quantizer: "floor",
    activationBits: 3,
    clamp,
    constant: false,
  });

  test("Bounds are those of the largest inputs, through every layer", () => {
    expect(boundsOf(network([[3, -4], [5]], 2))).toEqual([
      { sum: 56, output: 14 },
      { sum: 70, output: 18 },
    ]);
    expect(boundsOf(network([[3, -4], [5]], 2, true))).toEqual([
      { sum: 56, output: 8 },
      { sum: 40, output: 8 },
    ]);
    // Met, and for a floor below 0 by no less.
    expect([...forward(network([[3, -4]], 2), [8, -8, -8, 8])]).toEqual([14, -14]);
    expect([...forward(network([[-5]], 2), [7])]).toEqual([-9]);
  });

  test("Bounds beyond exact addition are refused, and the layer is named", () => {
    const deep = network(
      Array.from({ length: 6 }, () => [2 ** 30 - 1]),
      18,
    );
    expect(() => boundsOf(deep)).toThrow(
      /^layer 3: expected sums of at most 9007199254740992, got \d+; clamp/,
    );
    expect(boundsOf({ ...deep, clamp: true })).toHaveLength(6);
  });
});

describe("Network in JSON", () => {
  const given = {
    bits: 2,
    activationBits: 3,
    layers: [
      {
        weights: [
          [1, -4],
          [0, 3],
        ],
      },
      { weights: [[2, 2]] },
    ],
  };

  test("A network in JSON is read with a quantizer after every layer", () => {
    const { network, bits } = readNetwork(given);
    expect(bits).toBe(2);
    expect(network).toEqual({
      layers: [
        { rows: 2, columns: 2, weights: Int32Array.of(1, -4, 0, 3), shift: 2 },
        { rows: 1, columns: 2, weights: Int32Array.of(2, 2), shift: 2 },
      ],
      quantizer: "floor",
      activationBits: 3,
      clamp: false,
      constant: false,
    });
  });

  test("Biases in JSON become weights of a constant unit, which hidden layers pass on", () => {
    const { network } = readNetwork({
      ...given,
      clamp: true,
      layers: [given.layers[0], { ...given.layers[1], biases: [-3] }],
    });
    expect(network.constant).toBe(true);
    expect(network.layers.map(({ rows, columns }) => [rows, columns])).toEqual([
      [3, 3],
      [1, 3],
    ]);
    const inputs = Int32Array.of(8, -8, 3, 1, -5, 7, 0, 0);
    const wanted = Array.from({ length: 4 }, (_, k) => {
      const [x, y] = inputs.subarray(2 * k);
      const hidden = [x! - 4 * y!, 3 * y!].map((sum) => Math.min(Math.max(Math.floor(sum / 4), 0), 8));
      return Math.min(Math.max(Math.floor((2 * hidden[0]! + 2 * hidden[1]! - 3 * 8) / 4), -8), 8);
    });
    expect(Array.from(forward(network, withConstant(network, 3, inputs)))).toEqual(wanted);
    expect(new Set(wanted).size).toBeGreaterThan(2);
  });

  test.each<[unknown, string]>([
    [[], "network: expected"],
    [{ ...given, bits: 21 }, "bits: expected an integer in 0..20, got 21"],
    [{ ...given, layers: [] }, "layers: expected"],
    [{ ...given, layers: [{ weights: [[1], [1, 2]] }] }, "layers.0.weights.1: expected 1 weights, got 2"],
    [
      { ...given, layers: [...given.layers, ...given.layers] },
      "layers.2.weights.0: expected 1 weights, got 2",
    ],
    [{ ...given, layers: [{ weights: [[5]] }] }, "layers.0.weights.0.0: expected an integer in -4..4, got 5"],
    [
      { ...given, layers: [{ weights: [[0.5]] }] },
      "layers.0.weights.0.0: expected an integer in -4..4, got 0.5",
    ],
    [{ ...given, layers: [{ weights: [["1"]] }] }, "layers.0.weights.0.0: expected an integer, got"],
    [
      { ...given, layers: [{ weights: [[1]], biases: [1, 1] }] },
      "layers.0.biases: expected 1 weights, got 2",
    ],
    [
      { ...given, layers: [{ weights: [[1]], biases: [9] }] },
      "layers.0.biases.0: expected an integer in -4..4, got 9",
    ],
    [{ ...given, bias: 1 }, "network: expected known fields only, got"],
    [
      { bits: 20, activationBits: 20, layers: [{ weights: [Array<number>(2 ** 14).fill(2 ** 20)] }] },
      "layer 1: expected sums of at most 9007199254740992, got 18014398509481984",
    ],
  ])("Row %# of malformed JSON is refused with a reason", (value, message) => {
    expect(() => readNetwork(value)).toThrow(message);
  });
});
