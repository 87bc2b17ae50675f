// exacta forward as files, lines and exit statuses: outputs are those of the definition, on every engine, and whatever else
// is asked is refused in words.

import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { forward, readNetwork, withConstant } from "../../src/network.ts";
import { FLOAT, modelBytes, type ModelData } from "../onnx.ts";
import { stateDict } from "../writers.ts";
import { callCommand } from "./command.ts";

const written = {
  bits: 4,
  activationBits: 5,
  quantizer: "nearest",
  layers: [
    {
      weights: [
        [16, -3, 5],
        [0, 7, -9],
        [-16, 1, 2],
      ],
      biases: [3, -5, 0],
    },
    {
      weights: [
        [9, -16, -11],
        [-9, 16, 13],
        [-9, 16, 13],
      ],
    },
  ],
};
const { network } = readNetwork(written);
/** Inputs of three integers each, and their outputs by the definition. */
const inputs = Array.from({ length: 200 }, (_, k) => [k, 3 * k, 5 * k].map((x) => (x % 65) - 32));
const outputs = rowsOf([...forward(network, withConstant(network, 4, Int32Array.from(inputs.flat())))], 3);

function rowsOf(values: readonly number[], columns: number): number[][] {
  return Array.from({ length: values.length / columns }, (_, k) =>
    values.slice(k * columns, (k + 1) * columns),
  );
}

const csv = (rows: readonly (readonly number[])[]) => rows.map((row) => `${row.join(",")}\n`).join("");

