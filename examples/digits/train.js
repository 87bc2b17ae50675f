// Trains digits.safetensors, a perceptron that reads handwritten digits: 784 pixels, 32 hidden units with ReLU, 10 outputs.
// Every run writes the same bytes:
//
//     node examples/digits/train.js [FILE]
//
// Training begins with real numbers and ends with integers of 4 bits. The forward pass then rounds every weight to a multiple of
// 2^-4 of the largest one and every sum down to a multiple of 2^-8, and the backward pass ignores the rounding (straight-through
// estimator; Bengio, Leonard & Courville, arXiv 1308.3432). The optimizer is Adam; weights of the first layer shrink towards 0.

import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { runnerImport } from "vite";

const SEED = 1;
const HIDDEN = 32;
const PIXELS = 784;
const CLASSES = 10;
/** Inputs, hidden units and outputs are in units of 1 / ONE. */
const ONE = 256;

const BATCH = 64;
/** Real numbers first, then integers of `bits` bits. In each phase the learning rate falls from `rate` to 0 along a cosine. */
const phases = [
  { epochs: 20, rate: 0.004, bits: undefined },
  { epochs: 10, rate: 0.0012, bits: 4 },
];
/** Decay: a step moves every weight of the first layer towards 0 by the rate times this. */
const SHRINK = 0.03;
/** The largest magnitude of a weight, by layer: a few larger ones would coarsen the grid of all others. */
const LIMITS = [0.5, 1];

/** @type {(path: string) => string} */
const near = (path) => fileURLToPath(new URL(path, import.meta.url));
/** @type {{ module: typeof import("../../host/node/formats/mnist.ts") }} */
const { module: mnist } = await runnerImport(near("../../host/node/formats/mnist.ts"));
/** @type {{ module: typeof import("../../src/random.ts") }} */
const { module: random } = await runnerImport(near("../../src/random.ts"));

const key = random.streamKey(BigInt(SEED), [0, 0]);
let drawn = 0;
/** The next random number in [0, 1). */
const draw = () => random.threefry2x32(key, [drawn++, 0])[0] / 2 ** 32;

/**
 * Images as sparse lists of the pixels that are not 0, a fifth of all: those of image k are start[k]..start[k + 1].
 * @param {Awaited<ReturnType<typeof mnist.readDigits>>} digits
 */
function inkOf({ count, images, labels }) {
  const lit = images.reduce((sum, value) => sum + Number(value > 0), 0);
  const start = new Int32Array(count + 1);
  const pixels = new Int32Array(lit);
  const values = new Uint8Array(lit);
  let at = 0;
  for (let k = 0; k < count; k++) {
    for (let pixel = 0; pixel < PIXELS; pixel++) {
      const value = images[k * PIXELS + pixel];
      if (value === 0) continue;
      pixels[at] = pixel;
      values[at++] = value;
    }
    start[k + 1] = at;
  }
  return { count, start, pixels, values, labels };
}
/** @typedef {ReturnType<typeof inkOf>} Ink */

const trainInk = inkOf(await mnist.readDigits("train"));
const testInk = inkOf(await mnist.readDigits("test"));

/** Lengths of w1, b1, w2 and b2. The rows of w1 are pixels, so that pixels of 0 are skipped; those of w2 are outputs. */
const sizes = [PIXELS * HIDDEN, HIDDEN, CLASSES * HIDDEN, CLASSES];
const zeros = () => sizes.map((size) => new Float32Array(size));
const parameters = zeros();
const lit = new Set(trainInk.pixels);
// Pixels that no image lights have weights of 0, which training does not change.
for (let i = 0; i < sizes[0]; i++)
  if (lit.has(Math.floor(i / HIDDEN))) parameters[0][i] = (2 * draw() - 1) * 0.2;
for (let i = 0; i < sizes[2]; i++) parameters[2][i] = (2 * draw() - 1) * 0.4;

/** @param {Float32Array} values */
const largest = (values) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/**
 * The network that `run` runs: the parameters times `unit` over `scales`, with sums rounded down to integers after every layer
 * where `whole` is set. Without bits, it has the real parameters.
 * @param {number | undefined} bits
 */
