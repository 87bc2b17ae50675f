// exacta digits: tickets of the networks that read handwriting, found and certified on every engine, and the same outputs for all
// test images by every pass.

import { createHash } from "node:crypto";
import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runNetwork } from "../../host/experiments/network.ts";
import { pruneToTicket, targetDigest, type PruneRequest } from "../../host/experiments/ticket.ts";
import { readDigits } from "../../host/node/formats/mnist.ts";
import { outputsDigest } from "../../host/node/formats/outputs.ts";
import { openEngine } from "../../host/node/index.ts";
import { DIGITS_NETWORK, LENET_NETWORK } from "../../host/node/packaged.ts";
import type { DigitsFinding } from "../../src/finding.ts";
import { readGraph } from "../../src/graph/read.ts";
import { importNetwork } from "../../src/import/network.ts";
import { encodeTicket } from "../../src/ticket/file.ts";
import type { Ticket } from "../../src/ticket/ticket.ts";
import { unitCount, unitProducts } from "../../src/ticket/unit.ts";
import { graphSchemeFor, schemeFor } from "../../src/ticket/width.ts";
import { clearPart, picturesOf } from "../pictures.ts";
import { callCommand } from "./command.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "exacta-digits-"));
}, 120_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const exacta = (words: string) => callCommand(words, folder);

/** SHA-256 of the outputs of the 4-bit network for all test images, by another program's arithmetic. */
const DIGEST = "2a1f38b0e3be7f5a9fb98f75caeb4d7d4f0ce90cddd6240d027da7e9a1e5951b";

/** The same of LeNet-5 for the first 500 images, by NumPy; `test/docs.test.ts` has that for all. */
const LENET_DIGEST_500 = "c388cbc5cc892a27d79526c4017aea93a18ef4f3124d01f31624433fa69060b6";

/** Runs `exacta digits`, which proves that its ticket is the network, and answers its finding. */
async function certified(options: string): Promise<DigitsFinding> {
  const { status, stdout } = await exacta(`digits ${options} --json --quiet --engine cpu`);
  const finding = JSON.parse(stdout) as DigitsFinding;
  expect({ status, ...finding }).toMatchObject({
    status: 0,
    engine: "cpu",
    images: 10_000,
    certified: true,
    equal: true,
  });
  return finding;
}

// A small network: the perceptron of the package has 16 times as many weights, and takes ten times as long.
test("A ticket of theorem 2 has the outputs of its network on cpu", { tags: ["wide"] }, async () => {
  const weightsOf = (outputs: number, inputs: number) =>
    Array.from({ length: outputs }, (_, r) =>
      Array.from({ length: inputs }, (_, c) => ((r * 7 + c * c) % 3) - 1),
    );
  const layers = [{ weights: weightsOf(2, 784) }, { weights: weightsOf(10, 2) }];
  await writeFile(join(folder, "two.json"), JSON.stringify({ bits: 1, activationBits: 8, layers }));
  const { theorem, digests, uncutCorrect, randomCorrect } = await certified("--network two.json --theorem 2");
  expect({ theorem, outputs: new Set(digests).size, uncutCorrect, randomCorrect }).toEqual({
    theorem: 2,
    outputs: 1,
  });
});

/** Images that the slow engines read. */
const READ = 1000;
/** Images for which they evaluate every kept hidden unit. */
const AUDITED = 100;

async function readRequest(): Promise<PruneRequest> {
  const { network } = importNetwork(await readFile(DIGITS_NETWORK), { targetBits: 4 });
  return { network, bits: 4, scheme: schemeFor(network, 4).scheme };
}

let latest: ReturnType<typeof readRequest> | undefined;
/** What is pruned; its network is imported once. */
const request = () => (latest ??= readRequest());

/** SHA-256 of the file of a ticket, which says all of it. */
async function fileDigest(ticket: Ticket): Promise<string> {
  const { network, bits } = await request();
  const file = encodeTicket(ticket, await targetDigest(network, bits));
  return createHash("sha256").update(file).digest("hex");
}

/** The ticket, and its outputs for all images. */
async function pruneOnCpu(): Promise<{ readonly ticket: Ticket; readonly outputs: Float64Array }> {
  const cpu = await openEngine({ engine: "cpu" });
  const { ticket } = await pruneToTicket(cpu, await request());
  const { images } = await readDigits("test");
  const outputs = await runNetwork(cpu, ticket, images);
  expect(outputsDigest(outputs)).toBe(DIGEST);
  cpu.close();
  return { ticket, outputs };
}

let ofCpu: ReturnType<typeof pruneOnCpu> | undefined;

test.each(["reference", "gpu"] as const)(
  "The engine %s finds the ticket of the engine cpu, and the outputs of the network for 1000 images, 100 of them by audit",
  { tags: ["wide"], timeout: 300_000 },
  async (name) => {
    const { images } = await readDigits("test");
    const engine = await openEngine({ engine: name });
    const { ticket } = await pruneToTicket(engine, await request());
    const cpu = await (ofCpu ??= pruneOnCpu());
    expect(await fileDigest(ticket)).toBe(await fileDigest(cpu.ticket));
    for (const [pass, count] of [
      ["collapsed", READ],
      ["audit", AUDITED],
    ] as const) {
      const some = images.subarray(0, count * (images.length / 10_000));
      const outputs = await runNetwork(engine, ticket, some, { pass });
      expect(outputsDigest(outputs)).toBe(outputsDigest(cpu.outputs.subarray(0, count * 10)));
    }
    engine.close();
  },
);

