// Trains wide-digits.safetensors, the perceptron 784-500-10 of Pensia et al. (arXiv 2006.07990, section 4), for `exacta
// approximate`: ReLU after the hidden layer, no biases, 397,000 real weights. Every run writes the same bytes:
//
//     node examples/wide-digits/train.js [FILE]
//
// The loss is the cross-entropy, and the optimizer is Adam with weight decay. The weights are rounded to half precision at the
// end.

import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { runnerImport } from "vite";

const SEED = 1;
const PIXELS = 784;
const HIDDEN = 500;
const CLASSES = 10;
const EPOCHS = 8;
const BATCH = 128;
/** The learning rate falls from this to 0 along a cosine. */
const RATE = 0.002;
/** A step moves every weight towards 0 by the rate times this times the weight. */
const DECAY = 0.02;

/** @type {(path: string) => string} */
const near = (path) => fileURLToPath(new URL(path, import.meta.url));
/** @type {{ module: typeof import("../../host/node/formats/mnist.ts") }} */
const { module: mnist } = await runnerImport(near("../../host/node/formats/mnist.ts"));
/** @type {{ module: typeof import("../../src/random.ts") }} */
const { module: random } = await runnerImport(near("../../src/random.ts"));

/** @type {{ module: typeof import("../../host/node/formats/tensors.ts") }} */
const { module: writer } = await runnerImport(near("../../host/node/formats/tensors.ts"));

const key = random.streamKey(BigInt(SEED), [0, 0]);
let drawn = 0;
/** The next random number in [0, 1). */
const draw = () => random.threefry2x32(key, [drawn++, 0])[0] / 2 ** 32;

const train = await mnist.readDigits("train");
const test = await mnist.readDigits("test");

/** The weights behind pixel p are first[p * HIDDEN + unit], so that pixels of 0 are skipped. */
const first = new Float32Array(PIXELS * HIDDEN);
/** The weights of class c are second[c * HIDDEN + unit]. */
const second = new Float32Array(CLASSES * HIDDEN);
const isLit = new Uint8Array(PIXELS);
train.images.forEach((value, i) => {
  if (value > 0) isLit[i % PIXELS] = 1;
});
// Pixels that no image lights have weights of 0, which training does not change.
for (let i = 0; i < first.length; i++)
  if (isLit[Math.floor(i / HIDDEN)]) first[i] = (2 * draw() - 1) * Math.sqrt(6 / PIXELS);
for (let i = 0; i < second.length; i++) second[i] = (2 * draw() - 1) * Math.sqrt(6 / HIDDEN);

const hidden = new Float32Array(HIDDEN);
const outputs = new Float64Array(CLASSES);

/**
 * Runs image k, into `hidden` and `outputs`.
 * @param {Int32Array} images
 * @param {number} k
 */
function run(images, k) {
  hidden.fill(0);
  for (let pixel = 0; pixel < PIXELS; pixel++) {
    const value = images[k * PIXELS + pixel] / 256;
    if (value === 0) continue;
    for (let j = 0, at = pixel * HIDDEN; j < HIDDEN; j++, at++) hidden[j] += first[at] * value;
  }
  for (let j = 0; j < HIDDEN; j++) if (hidden[j] < 0) hidden[j] = 0;
  for (let c = 0; c < CLASSES; c++) {
    let sum = 0;
    for (let j = 0, at = c * HIDDEN; j < HIDDEN; j++, at++) sum += second[at] * hidden[j];
    outputs[c] = sum;
  }
}

/** The fraction of test images whose largest output, the first of equal ones, is their label. */
function accuracy() {
  let right = 0;
  for (let k = 0; k < test.count; k++) {
    run(test.images, k);
    right += Number(outputs.indexOf(Math.max(...outputs)) === test.labels[k]);
  }
  return right / test.count;
}

const firstSlopes = new Float32Array(first.length);
const secondSlopes = new Float32Array(second.length);
const errors = new Float64Array(CLASSES);
const hiddenErrors = new Float32Array(HIDDEN);

/**
 * Adds the slopes of the cross-entropy of training image k, and returns the cross-entropy.
 * @param {number} k
 */
