// exacta tail, and required by the tail: tables, findings, files, what they refuse, and runs that are killed or stopped.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { STOPPED_STATUS } from "../../host/node/commands/command.ts";
import type { TailFinding } from "../../src/finding.ts";
import { buildCommand, callCommand, killCommands, startCommand } from "./command.ts";

let folder: string;
beforeAll(async () => {
  await buildCommand();
  folder = await mkdtemp(join(tmpdir(), "exacta-tail-"));
}, 120_000);
afterEach(killCommands);
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
    /^shard: expected none with the method tail, which chooses its trials by those before, got "0\/2"; use --method counts\n$/,
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

test("A folder with the journal of another sweep is refused, whose results would be replaced", async () => {
  const swept = await exacta("phase --bits 2 --items 4 --trials 1000 --engine cpu --quiet --out swept");
  expect(swept.status).toBe(0);
  const before = await readFile(join(folder, "swept/results.jsonl"), "utf8");
  for (const command of ["tail --half-range 3 --items 11", "required --bits 0 --failure 1e-12"]) {
    const { status, stderr } = await exacta(`${command} --engine cpu --quiet --out swept`);
    expect(status).toBe(2);
    expect(stderr).toMatch(
      /: expected .* as in this command, got .*; the journal is of another sweep; choose another folder/,
    );
  }
  expect(await readFile(join(folder, "swept/results.jsonl"), "utf8")).toBe(before);
});

const ENGINE = "--engine cpu --threads 1 --quiet";
/** Two configurations by trials, each of which takes a thread about half a second, and one that is computed exactly. */
const TAILS = `tail --half-range 64,3,80 --items 30..33 --trials 20000 ${ENGINE}`;
/** Trials with about eight numbers of items for each of three pools. */
const SEARCH = `required --bits 6 --failure 1e-6 --method tail --trials 2000 ${ENGINE}`;
/** The same with more trials and one configuration by trials: three units of 2^15 trials, the last of which is partial. */
const LONG_TAILS = TAILS.replace("64,3,80", "64,3").replace("20000", "70000");

/** The numbers of a folder of results. */
const numbersIn = (out: string) =>
  Promise.all(["results.jsonl", "results.csv"].map((name) => readFile(join(folder, out, name), "utf8")));

/** The journals of a folder of results, by their names. */
const journalsIn = (out: string) => {
  const journal = join(folder, out, "journal");
  if (!existsSync(journal)) return [];
  return readdirSync(journal).map((name) => ({ name, text: readFileSync(join(journal, name), "utf8") }));
};

/** The number of ranges that the journals of a folder have on the disk. */
const rangesIn = (out: string) =>
  journalsIn(out).reduce((sum, { text }) => sum + text.split('\n{"part"').length - 1, 0);

/** The trials of these ranges. How many units a range joins depends on the time between two writes. A line may be torn. */
const trialsIn = (out: string) =>
  journalsIn(out)
    .flatMap(({ text }) => text.split("\n").slice(1, -1))
    .reduce((sum, line) => sum + ((JSON.parse(line) as { count?: number }).count ?? 0), 0);

/** Starts a command that counts into a folder, and sends it a signal when its journals have more than some ranges. */
async function endAt(words: string, out: string, signal: NodeJS.Signals, ranges: number) {
  const { child, outcome } = startCommand(`${words} --out ${out}`.split(" "), folder);
  child.stdin.end();
  let isDone = false;
  void outcome.then(() => (isDone = true));
  while (!isDone && rangesIn(out) <= ranges) await sleep(2);
  child.kill(signal);
  return outcome;
}

const NO_FAULT = { status: 0, stderr: "" };