function networkOf(bits) {
  if (bits === undefined) return { tensors: parameters, unit: 1, scales: [1, 1], whole: false };
  const unit = 2 ** bits;
  const scales = [largest(parameters[0]), largest(parameters[2])];
  // A bias is the weight of an input that is always 1, so its scale is that of its layer times that of the layer before.
  const all = [scales[0], scales[0], scales[1], scales[0] * scales[1]];
  const tensors = parameters.map((values, t) => values.map((value) => Math.round((value / all[t]) * unit)));
  return { tensors, unit, scales, whole: true };
}
/** @typedef {ReturnType<typeof networkOf>} Network */

const hidden = new Float64Array(HIDDEN);
const outputs = new Float64Array(CLASSES);

/**
 * Runs a network on image k, into `hidden` and `outputs`, in units of 1 / ONE.
 * @param {Network} network
 * @param {Ink} ink
 * @param {number} k
 */
function run({ tensors: [w1, b1, w2, b2], unit, whole }, { start, pixels, values }, k) {
  for (let j = 0; j < HIDDEN; j++) hidden[j] = b1[j] * ONE;
  for (let i = start[k]; i < start[k + 1]; i++) {
    const at = pixels[i] * HIDDEN;
    const value = values[i];
    for (let j = 0; j < HIDDEN; j++) hidden[j] += w1[at + j] * value;
  }
  for (let j = 0; j < HIDDEN; j++) {
    const sum = hidden[j] / unit;
    hidden[j] = Math.max(0, whole ? Math.floor(sum) : sum);
  }
  for (let c = 0; c < CLASSES; c++) {
    let sum = b2[c] * ONE;
    for (let j = 0; j < HIDDEN; j++) sum += w2[c * HIDDEN + j] * hidden[j];
    outputs[c] = whole ? Math.floor(sum / unit) : sum;
  }
}

/**
 * The fraction of test images whose largest output, the first of equal ones, is their label.
 * @param {Network} network
 */
function accuracyOf(network) {
  let right = 0;
  for (let k = 0; k < testInk.count; k++) {
    run(network, testInk, k);
    right += Number(outputs.indexOf(Math.max(...outputs)) === testInk.labels[k]);
  }
  return right / testInk.count;
}

const errors = new Float64Array(CLASSES);
const hiddenErrors = new Float64Array(HIDDEN);

/**
 * Adds the gradient of the cross-entropy of training image k, ignoring the rounding, and returns the cross-entropy.
 * @param {Network} network
 * @param {number} k
 * @param {Float32Array[]} gradient
 */
function learn(network, k, [g1, gb1, g2, gb2]) {
  const { tensors, unit, scales } = network;
  const { start, pixels, values, labels } = trainInk;
  const w2 = tensors[2];
  run(network, trainInk, k);
  const most = Math.max(...outputs);
  let total = 0;
  for (let c = 0; c < CLASSES; c++)
    total += errors[c] = Math.exp(((outputs[c] - most) * scales[0] * scales[1]) / ONE);
  for (let c = 0; c < CLASSES; c++) errors[c] /= total;
  const loss = -Math.log(errors[labels[k]]);
  errors[labels[k]] -= 1;
  hiddenErrors.fill(0);
  for (let c = 0; c < CLASSES; c++) {
    const error = errors[c];
    gb2[c] += error;
    for (let j = 0; j < HIDDEN; j++) {
      g2[c * HIDDEN + j] += (error * hidden[j] * scales[0]) / ONE;
      hiddenErrors[j] += (error * w2[c * HIDDEN + j] * scales[1]) / unit;
    }
  }
  for (let j = 0; j < HIDDEN; j++) {
    if (hidden[j] === 0) hiddenErrors[j] = 0;
    gb1[j] += hiddenErrors[j];
    hiddenErrors[j] /= ONE;
  }
  for (let i = start[k]; i < start[k + 1]; i++) {
    const at = pixels[i] * HIDDEN;
    const value = values[i];
    for (let j = 0; j < HIDDEN; j++) g1[at + j] += hiddenErrors[j] * value;
  }
  return loss;
}

/** The largest magnitudes of w1, b1, w2 and b2. Biases become weights of an input of 1, so the weights limit them. */
const limits = [
  () => LIMITS[0],
  () => largest(parameters[0]),
  () => LIMITS[1],
  () => largest(parameters[0]) * largest(parameters[2]),
];

