// The LeNet-5 in examples/lenet: it reads as many test images as its README says.

import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { readDigits } from "../host/node/formats/mnist.ts";
import { graphValues } from "../src/graph/forward.ts";
import { isLinear, type Graph } from "../src/graph/model.ts";
import { readGraph } from "../src/graph/read.ts";

const folder = new URL("../examples/lenet/", import.meta.url);
const network = readGraph(JSON.parse(await readFile(new URL("lenet.json", folder), "utf8")));
const readme = await readFile(new URL("README.md", folder), "utf8");
const PIXELS = 784;

const { images, labels } = await readDigits("test");

/** How many of some test images have their largest output, the first of equal ones, at their label. */
function rightOf(graph: Graph, from: number, to: number): number {
  let right = 0;
  for (let k = from; k < to; k++) {
    const outputs = graphValues(graph, images.subarray(k * PIXELS, (k + 1) * PIXELS)).at(-1)!;
    right += Number(outputs.indexOf(Math.max(...outputs)) === labels[k]);
  }
  return right;
}

/** The number of images that the README gives for some of them. */
function recorded(images: string): number {
  const [, right] = new RegExp(`\\| ${images} \\| ([\\d,]+) \\|`).exec(readme)!;
  return Number(right!.replace(",", ""));
}

describe("LeNet-5", () => {
  test("The network is a LeNet-5 with weights of 4 bits", () => {
    const layers = network.nodes.filter(isLinear);
    expect(network.nodes.map(({ kind, shape }) => `${kind} ${shape.join("x")}`)).toEqual([
      "conv 6x28x28",
      "max-pool 6x14x14",
      "conv 16x10x10",
      "max-pool 16x5x5",
      "flatten 400",
      "dense 120",
      "dense 84",
      "dense 10",
    ]);
    expect(layers.map(({ bits }) => bits)).toEqual([4, 4, 4, 4, 4]);
    const numbers = layers.map(({ weights, biases }) => weights.length + biases!.length);
    expect(numbers.reduce((a, b) => a + b)).toBe(61_706);
  });

  test("The network reads the recorded number of the first 500 test images, and one with a kernel negated fewer", () => {
    const right = recorded("the first 500");
    expect(right).toBeGreaterThan(490);
    expect(rightOf(network, 0, 500)).toBe(right);
    const [conv, ...rest] = network.nodes;
    if (conv?.kind !== "conv") throw new Error("The first node is a convolution.");
    const faulty = { ...conv, weights: conv.weights.map((weight, i) => (i < 25 ? -weight : weight)) };
    expect(rightOf({ ...network, nodes: [faulty, ...rest] }, 0, 100)).toBeLessThan(98);
  });
});