describe.runIf(process.platform === "linux")("A tail that is ended", () => {
  for (const [name, words, ranges] of [
    ["tail", TAILS, 0],
    ["required", SEARCH, 6],
  ] as const)
    test(
      `The command ${name} that is killed goes on behind its journal, and ends with the bytes of an undisturbed one`,
      name === "tail" ? {} : { tags: ["wide"] },
      async () => {
        expect(await callCommand(`${words} --out ${name}-once`, folder)).toMatchObject(NO_FAULT);
        await endAt(words, `${name}-killed`, "SIGKILL", ranges);
        expect(existsSync(join(folder, `${name}-killed/results.jsonl`))).toBe(false);
        const before = rangesIn(`${name}-killed`);
        expect(await callCommand(`${words} --out ${name}-killed`, folder)).toMatchObject(NO_FAULT);
        expect(await numbersIn(`${name}-killed`)).toEqual(await numbersIn(`${name}-once`));
        // Nothing is counted twice: the second journal has the other trials.
        expect(before).toBeGreaterThan(0);
        expect(trialsIn(`${name}-once`)).toBeGreaterThan(0);
        expect(trialsIn(`${name}-killed`)).toBe(trialsIn(`${name}-once`));
      },
    );

  test.each([
    ["tail", LONG_TAILS],
    ["required", SEARCH],
  ])(
    "A signal of each kind at a random moment changes no byte of the command %s",
    { tags: ["wide"] },
    async (name, words) => {
      await callCommand(`${words} --out ${name}-calm`, folder);
      const most = rangesIn(`${name}-calm`);
      const signals = ["SIGKILL", "SIGTERM", "SIGINT"] as const;
      let [sent, state] = [0, 12];
      const random = (below: number) => {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
        return Math.floor((state / 2 ** 32) * below);
      };
      const out = `${name}-disturbed`;
      while (sent < signals.length) {
        await rm(join(folder, out), { recursive: true, force: true });
        for (let at = random(3); at < most; at += 1 + random(4)) {
          const { status, stderr } = await endAt(words, out, signals[sent % signals.length]!, at);
          expect({ stderr, isKnown: [0, null, STOPPED_STATUS].includes(status) }).toEqual({
            stderr: "",
            isKnown: true,
          });
          if (status === 0) break;
          sent++;
        }
        expect(await callCommand(`${words} --out ${out}`, folder)).toMatchObject(NO_FAULT);
        expect(await numbersIn(out)).toEqual(await numbersIn(`${name}-calm`));
      }
    },
  );

  test("SIGTERM stops a tail of hours with status 75, and keeps the units that are done", async () => {
    const words =
      "tail --half-range 16 --items 10 --trials 4e9 --engine cpu --threads 1 --progress json --out hours";
    const { child, outcome } = startCommand(words.split(" "), folder);
    child.stdin.end();
    child.stderr.on("data", (text: string) => /"done":[1-9]/.test(text) && child.kill("SIGTERM"));
    const { status, stderr } = await outcome;
    expect({ status, stderr }).toMatchObject({ status: STOPPED_STATUS });
    expect(rangesIn("hours")).toBeGreaterThan(0);
    // A configuration that lacks trials has no findings.
    expect(await readFile(join(folder, "hours/results.jsonl"), "utf8")).toBe("");
  });

  test("SIGTERM stops a tail with status 75 while it computes exactly", async () => {
    const words = "tail --half-range 11 --method exact --items 160 --engine reference --progress json";
    const { child, outcome } = startCommand(words.split(" "), folder);
    child.stdin.end();
    child.stderr.once("data", () => setTimeout(() => child.kill("SIGTERM"), 300));
    const { status, stderr } = await outcome;
    expect({ status, stderr }).toMatchObject({ status: STOPPED_STATUS });
  });
});

test("Shards of a tail merge into the bytes of one run", async () => {
  // A unit of 2^17 trials and a group of four.
  const words = `tail --half-range 64,3 --items 33 --trials 131076 ${ENGINE}`;
  await callCommand(`${words} --out shards-once`, folder);
  for (const index of [0, 1])
    expect(await callCommand(`${words} --shard ${index}/2 --out shard-${index}`, folder)).toMatchObject({
      status: 0,
    });
  const half = await callCommand("merge shard-1 --out half --quiet", folder);
  expect([half.status, half.stderr]).toEqual([
    1,
    expect.stringMatching(/^part 0: trials 0\.\.\d+ of 131076 are missing\n/),
  ]);
  expect(await callCommand("merge shard-1 shard-0 --out merged --quiet", folder)).toMatchObject(NO_FAULT);
  expect(await numbersIn("merged")).toEqual(await numbersIn("shards-once"));
});

test.each([
  "tail --half-range 9,3 --items 12 --trials 400",
  "required --bits 6 --failure 0.4 --method tail --trials 100",
])("A flipped byte in the journal of %s is found and named", async (words) => {
  const out = `flipped-${words.slice(0, 4)}`;
  const command = `${words} --engine reference --quiet --out ${out}`;
  expect(await callCommand(command, folder)).toMatchObject(NO_FAULT);
  const [{ name, text }] = journalsIn(out) as [{ name: string; text: string }];
  const numbers = await numbersIn(out);
  // A digit of a word in the second line.
  const at = text.indexOf('"words":[', text.indexOf("\n")) + 9;
  const digit = String((Number(text[at]) + 1) % 10);
  await writeFile(join(folder, out, "journal", name), text.slice(0, at) + digit + text.slice(at + 1));
  const { status, stderr } = await callCommand(command, folder);
  expect([status, stderr]).toEqual([
    2,
    expect.stringMatching(new RegExp(`${name}: line 2 at byte \\d+: checksum: expected`)),
  ]);
  await writeFile(join(folder, out, "journal", name), text);
  expect(await callCommand(command, folder)).toMatchObject(NO_FAULT);
  expect(await numbersIn(out)).toEqual(numbers);
});

test("More trials of a tail are refused, since their weights follow from how many there are", async () => {
  const words = "tail --half-range 9 --items 4 --trials 100 --engine reference --quiet --out extended";
  expect(await callCommand(words, folder)).toMatchObject(NO_FAULT);
  const { status, stderr } = await callCommand(`${words} --extend 100`, folder);
  expect([status, stderr]).toEqual([
    2,
    "extend: expected a sweep that can have more trials, got 100; how many there are decides how each trial is weighted\n",
  ]);
  const other = await callCommand(words.replace("--trials 100", "--trials 104"), folder);
  expect([other.status, other.stderr]).toEqual([
    2,
    expect.stringMatching(/trials: expected 104 as in this command, got 100;/),
  ]);
});
