// exacta ticket and exacta verify as files and exit statuses: what is found, what is proved and what is refused.

import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { buildCommand, callCommand, killCommands, startCommand } from "./command.ts";

const network = {
  bits: 4,
  activationBits: 3,
  quantizer: "nearest",
  layers: [
    {
      weights: [
        [16, -3],
        [0, 7],
        [-16, 1],
      ],
    },
    {
      weights: [
        [5, -6, 11],
        [-1, 0, 2],
      ],
    },
  ],
};
const { version } = manifest;
let folder: string;

beforeAll(async () => {
  await buildCommand();
  folder = await mkdtemp(join(tmpdir(), "exacta-tickets-"));
  await writeFile(join(folder, "network.json"), JSON.stringify(network));
}, 120_000);

afterEach(killCommands);
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs the command with words that blanks separate. */
const exacta = (words: string) => callCommand(words, folder);

describe.each([
  ["theorem 1", "--theorem 1"],
  ["theorem 1 with 0 among the weights, smallest subsets", "--theorem 1 --zero --sparse --initial-bits 6"],
  ["theorem 1 as the paper proves it", "--pools halves --support"],
  ["theorem 1 with weights of -1, 0 and 1", "--bits 0 --zero"],
  ["theorem 2 with weights of -1 and 1", "--theorem 2 --bits 0 --initial-bits 2"],
  ["theorem 2", "--theorem 2 --seed 18446744073709551615"],
])("A ticket of %s", (name, options) => {
  const file = `${name.replaceAll(/\W/g, "-")}.safetensors`;

  test("A ticket is found, written and certified, with its network and without", async () => {
    const made = await exacta(`ticket network.json ${options} --engine cpu --out ${file} --json`);
    expect(made).toMatchObject({ status: 0, stderr: "" });
    const finding = JSON.parse(made.stdout) as Record<string, unknown>;
    expect(finding).toMatchObject({
      kind: "ticket",
      found: true,
      failed: 0,
      failures: [],
      attempts: 1,
      widths: [2, 3, 2],
      target: 12,
      dead: 0,
      outside: 0,
      engine: "cpu",
      version,
    });
    for (const named of ["", " --network network.json"]) {
      const proof = await exacta(`verify ${file}${named} --json`);
      expect(proof).toMatchObject({ status: 0, stderr: "" });
      expect(JSON.parse(proof.stdout)).toMatchObject({
        kind: "verify",
        certified: true,
        kept: finding.kept,
        pools: finding.pools,
        support: finding.support,
        nonzero: finding.nonzero,
        dead: 0,
        outside: 0,
        ...(named ? { audit: { inputs: 289, exhaustive: true } } : {}),
      });
    }
    expect((await exacta(`verify ${file}`)).stdout).toMatch(
      /equals its target on every input\nrun on all inputs \(\d+\) as well; keeps [\d,]+ of/,
    );
  });

  test("Another engine writes the same file", async () => {
    await exacta(`ticket network.json ${options} --engine reference --out again`);
    expect(await readFile(join(folder, "again"))).toEqual(await readFile(join(folder, file)));
  });

  test("A ticket is refused for another network, and the weight is named", async () => {
    const other = structuredClone(network);
    other.layers[1]!.weights[0]![2] = 10;
    await writeFile(join(folder, "other.json"), JSON.stringify(other));
    const { status, stdout } = await exacta(`verify ${file} --network other.json`);
    expect(status).toBe(1);
    expect(stdout).toMatch(
      /does not equal other\.json\nlayer 1, output 0, input 2, positive inputs, copy 0: expected/,
    );
  });

  test("A ticket with a flipped mask bit is refused, by the weight that differs or by the position of the bit", async () => {
    const bytes = await readFile(join(folder, file));
    // The bytes of the last mask end the file.
    const at = bytes.findLastIndex((byte) => byte !== 0);
    bytes[at]! ^= bytes[at]! & -bytes[at]!;
    await writeFile(join(folder, "flipped"), bytes);
    for (const named of ["", " --network network.json"]) {
      const { status, stdout } = await exacta(`verify flipped${named}`);
      expect([status, /does not equal|is no ticket of/.test(stdout)]).toEqual([1, true]);
    }
  });
});

