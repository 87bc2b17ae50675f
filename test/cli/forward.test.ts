// exacta forward as files, lines and exit statuses: outputs are those of the definition, on every engine, and whatever else
// is asked is refused in words.

import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { forward, readNetwork, withConstant } from "../../src/network.ts";
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
  const files: Record<string, string | Buffer> = {
    "network.json": JSON.stringify(written),
    "x.csv": `first,second,third\n${csv(inputs)}`,
    "x.npy": npy("|i1", "(200, 3)", Buffer.from(Int8Array.from(inputs.flat()).buffer)),
    "one.npy": npy("|i1", "(3,)", Buffer.from(Int8Array.from(inputs[7]!).buffer)),
    "none.npy": npy("|i1", "(0, 3)", Buffer.alloc(0)),
    "short.npy": npy("|i1", "(200, 3)", Buffer.alloc(599)),
    "wide.csv": "1,2,3\n32,-32,33\n",
    "four.csv": "1,2,3,4\n",
    "empty.npy": "",
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
  ["network.json", "--inputs: expected a value, got nothing; run exacta forward --help"],
  [
    "network.json x.npy --inputs x.npy",
    'arguments: expected one file, got "network.json x.npy --inputs x.npy"; run exacta forward --help',
  ],
  [
    "ticket1.safetensors --inputs x.npy --target-bits 3",
    "target-bits: expected 4, as the ticket says itself, got 3",
  ],
  ["network.json --inputs none", 'file: expected a readable file, got "none"; ENOENT'],
  ["network.json --inputs x.npy --pass both", 'pass: expected one of audit, collapsed, got "both"'],
  ["network.json --inputs x.npy --out y.txt", 'out: expected a name that ends in .npy or .csv, got "y.txt"'],
  [
    "network.json --inputs x.npy --out x.csv/y.npy",
    'out: expected a folder that can be written, got "x.csv"; ENOTDIR, choose another with --out',
  ],
  ["network.json --inputs wide.csv", 'wide.csv: row 1, column 2: expected an integer in -32..32, got "33"'],
  [
    "ticket1.safetensors --inputs wide.csv",
    'wide.csv: row 1, column 2: expected an integer in -32..32, got "33"',
  ],
  ["network.json --inputs four.csv", "four.csv: row 0: expected 3 integers, got 4"],
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

test("A file without a network is refused by its name", async () => {
  await writeFile(join(folder, "myInputs.csv"), "1,2,3\n");
  const { status, stderr } = await exacta("forward myInputs.csv --inputs x.npy");
  expect(status).toBe(2);
  // The rest is what this Node's JSON.parse says.
  expect(stderr).toMatch(/^myInputs\.csv: network: expected JSON, safetensors or ONNX, got "1,2,3\\n"; /);
  const bytes = await exacta("forward x.npy --inputs x.npy");
  expect(bytes).toMatchObject({ status: 2, stdout: "" });
  expect(bytes.stderr).toMatch(/^x\.npy: network: expected text in UTF-8, got /);
});
