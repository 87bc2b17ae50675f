// exacta width as a process: its table, its findings, its files and what it refuses.

import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { WidthFinding } from "../../src/finding.ts";
import { callCommand } from "./command.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "exacta-width-"));
}, 120_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const exacta = (words: string) => callCommand(words, folder);

test("The table has at most 100 columns, and the files are written", async () => {
  const { status, stdout, stderr } = await exacta(
    "width --bits 1,2 --width 2 --trials 50 --engine cpu --quiet --out out",
  );
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  const lines = stdout.split("\n");
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(100);
  const row = (k: number) => lines.find((line) => line.startsWith(`${k}   `))!;
  expect(row(1)).toMatch(
    /^1 +2 +2 +1 +\d+ \(\d+\) +\d+ \(\d+\) +(> )?\d+ \(\d+\) +12 +[\d,]+ +[\d.]+x +[\d.]+x$/,
  );
  expect(stdout).toMatch(/50 networks each, weights without 0, seed 1, on cpu/);
  expect((await readdir(join(folder, "out"))).toSorted()).toEqual([
    "journal",
    "provenance.json",
    "report.html",
    "results.csv",
    "results.jsonl",
  ]);
  const findings = (await readFile(join(folder, "out/results.jsonl"), "utf8"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as WidthFinding);
  const csv = (await readFile(join(folder, "out/results.csv"), "utf8")).trim().split("\r\n");
  expect(csv).toHaveLength(1 + findings.reduce((sum, { curve }) => sum + curve.length, 0));
  const report = await readFile(join(folder, "out/report.html"), "utf8");
  expect(report).toContain("A random network contains one layer of 2 inputs and outputs");
  expect(report).not.toMatch(/undefined|NaN|<script\s/);
});

test("There is a finding for each combination, which can be reproduced by itself", async () => {
  const options = "--trials 20 --seed 3 --initial-bits 4 --engine cpu --json --quiet";
  const { stdout } = await exacta(`width --bits 1 --width 1,2 --weight-quantizer away,floor ${options}`);
  const findings = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as WidthFinding);
  expect(findings.map(({ width, weightQuantizer }) => `${width} ${weightQuantizer}`)).toEqual([
    "1 away",
    "2 away",
    "1 floor",
    "2 floor",
  ]);
  const alone = await exacta(`width --bits 1 --width 2 --weight-quantizer floor ${options}`);
  expect(JSON.parse(alone.stdout)).toEqual(findings[3]);
});

test.each([
  ["--bits 9", /^bits: expected an integer in 0\.\.8, got 9\n$/],
  ["--width 0", /^width: expected an integer in 1\.\.64, got 0\n$/],
  ["--bits 1 --target-bits 3", /^target bits: expected at most 2 for theorem 1 and 1 bits, got 3\n$/],
  ["--weight-quantizer up", /^weight-quantizer: expected one of floor, /],
  ["--max-units none", /^max-units: expected an integer in 1\.\.10000, got "none"\n$/],
])("The command width %s is refused", async (words, message) => {
  const { status, stdout, stderr } = await exacta(`width ${words}`);
  expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
  expect(stderr).toMatch(message);
});