test("The command prints a table, writes the ticket and a report, and refuses theorem 3", async () => {
  const { status, stdout, stderr } = await exacta("digits --quiet --engine cpu --seed 5 --out story");
  expect(status).toBe(0);
  expect(stdout).toMatch(/certified: .*\nall 100,000 outputs are the same integers \(cpu: /);
  expect(stdout).toMatch(/^a perceptron, .* 97\.32 % /m);
  // The controls read one in ten, as guessing does.
  for (const control of ["uncut", "cut at random"]) {
    const [, percent] = new RegExp(`^the random network, ${control} .* ([0-9.]+) %`, "m").exec(stdout)!;
    expect(Number(percent)).toBeGreaterThan(4);
    expect(Number(percent)).toBeLessThan(16);
  }
  expect(stderr).toMatch(/^story\/digits.html is the report; story\/digits.safetensors is the ticket/);
  expect((await readdir(join(folder, "story"))).toSorted()).toEqual(["digits.html", "digits.safetensors"]);
  const report = await readFile(join(folder, "story/digits.html"), "utf8");
  const pictures = picturesOf(report);
  expect(pictures).toHaveLength(3 * 32 + 12);
  // The first unit: noise, kept products, sums. Then, among others, an image.
  const clear = pictures.slice(0, 3).map(clearPart);
  expect(clear[0]).toBeLessThan(0.1);
  expect(clear[1]).toBeGreaterThan(0.9);
  expect(clear[2]).toBeGreaterThan(0.5);
  expect(clear[2]).toBeLessThan(0.9);
  expect(clearPart(pictures.at(-1)!)).toBeGreaterThan(0.5);
  expect(report).toContain("reads 9,732 of 10,000 images right");
  expect(report.replace(/base64,[^"]+/g, "")).not.toMatch(/undefined|NaN|<script\s/);
  expect((await exacta("verify story/digits.safetensors")).status).toBe(0);
  expect(await exacta("digits --theorem 3")).toEqual({
    status: 2,
    stdout: "",
    stderr: "theorem: expected 1 or 2, got 3\n",
  });
}, 120_000);

test("The random network that is pruned to LeNet-5 reads 500 images as it does, by both passes, and its kernels add up to the trained ones", async () => {
  const json = JSON.parse(await readFile(LENET_NETWORK, "utf8")) as { nodes: { weights: number[][][][] }[] };
  const network = readGraph(json);
  const engine = await openEngine({ engine: "cpu" });
  const { scheme } = graphSchemeFor(network);
  const { ticket, failures } = await pruneToTicket(engine, { network, scheme });
  expect(failures).toEqual([]);
  const { images } = await readDigits("test");
  const some = images.subarray(0, 500 * 784);
  const digest = async (pass: "audit" | "collapsed", of = ticket) =>
    outputsDigest(await runNetwork(engine, of, some, { pass }));
  const another = { ...ticket, seed: 2n };
  expect(await digest("collapsed", another)).not.toBe(LENET_DIGEST_500);
  expect(await digest("audit")).toBe(LENET_DIGEST_500);
  expect(await digest("collapsed")).toBe(LENET_DIGEST_500);
  engine.close();
  // Random weights are integers of -4..4 in units of 1/4, so a product has the unit of a trained weight.
  const trained = json.nodes[0]!.weights.map((channels) => channels.flat(2));
  const sumsOf = (of: typeof ticket) =>
    Array.from({ length: unitCount(of) }, (_, kernel) => Array.from(unitProducts(of, kernel).sums));
  expect(sumsOf(another)).not.toEqual(trained);
  expect(sumsOf(ticket)).toEqual(trained);
  expect(unitProducts(ticket, 0)).toMatchObject({ inputs: 25, across: 5, negative: 0 });
}, 120_000);

test("Networks that do not read the images are refused before anything runs", async () => {
  const write = async (name: string, inputs: number, outputs: number, activationBits: number) => {
    const weights = Array.from({ length: outputs }, () => Array<number>(inputs).fill(1));
    const json = { bits: 1, activationBits, layers: [{ weights }] };
    await writeFile(join(folder, name), JSON.stringify(json));
  };
  await write("narrow.json", 783, 10, 8);
  await write("single.json", 784, 1, 8);
  await write("fine.json", 784, 10, 9);
  await copyFile(DIGITS_NETWORK, join(folder, "digits.safetensors"));
  for (const [words, message] of [
    ["none.json", 'network: expected a readable file, got "none.json"; ENOENT'],
    ["narrow.json", "narrow.json: inputs: expected 784, the pixels of an image, got 783"],
    ["single.json", "single.json: outputs: expected 10, one for each digit, got 1"],
    ["fine.json", "fine.json: activation bits of the input: expected 8, as pixels have, got 9"],
    ["lenet --target-bits 3", "target-bits: expected none, as the network says itself, got 3"],
    ["digits.safetensors --out .", 'out: expected another file than what is read, got "digits.safetensors"'],
    [
      "lenet --theorem 2",
      "conv1: expected a dense layer, as in the chains of dense layers that Theorem 2 takes, got conv",
    ],
  ] as const) {
    const { status, stdout, stderr } = await exacta(`digits --json --network ${words}`);
    expect({ words, status, stdout }).toEqual({ words, status: 2, stdout: "" });
    expect(stderr).toContain(message);
  }
});
