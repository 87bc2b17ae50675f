// exacta ticket, verify and forward for graphs, as files and exit statuses.

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { buildCommand, callCommand, killCommands } from "./command.ts";

const conv = [
  [
    [
      [1, -4],
      [0, 2],
    ],
    [
      [3, 0],
      [0, -1],
    ],
  ],
  [
    [
      [2, 1],
      [-2, 0],
    ],
    [
      [4, 4],
      [1, -3],
    ],
  ],
];
/** A residual convolution, a pool, and a layer of another precision. */
const image = {
  input: { shape: [2, 3, 3], activationBits: 2 },
  bits: 2,
  activationBits: 3,
  nodes: [
    {
      kind: "conv",
      name: "first",
      weights: conv,
      biases: [1, -3],
      padding: [1, 1, 0, 0],
      activationBits: "exact",
    },
    { kind: "add", name: "sum", from: ["first", "input"], relu: true, quantizer: "nearest" },
    { kind: "max-pool", size: [2, 2] },
    { kind: "flatten" },
    { kind: "dense", name: "last", bits: 1, weights: [[1, -2, 0, 2, 1, 1, -1, 0]] },
  ],
};
/** The same function of two layers, as a list and as a graph. */
const layers = {
  bits: 2,
  activationBits: 2,
  layers: [
    {
      weights: [
        [4, -1],
        [0, 3],
      ],
      biases: [1, -2],
    },
    { weights: [[-4, 2]] },
  ],
};
const chain = {
  input: { shape: [2], activationBits: 2 },
  bits: 2,
  activationBits: 2,
  nodes: [
    {
      kind: "dense",
      weights: [
        [4, -1],
        [0, 3],
      ],
      biases: [1, -2],
      relu: true,
    },
    { kind: "dense", weights: [[-4, 2]] },
  ],
};
let folder: string;

beforeAll(async () => {
  await buildCommand();
  folder = await mkdtemp(join(tmpdir(), "exacta-graphs-"));
  for (const [name, value] of Object.entries({ image, layers, chain }))
    await writeFile(join(folder, `${name}.json`), JSON.stringify(value));
  const rows = Array.from({ length: 40 }, (_, k) =>
    Array.from({ length: 18 }, (_, i) => ((k * 7 + i * i) % 9) - 4),
  );
  await writeFile(join(folder, "images.csv"), `${rows.map((row) => row.join(",")).join("\n")}\n`);
}, 120_000);

afterEach(killCommands);
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs the command with words that blanks separate. */
const exacta = (words: string) => callCommand(words.replaceAll(/ +/g, " ").trim(), folder);
const json = async (words: string) =>
  JSON.parse((await exacta(`${words} --json`)).stdout) as Record<string, unknown>;

describe.each([
  ["as it is by default", "", { bits: [1, 1], skip: "identity" }],
  [
    "with bits of each layer, zeros and smallest subsets",
    "--bits 2,1 --initial-bits 3 --zero --sparse",
    { bits: [2, 1], initialBits: [3, 3] },
  ],
  ["as the paper proves it", "--pools halves --support", { pools: "halves", support: true }],
  ["without its skip", "--skip none", { skip: "none" }],
  ["with a random skip", "--skip random", { skip: "random" }],
  ["in depth", "--bits 0 --depth-construction --copies 20,16", { bits: [0, 0], copies: [20, 16] }],
])("A ticket of a graph %s", (name, options, scheme) => {
  const file = `${name.replaceAll(/\W/g, "-")}.safetensors`;

  test("A ticket of a graph is found, certified, and gives the graph's outputs by both passes", async () => {
    const made = await json(`ticket image.json ${options} --engine cpu --out ${file}`);
    const layersOfGraph = [
      { node: "first", targetBits: 2, weights: 18 },
      { node: "last", targetBits: 1, weights: 8 },
    ];
    expect(made).toMatchObject({
      kind: "ticket",
      found: true,
      theorem: 1,
      ...scheme,
      layers: layersOfGraph,
      target: 26,
      failed: 0,
      dead: 0,
      outside: 0,
    });
    for (const named of ["", "--network image.json"]) {
      const proof = await json(`verify ${file} ${named}`);
      expect(proof).toMatchObject({
        kind: "verify",
        certified: true,
        ...scheme,
        kept: made.kept,
        audit: { inputs: 37, exhaustive: false },
      });
    }
    expect((await exacta(`verify ${file} --network image.json`)).stdout).toMatch(
      /^\S+: equals image\.json on every input\nrun on some inputs \(37\) as well; keeps /,
    );
    const [network, audit, collapsed] = await Promise.all(
      ["image.json", `${file} --pass audit`, `${file} --pass collapsed`].map((words) =>
        exacta(`forward ${words} --inputs images.csv --engine cpu --quiet`),
      ),
    );
    expect(network).toMatchObject({ status: 0, stderr: "" });
    expect(new Set(network!.stdout.split("\n")).size).toBeGreaterThan(5);
    expect([audit, collapsed]).toEqual([network, network]);
  });

  test("A flipped bit of a graph's ticket is refused with the node of the weight that differs", async () => {
    const bytes = await readFile(join(folder, file));
    const at = bytes.findLastIndex((byte) => byte !== 0);
    bytes[at]! ^= bytes[at]! & -bytes[at]!;
    await writeFile(join(folder, "flipped"), bytes);
    const { status, stdout } = await exacta("verify flipped --network image.json");
    expect(status).toBe(1);
    expect(stdout).toMatch(
      /^flipped: does not equal image\.json\nlayer "last", output 0, input \d, (positive|negative) inputs: expected a subset sum of -?\d+, got -?\d+\n$/,
    );
  });
});