describe("Tickets of signed inputs", () => {
  const single = {
    bits: 2,
    activationBits: 3,
    layers: [{ weights: [[3, -1]] }],
  };

  test("A weight that is no longer kept is named without the network as with it", async () => {
    await writeFile(join(folder, "single.json"), JSON.stringify(single));
    expect((await exacta("ticket single.json --out single --engine cpu")).status).toBe(0);
    const bytes = await readFile(join(folder, "single"));
    const signs = new Set<string>();
    // The last mask has a bit for each of two inputs and some 30 hidden units.
    for (let bit = 0; bit < 96; bit++) {
      const cut = Uint8Array.from(bytes);
      cut[bytes.length - 1 - (bit >> 3)]! &= ~(1 << (bit & 7));
      if (Buffer.compare(cut, bytes) === 0) continue;
      await writeFile(join(folder, "flipped"), cut);
      const known = (await exacta("verify flipped --network single.json")).stdout;
      const alone = (await exacta("verify flipped")).stdout;
      expect(alone.replace("its target", "single.json")).toBe(known);
      for (const [sign] of known.matchAll(/positive|negative/g)) signs.add(sign);
    }
    expect([...signs].toSorted()).toEqual(["negative", "positive"]);
  });
});

test("Theory chooses widths for a probability of failure, and typed widths are kept", async () => {
  const made = async (words: string) =>
    JSON.parse((await exacta(`ticket network.json ${words} --engine cpu --out x --json`)).stdout) as {
      units: number[];
      copies: number[];
      predictedFailure: number;
    };
  const [often, rarely, typed] = [
    await made("--failure 0.5"),
    await made("--units auto --failure 1e-4"),
    await made("--theorem 2 --copies 30"),
  ];
  for (const [{ predictedFailure }, failure] of [
    [often, 0.5],
    [rarely, 1e-4],
    [typed, 0.01],
  ] as const) {
    expect(predictedFailure).toBeLessThanOrEqual(failure);
    expect(predictedFailure).toBeGreaterThan(failure / 3);
  }
  often.units.forEach((units, l) => expect(units).toBeLessThan(rarely.units[l]!));
  expect(typed.copies).toEqual([30]);
});

test("The seed after the last one is 0", async () => {
  const last = await exacta(
    "ticket network.json --units 30 --seed 18446744073709551615 --engine cpu --out x --json",
  );
  const sequel = JSON.stringify({ seed: "0" }).slice(1, -1);
  expect(last.stdout).not.toContain(sequel);
  const { stdout } = await exacta(
    "ticket network.json --units 1 --seed 18446744073709551615 --attempts 2 --engine cpu --out x --json",
  );
  expect(stdout).toContain(sequel);
});

test("A stopped run writes no ticket and says so", async () => {
  const row = Array.from({ length: 60 }, (_, i) => (i % 5) - 2);
  const wide = { bits: 1, activationBits: 1, layers: [{ weights: Array.from({ length: 60 }, () => row) }] };
  await writeFile(join(folder, "wide.json"), JSON.stringify(wide));
  const words = "ticket wide.json --units 2 --attempts 1e6 --engine cpu --out stopped";
  const { child, outcome } = startCommand(words.split(" "), folder);
  // It works on instances once it says with what.
  await new Promise<void>((resolve) => {
    child.stderr.once("data", () => resolve());
    child.once("close", () => resolve());
  });
  child.kill("SIGINT");
  const { status, stdout, stderr } = await outcome;
  expect({ status, stdout }).toEqual({ status: 75, stdout: "" });
  expect(stderr).toContain("stopped early; no ticket is written\n");
  expect((await readdir(folder)).filter((name) => name.startsWith("stopped"))).toEqual([]);
});

