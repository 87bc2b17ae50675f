// Approximation by subset sums: what is drawn, kept and listed, against an enumeration of all subsets; and the command.

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { approximateNetwork } from "../host/experiments/approximate.ts";
import { openEngine } from "../host/node/index.ts";
import type { ApproximateRequest, Sharing } from "../src/experiments/approximate.ts";
import type { ApproximateFinding } from "../src/finding.ts";
import type { GivenLayer } from "../src/import/given.ts";
import { readSafetensors } from "../src/import/safetensors.ts";
import { callCommand } from "./cli/command.ts";
import { oracleSets, oracleThreefry } from "./oracle.ts";

const GRID = 2 ** 24;

/** Two layers, with weights that few candidates do not reach; the second one has biases. */
const layers: readonly GivenLayer[] = [
  {
    name: "first.weight",
    rows: 3,
    columns: 4,
    weights: Float64Array.of(0.3, -0.71, 0, 1.9, 0.005, -0.02, 0.5, -1.4, 1 / 3, 7.5, -0.1, 0.0625),
    biases: undefined,
  },
  {
    name: "second.weight",
    rows: 2,
    columns: 3,
    weights: Float64Array.of(-0.25, 0.9, 0.001, 0.62, -3.75, 0.2),
    biases: Float64Array.of(0.4, -0.8),
  },
];

/** The candidates of a group of a layer, in steps of the grid, drawn by the oracle's own generator. */
function oracleCandidates(
  seed: bigint,
  layer: number,
  sharing: Sharing,
  group: number,
  items: number,
): number[] {
  const key = oracleThreefry(
    [seed & 0xffffffffn, seed >> 32n],
    [2n ** 21n + BigInt(layer), sharing === "row" ? 1n : 0n],
  );
  return Array.from({ length: items }, (_, i) => {
    const words = oracleThreefry(key, [BigInt(group), BigInt(Math.floor(i / 2))]);
    return Number(words[i % 2]! >> 7n) - GRID;
  });
}

/** The best of all subsets for a weight: the nearest sum, or the fewest candidates of those within the tolerance. */
function oracleBest(
  candidates: readonly number[],
  weight: number,
  { tolerance = 0.01, sparse = false }: ApproximateRequest,
) {
  const { sums, sizes } = oracleSets(candidates);
  const [center, most] = [Math.round(weight * GRID), Math.floor(tolerance * GRID)];
  const all = Array.from(sums, (sum, mask) => ({
    sum: Number(sum),
    mask: BigInt(mask),
    size: sizes[mask]!,
    distance: Math.abs(Number(sum) - center),
  }));
  const within = all.filter(({ distance }) => distance <= most);
  const chosen = within.length > 0 ? within : all;
  const isSizeFirst = sparse && within.length > 0;
  chosen.sort(
    (a, b) =>
      (isSizeFirst ? a.size - b.size : 0) ||
      a.distance - b.distance ||
      a.sum - b.sum ||
      (sparse ? a.size - b.size : 0) ||
      Number(a.mask - b.mask),
  );
  return { ...chosen[0]!, count: within.length };
}

describe("Subsets of candidates", () => {
  const requests: readonly ApproximateRequest[] = [
    { items: 1, tolerance: 0.05, seed: 3 },
    { items: 7, tolerance: 0.02, seed: 2n ** 63n + 5n },
    { items: 8, tolerance: 1 / 16, sparse: true },
    { items: 11, tolerance: 0.01, candidates: "row", seed: 9 },
    { items: 10, tolerance: 0.03, candidates: "row", sparse: true },
    { items: 9, tolerance: 0 },
  ];
  for (const engineName of ["reference", "cpu", "gpu"] as const)
    test(
      `On the engine ${engineName} sums, subsets, counts and failures are those of all subsets`,
      { tags: engineName === "gpu" ? ["wide"] : [] },
      async () => {
        const engine = await openEngine({ engine: engineName, threads: 2 });
        try {
          // A GPU compiles a pipeline for each number of items, so it gets three of the six requests.
          for (const request of engineName === "gpu" ? requests.slice(2, 5) : requests) {
            const found = await approximateNetwork(engine, layers, request);
            const { items = 21, candidates = "weight", seed = 1 } = request;
            const failures: unknown[] = [];
            let [count, kept] = [0, 0];
            layers.forEach((layer, l) => {
              const { rows, columns, weights, biases } = layer;
              const width = columns + Number(biases !== undefined);
              for (let row = 0; row < rows; row++)
                for (let column = 0; column < width; column++) {
                  const index = row * width + column;
                  const weight = column < columns ? weights[row * columns + column]! : biases![row]!;
                  const group = candidates === "row" ? row : index;
                  const drawn = oracleCandidates(BigInt(seed), l, candidates, group, items);
                  const best = oracleBest(drawn, weight, request);
                  const sum =
                    column < columns
                      ? found.layers[l]!.weights[row * columns + column]!
                      : found.layers[l]!.biases![row]!;
                  expect({ sum: sum * GRID, mask: found.subsets[l]![index] }).toEqual({
                    sum: best.sum,
                    mask: best.mask,
                  });
                  count += best.count;
                  kept += best.size;
                  if (best.count === 0)
                    failures.push({
                      layer: l + 1,
                      row: row + 1,
                      column: column + 1,
                      weight,
                      nearest: best.sum / GRID,
                    });
                }
            });
            const { finding } = found;
            expect(finding).toMatchObject({
              kept,
              failures,
              failed: failures.length,
              weights: 20,
              nonzero: 19,
            });
            expect(finding.meanSubsets).toBeCloseTo(count / 20, 9);
            expect(failures.length).toBeGreaterThan(0);
            expect(failures.length).toBeLessThan(21);
          }
        } finally {
          engine.close();
        }
      },
    );
});