test("A ticket of attention is found, certified, gives the logits, and names a weight by its row and column", async () => {
  const attention = {
    input: { shape: [2, 3, 1], activationBits: 3 },
    bits: 1,
    activationBits: 3,
    nodes: [
      { kind: "product", name: "values", first: [[1], [-2]], second: [[2, 1]] },
      { kind: "bilinear", name: "logits", queries: [[1], [2]], keys: [[-1], [1]] },
    ],
  };
  await writeFile(join(folder, "attention.json"), JSON.stringify(attention));
  await writeFile(join(folder, "tokens.csv"), "4,-4,1,0,2,3\n-1,-2,-3,4,3,2\n");
  expect(await json("ticket attention.json --units auto --engine cpu --out attention")).toMatchObject({
    found: true,
    layers: [
      { node: "values", targetBits: 1, weights: 4 },
      { node: "logits", targetBits: 1, weights: 4 },
    ],
  });
  expect(await json("verify attention --network attention.json")).toMatchObject({
    certified: true,
    audit: { inputs: 37, exhaustive: false },
  });
  const outputs = await Promise.all(
    ["attention.json", "attention --pass audit", "attention --pass collapsed"].map((words) =>
      exacta(`forward ${words} --inputs tokens.csv --engine cpu --quiet`),
    ),
  );
  expect(outputs[0]).toMatchObject({ status: 0, stderr: "" });
  expect(outputs[0]!.stdout.trim().split("\n")[0]!.split(/[ ,]+/)).toHaveLength(9);
  expect(outputs.slice(1)).toEqual([outputs[0], outputs[0]]);
  attention.nodes[1]!.keys![1]![0] = 2;
  await writeFile(join(folder, "other.json"), JSON.stringify(attention));
  const { status, stdout } = await exacta("verify attention --network other.json");
  expect([status, stdout]).toEqual([
    1,
    'attention: does not equal other.json\nlayer "logits", output 1, input 0, all inputs: expected a subset sum of 2, got 1\n',
  ]);
});

test("Another weight is named by its tap, and another bias as such", async () => {
  await exacta("ticket image.json --engine cpu --out plain");
  const changed = async (change: (other: typeof image) => void) => {
    const other = structuredClone(image);
    change(other);
    await writeFile(join(folder, "other.json"), JSON.stringify(other));
    return (await exacta("verify plain --network other.json")).stdout;
  };
  expect(
    await changed(({ nodes: [first] }) => ((first!.weights as typeof conv)[1]![0]![1]![0] = 3)),
  ).toContain(
    'layer "first", output 1, input 0, tap [1, 0], positive inputs: expected a subset sum of 3, got -2\n',
  );
  expect(await changed(({ nodes: [first] }) => (first!.biases![1] = 0))).toContain(
    'layer "first", output 1, bias, positive inputs: expected a subset sum of 0, got -3\n',
  );
});

test("With --nonnegative a ticket of either form equals its network on inputs that are not negative", async () => {
  for (const network of ["layers", "chain"]) {
    expect(await json(`ticket ${network}.json --nonnegative --engine cpu --out positive`)).toMatchObject({
      layers: [{ weights: 6 }, { weights: network === "layers" ? 3 : 2 }],
    });
    const { status, stdout } = await exacta(`verify positive --network ${network}.json`);
    expect(status).toBe(0);
    expect(stdout).toContain(
      `equals ${network}.json on every input that is not negative\nrun on all inputs (25) as well`,
    );
  }
  await writeFile(join(folder, "negative.csv"), "0,-1\n");
  expect((await exacta("forward positive --inputs negative.csv --engine cpu")).stderr).toContain(
    "number 2 of input 1: expected an integer in 0..4, got -1",
  );
});