test("Mask bits that change nothing are allowed and counted", async () => {
  await exacta("ticket network.json --zero --engine cpu --out clean");
  const bytes = await readFile(join(folder, "clean"));
  const whole = await exacta("verify clean");
  // A weight of the last layer whose hidden unit is not kept.
  const header = Number(bytes.readBigUInt64LE());
  const tensors = JSON.parse(bytes.toString("latin1", 8, 8 + header)) as Record<
    string,
    { data_offsets: [number, number] }
  >;
  const [units, weights] = [tensors["mask.2"]!, tensors["mask.3"]!].map(
    ({ data_offsets: [from] }) => 8 + header + from,
  ) as [number, number];
  const idle = Array.from({ length: 99 }, (_, q) => q).find(
    (q) => !((bytes[units + (q >> 3)]! >> (q & 7)) & 1),
  )!;
  bytes[weights + (idle >> 3)]! |= 1 << (idle & 7);
  await writeFile(join(folder, "dead"), bytes);
  const { status, stdout } = await exacta("verify dead");
  expect([status, stdout]).toEqual([
    0,
    `${whole.stdout.trimEnd().replace("clean", "dead")}, and 1 further weight without effect\n`,
  ]);
});

test("Options that contradict a ticket are refused", async () => {
  await exacta("ticket network.json --engine cpu --out own");
  await writeFile(join(folder, "inputs.csv"), "1 2\n");
  for (const words of ["verify own", "forward own --inputs inputs.csv --engine cpu --quiet"]) {
    expect(await exacta(`${words} --quantizer nearest --target-bits 4`)).toMatchObject({ status: 0 });
    expect(await exacta(`${words} --quantizer away`)).toEqual({
      status: 2,
      stdout: "",
      stderr: 'quantizer: expected nearest, as the ticket says itself, got "away"\n',
    });
    expect((await exacta(`${words} --input-scale 2`)).status).toBe(2);
  }
});

test("A ticket whose sums are too large to run is certified by its weights alone", async () => {
  const chain = [
    ...Array.from({ length: 15 }, () => ({
      weights: [
        [2, 2],
        [2, 1],
      ],
    })),
    { weights: [[2, 2]] },
  ];
  const large = { bits: 1, activationBits: 20, layers: chain };
  await writeFile(join(folder, "large.json"), JSON.stringify(large));
  await exacta("ticket large.json --bits 10 --engine cpu --out large");
  const { status, stdout } = await exacta("verify large --network large.json");
  expect(status).toBe(0);
  expect(stdout).toMatch(/^large: equals large\.json on every input\ntoo large to run it; keeps /);
});

test("A file that names another target is refused although the weights are equal", async () => {
  await exacta("ticket network.json --engine cpu --out named");
  const bytes = await readFile(join(folder, "named"));
  const at = bytes.indexOf("targetDigest") + 'targetDigest":"'.length;
  bytes.fill("0", at, at + 64);
  await writeFile(join(folder, "misnamed"), bytes);
  expect(await exacta("verify misnamed --network network.json")).toEqual({
    status: 1,
    stdout:
      "misnamed: is no ticket of network.json\nthe file has the digest of another network: it is damaged, or the ticket of that network\n",
    stderr: "",
  });
});

test("A ticket that keeps products which its scheme rejects is refused", async () => {
  await exacta("ticket network.json --units 120 --engine cpu --out shared");
  const bytes = await readFile(join(folder, "shared"));
  const header = Number(bytes.readBigUInt64LE());
  const text = bytes
    .toString("latin1", 8, 8 + header)
    .replace('"pools":"shared"', '"pools":"halves"')
    .trimEnd();
  const padded = text.padEnd(Math.ceil(text.length / 8) * 8);
  expect(padded).toHaveLength(header);
  bytes.write(padded, 8, "latin1");
  await writeFile(join(folder, "foreign"), bytes);
  const { status, stdout } = await exacta("verify foreign");
  expect(status).toBe(1);
  expect(stdout).toMatch(/^foreign: is no ticket of its scheme\n\d+ products are kept that it leaves out\n$/);
  expect(JSON.parse((await exacta("verify foreign --json")).stdout)).toMatchObject({ certified: false });
});

