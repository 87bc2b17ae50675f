// Tickets before a judge that shares no code with the project: python/exacta_ticket, which follows
// docs/ticket.md.

import { execFile, execFileSync, spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cpuRunner } from "../host/cpu/runner.ts";
import { pruneToTicket, targetDigest } from "../host/experiments/ticket.ts";
import { npyFile } from "../host/node/formats/npy.ts";
import { readDigits } from "../host/node/formats/mnist.ts";
import { startThread } from "../host/node/platform/threads.ts";
import type { Runner } from "../host/runner.ts";
import { graphForward } from "../src/graph/forward.ts";
import { isLinear, weightBits, type Graph } from "../src/graph/model.ts";
import { readGraph } from "../src/graph/read.ts";
import { forward, quantizers, readNetwork, withConstant } from "../src/network.ts";
import { encodeTicket } from "../src/ticket/file.ts";
import {
  graphSchemeFor,
  schemeFor,
  type GraphSchemeRequest,
  type SchemeRequest,
} from "../src/ticket/width.ts";
import { generator, randomGraph, randomInput, type GraphJson } from "./graphs.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const GRAPHS = 16;
/** With EXACTA_PYTHON=1 a Python without NumPy is a failure. */
const isRequired = process.env["EXACTA_PYTHON"] === "1";
const hasNumpy = (() => {
  try {
    execFileSync("python3", ["-c", "import numpy"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Calls the program for every line of arguments in JSON, since starting Python and NumPy takes longer than most checks. */
const CALLS = `
import contextlib, io, json, sys
from unittest import mock
from exacta_ticket.__main__ import main
for line in sys.stdin:
    out, error = io.StringIO(), io.StringIO()
    with mock.patch.object(sys, "argv", ["exacta_ticket", *json.loads(line)]):
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
            status = main()
    print(json.dumps({"status": status, "stdout": out.getvalue(), "stderr": error.getvalue()}), flush=True)
`;
const folderOfCheck = join(root, "python");

/** A process of Python that runs the program in itself, one call after the other. */
class Python {
  readonly #child = spawn("python3", ["-c", CALLS], {
    cwd: folderOfCheck,
    stdio: ["pipe", "pipe", "inherit"],
  });
  readonly #answers = createInterface(this.#child.stdout)[Symbol.asyncIterator]();

  async call(...args: string[]): Promise<Outcome> {
    this.#child.stdin.write(`${JSON.stringify(args)}\n`);
    const { value, done } = await this.#answers.next();
    if (done) throw new Error(`Python ended in a call of ${args.join(" ")}`);
    return JSON.parse(value) as Outcome;
  }

  close(): void {
    this.#child.stdin.end();
  }
}

interface LayerJson {
  weights: number[][];
  biases?: number[];
}

/** A perceptron in the JSON form. */
function randomPerceptron(seed: number, bits: number, options: { biases?: boolean; clamp?: boolean } = {}) {
  const random = generator(seed);
  const widths = Array.from({ length: 2 + random(3) }, () => 1 + random(3));
  const weight = () => random(2 ** (bits + 1) + 1) - 2 ** bits;
  const list = (length: number) => Array.from({ length }, weight);
  const layers = widths.slice(1).map((rows, l): LayerJson => ({
    weights: Array.from({ length: rows }, () => list(widths[l]!)),
    ...(options.biases && l !== 1 && { biases: list(rows) }),
  }));
  const quantizer = quantizers[random(4)]!;
  return { bits, activationBits: 3, quantizer, clamp: options.clamp ?? false, layers };
}

/** The schemes of tickets of version 1, with the bits of their targets. */
const schemes: readonly [
  bits: number,
  scheme: SchemeRequest,
  options?: { biases?: boolean; clamp?: boolean },
][] = [
  [2, { theorem: 1 }],
  [3, { theorem: 1, zero: true, bits: 2, initialBits: 2 }, { biases: true }],
  [4, { theorem: 1, bits: 2, initialBits: 5 }, { clamp: true }],
  [2, { theorem: 1, bits: 2, initialBits: 4, weightQuantizer: "floor" }],
  [2, { theorem: 1, bits: 1, initialBits: 3, weightQuantizer: "nearest", zero: true }, { biases: true }],
  [1, { theorem: 1, bits: 1, initialBits: 2, weightQuantizer: "truncate" }],
  [1, { theorem: 1, bits: 0, initialBits: 0 }],
  [1, { theorem: 1, bits: 0, initialBits: 0, zero: true }, { biases: true, clamp: true }],
  [2, { theorem: 1, pools: "halves" }],
  [2, { theorem: 1, bits: 2, initialBits: 2, support: true }, { biases: true }],
  [3, { theorem: 1, pools: "halves", support: true, bits: 2, initialBits: 3, zero: true }],
  [2, { theorem: 2 }],
  [2, { theorem: 2, bits: 3, initialBits: 3, zero: true }, { biases: true }],
  [3, { theorem: 2, bits: 3, initialBits: 5 }, { clamp: true }],
  [1, { theorem: 2, bits: 1, initialBits: 10, pools: "halves" }, { biases: true, clamp: true }],
  [2, { theorem: 2, bits: 2, initialBits: 2, support: true, weightQuantizer: "truncate" }],
  [1, { theorem: 2, bits: 0, initialBits: 0 }, { biases: true }],
  [4, { theorem: 1, bits: 2, initialBits: 10, zero: true, weightQuantizer: "away" }],
];

/** Whether a place of a file is in its header or in a mask. */
const headerEnd = (file: Uint8Array) => 8 + Number(new DataView(file.buffer).getBigUint64(0, true));

/** A file with another header, padded, and with the length of that header. */
function withHeader(file: Uint8Array, edit: (text: string) => string): Uint8Array {
  const end = headerEnd(file);
  const text = edit(Buffer.from(file.subarray(8, end)).toString("ascii").trimEnd());
  const header = Buffer.from(text.padEnd(Math.ceil(text.length / 8) * 8), "ascii");
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, file.subarray(end)]);
}

function withBit(file: Uint8Array, byte: number, bit: number): Uint8Array {
  return file.with(byte, file[byte]! ^ (1 << bit));
}

/** The bits of the masks of a file that are 1. */
function keptBits(file: Uint8Array): [byte: number, bit: number][] {
  return Array.from(file.subarray(headerEnd(file))).flatMap((value, i) =>
    [0, 1, 2, 3, 4, 5, 6, 7]
      .filter((bit) => (value >> bit) & 1)
      .map((bit): [number, number] => [headerEnd(file) + i, bit]),
  );
}

type Faults = Readonly<Record<string, [status: number, fault: (file: Uint8Array) => Uint8Array]>>;

/** Faults of a file, with the exit status of `verify`: 1 for a ticket of another network, 2 for no ticket. */
const fileFaults: Faults = {
  "a hidden unit is cut": [1, (file) => withBit(file, ...keptBits(file)[0]!)],
  "the last kept weight is cut": [1, (file) => withBit(file, ...keptBits(file).at(-1)!)],
  "all masks are empty": [1, (file) => file.map((value, i) => (i < headerEnd(file) ? value : 0))],
  "another seed": [1, (file) => withHeader(file, (text) => text.replace(/("seed":"\d+)"/, '$10"'))],
  "another digest": [
    1,
    (file) => withHeader(file, (text) => text.replace(/("targetDigest":")..../, "$10000")),
  ],
  "a version of the future": [
    2,
    (file) => withHeader(file, (text) => text.replace(/("version":")\d/, "$19")),
  ],
  "another format": [2, (file) => withHeader(file, (text) => text.replace("exacta.ticket", "exacta.tickex"))],
  "a field that no ticket has": [
    2,
    (file) => withHeader(file, (text) => text.replace('"version"', '"more":"","version"')),
  ],
  "a field that occurs twice": [
    2,
    (file) => withHeader(file, (text) => text.replace('"seed":', '"seed":"1","seed":')),
  ],
  "a blank in the header": [2, (file) => withHeader(file, (text) => text.replace('"seed":', '"seed": '))],
  "a zero before the seed": [2, (file) => withHeader(file, (text) => text.replace('"seed":"', '"seed":"0'))],
  "other offsets": [2, (file) => withHeader(file, (text) => text.replace("[0,", "[1,"))],
  "another type of a mask": [2, (file) => withHeader(file, (text) => text.replace('"U8"', '"I8"'))],
  "eight blanks more behind the header": [
    2,
    (file) => {
      const end = headerEnd(file);
      const longer = Buffer.concat([file.subarray(0, end), Buffer.alloc(8, " "), file.subarray(end)]);
      longer.writeBigUInt64LE(BigInt(end));
      return longer;
    },
  ],
  "a missing last byte": [2, (file) => file.slice(0, -1)],
  "a file that ends in its header": [2, (file) => file.slice(0, 100)],
  "an empty file": [2, () => new Uint8Array()],
  "a byte more": [2, (file) => Buffer.concat([file, Buffer.alloc(1)])],
};

const replaced = (from: string | RegExp, to: string) => (file: Uint8Array) =>
  withHeader(file, (text) => text.replace(from, to));

/** Faults of files of version 1. */
const networkFaults: Faults = {
  "another quantizer": [2, replaced('"floor"', '"away"')],
  "another clamp": [2, replaced('"clamp":"false"', '"clamp":"true"')],
  "a missing field": [2, replaced(/"zero":"\w+",/, "")],
};

/** Faults of files of version 2. */
const graphFaults: Faults = {
  "another quantizer": [2, replaced(String.raw`\"floor\"`, String.raw`\"away\"`)],
  "another shift": [2, replaced(String.raw`\"shift\":2`, String.raw`\"shift\":1`)],
  "another shape": [2, replaced(String.raw`\"shape\":[8]`, String.raw`\"shape\":[9]`)],
  "a value that is not there yet": [2, replaced(String.raw`\"from\":[1]`, String.raw`\"from\":[3]`)],
  "a missing field": [2, replaced(String.raw`,\"clamp\":false`, "")],
  "other groups": [2, replaced(String.raw`\"groups\":2`, String.raw`\"groups\":1`)],
  "fewer units": [2, replaced(/units\\":\[\d/, String.raw`units\":[`)],
};

describe.skipIf(!hasNumpy && !isRequired)("Tickets before the check in Python", { tags: ["wide"] }, () => {
  let folder: string;
  let engine: Runner;
  let check: Python;
  /** What the program answers to arguments. */
  const python = (...args: string[]) => check.call(...args);
  beforeAll(async () => {
    check = new Python();
    folder = await mkdtemp(join(tmpdir(), "exacta-python-"));
    engine = await cpuRunner(2, startThread);
  });
  afterAll(async () => {
    engine.close();
    check.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function write(name: string, content: Uint8Array | string): Promise<string> {
    const path = join(folder, name);
    await writeFile(path, content);
    return path;
  }

  /** The file of a ticket of the first seed without failures. */
  async function ticketOf(json: unknown, request: SchemeRequest, firstSeed = 1n): Promise<Uint8Array> {
    const { network, bits } = readNetwork(json);
    const { scheme } = schemeFor(network, bits, request);
    for (let seed = firstSeed; ; seed++) {
      const { ticket, failures } = await pruneToTicket(engine, { network, bits, scheme, seed });
      if (failures.length === 0) return encodeTicket(ticket, await targetDigest(network, bits));
    }
  }

  test("The tests of the package pass", async () => {
    const words = ["-m", "unittest", "discover", "-s", "tests"];
    const { stderr } = await promisify(execFile)("python3", words, { cwd: folderOfCheck });
    expect(stderr).toMatch(/\nOK\n$/);
  });

  test.each(schemes)(
    "The check certifies a ticket for %i bits of the scheme %o, and runs it",
    async (...row) => {
      const [bits, request, options] = row;
      const json = randomPerceptron(schemes.indexOf(row), bits, options);
      const network = await write("network.json", JSON.stringify(json));
      const ticket = await write("ticket", await ticketOf(json, request, 2n ** 40n));
      expect(await python("verify", ticket, "--network", network)).toMatchObject({
        status: 0,
        stderr: "",
      });
      const target = readNetwork(json).network;
      const columns = json.layers[0]!.weights[0]!.length;
      const random = generator(bits);
      const inputs = Int32Array.from({ length: 20 * columns }, () => random(17) - 8);
      const text = Array.from({ length: 20 }, (_, k) =>
        inputs.subarray(k * columns, (k + 1) * columns).join(" "),
      );
      const path = await write("inputs.txt", text.join("\n"));
      const { stdout } = await python("run", ticket, "--inputs", path);
      const outputs = forward(target, withConstant(target, target.layers[0]!.columns, inputs));
      expect(stdout.trim().split(/\s+/).map(Number)).toEqual(Array.from(outputs));
    },
  );

  /** The file of a ticket of a graph, of the first seed without failures. */
  async function graphTicketOf(json: unknown, request: GraphSchemeRequest = {}): Promise<Uint8Array> {
    const network = readGraph(json);
    const { scheme } = graphSchemeFor(network, request);
    for (let seed = 1n; ; seed++) {
      const { ticket, failures } = await pruneToTicket(engine, { network, scheme, seed });
      if (failures.length === 0) return encodeTicket(ticket, await targetDigest(network));
    }
  }

  /** The outputs that the check prints for inputs of a ticket. */
  async function outputsOf(ticket: string, inputs: readonly ArrayLike<number>[]): Promise<number[]> {
    const path = await write("inputs.txt", inputs.map((input) => Array.from(input).join(" ")).join("\n"));
    const { stdout } = await python("run", ticket, "--inputs", path);
    return stdout.trim().split(/\s+/).map(Number);
  }

  /** The check certifies the ticket of a graph and runs it; answers the file of the graph. */
  async function expectCertified(
    seed: number,
    json: GraphJson,
    graph: Graph,
    file: Uint8Array,
    random: (range: number) => number,
  ): Promise<string> {
    const network = await write("network.json", JSON.stringify(json));
    const ticket = await write("ticket", file);
    const verdict = await python("verify", ticket, "--network", network);
    expect(verdict, `graph ${seed}`).toMatchObject({ status: 0, stderr: "" });
    const inputs = [0, 1, 2].map(() => randomInput(random, json));
    const outputs = inputs.flatMap((input) => Array.from(graphForward(graph, input)));
    expect(await outputsOf(ticket, inputs), `graph ${seed}`).toEqual(outputs);
    return network;
  }

  test("The check certifies tickets of random graphs of all kinds, and runs them", async () => {
    const kinds = new Set<string>();
    for (let seed = 0; seed < GRAPHS; seed++) {
      const random = generator(seed);
      const json = randomGraph(random, { bits: 2, attention: seed % 2 > 0 });
      const graph = readGraph(json);
      const layers = graph.nodes.filter(isLinear);
      if (layers.length === 0) continue;
      for (const { kind } of json.nodes) kinds.add(kind);
      const bits = layers.map((layer) => Math.max(1, Math.ceil(weightBits(layer) / 2)) + random(2));
      const file = await graphTicketOf(json, {
        bits,
        initialBits: bits.map((k) => k + random(3)),
        zero: random(2) === 0,
        pools: random(3) === 0 ? "halves" : "shared",
        support: random(3) === 0,
      });
      await expectCertified(seed, json, graph, file, random);
    }
    const all = ["add", "average-pool", "bilinear", "conv", "dense", "flatten", "max-pool", "product"];
    expect([...kinds].toSorted()).toEqual(all);
  });

  test("The check finds a matrix of attention that is changed, and refuses one of another shape", async () => {
    const matrices = { queries: [[1], [-2]], keys: [[2], [1]], first: [[1], [2]], second: [[1, -1]] };
    const network = ({ queries, keys, first, second }: typeof matrices) => ({
      input: { shape: [2, 3, 1], activationBits: 2 },
      bits: 1,
      activationBits: 3,
      nodes: [
        { kind: "product", first, second },
        { kind: "bilinear", queries, keys },
      ],
    });
    const ticket = await write("ticket", await graphTicketOf(network(matrices)));
    const verify = async (changed: typeof matrices) => {
      const path = await write("network.json", JSON.stringify(network(changed)));
      return python("verify", ticket, "--network", path);
    };
    expect(await verify(matrices)).toMatchObject({ status: 0 });
    for (const [layer, name, output, weight] of [
      [1, "queries", 0, 0],
      [1, "keys", 0, 0],
      [0, "first", 0, 0],
      [0, "second", 0, 0],
    ] as const) {
      const changed = structuredClone(matrices);
      changed[name][0]![0]! -= 1;
      expect([name, await verify(changed)]).toEqual([
        name,
        expect.objectContaining({
          status: 1,
          stdout: expect.stringContaining(`layer ${layer}, output ${output}, copy 0, weight ${weight}`),
        }),
      ]);
    }
    const { status } = await verify({
      ...matrices,
      first: [
        [1, 0],
        [2, 0],
      ],
      second: [
        [1, -1],
        [0, 0],
      ],
    });
    expect(status).toBe(2);
  });

  test("The check reads as many of all test images by LeNet-5 as its README says", async () => {
    const readme = await readFile(join(root, "examples/lenet/README.md"), "utf8");
    const [, recorded] = /\| all 10,000 \| ([\d,]+) \|/.exec(readme)!;
    const { count, images, labels } = await readDigits("test");
    const inputs = await write("inputs.npy", npyFile("|u1", [count, 784], Uint8Array.from(images)));
    const network = join(root, "examples/lenet/lenet.json");
    const { stdout } = await python("run", network, "--inputs", inputs);
    const right = stdout
      .trim()
      .split("\n")
      .filter((line, k) => {
        const outputs = line.split(" ").map(Number);
        return outputs.indexOf(Math.max(...outputs)) === labels[k];
      });
    expect(right.length).toBeGreaterThan(9850);
    expect(right).toHaveLength(Number(recorded!.replace(",", "")));
  });

  test("The check certifies tickets in depth of random graphs, runs them, and finds kept bits that are cut", async () => {
    let cut = 0;
    for (let seed = 0; seed < 12; seed++) {
      const random = generator(seed);
      const json = randomGraph(random, { bits: 3, channels: 2, side: 3 });
      const graph = readGraph(json);
      if (!graph.nodes.some(isLinear)) continue;
      const file = await graphTicketOf(json, { depthConstruction: true, zero: random(4) === 0 });
      const network = await expectCertified(seed, json, graph, file, random);
      const kept = keptBits(file);
      for (let i = 0; i < kept.length; i += Math.ceil(kept.length / 4)) {
        const faulty = await write("faulty", withBit(file, ...kept[i]!));
        const { status } = await python("verify", faulty, "--network", network);
        expect([seed, i, status]).toEqual([seed, i, 1]);
        cut++;
      }
    }
    expect(cut).toBeGreaterThan(20);
  });

  const residual = {
    input: { shape: [2, 3, 3], activationBits: 2 },
    bits: 1,
    activationBits: 2,
    nodes: [
      {
        kind: "conv",
        name: "first",
        weights: [
          [
            [
              [1, -2],
              [2, 0],
            ],
          ],
          [
            [
              [-1, 1],
              [0, 2],
            ],
          ],
        ],
        biases: [1, -2],
        groups: 2,
        padding: [1, 2, 0, 0],
        dilation: [1, 2],
        activationBits: "exact",
      },
      { kind: "add", name: "sum", from: ["first", "input"], relu: true, quantizer: "nearest" },
      {
        kind: "conv",
        name: "second",
        weights: [
          [[[1]], [[-2]]],
          [[[0]], [[2]]],
        ],
        activationBits: "exact",
      },
      { kind: "add", from: ["sum", "second"], clamp: true },
      { kind: "flatten", name: "flat" },
    ],
  };

  test.each(["identity", "none", "random"] as const)(
    "The check certifies a ticket of a residual network with the skip %s, and runs it",
    async (skip) => {
      const network = await write("network.json", JSON.stringify(residual));
      const file = await graphTicketOf(residual, { skip });
      const ticket = await write("ticket", file);
      const verdict = await python("verify", ticket, "--network", network);
      expect(verdict).toMatchObject({ status: 0, stderr: "" });
      const random = generator(5);
      const inputs = Array.from({ length: 20 }, () => Array.from({ length: 18 }, () => random(9) - 4));
      const outputs = inputs.flatMap((input) => Array.from(graphForward(readGraph(residual), input)));
      expect(await outputsOf(ticket, inputs)).toEqual(outputs);
      // Every bit of the masks matters.
      const kept = keptBits(file);
      for (let i = 0; i < kept.length; i += Math.ceil(kept.length / 8)) {
        const faulty = await write("faulty", withBit(file, ...kept[i]!));
        const { status } = await python("verify", faulty, "--network", network);
        expect(status, `kept bit ${i}`).toBe(1);
      }
    },
  );

  test("The check certifies a ticket of LeNet-5, and finds a weight of each layer that is changed", async () => {
    const json = JSON.parse(await readFile(join(root, "examples/lenet/lenet.json"), "utf8")) as {
      nodes: { biases?: number[] }[];
    };
    const ticket = await write("ticket", await graphTicketOf(json));
    const verify = async (network: unknown) => {
      const path = await write("network.json", JSON.stringify(network));
      return python("verify", ticket, "--network", path);
    };
    expect(await verify(json)).toMatchObject({ status: 0, stderr: "" });
    const layers = json.nodes.filter(({ biases }) => biases);
    expect(layers).toHaveLength(5);
    for (const [l, { biases }] of layers.entries()) {
      const last = biases!.length - 1;
      const bias = biases![last]!;
      biases![last] = bias > 0 ? bias - 1 : bias + 1;
      const { status, stdout } = await verify(json);
      expect([status, stdout]).toEqual([1, expect.stringContaining(`layer ${l}, output ${last}`)]);
      biases![last] = bias;
    }
  });

  const json = {
    bits: 2,
    activationBits: 3,
    layers: [
      {
        weights: [
          [4, -1],
          [0, 3],
        ],
      },
      { weights: [[-4, 2]] },
    ],
  };

  const graphJson = {
    input: { shape: [2, 3, 3], activationBits: 3 },
    bits: 2,
    activationBits: 3,
    nodes: [
      {
        kind: "conv",
        weights: [
          [
            [
              [1, -2],
              [0, 4],
            ],
          ],
          [
            [
              [-3, 1],
              [1, 1],
            ],
          ],
        ],
        biases: [1, -1],
        groups: 2,
        relu: true,
      },
      { kind: "flatten" },
      { kind: "dense", weights: [[3, -1, 0, 2, 1, 1, -4, 2]] },
    ],
  };

  test.each([1, 2])(
    "The check refuses files of version %i with faults, and tells other tickets",
    async (version) => {
      const network = await write("network.json", JSON.stringify(version === 1 ? json : graphJson));
      const file = await (version === 1 ? ticketOf(json, { theorem: 1 }) : graphTicketOf(graphJson));
      const faults = { ...fileFaults, ...(version === 1 ? networkFaults : graphFaults) };
      const found: Record<string, number> = {};
      for (const [name, [, fault]] of Object.entries(faults)) {
        const faulty = fault(file);
        expect(Buffer.compare(faulty, file), name).not.toBe(0);
        const ticket = await write("faulty", faulty);
        const { status } = await python("verify", ticket, "--network", network);
        found[name] = status;
      }
      const expected = Object.entries(faults).map(([name, [status]]) => [name, status]);
      expect(found).toEqual(Object.fromEntries(expected));
    },
  );

  test("All tickets of a folder are checked by one process, which tells what is wrong with each", async () => {
    const all = join(folder, "all");
    const own = join(all, "target");
    await mkdir(own, { recursive: true });
    const file = await ticketOf(json, { theorem: 1 });
    await writeFile(join(own, "network.json"), JSON.stringify(json));
    await writeFile(join(own, "right"), file);
    const verifyAll = (...options: string[]) =>
      promisify(execFile)("python3", ["-m", "exacta_ticket", "verify-all", all, ...options], {
        cwd: folderOfCheck,
      }).then(
        ({ stdout }) => ({ code: 0, stdout, stderr: "" }),
        ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({
          code,
          stdout,
          stderr,
        }),
      );
    const right = "1 tickets: 1 equal their networks, 0 do not, 0 are refused\n";
    expect(await verifyAll()).toEqual({ code: 0, stdout: right, stderr: "" });
    expect(await verifyAll("--least", "2")).toMatchObject({
      code: 2,
      stderr: `exacta_ticket: ${all} has 1 tickets, less than 2\n`,
    });
    await writeFile(join(own, "cut"), withBit(file, ...keptBits(file)[0]!));
    expect((await verifyAll()).code).toBe(1);
    await writeFile(join(own, "short"), file.slice(0, -1));
    const { code, stdout } = await verifyAll();
    expect([code, ...stdout.split("\n")]).toEqual([
      2,
      expect.stringMatching(/^1 .*cut: does not equal .*network\.json: layer 0, /),
      expect.stringMatching(/^2 .*short: the masks have \d+ bytes instead of \d+$/),
      "3 tickets: 1 equal their networks, 1 do not, 1 are refused",
      "",
    ]);
  });

  test("The check finds every weight of a network that is changed by one", async () => {
    const ticket = await write("ticket", await ticketOf(json, { theorem: 2 }));
    for (const [l, { weights }] of json.layers.entries())
      for (const [o, row] of weights.entries())
        for (const i of row.keys()) {
          const changed = structuredClone(json);
          changed.layers[l]!.weights[o]![i]! += row[i]! > 0 ? -1 : 1;
          const network = await write("network.json", JSON.stringify(changed));
          const { status, stdout } = await python("verify", ticket, "--network", network);
          expect([status, stdout]).toEqual([1, expect.stringContaining(`layer ${l}, output ${o}`)]);
          expect(stdout).toContain(`weight ${i}`);
        }
  });
});
