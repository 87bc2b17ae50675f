// Tickets before a judge that shares no code with the project: python/exacta_ticket, which follows
// docs/ticket.md.

import { execFile, execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cpuRunner } from "../host/cpu/runner.ts";
import { pruneToTicket, targetDigest } from "../host/experiments/ticket.ts";
import { startThread } from "../host/node/platform/threads.ts";
import type { Runner } from "../host/runner.ts";
import { forward, quantizers, readNetwork, withConstant } from "../src/network.ts";
import { encodeTicket } from "../src/ticket/file.ts";
import { schemeFor, type SchemeRequest } from "../src/ticket/width.ts";
import { generator } from "./graphs.ts";

const folderOfPackage = fileURLToPath(new URL("../python", import.meta.url));
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

function python(...args: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile("python3", args, { cwd: folderOfPackage }, (error, stdout, stderr) => {
      resolve({ status: error ? Number(error.code) : 0, stdout, stderr });
    });
  });
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

/** The first byte that is not 0 from a place on, and its lowest bit. */
function keptBit(file: Uint8Array, from: number): [byte: number, bit: number] {
  const byte = file.findIndex((value, i) => i >= from && value > 0);
  return [byte, 31 - Math.clz32(file[byte]! & -file[byte]!)];
}

/** Faults of a file, with the exit status of `verify`: 1 for a ticket of another network, 2 for no ticket. */
const fileFaults: Readonly<Record<string, [status: number, fault: (file: Uint8Array) => Uint8Array]>> = {
  "a hidden unit is cut": [1, (file) => withBit(file, ...keptBit(file, headerEnd(file)))],
  "the last kept weight is cut": [
    1,
    (file) => {
      const byte = file.findLastIndex((value) => value > 0);
      return withBit(file, byte, 31 - Math.clz32(file[byte]!));
    },
  ],
  "all masks are empty": [1, (file) => file.map((value, i) => (i < headerEnd(file) ? value : 0))],
  "another seed": [1, (file) => withHeader(file, (text) => text.replace(/("seed":"\d+)"/, '$10"'))],
  "another digest": [
    1,
    (file) => withHeader(file, (text) => text.replace(/("targetDigest":")..../, "$10000")),
  ],
  "another quantizer": [2, (file) => withHeader(file, (text) => text.replace(/"floor"/, '"away"'))],
  "another clamp": [2, (file) => withHeader(file, (text) => text.replace(/("clamp":)"false"/, '$1"true"'))],
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
  "a missing field": [2, (file) => withHeader(file, (text) => text.replace(/"zero":"\w+",/, ""))],
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

describe.skipIf(!hasNumpy && !isRequired)("Tickets before the check in Python", { tags: ["wide"] }, () => {
  let folder: string;
  let engine: Runner;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "exacta-python-"));
    engine = await cpuRunner(2, startThread);
  });
  afterAll(async () => {
    engine.close();
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
    expect(await python("-m", "unittest", "discover", "-s", "tests")).toMatchObject({ status: 0 });
  });

  test.each(schemes)(
    "The check certifies a ticket for %i bits of the scheme %o, and runs it",
    async (...row) => {
      const [bits, request, options] = row;
      const json = randomPerceptron(schemes.indexOf(row), bits, options);
      const network = await write("network.json", JSON.stringify(json));
      const ticket = await write("ticket", await ticketOf(json, request, 2n ** 40n));
      expect(await python("-m", "exacta_ticket", "verify", ticket, "--network", network)).toMatchObject({
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
      const { stdout } = await python("-m", "exacta_ticket", "run", ticket, "--inputs", path);
      const outputs = forward(target, withConstant(target, target.layers[0]!.columns, inputs));
      expect(stdout.trim().split(/\s+/).map(Number)).toEqual(Array.from(outputs));
    },
  );

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

  test("The check refuses files with faults, and tells tickets of other networks", async () => {
    const network = await write("network.json", JSON.stringify(json));
    const file = await ticketOf(json, { theorem: 1 });
    const found: Record<string, number> = {};
    for (const [name, [, fault]] of Object.entries(fileFaults)) {
      const faulty = fault(file);
      expect(Buffer.compare(faulty, file), name).not.toBe(0);
      const ticket = await write("faulty", faulty);
      const { status } = await python("-m", "exacta_ticket", "verify", ticket, "--network", network);
      found[name] = status;
    }
    expect(found).toEqual(
      Object.fromEntries(Object.entries(fileFaults).map(([name, [status]]) => [name, status])),
    );
  });

  test("The check finds every weight of a network that is changed by one", async () => {
    const ticket = await write("ticket", await ticketOf(json, { theorem: 2 }));
    for (const [l, { weights }] of json.layers.entries())
      for (const [o, row] of weights.entries())
        for (const i of row.keys()) {
          const changed = structuredClone(json);
          changed.layers[l]!.weights[o]![i]! += row[i]! > 0 ? -1 : 1;
          const network = await write("network.json", JSON.stringify(changed));
          const { status, stdout } = await python(
            "-m",
            "exacta_ticket",
            "verify",
            ticket,
            "--network",
            network,
          );
          expect([status, stdout]).toEqual([1, expect.stringContaining(`layer ${l}, output ${o}`)]);
          expect(stdout).toContain(`weight ${i}`);
        }
  });
});