describe("Refusals of ticket", () => {
  test("With too few units every weight without a subset is named, and no file is left", async () => {
    const { status, stdout } = await exacta(
      "ticket network.json --units 1 --engine cpu --out none --attempts 3",
    );
    expect(status).toBe(1);
    expect(stdout).toMatch(
      /^no ticket: \d+ subset sums have no solution, more --units or --attempts may help \(predicted failure 1\); the first:\nlayer 0, output 0/,
    );
    expect(await readdir(folder)).not.toContain("none");
  });

  test.each([
    ["verify network.json", /^file: expected an exacta ticket, got "network\.json"\n$/],
    ["ticket --out x", /^network: expected a file, got nothing; run exacta ticket --help\n$/],
    [
      "ticket network.json --out .",
      /^out: expected a file that can be written, got "\."; name one with --out\n$/,
    ],
    [
      "ticket network.json --out x --copies 4",
      /^copies: expected none, since a pair of layers has no copies, got "4"; use --theorem 2; use --depth-construction\n$/,
    ],
    ["ticket network.json --out x --units 0", /^units: expected an integer in 1\.\.10000, got 0\n$/],
    ["ticket network.json --out x --bits many", /^bits: expected an integer in 0\.\.10, got "many"\n$/],
    ["ticket network.json --out x --initial-bits 1", /^initial-bits: expected at least bits, 2, got 1\n$/],
    ["verify missing", /^file: expected a readable file, got "missing"; ENOENT\n$/],
    ["ticket missing --out x", /^file: expected a readable file, got "missing"; ENOENT\n$/],
    [
      "ticket network.json",
      /^--out: expected a value, since this option is required, got nothing; for example exacta ticket network.json --out ticket\.safetensors; run exacta ticket --help\n$/,
    ],
    ["ticket network.json --out x --theorem 3", /^theorem: expected 1 or 2, got 3\n$/],
    [
      "ticket network.json --out x --bits 1",
      /^target bits: expected at most 2 for theorem 1 and 1 bits, got 4\n$/,
    ],
    [
      "ticket network.json --out x --units 9,9,9",
      /^units: expected 2 numbers for theorem 1 and 2 layers, got 3\n$/,
    ],
    ["ticket network.json --out x --units few", /^units: expected an integer in 1\.\.10000, got "few"\n$/],
    ["ticket network.json --out x --failure 2", /^failure: expected a number above 0 and below 1, got 2\n$/],
    ["ticket network.json --out x --attempts 0", /^attempts: expected an integer in 1\.\.1000000, got 0\n$/],
    ["ticket network.json --out x --pools thirds", /^pools: expected one of shared, halves, got "thirds"\n$/],
    [
      "ticket network.json --out x --pools halves --units 9",
      /^units: expected an even number for halves, got 9\n$/,
    ],
    ["ticket network.json --out x --units 20000", /^units: expected an integer in 1\.\.10000, got 20000\n$/],
    [
      "ticket network.json --out x --weight-quantizer up",
      /^weight-quantizer: expected one of floor, truncate, /,
    ],
  ])("The command line exacta %s is refused", async (words, message) => {
    const { status, stdout, stderr } = await exacta(words);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toMatch(message);
  });

  test("Files without a network are refused", async () => {
    await writeFile(join(folder, "text"), "{weights");
    await writeFile(join(folder, "wrong.json"), JSON.stringify({ ...network, bits: 3 }));
    expect((await exacta("ticket text --out x")).stderr).toMatch(
      /^text: network: expected JSON, safetensors or ONNX, got "\{weights"; /,
    );
    expect((await exacta("ticket wrong.json --out x")).stderr).toBe(
      "wrong.json: layers.0.weights.0.0: expected an integer in -8..8, got 16\n",
    );
  });
});
