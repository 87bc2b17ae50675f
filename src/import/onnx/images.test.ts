// Random models of images: the graph that is read computes what an interpreter of the model computes, node by node.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { blockNames, imageModel, randomFrom, sizeOf, type ImageModel } from "../../../test/imageModels.ts";
import { bigIntegers, floats, interpret, modelBytes, outputsOf } from "../../../test/onnx.ts";
import type { GivenNetwork } from "../given.ts";
import { forwardGiven, isGivenGraph, type GivenGraph, type GivenNode } from "../givenGraph.ts";
import { readOnnx } from "./read.ts";

const random = () =>
  [
    fc.integer({ min: 0, max: 2 ** 31 - 1 }),
    fc.array(fc.constantFrom(...blockNames), { maxLength: 9 }),
  ] as const;

/** The outputs that a network that was read gives for one sample. */
function outputsFor(given: GivenGraph | GivenNetwork, input: readonly number[]): number[] {
  return isGivenGraph(given)
    ? Array.from(forwardGiven(given, Float64Array.from(input)))
    : outputsOf(given.layers, input);
}

/** The largest distance of outputs from those of the interpreter, relative to the largest output. */
function distance({ model, shape }: ImageModel, given: GivenGraph | GivenNetwork, seed: number): number {
  const samples = 2;
  const { real } = randomFrom(seed);
  const size = sizeOf(shape);
  const values = Array.from({ length: samples * size }, real);
  const outputs = interpret(model, { shape: [samples, ...shape], values }, floats).get(model.outputs[0]!)!;
  const width = outputs.values.length / samples;
  let far = 0;
  for (let k = 0; k < samples; k++) {
    const expected = outputs.values.slice(k * width, (k + 1) * width);
    const got = outputsFor(given, values.slice(k * size, (k + 1) * size));
    expect(got.length).toBe(width);
    const most = Math.max(1, ...expected.map(Math.abs));
    expected.forEach((y, i) => (far = Math.max(far, Math.abs(y - got[i]!) / most)));
  }
  return far;
}

function check(runs: number): void {
  fc.assert(
    fc.property(...random(), (seed, list) => {
      const model = imageModel(seed, list, true);
      expect(distance(model, readOnnx(modelBytes(model.model)), seed + 1)).toBeLessThan(1e-9);
    }),
    { seed: 19, numRuns: runs },
  );
}

function checkIntegers(runs: number): void {
  let integers = 0;
  fc.assert(
    fc.property(...random(), (seed, list) => {
      const { model, shape } = imageModel(seed, list, false);
      const given = readOnnx(modelBytes(model));
      const { integer } = randomFrom(seed + 1);
      const input = Array.from({ length: sizeOf(shape) }, () => integer(3));
      const values = input.map(BigInt);
      const { values: outputs } = interpret(model, { shape: [1, ...shape], values }, bigIntegers).get(
        model.outputs[0]!,
      )!;
      // Sums beyond 2^53 are not exact in float64.
      fc.pre(outputs.every((y) => y < 2n ** 40n && y > -(2n ** 40n)));
      if (given.integer) integers++;
      expect(outputsFor(given, input)).toEqual(outputs.map((y) => Number(y)));
    }),
    { seed: 19, numRuns: runs },
  );
  expect(integers).toBeGreaterThan(runs / 50);
}

describe("Random ONNX graph of images", () => {
  test("Graphs that are read from models of real numbers compute what their nodes compute, within 1e-9", () => {
    expect(() => check(150)).not.toThrow();
  });

  test("Graphs that are read from models of integers compute exactly what their nodes compute", () => {
    expect(() => checkIntegers(100)).not.toThrow();
  });

  test("The random models have all kinds of nodes, and groups, padding, strides and dilations", () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 100; seed++) {
      const given = readOnnx(modelBytes(imageModel(seed, ["conv", "pool", "sum", "relu"], true).model));
      for (const node of isGivenGraph(given) ? given.nodes : []) {
        seen.add(node.kind);
        if ("groups" in node && node.groups > 1) seen.add("groups");
        if (!("window" in node) || !node.window) continue;
        if (node.window.padding.some((pad) => pad > 0)) seen.add(`padded ${node.kind}`);
        if (node.window.stride.some((step) => step > 1)) seen.add("stride");
        if (node.window.dilation.some((step) => step > 1)) seen.add("dilation");
      }
    }
    expect([...seen].toSorted()).toEqual([
      "add",
      "average-pool",
      "conv",
      "dense",
      "dilation",
      "flatten",
      "groups",
      "max-pool",
      "padded average-pool",
      "padded conv",
      "padded max-pool",
      "stride",
    ]);
  });

  test.each<[string, (node: GivenNode) => GivenNode]>([
    [
      "a weight that is off by 0.01",
      (node) =>
        node.kind === "conv"
          ? {
              ...node,
              layer: { ...node.layer, weights: node.layer.weights.map((w, i) => (i === 0 ? w + 0.01 : w)) },
            }
          : node,
    ],
    [
      "padding that counts",
      (node) => (node.kind === "average-pool" ? { ...node, countPadding: !node.countPadding } : node),
    ],
    ["a ReLU too many", (node) => (node.kind === "add" ? { ...node, relu: !node.relu } : node)],
    [
      "padding on another side",
      (node) =>
        "window" in node && node.window
          ? {
              ...node,
              window: {
                ...node.window,
                padding: [...node.window.padding.slice(1), node.window.padding[0]] as never,
              },
            }
          : node,
    ],
  ])("The distance from the interpreter shows %s", (_, change) => {
    let shown = 0;
    for (let seed = 0; seed < 30; seed++) {
      const model = imageModel(seed, ["conv", "pool", "sum", "relu"], true);
      const given = readOnnx(modelBytes(model.model));
      if (!isGivenGraph(given)) continue;
      const wrong = { ...given, nodes: given.nodes.map(change) };
      if (distance(model, wrong, seed) > 1e-9) shown++;
    }
    expect(shown).toBeGreaterThan(3);
  });

  test("Many more random graphs of images compute what their nodes compute", { tags: ["wide"] }, () => {
    expect(() => check(350)).not.toThrow();
    expect(() => checkIntegers(150)).not.toThrow();
  });
});
