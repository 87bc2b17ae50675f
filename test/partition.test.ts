// Perfect partitions at fixed lambda: trials against an enumeration of all signs, the prediction against small instances counted
// whole, and the command with its journal.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { measurePartition } from "../host/experiments/partition.ts";
import { openEngine } from "../host/node/index.ts";
import { partitionConfig, partitionItems } from "../src/experiments/partition.ts";
import type { PartitionFinding } from "../src/finding.ts";
import { partitionPrediction } from "../src/theory/window.ts";
import { callCommand } from "./cli/command.ts";
import { oracleThreefry } from "./oracle.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "exacta-partition-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));
const exacta = (words: string) => callCommand(words, folder);

const linesOf = (text: string) =>
  text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as PartitionFinding);

/** Whether some choice of signs adds the numbers up to -1, 0 or 1. */
function isPerfect(numbers: readonly number[]): boolean {
  let sums = new Set([0]);
  for (const number of numbers) sums = new Set([...sums].flatMap((sum) => [sum + number, sum - number]));
  return [-1, 0, 1].some((sum) => sums.has(sum));
}

/** The numbers of a trial: remainders of 53 random bits, by the oracle's own generator. */
function oracleNumbers(seed: bigint, items: number, halfRange: number, trial: number): number[] {
  const high = BigInt(Math.floor(halfRange / 2 ** 32));
  const stream: [bigint, bigint] = [2n ** 22n + BigInt(items) + 64n * high, BigInt(halfRange) % 2n ** 32n];
  const key = oracleThreefry([seed % 2n ** 32n, seed / 2n ** 32n], stream);
  const M = BigInt(halfRange);
  return Array.from({ length: items }, (_, i) => {
    for (let attempt = 0; ; attempt++) {
      const [x, y] = oracleThreefry(key, [BigInt(trial), BigInt(i + 40 * attempt)]);
      const bits = (x >> 11n) * 2n ** 32n + y;
      if (bits / M < 2n ** 53n / M) return Number(bits % M) + 1;
    }
  });
}

test("Trials draw the oracle's numbers, and every engine counts the perfect ones", async () => {
  const engines = await Promise.all(
    (["reference", "cpu", "gpu"] as const).map((engine) => openEngine({ engine, threads: 2 })),
  );
  for (const [items, lambda] of [
    [1, 0],
    [8, -2],
    [11, 0.5],
    [12, 3],
  ] as const) {
    const request = { items, lambda, trials: 150, seed: 2n ** 40n + 7n };
    const config = partitionConfig(request);
    const trials = Array.from({ length: request.trials }, (_, trial) =>
      oracleNumbers(request.seed, items, config.halfRange, trial),
    );
    expect(trials.map((_, trial) => partitionItems(config, trial))).toEqual(trials);
    const perfect = trials.filter(isPerfect).length;
    // The GPU compiles a pipeline for each number of items, so it counts the two smaller ones only.
    for (const engine of items < 11 ? engines : engines.slice(0, 2)) {
      const finding = await measurePartition(engine, request);
      expect(finding.perfect.probability * request.trials).toBeCloseTo(perfect, 9);
    }
  }
  for (const engine of engines) engine.close();
});

test("Numbers of 45 bits are uniform: their mean and their remainders by 3 are those of the law", () => {
  const config = partitionConfig({ items: 40, lambda: 7.66 });
  expect(Math.log2(config.halfRange)).toBeCloseTo(45, 1);
  const numbers = Array.from({ length: 500 }, (_, trial) => partitionItems(config, trial)).flat();
  const mean = numbers.reduce((sum, number) => sum + number / config.halfRange, 0) / numbers.length;
  expect(Math.abs(mean - 0.5)).toBeLessThan(5 * Math.sqrt(1 / 12 / numbers.length));
  const thirds = numbers.filter((number) => number % 3 === 0).length / numbers.length;
  expect(Math.abs(thirds - 1 / 3)).toBeLessThan(5 * Math.sqrt(2 / 9 / numbers.length));
});