test("Theorem 2 prunes to a graph that is a chain, and writes the file of the network", async () => {
  await exacta("ticket layers.json --theorem 2 --engine cpu --out list");
  expect(await exacta("ticket chain.json --theorem 2 --engine cpu --out graph")).toMatchObject({ status: 0 });
  expect(await readFile(join(folder, "graph"))).toEqual(await readFile(join(folder, "list")));
  expect((await exacta("verify graph --network chain.json")).stdout).toContain(
    "equals chain.json on every input",
  );
});

describe("Refusals of tickets of graphs", () => {
  test.each([
    [
      "image.json --theorem 2",
      /^first: expected a dense layer, as in the chains of dense layers that Theorem 2 takes, got conv\n$/,
    ],
    ["chain.json --theorem 2 --nonnegative", /^nonnegative: expected theorem 1, got 2\n$/],
    ["chain.json --theorem 2 --skip none", /^skip: expected theorem 1, got 2\n$/],
    ["chain.json --skip none", /^skip: expected identity, where there are no additions, got "none"\n$/],
    ["layers.json --skip all", /^skip: expected one of identity, none, random, got "all"\n$/],
    [
      "image.json --skip random --pools halves",
      /^skip: expected identity or none with halves or support, got "random"\n$/,
    ],
    ["image.json --bits 0,1,1", /^bits: expected 2 numbers for 2 layers, got 3\n$/],
    [
      "image.json --bits 1,0 --units 9 --initial-bits 0",
      /^initial-bits: expected at least bits, 1, got 0\n$/,
    ],
    ["image.json --units 3,3,3", /^units: expected 2 numbers for 2 layers, got 3\n$/],
    [
      "image.json --copies 3",
      /^copies: expected none, since a pair of layers has no copies, got "3"; use --depth-construction\n$/,
    ],
    [
      "image.json --quantizer away",
      /^image\.json: quantizer: expected none, as the network says itself, got "away"\n$/,
    ],
  ])("exacta ticket %s is refused", async (words, message) => {
    const { status, stdout, stderr } = await exacta(`ticket ${words} --engine cpu --out x`);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toMatch(message);
  });

  test("Verify refuses a network of another outline", async () => {
    await exacta("ticket image.json --engine cpu --out plain");
    const { status, stderr } = await exacta("verify plain --network chain.json");
    expect(status).toBe(2);
    expect(stderr).toContain("network.input.shape: expected [2,3,3], as the ticket's target has, got [2]");
  });
});

test("Weights in depth need 0 bits and Theorem 1, and a layer without edges is named", async () => {
  for (const [options, field] of [
    ["--depth-construction --bits 1", "bits: expected 0, for weights in depth, got 1"],
    ["--depth-construction --bits 0 --theorem 2", "depth-construction: expected theorem 1"],
  ] as const) {
    const { status, stderr } = await exacta(`ticket chain.json ${options} --engine cpu --out refused`);
    expect([status, stderr]).toEqual([2, expect.stringContaining(field)]);
  }
  const lacking = await exacta(
    "ticket chain.json --bits 0 --depth-construction --copies 3 --units 12 --engine cpu --out none",
  );
  expect(lacking.status).toBe(1);
  expect(lacking.stdout).toMatch(/no ticket: \d+ copies or weights have no edges/);
  expect(lacking.stdout).toMatch(
    /layer "dense1", level \d, input 0, \w+ inputs: copy \d of \d x has too few edges/,
  );
});

test("The table of widths has two layers beside the construction in depth, and takes no other options", async () => {
  const { stdout } = await exacta("theory --depth-construction --bits 2,8");
  expect(stdout).toMatch(/\n2 +4 +11 +11 +66 .*\n8 +10 +538 +14 +252 /);
  const findings = (await exacta("theory --depth-construction --json")).stdout.trim().split("\n");
  expect(findings.map((line) => (JSON.parse(line) as { targetBits: number }).targetBits)).toEqual([
    1, 2, 3, 4, 5, 6, 7, 8,
  ]);
  expect(await exacta("theory --depth-construction --items 3")).toMatchObject({
    status: 2,
    stderr: 'items: expected none with --depth-construction, got "3"\n',
  });
});