const means = zeros();
const squares = zeros();
let steps = 0;

/**
 * Does one step of Adam (Kingma & Ba, arXiv 1412.6980), and clamps every parameter to its limit.
 * @param {Float32Array[]} gradient summed over `count` images
 * @param {number} count
 * @param {number} rate
 */
function step(gradient, count, rate) {
  steps++;
  const meanPart = 1 - 0.9 ** steps;
  const squarePart = 1 - 0.999 ** steps;
  parameters.forEach((values, t) => {
    const slopes = gradient[t];
    const mean = means[t];
    const square = squares[t];
    const shrink = t === 0 ? rate * SHRINK : 0;
    const limit = limits[t]();
    for (let i = 0; i < values.length; i++) {
      const slope = slopes[i] / count;
      mean[i] += 0.1 * (slope - mean[i]);
      square[i] += 0.001 * (slope * slope - square[i]);
      const value = values[i] - (rate * (mean[i] / meanPart)) / (Math.sqrt(square[i] / squarePart) + 1e-8);
      const size = Math.min(Math.max(Math.abs(value) - shrink, 0), limit);
      // Adding 0 turns -0 into 0.
      values[i] = Math.sign(value) * size + 0;
    }
  });
}

const order = Int32Array.from({ length: trainInk.count }, (_, k) => k);
const gradient = zeros();
for (const { epochs, rate, bits } of phases)
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (let i = order.length - 1; i > 0; i--) {
      const j = Math.floor(draw() * (i + 1));
      [order[i], order[j]] = [order[j], order[i]];
    }
    let loss = 0;
    for (let from = 0; from < order.length; from += BATCH) {
      const batch = order.subarray(from, from + BATCH);
      const network = networkOf(bits);
      for (const values of gradient) values.fill(0);
      for (const k of batch) loss += learn(network, k, gradient);
      const done = (epoch + from / order.length) / epochs;
      step(gradient, batch.length, (rate * (1 + Math.cos(Math.PI * done))) / 2);
    }
    console.log(`${bits ? `${bits} bits` : "real"}, epoch ${epoch + 1}: ${(loss / order.length).toFixed(4)}`);
  }

const [w1, b1, w2, b2] = parameters;
// The rows of PyTorch are units.
const rows = w1.map((_, i) => w1[(i % PIXELS) * HIDDEN + Math.floor(i / PIXELS)]);
const tensors = [
  { name: "0.weight", shape: [HIDDEN, PIXELS], values: rows },
  { name: "0.bias", shape: [HIDDEN], values: b1 },
  { name: "2.weight", shape: [CLASSES, HIDDEN], values: w2 },
  { name: "2.bias", shape: [CLASSES], values: b2 },
];
const metadata = {
  format: "pt",
  model: "Linear(784, 32), ReLU, Linear(32, 10)",
  inputs: "28 x 28 pixels of 0..255, divided by 256, row by row from the top, 0 for paper",
  data: "MNIST, the 60,000 training images (Yann LeCun, Corinna Cortes, Christopher J. C. Burges; CC BY-SA 3.0)",
  license: "CC BY-SA 3.0",
  script: "examples/digits/train.js of exacta",
  seed: String(SEED),
  accuracy: String(accuracyOf(networkOf(undefined))),
  accuracy8Bits: String(accuracyOf(networkOf(8))),
  accuracy4Bits: String(accuracyOf(networkOf(4))),
};
console.log(metadata);

let end = 0;
const entries = tensors.map(({ name, shape, values }) => [
  name,
  { dtype: "F32", shape, data_offsets: [end, (end += values.byteLength)] },
]);
const header = JSON.stringify({ __metadata__: metadata, ...Object.fromEntries(entries) });
const text = header.padEnd(Math.ceil(header.length / 8) * 8);
const file = Buffer.alloc(8 + text.length + end);
file.writeBigUInt64LE(BigInt(text.length));
file.write(text, 8, "ascii");
let at = 8 + text.length;
for (const { values } of tensors) for (const value of values) at = file.writeFloatLE(value, at);
writeFileSync(process.argv[2] ?? near("digits.safetensors"), file);
