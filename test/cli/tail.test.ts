// exacta tail as a process: its table, its findings, its files and what it refuses.

import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TailFinding } from "../../src/finding.ts";
import { callCommand } from "./command.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "exacta-tail-"));
}, 120_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const exacta = (words: string) => callCommand(words, folder);
const linesOf = (text: string) =>
  text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as TailFinding);

test("With --json there is one line for each number of items", async () => {
  const { status, stdout } = await exacta(
    "tail --ensemble rssp --half-range 8 --items 1..64 --targets 1,8 --method exact --json --quiet",
  );
  expect(status).toBe(0);
  const findings = linesOf(stdout);
  expect(findings.map(({ kind, items }) => `${kind} ${items}`)).toEqual(
    Array.from({ length: 64 }, (_, i) => `tail ${i + 1}`),
  );
  const { covered, targets, law, method } = findings[63]!;
  expect(covered.failure / 1.7544183473e-15).toBeCloseTo(1, 9);
  expect(targets.map(({ target }) => target)).toEqual([1, 8]);
  expect(covered.failure / law!).toBeCloseTo(1.00008, 5);
  expect(method).toBe("exact");
});

test("Of what no trial saw, the tables of tail and phase print the end of the interval that is known", async () => {
  const tail = await exacta("tail --half-range 64 --items 8 --targets 1 --trials 1000 --engine cpu --quiet");
  const [, low] = /^8 +>(0\.99\d{4}) /m.exec(tail.stdout)!;
  expect(tail.stdout.replaceAll("\n", " ")).toContain(">x: all signs of all trials fail");
  const json = await exacta("tail --half-range 64 --items 8 --targets 1 --trials 1000 --engine cpu --json");
  expect(Number(low)).toBe(Math.floor(linesOf(json.stdout)[0]!.covered.low * 1e6) / 1e6);
  // Four items have 16 subsets, and cannot reach 129 targets. 1 - 0.025^(1 / 1000) is 0.00368.
  const phase = await exacta("phase --half-range 64 --items 4 --trials 1000 --engine cpu --quiet --out rare");
  expect(phase.stdout).toMatch(/^4 .* <3\.7e-3 /m);
  expect(phase.stdout).toContain("<x: no trial reached it; x is the upper end of its interval.");
});

test("The table has at most 100 columns, and the files are written", async () => {
  const { status, stdout, stderr } = await exacta(
    "tail --half-range 3,16 --items 11..13 --targets 1,2,M --trials 200 --engine cpu --quiet --out out",
  );
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  const lines = stdout.split("\n");
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(100);
  expect(stdout).toMatch(/^rssp, M = 3: exact$/m);
  expect(stdout).toMatch(/^rssp, k = 4 \(M = 16\): conditional, 200 trials for each n, seed 1$/m);
  expect(lines.filter((line) => /^1[123] +\d/.test(line))).toHaveLength(6);
  expect(await readdir(join(folder, "out"))).toEqual(
    expect.arrayContaining(["report.html", "results.csv", "results.jsonl"]),
  );
  const findings = linesOf(await readFile(join(folder, "out/results.jsonl"), "utf8"));
  const csv = (await readFile(join(folder, "out/results.csv"), "utf8")).trim().split("\r\n");
  expect(csv).toHaveLength(1 + findings.reduce((sum, { targets }) => sum + 1 + targets.length, 0));
  expect(csv[1]!.split(",").slice(0, 9).join()).toBe(`rssp,,3,11,exact,,,covered,`);
  const report = await readFile(join(folder, "out/report.html"), "utf8");
  expect(report).toContain("How failure decays: rssp");
  expect(report).not.toMatch(/undefined|NaN|<script\s/);
  const printed = await exacta("tail --half-range 3 --items 11 --targets 1,2,M --csv --quiet");
  const common = csv.slice(0, 2).map((line) => line.split(",").slice(0, 13).join());
  expect(
    printed.stdout
      .split("\r\n")
      .slice(0, 2)
      .map((line) => line.split(",").slice(0, 13).join()),
  ).toEqual(common);
});

test("The fewest items for a failure of 1e-12 are found by the tail, with its files", async () => {
  const { status, stdout, stderr } = await exacta(
    "required --bits 0,1 --failure 1e-12,1e-15 --engine cpu --quiet --out fewest",
  );
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  // 2^-n for M = 1, where all items are negative, and (1 + n / 2) 2^-n for M = 2.
  expect(stdout).toMatch(/^0 +1 +1\.58 +40 +50$/m);
  expect(stdout).toMatch(/^1 +2 +2\.32 +45 +55$/m);
  expect(stdout).toMatch(/^exact, on cpu/m);
  const csv = (await readFile(join(folder, "fewest/results.csv"), "utf8")).trim().split("\r\n");
  expect(csv.slice(1).map((line) => line.split(",").slice(0, 5).join())).toContain("uniform,0,1,1e-12,40");
  expect(await readFile(join(folder, "fewest/report.html"), "utf8")).not.toMatch(/undefined|NaN/);
});

test.each([
  [
    "--failure 1e-9 --method counts",
    /^failure.*: expected at least 0\.000001 for the method counts, got 1e-9; use --method tail\n$/,
  ],
  [
    "--failure 1e-9 --shard 0/2",
    /^shard: expected the method counts, which keeps a journal, got "0\/2"; use --method counts\n$/,
  ],
  ["--failure 1e-16", /^failure.*: expected a number in 1e-15\.\.0\.5/],
])("The command required %s is refused", async (words, message) => {
  const { status, stdout, stderr } = await exacta(`required --bits 2 ${words}`);
  expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
  expect(stderr).toMatch(message);
});

test.each([
  [
    "--ensemble rnpp",
    /^ensemble: expected rssp, rssp0, products or products0: .* the items of rnpp have none, got "rnpp"/,
  ],
  ["--half-range 20 --method exact", /^half-range: expected at most 12 for the method exact, got 20\n$/],
  ["--half-range 10 --items 161", /^items: .*0\.\.160/],
  ["--half-range 4 --targets all", /^targets: expected a list of integers of -M\.\.M, got "all"\n$/],
  ["--half-range 4 --trials 3", /^trials: expected an integer in 100\.\./],
  ["--method fast", /^method: expected one of exact, conditional, got "fast"\n$/],
])("The command tail %s is refused", async (words, message) => {
  const { status, stdout, stderr } = await exacta(`tail ${words}`);
  expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
  expect(stderr).toMatch(message);
});

test("A folder with the journal of a sweep is refused, whose results would be replaced", async () => {
  const swept = await exacta("phase --bits 2 --items 4 --trials 1000 --engine cpu --quiet --out swept");
  expect(swept.status).toBe(0);
  const before = await readFile(join(folder, "swept/results.jsonl"), "utf8");
  for (const command of ["tail --half-range 3 --items 11", "required --bits 0 --failure 1e-12"]) {
    const { status, stderr } = await exacta(`${command} --engine cpu --quiet --out swept`);
    expect(status).toBe(2);
    expect(stderr).toContain("out: expected a folder without the journal of a sweep, got");
  }
  expect(await readFile(join(folder, "swept/results.jsonl"), "utf8")).toBe(before);
});