function learn(k) {
  run(train.images, k);
  const label = train.labels[k];
  const most = Math.max(...outputs);
  let total = 0;
  for (let c = 0; c < CLASSES; c++) total += errors[c] = Math.exp(outputs[c] - most);
  for (let c = 0; c < CLASSES; c++) errors[c] /= total;
  const loss = -Math.log(errors[label]);
  errors[label] -= 1;
  hiddenErrors.fill(0);
  for (let c = 0; c < CLASSES; c++) {
    const error = errors[c];
    for (let j = 0, at = c * HIDDEN; j < HIDDEN; j++, at++) {
      secondSlopes[at] += error * hidden[j];
      hiddenErrors[j] += error * second[at];
    }
  }
  for (let j = 0; j < HIDDEN; j++) if (hidden[j] === 0) hiddenErrors[j] = 0;
  for (let pixel = 0; pixel < PIXELS; pixel++) {
    const value = train.images[k * PIXELS + pixel] / 256;
    if (value === 0) continue;
    for (let j = 0, at = pixel * HIDDEN; j < HIDDEN; j++, at++) firstSlopes[at] += hiddenErrors[j] * value;
  }
  return loss;
}

/** @param {Float32Array} values @param {Float32Array} slopes */
const optimizer = (values, slopes) => ({
  values,
  slopes,
  means: new Float32Array(values.length),
  squares: new Float32Array(values.length),
});
const optimizers = [optimizer(first, firstSlopes), optimizer(second, secondSlopes)];
let steps = 0;

/**
 * Does one step of Adam (Kingma & Ba, arXiv 1412.6980) with slopes that are summed over `count` images, and clears them.
 * @param {number} count
 * @param {number} rate
 */
function step(count, rate) {
  steps++;
  const meanPart = 1 - 0.9 ** steps;
  const squarePart = 1 - 0.999 ** steps;
  for (const { values, slopes, means, squares } of optimizers) {
    for (let i = 0; i < values.length; i++) {
      const slope = slopes[i] / count;
      means[i] += 0.1 * (slope - means[i]);
      squares[i] += 0.001 * (slope * slope - squares[i]);
      values[i] -=
        rate * (means[i] / meanPart / (Math.sqrt(squares[i] / squarePart) + 1e-8) + DECAY * values[i]);
    }
    slopes.fill(0);
  }
}

const order = Int32Array.from({ length: train.count }, (_, k) => k);
for (let epoch = 0; epoch < EPOCHS; epoch++) {
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(draw() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  let loss = 0;
  for (let from = 0; from < order.length; from += BATCH) {
    const batch = order.subarray(from, from + BATCH);
    for (const k of batch) loss += learn(k);
    const done = (epoch + from / order.length) / EPOCHS;
    step(batch.length, (RATE * (1 + Math.cos(Math.PI * done))) / 2);
  }
  console.log(`epoch ${epoch + 1}: cross-entropy ${(loss / order.length).toFixed(4)}`);
}

/**
 * The nearest number of half precision, ties to even. All weights are below 65,504.
 * @param {number} value
 */
function toHalf(value) {
  const size = Math.abs(value);
  const exponent = Math.max(Math.floor(Math.log2(size || 1)), -14);
  const unit = 2 ** (exponent - 10);
  const below = Math.floor(size / unit);
  const rest = size / unit - below;
  const rounded = rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
  // A size of `rounded` units; 2,048 units are the least number of the next exponent, whose bits follow.
  const bits = rounded < 1024 ? rounded : ((exponent + 14) << 10) + rounded;
  return {
    bits: (value < 0 && rounded > 0 ? 0x8000 : 0) | bits,
    value: Math.sign(value) * rounded * unit + 0,
  };
}

/** @param {Float32Array} values */
function roundToHalves(values) {
  return Uint16Array.from(values, (value, i) => {
    const half = toHalf(value);
    values[i] = half.value;
    return half.bits;
  });
}
const firstBits = roundToHalves(first);
const secondBits = roundToHalves(second);

const tensors = [
  // The rows of PyTorch are units.
  {
    name: "0.weight",
    dtype: "F16",
    shape: [HIDDEN, PIXELS],
    values: firstBits.map((_, i) => firstBits[(i % PIXELS) * HIDDEN + Math.floor(i / PIXELS)]),
  },
  { name: "2.weight", dtype: "F16", shape: [CLASSES, HIDDEN], values: secondBits },
];
const metadata = {
  format: "pt",
  model: "Linear(784, 500, bias=False), ReLU, Linear(500, 10, bias=False)",
  inputs: "28 x 28 pixels of 0..255, divided by 256, row by row from the top, 0 for paper",
  data: "MNIST, the 60,000 training images (Yann LeCun, Corinna Cortes, Christopher J. C. Burges; CC BY-SA 3.0)",
  license: "CC BY-SA 3.0",
  script: "examples/wide-digits/train.js of exacta",
  seed: String(SEED),
  accuracy: String(accuracy()),
};
console.log(metadata);

writeFileSync(process.argv[2] ?? near("wide-digits.safetensors"), writer.encodeTensors(tensors, metadata));