test("The prediction has the exact means of solutions, by integration as well as by addition", () => {
  // All instances of n = 4, M = 3, their signs added up one by one.
  const means = [0, 0, 0];
  for (let index = 0; index < 81; index++) {
    const numbers = Array.from({ length: 4 }, (_, i) => 1 + (Math.floor(index / 3 ** i) % 3));
    const isEven = numbers.reduce((a, b) => a + b) % 2 === 0;
    for (let signs = 0; signs < 16; signs++) {
      const sum = numbers.reduce((total, number, i) => total + ((signs >> i) & 1 ? number : -number), 0);
      if (sum === 0) means[0]! += 1 / 81 / 2;
      if (sum === 1) means[1]! += 1 / 81;
    }
    means[2]! += Number(isEven) / 81;
  }
  const [even, odd] = [means[2]!, 1 - means[2]!];
  const expected = 1 - even * Math.exp(-means[0]! / even) - odd * Math.exp(-means[1]! / odd);
  expect(partitionPrediction(3, 4)).toBeCloseTo(expected, 12);
  // Just below 2^18 sums the terms are added up, just above they are integrated.
  expect(partitionPrediction(2 ** 14 + 4, 16)).toBeCloseTo(partitionPrediction(2 ** 14 - 4, 16), 3);
  expect(partitionPrediction(2 ** 14 + 4, 16)).toBeLessThan(partitionPrediction(2 ** 14 - 4, 16));
});

test("Command phase --lambda writes a table, findings, a report and a journal that goes on", async () => {
  const words = "phase --ensemble rnpp --lambda -1..1 --items 8,10 --engine cpu --quiet --out out --trials";
  const first = await exacta(`${words} 100`);
  expect({ status: first.status, stderr: first.stderr }).toEqual({ status: 0, stderr: "" });
  const lines = first.stdout.split("\n");
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(100);
  expect(lines.filter((line) => /^ +-?[01] +(8|10) +[\d,]+ +0\.\d{4} ±/.test(line))).toHaveLength(6);
  const findings = linesOf(await readFile(join(folder, "out/results.jsonl"), "utf8"));
  expect(findings.map(({ items, lambda, halfRange }) => [items, lambda, halfRange])).toEqual([
    [8, -1, 45],
    [8, 0, 91],
    [8, 1, 181],
    [10, -1, 162],
    [10, 0, 324],
    [10, 1, 648],
  ]);
  expect(await readFile(join(folder, "out/report.html"), "utf8")).toContain("Perfect partitions at fixed");
  const more = await exacta(`${words} 300 --json`);
  const whole = await exacta(
    "phase --ensemble rnpp --lambda -1..1 --items 8,10 --engine cpu --quiet --trials 300 --json",
  );
  expect(linesOf(more.stdout).map(({ perfect }) => perfect)).toEqual(
    linesOf(whole.stdout).map(({ perfect }) => perfect),
  );
});

test.each([
  ["phase --lambda 0", /ensemble: expected rnpp with --lambda/],
  ["phase --ensemble rnpp --lambda 0 --bits 6", /bits: expected nothing beside --lambda/],
  ["phase --ensemble rnpp --lambda 21", /lambda: expected a number in -20\.\.20, got 21/],
  ["phase --ensemble rnpp --lambda 0 --items 41", /items: expected an integer in 1\.\.40, got 41/],
  ["phase --ensemble rnpp --lambda 20 --items 40", /lambda: expected one for which M/],
  ["phase --ensemble rnpp --lambda x", /lambda: expected a number in -20\.\.20, got "x"/],
])("The command %s is refused", async (words, message) => {
  const { status, stdout, stderr } = await exacta(words);
  expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
  expect(stderr).toMatch(message);
});

test(
  "At n = 30 and lambda = 0 measurements are within 5 standard errors of the prediction",
  { tags: ["wide"], timeout: 600_000 },
  async () => {
    const { status, stdout } = await exacta(
      "phase --ensemble rnpp --lambda 0 --items 30 --trials 2000 --engine cpu --json --quiet",
    );
    expect(status).toBe(0);
    const [{ perfect, predicted, trials }] = linesOf(stdout) as [PartitionFinding];
    const error = Math.sqrt((predicted * (1 - predicted)) / trials);
    expect(Math.abs(perfect.probability - predicted)).toBeLessThan(5 * error);
  },
);
