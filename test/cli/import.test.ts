// exacta ticket and exacta verify on networks that other programs wrote.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { callCommand } from "./command.ts";
import { jsonOf, model, node, onnxOf, safetensorsFile, safetensorsOf, tensor } from "../writers.ts";

const layers = [
  {
    weights: [
      [0.5, -0.25],
      [0.1, 0.7],
    ],
    biases: [0.1, -0.2],
  },
  { weights: [[1.5, -2]], biases: [0.3] },
];
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "exacta-imports-"));
  const softmax = model(
    [
      node({ operator: "MatMul", inputs: ["x", "w"], output: "h" }),
      node({ operator: "Softmax", inputs: ["h"], output: "y" }),
    ],
    [tensor("w", [2, 1], [1, -0.3])],
  );
  const integers = { dtype: "I8", shape: [1, 2], data_offsets: [0, 2] };
  const files = {
    // No file's name says what it is.
    "real.bin": safetensorsOf(layers),
    "onnx.bin": onnxOf(layers),
    "json.bin": jsonOf(layers),
    softmax,
    integers: safetensorsFile({ weight: integers }, Uint8Array.of(5, 256 - 8)),
    cut: safetensorsOf(layers).subarray(0, -1),
    model: onnxOf(layers).subarray(0, 100),
  };
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, name), bytes);
}, 120_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs the command with words that blanks separate. */
const exacta = (words: string) => callCommand(words, folder);

describe.each(["real.bin", "onnx.bin", "json.bin"])("%s", (name) => {
  test("It has a ticket, which verify certifies with the options of the ticket", async () => {
    const made = await exacta(
      `ticket ${name} --target-bits 6 --activation-bits 3 --quantizer nearest --input-scale 2 --engine cpu --out ${name}.ticket`,
    );
    expect(made.status).toBe(0);
    expect(made.stderr).toMatch(
      new RegExp(
        `^${name}: real numbers as integers: 6 bits of weights, 3 of activations, nearest\n` +
          `${name}: layer 0, "[^"]+", 2 x 2: scale 0\\.7, weights off by at most 0\\.00\\d+, biases by 0\\.0\\d+\n` +
          `${name}: layer 1, "[^"]+", 1 x 2: scale 2, weights off by at most 0, biases by 0\\.0\\d+\n` +
          `${name}: on 256 random inputs: outputs span [\\d.]+ and are off by at most [\\d.]+ %, root mean square [\\d.]+ %\n$`,
      ),
    );
    const proof = await exacta(`verify ${name}.ticket --network ${name} --input-scale 2 --json`);
    expect(proof).toMatchObject({ status: 0, stderr: "" });
    const { certified, quantization } = JSON.parse(proof.stdout);
    expect([certified, quantization]).toEqual([
      true,
      expect.objectContaining({ inputScale: 2, inputs: 256, outputScale: 2 * 0.7 * 2 }),
    ]);
    // Its biases mean something else to inputs of another scale.
    const other = await exacta(`verify ${name}.ticket --network ${name}`);
    expect([other.status, /does not equal/.test(other.stdout)]).toEqual([1, true]);
    const bits = await exacta(`verify ${name}.ticket --network ${name} --target-bits 5`);
    expect(bits).toMatchObject({
      status: 2,
      stderr: "network, bits: expected 6, as the ticket's target has, got 5\n",
    });
  });
});

test("Parts of a model that are left out are noted, and so is the unit of integers", async () => {
  const { status, stderr } = await exacta(
    "ticket softmax --target-bits 2 --engine cpu --out softmax.ticket --json",
  );
  expect({ status, stderr }).toEqual({
    status: 0,
    stderr: "softmax: note: Softmax at the end is left out: the outputs are those before it\n",
  });
  const made = await exacta("ticket integers --engine cpu --out integers.ticket --json");
  expect(made).toMatchObject({
    status: 0,
    stderr:
      "integers: note: integers stay as they are, in units of 2^-3: every layer divides W x by 2^3 (floor)\n",
  });
  expect(JSON.parse(made.stdout)).toMatchObject({ targetBits: 3 });
});

test.each([
  ["ticket cut --out x", /^cut: data: expected at least \d+ bytes for "2\.weight", got \d+\n$/],
  ["ticket model --out x", /^model: model, byte \d+: expected \d+ bytes before its end, got \d+\n$/],
  [
    "ticket real.bin --out x --target-bits many",
    /^target-bits: expected an integer in 0\.\.20, got "many"\n$/,
  ],
  [
    "ticket real.bin --out x --activation-bits 21",
    /^activation-bits: expected an integer in 0\.\.20, got 21\n$/,
  ],
  ["ticket real.bin --out x --quantizer up", /^quantizer: expected one of floor, /],
  ["ticket real.bin --out x --input-scale -1", /^input-scale: expected a number above 0, got -1\n$/],
  [
    "ticket integers --out x --target-bits 2",
    /^integers: layers\.0\.weights\.0\.0: expected an integer in -4\.\.4, got 5\n$/,
  ],
  [
    "ticket integers.ticket --out x",
    /^integers\.ticket: file: expected a network, got "an exacta ticket"; exacta verify reads those\n$/,
  ],
])("exacta %s is refused", async (words, message) => {
  const { status, stdout, stderr } = await exacta(words);
  expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
  expect(stderr).toMatch(message);
});