/** A .npy file put together by hand. */
function npy(descr: string, shape: string, data: Buffer): Buffer {
  const header = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }`.padEnd(117) + "\n";
  return Buffer.concat([
    Buffer.from("\x93NUMPY\x01\x00", "latin1"),
    Buffer.from([header.length, 0]),
    Buffer.from(header),
    data,
  ]);
}

/** The data of a .npy file of 128 bytes before it, and what the header says. */
async function readNpy(path: string): Promise<{ header: string; values: number[] }> {
  const bytes = await readFile(path);
  const values = Array.from({ length: (bytes.length - 128) / 4 }, (_, i) => bytes.readInt32LE(128 + 4 * i));
  return { header: bytes.toString("latin1", 10, 127).trimEnd(), values };
}

let folder: string;

/** Runs the command with words that blanks separate. */
const exacta = (words: string) => callCommand(words, folder);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "exacta-forward-"));
  const files: Record<string, string | Uint8Array> = {
    "network.json": JSON.stringify(written),
    "x.csv": `first,second,third\n${csv(inputs)}`,
    "x.npy": npy("|i1", "(200, 3)", Buffer.from(Int8Array.from(inputs.flat()).buffer)),
    "one.npy": npy("|i1", "(3,)", Buffer.from(Int8Array.from(inputs[7]!).buffer)),
    "none.npy": npy("|i1", "(0, 3)", Buffer.alloc(0)),
    "short.npy": npy("|i1", "(200, 3)", Buffer.alloc(599)),
    "wide.csv": "1,2,3\n32,-32,33\n",
    "four.csv": "1,2,3,4\n",
    "empty.npy": "",
    // y = 2 relu(x0 - x1 / 2), and a second output of a third of it.
    "real.json": JSON.stringify({ layers: [{ weights: [[1, -0.5]] }, { weights: [[2], [-2 / 3]] }] }),
    "half.csv": "0.5;-1\n1;1\n",
    "many.csv": "0.5,1.5\n",
    "pandas.csv": "0,1,2\n4,5,6\n",
    "scales.safetensors": stateDict({
      "fc1.weight": { dtype: "I8", shape: [2, 1], values: [2, 1] },
      "fc1.weight_scale": { dtype: "F64", shape: [2, 1], values: [1, 4] },
    }),
    "auto.safetensors": stateDict({
      "encoder.weight": { dtype: "F64", shape: [1, 2], values: [1, 1] },
      "decoder.weight": { dtype: "F64", shape: [2, 1], values: [1, 0.5] },
    }),
    "one.csv": "1\n",
  };
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  const tickets = [1, 2].map((theorem) =>
    exacta(
      `ticket network.json --theorem ${theorem} --engine cpu --out ticket${theorem}.safetensors --quiet`,
    ),
  );
  await Promise.all(tickets);
}, 120_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

describe("Engines and passes of forward", () => {
  async function expectOutputs(words: string): Promise<void> {
    const outcome = await exacta(`forward ${words} --inputs x.npy --quiet`);
    expect(outcome).toEqual({ status: 0, stdout: csv(outputs), stderr: "" });
  }
  test.each([
    "network.json --engine reference",
    "network.json --engine cpu",
    "network.json --engine gpu",
    "ticket1.safetensors --engine cpu",
    "ticket2.safetensors --engine cpu --pass audit",
  ])("The command forward %s prints the outputs of the definition", expectOutputs);
  test.each([
    "network.json --engine shadow",
    "ticket1.safetensors --engine reference",
    "ticket1.safetensors --engine gpu",
    "ticket1.safetensors --engine shadow --pass audit",
    "ticket2.safetensors --engine gpu --pass audit",
    "ticket2.safetensors --engine shadow",
  ])("The command forward %s prints the outputs of the definition", { tags: ["wide"] }, expectOutputs);
});

describe("Real numbers", () => {
  const common = "--engine reference --inputs";

  test("--real rounds real inputs, prints real outputs and says how they are related to integers", async () => {
    const { status, stdout, stderr } = await exacta(`forward real.json --real ${common} half.csv`);
    // Inputs are 128, -256 and 256, 256 of 256; the hidden outputs 256 and 128; the outputs 256 and -85, 128 and -43 (floor).
    expect([status, stdout]).toEqual([0, "2,-0.6640625\n1,-0.3359375\n"]);
    expect(stderr).toContain(
      "real numbers: an input is the integer nearest to x 2^8 / 1, ties away from 0; an output is its integer times 2 / 2^8\n",
    );
    const doubled = await exacta(`forward real.json --real --input-scale 2 --out y.npy ${common} many.csv`);
    expect(doubled).toMatchObject({ status: 0, stdout: "" });
    const file = await readFile(join(folder, "y.npy"));
    expect(file.toString("latin1", 10, 127)).toContain("'descr': '<f8'");
    expect([0, 1].map((i) => file.readDoubleLE(128 + 8 * i))).toEqual([0, 0]);
    const json = await exacta(`forward real.json --real --json --quiet ${common} half.csv`);
    expect(JSON.parse(json.stdout)).toMatchObject({ inputScale: 1, outputScale: 2, activationBits: 8 });
  });

  test("Outputs with scales of their own are compared as real numbers", async () => {
    const integers = await exacta(`forward scales.safetensors ${common} one.csv`);
    expect(integers.stdout).toBe("1,0\n");
    expect(integers.stderr).toContain("each output has a scale of its own");
    const real = await exacta(
      `forward scales.safetensors --real --activation-bits 4 --quiet ${common} one.csv`,
    );
    expect(real.stdout).toBe("2,4\n");
    const largest = await exacta(
      `forward scales.safetensors --activation-bits 4 --real --argmax --quiet ${common} one.csv`,
    );
    expect(largest.stdout).toBe("1\n");
  });

  test("The order of layers is refused where two fit, and read where it is stated", async () => {
    const refused = await exacta(`forward auto.safetensors --real ${common} half.csv`);
    expect(refused).toMatchObject({ status: 2, stdout: "" });
    expect(refused.stderr).toBe(
      "auto.safetensors: order of layers: expected one that shapes and the numbers in names decide, " +
        "got more than one; use --order decoder,encoder, for the widths 1 -> 2 -> 1; use --order encoder,decoder, for the widths 2 -> 1 -> 2\n",
    );
    const read = await exacta(
      `forward auto.safetensors --order encoder,decoder --real --quiet ${common} half.csv`,
    );
    expect(read).toEqual({ status: 0, stdout: "0,0\n2,1\n", stderr: "" });
  });

  test("A header of numbers is read as what --header says", async () => {
    const header = async (word: string) =>
      (await exacta(`forward network.json --header ${word} --quiet ${common} pandas.csv`)).stdout
        .trim()
        .split("\n").length;
    expect([await header("yes"), await header("no")]).toEqual([1, 2]);
  });
});

test("Changing one weight changes the outputs", async () => {
  const other = structuredClone(written);
  other.layers[1]!.weights[2]![2]!--;
  await writeFile(join(folder, "other.json"), JSON.stringify(other));
  const { status, stdout } = await exacta("forward other.json --inputs x.csv --engine reference --quiet");
  expect(status).toBe(0);
  expect(stdout).not.toBe(csv(outputs));
  expect(stdout.split("\n").length).toBe(201);
});

describe("Outputs of forward", () => {
  test("Outputs go to a .npy file or a text file, for inputs of either kind", async () => {
    const common = "forward ticket1.safetensors --inputs x.csv --engine cpu --quiet --out";
    for (const name of ["y.npy", "y.csv"])
      expect(await exacta(`${common} made/${name}`)).toEqual({ status: 0, stdout: "", stderr: "" });
    expect(await readNpy(join(folder, "made/y.npy"))).toEqual({
      header: "{'descr': '<i4', 'fortran_order': False, 'shape': (200, 3), }",
      values: outputs.flat(),
    });
    expect(await readFile(join(folder, "made/y.csv"), "utf8")).toBe(csv(outputs));
    expect((await readdir(join(folder, "made"))).toSorted()).toEqual(["y.csv", "y.npy"]);
  });

  test("A single input has outputs, and no input has none", async () => {
    const answer = async (file: string) =>
      (await exacta(`forward network.json --inputs ${file} --engine cpu --quiet`)).stdout;
    expect(await answer("one.npy")).toBe(csv([outputs[7]!]));
    expect(await answer("none.npy")).toBe("");
  });

  test("--argmax gives the index of the largest output, the first of equal ones", async () => {
    const places = outputs.map((row) => row.indexOf(Math.max(...row)));
    // The second and third output are equal, so each place but the last is there.
    expect(new Set(places)).toEqual(new Set([0, 1]));
    const common = "forward network.json --inputs x.npy --engine cpu --quiet --argmax";
    expect((await exacta(common)).stdout).toBe(places.map((place) => `${place}\n`).join(""));
    await exacta(`${common} --out places.npy`);
    expect(await readNpy(join(folder, "places.npy"))).toEqual({
      header: "{'descr': '<i4', 'fortran_order': False, 'shape': (200,), }",
      values: places,
    });
  });

  test("The finding has the engine and a digest of the outputs", async () => {
    const bytes = Buffer.alloc(8 * 600);
    outputs.flat().forEach((output, i) => bytes.writeBigInt64LE(BigInt(output), 8 * i));
    const digest = createHash("sha256").update(bytes).digest("hex");
    for (const [file, pass] of [
      ["network.json", "collapsed"],
      ["ticket2.safetensors", "audit"],
    ] as const) {
      const { stdout, stderr } = await exacta(
        `forward ${file} --inputs x.npy --engine reference --pass ${pass} --json --quiet`,
      );
      expect(stderr).toBe("");
      expect(JSON.parse(stdout)).toEqual({
        kind: "forward",
        file,
        pass,
        inputs: 200,
        outputs: 3,
        digest,
        engine: "reference",
        adapter: "TypeScript",
        version: expect.any(String) as string,
      });
    }
  });

  test("A summary is on stderr", async () => {
    const summary = async (words: string) =>
      (await exacta(`forward ${words} --inputs x.npy --engine reference`)).stderr
        .trimEnd()
        .split("\n")
        .at(-1);
    const rest = String.raw`reference: TypeScript, \d+\.\d s, [\d,]+ inputs/s$`;
    expect(await summary("ticket1.safetensors")).toMatch(
      new RegExp(`^inputs 200, outputs 3, pass collapsed, ${rest}`),
    );
    expect(await summary("network.json --pass audit")).toMatch(
      new RegExp(`^inputs 200, outputs 3, passes audit and collapsed are one, ${rest}`),
    );
  });
});

test.concurrent.each([
  [
    "network.json",
    "--inputs: expected a value, since this option is required, got nothing; for example exacta forward ticket.safetensors --inputs x.csv --pass audit; run exacta forward --help",
  ],
  [
    "network.json x.npy --inputs x.npy",
    'arguments: expected one file, got "network.json x.npy --inputs x.npy"; run exacta forward --help',
  ],
  [
    "ticket1.safetensors --inputs x.npy --target-bits 3",
    "target-bits: expected 4, as the ticket says itself, got 3",
  ],
  ["network.json --inputs none", 'inputs: expected a readable file, got "none"; ENOENT'],
  ["network.json --inputs x.npy --pass both", 'pass: expected one of audit, collapsed, got "both"'],
  ["network.json --inputs x.npy --out y.txt", 'out: expected a name that ends in .npy or .csv, got "y.txt"'],
  [
    "network.json --inputs x.npy --out x.csv/y.npy",
    'out: expected a folder that can be written, got "x.csv"; ENOTDIR, choose another with --out',
  ],
  ["network.json --inputs wide.csv", 'wide.csv: row 2, column 3: expected an integer in -32..32, got "33"'],
  [
    "ticket1.safetensors --inputs wide.csv",
    'wide.csv: row 2, column 3: expected an integer in -32..32, got "33"',
  ],
  [
    "network.json --inputs pandas.csv",
    'pandas.csv: first line: expected numbers, or names that do not count the columns, got "0,1,2"; use --header yes, if these are names; ' +
      "use --header no, if these are numbers",
  ],
  ["network.json --inputs x.csv --header maybe", 'header: expected yes or no, got "maybe"'],
  [
    "network.json --inputs x.csv --real",
    "real: expected a network that was made from real numbers, got a network of integers; the inputs of this network are " +
      "integers: of real numbers in -1..1, give the integers nearest to 2^5 times them",
  ],
  [
    "ticket1.safetensors --inputs x.csv --real",
    "real: expected a network that was made from real numbers, got a ticket, which has no scales; give the file of the network " +
      "that it equals, and the options with which it was made",
  ],
  [
    "real.json --inputs half.csv --quiet",
    'half.csv: row 1, column 1: expected an integer in -256..256, got "0.5"; use --real, which rounds inputs to integers by the ' +
      "input scale",
  ],
  [
    "real.json --inputs many.csv --real --quiet",
    'many.csv: row 1, column 2: expected a number in -1..1, got "1.5"; raise --input-scale, the largest input',
  ],
  [
    "real.json --inputs half.csv --order a,b",
    'real.json: order: expected none for JSON and ONNX, which order their layers themselves, got ["a","b"]',
  ],
  ["network.json --inputs four.csv", "four.csv: row 1: expected 3 integers, got 4"],
  ["network.json --inputs short.npy", "short.npy: data: expected 600 bytes, as its shape asks for, got 599"],
  ["network.json --inputs empty.npy", 'empty.npy: inputs: expected a .npy file or text, got ""'],
  [
    "network.json --inputs x.npy --out ./x.npy",
    'out: expected another file than what is read, got "./x.npy"',
  ],
  [
    "network.json --inputs x.npy --engine none",
    'engine: expected one of auto, gpu, cpu, reference, shadow, got "none"',
  ],
])("exacta forward %s is refused", async (words, message) => {
  const { status, stdout, stderr } = await exacta(`forward ${words}`);
  expect({ status, stdout, stderr }).toEqual({ status: 2, stdout: "", stderr: `${message}\n` });
});

test("A model with a convolution runs images of four axes, as integers and as real numbers", async () => {
  const image: ModelData = {
    version: 13,
    input: "x",
    inputShape: ["N", 1, 2, 2],
    nodes: [
      { operator: "Conv", inputs: ["x", "w"], outputs: ["c"] },
      { operator: "GlobalMaxPool", inputs: ["c"], outputs: ["p"] },
      { operator: "Flatten", inputs: ["p"], outputs: ["y"] },
    ],
    initializers: { w: { type: FLOAT, shape: [2, 1, 1, 2], values: [1, -0.5, -1, 0.25] } },
    outputs: ["y"],
  };
  const data = (values: number[]) => Buffer.from(Float64Array.from(values).buffer);
  await writeFile(join(folder, "image.onnx"), modelBytes(image));
  await writeFile(join(folder, "image.npy"), npy("<f8", "(2, 1, 2, 2)", data([4, 2, -8, 16, 0, 0, 0, -4])));
  await writeFile(join(folder, "real.npy"), npy("<f8", "(1, 1, 2, 2)", data([1, 0.5, -1, 0.25])));
  const common = "forward image.onnx --activation-bits 4 --target-bits 3 --engine cpu";
  expect(await exacta(`${common} --inputs image.npy --quiet`)).toEqual({
    status: 0,
    stdout: "3,12\n2,0\n",
    stderr: "",
  });
  const real = await exacta(`${common} --inputs real.npy --real`);
  expect(real).toMatchObject({ status: 0, stdout: "0.75,1.0625\n" });
  expect(real.stderr).toContain('image.onnx: layer 0, "w", 2 x 2: scale 1, weights off by at most 0');
});

test("A file without a network is refused by its name", async () => {
  await writeFile(join(folder, "myInputs.csv"), "1,2,3\n");
  const { status, stderr } = await exacta("forward myInputs.csv --inputs x.npy");
  expect(status).toBe(2);
  // The rest is what this Node's JSON.parse says.
  expect(stderr).toMatch(/^myInputs\.csv: network: expected JSON, safetensors or ONNX, got "1,2,3\\n"; /);
  const bytes = await exacta("forward x.npy --inputs x.npy");
  expect(bytes).toMatchObject({ status: 2, stdout: "" });
  expect(bytes.stderr).toMatch(
    /^x\.npy: file: expected a network as safetensors, ONNX or JSON, got a NumPy array \(\.npy\); /,
  );
});