describe("The command", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "exacta-approximate-"));
    const json = layers.map(({ rows, columns, weights, biases }) => ({
      weights: Array.from({ length: rows }, (_, row) => [
        ...weights.subarray(row * columns, (row + 1) * columns),
      ]),
      ...(biases && { biases: [...biases] }),
    }));
    await writeFile(join(folder, "network.json"), JSON.stringify({ layers: json }));
    await writeFile(
      join(folder, "integers.json"),
      '{"bits":2,"activationBits":3,"layers":[{"weights":[[1,2]]}]}',
    );
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const exacta = (words: string) => callCommand(words, folder);

  test("The file has the sums and the subsets of the finding, and failures give status 1", async () => {
    const { status, stdout } = await exacta(
      "approximate network.json --items 12 --out sums.safetensors --json --engine cpu --quiet",
    );
    expect(status).toBe(1);
    const finding = JSON.parse(stdout) as ApproximateFinding;
    // 7.5 is beyond 12 candidates but for a chance below 1e-9.
    expect(finding.failures).toEqual(
      expect.arrayContaining([expect.objectContaining({ layer: 1, row: 3, column: 2 })]),
    );
    // The file is a network, whose weights are sums already: one candidate cannot reach them, many can.
    const again = await exacta(
      "approximate sums.safetensors --items 30 --seed 2 --json --engine cpu --quiet",
    );
    expect(JSON.parse(again.stdout)).toMatchObject({ weights: 20 });
    const { tensors } = readSafetensors(await readFile(join(folder, "sums.safetensors")));
    expect(tensors.map(({ name }) => name).toSorted()).toEqual([
      "layers.0.weight",
      "layers.1.bias",
      "layers.1.weight",
      "subset.1",
      "subset.2",
    ]);
  });

  test("The table lists what is kept and what failed", async () => {
    const { status, stdout } = await exacta(
      "approximate network.json --items 16 --sparse --engine cpu --quiet",
    );
    expect(status).toBe(1);
    expect(stdout).toMatch(/^candidates drawn +320, 16\.00 for each weight$/m);
    expect(stdout).toMatch(/^ +1 +3 +2 +7\.5 +/m);
  });

  test.each([
    ["approximate network.json --items 41", /items: expected an integer in 1\.\.40, got 41/],
    ["approximate network.json --tolerance 0.1", /tolerance: expected a number in 0\.\.0\.0625, got 0\.1/],
    ["approximate network.json --candidates column", /candidates: expected one of weight, row/],
    ["approximate network.json --out sums.npy", /out: expected a name that ends in \.safetensors/],
    ["approximate integers.json", /real weights.*exacta ticket/s],
    ["approximate network.json --mnist", /mnist: expected a network of 784 inputs and 10 outputs/],
  ])("The command %s is refused", async (words, message) => {
    const { status, stdout, stderr } = await exacta(words);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toMatch(message);
  });
});

test(
  "Of 397,000 trained weights two or three fail with 21 candidates, and the network of the sums reads as well",
  { tags: ["wide"], timeout: 600_000 },
  async () => {
    const { status, stdout } = await callCommand(
      "approximate examples/wide-digits/wide-digits.safetensors --mnist --json --engine cpu --quiet",
      process.cwd(),
    );
    expect(status).toBe(1);
    const { weights, failed, largestError, correct, approximateCorrect } = JSON.parse(
      stdout,
    ) as ApproximateFinding;
    expect(weights).toBe(397_000);
    expect([2, 3]).toContain(failed);
    expect(largestError).toBeLessThanOrEqual(0.01);
    // The metadata of the file has this accuracy.
    expect(correct).toBe(9825);
    expect(Math.abs(approximateCorrect! - correct!)).toBeLessThanOrEqual(5);
  },
);
